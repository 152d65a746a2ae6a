//! Arguments of `compare`.

use std::ops::Range;
use std::path::PathBuf;

use clap::Args;

use super::values::{positive, rows};
use super::{DataArgs, ModelArgs, PreprocessArgs};

#[derive(Debug, Args)]
#[command(after_help = "\
Every method at every T is a cell of the table: converted on the same calibration samples, evaluated on the same test \
samples beside one run of the trained network. A cell that cannot be converted says why; the others go on.

Marks: *, the highest accuracy of all; L and E, on the Pareto front of accuracy and latency or energy: no other cell is at \
least as accurate at no more cost. Without labels, agreement with the trained network stands in for accuracy.

With --resume, finished cells are kept in a file after each, and the same command goes on from there, also after Ctrl-C. \
Ctrl-C ends it after the batch that is being worked on; a second one at once.

Examples:
  spikeconverter compare model.onnx --data cifar10/ -T 1,2,4,8,16,32 --report out.html
  spikeconverter compare model.onnx --data test/ --calibration-data train/ --methods spikeconverter
  spikeconverter compare model.onnx --data cifar10/ --limit 1000 --resume state.json --json")]
pub(crate) struct CompareArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Samples to calibrate on, labels not needed; the training part of --data unless given
    #[arg(long, value_name = "PATH")]
    pub(crate) calibration_data: Option<PathBuf>,

    /// Rows a to b-1 of these only, or of --data
    #[arg(long, value_name = "A..B", value_parser = rows)]
    pub(crate) calibration_range: Option<Range<usize>>,

    /// Methods to compare: `all` that need no training, or names; `spikeconverter methods` lists them
    #[arg(long, value_name = "all|NAME,..", value_delimiter = ',', default_value = "all", value_parser = method)]
    pub(crate) methods: Vec<String>,

    /// Numbers of time steps: lengths of the window, 1 to 16; of the simulation in streaming methods, 1 to 4096
    #[arg(short = 'T', long, value_name = "T,..", value_delimiter = ',', default_value = "1,2,4,8,16,32",
        value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) time_steps: Vec<u32>,

    /// Calibrate on at most N samples; fewer where memory would not hold their values (4 GiB)
    #[arg(long, value_name = "N", default_value_t = 1024, value_parser = positive)]
    pub(crate) calibrate: usize,

    /// Seed of the choice of calibration samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Write a report for people: one HTML file with charts, which needs no network
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,

    /// Test samples whose spikes the report shows, counted from 0; the first two unless said
    #[arg(long, value_name = "N,..", value_delimiter = ',')]
    pub(crate) raster: Vec<usize>,

    /// Keep finished cells in this file, and go on from it
    #[arg(long, value_name = "FILE")]
    pub(crate) resume: Option<PathBuf>,

    /// Print the cells as one JSON array instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) data: DataArgs,

    #[command(flatten)]
    pub(crate) preprocess: PreprocessArgs,
}

impl CompareArgs {
    /// The samples whose spikes are shown, of so many.
    pub(crate) fn raster_images(&self, samples: usize) -> Vec<usize> {
        if self.raster.is_empty() { (0..samples.min(2)).collect() } else { self.raster.clone() }
    }

    /// The methods asked for; none where all are.
    pub(crate) fn methods(&self) -> Vec<String> {
        if self.methods.iter().any(|name| name == ALL) { Vec::new() } else { self.methods.clone() }
    }
}

/// What stands for all methods.
const ALL: &str = "all";

/// `all`, or a method's name.
fn method(text: &str) -> Result<String, String> {
    if text == ALL { Ok(text.to_owned()) } else { super::convert::method(text) }
}
