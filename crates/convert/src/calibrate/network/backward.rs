use spikeconverter_engine::adjoint::{Adjoint, Unfolding};
use spikeconverter_engine::{Batch, EngineError, Trace};
use spikeconverter_graph::Op;
use spikeconverter_network::{NodeKind, Population, SpikingNetwork};

/// Weight `α` of the populations' errors in the loss.
const LAYERS_SHARE: f64 = 0.3;

/// Gradients of a node's parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gradient {
    /// As the weights lie.
    Weights(Vec<f32>),
    /// Of a population's initial potentials, one a channel, and of its thresholds, as many as it has.
    Population { initial: Vec<f32>, threshold: Vec<f32> },
    /// Of the read-out's initial potentials.
    Readout(Vec<f32>),
}

/// The sums of gradients of the same parameters.
pub(super) fn sum(parts: Vec<Vec<Option<Gradient>>>) -> Vec<Option<Gradient>> {
    let add = |sum: &mut Vec<f32>, more: &[f32]| sum.iter_mut().zip(more).for_each(|(sum, x)| *sum += x);
    let both = |mut sums: Vec<Option<Gradient>>, part: Vec<Option<Gradient>>| {
        for (sum, more) in sums.iter_mut().zip(part) {
            match (sum, more) {
                (Some(Gradient::Weights(sum)), Some(Gradient::Weights(more)))
                | (Some(Gradient::Readout(sum)), Some(Gradient::Readout(more))) => add(sum, &more),
                (
                    Some(Gradient::Population { initial, threshold }),
                    Some(Gradient::Population { initial: more, threshold: more_threshold }),
                ) => {
                    add(initial, &more);
                    add(threshold, &more_threshold);
                }
                _ => {}
            }
        }
        sums
    };
    parts.into_iter().reduce(both).unwrap_or_default()
}

/// The way back through a network.
pub(super) struct Backward {
    /// By node.
    adjoints: Vec<Option<Adjoint>>,
    /// Whether a gradient is of use: something before the node, or itself, has parameters.
    useful: Vec<bool>,
    /// How many values are compared with the trained network's.
    compared: usize,
}

impl Backward {
    pub(super) fn new(network: &SpikingNetwork, compared: usize) -> Result<Self, EngineError> {
        let mut adjoints = Vec::new();
        let mut useful: Vec<bool> = Vec::new();
        for id in network.ids() {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| network.node(*i).shape.as_slice()).collect();
            adjoints.push(match &node.kind {
                NodeKind::Synapse(op) => Some(Adjoint::new(op, &shapes)?),
                NodeKind::MaxPool(pool) | NodeKind::Population(Population { pool: Some(pool), .. }) => {
                    Some(Adjoint::new(&Op::MaxPool(pool.clone()), &shapes)?)
                }
                _ => None,
            });
            let own = match &node.kind {
                NodeKind::Synapse(op) => Unfolding::parameters(op).is_some(),
                kind => matches!(kind, NodeKind::Population(_) | NodeKind::Readout(_)),
            };
            useful.push(own || node.inputs.iter().any(|i| useful[i.0]));
        }
        Ok(Self { adjoints, useful, compared })
    }

    /// The gradients of the loss, by node.
    pub(super) fn run(
        &self,
        network: &SpikingNetwork,
        trace: &Trace,
        wanted: &[Option<Batch>],
    ) -> Result<Vec<Option<Gradient>>, EngineError> {
        let mut deltas: Vec<Option<Batch>> = vec![None; wanted.len()];
        let mut gradients: Vec<Option<Gradient>> = vec![None; wanted.len()];
        for id in network.ids().rev() {
            let node = network.node(id);
            let sent = trace.sent(id);
            let mut delta = deltas[id.0].take();
            if let Some(wanted) = &wanted[id.0] {
                let share = match node.kind {
                    NodeKind::Readout(_) => 1.0,
                    _ => LAYERS_SHARE / (self.compared.saturating_sub(1)).max(1) as f64,
                };
                let delta = delta.get_or_insert(Batch::full(wanted.count(), wanted.shape().to_vec(), 0.0)?);
                add_error(delta, sent, wanted, share);
            }
            let Some(mut delta) = delta.filter(|_| self.useful[id.0]) else { continue };
            match (&node.kind, trace.membranes(id)) {
                (NodeKind::Readout(_), _) => gradients[id.0] = Some(Gradient::Readout(channel_sums(&delta))),
                (NodeKind::Population(population), Some(membranes)) => {
                    let steps = network.time_steps();
                    gradients[id.0] = Some(through(population, steps, membranes, sent, &mut delta));
                }
                (NodeKind::Synapse(op), _) => {
                    if let (Some(_), Some(adjoint)) = (Unfolding::parameters(op), &self.adjoints[id.0]) {
                        let (count, input) = (weights(&node.kind).len(), trace.sent(node.inputs[0]));
                        gradients[id.0] = Some(Gradient::Weights(weight_gradient(adjoint, count, input, &delta)));
                    }
                }
                _ => {}
            }
            for (i, input) in node.inputs.iter().enumerate() {
                if !self.useful[input.0] {
                    continue;
                }
                match (&self.adjoints[id.0], &mut deltas[input.0]) {
                    (Some(adjoint), slot) => {
                        let read = trace.sent(*input);
                        let sum = match slot {
                            Some(sum) => sum,
                            None => slot.insert(Batch::full(read.count(), read.shape().to_vec(), 0.0)?),
                        };
                        input_gradient(adjoint, weights(&node.kind), i, read, &delta, sum);
                    }
                    (None, Some(sum)) => sum.data_mut().iter_mut().zip(delta.data()).for_each(|(s, d)| *s += d),
                    (None, slot) => *slot = Some(delta.clone()),
                }
            }
        }
        Ok(gradients)
    }
}

/// The weights of a synapse that has an unfolding.
fn weights(kind: &NodeKind) -> &[f32] {
    match kind {
        NodeKind::Synapse(op) => Unfolding::parameters(op).map_or(&[], |(weight, _)| weight.data()),
        _ => &[],
    }
}

/// Adds the gradient of `share · ‖found − wanted‖² / ‖wanted‖²`.
fn add_error(delta: &mut Batch, found: &Batch, wanted: &Batch, share: f64) {
    let power: f64 = wanted.data().iter().map(|&a| f64::from(a) * f64::from(a)).sum();
    let factor = (2.0 * share / power.max(f64::MIN_POSITIVE)) as f32;
    if !factor.is_finite() {
        return;
    }
    for ((delta, q), a) in delta.data_mut().iter_mut().zip(found.data()).zip(wanted.data()) {
        *delta += factor * (q - a);
    }
}

/// Sums over samples and positions, one an entry of the first axis.
fn channel_sums(delta: &Batch) -> Vec<f32> {
    let channels = delta.shape().first().copied().unwrap_or(1);
    let inner = (delta.volume() / channels).max(1);
    let mut sums = vec![0.0; channels];
    for (row, values) in delta.data().chunks(inner).enumerate() {
        sums[row % channels] += values.iter().sum::<f32>();
    }
    sums
}

/// Turns the gradient of decoded trains into that of membranes; the gradients of the population's parameters.
fn through(population: &Population, steps: u32, membranes: &Batch, sent: &Batch, delta: &mut Batch) -> Gradient {
    let channels = membranes.shape().first().copied().unwrap_or(1);
    let inner = (membranes.volume() / channels).max(1);
    let range = population.code(steps).range();
    let mut threshold = vec![0.0f32; population.threshold.len()];
    let rows = membranes.data().chunks(inner).zip(sent.data().chunks(inner)).zip(delta.data_mut().chunks_mut(inner));
    for (row, ((membranes, sent), delta)) in rows.enumerate() {
        let channel = row % channels;
        let own = f64::from(population.threshold(channel));
        let (initial, full) = (population.initial(channel), (0.9999 * own * range) as f32);
        let slope = population.transfer.slope(channel);
        let mut sum = 0.0f32;
        for ((&v, &q), delta) in membranes.iter().zip(sent).zip(delta) {
            let v = v + initial;
            let wanted = population.transfer.apply(f64::from(v), channel) as f32;
            let saturated = q.abs() >= full && wanted.abs() > q.abs();
            sum += *delta * if saturated { q } else { q - wanted };
            let inside = !saturated && population.transfer.clamp(f64::from(v)) as f32 == v;
            *delta *= match (inside, v < 0.0) {
                (false, _) => 0.0,
                (true, true) => slope,
                (true, false) => 1.0,
            };
        }
        let at = if threshold.len() == 1 { 0 } else { channel };
        threshold[at] += sum / own as f32;
    }
    Gradient::Population { initial: channel_sums(delta), threshold }
}

fn weight_gradient(adjoint: &Adjoint, count: usize, input: &Batch, delta: &Batch) -> Vec<f32> {
    let mut sum = vec![0.0; count];
    input.samples().zip(delta.samples()).for_each(|(x, delta)| adjoint.weights(x, delta, &mut sum));
    sum
}

fn input_gradient(adjoint: &Adjoint, weights: &[f32], input: usize, read: &Batch, delta: &Batch, sum: &mut Batch) {
    let (from, to) = (read.volume(), delta.volume());
    let samples = read.data().chunks(from).zip(delta.data().chunks(to)).zip(sum.data_mut().chunks_mut(from));
    samples.for_each(|((value, delta), sum)| adjoint.input(weights, input, value, delta, sum));
}
