//! Samples through a NIR file.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use spikeconverter_data::{Dataset, Preprocessing, Stage};
use spikeconverter_engine::Batch;
use spikeconverter_engine::evaluation::largest;
use spikeconverter_export::nir::Target;
use spikeconverter_nir::{Fires, Graph, Interpreter, Reset, Semantics};

use super::graph_error;
use super::run::{Ran, Run};
use crate::evaluate::check_classes;
use crate::feed::settle;
use crate::stop::{NEVER, check_stop};
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// How a NIR file is to be run.
#[derive(Debug, Clone)]
pub struct NirRequest<'a> {
    /// The file.
    pub path: &'a Path,
    /// Samples, labelled or not.
    pub data: &'a Dataset,
    /// Whose semantics; those that the file's metadata say, or NIR's own, unless said.
    pub target: Option<Target>,
    /// Steps; those that the metadata say unless said.
    pub time_steps: Option<u32>,
    /// Length of a step, in the unit of the file's time constants; 1 unless said.
    pub dt: Option<f64>,
    /// Set from outside to stop between two batches.
    pub stop: &'a AtomicBool,
}

impl<'a> NirRequest<'a> {
    /// These samples through this file, as its metadata say.
    pub fn new(path: &'a Path, data: &'a Dataset) -> Self {
        Self { path, data, target: None, time_steps: None, dt: None, stop: &NEVER }
    }
}

/// What came of running a NIR file.
#[derive(Debug, Clone, Serialize)]
pub struct NirReport {
    /// The file.
    pub file: String,
    /// Steps that were run.
    pub time_steps: u32,
    /// The semantics in words.
    pub semantics: String,
    /// Samples.
    pub images: usize,
    /// Share of samples whose class is right, 0 to 1; absent without labels.
    pub accuracy: Option<f64>,
    /// Spikes a neuron and sample.
    pub spikes_per_neuron: f64,
    /// The nodes that fire, in the order of the file.
    pub layers: Vec<NirLayer>,
}

/// A node that fires.
#[derive(Debug, Clone, Serialize)]
pub struct NirLayer {
    /// Its name.
    pub name: String,
    /// Neurons.
    pub neurons: usize,
    /// Spikes a neuron and sample.
    pub spikes_per_neuron: f64,
}

/// What a NIR network made of samples.
#[derive(Debug, Clone)]
pub struct NirRecord {
    /// Steps that were run.
    pub time_steps: u32,
    /// The mean of what left, for each sample.
    pub results: Batch,
    /// The nodes that fire, in the order of the file.
    pub layers: Vec<NirSpikes>,
}

/// The spikes of a node that fires.
#[derive(Debug, Clone)]
pub struct NirSpikes {
    /// Its name.
    pub name: String,
    /// How many each neuron sent in all steps, for each sample; several a step where the semantics allow it.
    pub spikes: Batch<f64>,
}

/// Runs a NIR file on samples by the interpreter. The class is where the mean of what leaves is largest.
///
/// # Errors
/// When the file cannot be run, says nothing of its steps and none are given, the data do not suit it, or
/// [`NirRequest::stop`] was set.
pub fn evaluate_nir(request: &NirRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<NirReport> {
    let graph = Graph::read(request.path)?;
    let ready = Ready::new(request, &graph)?;
    let outputs: usize = ready.interpreter.output_shape().iter().product();
    check_classes(request.data, &ready.preprocessing, outputs, request.path)?;
    let mut layers: Vec<NirLayer> = ready
        .interpreter
        .spiking()
        .map(|(name, shape)| NirLayer {
            name: name.to_owned(),
            neurons: shape.iter().product(),
            spikes_per_neuron: 0.0,
        })
        .collect();
    let (mut images, mut right, mut labelled) = (0, 0usize, 0usize);
    let mut spikes = vec![0.0; layers.len()];
    ready.each(Phase::Evaluating, progress, &mut |label, ran| {
        images += 1;
        for (sum, codes) in spikes.iter_mut().zip(&ran.codes) {
            *sum += codes.iter().sum::<f64>();
        }
        if let Some(label) = label {
            labelled += 1;
            let class = largest(&ran.output).map(|class| class as i64 - ready.preprocessing.label_offset);
            right += usize::from(class == Some(label));
        }
    })?;
    for (layer, sum) in layers.iter_mut().zip(&spikes) {
        layer.spikes_per_neuron = sum / (layer.neurons * images).max(1) as f64;
    }
    let neurons: usize = layers.iter().map(|layer| layer.neurons).sum();
    Ok(NirReport {
        file: request.path.display().to_string(),
        time_steps: ready.run.time_steps,
        semantics: words(&ready.run.semantics),
        images,
        accuracy: (labelled > 0).then(|| right as f64 / labelled as f64),
        spikes_per_neuron: spikes.iter().sum::<f64>() / (neurons * images).max(1) as f64,
        layers,
    })
}

/// Runs a NIR file on samples by the interpreter, and keeps the spikes of every neuron.
///
/// # Errors
/// As [`evaluate_nir`], but for labels, which are not read.
pub fn record_nir(request: &NirRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<NirRecord> {
    let graph = Graph::read(request.path)?;
    let ready = Ready::new(request, &graph)?;
    let shapes: Vec<(String, Vec<usize>)> =
        ready.interpreter.spiking().map(|(name, shape)| (name.to_owned(), shape.to_vec())).collect();
    let (mut images, mut results) = (0, Vec::new());
    let mut codes = vec![Vec::new(); shapes.len()];
    ready.each(Phase::Running, progress, &mut |_, ran| {
        images += 1;
        results.extend(ran.output.iter().map(|&x| x as f32));
        codes.iter_mut().zip(&ran.codes).for_each(|(all, codes)| all.extend(codes));
    })?;
    let engine = |source| Error::Engine { file: request.path.to_path_buf(), source };
    let layers = shapes.into_iter().zip(codes).map(|((name, shape), spikes)| {
        Ok(NirSpikes { name, spikes: Batch::new(images, shape, spikes).map_err(engine)? })
    });
    Ok(NirRecord {
        time_steps: ready.run.time_steps,
        results: Batch::new(images, ready.interpreter.output_shape().to_vec(), results).map_err(engine)?,
        layers: layers.collect::<Result<_>>()?,
    })
}

/// A file and samples that suit each other.
struct Ready<'a> {
    request: &'a NirRequest<'a>,
    graph: &'a Graph,
    run: Run,
    interpreter: Interpreter<'a>,
    /// Shape of a sample.
    shape: Vec<usize>,
    preprocessing: Preprocessing,
}

impl<'a> Ready<'a> {
    fn new(request: &'a NirRequest<'a>, graph: &'a Graph) -> Result<Self> {
        let NirRequest { path, data, .. } = request;
        let run = Run::new(path, graph, request.target, request.dt, request.time_steps)?;
        let refuse = |reason: String| Error::Feed { file: path.to_path_buf(), reason };
        let interpreter = Interpreter::new(graph, run.semantics).map_err(|source| graph_error(path, source))?;
        let shape = run.sample.as_ref().map_or_else(|| interpreter.input_shape().to_vec(), |(shape, _)| shape.clone());
        let preprocessing = match &run.preprocessing {
            Some(json) => {
                let feed: SampleFeed = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
                feed.preprocessing.check().map_err(|error| refuse(error.to_string()))?;
                feed.preprocessing
            }
            None => settle(&Preprocessing::default(), &shape, data.element()),
        };
        Ok(Self { request, graph, run, interpreter, shape, preprocessing })
    }

    /// Runs all samples; `each` is shown the label of each one, where there are labels, and what came of it.
    fn each(
        &self,
        phase: Phase,
        progress: &mut dyn FnMut(Progress),
        each: &mut dyn FnMut(Option<i64>, &Ran),
    ) -> Result<()> {
        let NirRequest { path, data, stop, .. } = self.request;
        let mut done = 0;
        for batch in data.batches(&self.preprocessing, &self.shape, 16, Stage::Normalised)? {
            check_stop(stop)?;
            let batch = batch?;
            let samples: Vec<&[f32]> = batch.inputs.chunks_exact(batch.inputs.len() / batch.count).collect();
            let found = self.run.samples(self.graph, &samples).map_err(|source| graph_error(path, source))?;
            for (n, ran) in found.iter().enumerate() {
                each(batch.labels.as_ref().map(|labels| i64::from(labels[n])), ran);
            }
            done += batch.count;
            progress(Progress { phase, done, total: data.len() });
        }
        Ok(())
    }
}

/// The semantics in words.
fn words(semantics: &Semantics) -> String {
    let mut words = vec![
        match semantics.reset {
            Reset::ToReset => "reset to v_reset".to_owned(),
            Reset::Subtract => "reset by subtraction".to_owned(),
        },
        match semantics.fires {
            Fires::Above => "fires above the threshold".to_owned(),
            Fires::AtLeast => "the threshold fires".to_owned(),
        },
    ];
    if semantics.multiple {
        words.push("several spikes a step".into());
    }
    if let Some(floor) = semantics.floor {
        words.push(format!("membranes not below {} thresholds", -floor));
    }
    if semantics.decay != 1.0 {
        words.push(format!("IF keeps {} of its membrane", semantics.decay));
    }
    if semantics.dt != 1.0 {
        words.push(format!("steps of {}", semantics.dt));
    }
    words.join(", ")
}
