//! What can stop the way from files to results: one clear sentence each.

use std::path::PathBuf;

use spikeconverter_convert::ConvertError;
use spikeconverter_engine::EngineError;
use spikeconverter_export::ExportError;
use spikeconverter_graph::GraphError;
use spikeconverter_network::NetworkError;
use spikeconverter_nir::NirError;
use spikeconverter_onnx::OnnxError;

/// Why something did not work. Each message is one sentence that names the file and, where it helps, the node and the
/// remedy; the message of the error below is part of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The model could not be imported.
    #[error(transparent)]
    Onnx(Box<OnnxError>),
    /// The data set could not be read or does not suit the model.
    #[error(transparent)]
    Data(#[from] spikeconverter_data::Error),
    /// A spiking network or its file is not in order, or could not be written.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The trained network is not consistent.
    #[error("`{}`: {source}", file.display())]
    Graph {
        /// The model's file.
        file: PathBuf,
        /// What is wrong.
        source: GraphError,
    },
    /// The model could not be converted.
    #[error("`{}`: {source}", file.display())]
    Convert {
        /// The model's file.
        file: PathBuf,
        /// What is wrong.
        source: Box<ConvertError>,
    },
    /// A network could not be run.
    #[error("`{}`: {source}", file.display())]
    Engine {
        /// The network's file.
        file: PathBuf,
        /// What is wrong.
        source: EngineError,
    },
    /// A network could not be exported.
    #[error("`{}`: {source}", file.display())]
    Export {
        /// The network's file.
        file: PathBuf,
        /// What is wrong.
        source: ExportError,
    },
    /// An option of an export belongs to another form.
    #[error("option {option} belongs to exports to {of}; leave it out of an export to {to}")]
    ExportOption {
        /// The option.
        option: &'static str,
        /// The form that it belongs to.
        of: &'static str,
        /// The form asked for.
        to: &'static str,
    },
    /// A NIR file could not be read or run.
    #[error(transparent)]
    Nir(Box<NirError>),
    /// Another program would run another network.
    #[error("`{}` in {target}: {verdict}; {advice}", file.display())]
    Unfaithful {
        /// The network's file.
        file: PathBuf,
        /// The program.
        target: &'static str,
        /// What it would make of the network.
        verdict: String,
        /// What to do.
        advice: String,
    },
    /// Nothing says how many steps a NIR file is to be run for.
    #[error("`{}` does not say for how many time steps it is to be run; say it with -T", file.display())]
    NirSteps {
        /// The file.
        file: PathBuf,
    },
    /// Samples cannot be stopped early.
    #[error(
        "`{}`: samples stop when their class is stable in networks with schedule `stream` only, and this one has schedule \
         `window`: evaluate it without", file.display()
    )]
    NotStreaming {
        /// The network's file.
        file: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read `{}`: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {source}; check the folder, its permissions and the space there", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file does not hold the state of this comparison.
    #[error("`{}` {reason}; choose another file with --resume", file.display())]
    State {
        /// The file.
        file: PathBuf,
        /// What it holds instead.
        reason: String,
    },
    /// A comparison was stopped from outside.
    #[error(
        "interrupted after {done} of {total} cells; {}",
        state.as_ref().map_or_else(
            || "nothing was kept: with --resume FILE finished cells are".to_owned(),
            |file| format!("the same command goes on from `{}`", file.display()),
        )
    )]
    Interrupted {
        /// Cells that were finished.
        done: usize,
        /// Cells in all.
        total: usize,
        /// Where the finished cells are kept.
        state: Option<PathBuf>,
    },
    /// Work was stopped from outside.
    #[error("interrupted")]
    Stopped,
    /// A search was stopped from outside.
    #[error("interrupted: nothing was chosen or written")]
    SearchInterrupted,
    /// There is no candidate to search.
    #[error(
        "there is nothing to search: no method of --methods has a number of time steps of -T within --max-latency; allow more"
    )]
    NothingToSearch,
    /// There are too few samples to fit, choose and confirm on.
    #[error(
        "`{}` has {samples} samples, and a search fits, chooses and confirms on different ones: give at least {wanted}, better \
         some thousands", path.display()
    )]
    TooFewSamples {
        /// The data set.
        path: PathBuf,
        /// Samples it has.
        samples: usize,
        /// The fewest that will do.
        wanted: usize,
    },
    /// There is no cell to compare.
    #[error(
        "there is nothing to compare; name at least one method with --methods and one number of time steps with -T"
    )]
    NothingToCompare,
    /// A method needs a network that was trained for it.
    #[error(
        "method `{method}` needs a network trained for it, and cannot be compared on one that was not; leave it out"
    )]
    NeedsTraining {
        /// The method.
        method: String,
    },
    /// A sample whose spikes were asked for does not exist.
    #[error("`{}` has {samples} samples, counted from 0, and none is number {image}; choose others with --raster", path.display())]
    RasterImage {
        /// The data set.
        path: PathBuf,
        /// The sample asked for.
        image: usize,
        /// Samples there are.
        samples: usize,
    },
    /// The model has more than one input, or none.
    #[error("`{}` has {found} inputs; export it with exactly one", file.display())]
    Inputs {
        /// The model's file.
        file: PathBuf,
        /// Inputs found.
        found: usize,
    },
    /// There is no population of that name.
    #[error("`{}` has no layer of neurons called `{layer}`; choose among: {known}", file.display())]
    NoLayer {
        /// The network's file.
        file: PathBuf,
        /// The name asked for.
        layer: String,
        /// The names there are.
        known: String,
    },
    /// A record of what neurons did would be too large.
    #[error(
        "what the neurons of `{}` do on {samples} samples takes {:.1} GiB, more than {:.0}; record fewer samples at once, or \
         name some of the layers", file.display(), gib(*bytes), gib(*most)
    )]
    Recording {
        /// The network's file.
        file: PathBuf,
        /// Samples.
        samples: usize,
        /// Bytes that the record takes.
        bytes: u128,
        /// Bytes that it may take.
        most: u128,
    },
    /// No method of that name.
    #[error("there is no conversion method `{name}`; choose one of: {known}")]
    Method {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A label for which the model has no output.
    #[error(
        "label {label} of `{}` is none of the labels {first} to {last} that the {classes} outputs of `{}` stand for; \
         check that the data are of this model, and the label offset ({offset})",
        path.display(), file.display()
    )]
    Label {
        /// The data set.
        path: PathBuf,
        /// The model's or network's file.
        file: PathBuf,
        /// The offending label.
        label: u32,
        /// Smallest label that an output stands for.
        first: i64,
        /// Largest label that an output stands for.
        last: i64,
        /// Number of outputs.
        classes: usize,
        /// Label offset of the preprocessing.
        offset: i64,
    },
    /// Pixels were asked for, and the data are no 8-bit integers.
    #[error(
        "`{}` holds {element} numbers, and --input pixels sends each sample as 8 binary spikes, which takes 8-bit \
         integers; use --input analog",
        path.display()
    )]
    NotPixels {
        /// The data set.
        path: PathBuf,
        /// Its number type.
        element: String,
    },
    /// A network that takes pixels is given data of another range.
    #[error(
        "`{}` was converted for 8-bit pixels from {expected}, and `{}` holds {found}; use data of the same number type",
        file.display(), path.display()
    )]
    PixelRange {
        /// The network's file.
        file: PathBuf,
        /// The data set.
        path: PathBuf,
        /// Smallest value that the network was made for.
        expected: i32,
        /// What the data hold.
        found: String,
    },
    /// Pixels were asked for, and normalisation differs by channels that cannot be located.
    #[error(
        "`{}` normalises {channels} channels, but its input of shape {shape:?} has no axis known to be theirs; set the \
         layout to NCHW or NHWC, or use --input analog",
        file.display()
    )]
    Channels {
        /// The model's file.
        file: PathBuf,
        /// Channels that mean and std are given for.
        channels: usize,
        /// The model's per-sample input shape.
        shape: Vec<usize>,
    },
    /// The file does not say how samples are fed.
    #[error(
        "`{}` does not say how its samples are preprocessed ({reason}); make it again with `spikeconverter convert`",
        file.display()
    )]
    Feed {
        /// The network's file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

fn gib(bytes: u128) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

impl From<NirError> for Error {
    fn from(error: NirError) -> Self {
        Self::Nir(Box::new(error))
    }
}

impl From<OnnxError> for Error {
    fn from(error: OnnxError) -> Self {
        Self::Onnx(Box::new(error))
    }
}
