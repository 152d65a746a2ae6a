//! How a trained network wants its samples.

use serde::{Deserialize, Serialize};

use crate::{Element, Error, Layout, Result};

/// The order of the colour channels a model is fed. Data sets hold RGB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelOrder {
    /// As the data has them.
    #[default]
    #[serde(rename = "RGB", alias = "rgb", alias = "none")]
    Rgb,
    /// Blue first: the data's three channels are reversed.
    #[serde(rename = "BGR", alias = "bgr")]
    Bgr,
}

/// How 8-bit images are brought to size: bilinear, half-pixel centres, the filter widened when shrinking (as Pillow
/// does), rounded to 8 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Not at all.
    #[default]
    None,
    /// The shorter side gets this many pixels, the other in proportion (rounded down).
    ShorterSide(usize),
    /// Exactly this height and width.
    Exact([usize; 2]),
}

/// How a trained network wants its samples: `x = ((raw − zero_point) · scale − mean) / std`, after resizing and
/// cropping.
///
/// It is part of a converted network's file, so it is plain data: TOML and JSON by serde, every field optional, unknown
/// fields refused.
///
/// ```
/// # use spikeconverter_data::{Preprocessing, Resize};
/// let text = r#"
/// resize = { shorter_side = 256 }   # or "none", or { exact = [224, 224] }
/// crop = [224, 224]                 # height, width of the centre
/// channel_order = "RGB"             # or "BGR"
/// layout = "NCHW"                   # or "NHWC"; left out: read off the model's input shape
/// zero_point = 0
/// scale = 0.00392156862745098       # left out: 1/255 for unsigned 8-bit data, 1 for any other
/// mean = [0.485, 0.456, 0.406]      # per channel in the order fed, or one number for all, or none
/// std = [0.229, 0.224, 0.225]
/// label_offset = 0                  # predicted label = argmax(output) − label_offset
/// "#;
/// let p = Preprocessing::from_toml(text).unwrap();
/// assert_eq!(p.resize, Resize::ShorterSide(256));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Subtracted from raw values first, in raw units.
    pub zero_point: f64,
    /// Factor on raw values; `None`: 1/255 for unsigned 8-bit data, 1 for any other ([`Preprocessing::resolved`]
    /// settles it).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// Subtracted after scaling, in scaled units: one per channel in the order fed, one for all, or empty for 0.
    pub mean: Vec<f64>,
    /// Divisor: one per channel in the order fed, one for all, or empty for 1.
    pub std: Vec<f64>,
    /// Order of the colour channels as fed.
    pub channel_order: ChannelOrder,
    /// How 8-bit images are brought to size.
    pub resize: Resize,
    /// Height and width of the centre that is kept, after resizing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop: Option<[usize; 2]>,
    /// The model's axis order; `None`: read off its input shape ([`Layout::of`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// Predicted label = argmax(output) − this. 1 where output 0 is a background class.
    pub label_offset: i64,
}

/// Preprocessing's arithmetic as one multiplication and one addition, `x = raw · mul + add`, per channel in the order
/// fed.
///
/// Both vectors have the same length: 1 (all channels alike) or the number of channels.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalisation {
    /// Factors.
    pub mul: Vec<f64>,
    /// Summands.
    pub add: Vec<f64>,
}

impl Normalisation {
    /// `(mul, add)` of a channel; the last (or only) pair for channels beyond the end.
    pub fn channel(&self, channel: usize) -> (f64, f64) {
        let at = |values: &[f64], neutral| values.get(channel).or(values.last()).copied().unwrap_or(neutral);
        (at(&self.mul, 1.0), at(&self.add, 0.0))
    }
}

impl Preprocessing {
    /// Reads the schema shown above.
    ///
    /// # Errors
    /// [`Error::Preprocessing`] if the text is not of this schema or a value makes no sense (see
    /// [`Preprocessing::check`]).
    pub fn from_toml(text: &str) -> Result<Self> {
        let parsed: Self = toml::from_str(text).map_err(|error| wrong(error.to_string().trim().replace('\n', " ")))?;
        parsed.check()?;
        Ok(parsed)
    }

    /// Checks what can be checked without data or model: finite numbers, no zero scale or deviation, matching lengths,
    /// sizes above 0.
    ///
    /// # Errors
    /// [`Error::Preprocessing`] naming the field.
    pub fn check(&self) -> Result<()> {
        if !self.zero_point.is_finite() || !self.mean.iter().all(|m| m.is_finite()) {
            return Err(wrong("zero_point and mean must be finite numbers"));
        }
        if self.scale.is_some_and(|scale| !scale.is_finite() || scale == 0.0) {
            return Err(wrong("scale must be a finite number other than 0"));
        }
        if !self.std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return Err(wrong("each std must be a finite number above 0"));
        }
        if self.mean.len() > 1 && self.std.len() > 1 && self.mean.len() != self.std.len() {
            return Err(wrong(format!(
                "mean has {} channels but std has {}; give both the same number",
                self.mean.len(),
                self.std.len()
            )));
        }
        let sizes = match self.resize {
            Resize::None => vec![],
            Resize::ShorterSide(side) => vec![side],
            Resize::Exact(sides) => sides.to_vec(),
        };
        if sizes.iter().chain(self.crop.iter().flatten()).any(|side| !(1..=1 << 16).contains(side)) {
            return Err(wrong("resize and crop must be from 1 to 65536 pixels"));
        }
        Ok(())
    }

    /// The same with `scale` settled for data of this number type: this is what belongs in a converted network's file.
    #[must_use]
    pub fn resolved(&self, element: Element) -> Self {
        let usual = if element == Element::U8 { 1.0 / 255.0 } else { 1.0 };
        Self { scale: Some(self.scale.unwrap_or(usual)), ..self.clone() }
    }

    /// The arithmetic for data of this number type, as one multiplication and one addition in `f64`, so that a
    /// converter can fold it into the first layer.
    ///
    /// # Errors
    /// [`Error::Preprocessing`] if [`Preprocessing::check`] fails or a factor or summand is not a finite `f32`.
    pub fn normalisation(&self, element: Element) -> Result<Normalisation> {
        self.check()?;
        let scale = self.resolved(element).scale.unwrap_or(1.0);
        let channels = self.mean.len().max(self.std.len()).max(1);
        let at = |values: &[f64], c: usize, neutral| values.get(c).or(values.first()).copied().unwrap_or(neutral);
        let mul: Vec<f64> = (0..channels).map(|c| scale / at(&self.std, c, 1.0)).collect();
        let add: Vec<f64> = (0..channels)
            .map(|c| -(self.zero_point * scale + at(&self.mean, c, 0.0)) / at(&self.std, c, 1.0))
            .collect();
        if mul.iter().chain(&add).all(|v| (*v as f32).is_finite()) {
            Ok(Normalisation { mul, add })
        } else {
            Err(wrong("scale, mean and std together give numbers beyond float32; check their units"))
        }
    }

    /// The label that output number `argmax` stands for; `None` if it stands for none (a background class).
    pub fn predicted_label(&self, argmax: usize) -> Option<u32> {
        u32::try_from(i64::try_from(argmax).ok()?.checked_sub(self.label_offset)?).ok()
    }
}

pub(crate) fn wrong(what: impl Into<String>) -> Error {
    Error::Preprocessing { what: what.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_folds() {
        let p = Preprocessing {
            zero_point: 83.0,
            scale: Some(0.5),
            mean: vec![1.0, 2.0],
            std: vec![4.0],
            ..Preprocessing::default()
        };
        let n = p.normalisation(Element::I8).unwrap();
        for c in 0..2 {
            let (mul, add) = n.channel(c);
            assert_eq!(7.0 * mul + add, ((7.0 - 83.0) * 0.5 - p.mean[c]) / 4.0);
        }
    }

    #[test]
    fn scale_depends_on_the_data_unless_given() {
        let p = Preprocessing::default();
        assert_eq!(p.normalisation(Element::U8).unwrap().mul, [1.0 / 255.0]);
        assert_eq!(p.normalisation(Element::I8).unwrap().mul, [1.0]);
        assert_eq!(p.resolved(Element::U8).normalisation(Element::F32).unwrap().mul, [1.0 / 255.0]);
    }

    #[test]
    fn survives_toml_and_json() {
        let p = Preprocessing {
            scale: Some(1.0 / 127.5),
            mean: vec![0.1, 0.2, 0.3],
            resize: Resize::Exact([96, 128]),
            crop: Some([90, 90]),
            layout: Some(Layout::Nhwc),
            channel_order: ChannelOrder::Bgr,
            label_offset: 1,
            ..Preprocessing::default()
        };
        for p in
            [p, Preprocessing::default(), Preprocessing { resize: Resize::ShorterSide(9), ..Preprocessing::default() }]
        {
            assert_eq!(Preprocessing::from_toml(&toml::to_string(&p).unwrap()).unwrap(), p);
            assert_eq!(serde_json::from_str::<Preprocessing>(&serde_json::to_string(&p).unwrap()).unwrap(), p);
        }
    }

    #[test]
    fn refuses_nonsense() {
        for text in [
            "sclae = 1",
            "scale = 0",
            "std = [0.0]",
            "mean = [nan]",
            "mean = [1, 2]\nstd = [1, 2, 3]",
            "crop = [0, 4]",
            "scale = 1e300",
        ] {
            let p = Preprocessing::from_toml(text).and_then(|p| p.normalisation(Element::U8));
            assert!(matches!(p, Err(Error::Preprocessing { .. })), "{text}");
        }
    }

    #[test]
    fn background_stands_for_no_label() {
        let p = Preprocessing { label_offset: 1, ..Preprocessing::default() };
        assert_eq!((p.predicted_label(0), p.predicted_label(5)), (None, Some(4)));
    }
}
