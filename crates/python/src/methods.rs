//! The table of methods.

use pyo3::prelude::*;
use spikeconverter_convert::combinations;
use spikeconverter_report::text;

use crate::Answer;
use crate::values::to_python;

/// The rows of the table of methods, each with its text.
#[pyfunction]
pub(crate) fn methods(py: Python<'_>) -> PyResult<Vec<Answer<'_>>> {
    let infos = spikeconverter_convert::methods().iter().map(|method| method.info());
    infos.map(|info| Ok((to_python(py, &info)?, text::method(&info)))).collect()
}

/// The parts of streaming methods, and which of them combine.
#[pyfunction]
pub(crate) fn parts(py: Python<'_>) -> PyResult<Answer<'_>> {
    let combinations = combinations();
    Ok((to_python(py, &combinations)?, text::parts(&combinations)))
}
