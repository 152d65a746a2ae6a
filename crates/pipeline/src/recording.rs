//! What neurons did, step by step.

use std::path::Path;

use spikeconverter_engine::{Batch, ClockedEngine, Engine, EngineError, ReferenceEngine, StepRecord, StreamingEngine};
use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{Schedule, Simulation, SpikingNetwork};

use crate::{EngineChoice, Error, Result, trains};

/// The largest record.
const MOST_BYTES: u128 = 8 << 30;

/// What is to be recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRequest {
    /// Whether spikes are.
    pub spikes: bool,
    /// Whether membrane potentials are.
    pub membranes: bool,
    /// Names of the populations; all where empty.
    pub layers: Vec<String>,
}

/// What neurons did on some samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The result for each sample.
    pub results: Batch,
    /// Steps of a population on a sample: `T`.
    pub time_steps: u32,
    /// The populations, in topological order.
    pub layers: Vec<LayerRecording>,
}

/// What the neurons of a population did: for each sample, in each of its steps, each neuron in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerRecording {
    /// Name of the population.
    pub name: String,
    /// Shape of its neurons.
    pub shape: Vec<usize>,
    /// The first of its steps, counted from 1 at the sample's first input.
    pub first_step: u32,
    /// Its spikes, if they were asked for.
    pub spikes: Option<Spikes>,
    /// Its membrane potentials after each step, in units of the threshold's, if they were asked for. Those of windows are of
    /// the generating half; where populations fire before their windows are over, what is left of what was heard.
    pub membranes: Option<Vec<f32>>,
}

/// Spikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spikes {
    /// Of windows: −1, 0 or 1.
    Window(Vec<i8>),
    /// Of streams: quanta of the population, 0 or 1 where spikes are all alike.
    Stream(Vec<i32>),
}

/// Where the steps come from.
enum Source<'a> {
    /// They are shown one by one.
    Steps(Box<dyn StreamingEngine + 'a>),
    /// They are those of the windows' codes.
    Codes(&'a dyn Engine),
}

impl<'a> Source<'a> {
    /// What shows all that is asked for at the least cost, where `choice` leaves one.
    fn new(
        network: &'a SpikingNetwork,
        engine: &'a dyn Engine,
        choice: EngineChoice,
        membranes: bool,
    ) -> std::result::Result<Self, EngineError> {
        Ok(match network.simulation() {
            Simulation::Window if !membranes => Self::Codes(engine),
            Simulation::Stream if choice != EngineChoice::Reference => {
                Self::Steps(Box::new(ClockedEngine::new(network)?))
            }
            Simulation::Window | Simulation::Stream => Self::Steps(Box::new(ReferenceEngine::new(network))),
        })
    }
}

/// A record under way.
pub(crate) struct Recorder<'a> {
    network: &'a SpikingNetwork,
    source: Source<'a>,
    record: Record,
}

/// What was recorded so far.
struct Record {
    steps: usize,
    layers: Vec<(NodeId, LayerRecording)>,
}

impl<'a> Recorder<'a> {
    /// Room for `count` samples. `engine` runs the network, as `choice` asks; `path` names it in messages.
    pub(crate) fn new(
        network: &'a SpikingNetwork,
        path: &Path,
        engine: &'a dyn Engine,
        choice: EngineChoice,
        request: &RecordRequest,
        count: usize,
    ) -> Result<Self> {
        let name = |id: NodeId| network.node(id).name.as_str();
        for wanted in &request.layers {
            if !network.spiking().any(|id| name(id) == wanted) {
                return Err(Error::NoLayer {
                    file: path.to_owned(),
                    layer: wanted.clone(),
                    known: network.spiking().map(name).collect::<Vec<_>>().join(", "),
                });
            }
        }
        let chosen = |id: &NodeId| request.layers.is_empty() || request.layers.iter().any(|layer| layer == name(*id));
        let chosen: Vec<NodeId> = network.spiking().filter(chosen).collect();
        let steps = network.time_steps() as usize;
        let window = network.simulation() == Simulation::Window;
        let neurons: u128 = chosen.iter().map(|id| volume(&network.node(*id).shape) as u128).sum();
        let value = if request.spikes { if window { 1 } else { 4 } } else { 0 } + if request.membranes { 4 } else { 0 };
        let bytes = neurons * steps as u128 * count as u128 * value;
        if bytes > MOST_BYTES {
            return Err(Error::Recording { file: path.to_owned(), samples: count, bytes, most: MOST_BYTES });
        }
        let schedule = Schedule::new(network);
        let layer = |id: NodeId| {
            let shape = network.node(id).shape.clone();
            let values = count * steps * volume(&shape);
            let spikes = || if window { Spikes::Window(vec![0; values]) } else { Spikes::Stream(vec![0; values]) };
            let layer = LayerRecording {
                name: name(id).to_owned(),
                shape,
                first_step: schedule.timing(id).emits_at + 1,
                spikes: request.spikes.then(spikes),
                membranes: request.membranes.then(|| vec![0.0; values]),
            };
            (id, layer)
        };
        let layers = chosen.into_iter().map(layer).collect();
        let source = Source::new(network, engine, choice, request.membranes)
            .map_err(|source| Error::Engine { file: path.to_owned(), source })?;
        Ok(Self { network, source, record: Record { steps, layers } })
    }

    /// Runs samples, number `first` and those that follow, and records them.
    pub(crate) fn run(&mut self, samples: &Batch, first: usize) -> std::result::Result<Batch, EngineError> {
        let Self { network, source, record } = self;
        match source {
            Source::Steps(engine) => engine.record(samples, &mut |step| record.step(step, first)),
            Source::Codes(engine) => {
                let mut first = vec![first; record.layers.len()];
                engine.run(samples, &mut |id, codes| record.codes(network, id, codes, &mut first))
            }
        }
    }

    pub(crate) fn finish(self, results: Batch) -> Recording {
        let Record { steps, layers } = self.record;
        Recording { results, time_steps: steps as u32, layers: layers.into_iter().map(|(_, layer)| layer).collect() }
    }
}

impl Record {
    fn step(&mut self, record: &StepRecord<'_>, first: usize) {
        let Some((_, layer)) = self.layers.iter_mut().find(|(id, _)| *id == record.node) else { return };
        let neurons = record.spikes.len();
        let at = ((first + record.sample) * self.steps + record.step as usize - 1) * neurons;
        match &mut layer.spikes {
            None => {}
            Some(Spikes::Window(all)) => {
                all[at..at + neurons].iter_mut().zip(record.spikes).for_each(|(to, spike)| *to = *spike as i8);
            }
            Some(Spikes::Stream(all)) => all[at..at + neurons].copy_from_slice(record.spikes),
        }
        if let Some(all) = &mut layer.membranes {
            all[at..at + neurons].iter_mut().zip(record.membranes).for_each(|(to, v)| *to = *v as f32);
        }
    }

    /// A group of samples of a population; `first` says for each population how many came before.
    fn codes(&mut self, network: &SpikingNetwork, id: NodeId, codes: &Batch<i32>, first: &mut [usize]) {
        let Some(place) = self.layers.iter().position(|(layer, _)| *layer == id) else { return };
        let neurons = codes.volume();
        if let Some(Spikes::Window(all)) = &mut self.layers[place].1.spikes {
            for (i, sample) in codes.samples().enumerate() {
                let at = (first[place] + i) * self.steps * neurons;
                for (n, &code) in sample.iter().enumerate() {
                    for (step, spike) in trains::spikes(network, id, code).enumerate() {
                        all[at + step * neurons + n] = spike;
                    }
                }
            }
        }
        first[place] += codes.count();
    }
}
