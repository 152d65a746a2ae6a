//! What a sum is made of: the convolutions, shortcuts and constants that the nodes in front of it come to.

use spikeconverter_graph::ops::{Affine, Conv};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};

use super::tile::{ADDED, SOURCES};
use super::{Kind, Node};
use crate::kernels::walk::Walk;

/// `Σ factors · conv(x) + Σ factors · value + bias + map`, factors one a channel.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) weighted: Vec<Weighted>,
    pub(super) added: Vec<(NodeId, Vec<f32>)>,
    pub(super) bias: Vec<f32>,
    /// A value for each element, channels first.
    pub(super) map: Option<Vec<f32>>,
}

/// A node with weights, what it reads, and factors of its result.
#[derive(Debug, Clone)]
pub(super) struct Weighted {
    pub(super) node: NodeId,
    pub(super) from: NodeId,
    pub(super) factors: Vec<f32>,
    pub(super) depthwise: bool,
}

/// Whether each channel of a convolution's result reads its own channel of the input only.
fn is_depthwise(conv: &Conv, channels: usize) -> bool {
    conv.groups == channels && conv.weight.shape()[0] == channels && channels > 1
}

/// Finds the terms of nodes.
pub(super) struct Gather<'a> {
    nodes: &'a [Node<'a>],
    /// Whether only one node reads a node, and it is no result.
    private: &'a [bool],
    terms: Terms,
    shape: &'a [usize],
}

impl<'a> Gather<'a> {
    /// The terms of a node's own value; `None` where it is no such sum.
    pub(super) fn of(nodes: &'a [Node<'a>], private: &'a [bool], id: NodeId) -> Option<Terms> {
        let shape = nodes[id.0].shape;
        let mut gather = Self::new(nodes, private, shape);
        let ones = vec![1.0; gather.terms.bias.len()];
        (gather.expand(id, &ones) && gather.fits()).then_some(gather.terms)
    }

    /// The terms of what a node reads.
    pub(super) fn of_input(nodes: &'a [Node<'a>], private: &'a [bool], id: NodeId) -> Terms {
        let input = nodes[id.0].inputs[0];
        let shape = nodes[input.0].shape;
        if private[input.0]
            && let Some(terms) = Self::of(nodes, private, input)
        {
            return terms;
        }
        let mut gather = Self::new(nodes, private, shape);
        let ones = vec![1.0; gather.terms.bias.len()];
        gather.terms.added.push((input, ones));
        gather.terms
    }

    fn new(nodes: &'a [Node<'a>], private: &'a [bool], shape: &'a [usize]) -> Self {
        let channels = shape.first().copied().unwrap_or(1);
        let terms = Terms { weighted: Vec::new(), added: Vec::new(), bias: vec![0.0; channels], map: None };
        Self { nodes, private, terms, shape }
    }

    /// Whether a kernel takes the terms.
    fn fits(&self) -> bool {
        let Terms { weighted, added, map, .. } = &self.terms;
        let depthwise = weighted.iter().any(|w| w.depthwise);
        weighted.len() <= if depthwise { 1 } else { SOURCES } && added.len() + usize::from(map.is_some()) <= ADDED
    }

    /// Adds the value of a node, times a factor a channel: its terms, where it is read here only and they fit, or else as
    /// what it is. False where its shape is another.
    fn add(&mut self, id: NodeId, factors: &[f32]) -> bool {
        let node = &self.nodes[id.0];
        if node.shape.first() != self.shape.first() || volume(node.shape) != volume(self.shape) {
            return false;
        }
        if self.private[id.0] {
            let before = self.terms.clone();
            if self.expand(id, factors) && self.fits() {
                return true;
            }
            self.terms = before;
        }
        self.terms.added.push((id, factors.to_vec()));
        true
    }

    fn expand(&mut self, id: NodeId, factors: &[f32]) -> bool {
        let node = &self.nodes[id.0];
        let Kind::Op(op) = node.kind else { return false };
        match op {
            Op::Conv(conv) => {
                let from = node.inputs[0];
                let depthwise = is_depthwise(conv, self.nodes[from.0].shape[0]);
                self.weigh(Weighted { node: id, from, factors: factors.to_vec(), depthwise }, conv.bias.as_ref());
                true
            }
            Op::Linear(linear) => {
                let mut from = node.inputs[0];
                if self.nodes[from.0].shape.len() != 1 {
                    return false;
                }
                // a vector that was a map before is read as the map
                if let Kind::Op(Op::Reshape(_)) = self.nodes[from.0].kind {
                    let map = self.nodes[from.0].inputs[0];
                    if !self.nodes[map.0].shape.is_empty() {
                        from = map;
                    }
                }
                let weighted = Weighted { node: id, from, factors: factors.to_vec(), depthwise: false };
                self.weigh(weighted, linear.bias.as_ref());
                true
            }
            // a vector under another shape
            Op::Reshape(_) if volume(node.shape) == factors.len() && node.shape.first() == Some(&factors.len()) => {
                self.add(node.inputs[0], factors)
            }
            Op::Add(add) => node.inputs.iter().zip(&add.coefficients).all(|(&input, &coefficient)| {
                let factors: Vec<f32> = factors.iter().map(|factor| factor * coefficient).collect();
                self.nodes[input.0].shape == node.shape && self.add(input, &factors)
            }),
            Op::Affine(affine) => self.affine(node, affine, factors),
            _ => false,
        }
    }

    fn weigh(&mut self, weighted: Weighted, bias: Option<&Tensor>) {
        let bias = bias.into_iter().flat_map(Tensor::data);
        for ((total, &bias), factor) in self.terms.bias.iter_mut().zip(bias).zip(&weighted.factors) {
            *total += bias * factor;
        }
        self.terms.weighted.push(weighted);
    }

    fn affine(&mut self, node: &Node<'_>, affine: &Affine, factors: &[f32]) -> bool {
        let channels = factors.len();
        let inner = volume(node.shape) / channels;
        let scales = match &affine.scale {
            None => vec![1.0; channels],
            Some(scale) => match by_channel(&expanded(scale, node.shape), channels) {
                Some(scales) => scales,
                None => return false,
            },
        };
        if let Some(shift) = &affine.shift {
            let mut values = expanded(shift, node.shape);
            values.iter_mut().enumerate().for_each(|(i, value)| *value *= factors[i / inner]);
            let terms = &mut self.terms;
            match by_channel(&values, channels) {
                Some(shifts) => terms.bias.iter_mut().zip(shifts).for_each(|(total, shift)| *total += shift),
                None => match &mut terms.map {
                    Some(map) => map.iter_mut().zip(values).for_each(|(total, value)| *total += value),
                    None => terms.map = Some(values),
                },
            }
        }
        let factors: Vec<f32> = factors.iter().zip(scales).map(|(factor, scale)| factor * scale).collect();
        self.nodes[node.inputs[0].0].shape == node.shape && self.add(node.inputs[0], &factors)
    }
}

/// A constant at every element.
fn expanded(tensor: &Tensor, shape: &[usize]) -> Vec<f32> {
    let values = tensor.data();
    Walk::broadcast(tensor.shape(), shape).positions().into_iter().map(|at| values[at]).collect()
}

/// The values of channels, where each has one.
fn by_channel(values: &[f32], channels: usize) -> Option<Vec<f32>> {
    let rows = values.chunks_exact(values.len() / channels);
    rows.map(|row| row.iter().all(|x| x == &row[0]).then_some(row[0])).collect()
}
