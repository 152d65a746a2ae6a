//! Windowed networks, step by step: every population hears all steps of a window, then sends its own.
//!
//! Layer by layer, all steps of a window at once: synapses are dense products with the steps as samples of a batch. Signals
//! are decoded, `θ k^-(t-1) s(t)` in step `t`, so that trains of all codes add up, and a neuron's membrane at the hand-over is
//! the sum of what it heard. A signal has only as many steps as can differ from 0: one of an analog sample. What constants
//! (biases, shifts) make of a node is computed once.
//!
//! Sums of a step are taken in `f32`, over steps in `f64`. In networks of integers they are exact ([`Grain`]); where they might
//! not be, operations are applied in `f64` as the reference engine does.

use rayon::prelude::*;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Encoding, Node, NodeKind, Population, SpikingNetwork};

use super::compile::without_constants;
use super::grain::Grain;
use super::online::Outcome;
use crate::kernels::add_initial;
use crate::kernels::{Compiled, Threads, compile_node};
use crate::literal::apply;
use crate::{Batch, EngineError};

/// A network, ready to run.
pub(super) struct Windows {
    nodes: Vec<Ready>,
    /// The nodes that are read for the last time at each node.
    dead: Vec<Vec<NodeId>>,
}

/// A node, ready to run.
struct Ready {
    /// Steps of its signal.
    steps: usize,
    /// What constants make of it; nothing where that is 0.
    constants: Vec<f64>,
    /// The kernel of a synapse whose sums it takes well enough.
    kernel: Option<Compiled>,
}

impl Windows {
    pub(super) fn new(network: &SpikingNetwork) -> Result<Self, EngineError> {
        let dead = crate::plan::dead(network);
        let integers = network.is_integer();
        let mut grains: Vec<Option<Grain>> = Vec::with_capacity(network.nodes().len());
        let mut nodes: Vec<Ready> = Vec::with_capacity(network.nodes().len());
        for id in network.ids() {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            let arriving = node.inputs.iter().map(|i| nodes[i.0].steps).max().unwrap_or(0);
            let known: Vec<Option<Grain>> = node.inputs.iter().map(|i| grains[i.0]).collect();
            let constants = |op: &Op| constants(network, &nodes, node, op);
            let (ready, grain) = match &node.kind {
                NodeKind::Input(Encoding::Pixels) => {
                    let bit = 2f32.powi(Encoding::PIXEL_STEPS as i32 - 1);
                    (Ready::signal(Encoding::PIXEL_STEPS as usize), Grain::of_integers(std::iter::once(bit)))
                }
                NodeKind::Input(_) | NodeKind::Readout(_) | NodeKind::Head(_) => (Ready::signal(1), None),
                NodeKind::Synapse(op) => {
                    let grain = Grain::after(op, &known);
                    let exact = !integers || grain.is_some_and(Grain::is_exact);
                    let kernel =
                        exact.then(|| compile_node(&node.name, &without_constants(op), &shapes)).transpose()?;
                    (Ready { steps: arriving, constants: constants(op)?, kernel }, grain)
                }
                NodeKind::MaxPool(pool) => {
                    let constants = constants(&Op::MaxPool(pool.clone()))?;
                    (Ready { constants, ..Ready::signal(arriving) }, None)
                }
                NodeKind::Population(population) => {
                    let channels = node.shape.first().copied().unwrap_or(1);
                    let amplitudes = (0..channels).map(|c| population.amplitude(c));
                    (Ready::signal(population.window(network.time_steps()) as usize), Grain::of_integers(amplitudes))
                }
                NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                    let reason = "it has no place in a windowed network".to_owned();
                    return Err(EngineError::Op { what: format!("node `{}`", node.name), reason });
                }
            };
            nodes.push(ready);
            grains.push(grain);
        }
        Ok(Self { nodes, dead })
    }

    /// Runs samples, each on a thread.
    pub(super) fn run(&self, network: &SpikingNetwork, inputs: &Batch) -> Result<Vec<Outcome>, EngineError> {
        let samples: Vec<&[f32]> = inputs.samples().collect();
        samples.par_iter().map(|sample| self.run_sample(network, sample)).collect()
    }

    fn run_sample(&self, network: &SpikingNetwork, sample: &[f32]) -> Result<Outcome, EngineError> {
        let mut values: Vec<Vec<f64>> = vec![Vec::new(); self.nodes.len()];
        let mut codes = Vec::new();
        for id in network.ids() {
            let node = network.node(id);
            let input = node.inputs.first().map_or(&[][..], |input| values[input.0].as_slice());
            let found = match &node.kind {
                NodeKind::Input(Encoding::Pixels) => bits(sample),
                NodeKind::Input(_) => sample.iter().map(|&x| x.into()).collect(),
                NodeKind::Synapse(op) => self.synapse(network, id, op, &values)?,
                NodeKind::MaxPool(pool) => {
                    let before = self.heard(node.inputs[0], network, &[]);
                    let shape = network.node(node.inputs[0]).shape.as_slice();
                    maximum(&Op::MaxPool(pool.clone()), shape, before, input)?
                }
                NodeKind::Population(population) => {
                    let membranes = self.heard(node.inputs[0], network, input);
                    let shape = network.node(node.inputs[0]).shape.as_slice();
                    let sent = generate(population, shape, membranes, network.time_steps())?;
                    let signal = decoded(population, &node.shape, &sent, network.time_steps());
                    codes.push(sent);
                    signal
                }
                NodeKind::Readout(readout) => {
                    let mut membranes = self.heard(node.inputs[0], network, input);
                    let size = membranes.len();
                    add_initial(&readout.initial, &mut membranes, size);
                    membranes
                }
                NodeKind::Head(op) => apply(op, &given(network, node, |i| &values[node.inputs[i].0]), true)?,
                // `new` refused them
                NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => Vec::new(),
            };
            values[id.0] = found;
            for dead in &self.dead[id.0] {
                values[dead.0] = Vec::new();
            }
        }
        let result = std::mem::take(&mut values[network.output().0]);
        Ok(Outcome { result: result.into_iter().map(|x| x as f32).collect(), codes })
    }

    /// A synapse's signal, without constants.
    fn synapse(
        &self,
        network: &SpikingNetwork,
        id: NodeId,
        op: &Op,
        values: &[Vec<f64>],
    ) -> Result<Vec<f64>, EngineError> {
        let (node, Ready { steps, kernel, .. }) = (network.node(id), &self.nodes[id.0]);
        let sizes: Vec<usize> = node.inputs.iter().map(|i| volume(&network.node(*i).shape)).collect();
        // a signal that is over sends nothing
        if let Some(kernel) = kernel {
            let narrow = |(i, size): (&NodeId, &usize)| {
                let mut signal: Vec<f32> = values[i.0].iter().map(|&x| x as f32).collect();
                signal.resize(steps * size, 0.0);
                signal
            };
            let inputs: Vec<Vec<f32>> = node.inputs.iter().zip(&sizes).map(narrow).collect();
            let mut result = vec![0.0; steps * volume(&node.shape)];
            kernel.run_unchecked(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut result, Threads::One);
            return Ok(result.into_iter().map(f64::from).collect());
        }
        let silence: Vec<Vec<f64>> = sizes.iter().map(|&size| vec![0.0; size]).collect();
        let mut result = Vec::with_capacity(steps * volume(&node.shape));
        for step in 0..*steps {
            let sent = |i: usize| values[node.inputs[i].0].chunks_exact(sizes[i]).nth(step).unwrap_or(&silence[i]);
            result.extend(apply(op, &given(network, node, sent), false)?);
        }
        Ok(result)
    }

    /// What was heard from a node in all steps, with what constants make of it.
    fn heard(&self, from: NodeId, network: &SpikingNetwork, signal: &[f64]) -> Vec<f64> {
        let size = volume(&network.node(from).shape);
        let mut sum = self.nodes[from.0].constants.clone();
        sum.resize(size, 0.0);
        for step in signal.chunks_exact(size) {
            sum.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
        }
        sum
    }
}

impl Ready {
    /// A node of a signal of so many steps that has neither constants nor a kernel.
    fn signal(steps: usize) -> Self {
        Self { steps, constants: Vec::new(), kernel: None }
    }
}

/// What an operation is applied to: the shape of each input of a node, and its values.
fn given<'a>(
    network: &'a SpikingNetwork,
    node: &Node,
    values: impl Fn(usize) -> &'a [f64],
) -> Vec<(&'a [usize], &'a [f64])> {
    node.inputs.iter().enumerate().map(|(i, id)| (network.node(*id).shape.as_slice(), values(i))).collect()
}

/// What constants make of an operation's result.
fn constants(network: &SpikingNetwork, before: &[Ready], node: &Node, op: &Op) -> Result<Vec<f64>, EngineError> {
    if node.inputs.iter().all(|i| before[i.0].constants.is_empty()) && without_constants(op) == *op {
        return Ok(Vec::new());
    }
    let of = |i: &NodeId| {
        let mut values = before[i.0].constants.clone();
        values.resize(volume(&network.node(*i).shape), 0.0);
        values
    };
    let inputs: Vec<Vec<f64>> = node.inputs.iter().map(of).collect();
    apply(op, &given(network, node, |i| &inputs[i]), true)
}

/// The bits of integers 0..=255 with their weights, most significant first.
fn bits(sample: &[f32]) -> Vec<f64> {
    let step = |bit: u32| sample.iter().map(move |&pixel| f64::from(pixel as u32 & (1 << bit)));
    (0..Encoding::PIXEL_STEPS).rev().flat_map(step).collect()
}

/// In each step, by how much the maximum of what was sent grows over what it was before (`sent`).
fn maximum(pool: &Op, shape: &[usize], mut sent: Vec<f64>, signal: &[f64]) -> Result<Vec<f64>, EngineError> {
    let mut before = apply(pool, &[(shape, &sent)], true)?;
    let mut grown = Vec::new();
    for step in signal.chunks_exact(sent.len()) {
        sent.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
        let now = apply(pool, &[(shape, &sent)], true)?;
        grown.extend(now.iter().zip(&before).map(|(now, before)| now - before));
        before = now;
    }
    Ok(grown)
}

/// The codes that a population sends for the membranes at the hand-over.
fn generate(
    population: &Population,
    shape: &[usize],
    mut membranes: Vec<f64>,
    steps: u32,
) -> Result<Vec<i32>, EngineError> {
    let size = membranes.len();
    add_initial(&population.initial, &mut membranes, size);
    if let Some(pool) = &population.pool {
        membranes = apply(&Op::MaxPool(pool.clone()), &[(shape, &membranes)], true)?;
    }
    let inner = (membranes.len() / shape.first().copied().unwrap_or(1).max(1)).max(1);
    Ok(membranes.iter().enumerate().map(|(n, &v)| population.encode(v, n / inner, steps)).collect())
}

/// The signal of codes.
fn decoded(population: &Population, shape: &[usize], codes: &[i32], steps: u32) -> Vec<f64> {
    let code = population.code(steps);
    let inner = (codes.len() / shape.first().copied().unwrap_or(1).max(1)).max(1);
    let step = |t: u32| {
        let weight = code.weight(t);
        codes.iter().enumerate().map(move |(n, &sent)| {
            let spike = f64::from((sent.abs() >> (code.steps - t) & 1) * sent.signum());
            spike * weight * f64::from(population.amplitude(n / inner))
        })
    };
    (1..=code.steps).flat_map(step).collect()
}
