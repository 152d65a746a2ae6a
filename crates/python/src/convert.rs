//! Checking and converting.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use spikeconverter_convert::Options;
use spikeconverter_data::{Dataset, PreprocessFile, Preprocessing};
use spikeconverter_pipeline::{Calibration, ConvertRequest, Error, Model};
use spikeconverter_report::text;

use crate::Answer;
use crate::errors::raised;
use crate::network::Network;
use crate::samples::Samples;
use crate::values::{from_python, to_python};
use crate::work::{Hooks, run};

/// What becomes of each node of a model.
#[pyfunction]
#[pyo3(signature = (model, *, input_shape))]
pub(crate) fn check(py: Python<'_>, model: PathBuf, input_shape: Option<Vec<usize>>) -> PyResult<Answer<'_>> {
    let report = run(py, &Hooks::default(), |_| spikeconverter_pipeline::check(&model, input_shape))?;
    Ok((to_python(py, &report)?, text::check(&report)))
}

/// The preprocessing of a model that a TOML file says.
#[pyfunction]
pub(crate) fn read_preprocessing(py: Python<'_>, file: PathBuf, model: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let entry = raised(py, PreprocessFile::read(file).and_then(|file| file.for_model(model)))?;
    to_python(py, &entry.preprocessing)
}

/// What conversions are asked for: a preprocessing, options by their words, and the choice of calibration samples.
pub(crate) struct Asked {
    pub(crate) preprocessing: Preprocessing,
    words: BTreeMap<String, String>,
    pub(crate) calibration: Calibration,
}

impl Asked {
    pub(crate) fn new(
        py: Python<'_>,
        preprocessing: &Bound<'_, PyAny>,
        words: BTreeMap<String, String>,
        calibrate: usize,
        seed: u64,
    ) -> PyResult<Self> {
        let preprocessing: Preprocessing = from_python(preprocessing, "preprocessing")?;
        raised(py, preprocessing.check())?;
        let calibration = Calibration { samples: calibrate, seed, ..Calibration::default() };
        Ok(Self { preprocessing, words, calibration })
    }

    /// The options for a model.
    pub(crate) fn options(&self, model: &Model) -> Result<Options, Error> {
        Options::of_words(&self.words)
            .map_err(|source| Error::Convert { file: model.path().to_owned(), source: Box::new(source) })
    }
}

/// Converts a model.
#[pyfunction]
#[pyo3(signature = (model, samples, *, input_shape, preprocessing, method, options, calibrate, seed, progress))]
pub(crate) fn convert<'py>(
    py: Python<'py>,
    model: PathBuf,
    samples: Option<PyRef<'py, Samples>>,
    input_shape: Option<Vec<usize>>,
    preprocessing: &Bound<'py, PyAny>,
    method: String,
    options: BTreeMap<String, String>,
    calibrate: usize,
    seed: u64,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(Network, Bound<'py, PyAny>, String)> {
    let asked = Asked::new(py, preprocessing, options, calibrate, seed)?;
    let given = samples.map(|samples| samples.0.clone());
    let hooks = Hooks { progress, more: None };
    let (converted, path) = run(py, &hooks, |caller| {
        let model = Model::open(&model, input_shape)?;
        let data = match given {
            Some(data) => data,
            None => Dataset::synthetic(model.input_shape(), asked.preprocessing.layout, calibrate, seed)?,
        };
        let request = ConvertRequest {
            method,
            options: asked.options(&model)?,
            calibration: asked.calibration,
            stop: caller.stop(),
            ..ConvertRequest::new(&model, &data, asked.preprocessing.clone())
        };
        let converted = spikeconverter_pipeline::convert(&request, &mut |progress| caller.progress(progress))?;
        Ok((converted, model.path().to_owned()))
    })?;
    let (report, text) = (to_python(py, &converted.report)?, text::conversion(&converted.report, None));
    Ok((Network::new(Arc::new(converted.file), path), report, text))
}
