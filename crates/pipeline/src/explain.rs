//! Explanation: where a converted network loses accuracy, and what would win it back.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use spikeconverter_convert::ConvertError;
use spikeconverter_convert::explain::{Explainer, Explanation};
use spikeconverter_data::Dataset;
use spikeconverter_engine::Batch;
use spikeconverter_graph::volume;
use spikeconverter_network::SnnFile;

use crate::advice::{Advice, advise};
use crate::convert::name_of;
use crate::evaluate::check_labels;
use crate::stop::{NEVER, check_conversion};
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// Values of both networks that a batch may have (512 MiB, with those on their way).
const BATCH_VALUES: usize = 1 << 26;
/// Largest batch.
const LARGEST_BATCH: usize = 64;

/// What is to be explained, and on what.
#[derive(Debug, Clone)]
pub struct ExplainRequest<'a> {
    /// The converted network.
    pub file: &'a SnnFile,
    /// Its name in messages.
    pub path: &'a Path,
    /// Samples, labelled or not.
    pub data: &'a Dataset,
    /// Whether other settings are tried, which takes a conversion each.
    pub advice: bool,
    /// Set from outside to stop between two layers.
    pub stop: &'a AtomicBool,
}

impl<'a> ExplainRequest<'a> {
    /// A request that tries other settings too.
    pub fn new(file: &'a SnnFile, path: &'a Path, data: &'a Dataset) -> Self {
        Self { file, path, data, advice: true, stop: &NEVER }
    }
}

/// Where accuracy went.
#[derive(Debug, Clone, Serialize)]
pub struct ExplainReport {
    /// The network's file.
    pub file: String,
    /// Its name, without its folder.
    #[serde(skip)]
    pub name: String,
    /// Method of its conversion.
    pub method: String,
    /// Its `T`.
    pub time_steps: u32,
    /// The data.
    pub data: String,
    /// Their name, without their folder.
    #[serde(skip)]
    pub data_name: String,
    /// What was found.
    #[serde(flatten)]
    pub explanation: Explanation,
    /// What other settings win, measured, the most first.
    pub advice: Vec<Advice>,
}

/// Compares trained and spiking network layer by layer.
///
/// # Errors
/// When the data do not suit the network, or [`ExplainRequest::stop`] was set.
pub fn explain(request: &ExplainRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<ExplainReport> {
    let ExplainRequest { file, path, data, stop, .. } = request;
    let refused = |source| match source {
        ConvertError::Stopped => Error::Stopped,
        source => Error::Convert { file: path.to_path_buf(), source: Box::new(source) },
    };
    let feed = SampleFeed::of(file, path)?;
    feed.check_pixels(data, path)?;
    check_labels(data, &feed.preprocessing, &file.ann, path)?;
    let graph = feed.spiking_graph(&file.ann, path)?;
    let shape = file.network.input_shape();

    let nodes = graph.nodes().iter().map(|node| &node.shape);
    let values: usize = nodes.chain(file.network.nodes().iter().map(|node| &node.shape)).map(|s| volume(s)).sum();
    let size = (BATCH_VALUES / values.max(1)).clamp(1, LARGEST_BATCH);
    let mut explainer = None;
    let mut batches = data.batches(&feed.preprocessing, shape, size, feed.stage())?;
    let mut done = 0;
    while let Some(batch) = batches.next().transpose()? {
        let (count, labels) = (batch.count, batch.labels);
        let samples: Batch = feed
            .spiking_input(count, shape, batch.inputs)
            .map_err(|source| Error::Engine { file: path.to_path_buf(), source })?;
        let explainer = match &mut explainer {
            Some(explainer) => explainer,
            none => none.insert(Explainer::new(&file.network, &graph, &samples).map_err(refused)?),
        };
        let layers = explainer.layers().max(1);
        let mut layer = 0;
        explainer
            .add(&samples, labels.as_deref(), feed.preprocessing.label_offset, &mut || {
                layer += 1;
                let (done, total) = (done * layers + layer * count, data.len() * layers);
                progress(Progress { phase: Phase::Explaining, done, total });
                check_conversion(stop)
            })
            .map_err(refused)?;
        done += count;
    }
    let explainer = if let Some(explainer) = explainer {
        explainer
    } else {
        // no samples: nothing but zeros
        let none = Batch::new(0, shape.to_vec(), Vec::new());
        let none = none.map_err(|source| Error::Engine { file: path.to_path_buf(), source })?;
        Explainer::new(&file.network, &graph, &none).map_err(refused)?
    };
    let explanation = explainer.explanation();
    drop(explainer);
    let advice = if request.advice { advise(file, path, data, &feed, &graph, stop, progress)? } else { Vec::new() };
    Ok(ExplainReport {
        file: path.display().to_string(),
        name: name_of(path),
        method: file.provenance.method.clone(),
        time_steps: file.network.time_steps(),
        data: data.path().display().to_string(),
        data_name: name_of(data.path()),
        explanation,
        advice,
    })
}
