//! The folded engine: a whole window of simulation in one pass.
//!
//! In a windowed code a spike train is a number, `a = θ Σ k^-(t-1) s(t)`, and accumulation is linear, so that `T` steps
//! of weighted spikes sum to the weighted numbers: the membrane at the hand-over is the synapses applied to the decoded
//! trains, and generation is the expansion of that membrane in base `k`. This holds exactly in real arithmetic; with
//! `f32` weights the engine may differ from the reference where a membrane lies within rounding of a multiple of the
//! resolution. Memory and time do not grow with `T` (for base 2; other bases take `T` steps a neuron in registers).

mod generate;

use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{NodeKind, Population, Readout, SpikingNetwork};

pub use self::generate::{ChannelParameters, WindowGenerator, generate};
use crate::kernels::{Compiled, compile};
use crate::{Batch, Engine, EngineError};

/// A spiking network, ready to run: its weights are packed.
pub struct FoldedEngine<'a> {
    network: &'a SpikingNetwork,
    nodes: Vec<Step<'a>>,
    /// For each node, the nodes that are read for the last time there.
    dead: Vec<Vec<NodeId>>,
}

/// What a node does with its inputs' values.
enum Step<'a> {
    /// The samples.
    Input,
    /// A kernel on decoded trains, currents or values.
    Apply(Compiled),
    /// The membranes at the hand-over become trains.
    Generate { pool: Option<Compiled>, population: &'a Population },
    /// The membranes are the result.
    Readout(Vec<f32>),
}

impl<'a> FoldedEngine<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Op`] when a node does not fit its inputs.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        let compiled = |op: &Op, id: NodeId| {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            Ok::<_, EngineError>(compile(op, &shapes)?.named(format!("node `{}`", node.name)))
        };
        let nodes = network
            .ids()
            .map(|id| {
                let node = network.node(id);
                Ok(match &node.kind {
                    NodeKind::Input(_) => Step::Input,
                    NodeKind::Synapse(op) | NodeKind::Head(op) => Step::Apply(compiled(op, id)?),
                    // greedy codes keep the order: the largest value has the lexicographically largest train
                    NodeKind::MaxPool(pool) => Step::Apply(compiled(&Op::MaxPool(pool.clone()), id)?),
                    NodeKind::Population(population) => Step::Generate {
                        pool: match &population.pool {
                            Some(pool) => Some(compiled(&Op::MaxPool(pool.clone()), id)?),
                            None => None,
                        },
                        population,
                    },
                    NodeKind::Readout(Readout { initial }) => Step::Readout(initial.clone()),
                })
            })
            .collect::<Result<_, EngineError>>()?;
        let mut dead = vec![Vec::new(); network.nodes().len()];
        for (id, readers) in network.ids().zip(network.consumers()) {
            if id != network.output() {
                dead[readers.last().map_or(id.0, |reader| reader.0)].push(id);
            }
        }
        Ok(Self { network, nodes, dead })
    }

    /// What one node makes of its inputs' values; a population's codes go to `watch`.
    fn step(
        &self,
        id: NodeId,
        values: &mut [Option<Batch>],
        watch: &mut dyn FnMut(NodeId, &Batch<i32>),
    ) -> Result<Batch, EngineError> {
        let inputs = &self.network.node(id).inputs;
        match &self.nodes[id.0] {
            Step::Input => self.missing(id),
            Step::Apply(kernel) => {
                let read: Vec<&Batch> = inputs.iter().filter_map(|i| values[i.0].as_ref()).collect();
                kernel.run(&read)
            }
            Step::Generate { pool, population } => {
                let membranes = match (pool, &values[inputs[0].0]) {
                    (Some(pool), Some(unpooled)) => pool.run(&[unpooled])?,
                    _ => self.own(id, values)?,
                };
                let (sent, codes) = generate(population, self.network.time_steps(), membranes)?;
                watch(id, &codes);
                Ok(sent)
            }
            Step::Readout(initial) => {
                let mut result = self.own(id, values)?;
                add_initial(initial, &mut result);
                Ok(result)
            }
        }
    }

    /// The value of a node's only input, taken when nobody else will read it.
    fn own(&self, id: NodeId, values: &mut [Option<Batch>]) -> Result<Batch, EngineError> {
        let input = self.network.node(id).inputs[0];
        let value = if self.dead[id.0].contains(&input) { values[input.0].take() } else { values[input.0].clone() };
        value.map_or_else(|| self.missing(id), Ok)
    }

    fn missing(&self, id: NodeId) -> Result<Batch, EngineError> {
        let what = format!("node `{}`", self.network.node(id).name);
        Err(EngineError::InputCount { what, expected: 1, found: 0 })
    }
}

impl Engine for FoldedEngine<'_> {
    fn name(&self) -> &'static str {
        "folded"
    }

    fn run(&self, inputs: &Batch, watch: &mut dyn FnMut(NodeId, &Batch<i32>)) -> Result<Batch, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let mut values: Vec<Option<Batch>> = vec![None; self.nodes.len()];
        values[0] = Some(inputs.clone());
        for id in self.network.ids().skip(1) {
            values[id.0] = Some(self.step(id, &mut values, watch)?);
            for dead in &self.dead[id.0] {
                values[dead.0] = None;
            }
        }
        let output = self.network.output();
        values[output.0].take().ok_or(EngineError::NoNode { nodes: self.nodes.len(), id: output.0 })
    }
}

/// Adds one value an entry of the first axis to each sample.
fn add_initial(initial: &[f32], batch: &mut Batch) {
    if initial.is_empty() {
        return;
    }
    let inner = batch.volume() / initial.len();
    for (values, initial) in batch.data_mut().chunks_mut(inner).zip(initial.iter().cycle()) {
        for value in values {
            *value += initial;
        }
    }
}
