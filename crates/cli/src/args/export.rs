//! Arguments of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spikeconverter_pipeline::ExportFormat;
use spikeconverter_pipeline::formats::c::Steps;
use spikeconverter_pipeline::formats::nir::{Pooling, Target};

#[derive(Debug, Args)]
#[command(after_help = "\
onnx: standard operators of operator set 17, for any runtime. Folded: a whole window in one pass, each population a \
quantisation of its own; with --weights i8 every value is this program's, bit for bit. With --unrolled the literal \
simulation, every time step with nodes of its own, so that anyone can check the folded form; streaming networks have this \
form only. The input is what the network takes: preprocessed samples, or with --input pixels the raw ones as float. Nodes \
keep their names; metadata hold T, method, preprocessing and source.

c: an integer network (--weights i8) as one C99 file and its header, with fixed buffers and nothing but stdint.h. The window as a code, or with --steps spikes literally spike by spike; both give this program's spikes and accumulators. NAME_run takes the sample's bytes and gives the accumulators; NAME is the file's name. What follows the read-out (softmax) is the caller's.

nir: a streaming network as a graph of the neuromorphic intermediate representation. Thresholds are folded into weights, so that \
every neuron has threshold 1 and resistance 1. NIR leaves it to importers what a neuron does when it fires; --target says what \
the one in question makes of the network, and a network that it does not run as it is meant is refused without --force. \
Without --target the verdicts of all are printed.

Examples:
  spikeconverter export net.snn --to onnx -o net.onnx
  spikeconverter export net.snn --to onnx --unrolled -o steps.onnx
  spikeconverter export net.snn --to c -o net.c
  spikeconverter export net.snn --to c --steps spikes -o net.c
  spikeconverter export net.snn --to nir -o net.nir
  spikeconverter export net.snn --to nir --target norse -o net.nir")]
pub(crate) struct ExportArgs {
    /// The converted network
    #[arg(value_name = "NET.snn")]
    pub(crate) network: PathBuf,

    /// What to export to
    #[arg(long, value_enum)]
    pub(crate) to: FormatArg,

    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,

    /// Every time step with nodes of its own (onnx)
    #[arg(long)]
    pub(crate) unrolled: bool,

    /// How a window is run (c); folded unless said
    #[arg(long, value_enum)]
    pub(crate) steps: Option<StepsArg>,

    /// The program that is to import it (nir)
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub(crate) target: Option<TargetArg>,

    /// How means over windows are written (nir); as --target reads them unless said, otherwise as sums
    #[arg(long, value_enum)]
    pub(crate) pooling: Option<PoolingArg>,

    /// Write it although the target would run another network (nir)
    #[arg(long)]
    pub(crate) force: bool,

    /// Print one JSON object instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Standard ONNX operators
    Onnx,
    /// C99 source and header
    C,
    /// Neuromorphic intermediate representation
    Nir,
}

impl From<FormatArg> for ExportFormat {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Onnx => Self::Onnx,
            FormatArg::C => Self::C,
            FormatArg::Nir => Self::Nir,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TargetArg {
    /// NIR's own words: fires above the threshold, then `v_reset`
    Nir,
    /// sinabs 3.1
    Sinabs,
    /// Norse 1.1
    Norse,
    /// snnTorch 1.0
    Snntorch,
    /// SpikingJelly 2.0
    Spikingjelly,
}

impl From<TargetArg> for Target {
    fn from(target: TargetArg) -> Self {
        match target {
            TargetArg::Nir => Self::Nir,
            TargetArg::Sinabs => Self::Sinabs,
            TargetArg::Norse => Self::Norse,
            TargetArg::Snntorch => Self::SnnTorch,
            TargetArg::Spikingjelly => Self::SpikingJelly,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PoolingArg {
    /// `SumPool2d`, the factor in the weights
    Sum,
    /// `AvgPool2d`
    Average,
    /// A dense convolution, which every importer knows
    Convolution,
}

impl From<PoolingArg> for Pooling {
    fn from(pooling: PoolingArg) -> Self {
        match pooling {
            PoolingArg::Sum => Self::Sum,
            PoolingArg::Average => Self::Average,
            PoolingArg::Convolution => Self::Convolution,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StepsArg {
    /// As a code, in one pass
    Folded,
    /// Spike by spike
    Spikes,
}

impl From<StepsArg> for Steps {
    fn from(steps: StepsArg) -> Self {
        match steps {
            StepsArg::Folded => Self::Folded,
            StepsArg::Spikes => Self::Spikes,
        }
    }
}
