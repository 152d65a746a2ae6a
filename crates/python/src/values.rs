//! Values of Rust as values of Python, and back.

use numpy::{Element, PyArray1, PyArrayDyn, PyArrayMethods};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use spikeconverter_engine::Batch;

/// Dictionaries, lists and numbers.
pub(crate) fn to_python<'py>(py: Python<'py>, value: &impl Serialize) -> PyResult<Bound<'py, PyAny>> {
    Ok(pythonize::pythonize(py, value)?)
}

/// What a dictionary, list or word stands for; `what` names it in the error.
pub(crate) fn from_python<T: DeserializeOwned>(value: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    pythonize::depythonize(value).map_err(|error| PyValueError::new_err(format!("{what}: {error}")))
}

/// An array of these axes, which takes over the values.
pub(crate) fn array<'py, T: Element>(
    py: Python<'py>,
    shape: &[usize],
    values: Vec<T>,
) -> PyResult<Bound<'py, PyArrayDyn<T>>> {
    PyArray1::from_vec(py, values).reshape(shape)
}

/// An array whose first axis counts samples.
pub(crate) fn batch_array(py: Python<'_>, batch: Batch) -> PyResult<Bound<'_, PyArrayDyn<f32>>> {
    let shape = [&[batch.count()], batch.shape()].concat();
    array(py, &shape, batch.into_data())
}
