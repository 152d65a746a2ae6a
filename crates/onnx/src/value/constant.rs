use std::sync::Arc;

use spikeconverter_graph::{Tensor, volume};

use super::Number;
use super::number::depends;
use crate::problem::{Problem, unsupported};

/// What the elements of a [`Constant::Numbers`] are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Integer,
    Bool,
    /// Floats that depend on the batch size; others are [`Constant::Floats`].
    Float,
}

/// A tensor known at import.
#[derive(Debug, Clone)]
pub(crate) enum Constant {
    /// Floats of any width, and 8- and 16-bit integers, which floats hold exactly.
    Floats(Tensor),
    /// Integers from 32 bits on, truth values, and whatever depends on the batch size.
    Numbers { shape: Vec<usize>, data: Arc<[Number]>, kind: Kind },
}

impl Constant {
    /// A tensor of floats. The lengths must match.
    pub(crate) fn floats(shape: Vec<usize>, data: Vec<f32>) -> Self {
        Self::Floats(Tensor::new(shape, data).expect("a constant's data fills its shape"))
    }

    /// A tensor of numbers; floats that do not depend on the batch size become plain floats.
    pub(crate) fn numbers(shape: Vec<usize>, data: Vec<Number>, kind: Kind) -> Self {
        debug_assert_eq!(volume(&shape), data.len());
        if kind == Kind::Float && data.iter().all(|n| n.is_plain()) {
            return Self::floats(shape, data.iter().map(|n| n.value as f32).collect());
        }
        Self::Numbers { shape, data: data.into(), kind }
    }

    /// A vector of integers.
    pub(crate) fn integers(values: impl IntoIterator<Item = i64>) -> Self {
        let data: Vec<Number> = values.into_iter().map(|v| Number::plain(v as f64)).collect();
        Self::numbers(vec![data.len()], data, Kind::Integer)
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Floats(tensor) => tensor.shape(),
            Self::Numbers { shape, .. } => shape,
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Floats(tensor) => tensor.len(),
            Self::Numbers { data, .. } => data.len(),
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Floats(_) => Kind::Float,
            Self::Numbers { kind, .. } => *kind,
        }
    }

    /// The elements as numbers.
    pub(crate) fn to_numbers(&self) -> Vec<Number> {
        match self {
            Self::Floats(tensor) => tensor.data().iter().map(|&x| Number::plain(f64::from(x))).collect(),
            Self::Numbers { data, .. } => data.to_vec(),
        }
    }

    /// The elements as floats.
    pub(crate) fn to_tensor(&self) -> Result<Tensor, Problem> {
        match self {
            Self::Floats(tensor) => Ok(tensor.clone()),
            Self::Numbers { shape, data, .. } => {
                let data: Option<Vec<f32>> = data.iter().map(|n| n.as_plain().map(|x| x as f32)).collect();
                let data = data.ok_or_else(|| depends("a constant operand contains the batch size"))?;
                Ok(Tensor::new(shape.clone(), data).expect("same elements"))
            }
        }
    }

    /// The elements as integers, whatever the rank.
    pub(crate) fn to_integers(&self, what: &str) -> Result<Vec<i64>, Problem> {
        self.to_numbers()
            .iter()
            .map(|n| match n.as_plain() {
                Some(x) if x.fract() == 0.0 => Ok(x as i64),
                Some(x) => Err(Problem::Invalid(format!("{what} holds {x}, which is no integer"))),
                None => Err(depends(&format!("{what} contains the batch size"))),
            })
            .collect()
    }

    /// The single element as a float.
    pub(crate) fn to_scalar(&self, what: &str) -> Result<f32, Problem> {
        match self.to_tensor()?.data() {
            [x] => Ok(*x),
            _ => Err(unsupported(format!("{what} has shape {:?}; only a single number is supported", self.shape()))),
        }
    }

    /// The same elements under another shape of the same volume.
    pub(crate) fn reshaped(&self, shape: Vec<usize>) -> Result<Self, Problem> {
        if checked_volume(&shape) != Some(self.len()) {
            return Err(Problem::Invalid(format!("cannot give {:?} the shape {shape:?}", self.shape())));
        }
        Ok(match self {
            Self::Floats(tensor) => Self::Floats(tensor.reshaped(shape).expect("same volume")),
            Self::Numbers { data, kind, .. } => Self::Numbers { shape, data: Arc::clone(data), kind: *kind },
        })
    }

    /// The elements at `offset + Σ index · step` for each index of `shape`, in row-major order: transposition, slicing
    /// and broadcasting in one. Every position must lie in the data.
    pub(crate) fn view(&self, shape: Vec<usize>, steps: &[isize], offset: usize) -> Self {
        match self {
            Self::Floats(tensor) => {
                let data = strided(tensor.data(), &shape, steps, offset);
                Self::floats(shape, data)
            }
            Self::Numbers { data, kind, .. } => {
                let data = strided(data, &shape, steps, offset);
                Self::Numbers { shape, data: data.into(), kind: *kind }
            }
        }
    }

    /// Axes rearranged: axis `i` of the result is axis `perm[i]`. `perm` must be a permutation.
    pub(crate) fn transposed(&self, perm: &[usize]) -> Self {
        let own = strides(self.shape());
        let shape = perm.iter().map(|&p| self.shape()[p]).collect();
        let steps: Vec<isize> = perm.iter().map(|&p| own[p]).collect();
        self.view(shape, &steps, 0)
    }

    /// Expanded to `shape` by the broadcasting rule; `None` when it does not broadcast.
    pub(crate) fn broadcast_to(&self, shape: &[usize]) -> Option<Self> {
        if shape == self.shape() {
            return Some(self.clone());
        }
        let lead = shape.len().checked_sub(self.shape().len())?;
        let own = strides(self.shape());
        let mut steps = vec![0; shape.len()];
        for (axis, &extent) in self.shape().iter().enumerate() {
            if extent == shape[lead + axis] {
                steps[lead + axis] = own[axis];
            } else if extent != 1 {
                return None;
            }
        }
        Some(self.view(shape.to_vec(), &steps, 0))
    }
}

/// Number of elements, if it and all strides can be counted, whatever the order of the axes: an extent of 0 does not
/// excuse others that are too large.
pub(crate) fn checked_volume(shape: &[usize]) -> Option<usize> {
    let bound = shape.iter().try_fold(1isize, |n, &d| n.checked_mul(isize::try_from(d.max(1)).ok()?))?;
    Some(if shape.contains(&0) { 0 } else { bound as usize })
}

/// Row-major strides in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<isize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis] as isize;
    }
    strides
}

fn strided<T: Copy>(data: &[T], shape: &[usize], steps: &[isize], offset: usize) -> Vec<T> {
    let total = volume(shape);
    let mut result = Vec::with_capacity(total);
    if total == 0 {
        return result;
    }
    let mut index = vec![0; shape.len()];
    let mut position = offset as isize;
    loop {
        result.push(data[position as usize]);
        let mut axis = shape.len();
        loop {
            if axis == 0 {
                return result;
            }
            axis -= 1;
            index[axis] += 1;
            position += steps[axis];
            if index[axis] < shape[axis] {
                break;
            }
            position -= steps[axis] * shape[axis] as isize;
            index[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_transpose_slice_and_broadcast() {
        let matrix = Constant::floats(vec![2, 3], vec![0., 1., 2., 3., 4., 5.]);
        assert_eq!(matrix.transposed(&[1, 0]).to_tensor().unwrap().data(), [0., 3., 1., 4., 2., 5.]);
        assert_eq!(matrix.view(vec![2, 2], &[3, -2], 2).to_tensor().unwrap().data(), [2., 0., 5., 3.]);
        let row = Constant::floats(vec![1, 3], vec![1., 2., 3.]);
        assert_eq!(row.broadcast_to(&[2, 3]).unwrap().len(), 6);
        assert!(row.broadcast_to(&[2, 2]).is_none());
    }

    #[test]
    fn an_empty_shape_with_overflowing_axes_is_refused() {
        let huge = usize::MAX / 4;
        assert_eq!(checked_volume(&[2, 0, 3]), Some(0));
        assert_eq!(checked_volume(&[]), Some(1));
        assert_eq!(checked_volume(&[0, huge, huge]), None);
        assert_eq!(checked_volume(&[huge, huge]), None);
    }

    #[test]
    fn empty_views_read_nothing() {
        assert_eq!(Constant::floats(vec![0], vec![]).view(vec![0, 3], &[3, 1], 0).len(), 0);
    }
}
