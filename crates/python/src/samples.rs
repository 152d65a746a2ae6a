//! Samples: arrays of Python, or files.

use std::path::PathBuf;
use std::str::FromStr;

use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use spikeconverter_data::{Dataset, Format, MemoryArray, MemoryPart, OpenOptions, Split};

use crate::errors::raised;

/// An array: its number type (`u8`, `f32`), its axes, and its bytes.
type Array<'py> = (String, Vec<usize>, PyReadonlyArray1<'py, u8>);

/// Samples, labelled or not.
#[pyclass(frozen, module = "spikeconverter._core")]
pub(crate) struct Samples(pub(crate) Dataset);

#[pymethods]
impl Samples {
    /// Arrays one after the other, each with its labels or none with any. The bytes are copied.
    #[staticmethod]
    fn of_arrays(py: Python<'_>, name: &str, parts: Vec<(Array<'_>, Option<Array<'_>>)>) -> PyResult<Self> {
        let part = |(samples, labels): (Array<'_>, Option<Array<'_>>)| {
            Ok(MemoryPart { samples: memory(&samples)?, labels: labels.as_ref().map(memory).transpose()? })
        };
        let parts = parts.into_iter().map(part).collect::<PyResult<Vec<_>>>()?;
        raised(py, Dataset::of_memory(name, parts)).map(Self)
    }

    /// A file or folder; `otherwise` is the part taken of one that holds both, where `split` names none.
    #[staticmethod]
    #[pyo3(signature = (path, *, format, split, labels, rows, limit, otherwise))]
    fn open(
        py: Python<'_>,
        path: PathBuf,
        format: Option<&str>,
        split: Option<&str>,
        labels: Option<PathBuf>,
        rows: Option<(usize, usize)>,
        limit: Option<usize>,
        otherwise: &str,
    ) -> PyResult<Self> {
        let options = OpenOptions {
            format: format.map(named::<Format>).transpose()?,
            split: split.map(named::<Split>).transpose()?,
            labels,
            range: rows.map(|(start, end)| start..end),
            limit,
        };
        raised(py, Dataset::open_part(path, &options, named(otherwise)?)).map(Self)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// What messages call it.
    #[getter]
    fn name(&self) -> String {
        self.0.path().display().to_string()
    }

    /// Shape of a sample; `None` where images may differ.
    #[getter]
    fn sample_shape(&self) -> Option<Vec<usize>> {
        self.0.sample_shape().map(<[usize]>::to_vec)
    }

    /// Number type of the samples as stored.
    #[getter]
    fn element(&self) -> String {
        self.0.element().to_string()
    }

    /// Whether there are labels.
    #[getter]
    fn labelled(&self) -> bool {
        self.0.labels().is_some()
    }
}

fn memory((element, shape, bytes): &Array<'_>) -> PyResult<MemoryArray> {
    let bytes = bytes.as_slice().map_err(|_| PyValueError::new_err("the bytes of an array must be contiguous"))?;
    Ok(MemoryArray { element: named(element)?, shape: shape.clone(), bytes: bytes.to_vec() })
}

/// What a word names.
fn named<T: FromStr<Err = String>>(word: &str) -> PyResult<T> {
    word.parse().map_err(PyValueError::new_err)
}
