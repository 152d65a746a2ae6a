//! Arguments of `convert`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spikeconverter_convert::{Base, Granularity, Options, WeightCalibration, Weights};
use spikeconverter_network::Encoding;
use spikeconverter_pipeline::Calibration;

use super::parts::PartsArgs;
use super::values::{base, positive};
use super::{DataArgs, ModelArgs, PreprocessArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
T is the window: each layer accumulates for one window of T steps and fires in the next. 8 is nearly lossless for most \
networks, 4 is often close. In methods with schedule stream, T is the length of the whole simulation, and 32 to some \
hundred steps are usual.

The data calibrate: labels are not needed, a few hundred samples will do, and 32 already help. Of a folder that holds a \
training and a test part, the training part is taken. Where there are none, leave --data out: 8-bit images of random \
overlapping discs stand in for them, which costs accuracy at short windows.

Examples:
  spikeconverter convert model.onnx --data cifar10/ -o net.snn \\
      --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
  spikeconverter convert model.onnx --data calibrate/ --resize 256 --crop 224 -T 6 -o net.snn
  spikeconverter convert model.onnx --data cifar10/ --weights i8 -o net.snn
  spikeconverter convert model.onnx --data cifar10/ --delay 2 -o net.snn
  spikeconverter convert model.onnx --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -o net.snn
  spikeconverter convert model.onnx --data x.npz --preprocess model.toml --base 2 -o net.snn --json
  spikeconverter convert model.onnx --data cifar10/ -T 32 --method li2021-light -o net.snn
  spikeconverter convert model.onnx --data cifar10/ -T 16 --method ltb --neuron group --threshold-rule mmse -o net.snn")]
#[command(mut_arg("data", |arg| arg.required(false)))]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Where to write the spiking network
    #[arg(short, long, value_name = "NET.snn")]
    pub(crate) output: PathBuf,

    /// Time steps: the length of the window, 1 to 16; of the simulation in streaming methods, 1 to 4096
    #[arg(short = 'T', long, value_name = "T", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) time_steps: u32,

    /// Conversion method; `spikeconverter methods` lists them
    #[arg(long, value_name = "NAME", default_value = "spikeconverter", value_parser = method)]
    pub(crate) method: String,

    /// Base of the spike code: the best up to 2 for each layer, or one for all from 1 (rate) through 2 (binary) to 3 (balanced
    /// ternary: spikes of both signs, for windows of few steps)
    #[arg(long, value_name = "auto|1..3", default_value = "auto", value_parser = base)]
    pub(crate) base: Base,

    /// What shares a threshold; in methods with windows the channel, in others what the paper has, unless said
    #[arg(long, value_enum)]
    pub(crate) thresholds: Option<ThresholdsArg>,

    /// Truncate instead of rounding to the nearest spike train
    #[arg(long)]
    pub(crate) no_half_step: bool,

    /// Do not give channels an initial membrane potential of least conversion error
    #[arg(long)]
    pub(crate) no_bias_correction: bool,

    /// How weights and biases are calibrated, in methods with windows: `network` up to T = 2, `layer` up to 7 and
    /// `none` beyond unless said
    #[arg(long, value_enum)]
    pub(crate) weight_calibration: Option<WeightCalibrationArg>,

    /// Fire N steps into the window instead of after it, with signed spikes that take back what was too early: result after
    /// T + N for each layer instead of T for each (method spikeconverter)
    #[arg(long, value_name = "N")]
    pub(crate) delay: Option<u32>,

    /// Have the result after N steps, by layers with shorter windows than T or, with --delay, by layers that fire earlier; those
    /// first that calibration samples miss least (method spikeconverter)
    #[arg(long, value_name = "N")]
    pub(crate) max_latency: Option<u32>,

    /// N neurons for each activation, their potentials staggered: the accuracy of about log2 N more time steps, for N times the
    /// neurons and spikes, without their latency (method spikeconverter)
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) copies: u32,

    /// Percentile of a layer's positive activations that becomes its threshold, in methods that normalise so
    #[arg(long, value_name = "P", default_value_t = 99.9)]
    pub(crate) percentile: f64,

    /// How samples enter; analog unless --weights i8, which takes pixels
    #[arg(long, value_enum)]
    pub(crate) input: Option<InputArg>,

    /// Numbers of the spiking network; i8 implies --input pixels and --base 2
    #[arg(long, value_enum, default_value_t = WeightsArg::F32)]
    pub(crate) weights: WeightsArg,

    /// Calibrate on at most N samples; fewer where memory would not hold their values (4 GiB)
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = positive)]
    pub(crate) calibrate: usize,

    /// Seed of the choice of calibration samples, and of random input spikes
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Print what was decided as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) parts: PartsArgs,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) preprocess: PreprocessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ThresholdsArg {
    /// All neurons of a channel
    Channel,
    /// All neurons of a layer
    Layer,
    /// Nothing: each neuron has its own (methods with schedule stream)
    Neuron,
}

impl ThresholdsArg {
    /// As conversions call it.
    pub(crate) fn granularity(self) -> Granularity {
        match self {
            Self::Channel => Granularity::Channel,
            Self::Layer => Granularity::Layer,
            Self::Neuron => Granularity::Neuron,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightCalibrationArg {
    /// They stay as trained
    None,
    /// Layer by layer, by least squares
    Layer,
    /// Then all together, by gradients of the difference from the trained network: slower, for the shortest windows
    Network,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum InputArg {
    /// The preprocessed sample as a current, in the first step of the window or in each step of a stream
    Analog,
    /// 8-bit pixels as their own 8 binary spikes; in methods with schedule stream again and again
    Pixels,
    /// 8-bit pixels as random spikes, more of them the larger they are (methods with schedule stream)
    Poisson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightsArg {
    /// 32-bit floating point
    F32,
    /// Integers throughout: 8-bit weights, integer biases and thresholds
    I8,
}

impl WeightsArg {
    /// As conversions call them.
    pub(crate) fn weights(self) -> Weights {
        match self {
            Self::F32 => Weights::F32,
            Self::I8 => Weights::I8,
        }
    }
}

impl ConvertArgs {
    /// The conversion's options.
    pub(crate) fn options(&self) -> Options {
        let weights = self.weights.weights();
        Options {
            time_steps: self.time_steps,
            base: self.base,
            thresholds: self.thresholds.map(ThresholdsArg::granularity),
            half_step: !self.no_half_step,
            bias_correction: !self.no_bias_correction,
            weight_calibration: self.weight_calibration.map(|calibration| match calibration {
                WeightCalibrationArg::None => WeightCalibration::None,
                WeightCalibrationArg::Layer => WeightCalibration::Layer,
                WeightCalibrationArg::Network => WeightCalibration::Network,
            }),
            delay: self.delay,
            max_latency: self.max_latency,
            copies: self.copies,
            encoding: match self.input {
                None => weights.usual_encoding(),
                Some(InputArg::Analog) => Encoding::Analog,
                Some(InputArg::Pixels) => Encoding::Pixels,
                Some(InputArg::Poisson) => Encoding::Poisson { seed: self.seed },
            },
            weights,
            percentile: self.percentile,
            parts: self.parts.parts(),
        }
    }

    /// The choice of calibration samples.
    pub(crate) fn calibration(&self) -> Calibration {
        Calibration { samples: self.calibrate, seed: self.seed, ..Calibration::default() }
    }
}

/// A method's name.
pub(super) fn method(text: &str) -> Result<String, String> {
    let names: Vec<&str> = spikeconverter_convert::methods().iter().map(|method| method.info().name).collect();
    if names.contains(&text) { Ok(text.to_owned()) } else { Err(format!("must be one of: {}", names.join(", "))) }
}
