//! Errors as exceptions: of the class that `spikeconverter.errors` has for their kind, with the same sentence.

use pyo3::prelude::*;
use spikeconverter_pipeline::Error;

/// The exception of an error.
pub(crate) fn exception(py: Python<'_>, error: &Error) -> PyErr {
    let class = py.import("spikeconverter.errors").and_then(|errors| errors.getattr(error.kind().name()));
    match class.and_then(|class| class.call1((error.to_string(),))) {
        Ok(exception) => PyErr::from_value(exception),
        // whatever is wrong with the package itself
        Err(other) => other,
    }
}

/// A result whose error is an exception.
pub(crate) fn raised<T>(py: Python<'_>, result: Result<T, impl Into<Error>>) -> PyResult<T> {
    result.map_err(|error| exception(py, &error.into()))
}
