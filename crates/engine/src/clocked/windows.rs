//! Windowed networks, step by step: every population hears all steps of a window, then sends its own.
//!
//! Layer by layer, all steps of a window at once: synapses are dense products with the steps as samples of a batch. Signals
//! are decoded, `θ k^-(t-1) s(t)` in step `t`, so that trains of all codes add up, and a neuron's membrane at the hand-over is
//! the sum of what it heard. A signal has only as many steps as can differ from 0: one of an analog sample. What constants
//! (biases, shifts) make of a node is computed once.
//!
//! Sums of a step are taken in `f32`, over steps in `f64`. In networks of integers all spikes of a step weigh the same power
//! of two or are small multiples of one, so that a step's sums are exact while they stay below 2^24 such units ([`Grain`]); where
//! they could be larger, operations are applied in `f64` as the reference engine does.

use rayon::prelude::*;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Encoding, Node, NodeKind, Population, SpikingNetwork};

use super::online::Outcome;
use super::program::without_constants;
use crate::adjoint::Unfolding;
use crate::kernels::{Compiled, Threads, compile};
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

/// What a signal's values are multiples of in its first step, and how many of these it is at most; half of that in each step
/// that follows, as long as all codes have base 2.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Grain {
    unit: f64,
    most: f64,
}

impl Grain {
    /// Of values that are these integers at most, or nothing.
    fn of_integers(values: impl Iterator<Item = f32> + Clone) -> Option<Self> {
        let mut unit = f64::INFINITY;
        for value in values.clone().filter(|value| *value != 0.0) {
            let value = f64::from(value.abs());
            if value.fract() != 0.0 || value >= 2f64.powi(53) {
                return None;
            }
            unit = unit.min(2f64.powi((value as u64).trailing_zeros() as i32));
        }
        let largest = values.fold(0.0, |most: f64, value| most.max(f64::from(value.abs())));
        unit.is_finite().then(|| Self { unit, most: largest / unit })
    }

    /// Of the sum of signals, each taken a whole number of times.
    fn of_sum(parts: impl Iterator<Item = (Option<Self>, f32)> + Clone) -> Option<Self> {
        let unit = parts.clone().try_fold(f64::INFINITY, |unit, (grain, _)| Some(unit.min(grain?.unit)))?;
        let most = parts.map(|(grain, times)| {
            let whole = (times.fract() == 0.0).then_some(f64::from(times.abs()))?;
            grain.map(|grain| whole * grain.most * grain.unit / unit)
        });
        Some(Self { unit, most: most.sum::<Option<f64>>()? })
    }

    /// Of what an operation makes of signals, where that is known.
    fn after(op: &Op, inputs: &[Option<Self>]) -> Option<Self> {
        match op {
            Op::Conv(_) | Op::Linear(_) => {
                let (weight, _) = Unfolding::parameters(op)?;
                let rows = weight.shape().first().copied().unwrap_or(1).max(1);
                let whole = weight.data().iter().all(|w| w.fract() == 0.0);
                let row = |row: &[f32]| row.iter().map(|w| f64::from(w.abs())).sum::<f64>();
                let inner = (weight.data().len() / rows).max(1);
                let sums = weight.data().chunks(inner).map(row).fold(0.0, f64::max);
                inputs[0].filter(|_| whole).map(|grain| Self { most: grain.most * sums, ..grain })
            }
            Op::Add(add) => Self::of_sum(inputs.iter().copied().zip(add.coefficients.iter().copied())),
            Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) | Op::Pad(_) => {
                Self::of_sum(inputs.iter().map(|&grain| (grain, 1.0)))
            }
            _ => None,
        }
    }

    /// Whether all sums of such values are exact in `f32`.
    fn is_exact(self) -> bool {
        self.most < 2f64.powi(24)
    }
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
                    let kernel = if !integers || grain.is_some_and(Grain::is_exact) {
                        let kernel = compile(&without_constants(op), &shapes)?;
                        Some(kernel.named(format!("node `{}`", node.name)))
                    } else {
                        None
                    };
                    (Ready { steps: arriving, constants: constants(op)?, kernel }, grain)
                }
                NodeKind::MaxPool(pool) => {
                    let constants = constants(&Op::MaxPool(pool.clone()))?;
                    (Ready { constants, ..Ready::signal(arriving) }, None)
                }
                NodeKind::Population(population) => {
                    let channels = node.shape.first().copied().unwrap_or(1);
                    let amplitudes = (0..channels).map(|c| population.amplitude(c));
                    (Ready::signal(network.time_steps() as usize), Grain::of_integers(amplitudes))
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
                    for (channel, membranes) in channels(&mut membranes, &node.shape) {
                        let initial = readout.initial.get(channel).copied().unwrap_or(0.0);
                        raise(membranes, initial);
                    }
                    membranes
                }
                NodeKind::Head(op) => {
                    let inputs =
                        node.inputs.iter().map(|i| (network.node(*i).shape.as_slice(), values[i.0].as_slice()));
                    apply(op, &inputs.collect::<Vec<_>>(), true)?
                }
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
        let (node, ready) = (network.node(id), &self.nodes[id.0]);
        // a signal that is over sends nothing
        let lengths: Vec<usize> = node.inputs.iter().map(|i| volume(&network.node(*i).shape)).collect();
        let padded = |i: usize| {
            let mut signal = values[node.inputs[i].0].clone();
            signal.resize(ready.steps * lengths[i], 0.0);
            signal
        };
        let inputs: Vec<Vec<f64>> = (0..lengths.len()).map(padded).collect();
        if let Some(kernel) = &ready.kernel {
            let narrow = |signal: &Vec<f64>| signal.iter().map(|&x| x as f32).collect::<Vec<f32>>();
            let inputs: Vec<Vec<f32>> = inputs.iter().map(narrow).collect();
            let mut result = vec![0.0; ready.steps * volume(&node.shape)];
            kernel.run_unchecked(&inputs.iter().map(Vec::as_slice).collect::<Vec<_>>(), &mut result, Threads::One);
            return Ok(result.into_iter().map(f64::from).collect());
        }
        let mut result = Vec::with_capacity(ready.steps * volume(&node.shape));
        for step in 0..ready.steps {
            let inputs = node.inputs.iter().zip(&inputs).zip(&lengths);
            let inputs = inputs
                .map(|((i, signal), length)| (network.node(*i).shape.as_slice(), &signal[step * length..][..*length]));
            result.extend(apply(op, &inputs.collect::<Vec<_>>(), false)?);
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

/// What constants make of an operation's result.
fn constants(network: &SpikingNetwork, before: &[Ready], node: &Node, op: &Op) -> Result<Vec<f64>, EngineError> {
    let mut silent = true;
    let inputs: Vec<Vec<f64>> = (node.inputs.iter())
        .map(|i| {
            silent &= before[i.0].constants.is_empty();
            let mut values = before[i.0].constants.clone();
            values.resize(volume(&network.node(*i).shape), 0.0);
            values
        })
        .collect();
    if silent && without_constants(op) == *op {
        return Ok(Vec::new());
    }
    let inputs = node.inputs.iter().zip(&inputs).map(|(i, values)| (network.node(*i).shape.as_slice(), &values[..]));
    apply(op, &inputs.collect::<Vec<_>>(), true)
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
    for (channel, membranes) in channels(&mut membranes, shape) {
        raise(membranes, population.initial(channel));
    }
    if let Some(pool) = &population.pool {
        membranes = apply(&Op::MaxPool(pool.clone()), &[(shape, &membranes)], true)?;
    }
    let inner = (membranes.len() / shape.first().copied().unwrap_or(1).max(1)).max(1);
    Ok(membranes.iter().enumerate().map(|(n, &v)| population.encode(v, n / inner, steps)).collect())
}

/// The values of each channel.
fn channels<'a>(values: &'a mut [f64], shape: &[usize]) -> impl Iterator<Item = (usize, &'a mut [f64])> {
    let inner = values.len() / shape.first().copied().unwrap_or(1).max(1);
    values.chunks_mut(inner.max(1)).enumerate()
}

fn raise(membranes: &mut [f64], by: f32) {
    for v in membranes {
        *v += f64::from(by);
    }
}

/// The signal of codes.
fn decoded(population: &Population, shape: &[usize], codes: &[i32], steps: u32) -> Vec<f64> {
    let code = population.code(steps);
    let inner = (codes.len() / shape.first().copied().unwrap_or(1).max(1)).max(1);
    let step = |t: u32| {
        let weight = code.weight(t);
        codes.iter().enumerate().map(move |(n, &sent)| {
            let spike = f64::from((sent.abs() >> (steps - t) & 1) * sent.signum());
            spike * weight * f64::from(population.amplitude(n / inner))
        })
    };
    (1..=steps).flat_map(step).collect()
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{Add, Linear};

    use super::*;

    fn linear(weight: &[f32]) -> Op {
        let weight = Tensor::new(vec![weight.len() / 2, 2], weight.to_vec()).unwrap();
        Op::Linear(Linear { weight, bias: None })
    }

    #[test]
    fn sums_are_bounded_in_units_of_their_step() {
        // spikes of 8 in the first step are one unit each; 24 and 8 are three and one
        let one = Grain::of_integers([8.0, 8.0].into_iter()).unwrap();
        let three = Grain::of_integers([24.0, -8.0].into_iter()).unwrap();
        assert_eq!([(one.unit, one.most), (three.unit, three.most)], [(8.0, 1.0), (8.0, 3.0)]);
        assert_eq!(Grain::of_integers([0.5].into_iter()), None);
        // the largest row counts: 127 + 100
        let sum = Grain::after(&linear(&[127.0, -100.0, 3.0, 4.0]), &[Some(three)]).unwrap();
        assert_eq!((sum.unit, sum.most), (8.0, 681.0));
        assert_eq!(Grain::after(&linear(&[0.5, 1.0]), &[Some(three)]), None);
        assert_eq!(Grain::after(&linear(&[2.0, 1.0]), &[None]), None);
        // beside pixels, whose first bit counts 128: in eights
        let pixels = Grain { unit: 128.0, most: 1.0 };
        let add = Op::Add(Add { coefficients: vec![1.0, -2.0] });
        assert_eq!(Grain::after(&add, &[Some(one), Some(pixels)]), Some(Grain { unit: 8.0, most: 33.0 }));
        assert!(sum.is_exact() && !Grain { unit: 1.0, most: 2f64.powi(24) }.is_exact());
    }
}
