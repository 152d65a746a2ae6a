//! Sources: what weights read. Spike trains, and sums of them without weights, as integers of known units.

use spikeconverter_graph::ops::{Add, Affine, Pad};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::NodeKind;

use super::Quantiser;
use super::scale::{common_unit, quantised_constant};
use super::sums::Sum;
use super::units::{Units, spread};
use crate::ConvertError;

/// Integer multiple of a source that a shift is added to, so that it is rounded finer than the source's unit.
const SHIFTED: f32 = 64.0;

/// A node of the integer network that carries integers of known units.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) id: NodeId,
    pub(super) units: Units,
    /// How much larger its integers may be than codes: 1 for trains.
    pub(super) magnitude: f32,
}

impl Quantiser<'_> {
    /// The source that stands for a node; it and what it reads are built when first asked for.
    pub(super) fn source(&mut self, id: NodeId) -> Result<Source, ConvertError> {
        let mut needed = vec![false; id.0 + 1];
        needed[id.0] = true;
        for at in (0..=id.0).rev() {
            if needed[at] && self.sources[at].is_none() {
                for input in &self.network.node(NodeId(at)).inputs {
                    needed[input.0] = true;
                }
            }
        }
        for (at, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
            if self.sources[at].is_none() {
                self.sources[at] = Some(self.build_source(NodeId(at))?);
            }
        }
        self.built_source(id)
    }

    fn built_source(&self, id: NodeId) -> Result<Source, ConvertError> {
        let gone = || ConvertError::Network(format!("node `{}` has no place", self.network.node(id).name));
        self.sources[id.0].clone().ok_or_else(gone)
    }

    fn build_source(&mut self, id: NodeId) -> Result<Source, ConvertError> {
        let node = self.network.node(id);
        let inputs = node.inputs.iter().map(|&i| self.built_source(i)).collect::<Result<Vec<_>, _>>()?;
        let routed = |op: &Op| Units::routed(op, &inputs.iter().map(|s| &s.units).collect::<Vec<_>>(), &node.shape);
        let ids: Vec<NodeId> = inputs.iter().map(|source| source.id).collect();
        let first = inputs.first();
        let magnitude = inputs.iter().fold(1.0f32, |most, x| most.max(x.magnitude));
        Ok(match (&node.kind, first) {
            (NodeKind::MaxPool(pool), _) => {
                let units = routed(&Op::MaxPool(pool.clone()))?;
                Source { id: self.add(id, node.kind.clone(), &ids)?, units, magnitude }
            }
            (NodeKind::Synapse(Op::Affine(affine)), Some(x)) => self.affine_source(id, affine, x)?,
            (NodeKind::Synapse(Op::Add(add)), _) => self.sum_source(id, add, &inputs)?,
            (NodeKind::Synapse(op @ (Op::AvgPool(_) | Op::Mean(_))), Some(x)) => {
                let sum = self.sum(id, op)?;
                let built = self.add_sum(id, &sum, x.id)?;
                let Some(units) = x.units.by_channel() else { return Err(self.varying(id)) };
                let units = Units::new(&node.shape, units.to_vec()).scaled(1.0 / sum.divisor);
                Source { id: built, units, magnitude: magnitude * sum.divisor }
            }
            (NodeKind::Synapse(Op::Pad(pad)), Some(x)) if pad.value != 0.0 => {
                let Some(unit) = x.units.uniform() else { return Err(self.varying(id)) };
                let value = quantised_constant(pad.value, unit);
                let op = Op::Pad(Pad { value, ..pad.clone() });
                let units = Units::new(&node.shape, vec![unit]);
                Source { id: self.add(id, NodeKind::Synapse(op), &ids)?, units, magnitude }
            }
            (
                NodeKind::Synapse(
                    op @ (Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) | Op::Pad(_)),
                ),
                _,
            ) => {
                let units = routed(op)?;
                Source { id: self.add(id, node.kind.clone(), &ids)?, units, magnitude }
            }
            _ => return Err(self.refused(id, "weights follow weights without a population between")),
        })
    }

    /// Scales become part of the unit; shifts are integers.
    fn affine_source(&mut self, id: NodeId, affine: &Affine, x: &Source) -> Result<Source, ConvertError> {
        let units = match &affine.scale {
            Some(scale) => x.units.times(scale)?,
            None => x.units.clone(),
        };
        let Some(shift) = &affine.shift else { return Ok(Source { units, ..x.clone() }) };
        let units = units.scaled(1.0 / SHIFTED);
        let shape = units.shape().to_vec();
        let elements = units.elements();
        if elements.contains(&0.0) {
            return Err(self.refused(id, "it scales by 0 before it shifts"));
        }
        let shift = spread(shift, &shape)?;
        if elements.iter().any(|u| u.is_nan()) {
            return Err(self.refused(id, "it shifts what is padded"));
        }
        let shift = shift.data().iter().zip(&elements).map(|(&x, &unit)| quantised_constant(x, unit)).collect();
        let op = Op::Affine(Affine {
            scale: Some(Tensor::full(Vec::new(), SHIFTED)),
            shift: Some(Tensor::new(shape, shift)?),
        });
        let magnitude = SHIFTED * x.magnitude;
        Ok(Source { id: self.add(id, NodeKind::Synapse(op), &[x.id])?, units, magnitude })
    }

    /// Branches are multiplied by integers that give them one unit.
    fn sum_source(&mut self, id: NodeId, add: &Add, inputs: &[Source]) -> Result<Source, ConvertError> {
        let shape = self.network.node(id).shape.clone();
        let by_channel: Option<Vec<Vec<f32>>> = inputs
            .iter()
            .zip(&add.coefficients)
            .map(|(x, coefficient)| {
                let units = x.units.by_channel().filter(|_| x.units.shape() == shape)?;
                Some(units.iter().map(|u| u * coefficient).collect())
            })
            .collect();
        let (branches, constant_shape) = if let Some(branches) = by_channel {
            let shape = shape.iter().enumerate().map(|(axis, &n)| if axis == 0 { n } else { 1 }).collect();
            (branches, shape)
        } else {
            let spread = |(x, coefficient): (&Source, &f32)| {
                let units = x.units.tensor()?;
                Ok(spread(&units, &shape)?.data().iter().map(|u| u * coefficient).collect())
            };
            (inputs.iter().zip(&add.coefficients).map(spread).collect::<Result<_, ConvertError>>()?, shape.clone())
        };
        let entries = volume(&constant_shape);
        let mut multipliers = vec![vec![0.0; entries]; branches.len()];
        let mut units = vec![f32::NAN; entries];
        for (at, unit) in units.iter_mut().enumerate() {
            let values: Vec<f32> = branches.iter().map(|branch| branch[at]).collect();
            let (found, common) = common_unit(&values);
            *unit = common;
            for (branch, m) in multipliers.iter_mut().zip(found) {
                branch[at] = m;
            }
        }
        let largest = |multipliers: &[f32]| multipliers.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        let magnitude = inputs.iter().zip(&multipliers).map(|(x, m)| x.magnitude * largest(m)).sum::<f32>().max(1.0);
        let mut ids = Vec::new();
        for (x, multipliers) in inputs.iter().zip(multipliers) {
            ids.push(self.multiplied(id, x, Tensor::new(constant_shape.clone(), multipliers)?)?);
        }
        let sum = self.add(id, NodeKind::Synapse(Op::Add(Add::plain(ids.len()))), &ids)?;
        Ok(Source { id: sum, units: Units::new(&shape, units), magnitude })
    }

    /// A source times integers, which may enlarge it by broadcasting.
    pub(super) fn multiplied(&mut self, id: NodeId, x: &Source, factors: Tensor) -> Result<NodeId, ConvertError> {
        if factors.data().iter().all(|&m| m == 1.0) {
            return Ok(x.id);
        }
        if factors.shape().iter().zip(x.units.shape()).any(|(&f, &n)| f != 1 && f != n)
            || factors.shape().len() != x.units.shape().len()
        {
            return Err(self.refused(id, "a branch is repeated along an axis on which the units of the others vary"));
        }
        let op = Op::Affine(Affine { scale: Some(factors), shift: None });
        self.add(id, NodeKind::Synapse(op), &[x.id])
    }

    /// The sum that a mean is made of.
    pub(super) fn sum(&self, id: NodeId, op: &Op) -> Result<Sum, ConvertError> {
        let node = self.network.node(id);
        let input = &self.network.node(node.inputs[0]).shape;
        let sum = match op {
            Op::AvgPool(pool) => Sum::of_pool(pool, input, &node.shape),
            Op::Mean(mean) => Sum::of_mean(mean, input, &node.shape),
            _ => Err("it is no mean".into()),
        };
        sum.map_err(|reason| self.refused(id, &reason))
    }

    pub(super) fn add_sum(&mut self, id: NodeId, sum: &Sum, x: NodeId) -> Result<NodeId, ConvertError> {
        let mut built = self.add(id, NodeKind::Synapse(Op::Conv(sum.conv.clone())), &[x])?;
        if sum.scale.is_some() {
            let op = Op::Affine(Affine { scale: sum.scale.clone(), shift: None });
            built = self.add(id, NodeKind::Synapse(op), &[built])?;
        }
        if let Some(shape) = sum.shape.clone() {
            let op = Op::Reshape(spikeconverter_graph::ops::Reshape { shape });
            built = self.add(id, NodeKind::Synapse(op), &[built])?;
        }
        Ok(built)
    }

    /// The error where one unit a channel is needed.
    pub(super) fn varying(&self, id: NodeId) -> ConvertError {
        self.refused(id, "what it reads has thresholds that vary within a channel; try --thresholds layer")
    }

    /// The error for a node that integers cannot do.
    pub(super) fn refused(&self, id: NodeId, reason: &str) -> ConvertError {
        let node = self.network.node(id);
        let op = match &node.kind {
            NodeKind::Synapse(op) | NodeKind::Head(op) => op.kind(),
            NodeKind::MaxPool(_) | NodeKind::StreamingPool(_) => "MaxPool",
            NodeKind::Population(_) | NodeKind::Streaming(_) => "population",
            NodeKind::Input(_) | NodeKind::Readout(_) => "result",
        };
        let reason = format!("{reason} (with --weights i8; --weights f32 converts it)");
        ConvertError::Unsupported { node: node.name.clone(), op, reason }
    }
}
