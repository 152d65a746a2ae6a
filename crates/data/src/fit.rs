//! Fits samples to a model's input shape: resize, crop, axis order, channel order, arithmetic.

use std::path::Path;

use crate::batches::Stage;
use crate::preprocessing::wrong;
use crate::resize::{bilinear, crop_start, resized};
use crate::{ChannelOrder, Element, Error, ImageShape, Layout, Normalisation, Preprocessing, Resize, Result};

/// What has to be done to every sample.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The model's per-sample input shape.
    pub(crate) model: Vec<usize>,
    /// Its number of elements, at least 1.
    pub(crate) elements: usize,
    /// The model's input as an image; `None` if it is none (flat, or an unknown axis order).
    pub(crate) image: Option<ImageShape>,
    layout: Option<Layout>,
    resize: Resize,
    crop: Option<[usize; 2]>,
    bgr: bool,
    /// `None` for raw samples.
    arithmetic: Option<Normalisation>,
}

/// A sample as numbers, with its axes where it is an image.
pub(crate) struct Sample {
    pub(crate) values: Vec<f32>,
    pub(crate) image: Option<ImageShape>,
}

impl Plan {
    /// Checks the preprocessing against the model's input shape.
    pub(crate) fn new(preprocessing: &Preprocessing, element: Element, model: &[usize], stage: Stage) -> Result<Self> {
        let elements = model
            .iter()
            .try_fold(1usize, |product, &axis| product.checked_mul(axis))
            .filter(|&n| n > 0 && n <= 1 << 40);
        let elements = elements.ok_or_else(|| {
            wrong(format!(
                "the model's input shape {model:?} is empty or too large; give its sizes without the batch axis"
            ))
        })?;
        let arithmetic = preprocessing.normalisation(element)?;
        let image = ImageShape::of(model, preprocessing.layout);
        let plan = Self {
            model: model.to_vec(),
            elements,
            image,
            layout: preprocessing.layout,
            resize: preprocessing.resize,
            crop: preprocessing.crop,
            bgr: preprocessing.channel_order == ChannelOrder::Bgr,
            arithmetic: (stage == Stage::Normalised).then_some(arithmetic),
        };
        if let Some(image) = image {
            plan.check_channels(image.channels)?;
        }
        Ok(plan)
    }

    fn is_flat(&self) -> bool {
        self.model.iter().filter(|&&axis| axis != 1).count() <= 1
    }

    fn moves_pixels(&self) -> bool {
        self.resize != Resize::None || self.crop.is_some()
    }

    /// Whether the preprocessing suits this many channels.
    fn check_channels(&self, channels: usize) -> Result<()> {
        if self.bgr && channels != 3 {
            return Err(wrong(format!(
                "channel order BGR needs 3 channels, and the model's input of shape {:?} has {channels}; use RGB",
                self.model
            )));
        }
        match self.arithmetic.as_ref().map(|a| a.mul.len()) {
            Some(given) if given != 1 && given != channels => Err(wrong(format!(
                "mean and std are given for {given} channels, and the model's input of shape {:?} has {channels}; \
                    give one number or {channels}",
                self.model
            ))),
            _ => Ok(()),
        }
    }

    /// How a sample of this shape is read: the image it is, or `None` if its numbers are taken over in their order.
    ///
    /// `image` is what is known of the sample's axes. Samples that do not fit the model are refused here, so that all
    /// rows of a file are checked at once.
    pub(crate) fn source(&self, path: &Path, shape: &[usize], image: Option<ImageShape>) -> Result<Option<ImageShape>> {
        let squeezed = |shape: &[usize]| shape.iter().copied().filter(|&axis| axis != 1).collect::<Vec<_>>();
        let (mine, models) = (squeezed(shape), squeezed(&self.model));
        let elements: usize = shape.iter().product();
        let flat = mine.len() <= 1;
        let image = image.filter(|image| !flat || image.height.min(image.width) > 1 || self.moves_pixels());
        if let Some(image) = image {
            let (height, width) = self.size(path, image.height, image.width)?;
            let out = ImageShape { height, width, layout: self.layout.unwrap_or(image.layout), ..image };
            match self.image {
                Some(model) if model.same_size(&out) => return Ok(Some(image)),
                Some(model) if (model.height, model.width) == (height, width) => {
                    return Err(Error::Channels {
                        path: path.to_path_buf(),
                        sample: shape.to_vec(),
                        sample_channels: image.channels,
                        model: self.model.clone(),
                        model_channels: model.channels,
                    });
                }
                _ if self.is_flat() && out.height * out.width * out.channels == self.elements => {
                    if out.channels > 1 && self.layout.is_none() {
                        return Err(wrong(format!(
                            "a sample of shape {:?} can be flattened to the model's {:?} channels first or \
                                channels last; set layout to NCHW or NHWC",
                            out.shape(),
                            self.model
                        )));
                    }
                    self.check_channels(out.channels)?;
                    return Ok(Some(image));
                }
                _ if self.moves_pixels() => return Err(self.mismatch(path, &out.shape())),
                _ => {}
            }
        } else if self.moves_pixels() {
            return Err(wrong(format!(
                "samples of shape {shape:?} in {} are no images, so they cannot be resized or cropped; leave \
                    resize and crop out",
                path.display()
            )));
        }
        if mine != models && !(elements == self.elements && (flat || (self.is_flat() && image.is_none()))) {
            return Err(self.mismatch(path, shape));
        }
        // The numbers already lie in the model's order.
        self.check_unnamed_axes()?;
        Ok(None)
    }

    /// For a model's input that is no image: whether what is done per channel can be done. A flat input with a stated
    /// layout has its channels first or last.
    fn check_unnamed_axes(&self) -> Result<()> {
        let given = self.arithmetic.as_ref().map_or(1, |a| a.mul.len());
        let channels = given.max(if self.bgr { 3 } else { 1 });
        let known = self.layout.is_some() && self.is_flat() && self.elements.is_multiple_of(channels);
        if self.image.is_some() || channels == 1 || (known && (given == 1 || given == channels)) {
            return Ok(());
        }
        Err(wrong(format!(
            "the model's input of shape {:?} does not say which axis is that of its {channels} channels; set \
                layout to NCHW or NHWC, or give one mean and std",
            self.model
        )))
    }

    fn mismatch(&self, path: &Path, sample: &[usize]) -> Error {
        let both_images = self.image.is_some() && sample.len() >= 2;
        let hint = match self.image {
            Some(image) if both_images => format!(
                "; resize or crop to {}x{} in the preprocessing, or use data of the model's shape",
                image.height, image.width
            ),
            _ => "; use data of the model's shape".into(),
        };
        Error::Shape { path: path.to_path_buf(), sample: sample.to_vec(), model: self.model.clone(), hint }
    }

    /// Height and width after resize and crop.
    fn size(&self, path: &Path, height: usize, width: usize) -> Result<(usize, usize)> {
        let (height, width) =
            resized(self.resize, height, width).map_err(|what| wrong(format!("{}: {what}", path.display())))?;
        match self.crop {
            Some([h, w]) if h > height || w > width => Err(wrong(format!(
                "{}: a crop of {h}x{w} does not fit into an image of {height}x{width}; resize to a larger size first",
                path.display()
            ))),
            Some([h, w]) => Ok((h, w)),
            None => Ok((height, width)),
        }
    }

    /// Resizes 8-bit pixels in HWC order.
    pub(crate) fn resize(&self, path: &Path, pixels: Vec<u8>, image: ImageShape) -> Result<(Vec<u8>, ImageShape)> {
        let (height, width) = resized(self.resize, image.height, image.width)
            .map_err(|what| wrong(format!("{}: {what}", path.display())))?;
        let out = ImageShape { height, width, ..image };
        let pixels = bilinear(pixels, image.channels, (image.height, image.width), (height, width));
        let pixels = pixels.ok_or_else(|| Error::Image {
            path: path.to_path_buf(),
            reason: format!("its pixels do not make an image of {:?}", image.shape()),
        })?;
        Ok((pixels, out))
    }

    /// Whether samples must be resized at all; only 8-bit pixels can be.
    pub(crate) fn resizes(&self) -> bool {
        self.resize != Resize::None
    }

    /// Writes a sample, already resized, to `out` of [`Plan::elements`] numbers. The caller has passed it through
    /// [`Plan::source`].
    pub(crate) fn write(&self, sample: &Sample, out: &mut [f32]) {
        let (source, target, start) = match (sample.image, self.image) {
            (Some(image), model) => {
                let [height, width] = self.crop.unwrap_or([image.height, image.width]);
                let flat =
                    ImageShape { height, width, channels: image.channels, layout: self.layout.unwrap_or(image.layout) };
                (
                    image,
                    model.filter(|m| m.same_size(&flat)).unwrap_or(flat),
                    (crop_start(image.height, height), crop_start(image.width, width)),
                )
            }
            (None, Some(model)) => (model, model, (0, 0)),
            (None, None) => {
                let channels = self.arithmetic.as_ref().map_or(1, |a| a.mul.len()).max(if self.bgr { 3 } else { 1 });
                let channels = if self.elements.is_multiple_of(channels) { channels } else { 1 };
                let image = ImageShape {
                    height: self.elements / channels,
                    width: 1,
                    channels,
                    layout: self.layout.unwrap_or(Layout::Nchw),
                };
                (image, image, (0, 0))
            }
        };
        let (from, to) = (source.strides(), target.strides());
        for channel in 0..target.channels {
            let (mul, add) = self.arithmetic.as_ref().map_or((1.0, 0.0), |a| a.channel(channel));
            let taken = if self.bgr { target.channels - 1 - channel } else { channel };
            for y in 0..target.height {
                let read = taken * from.0 + (y + start.0) * from.1 + start.1 * from.2;
                let write = channel * to.0 + y * to.1;
                for x in 0..target.width {
                    let raw = f64::from(sample.values[read + x * from.2]);
                    out[write + x * to.2] = (raw * mul + add) as f32;
                }
            }
        }
    }
}

/// Rearranges 8-bit numbers to HWC order.
pub(crate) fn to_hwc(bytes: &[u8], image: ImageShape) -> Vec<u8> {
    if image.layout == Layout::Nhwc {
        return bytes.to_vec();
    }
    let plane = image.height * image.width;
    (0..plane).flat_map(|p| (0..image.channels).map(move |c| bytes[c * plane + p])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(
        p: &Preprocessing,
        shape: &[usize],
        known: Option<ImageShape>,
        model: &[usize],
        stage: Stage,
    ) -> Result<Vec<f32>> {
        let plan = Plan::new(p, Element::U8, model, stage)?;
        let image = plan.source(Path::new("d"), shape, known)?;
        let values = (0..shape.iter().product::<usize>()).map(|v| v as f32).collect();
        let mut out = vec![f32::NAN; plan.elements];
        plan.write(&Sample { values, image }, &mut out);
        Ok(out)
    }

    fn raw(p: &Preprocessing, shape: &[usize], model: &[usize]) -> Result<Vec<f32>> {
        run(p, shape, ImageShape::of(shape, None), model, Stage::Raw)
    }

    #[test]
    fn axes_are_reordered() {
        let p = Preprocessing::default();
        let chw = raw(&p, &[2, 2, 3], &[3, 2, 2]).unwrap();
        assert_eq!(chw, [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.]);
        let hwc = raw(&p, &[3, 2, 2], &[2, 2, 3]).unwrap();
        assert_eq!(hwc, [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.]);
    }

    #[test]
    fn singletons_and_flat_inputs() {
        let p = Preprocessing::default();
        let same: Vec<f32> = (0..20u8).map(f32::from).collect();
        for (shape, model) in [
            (&[4, 5][..], &[4, 5, 1][..]),
            (&[4, 5], &[1, 4, 5]),
            (&[4, 5, 1], &[1, 4, 5]),
            (&[4, 5], &[20]),
            (&[20], &[4, 5, 1]),
            (&[20], &[20]),
            (&[1, 20], &[20, 1, 1]),
            (&[2, 2, 5], &[2, 2, 5]),
            (&[2, 2, 5], &[20]),
            (&[20, 1], &[1, 20]),
        ] {
            assert_eq!(raw(&p, shape, model).unwrap(), same, "{shape:?} {model:?}");
        }
        assert!(matches!(raw(&p, &[4, 5], &[1, 5, 4]), Err(Error::Shape { .. })));
        assert!(matches!(raw(&p, &[4, 5], &[21]), Err(Error::Shape { .. })));
        assert!(matches!(raw(&p, &[2, 2, 3], &[1, 2, 2]), Err(Error::Channels { .. })));
    }

    #[test]
    fn flattening_colour_needs_a_layout() {
        assert!(matches!(raw(&Preprocessing::default(), &[2, 2, 3], &[12]), Err(Error::Preprocessing { .. })));
        let p = Preprocessing { layout: Some(Layout::Nchw), ..Preprocessing::default() };
        assert_eq!(raw(&p, &[2, 2, 3], &[12]).unwrap(), raw(&p, &[2, 2, 3], &[3, 2, 2]).unwrap());
    }

    #[test]
    fn bgr_and_arithmetic_follow_the_order_fed() {
        let p = Preprocessing {
            channel_order: ChannelOrder::Bgr,
            scale: Some(1.0),
            mean: vec![100., 10., 1.],
            ..Preprocessing::default()
        };
        for (shape, model) in [(&[3, 1, 2][..], &[3, 1, 2][..]), (&[6], &[3, 1, 2])] {
            assert_eq!(
                run(&p, shape, ImageShape::of(shape, Some(Layout::Nchw)), model, Stage::Normalised).unwrap(),
                [-96., -95., -8., -7., -1., 0.]
            );
        }
        assert!(matches!(raw(&p, &[4, 5], &[1, 4, 5]), Err(Error::Preprocessing { .. })));
        let flat = Preprocessing { layout: Some(Layout::Nhwc), ..p };
        assert_eq!(run(&flat, &[6], None, &[6], Stage::Normalised).unwrap(), [-98., -9., -1., -95., -6., 2.]);
    }

    #[test]
    fn crops_the_centre() {
        let p = Preprocessing { crop: Some([2, 2]), ..Preprocessing::default() };
        assert_eq!(raw(&p, &[4, 4], &[1, 2, 2]).unwrap(), [5., 6., 9., 10.]);
        for flat in [&[4][..], &[1, 4], &[4, 1, 1]] {
            assert_eq!(raw(&p, &[4, 4], flat).unwrap(), [5., 6., 9., 10.], "{flat:?}");
        }
        assert!(matches!(raw(&p, &[1, 4], &[1, 2, 2]), Err(Error::Preprocessing { .. })));
        assert!(matches!(raw(&p, &[16], &[1, 2, 2]), Err(Error::Preprocessing { .. })));
    }

    proptest::proptest! {
        #[test]
        fn any_pair_of_shapes_fits_or_is_refused(
            shape in proptest::collection::vec(1usize..5, 1..4),
            model in proptest::collection::vec(0usize..5, 0..4),
            crop in proptest::option::of([1usize..4, 1usize..4]),
            nhwc: bool, explicit: bool, bgr: bool, means in 0usize..4,
        ) {
            let layout = if nhwc { Layout::Nhwc } else { Layout::Nchw };
            let p = Preprocessing {
                crop,
                layout: explicit.then_some(layout),
                channel_order: if bgr { ChannelOrder::Bgr } else { ChannelOrder::Rgb },
                mean: vec![0.5; means],
                ..Preprocessing::default()
            };
            if let Ok(out) = run(&p, &shape, ImageShape::of(&shape, None), &model, Stage::Normalised) {
                proptest::prop_assert!(out.iter().all(|v| v.is_finite()));
            }
        }
    }
}
