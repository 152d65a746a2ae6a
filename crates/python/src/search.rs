//! Searching for the cheapest conversion.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use spikeconverter_pipeline::{Model, SearchRequest};
use spikeconverter_report::text;

use crate::convert::Asked;
use crate::network::Network;
use crate::samples::Samples;
use crate::values::{from_python, to_python};
use crate::work::{Hooks, run};

/// All that was tried, the text, and the network that was chosen.
#[pyfunction]
#[pyo3(signature = (
    model, samples, *, input_shape, preprocessing, max_drop, max_latency, minimise, methods, time_steps, options, calibrate,
    held_out, seed, progress,
))]
pub(crate) fn search<'py>(
    py: Python<'py>,
    model: PathBuf,
    samples: PyRef<'py, Samples>,
    input_shape: Option<Vec<usize>>,
    preprocessing: &Bound<'py, PyAny>,
    max_drop: f64,
    max_latency: Option<u32>,
    minimise: &Bound<'py, PyAny>,
    methods: Vec<String>,
    time_steps: Vec<u32>,
    options: BTreeMap<String, String>,
    calibrate: usize,
    held_out: usize,
    seed: u64,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyAny>, String, Option<Network>)> {
    let asked = Asked::new(py, preprocessing, options, calibrate, seed)?;
    let objective = from_python(minimise, "minimise")?;
    let data = samples.0.clone();
    let (found, path) = run(py, &Hooks { progress, more: None }, |caller| {
        let model = Model::open(&model, input_shape)?;
        let request = SearchRequest {
            max_drop,
            max_latency,
            objective,
            methods,
            time_steps,
            options: asked.options(&model)?,
            calibration: asked.calibration,
            held_out,
            ..SearchRequest::new(&model, &data, asked.preprocessing.clone(), caller.stop())
        };
        let found = spikeconverter_pipeline::search(&request, &mut |progress| {
            caller.tell(|| progress.to_string(), progress.done, progress.total);
        })?;
        Ok((found, model.path().to_owned()))
    })?;
    let network = found.chosen.as_ref().map(|chosen| Network::new(Arc::new(chosen.file.clone()), path));
    Ok((to_python(py, &found)?, text::search(&found), network))
}
