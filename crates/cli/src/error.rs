//! What the program can end with, besides success.

use std::path::PathBuf;

/// Why a command failed; its message is the one sentence that the user gets.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// The work itself failed.
    #[error(transparent)]
    Pipeline(#[from] spikeconverter_pipeline::Error),
    /// A spiking network's file could not be read or written.
    #[error(transparent)]
    Network(#[from] spikeconverter_network::NetworkError),
    /// Data or preprocessing could not be read.
    #[error(transparent)]
    Data(#[from] spikeconverter_data::Error),
    /// The output would overwrite an input.
    #[error("the output `{}` is also an input; choose another name with {option}", path.display())]
    Overwrite {
        /// The file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
    },
    /// The folder of the output is not there or cannot be written.
    #[error("cannot write `{}`: {source}; choose another place with {option}", path.display())]
    Output {
        /// The output file.
        path: PathBuf,
        /// The option that names it.
        option: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing is there to calibrate on that is not tested on.
    #[error("`{}` has no training part to calibrate on; name other samples with --calibration-data, or rows with --calibration-range", path.display())]
    Calibration {
        /// The data to test on.
        path: PathBuf,
    },
    /// A report could not be made.
    #[error(transparent)]
    Report(#[from] spikeconverter_report::RenderError),
    /// Standard output could not be written.
    #[error("cannot write to standard output: {0}")]
    Stdout(std::io::Error),
    /// A temporary folder could not be made.
    #[error("cannot write the demo's files to a temporary folder: {0}; check the space and permissions there")]
    Temporary(std::io::Error),
    /// A result could not be written as JSON.
    #[error("cannot write the result as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The threads could not be started.
    #[error("cannot start the threads: {0}; choose a smaller --threads")]
    Threads(rayon::ThreadPoolBuildError),
}
