//! Comparing methods.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use serde::Serialize;
use spikeconverter_pipeline::{CompareRequest, Model, Row, Setting, Skipped};
use spikeconverter_report::text;

use crate::Answer;
use crate::convert::Asked;
use crate::network::write_page;
use crate::samples::Samples;
use crate::values::to_python;
use crate::work::{Hooks, run};

/// Units of progress in all.
const UNITS: f64 = 1000.0;

/// What Python sees of a comparison.
#[derive(Serialize)]
struct Found<'a> {
    setting: &'a Setting,
    cells: Vec<Row<'a>>,
    skipped: &'a [Skipped],
}

/// Every method over several `T`.
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
) -> PyResult<Answer<'py>> {
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
    let shown = Found { setting: &found.setting, cells: found.rows(), skipped: &found.skipped };
    Ok((to_python(py, &shown)?, text::comparison(&found)))
}
