//! NIR files: what they hold, and what comes of running them.

mod describe;
mod evaluate;
mod run;

use std::path::Path;

use spikeconverter_nir::GraphError;

pub use self::describe::{NirDescription, NirNode, describe_nir};
pub use self::evaluate::{NirLayer, NirRecord, NirReport, NirRequest, NirSpikes, evaluate_nir, record_nir};
pub use self::run::{NirRun, run_nir};
use crate::Error;

/// Whether a file's name says that it is NIR.
pub fn is_nir(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("nir"))
}

fn graph_error(path: &Path, source: GraphError) -> Error {
    spikeconverter_nir::NirError::Graph { file: path.to_owned(), source }.into()
}
