use serde::{Deserialize, Serialize};
use spikeconverter_network::{Encoding, NetworkBuilder};
use spikeconverter_neuron::WindowCode;

use crate::ConvertError;
use crate::streaming::Parts;

mod words;

/// The longest window for which weights are calibrated unless it is asked for: beyond, the code's error is too small to
/// show.
const LONGEST_LAYER_CALIBRATION: u32 = 7;
/// The longest window for which they are then calibrated all together: the gain, some points of accuracy there, is lost in
/// longer ones, and the time is not.
const LONGEST_NETWORK_CALIBRATION: u32 = 2;

/// How the base `k` of a population's code is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Base {
    /// Layer by layer, by minimising the conversion error.
    Auto,
    /// The same for all, in `[1, 3]`.
    Fixed(f32),
}

/// What shares a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// All neurons of a layer.
    Layer,
    /// All neurons of a channel (the first axis of a layer's shape).
    Channel,
    /// Nothing: each neuron has its own. Only in streaming networks.
    Neuron,
}

impl Granularity {
    /// All choices.
    const ALL: [Self; 3] = [Self::Layer, Self::Channel, Self::Neuron];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Layer => "layer",
            Self::Channel => "channel",
            Self::Neuron => "neuron",
        }
    }
}

/// Numbers of the spiking network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weights {
    /// 32-bit floating point.
    #[default]
    F32,
    /// Integers throughout: 8-bit weights, symmetric for each output channel; biases, thresholds and potentials are
    /// integers in units of the membrane. The code is binary, and samples enter as pixels.
    I8,
}

impl Weights {
    /// All choices.
    const ALL: [Self; 2] = [Self::F32, Self::I8];

    /// As the command line calls them.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::I8 => "i8",
        }
    }

    /// How samples enter unless it is said.
    pub fn usual_encoding(self) -> Encoding {
        if self == Self::I8 { Encoding::Pixels } else { Encoding::Analog }
    }
}

/// How weights and biases are calibrated, without labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WeightCalibration {
    /// They stay as trained.
    None,
    /// Layer by layer, by least squares on what the spiking layers before deliver.
    Layer,
    /// Then all together, by gradients of the difference from the trained network.
    Network,
}

impl WeightCalibration {
    /// All ways.
    pub const ALL: [Self; 3] = [Self::None, Self::Layer, Self::Network];

    /// As the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Layer => "layer",
            Self::Network => "network",
        }
    }
}

/// What a conversion is asked for. Each method says which of these it uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Options {
    /// `T`: the window length, 1..=16, or the steps of a streaming simulation, 1..=4096.
    pub time_steps: u32,
    /// Base of the code.
    pub base: Base,
    /// What shares a threshold; absent: what the method's paper has, or the channel.
    pub thresholds: Option<Granularity>,
    /// Whether populations round to the nearest train instead of truncating (half a resolution step at the hand-over).
    pub half_step: bool,
    /// Whether each channel gets an initial membrane potential, of least error together with its threshold, layer by
    /// layer on what the spiking layers before it deliver; the read-out's brings back the mean of each result.
    pub bias_correction: bool,
    /// How weights are calibrated; absent, what is worth its time for the window's length.
    #[serde(default)]
    pub weight_calibration: Option<WeightCalibration>,
    /// `δ`: steps after which populations with windows fire, 1..=T; absent, when their windows are over, which is `T`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<u32>,
    /// Steps after which the result is to be there. With a delay, populations that fire after `δ` fire earlier, one after another,
    /// until it is; without, their windows become shorter. Absent: all keep what they have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_latency: Option<u32>,
    /// `N`: populations with windows for each activation, staggered so that together they are of `N` times the resolution.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub copies: u32,
    /// How samples enter.
    pub encoding: Encoding,
    /// Numbers of the spiking network.
    #[serde(default)]
    pub weights: Weights,
    /// Percentile, in (0, 100], of the positive activations that becomes a threshold, in methods that normalise so.
    pub percentile: f64,
    /// Parts of a streaming method that are replaced.
    #[serde(default)]
    pub parts: Parts,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_one(copies: &u32) -> bool {
    *copies == 1
}

fn one() -> u32 {
    1
}

impl Default for Options {
    fn default() -> Self {
        Self {
            time_steps: 8,
            base: Base::Auto,
            thresholds: None,
            half_step: true,
            bias_correction: true,
            weight_calibration: None,
            delay: None,
            max_latency: None,
            copies: 1,
            encoding: Encoding::Analog,
            weights: Weights::F32,
            percentile: 99.9,
            parts: Parts::default(),
        }
    }
}

impl Options {
    /// Checks the ranges.
    ///
    /// # Errors
    /// [`ConvertError::Option`] naming the option.
    pub fn check(&self) -> Result<(), ConvertError> {
        if !(1..=NetworkBuilder::MOST_STREAMING_STEPS).contains(&self.time_steps) {
            let most = NetworkBuilder::MOST_STREAMING_STEPS;
            let reason = format!("{} time steps; a simulation has 1 to {most}", self.time_steps);
            return Err(ConvertError::Option { option: "--time-steps", reason });
        }
        if !(self.percentile > 0.0 && self.percentile <= 100.0) {
            let reason = format!("{} is no percentile; it lies above 0 and is at most 100", self.percentile);
            return Err(ConvertError::Option { option: "--percentile", reason });
        }
        match self.base {
            Base::Fixed(base) if !(1.0..=WindowCode::LARGEST_BASE).contains(&base) => {
                let reason = format!("{base} lies outside [1, 3]; 1 is a rate code, 2 a binary code, 3 a ternary code");
                Err(ConvertError::Option { option: "--base", reason })
            }
            Base::Fixed(base) if base > 2.0 && !self.half_step => {
                let reason = format!("a neuron of base {base} rounds to the nearest; leave --no-half-step out");
                Err(ConvertError::Option { option: "--base", reason })
            }
            Base::Fixed(base) if self.weights == Weights::I8 && base != 2.0 => {
                let reason = format!("i8 networks have base 2, not {base}; leave --base out or choose --weights f32");
                Err(ConvertError::Option { option: "--weights", reason })
            }
            _ if self.weights == Weights::I8 && self.encoding == Encoding::Analog => {
                let reason = "i8 networks read 8-bit pixels; choose --input pixels or --weights f32".to_owned();
                Err(ConvertError::Option { option: "--weights", reason })
            }
            _ => Ok(()),
        }
    }

    /// How weights are calibrated: as asked for, or what wins something at the window's length.
    pub fn implied_weight_calibration(&self) -> WeightCalibration {
        self.weight_calibration.unwrap_or(match self.time_steps {
            t if t <= LONGEST_NETWORK_CALIBRATION => WeightCalibration::Network,
            t if t <= LONGEST_LAYER_CALIBRATION => WeightCalibration::Layer,
            _ => WeightCalibration::None,
        })
    }

    /// The base with what other options imply: integer networks have base 2, online networks what suits their delay.
    pub fn implied_base(&self) -> Base {
        match (self.weights, self.base) {
            (Weights::I8, _) => Base::Fixed(2.0),
            (Weights::F32, Base::Auto) => self.online_base().unwrap_or(Base::Auto),
            (Weights::F32, base) => base,
        }
    }

    /// Checks what methods with windows need beyond [`Options::check`].
    ///
    /// # Errors
    /// [`ConvertError::Option`] naming the option.
    pub fn check_window(&self) -> Result<(), ConvertError> {
        let most = NetworkBuilder::MOST_WINDOW_STEPS;
        if self.time_steps > most {
            let reason = format!(
                "{} time steps; a window has 1 to {most} (methods with schedule stream take more)",
                self.time_steps
            );
            return Err(ConvertError::Option { option: "--time-steps", reason });
        }
        self.check_delay()?;
        self.check_max_latency()?;
        self.check_copies()?;
        if matches!(self.encoding, Encoding::Poisson { .. }) {
            let reason = "random spikes are for methods with schedule stream; choose analog or pixels".to_owned();
            return Err(ConvertError::Option { option: "--input", reason });
        }
        if self.thresholds == Some(Granularity::Neuron) {
            let reason = "a window's neurons share thresholds by layer or channel".to_owned();
            return Err(ConvertError::Option { option: "--thresholds", reason });
        }
        if let Some((option, value)) = self.parts.named().first() {
            let reason = format!("`{value}` is a part of streaming methods, and this one has windows");
            return Err(ConvertError::Option { option, reason });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_gives_the_options_back() {
        let options = Options {
            time_steps: 3,
            base: Base::Fixed(1.5),
            thresholds: Some(Granularity::Layer),
            weight_calibration: Some(WeightCalibration::Network),
            delay: Some(2),
            max_latency: Some(9),
            copies: 2,
            ..Options::default()
        };
        assert_eq!(Options::of_record(&options.record()), Some(options.clone()));
        assert_eq!(
            options.flags(),
            " -T 3 --base 1.5 --thresholds layer --weight-calibration network --delay 2 --max-latency 9 --copies 2"
        );
        let mut record = options.record();
        record.insert("base".into(), "7".into());
        assert_eq!(Options::of_record(&record), None);
        assert_eq!(Options::of_record(&std::collections::BTreeMap::new()), None);
    }

    #[test]
    fn a_delay_is_within_the_window_and_of_real_networks() {
        let of = |delay| Options { time_steps: 4, delay: Some(delay), ..Options::default() };
        let checked = |options: Options| options.check_window().map_err(|e| e.to_string());
        assert!([1, 4].iter().all(|&delay| checked(of(delay)).is_ok()));
        assert!([0, 5].iter().all(|&delay| checked(of(delay)).unwrap_err().contains("--delay")));
        let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..of(2) };
        assert!(checked(integers.clone()).is_err() && checked(Options { delay: Some(4), ..integers }).is_ok());
        assert!(checked(Options { half_step: false, ..of(2) }).is_err());
        assert!(of(4).check_no_delay().is_err() && Options::default().check_no_delay().is_ok());
        assert_eq!([1, 2, 4].map(|delay| of(delay).implied_base()), [Base::Fixed(1.5), Base::Fixed(2.0), Base::Auto]);
    }

    #[test]
    fn what_is_usual_needs_no_flag() {
        assert_eq!(Options { time_steps: 4, ..Options::default() }.flags(), " -T 4");
        let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..Options::default() };
        assert_eq!(integers.flags(), " -T 8 --weights i8");
        assert_eq!(Options::of_record(&integers.record()).unwrap().implied_base(), Base::Fixed(2.0));
    }
}
