//! NIR files: what they hold, and what comes of running them.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use spikeconverter_data::{Dataset, Preprocessing, Stage};
use spikeconverter_engine::evaluation::largest;
use spikeconverter_export::nir::{Instructions, Target};
use spikeconverter_nir::{Array, Fires, Graph, GraphError, Interpreter, Meta, Metadata, Reset, Semantics, Shapes};

use crate::evaluate::check_classes;
use crate::feed::settle;
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// Whether a file's name says that it is NIR.
pub fn is_nir(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("nir"))
}

/// What a NIR file holds.
#[derive(Debug, Clone, Serialize)]
pub struct NirDescription {
    /// The file.
    pub file: String,
    /// Neurons that fire.
    pub neurons: usize,
    /// Numbers of all parameters.
    pub parameters: usize,
    /// The nodes; those of inner graphs are `outer.inner`.
    pub nodes: Vec<NirNode>,
    /// Metadata of the graph, `group/entry`, with its text or numbers.
    pub metadata: Vec<(String, String)>,
}

/// A node of a NIR file.
#[derive(Debug, Clone, Serialize)]
pub struct NirNode {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Shape of what it sends.
    pub shape: Vec<usize>,
    /// The nodes that it hears.
    pub hears: Vec<String>,
    /// Its parameters: name and shape, and the number where all are the same.
    pub parameters: Vec<(&'static str, Vec<usize>, Option<f64>)>,
}

/// Reads a NIR file and says what it holds.
///
/// # Errors
/// When it is no NIR file, or its shapes do not fit.
pub fn describe_nir(path: &Path) -> Result<NirDescription> {
    let graph = Graph::read(path)?;
    let shapes = Shapes::of(&graph).map_err(|source| graph_error(path, source))?;
    let mut nodes = Vec::new();
    describe_nodes(&graph, "", &shapes, &mut nodes);
    let spiking = |node: &&NirNode| matches!(node.kind, "IF" | "LIF" | "CubaLIF");
    let mut metadata = Vec::new();
    describe_metadata(&graph.metadata, "", &mut metadata);
    Ok(NirDescription {
        file: path.display().to_string(),
        neurons: nodes.iter().filter(spiking).map(|node| node.shape.iter().product::<usize>()).sum(),
        parameters: nodes.iter().flat_map(|n| &n.parameters).map(|(_, shape, _)| shape.iter().product::<usize>()).sum(),
        nodes,
        metadata,
    })
}

fn describe_nodes(graph: &Graph, prefix: &str, shapes: &Shapes, into: &mut Vec<NirNode>) {
    for element in &graph.nodes {
        let name = format!("{prefix}{}", element.name);
        let hears = graph.edges.iter().filter(|(_, to)| *to == element.name).map(|(from, _)| format!("{prefix}{from}"));
        let same = |array: &Array| array.data().iter().all(|x| *x == array.data()[0]).then(|| array.data()[0]);
        let parameters = element.node.arrays().into_iter();
        into.push(NirNode {
            kind: element.node.kind(),
            shape: shapes.get(&name).unwrap_or_default().to_vec(),
            hears: hears.collect(),
            parameters: parameters.map(|(name, array)| (name, array.shape().to_vec(), same(array))).collect(),
            name: name.clone(),
        });
        if let spikeconverter_nir::Node::Graph(inner) = &element.node {
            describe_nodes(inner, &format!("{name}."), shapes, into);
        }
    }
}

fn describe_metadata(metadata: &Metadata, prefix: &str, into: &mut Vec<(String, String)>) {
    for (name, meta) in metadata {
        let name = format!("{prefix}{name}");
        match meta {
            Meta::Text(text) => into.push((name, text.clone())),
            Meta::Numbers(array) => match array.data() {
                &[only] => into.push((name, only.to_string())),
                _ => into.push((name, format!("numbers of shape {:?}", array.shape()))),
            },
            Meta::Group(inner) => describe_metadata(inner, &format!("{name}/"), into),
        }
    }
}

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

/// Runs a NIR file on samples by the interpreter. The class is where the mean of what leaves is largest.
///
/// # Errors
/// When the file cannot be run, says nothing of its steps and none are given, or the data do not suit it.
pub fn evaluate_nir(request: &NirRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<NirReport> {
    let NirRequest { path, data, .. } = request;
    let graph = Graph::read(path)?;
    let run = Run::new(path, &graph, request.target, request.dt, request.time_steps)?;
    let refuse = |reason: String| Error::Feed { file: path.to_path_buf(), reason };
    let interpreter = Interpreter::new(&graph, run.semantics).map_err(|source| graph_error(path, source))?;
    let shape = run.sample.as_ref().map_or_else(|| interpreter.input_shape().to_vec(), |(shape, _)| shape.clone());
    let preprocessing = match &run.preprocessing {
        Some(json) => {
            let feed: SampleFeed = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
            feed.preprocessing.check().map_err(|error| refuse(error.to_string()))?;
            feed.preprocessing
        }
        None => settle(&Preprocessing::default(), &shape, data.element()),
    };
    let outputs: usize = interpreter.output_shape().iter().product();
    check_classes(data, &preprocessing, outputs, path)?;
    let mut layers: Vec<NirLayer> = interpreter
        .spiking()
        .map(|(name, shape)| NirLayer {
            name: name.to_owned(),
            neurons: shape.iter().product(),
            spikes_per_neuron: 0.0,
        })
        .collect();
    let (mut images, mut right, mut labelled) = (0, 0usize, 0usize);
    let mut spikes = vec![0.0; layers.len()];
    for batch in data.batches(&preprocessing, &shape, 16, Stage::Normalised)? {
        let batch = batch?;
        let samples: Vec<&[f32]> = batch.inputs.chunks_exact(batch.inputs.len() / batch.count).collect();
        let found = run.samples(&graph, &samples).map_err(|source| graph_error(path, source))?;
        for (n, ran) in found.into_iter().enumerate() {
            for (sum, codes) in spikes.iter_mut().zip(&ran.codes) {
                *sum += codes.iter().sum::<f64>();
            }
            if let Some(labels) = &batch.labels {
                labelled += 1;
                let label = largest(&ran.output).map(|class| class as i64 - preprocessing.label_offset);
                right += usize::from(label == Some(i64::from(labels[n])));
            }
        }
        images += batch.count;
        progress(Progress { phase: Phase::Evaluating, done: images, total: data.len() });
    }
    for (layer, sum) in layers.iter_mut().zip(&spikes) {
        layer.spikes_per_neuron = sum / (layer.neurons * images).max(1) as f64;
    }
    let neurons: usize = layers.iter().map(|layer| layer.neurons).sum();
    Ok(NirReport {
        file: path.display().to_string(),
        time_steps: run.time_steps,
        semantics: words(&run.semantics),
        images,
        accuracy: (labelled > 0).then(|| right as f64 / labelled as f64),
        spikes_per_neuron: spikes.iter().sum::<f64>() / (neurons * images).max(1) as f64,
        layers,
    })
}

/// A graph with all that it takes to run it.
struct Run {
    time_steps: u32,
    skip: u32,
    semantics: Semantics,
    initial: Vec<(String, Array)>,
    sample: Option<(Vec<usize>, Vec<usize>)>,
    preprocessing: Option<String>,
}

/// What a sample left behind.
struct Ran {
    /// The mean of what left over the steps that are read.
    output: Vec<f64>,
    /// For each node that fires the spikes of each neuron.
    codes: Vec<Vec<f64>>,
}

impl Run {
    /// As the file's metadata say, unless told otherwise.
    fn new(
        path: &Path,
        graph: &Graph,
        target: Option<Target>,
        dt: Option<f64>,
        time_steps: Option<u32>,
    ) -> Result<Self> {
        let own = Instructions::of(graph);
        let mut semantics = match (target, &own) {
            (Some(target), _) => target.semantics(),
            (None, Some(own)) => own.semantics,
            (None, None) => Semantics::default(),
        };
        semantics.dt = dt.unwrap_or(semantics.dt);
        let Some(time_steps) = time_steps.or(own.as_ref().map(|own| own.time_steps)) else {
            return Err(Error::NirSteps { file: path.to_owned() });
        };
        let skip = own.as_ref().map_or(0, |own| own.skip).min(time_steps.saturating_sub(1));
        // importers begin at 0
        let initial = match (&own, target) {
            (Some(own), None) => own.initial.clone(),
            _ => Vec::new(),
        };
        let (sample, preprocessing) = own.map_or((None, None), |own| (own.sample, own.preprocessing));
        Ok(Self { time_steps, skip, semantics, initial, sample, preprocessing })
    }

    fn begin(&self, run: &mut Interpreter<'_>) -> std::result::Result<(), GraphError> {
        run.restart();
        self.initial.iter().try_for_each(|(name, membranes)| run.set_membranes(name, membranes.data()))
    }

    /// Runs samples side by side, a prepared graph a thread.
    fn samples<'g>(&self, graph: &'g Graph, samples: &[&[f32]]) -> std::result::Result<Vec<Ran>, GraphError> {
        let of = |run: &mut Option<Interpreter<'g>>, sample: &&[f32]| {
            let run = match run {
                Some(run) => run,
                None => run.insert(Interpreter::new(graph, self.semantics)?),
            };
            self.sample(run, sample)
        };
        samples.par_iter().map_init(|| None, of).collect()
    }

    fn sample(&self, run: &mut Interpreter<'_>, sample: &[f32]) -> std::result::Result<Ran, GraphError> {
        self.begin(run)?;
        let input: Vec<f64> = match &self.sample {
            Some((_, order)) => {
                order.iter().map(|&place| f64::from(sample.get(place).copied().unwrap_or(0.0))).collect()
            }
            None => sample.iter().map(|&x| f64::from(x)).collect(),
        };
        let mut codes: Vec<Vec<f64>> = run.spikes().map(|sent| vec![0.0; sent.len()]).collect();
        let mut output: Vec<f64> = Vec::new();
        for step in 0..self.time_steps {
            let sent = run.step(&input)?;
            if step >= self.skip {
                output.resize(sent.len(), 0.0);
                output.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
            }
            for (code, sent) in codes.iter_mut().zip(run.spikes()) {
                code.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
            }
        }
        let read = f64::from(self.time_steps - self.skip);
        for sum in &mut output {
            *sum /= read;
        }
        Ok(Ran { output, codes })
    }
}

/// What a NIR network made of a sample: the mean of what left, and the spikes of each node that fires.
pub type NirRun = (Vec<f64>, Vec<(String, Vec<f64>)>);

/// Runs one sample after the other: for each the mean of what leaves, and the spikes of each node that fires, in the order of
/// the file. What the comparison with other programs calls.
///
/// # Errors
/// As [`evaluate_nir`].
pub fn run_nir(path: &Path, target: Option<Target>, samples: &[&[f32]]) -> Result<Vec<NirRun>> {
    let graph = Graph::read(path)?;
    let run = Run::new(path, &graph, target, None, None)?;
    let failed = |source| graph_error(path, source);
    let names: Vec<String> =
        Interpreter::new(&graph, run.semantics).map_err(failed)?.spiking().map(|(name, _)| name.to_owned()).collect();
    let ran = run.samples(&graph, samples).map_err(failed)?;
    Ok(ran.into_iter().map(|ran| (ran.output, names.iter().cloned().zip(ran.codes).collect())).collect())
}

fn graph_error(path: &Path, source: GraphError) -> Error {
    spikeconverter_nir::NirError::Graph { file: path.to_owned(), source }.into()
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
