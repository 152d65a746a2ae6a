//! What can go wrong with data, one sentence each: the file, what is wrong, what to do.

use std::path::PathBuf;

/// A failure to open, read or fit data. Each message is one sentence that names the file (or the two shapes) and the
/// remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot read {}: {source}; check the path and its permissions", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No known format.
    #[error("{} is no data set known here ({reason}); give an IDX, CIFAR binary, NPY or NPZ file, a folder of \
        these or of images, or say which with --format", path.display())]
    NotRecognised {
        /// The file or folder.
        path: PathBuf,
        /// What was looked at.
        reason: String,
    },
    /// More than one reading of the path makes sense.
    #[error("{} can be read in more than one way ({candidates}); {remedy}", path.display())]
    Ambiguous {
        /// The file or folder.
        path: PathBuf,
        /// The readings.
        candidates: String,
        /// Which option decides.
        remedy: &'static str,
    },
    /// The split that was asked for is not there.
    #[error("{} has no {split} split (it holds {found}); give the file itself or another --split", path.display())]
    SplitMissing {
        /// The folder.
        path: PathBuf,
        /// `train` or `test`.
        split: &'static str,
        /// What is there.
        found: String,
    },
    /// The content breaks the rules of its format.
    #[error("{} is not a valid {format} file: {what}; check that it is the right file and that it was written \
        completely", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: &'static str,
        /// The rule that is broken.
        what: String,
    },
    /// Less (or more) data than the header declares.
    #[error("{} declares {declared} bytes of data but holds {found}; the file is damaged or incomplete, fetch it \
        again", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes the header asks for.
        declared: u128,
        /// Bytes there are (for compressed files: at most or at least).
        found: String,
    },
    /// A format feature that is not read here.
    #[error("{} holds {what}, which is not read here; {remedy}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The feature.
        what: String,
        /// How to rewrite the file.
        remedy: String,
    },
    /// No samples.
    #[error("{} holds no samples; give a data set with at least one", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
    },
    /// Rows outside the data set, or none.
    #[error("rows {start}..{end} of {} are not there (it has {rows} rows); choose a non-empty range within \
        0..{rows}", path.display())]
    Range {
        /// The data set.
        path: PathBuf,
        /// First row asked for.
        start: usize,
        /// One past the last row asked for.
        end: usize,
        /// Rows there are.
        rows: usize,
    },
    /// Labels and samples do not pair up.
    #[error("{} has {labels} labels for the {samples} samples of {}; give the labels file that belongs to the data \
        with --labels", path.display(), data.display())]
    LabelCount {
        /// The labels file.
        path: PathBuf,
        /// The samples' file.
        data: PathBuf,
        /// Number of labels.
        labels: usize,
        /// Number of samples.
        samples: usize,
    },
    /// A label that is not a class number.
    #[error("label {index} of {} is {value}; labels must be whole numbers from 0 to 4294967295", path.display())]
    BadLabel {
        /// The labels file.
        path: PathBuf,
        /// Which label, or which image.
        index: String,
        /// Its value.
        value: String,
    },
    /// An image that the labels file does not list.
    #[error("image {} is not listed in {}; add a line for it or give the right file with --labels",
        image.display(), labels.display())]
    Unlabelled {
        /// The image.
        image: PathBuf,
        /// The labels file.
        labels: PathBuf,
    },
    /// A NaN or an infinity.
    #[error("row {row} of {} holds {value}, which is not a finite float32; clean the data first", path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The row, counted in the file.
        row: usize,
        /// The value.
        value: f64,
    },
    /// An image that does not decode.
    #[error("image {} cannot be decoded: {reason}; replace or remove it", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// Sample and model disagree about the shape.
    #[error("{}: samples of shape {sample:?} do not fit the model's input of shape {model:?}{hint}", path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Shape of the sample, after resize and crop.
        sample: Vec<usize>,
        /// The model's per-sample input shape.
        model: Vec<usize>,
        /// The remedy, with its leading punctuation.
        hint: String,
    },
    /// Sample and model disagree about the number of channels.
    #[error("{}: samples of shape {sample:?} have {sample_channels} channels but the model's input of shape \
        {model:?} has {model_channels}; use data with {model_channels} channels", path.display())]
    Channels {
        /// The file.
        path: PathBuf,
        /// Shape of the sample.
        sample: Vec<usize>,
        /// Its channels.
        sample_channels: usize,
        /// The model's per-sample input shape.
        model: Vec<usize>,
        /// Its channels.
        model_channels: usize,
    },
    /// Preprocessing that contradicts itself, the data or the model.
    #[error("the preprocessing cannot be used: {what}")]
    Preprocessing {
        /// What contradicts, and the remedy.
        what: String,
    },
    /// A preprocessing file that does not parse.
    #[error("{} is not a preprocessing file: {reason}; the documentation of `PreprocessFile` shows its keys",
        path.display())]
    PreprocessSyntax {
        /// The file.
        path: PathBuf,
        /// The parser's reason, which names the line.
        reason: String,
    },
    /// A preprocessing file with no entry for a model.
    #[error("{} has no entry for model `{model}` (it has {known}); add a table [model.\"{model}\"]", path.display())]
    NoSuchModel {
        /// The file.
        path: PathBuf,
        /// Stem of the ONNX file's name.
        model: String,
        /// The entries there are.
        known: String,
    },
    /// A batch of no samples.
    #[error("a batch must hold at least one sample; choose a batch size of 1 or more")]
    BatchSize,
}

impl Error {
    pub(crate) fn io(path: &std::path::Path, source: std::io::Error) -> Self {
        Self::Io { path: path.to_path_buf(), source }
    }

    pub(crate) fn malformed(path: &std::path::Path, format: &'static str, what: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_path_buf(), format, what: what.into() }
    }
}
