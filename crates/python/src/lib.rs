//! The native part of the Python package: what the pipeline offers, as functions and classes of Python.
//!
//! Nothing is decided here. Arguments become requests, results become dictionaries and arrays; the classes that people see
//! are in the package's Python part. Work runs on a thread of its own while Python's is free for signals and progress
//! (`work.rs`).

// Arguments are as Python gives them: all that a function has, each by value.
#![allow(clippy::needless_pass_by_value, clippy::too_many_arguments)]

mod compare;
mod convert;
mod errors;
mod methods;
mod network;
mod nir;
mod samples;
mod search;
mod values;
mod work;

use pyo3::prelude::*;

/// Functions and classes for `spikeconverter`, which says what they are.
#[pymodule]
mod _core {
    use pyo3::prelude::*;
    use spikeconverter_pipeline::ErrorKind;

    #[pymodule_export]
    use super::compare::compare;
    #[pymodule_export]
    use super::convert::{check, convert, read_preprocessing};
    #[pymodule_export]
    use super::methods::{methods, parts};
    #[pymodule_export]
    use super::network::Network;
    #[pymodule_export]
    use super::nir::Nir;
    #[pymodule_export]
    use super::samples::Samples;
    #[pymodule_export]
    use super::search::search;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let kinds: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        module.add("ERROR_KINDS", kinds)?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}

/// A result as a dictionary, and as the text that the command line prints.
type Answer<'py> = (Bound<'py, PyAny>, String);
