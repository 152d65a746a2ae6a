//! Windowed networks whose populations generate while they listen, or whose whole windows have spikes of both signs.
//!
//! Layer by layer, all steps of a window at once: synapses are dense products with the steps as samples of a batch, since
//! signed trains are busier than a kernel for events wants them. Signals are decoded, `θ k^-(t-1) s(t)` in step `t`, so that
//! trains of all codes add up, and what a neuron heard is the sum of the steps so far. A signal has only as many steps as can
//! differ from 0: one of an analog sample.

use rayon::prelude::*;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Encoding, NodeKind, Population, Readout, Schedule, SpikingNetwork};
use spikeconverter_neuron::{SignedIlif, SignedTrain};

use super::compile::without_constants;
use crate::kernels::add_initial;
use crate::kernels::vectors::vectorised;
use crate::kernels::{Compiled, Threads, compile};
use crate::{Batch, EngineError};

/// A network, ready to run.
pub(super) struct Online {
    works: Vec<Work>,
    /// Steps of each node's signal.
    steps: Vec<u32>,
    /// The nodes that are read for the last time at each node.
    dead: Vec<Vec<NodeId>>,
}

/// What is done for a node.
enum Work {
    Input,
    /// Steps are samples of a batch; `first` is what constants add to the first.
    Synapse {
        kernel: Compiled,
        first: Vec<f32>,
    },
    /// The maximum of what trains sent so far.
    Maximum(Compiled),
    Neurons(Box<Neurons>),
    /// The sum of all steps.
    Read(Vec<f32>),
    Head(Compiled),
}

/// A population.
struct Neurons {
    pool: Option<Compiled>,
    initial: Vec<f32>,
    channels: Vec<Channel>,
    /// Steps of its input that it heard before its first.
    delay: u32,
    /// Weights `k^-(t-1)` of its steps.
    weights: Vec<f32>,
    /// How many there are.
    count: usize,
}

#[derive(Clone, Copy)]
struct Channel {
    threshold: f32,
    amplitude: f32,
    low: f32,
    high: f32,
    slope: f32,
}

impl Channel {
    fn new(population: &Population, channel: usize) -> Self {
        let (low, high) = population.transfer.bounds();
        Self {
            threshold: population.threshold(channel),
            amplitude: population.amplitude(channel),
            low,
            high,
            slope: population.transfer.slope(channel),
        }
    }

    /// The activation of a membrane.
    #[allow(clippy::inline_always, clippy::manual_clamp)] // belongs into vectorised loops
    #[inline(always)]
    fn apply(&self, v: f32) -> f32 {
        let v = v.max(self.low).min(self.high);
        if v < 0.0 { v * self.slope } else { v }
    }
}

/// A sample's result, and the codes of each population in topological order.
pub(super) struct Outcome {
    pub(super) result: Vec<f32>,
    pub(super) codes: Vec<Vec<i32>>,
}

impl Online {
    pub(super) fn new(network: &SpikingNetwork) -> Result<Self, EngineError> {
        let schedule = Schedule::new(network);
        let dead = crate::plan::dead(network);
        let mut steps: Vec<u32> = Vec::with_capacity(network.nodes().len());
        let mut works = Vec::with_capacity(network.nodes().len());
        for id in network.ids() {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            let kernel = |op: &Op| compile(op, &shapes).map(|kernel| kernel.named(format!("node `{}`", node.name)));
            let arriving = node.inputs.iter().map(|i| steps[i.0]).max().unwrap_or(0);
            let (work, own) = match &node.kind {
                NodeKind::Input(Encoding::Pixels) => (Work::Input, Encoding::PIXEL_STEPS),
                NodeKind::Input(_) => (Work::Input, 1),
                NodeKind::Synapse(op) => {
                    let zeros: Vec<Vec<f32>> = shapes.iter().map(|shape| vec![0.0; volume(shape)]).collect();
                    let zeros: Vec<&[f32]> = zeros.iter().map(Vec::as_slice).collect();
                    let mut first = vec![0.0; volume(&node.shape)];
                    kernel(op)?.run_unchecked(&zeros, &mut first, Threads::One);
                    (Work::Synapse { kernel: kernel(&without_constants(op))?, first }, arriving)
                }
                NodeKind::MaxPool(pool) => (Work::Maximum(kernel(&Op::MaxPool(pool.clone()))?), arriving),
                NodeKind::Population(population) => {
                    let timing = schedule.timing(id);
                    let pool = population.pool.as_ref().map(|pool| kernel(&Op::MaxPool(pool.clone()))).transpose()?;
                    let code = population.code(network.time_steps());
                    let channels = node.shape.first().copied().unwrap_or(1);
                    let heard = shapes[0].first().copied().unwrap_or(1);
                    let neurons = Neurons {
                        pool,
                        initial: (0..heard).map(|c| population.initial(c)).collect(),
                        channels: (0..channels).map(|c| Channel::new(population, c)).collect(),
                        delay: timing.emits_at - timing.listens_at,
                        weights: (1..=code.steps).map(|t| code.weight(t) as f32).collect(),
                        count: volume(&node.shape),
                    };
                    (Work::Neurons(Box::new(neurons)), code.steps)
                }
                NodeKind::Readout(Readout { initial, .. }) => (Work::Read(initial.clone()), 1),
                NodeKind::Head(op) => (Work::Head(kernel(op)?), 1),
                NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                    let reason = "it has no place in a windowed network".to_owned();
                    return Err(EngineError::Op { what: format!("node `{}`", node.name), reason });
                }
            };
            steps.push(own);
            works.push(work);
        }
        Ok(Self { works, steps, dead })
    }

    /// Runs samples, each on a thread.
    pub(super) fn run(&self, network: &SpikingNetwork, inputs: &Batch) -> Vec<Outcome> {
        let samples: Vec<&[f32]> = inputs.samples().collect();
        samples.par_iter().map(|sample| self.run_sample(network, sample)).collect()
    }

    fn run_sample(&self, network: &SpikingNetwork, sample: &[f32]) -> Outcome {
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); self.works.len()];
        let mut codes = Vec::new();
        for id in network.ids() {
            let node = network.node(id);
            let (steps, size) = (self.steps[id.0] as usize, volume(&node.shape));
            let mut result = vec![0.0; steps * size];
            let input = node.inputs.first().map_or(&[][..], |input| values[input.0].as_slice());
            match &self.works[id.0] {
                Work::Input if steps == 1 => result.copy_from_slice(sample),
                Work::Input => pixels(sample, &mut result),
                Work::Synapse { kernel, first } => {
                    let shorter = node.inputs.iter().any(|i| (self.steps[i.0] as usize) < steps);
                    let padded: Vec<Vec<f32>>;
                    let inputs: Vec<&[f32]> = if shorter {
                        let pad = |i: &NodeId| {
                            let mut values = values[i.0].clone();
                            values.resize(steps * volume(&network.node(*i).shape), 0.0);
                            values
                        };
                        padded = node.inputs.iter().map(pad).collect();
                        padded.iter().map(Vec::as_slice).collect()
                    } else {
                        node.inputs.iter().map(|i| values[i.0].as_slice()).collect()
                    };
                    kernel.run_unchecked(&inputs, &mut result, Threads::One);
                    result.iter_mut().zip(first).for_each(|(x, constant)| *x += constant);
                }
                Work::Maximum(kernel) => maximum(kernel, input, size, &mut result),
                Work::Neurons(neurons) => codes.push(neurons.run(input, &mut result)),
                Work::Read(initial) => {
                    for step in input.chunks_exact(size) {
                        result.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
                    }
                    add_initial(initial, &mut result, size);
                }
                Work::Head(kernel) => {
                    let inputs: Vec<&[f32]> = node.inputs.iter().map(|i| values[i.0].as_slice()).collect();
                    kernel.run_unchecked(&inputs, &mut result, Threads::One);
                }
            }
            values[id.0] = result;
            for dead in &self.dead[id.0] {
                values[dead.0] = Vec::new();
            }
        }
        Outcome { result: std::mem::take(&mut values[network.output().0]), codes }
    }
}

/// The bits of integers 0..=255 with their weights, most significant first.
fn pixels(sample: &[f32], result: &mut [f32]) {
    for (step, result) in result.chunks_exact_mut(sample.len()).enumerate() {
        let bit = 1u32 << (Encoding::PIXEL_STEPS as usize - 1 - step);
        result.iter_mut().zip(sample).for_each(|(x, &pixel)| *x = (pixel as u32 & bit) as f32);
    }
}

/// In each step, by how much the maximum of what was sent grows.
fn maximum(kernel: &Compiled, input: &[f32], size: usize, result: &mut [f32]) {
    let steps = result.len() / size;
    let mut sent = input.to_vec();
    let volume = input.len() / steps;
    for step in 1..steps {
        let (before, now) = sent.split_at_mut(step * volume);
        let before = &before[(step - 1) * volume..];
        now[..volume].iter_mut().zip(before).for_each(|(x, before)| *x += before);
    }
    kernel.run_unchecked(&[&sent], result, Threads::One);
    for step in (1..steps).rev() {
        let (before, now) = result.split_at_mut(step * size);
        let before = &before[(step - 1) * size..];
        now[..size].iter_mut().zip(before).for_each(|(x, before)| *x -= before);
    }
}

impl Neurons {
    /// Runs the window: what arrives in, what is sent out; and the codes.
    fn run(&self, input: &[f32], result: &mut [f32]) -> Vec<i32> {
        let size = self.heard_size();
        let mut steps = input.chunks_exact(size);
        let mut heard = vec![0.0; size];
        add_initial(&self.initial, &mut heard, size);
        let mut pooled = vec![0.0; if self.pool.is_some() { self.count } else { 0 }];
        let (mut sent, mut codes) = (vec![0.0; self.count], vec![0; self.count]);
        for (t, (&weight, result)) in self.weights.iter().zip(result.chunks_exact_mut(self.count)).enumerate() {
            let news = if t == 0 { self.delay as usize } else { 1 };
            let mut changed = t == 0;
            for step in steps.by_ref().take(news) {
                heard.iter_mut().zip(step).for_each(|(sum, x)| *sum += x);
                changed = true;
            }
            if let Some(pool) = self.pool.as_ref().filter(|_| changed) {
                pool.run_unchecked(&[&heard], &mut pooled, Threads::One);
            }
            let membranes = if self.pool.is_some() { &pooled } else { &heard };
            self.step(weight, membranes, &mut sent, &mut codes, result);
        }
        codes
    }

    fn heard_size(&self) -> usize {
        self.pool.as_ref().map_or(self.count, |pool| volume(&pool.input_shapes()[0]))
    }

    fn step(&self, weight: f32, membranes: &[f32], sent: &mut [f32], codes: &mut [i32], result: &mut [f32]) {
        let inner = self.count / self.channels.len();
        let rows = membranes.chunks_exact(inner).zip(sent.chunks_exact_mut(inner));
        let rows = rows.zip(codes.chunks_exact_mut(inner).zip(result.chunks_exact_mut(inner)));
        for (channel, ((membranes, sent), (codes, result))) in self.channels.iter().zip(rows) {
            let (neuron, amplitude) = (SignedIlif { weight: channel.threshold * weight }, channel.amplitude * weight);
            vectorised(
                #[inline(always)]
                || {
                    let rows = membranes.iter().zip(sent).zip(codes.iter_mut().zip(result));
                    for ((&v, sent), (code, result)) in rows {
                        let (spike, after) = neuron.generate(channel.apply(v), *sent);
                        *sent = after;
                        *code = SignedTrain::push(*code, spike);
                        *result = f32::from(spike) * amplitude;
                    }
                },
            );
        }
    }
}
