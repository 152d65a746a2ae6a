//! How samples are fed to the two networks: what `net.snn` keeps so that evaluation needs only the data.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spikeconverter_data::{Dataset, Element, ImageShape, Layout, Preprocessing, Stage};
use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_network::{Encoding, SnnFile};

use crate::model::input_node;
use crate::{Error, Model, Result};

/// How samples are fed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleFeed {
    /// How the trained network wants its samples; `scale` and (where the model's shape tells) `layout` are settled.
    pub preprocessing: Preprocessing,
    /// Where pixels enter as spikes: the smallest raw value. The spiking network takes `raw − this`, 0..=255.
    pub lowest_pixel: Option<i32>,
}

/// The preprocessing with what was left open settled: the scale by the data's number type, the layout by the model's
/// per-sample input shape.
pub fn settle(preprocessing: &Preprocessing, input_shape: &[usize], element: Element) -> Preprocessing {
    let layout = preprocessing.layout.or_else(|| Layout::of(input_shape));
    Preprocessing { layout, ..preprocessing.resolved(element) }
}

impl SampleFeed {
    /// The feed for a model, data like these, and an encoding.
    pub(crate) fn new(
        preprocessing: &Preprocessing,
        model: &Model,
        data: &Dataset,
        encoding: Encoding,
    ) -> Result<Self> {
        let preprocessing = settle(preprocessing, model.input_shape(), data.element());
        let lowest_pixel = if encoding.takes_pixels() { Some(lowest_pixel(data)?) } else { None };
        Ok(Self { preprocessing, lowest_pixel })
    }

    /// Reads the feed of a converted network; `path` names it in errors.
    ///
    /// # Errors
    /// [`Error::Feed`] when the file does not hold one that fits.
    pub fn of(file: &SnnFile, path: &Path) -> Result<Self> {
        let refuse = |reason: String| Error::Feed { file: path.to_owned(), reason };
        let feed: Self = serde_json::from_value(file.preprocessing.clone()).map_err(|e| refuse(e.to_string()))?;
        feed.preprocessing.check().map_err(|e| refuse(e.to_string()))?;
        if feed.lowest_pixel.is_some() == file.network.encoding().takes_pixels() {
            Ok(feed)
        } else {
            Err(refuse("it does not fit the network's input".into()))
        }
    }

    /// As it is kept in the file.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        // plain data: numbers, words and lists always have a JSON form
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The stage at which the spiking network takes its samples.
    pub(crate) fn stage(&self) -> Stage {
        if self.lowest_pixel.is_some() { Stage::Raw } else { Stage::Normalised }
    }

    /// A batch as the spiking network takes it, from one at [`SampleFeed::stage`].
    pub(crate) fn spiking_input(
        &self,
        count: usize,
        shape: &[usize],
        mut inputs: Vec<f32>,
    ) -> std::result::Result<Batch, EngineError> {
        if let Some(lowest) = self.lowest_pixel.filter(|&lowest| lowest != 0) {
            for x in &mut inputs {
                *x -= lowest as f32;
            }
        }
        Batch::new(count, shape.to_vec(), inputs)
    }

    /// The trained network on the numbers that the spiking network takes: itself, or, for pixels, with the
    /// normalisation of `x = p·mul + (add + lowest·mul)` folded into its first layer.
    /// `file` names the network in errors.
    pub(crate) fn spiking_graph(&self, graph: &Graph, file: &Path) -> Result<Graph> {
        let Some(lowest) = self.lowest_pixel else { return Ok(graph.clone()) };
        let shape = input_node(graph).map_or(&[][..], |node| &node.shape);
        // the scale is settled, so that the number type no longer matters
        let normalisation = self.preprocessing.normalisation(Element::F32)?;
        let image = ImageShape::of(shape, self.preprocessing.layout);
        let channels = normalisation.mul.len();
        let axis = match (channels, image) {
            (1, _) => 0,
            (_, Some(image)) if shape.len() == 3 && image.layout == Layout::Nhwc => 2,
            (_, Some(_)) if shape.len() == 3 => 0,
            _ => return Err(Error::Channels { file: file.to_owned(), channels, shape: shape.to_vec() }),
        };
        let extent = shape.get(axis).copied().unwrap_or(1);
        let (mul, add): (Vec<f64>, Vec<f64>) = (0..extent)
            .map(|channel| normalisation.channel(channel))
            .map(|(mul, add)| (mul, add + f64::from(lowest) * mul))
            .unzip();
        fold_input_normalisation(graph, axis, &mul, &add)
            .map_err(|source| Error::Graph { file: file.to_owned(), source })
    }

    /// Refuses data whose raw values are not those the network was made for.
    pub(crate) fn check_pixels(&self, data: &Dataset, path: &Path) -> Result<()> {
        let Some(expected) = self.lowest_pixel else { return Ok(()) };
        let found = match data.integer_range() {
            Some(range) if range.lo == expected => return Ok(()),
            Some(range) => format!("pixels from {}", range.lo),
            None => format!("{} numbers", data.element()),
        };
        Err(Error::PixelRange { file: path.to_owned(), path: data.path().to_owned(), expected, found })
    }
}

fn lowest_pixel(data: &Dataset) -> Result<i32> {
    let range = data.integer_range();
    range
        .map(|range| range.lo)
        .ok_or_else(|| Error::NotPixels { path: data.path().to_owned(), element: data.element().to_string() })
}
