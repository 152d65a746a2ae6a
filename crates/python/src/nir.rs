//! Networks of the neuromorphic intermediate representation, run by the interpreter.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use spikeconverter_data::Dataset;
use spikeconverter_pipeline::formats::nir::Target;
use spikeconverter_pipeline::{NirRequest, describe_nir, evaluate_nir, record_nir};
use spikeconverter_report::text;

use crate::Answer;
use crate::errors::raised;
use crate::samples::Samples;
use crate::values::{array, batch_array, from_python, to_python};
use crate::work::{Hooks, run};

/// A NIR file.
#[pyclass(frozen, module = "spikeconverter._core")]
pub(crate) struct Nir(PathBuf);

/// How it is to be run.
struct Asked {
    semantics: Option<Target>,
    time_steps: Option<u32>,
    dt: Option<f64>,
}

impl Asked {
    fn new(semantics: &Bound<'_, PyAny>, time_steps: Option<u32>, dt: Option<f64>) -> PyResult<Self> {
        Ok(Self { semantics: from_python(semantics, "semantics")?, time_steps, dt })
    }

    fn request<'a>(&self, path: &'a Path, data: &'a Dataset, stop: &'a AtomicBool) -> NirRequest<'a> {
        let &Self { semantics: target, time_steps, dt } = self;
        NirRequest { target, time_steps, dt, stop, ..NirRequest::new(path, data) }
    }
}

#[pymethods]
impl Nir {
    /// Reads it once, so that it is known to be one.
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        raised(py, py.detach(|| describe_nir(&path)))?;
        Ok(Self(path))
    }

    /// What messages call it.
    #[getter]
    fn name(&self) -> String {
        self.0.display().to_string()
    }

    /// What it holds.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        let found = raised(py, py.detach(|| describe_nir(&self.0)))?;
        Ok((to_python(py, &found)?, text::nir_description(&found)))
    }

    /// Accuracy and spikes.
    #[pyo3(signature = (samples, *, semantics, time_steps, dt, progress))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        semantics: &Bound<'py, PyAny>,
        time_steps: Option<u32>,
        dt: Option<f64>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Answer<'py>> {
        let asked = Asked::new(semantics, time_steps, dt)?;
        let data = samples.0.clone();
        let found = run(py, &Hooks { progress, more: None }, |caller| {
            evaluate_nir(&asked.request(&self.0, &data, caller.stop()), &mut |progress| caller.progress(progress))
        })?;
        Ok((to_python(py, &found)?, text::nir_evaluation(&found)))
    }

    /// Results, steps, and the spikes of each node that fires.
    #[pyo3(signature = (samples, *, semantics, time_steps, dt, progress))]
    fn record<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        semantics: &Bound<'py, PyAny>,
        time_steps: Option<u32>,
        dt: Option<f64>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let asked = Asked::new(semantics, time_steps, dt)?;
        let data = samples.0.clone();
        let found = run(py, &Hooks { progress, more: None }, |caller| {
            record_nir(&asked.request(&self.0, &data, caller.stop()), &mut |progress| caller.progress(progress))
        })?;
        let spikes = PyDict::new(py);
        for layer in found.layers {
            let shape = [&[layer.spikes.count()], layer.spikes.shape()].concat();
            spikes.set_item(layer.name, array(py, &shape, layer.spikes.into_data())?)?;
        }
        let record = PyDict::new(py);
        record.set_item("results", batch_array(py, found.results)?)?;
        record.set_item("time_steps", found.time_steps)?;
        record.set_item("spikes", spikes)?;
        Ok(record)
    }
}
