//! A converted network.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use numpy::PyArrayDyn;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use spikeconverter_network::{NetworkError, SnnFile, write_whole};
use spikeconverter_pipeline::{
    EngineChoice, Error, EvaluateRequest, ExplainRequest, ExportOptions, RecordRequest, Runner, Spikes, UntilStable,
    describe, evaluate_parts, explain, export,
};
use spikeconverter_report::text;

use crate::Answer;
use crate::errors::{exception, raised};
use crate::samples::Samples;
use crate::values::{array, batch_array, from_python, to_python};
use crate::work::{Hooks, run};

/// A converted network, with the trained one that it came from.
#[pyclass(frozen, module = "spikeconverter._core")]
pub(crate) struct Network {
    file: Arc<SnnFile>,
    /// What messages call it: the model's file, or its own.
    path: Mutex<PathBuf>,
    /// The engine that suits it, prepared when it runs for the first time.
    runner: OnceLock<Runner>,
}

impl Network {
    pub(crate) fn new(file: Arc<SnnFile>, path: PathBuf) -> Self {
        Self { file, path: Mutex::new(path), runner: OnceLock::new() }
    }

    fn path(&self) -> PathBuf {
        // a path is whole whatever became of who held it
        self.path.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Runs `work` with the engine asked for.
    fn with_runner<T>(&self, engine: EngineChoice, work: impl FnOnce(&Runner) -> Result<T, Error>) -> Result<T, Error> {
        let path = self.path();
        if engine != EngineChoice::Auto {
            return work(&Runner::new(self.file.clone(), &path, engine)?);
        }
        if let Some(runner) = self.runner.get() {
            return work(runner);
        }
        let runner = Runner::new(self.file.clone(), &path, engine)?;
        // another thread may have been first, with the same
        work(self.runner.get_or_init(|| runner))
    }
}

#[pymethods]
impl Network {
    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        let file = raised(py, py.detach(|| SnnFile::load(&path)))?;
        Ok(Self::new(Arc::new(file), path))
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, bytes: &[u8], name: PathBuf) -> PyResult<Self> {
        let file = SnnFile::from_bytes(bytes).map_err(|reason| NetworkError::Format { path: name.clone(), reason });
        Ok(Self::new(Arc::new(raised(py, file)?), name))
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &raised(py, self.file.to_bytes())?))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        raised(py, py.detach(|| self.file.save(&path)))?;
        *self.path.lock().unwrap_or_else(PoisonError::into_inner) = path;
        Ok(())
    }

    /// What messages call it.
    #[getter]
    fn name(&self) -> String {
        self.path().display().to_string()
    }

    /// The result for each sample.
    #[pyo3(signature = (samples, *, engine, progress))]
    fn run<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        engine: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArrayDyn<f32>>> {
        let engine = from_python(engine, "engine")?;
        let data = samples.0.clone();
        let results = run(py, &Hooks { progress, more: None }, |caller| {
            let mut tell = |progress| caller.progress(progress);
            self.with_runner(engine, |runner| runner.run(&data, caller.stop(), &mut tell))
        })?;
        batch_array(py, results)
    }

    /// The label of each sample; −1 where there is none.
    #[pyo3(signature = (samples, *, engine, progress))]
    fn predict<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        engine: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyArrayDyn<i64>>> {
        let engine = from_python(engine, "engine")?;
        let data = samples.0.clone();
        let labels = run(py, &Hooks { progress, more: None }, |caller| {
            let mut tell = |progress| caller.progress(progress);
            self.with_runner(engine, |runner| Ok(runner.labels(&runner.run(&data, caller.stop(), &mut tell)?)))
        })?;
        let labels: Vec<i64> = labels.into_iter().map(|label| label.unwrap_or(-1)).collect();
        array(py, &[labels.len()], labels)
    }

    /// Results, steps, and for each layer its name, shape, first step, spikes and membranes, where they are asked for.
    #[pyo3(signature = (samples, *, spikes, membranes, layers, engine, progress))]
    fn record<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        spikes: bool,
        membranes: bool,
        layers: Vec<String>,
        engine: &Bound<'py, PyAny>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let engine = from_python(engine, "engine")?;
        let data = samples.0.clone();
        let request = RecordRequest { spikes, membranes, layers };
        let found = run(py, &Hooks { progress, more: None }, |caller| {
            let mut tell = |progress| caller.progress(progress);
            self.with_runner(engine, |runner| runner.record(&data, &request, caller.stop(), &mut tell))
        })?;
        let count = found.results.count();
        let layers = PyDict::new(py);
        for layer in found.layers {
            let shape = [&[count, found.time_steps as usize], layer.shape.as_slice()].concat();
            let entry = PyDict::new(py);
            entry.set_item("shape", layer.shape)?;
            entry.set_item("first_step", layer.first_step)?;
            match layer.spikes {
                Some(Spikes::Window(spikes)) => entry.set_item("spikes", array(py, &shape, spikes)?)?,
                Some(Spikes::Stream(spikes)) => entry.set_item("spikes", array(py, &shape, spikes)?)?,
                None => {}
            }
            if let Some(membranes) = layer.membranes {
                entry.set_item("membranes", array(py, &shape, membranes)?)?;
            }
            layers.set_item(layer.name, entry)?;
        }
        let record = PyDict::new(py);
        record.set_item("results", batch_array(py, found.results)?)?;
        record.set_item("time_steps", found.time_steps)?;
        record.set_item("layers", layers)?;
        Ok(record)
    }

    /// Trained and spiking network side by side; `more` gives the parts of the data after the first.
    #[pyo3(signature = (samples, *, more, engine, batch, until_stable, progress))]
    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        more: Option<Bound<'py, PyAny>>,
        engine: &Bound<'py, PyAny>,
        batch: Option<usize>,
        until_stable: Option<u32>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Answer<'py>> {
        let engine = from_python(engine, "engine")?;
        let (path, data) = (self.path(), samples.0.clone());
        let in_parts = more.is_some();
        let evaluated = run(py, &Hooks { progress, more }, |caller| {
            let request = EvaluateRequest {
                engine,
                batch,
                until_stable: until_stable.map(|steps| UntilStable { steps }),
                stop: caller.stop(),
                ..EvaluateRequest::new(&self.file, &path, &data)
            };
            let mut next = || if in_parts { caller.more() } else { Ok(None) };
            evaluate_parts(&request, &mut next, &mut |progress| caller.progress(progress))
        })?;
        Ok((to_python(py, &evaluated.report)?, text::evaluation(&evaluated.report)))
    }

    /// Where accuracy went; `report` is an HTML file to write.
    #[pyo3(signature = (samples, *, advice, report, progress))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        samples: PyRef<'py, Samples>,
        advice: bool,
        report: Option<PathBuf>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Answer<'py>> {
        let (path, data) = (self.path(), samples.0.clone());
        let found = run(py, &Hooks { progress, more: None }, |caller| {
            let request =
                ExplainRequest { advice, stop: caller.stop(), ..ExplainRequest::new(&self.file, &path, &data) };
            explain(&request, &mut |progress| caller.progress(progress))
        })?;
        if let Some(report) = report {
            write_page(py, &report, &spikeconverter_report::explanation(&found))?;
        }
        Ok((to_python(py, &found)?, text::explanation(&found)))
    }

    /// What it is.
    fn describe<'py>(&self, py: Python<'py>) -> PyResult<Answer<'py>> {
        let description = raised(py, describe(&self.file, &self.path()))?;
        Ok((to_python(py, &description)?, text::description(&description)))
    }

    /// Writes it for other programs; the last of what comes back is a text for each verdict.
    #[pyo3(signature = (path, *, to, unrolled, steps, target, pooling, force))]
    fn export<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        to: &Bound<'py, PyAny>,
        unrolled: bool,
        steps: &Bound<'py, PyAny>,
        target: &Bound<'py, PyAny>,
        pooling: &Bound<'py, PyAny>,
        force: bool,
    ) -> PyResult<(Bound<'py, PyAny>, String, Vec<String>)> {
        let options = ExportOptions {
            to: from_python(to, "to")?,
            unrolled,
            steps: from_python(steps, "steps")?,
            target: from_python(target, "target")?,
            pooling: from_python(pooling, "pooling")?,
            force,
        };
        let name = self.path();
        let target = raised(py, options.resolve(&path))?;
        let report = run(py, &Hooks::default(), |_| export(&self.file, &name, &target, &path))?;
        let verdicts = report.verdicts.iter().map(text::verdict).collect();
        Ok((to_python(py, &report)?, text::export(&report), verdicts))
    }
}

/// Writes a report.
pub(crate) fn write_page(py: Python<'_>, path: &Path, page: &spikeconverter_report::Page) -> PyResult<()> {
    let html = page.to_html().map_err(|error| PyValueError::new_err(error.to_string()))?;
    write_whole(path, html.as_bytes()).map_err(|source| exception(py, &Error::Write { file: path.to_owned(), source }))
}
