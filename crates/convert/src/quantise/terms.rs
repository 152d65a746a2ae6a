//! What a listener's membranes are made of: weighted sources, multiples of sources and constants, combined without
//! further factors. Factors on the way (coefficients of a sum, scales, divisors of means) are folded into these terms.

use spikeconverter_graph::ops::{Add, Affine, Concat};
use spikeconverter_graph::{NodeId, Op, Role, Tensor};
use spikeconverter_network::{NodeKind, Signal};

use super::Quantiser;
use super::fold::{folded, output_rows, with_constants};
use super::scale::{LARGEST_WEIGHT, multiplier, quantised, quantised_constant};
use super::sources::Source;
use super::sums::Sum;
use super::units::{channel_values, channels, keeps_channels, with_channels};
use crate::ConvertError;

/// A bound for graphs whose branches meet again and again.
const MOST_TERMS: usize = 1 << 12;

/// Constants of a listener's channel.
pub(super) enum Row {
    /// Weights, to be signed bytes, and the magnitude of what they read: 1 for codes, more for sums of codes.
    Weights(Vec<f32>, f32),
    /// Multiples of sources, any integers.
    Multipliers(Vec<f32>),
    /// What is added once.
    Constants(Vec<f32>),
}

pub(super) struct Term {
    /// The node it stands for.
    node: NodeId,
    what: What,
    /// Other terms that it reads, which come after it.
    inputs: Vec<usize>,
    /// The listener's channel of its first channel, where its channels are the listener's.
    first: Option<usize>,
}

enum What {
    /// Weights, in units of the listener for one integer of the source.
    Weighted(Op, Source),
    /// A multiple of a source, likewise.
    Multiple(Tensor, Source),
    Add(usize),
    Shift(Tensor),
    Route(Op),
    Sum(Box<Sum>),
}

/// The terms of a listener; the first is what it reads.
pub(super) struct Terms(Vec<Term>);

/// A node still to be taken apart.
struct Pending {
    node: NodeId,
    /// Factor on the way to the listener: one, or one a channel.
    gain: Vec<f32>,
    first: Option<usize>,
}

fn at(values: &[f32], channel: usize) -> f32 {
    if let [only] = values { *only } else { values[channel] }
}

impl Terms {
    /// Whether each constant belongs to one channel of the listener.
    pub(super) fn by_channel(&self) -> bool {
        self.0
            .iter()
            .all(|term| term.first.is_some() || matches!(term.what, What::Add(_) | What::Route(_) | What::Sum(_)))
    }

    /// The constants of a channel of the listener, or of all.
    pub(super) fn rows(&self, channel: Option<usize>) -> Vec<Row> {
        let mut rows = Vec::new();
        for term in &self.0 {
            let own = |count: usize| match (channel, term.first) {
                (None, _) => Some(0..count),
                (Some(c), Some(first)) => c.checked_sub(first).filter(|own| *own < count).map(|own| own..own + 1),
                (Some(_), None) => None,
            };
            let part = |tensor: &Tensor, count: usize| {
                let inner = tensor.len() / count.max(1);
                own(count).map(|own| tensor.data()[own.start * inner..own.end * inner].to_vec())
            };
            match &term.what {
                What::Weighted(op, source) => {
                    let (weight, bias, outputs) = constants(op);
                    for o in own(outputs).into_iter().flatten() {
                        let weights = output_rows(op, o).into_iter().flat_map(|row| &weight.data()[row]);
                        rows.push(Row::Weights(weights.copied().collect(), source.magnitude));
                        rows.extend(bias.map(|bias| Row::Constants(vec![bias.data()[o]])));
                    }
                }
                What::Multiple(factors, _) => {
                    rows.extend(part(factors, channels(factors.shape())).map(Row::Multipliers));
                }
                What::Shift(shift) => rows.extend(part(shift, channels(shift.shape())).map(Row::Constants)),
                What::Add(_) | What::Route(_) | What::Sum(_) => {}
            }
        }
        rows
    }
}

/// Weight, bias and number of outputs of a weighted operation.
fn constants(op: &Op) -> (&Tensor, Option<&Tensor>, usize) {
    match op {
        Op::Conv(conv) => (&conv.weight, conv.bias.as_ref(), conv.out_channels()),
        Op::ConvTranspose(conv) => (&conv.weight, conv.bias.as_ref(), conv.out_channels()),
        Op::Linear(linear) => (&linear.weight, linear.bias.as_ref(), linear.outputs()),
        _ => unreachable!("only weighted operations become weighted terms"),
    }
}

impl Quantiser<'_> {
    /// The terms of what a listener reads.
    pub(super) fn terms(&mut self, root: NodeId) -> Result<Terms, ConvertError> {
        let mut terms: Vec<Term> = Vec::new();
        let mut pending = vec![(Pending { node: root, gain: vec![1.0], first: Some(0) }, None)];
        while let Some((next, parent)) = pending.pop() {
            if terms.len() + pending.len() > MOST_TERMS {
                return Err(self.refused(root, "it is reached on too many ways without a population between"));
            }
            let Pending { node, first, .. } = next;
            let (what, branches) = self.take_apart(next)?;
            let index = terms.len();
            terms.push(Term { node, what, inputs: vec![usize::MAX; branches.len()], first });
            if let Some((parent, slot)) = parent {
                let parent: &mut Term = &mut terms[parent];
                parent.inputs[slot] = index;
            }
            pending.extend(branches.into_iter().enumerate().map(|(slot, branch)| (branch, Some((index, slot)))));
        }
        Ok(Terms(terms))
    }

    /// A term, and the nodes that it reads.
    fn take_apart(&mut self, pending: Pending) -> Result<(What, Vec<Pending>), ConvertError> {
        let Pending { node: id, gain, first } = pending;
        let node = self.network.node(id);
        let shape = &node.shape;
        let op = match &node.kind {
            NodeKind::Synapse(op) if node.signal == Signal::Current => op,
            _ => return self.multiple(id, &gain),
        };
        let down = |input: NodeId, gain: Vec<f32>, first: Option<usize>| Pending { node: input, gain, first };
        let one = || gain.iter().all(|g| *g == gain[0]).then(|| vec![gain[0]]).ok_or_else(|| self.varying(id));
        match op {
            Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => {
                let source = self.source(node.inputs[0])?;
                let op = folded(op, &source.units, shape, &gain).ok_or_else(|| self.varying(id))?;
                Ok((What::Weighted(op, source), Vec::new()))
            }
            Op::Add(add) => {
                let mut branches = Vec::new();
                for (&input, coefficient) in node.inputs.iter().zip(&add.coefficients) {
                    let own = &self.network.node(input).shape;
                    let same = own.len() == shape.len() && channels(own) == channels(shape);
                    let gain = if same { gain.clone() } else { one()? };
                    let gain = gain.iter().map(|g| g * coefficient).collect();
                    branches.push(down(input, gain, first.filter(|_| same)));
                }
                Ok((What::Add(branches.len()), branches))
            }
            Op::Affine(affine) => {
                let scale = affine.scale.as_ref().map(|scale| channel_values(scale, shape));
                let scale = match scale {
                    Some(None) if !self.weighted[id.0] => return self.multiple(id, &gain),
                    Some(None) => return Err(self.refused(id, "its factors vary within a channel")),
                    Some(Some(scale)) => scale,
                    None => vec![1.0],
                };
                let count = scale.len().max(gain.len());
                let inner = (0..count).map(|c| at(&gain, c) * at(&scale, c)).collect();
                let below = vec![down(node.inputs[0], inner, first)];
                let what = match &affine.shift {
                    Some(shift) => {
                        let shift = with_channels(shift, shape)?;
                        let inner = shift.len() / channels(shift.shape()).max(1);
                        let data = shift.data().iter().enumerate().map(|(i, x)| x * at(&gain, i / inner.max(1)));
                        What::Shift(Tensor::new(shift.shape().to_vec(), data.collect())?)
                    }
                    None => What::Add(1),
                };
                Ok((what, below))
            }
            // without weights below, as integers of their own
            _ if !self.weighted[id.0] => self.multiple(id, &gain),
            Op::AvgPool(_) | Op::Mean(_) => {
                let sum = self.sum(id, op)?;
                let gain = gain.iter().map(|g| g / sum.divisor).collect();
                Ok((What::Sum(Box::new(sum)), vec![down(node.inputs[0], gain, first)]))
            }
            Op::Concat(Concat { axis: 0 }) => {
                let mut start = 0;
                let mut branches = Vec::new();
                for &input in &node.inputs {
                    let count = channels(&self.network.node(input).shape);
                    let gain = if gain.len() == 1 { gain.clone() } else { gain[start..start + count].to_vec() };
                    branches.push(down(input, gain, first.map(|first| first + start)));
                    start += count;
                }
                Ok((What::Route(op.clone()), branches))
            }
            Op::Concat(_) => {
                let branches = node.inputs.iter().map(|&input| down(input, gain.clone(), first));
                Ok((What::Route(op.clone()), branches.collect()))
            }
            _ if op.role() == Role::Routing => {
                let input = node.inputs[0];
                let keeps = keeps_channels(op, &self.network.node(input).shape, shape);
                let gain = if keeps { gain } else { one()? };
                Ok((What::Route(op.clone()), vec![down(input, gain, first.filter(|_| keeps))]))
            }
            _ => Err(self.refused(id, "it has no integer counterpart between weights and a population")),
        }
    }

    /// A source, multiplied.
    fn multiple(&mut self, id: NodeId, gain: &[f32]) -> Result<(What, Vec<Pending>), ConvertError> {
        let source = self.source(id)?;
        let units = with_channels(&source.units.tensor()?, source.units.shape())?;
        let inner = (units.len() / channels(units.shape()).max(1)).max(1);
        let factors =
            units.data().iter().enumerate().map(|(i, u)| if u.is_nan() { 0.0 } else { u * at(gain, i / inner) });
        let factors = Tensor::new(units.shape().to_vec(), factors.collect())?;
        Ok((What::Multiple(factors, source), Vec::new()))
    }

    /// Builds the terms with constants in the listener's steps: one, or one a channel.
    pub(super) fn build(&mut self, terms: &Terms, steps: &[f32]) -> Result<NodeId, ConvertError> {
        let mut built = vec![NodeId(0); terms.0.len()];
        for (index, term) in terms.0.iter().enumerate().rev() {
            let step = |channel: usize| at(steps, term.first.unwrap_or(0) + channel);
            let rounded = |tensor: &Tensor| {
                let inner = (tensor.len() / channels(tensor.shape()).max(1)).max(1);
                let data = tensor.data().iter().enumerate().map(|(i, &x)| quantised_constant(x, step(i / inner)));
                Tensor::new(tensor.shape().to_vec(), data.collect())
            };
            let inputs: Vec<NodeId> = term.inputs.iter().map(|&input| built[input]).collect();
            built[index] = match &term.what {
                What::Weighted(op, source) => {
                    let Rounded { op, multipliers } = rounded_weights(op, step)?;
                    let first_axis = !matches!(op, Op::Linear(_));
                    let sum = self.add(term.node, NodeKind::Synapse(op), &[source.id])?;
                    match multipliers {
                        Some(affine) if first_axis => {
                            let affine = along_outputs(affine, &self.builder.node(sum).shape)?;
                            self.add(term.node, NodeKind::Synapse(Op::Affine(affine)), &[sum])?
                        }
                        // outputs of a matrix product lie along the last axis, as the constants do
                        Some(affine) => self.add(term.node, NodeKind::Synapse(Op::Affine(affine)), &[sum])?,
                        None => sum,
                    }
                }
                What::Multiple(factors, source) => self.multiplied(term.node, source, rounded(factors)?)?,
                What::Add(1) => inputs[0],
                What::Add(n) => self.add(term.node, NodeKind::Synapse(Op::Add(Add::plain(*n))), &inputs)?,
                What::Shift(shift) => {
                    let op = Op::Affine(Affine { scale: None, shift: Some(rounded(shift)?) });
                    self.add(term.node, NodeKind::Synapse(op), &inputs)?
                }
                What::Route(op) => self.add(term.node, NodeKind::Synapse(op.clone()), &inputs)?,
                What::Sum(sum) => self.add_sum(term.node, sum, inputs[0])?,
            };
        }
        Ok(built[0])
    }
}

struct Rounded {
    op: Op,
    /// Where outputs have multipliers: these and the bias, which the operation then lacks; one entry an output.
    multipliers: Option<Affine>,
}

/// Weights and biases in steps of each output.
fn rounded_weights(op: &Op, step: impl Fn(usize) -> f32) -> Result<Rounded, ConvertError> {
    let (weight, bias, outputs) = constants(op);
    let mut weights = weight.data().to_vec();
    let mut multipliers = vec![1.0; outputs];
    for (o, m) in multipliers.iter_mut().enumerate() {
        let rows = output_rows(op, o);
        let largest = rows.iter().flat_map(|row| &weights[row.clone()]).fold(0.0f32, |most, w| most.max(w.abs()));
        *m = multiplier(largest, step(o));
        for row in rows {
            for w in &mut weights[row] {
                *w = quantised(*w, step(o) * *m, LARGEST_WEIGHT);
            }
        }
    }
    let weight = Tensor::new(weight.shape().to_vec(), weights)?;
    let bias = bias.map(|bias| {
        Tensor::vector(bias.data().iter().enumerate().map(|(o, &b)| quantised_constant(b, step(o))).collect())
    });
    Ok(if multipliers.iter().all(|m| *m == 1.0) {
        Rounded { op: with_constants(op, weight, bias), multipliers: None }
    } else {
        let affine = Affine { scale: Some(Tensor::vector(multipliers)), shift: bias };
        Rounded { op: with_constants(op, weight, None), multipliers: Some(affine) }
    })
}

/// Constants of one entry an output, shaped for a result of shape `shape`, whose outputs lie along its first axis.
fn along_outputs(affine: Affine, shape: &[usize]) -> Result<Affine, ConvertError> {
    let reshaped = |constant: Option<Tensor>| {
        let mut wanted = vec![1; shape.len()];
        wanted[0] = shape[0];
        constant.map(|constant: Tensor| constant.reshaped(wanted)).transpose()
    };
    Ok(Affine { scale: reshaped(affine.scale)?, shift: reshaped(affine.shift)? })
}
