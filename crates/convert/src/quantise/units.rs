//! Units: the real value that the integer 1 of a node stands for, in units of the trained network's activations.

use spikeconverter_engine::Batch;
use spikeconverter_engine::kernels::compile;
use spikeconverter_graph::{Op, Tensor, volume};

use crate::ConvertError;

/// A unit for each element of a node: one value a channel (an entry of the first axis), or one an element. NaN where the
/// node is always zero (padding), so that any unit will do.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Units {
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Units {
    /// `values` has one entry, one a channel of `shape`, or one an element.
    pub(super) fn new(shape: &[usize], values: Vec<f32>) -> Self {
        let channels = channels(shape);
        let values = if values.len() == 1 { vec![values[0]; channels] } else { values };
        let inner = values.len() / channels.max(1);
        let constant = |row: &[f32]| {
            let known = row.iter().copied().find(|v| !v.is_nan()).unwrap_or(f32::NAN);
            row.iter().all(|v| v.is_nan() || *v == known).then_some(known)
        };
        let compact: Option<Vec<f32>> = values.chunks(inner.max(1)).map(constant).collect();
        Self { shape: shape.to_vec(), values: compact.unwrap_or(values) }
    }

    /// Shape of the node.
    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The unit of each channel; `None` where it varies within one.
    pub(super) fn by_channel(&self) -> Option<&[f32]> {
        (self.values.len() == channels(&self.shape)).then_some(self.values.as_slice())
    }

    /// The unit of each entry of the last axis; `None` where it varies along others.
    pub(super) fn by_last_axis(&self) -> Option<Vec<f32>> {
        if self.shape.len() <= 1 {
            return Some(self.values.clone());
        }
        let extent = *self.shape.last()?;
        let elements = self.elements();
        let mut units = vec![f32::NAN; extent];
        for (i, &u) in elements.iter().enumerate() {
            let known = &mut units[i % extent];
            if known.is_nan() {
                *known = u;
            } else if !u.is_nan() && u != *known {
                return None;
            }
        }
        Some(units)
    }

    /// The unit that all elements share, if they do.
    pub(super) fn uniform(&self) -> Option<f32> {
        let mut known = self.values.iter().filter(|u| !u.is_nan());
        let first = *known.next()?;
        known.all(|u| *u == first).then_some(first)
    }

    /// One unit an element.
    pub(super) fn elements(&self) -> Vec<f32> {
        let inner = volume(&self.shape) / self.values.len().max(1);
        self.values.iter().flat_map(|&u| std::iter::repeat_n(u, inner)).collect()
    }

    /// As a tensor that broadcasts to the node's shape.
    pub(super) fn tensor(&self) -> Result<Tensor, ConvertError> {
        let mut shape = self.shape.clone();
        if self.values.len() != volume(&shape) {
            shape.iter_mut().skip(1).for_each(|extent| *extent = 1);
        }
        Ok(Tensor::new(shape, self.values.clone())?)
    }

    /// Each unit times a constant that broadcasts to the node's shape.
    pub(super) fn times(&self, factor: &Tensor) -> Result<Self, ConvertError> {
        let values = match channel_values(factor, &self.shape) {
            Some(factors) if factors.len() == self.values.len() => {
                self.values.iter().zip(&factors).map(|(u, f)| u * f).collect()
            }
            _ => {
                let factor = spread(factor, &self.shape)?;
                self.elements().iter().zip(factor.data()).map(|(u, f)| u * f).collect()
            }
        };
        Ok(Self::new(&self.shape, values))
    }

    /// Each unit times a number.
    pub(super) fn scaled(&self, factor: f32) -> Self {
        Self { shape: self.shape.clone(), values: self.values.iter().map(|u| u * factor).collect() }
    }

    /// The units of what a routing operation (or a maximum within channels) makes of its inputs.
    pub(super) fn routed(op: &Op, inputs: &[&Self], shape: &[usize]) -> Result<Self, ConvertError> {
        if keeps_channels(op, inputs.first().map_or(&[], |units| units.shape()), shape)
            && let [only] = inputs
            && let Some(units) = only.by_channel()
        {
            return Ok(Self::new(shape, units.to_vec()));
        }
        let op = match op {
            Op::Pad(pad) => &Op::Pad(spikeconverter_graph::ops::Pad { value: f32::NAN, ..pad.clone() }),
            other => other,
        };
        let values: Vec<Batch> = inputs
            .iter()
            .map(|units| Batch::new(1, units.shape.clone(), units.elements()))
            .collect::<Result<_, _>>()?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|units| units.shape()).collect();
        let routed = compile(op, &shapes)?.run(&values.iter().collect::<Vec<_>>())?;
        Ok(Self::new(shape, routed.into_data()))
    }
}

/// Number of channels of a shape.
pub(super) fn channels(shape: &[usize]) -> usize {
    shape.first().copied().unwrap_or(1)
}

/// Whether a routing operation or a maximum leaves the channels of its one input what they are.
pub(super) fn keeps_channels(op: &Op, input: &[usize], output: &[usize]) -> bool {
    match op {
        Op::MaxPool(_) => true,
        Op::Reshape(_) => !input.is_empty() && input.first() == output.first(),
        Op::Transpose(transpose) => transpose.perm.first() == Some(&0),
        Op::Select(select) => matches!(select.maps.first(), Some(None)),
        Op::Pad(pad) => pad.before.first() == Some(&0) && pad.after.first() == Some(&0),
        _ => false,
    }
}

/// A constant that broadcasts to `shape` as one value for all, or one a channel; `None` where it varies within a channel.
pub(super) fn channel_values(constant: &Tensor, shape: &[usize]) -> Option<Vec<f32>> {
    if constant.len() == 1 {
        return Some(vec![constant.data()[0]; channels(shape)]);
    }
    let along_first = constant.shape().len() == shape.len() && constant.len() == channels(shape);
    (along_first && constant.shape().first() == shape.first()).then(|| constant.data().to_vec())
}

/// A constant with all elements of `shape`.
pub(super) fn spread(constant: &Tensor, shape: &[usize]) -> Result<Tensor, ConvertError> {
    let refused = || ConvertError::Network(format!("a constant of shape {:?} for {shape:?}", constant.shape()));
    constant.broadcast_to(shape).ok_or_else(refused)
}

/// A constant that broadcasts to `shape`, with all channels of it.
pub(super) fn with_channels(constant: &Tensor, shape: &[usize]) -> Result<Tensor, ConvertError> {
    let mut wanted = vec![1; shape.len().saturating_sub(constant.shape().len())];
    wanted.extend(constant.shape());
    if let (Some(first), Some(&channels)) = (wanted.first_mut(), shape.first()) {
        *first = channels;
    }
    spread(constant, &wanted)
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Concat, Pad, Reshape};

    use super::*;

    #[test]
    fn routing_takes_units_along() {
        let a = Units::new(&[2, 2], vec![1.0, 2.0]);
        let b = Units::new(&[1, 2], vec![5.0]);
        let both = Units::routed(&Op::Concat(Concat { axis: 0 }), &[&a, &b], &[3, 2]).unwrap();
        assert_eq!(both.by_channel().unwrap(), [1.0, 2.0, 5.0]);
        let flat = Units::routed(&Op::Reshape(Reshape { shape: vec![6] }), &[&both], &[6]).unwrap();
        assert_eq!(flat.by_last_axis().unwrap(), [1.0, 1.0, 2.0, 2.0, 5.0, 5.0]);
        assert_eq!(both.by_last_axis(), None);
    }

    #[test]
    fn padding_has_any_unit() {
        let units = Units::new(&[1, 2], vec![3.0]);
        let pad = Pad { before: vec![0, 1], after: vec![0, 0], value: 0.0 };
        let padded = Units::routed(&Op::Pad(pad), &[&units], &[1, 3]).unwrap();
        assert_eq!(padded.uniform(), Some(3.0));
        let pad = Pad { before: vec![1, 0], after: vec![0, 0], value: 0.0 };
        let padded = Units::routed(&Op::Pad(pad), &[&units], &[2, 2]).unwrap();
        assert_eq!(padded.uniform(), Some(3.0));
        assert!(padded.by_channel().unwrap()[0].is_nan());
    }
}
