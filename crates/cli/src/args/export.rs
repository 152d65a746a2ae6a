//! Arguments of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
#[command(after_help = "\
onnx: standard operators of operator set 17, for any runtime. Folded: a whole window in one pass, each population a \
quantisation of its own; with --weights i8 every value is this program's, bit for bit. With --unrolled the literal \
simulation, every time step with nodes of its own, so that anyone can check the folded form; streaming networks have this \
form only. The input is what the network takes: preprocessed samples, or with --input pixels the raw ones as float. Nodes \
keep their names; metadata hold T, method, preprocessing and source.

c: an integer network (--weights i8) as one C99 file and its header, with fixed buffers and nothing but stdint.h. The window as a code, or with --steps spikes literally spike by spike; both give this program's spikes and accumulators. NAME_run takes the sample's bytes and gives the accumulators; NAME is the file's name. What follows the read-out (softmax) is the caller's.

Examples:
  spikeconverter export net.snn --to onnx -o net.onnx
  spikeconverter export net.snn --to onnx --unrolled -o steps.onnx
  spikeconverter export net.snn --to c -o net.c
  spikeconverter export net.snn --to c --steps spikes -o net.c")]
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

    /// How a window is run (c)
    #[arg(long, value_enum, default_value_t = StepsArg::Folded)]
    pub(crate) steps: StepsArg,

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
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StepsArg {
    /// As a code, in one pass
    Folded,
    /// Spike by spike
    Spikes,
}
