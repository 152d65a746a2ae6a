//! What reaches a listener: the sum of a convolution, a shortcut and constants that the synapses in front of it make.

use spikeconverter_graph::ops::{Affine, Conv};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use super::layout::Planes;
use crate::kernels::walk::Walk;

/// A node whose values lie in byte planes, and the largest of their magnitudes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planar {
    pub(super) planes: Planes,
    pub(super) largest: i64,
}

/// The membrane of a listener: `Σ conv(x) + factors · codes + bias + map` or `scale · conv(x) + bias`, all integers.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// Nodes with weights that read planar nodes: one or two.
    pub(super) weighted: Vec<NodeId>,
    /// Factors of the only weighted node, one a channel, where they are not 1.
    pub(super) scale: Option<Vec<i64>>,
    /// A planar node, with a factor a channel.
    pub(super) skip: Option<(NodeId, Vec<i64>)>,
    /// One a channel.
    pub(super) bias: Vec<i64>,
    /// A value for each element, channels first.
    pub(super) map: Option<Vec<i64>>,
}

/// Which nodes of an integer network can lie in byte planes: spike trains, what moves them, and sums over windows.
pub(super) fn planar(network: &SpikingNetwork) -> Vec<Option<Planar>> {
    let mut known: Vec<Option<Planar>> = Vec::with_capacity(network.nodes().len());
    for node in network.nodes() {
        let of_inputs = || {
            let inputs = node.inputs.iter().map(|i| known[i.0]).collect::<Option<Vec<Planar>>>()?;
            inputs
                .into_iter()
                .reduce(|a, b| Planar { planes: a.planes.union(b.planes), largest: a.largest.max(b.largest) })
        };
        let found = match &node.kind {
            NodeKind::Input(_) => Some(Planar { planes: Planes { bytes: 1, signed: false }, largest: 255 }),
            NodeKind::Population(population) => {
                let steps = network.time_steps();
                let planes = Planes { bytes: if steps > 8 { 2 } else { 1 }, signed: population.transfer.is_signed() };
                Some(Planar { planes, largest: (1 << steps) - 1 })
            }
            NodeKind::MaxPool(_) => of_inputs(),
            NodeKind::Synapse(op) => match op {
                Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) => of_inputs(),
                Op::Pad(pad) if pad.value == 0.0 => of_inputs(),
                Op::Conv(conv) => of_inputs().and_then(|input| sum(conv, network.node(node.inputs[0]).shape[0], input)),
                _ => None,
            },
            NodeKind::Streaming(_) | NodeKind::StreamingPool(_) | NodeKind::Readout(_) | NodeKind::Head(_) => None,
        };
        known.push(found);
    }
    known
}

/// A sum over windows: a depthwise convolution whose weights are 1. It must fit two bytes.
fn sum(conv: &Conv, channels: usize, input: Planar) -> Option<Planar> {
    let taps = conv.weight.shape()[2..].iter().product::<usize>() as i64;
    let ones = is_depthwise(conv, channels) && conv.bias.is_none() && conv.weight.data().iter().all(|&w| w == 1.0);
    let planes = Planes { bytes: 2, signed: false };
    let largest = input.largest.saturating_mul(taps);
    let fits = ones && input.planes == (Planes { bytes: 1, signed: false }) && largest <= planes.largest();
    fits.then_some(Planar { planes, largest })
}

/// Whether each channel of a convolution's result reads its own channel of the input only.
pub(super) fn is_depthwise(conv: &Conv, channels: usize) -> bool {
    conv.groups == channels && conv.weight.shape()[0] == channels && channels > 1
}

/// The terms of a node's value; `None` where it is not such a sum.
pub(super) fn terms(network: &SpikingNetwork, planar: &[Option<Planar>], id: NodeId) -> Option<Terms> {
    let channels = network.node(id).shape.first().copied().unwrap_or(1);
    let mut terms = Terms { bias: vec![0; channels], ..Terms::default() };
    let mut gather = Gather { network, planar, terms: &mut terms };
    gather.add(id, None)?;
    let alone = terms.weighted.len() == 1 && terms.skip.is_none() && terms.map.is_none();
    let fits = matches!(terms.weighted.len(), 1 | 2) && (terms.scale.is_none() || alone);
    fits.then_some(terms)
}

struct Gather<'a> {
    network: &'a SpikingNetwork,
    planar: &'a [Option<Planar>],
    terms: &'a mut Terms,
}

impl Gather<'_> {
    /// Adds the value of a node, times a factor a channel.
    fn add(&mut self, id: NodeId, factors: Option<&[i64]>) -> Option<()> {
        let node = self.network.node(id);
        let channels = node.shape.first().copied().unwrap_or(1);
        if channels != self.terms.bias.len() {
            return None; // a sum that broadcasts channels
        }
        if self.planar[id.0].is_some() && !self.is_window_sum(id) {
            let factors = factors.map_or_else(|| vec![1; channels], <[i64]>::to_vec);
            return self.terms.skip.replace((id, factors)).is_none().then_some(());
        }
        let NodeKind::Synapse(op) = &node.kind else { return None };
        match op {
            Op::Conv(_) | Op::Linear(_) => {
                let input = *node.inputs.first()?;
                let vector = matches!(op, Op::Conv(_)) || self.network.node(input).shape.len() == 1;
                let plain = factors.is_none_or(|factors| factors.iter().all(|&f| f == 1));
                if !vector || self.planar[input.0].is_none() {
                    return None;
                }
                if let Some(factors) = factors.filter(|_| !plain) {
                    self.terms.scale = Some(factors.to_vec());
                }
                let bias = match op {
                    Op::Conv(conv) => &conv.bias,
                    Op::Linear(linear) => &linear.bias,
                    _ => return None,
                };
                let each = self.terms.bias.iter_mut().zip(bias.iter().flat_map(Tensor::data)).enumerate();
                for (c, (total, &bias)) in each {
                    *total += integer(bias)?.checked_mul(factors.map_or(1, |factors| factors[c]))?;
                }
                self.terms.weighted.push(id);
            }
            // a vector under another shape
            Op::Reshape(_) if volume(&node.shape) == channels => {
                let input = *node.inputs.first()?;
                if self.network.node(input).shape.first() != Some(&channels) {
                    return None;
                }
                self.add(input, factors)?;
            }
            Op::Add(add) => {
                for (&input, &coefficient) in node.inputs.iter().zip(&add.coefficients) {
                    if self.network.node(input).shape != node.shape {
                        return None;
                    }
                    let coefficient = integer(coefficient)?;
                    let factors: Vec<i64> =
                        (0..channels).map(|c| coefficient * factors.map_or(1, |factors| factors[c])).collect();
                    self.add(input, Some(&factors))?;
                }
            }
            Op::Affine(Affine { scale, shift }) => {
                let factor = |c: usize| factors.map_or(1, |factors| factors[c]);
                if let Some(shift) = shift {
                    let inner = volume(&node.shape) / channels;
                    let values = expanded(shift, &node.shape)?;
                    let mut map = vec![0; values.len()];
                    for (i, value) in values.into_iter().enumerate() {
                        map[i] = value.checked_mul(factor(i / inner))?;
                    }
                    self.constant(&map, inner);
                }
                let scales = match scale {
                    None => vec![1; channels],
                    Some(scale) => by_channel(&expanded(scale, &node.shape)?, channels)?,
                };
                let factors: Vec<i64> = scales.iter().enumerate().map(|(c, scale)| scale * factor(c)).collect();
                self.add(*node.inputs.first()?, Some(&factors))?;
            }
            _ => return None,
        }
        Some(())
    }

    /// Whether a node is a sum over windows and not a train: two bytes, which a shortcut cannot have beside one.
    fn is_window_sum(&self, id: NodeId) -> bool {
        matches!(&self.network.node(id).kind, NodeKind::Synapse(Op::Conv(_)))
    }

    fn constant(&mut self, map: &[i64], inner: usize) {
        match by_channel(map, map.len() / inner) {
            Some(values) => self.terms.bias.iter_mut().zip(values).for_each(|(total, value)| *total += value),
            None => match &mut self.terms.map {
                Some(total) => total.iter_mut().zip(map).for_each(|(total, value)| *total += value),
                None => self.terms.map = Some(map.to_vec()),
            },
        }
    }
}

pub(super) fn integer(x: f32) -> Option<i64> {
    (x.fract() == 0.0 && x.abs() < 1e12).then_some(x as i64)
}

/// A constant at every element.
fn expanded(tensor: &Tensor, shape: &[usize]) -> Option<Vec<i64>> {
    let values = tensor.data().iter().map(|&x| integer(x)).collect::<Option<Vec<i64>>>()?;
    let walk = Walk::broadcast(tensor.shape(), shape);
    Some(walk.positions().into_iter().map(|at| values[at]).collect())
}

/// The values of channels, where each has one.
fn by_channel(values: &[i64], channels: usize) -> Option<Vec<i64>> {
    let rows = values.chunks_exact(values.len() / channels);
    rows.map(|row| row.iter().all(|x| x == &row[0]).then_some(row[0])).collect()
}
