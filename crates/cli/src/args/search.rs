//! Arguments of `search`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spikeconverter_convert::Options;
use spikeconverter_pipeline::{Calibration, Objective};

use super::convert::{ThresholdsArg, WeightsArg};
use super::values::{points, positive};
use super::{DataArgs, ModelArgs, PreprocessArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Methods at several T, with one threshold a channel or a layer, with weights calibrated layer by layer or together and, where \
latency counts, in base 3, with two neurons for each activation, a delay, or windows of the layers' own: candidates race in \
rounds. Each round converts them on more calibration samples than the last, compares them on others, and lets the best quarter go on: those that may stay within --max-drop, by cost. The cheapest that is left is measured once more, \
on samples that neither fitted nor chose it; that drop and its 95 % interval are printed, and that network is written.

All samples come from the calibration data: of a folder that holds a training and a test part, from the training part. Test \
samples are never looked at; `spikeconverter eval` does that once, at the end. A network is nearly always right on images that \
it was trained on, so that on them a drop looks larger than it is on new ones; give images that it has not seen where you have \
some. Without labels, the drop is disagreement with the trained network.

Exit code 0: a network was found; 1: none stays within the bound, and nothing is written.

Examples:
  spikeconverter search model.onnx --data cifar10/ --max-drop 0.5 -o net.snn
  spikeconverter search model.onnx --data images/ --max-drop 1 --max-latency 100 --minimise latency
  spikeconverter search model.onnx --data x.npz --methods spikeconverter -T 2,3,4,5,6 --json")]
pub(crate) struct SearchArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// The most accuracy that may be lost, in points (percent of samples)
    #[arg(long, value_name = "POINTS", default_value = "0.5", value_parser = points)]
    pub(crate) max_drop: f64,

    /// The most steps from a sample's first input to its result
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_latency: Option<u32>,

    /// What is made as small as the bounds allow
    #[arg(long, visible_alias = "minimize", value_enum, default_value_t = ObjectiveArg::Energy)]
    pub(crate) minimise: ObjectiveArg,

    /// Where to write the network that is found
    #[arg(short, long, value_name = "NET.snn")]
    pub(crate) output: Option<PathBuf>,

    /// Methods to search; a choice of those that need few steps unless given. `spikeconverter methods` lists them
    #[arg(long, value_name = "NAME,..", value_delimiter = ',', value_parser = super::convert::method)]
    pub(crate) methods: Vec<String>,

    /// Numbers of time steps; 2,3,4,5,6,8 in methods with windows and 4,8,16,32,64 in streaming ones unless given
    #[arg(short = 'T', long, value_name = "T,..", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) time_steps: Vec<u32>,

    /// What shares a threshold; what is better unless said
    #[arg(long, value_enum)]
    pub(crate) thresholds: Option<ThresholdsArg>,

    /// Numbers of the spiking network; i8 leaves methods with windows, whose samples enter as pixels
    #[arg(long, value_enum, default_value_t = WeightsArg::F32)]
    pub(crate) weights: WeightsArg,

    /// Convert on at most N samples; fewer where memory would not hold their values (4 GiB)
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = positive)]
    pub(crate) calibrate: usize,

    /// Measure on N others, half of them to choose and half to confirm
    #[arg(long, value_name = "N", default_value_t = 2048, value_parser = positive)]
    pub(crate) held_out: usize,

    /// Seed of the choice of samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Print all that was tried as one JSON object
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) preprocess: PreprocessArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ObjectiveArg {
    /// Estimated energy of a sample
    Energy,
    /// Steps from a sample's first input to its result
    Latency,
    /// Spikes of a sample
    Spikes,
}

impl SearchArgs {
    /// What is minimised.
    pub(crate) fn objective(&self) -> Objective {
        match self.minimise {
            ObjectiveArg::Energy => Objective::Energy,
            ObjectiveArg::Latency => Objective::Latency,
            ObjectiveArg::Spikes => Objective::Spikes,
        }
    }

    /// What all candidates have in common.
    pub(crate) fn options(&self) -> Options {
        let weights = self.weights.weights();
        let (thresholds, encoding) = (self.thresholds.map(ThresholdsArg::granularity), weights.usual_encoding());
        Options { thresholds, weights, encoding, ..Options::default() }
    }

    /// The choice of samples.
    pub(crate) fn calibration(&self) -> Calibration {
        Calibration { samples: self.calibrate, seed: self.seed, ..Calibration::default() }
    }
}
