//! Comparing methods.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use spikeconverter_pipeline::{CompareRequest, Model};
use spikeconverter_report::text;

use crate::convert::Asked;
use crate::network::write_page;
use crate::samples::Samples;
use crate::values::to_python;
use crate::work::{Hooks, run};

/// Units of progress in all.
const UNITS: f64 = 1000.0;

/// Every method over several `T`: what all cells have in common, the cells, what was left out, and the text.
#[pyfunction]
#[pyo3(signature = (
    model, samples, calibration, *, input_shape, preprocessing, methods, time_steps, options, calibrate, seed, resume, report,
    raster, progress,
))]
pub(crate) fn compare<'py>(
    py: Python<'py>,
    model: PathBuf,
    samples: PyRef<'py, Samples>,
    calibration: PyRef<'py, Samples>,
    input_shape: Option<Vec<usize>>,
    preprocessing: &Bound<'py, PyAny>,
    methods: Vec<String>,
    time_steps: Vec<u32>,
    options: BTreeMap<String, String>,
    calibrate: usize,
    seed: u64,
    resume: Option<PathBuf>,
    report: Option<PathBuf>,
    raster: Vec<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>, String)> {
    let asked = Asked::new(py, preprocessing, options, calibrate, seed)?;
    let (data, calibration) = (samples.0.clone(), calibration.0.clone());
    let found = run(py, &Hooks { progress, more: None }, |caller| {
        let model = Model::open(&model, input_shape)?;
        let request = CompareRequest {
            methods,
            time_steps,
            options: asked.options(&model)?,
            calibration: asked.calibration,
            raster_images: raster,
            state: resume.as_deref(),
            ..CompareRequest::new(&model, &data, &calibration, asked.preprocessing.clone(), caller.stop())
        };
        spikeconverter_pipeline::compare(&request, &mut |progress| {
            caller.tell(|| progress.to_string(), (progress.fraction * UNITS) as usize, UNITS as usize);
        })
    })?;
    if let Some(report) = report {
        write_page(py, &report, &spikeconverter_report::comparison(&found))?;
    }
    let rows = to_python(py, &found.rows())?;
    Ok((to_python(py, &found.setting)?, rows, to_python(py, &found.skipped)?, text::comparison(&found)))
}
