//! A constant for each element of a sample, in `f64`: what an affine map's constants are while they are moved and
//! folded. Rounded to `f32` once, when they become a tensor again.

use crate::ops::{Concat, Pad, Select};
use crate::tensor::{Indices, strides};
use crate::{Tensor, volume};

/// Beyond this many elements (512 MiB) constants are left where they are.
const LARGEST: usize = 1 << 26;

/// A constant of the shape of a sample.
///
/// Where it is repeated along an axis it is stored once: `data` has the shape `stored`, each extent of which is that
/// of `shape` or 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    shape: Vec<usize>,
    stored: Vec<usize>,
    data: Vec<f64>,
}

impl Field {
    /// A constant of one repeated value.
    pub(super) fn full(shape: &[usize], value: f64) -> Self {
        Self { shape: shape.to_vec(), stored: vec![1; shape.len()], data: vec![value] }
    }

    /// `tensor` expanded to `shape`, or `absent` everywhere. `None` when it does not broadcast.
    pub(super) fn expand(tensor: Option<&Tensor>, absent: f64, shape: &[usize]) -> Option<Self> {
        let Some(tensor) = tensor else { return Some(Self::full(shape, absent)) };
        let mut stored = vec![1; shape.len().checked_sub(tensor.shape().len())?];
        stored.extend(tensor.shape());
        let data = tensor.data().iter().map(|&x| f64::from(x)).collect();
        let fits = stored.iter().zip(shape).all(|(&own, &n)| own == n || own == 1);
        fits.then(|| Self { shape: shape.to_vec(), stored, data })
    }

    /// `data` in row-major order. `None` when it does not fill the shape.
    pub(super) fn new(shape: Vec<usize>, data: Vec<f64>) -> Option<Self> {
        (volume(&shape) == data.len()).then(|| Self { stored: shape.clone(), shape, data })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All elements in row-major order; `None` when too large.
    pub(super) fn elements(&self) -> Option<Vec<f64>> {
        Some(self.spread(&self.shape)?.data)
    }

    /// Whether it is `value` everywhere.
    pub(super) fn is(&self, value: f64) -> bool {
        self.data.iter().all(|&x| x == value)
    }

    /// `f` of this field's and another one's elements; both have the same shape. `None` when too large.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let stored: Vec<usize> = self.stored.iter().zip(&other.stored).map(|(&a, &b)| a.max(b)).collect();
        let (mut result, other) = (self.spread(&stored)?, other.spread(&stored)?);
        result.data.iter_mut().zip(&other.data).for_each(|(a, &b)| *a = f(*a, b));
        Some(result)
    }

    /// The same elements under another shape; `None` when too large.
    pub(super) fn reshaped(&self, shape: &[usize]) -> Option<Self> {
        match self.data[..] {
            [value] => Some(Self::full(shape, value)),
            _ => Self::new(shape.to_vec(), self.elements()?),
        }
    }

    /// Axis `i` of the result is axis `perm[i]`.
    pub(super) fn permuted(&self, perm: &[usize]) -> Self {
        let rearranged = |extents: &[usize]| -> Vec<usize> { perm.iter().map(|&p| extents[p]).collect() };
        let stored = rearranged(&self.stored);
        let step = rearranged(&strides(&self.stored));
        let data = Indices::new(&stored).map(|index| self.data[dot(&index, &step)]).collect();
        Self { shape: rearranged(&self.shape), stored, data }
    }

    /// What [`Select`] makes of it; `None` when too large.
    pub(super) fn selected(&self, select: &Select) -> Option<Self> {
        let shape = select.output_shape(&self.shape).ok()?;
        let maps = select.maps.iter().zip(&self.stored).map(|(map, &own)| map.as_ref().filter(|_| own > 1));
        let maps: Vec<Option<&Vec<usize>>> = maps.collect();
        let stored: Vec<usize> = maps.iter().zip(&self.stored).map(|(map, &own)| map.map_or(own, Vec::len)).collect();
        let step = strides(&self.stored);
        let source = |(axis, &i): (usize, &usize)| maps[axis].map_or(i, |map| map[i]) * step[axis];
        let data = bounded(&stored)?.map(|index| self.data[index.iter().enumerate().map(source).sum::<usize>()]);
        Some(Self { data: data.collect(), shape, stored })
    }

    /// What [`Pad`] makes of it, with its own value in the padding; `None` when too large.
    pub(super) fn padded(&self, pad: &Pad, value: f64) -> Option<Self> {
        let shape = pad.output_shape(&self.shape).ok()?;
        let mut padded = Self::full(&shape, value).spread(&shape)?;
        let step = strides(&shape);
        let origin = dot(&pad.before, &step);
        for (index, x) in Indices::new(&self.shape).zip(self.elements()?) {
            padded.data[origin + dot(&index, &step)] = x;
        }
        Some(padded)
    }

    /// What [`Concat`] makes of several; `None` when too large.
    pub(super) fn concatenated(concat: &Concat, parts: &[Self]) -> Option<Self> {
        let shapes: Vec<&[usize]> = parts.iter().map(Self::shape).collect();
        let shape = concat.output_shape(&shapes).ok()?;
        bounded(&shape)?;
        let blocks = volume(&shape[..concat.axis]);
        let parts: Vec<Vec<f64>> = parts.iter().map(Self::elements).collect::<Option<_>>()?;
        let block = |at: usize, part: &[f64]| part[at * (part.len() / blocks)..][..part.len() / blocks].to_vec();
        let data = (0..blocks).flat_map(|at| parts.iter().flat_map(move |part| block(at, part))).collect();
        Self::new(shape, data)
    }

    /// The mean over `axes`, which keep extent 1; `None` when too large.
    pub(super) fn mean(&self, axes: &[usize]) -> Option<Self> {
        if let Some(same) = self.without(axes) {
            return Some(same);
        }
        let shape = without(&self.shape, axes);
        let mut mean = Self::full(&shape, 0.0).spread(&shape)?;
        let mut step = strides(&shape);
        for &axis in axes {
            step[axis] = 0;
        }
        let count = volume(&self.shape) / volume(&shape);
        for (index, x) in Indices::new(&self.shape).zip(self.elements()?) {
            mean.data[dot(&index, &step)] += x / count as f64;
        }
        Some(mean)
    }

    /// The same with extent 1 on `axes`; `None` when it varies along one of them.
    pub(super) fn without(&self, axes: &[usize]) -> Option<Self> {
        if axes.iter().any(|&axis| self.varies(axis)) {
            return None;
        }
        let (shape, stored) = (without(&self.shape, axes), without(&self.stored, axes));
        let step = strides(&self.stored);
        let data = Indices::new(&stored).map(|index| self.data[dot(&index, &step)]).collect();
        Some(Self { shape, stored, data })
    }

    /// Repeated along axes of extent 1 to fill `shape`.
    pub(super) fn repeated(&self, shape: &[usize]) -> Option<Self> {
        let fits =
            self.shape.len() == shape.len() && self.shape.iter().zip(shape).all(|(&own, &n)| own == n || own == 1);
        fits.then(|| Self { shape: shape.to_vec(), ..self.clone() })
    }

    /// Its values along one axis; `None` when it varies along another.
    pub(super) fn along(&self, axis: usize) -> Option<Vec<f64>> {
        let others: Vec<usize> = (0..self.shape.len()).filter(|&a| a != axis).collect();
        self.without(&others)?.elements()
    }

    /// The smallest tensor that broadcasts to it; `None` when a value leaves `f32`.
    pub(super) fn tensor(&self) -> Option<Tensor> {
        let same: Vec<usize> = (0..self.shape.len()).filter(|&axis| !self.varies(axis)).collect();
        let small = self.without(&same)?;
        Tensor::new(small.stored, rounded(&small.data)?).ok()
    }

    /// The same field with its data stored under the extents `stored`.
    fn spread(&self, stored: &[usize]) -> Option<Self> {
        if self.stored == stored {
            return Some(self.clone());
        }
        let mut step = strides(&self.stored);
        step.iter_mut().zip(&self.stored).filter(|(_, own)| **own == 1).for_each(|(step, _)| *step = 0);
        let data = bounded(stored)?.map(|index| self.data[dot(&index, &step)]).collect();
        Some(Self { shape: self.shape.clone(), stored: stored.to_vec(), data })
    }

    fn varies(&self, axis: usize) -> bool {
        let (stride, extent) = (volume(&self.stored[axis + 1..]), self.stored[axis]);
        self.data.chunks(stride * extent).any(|block| (stride..block.len()).any(|i| block[i] != block[i - stride]))
    }
}

/// All indices of a shape, unless there are too many.
fn bounded(shape: &[usize]) -> Option<Indices> {
    (volume(shape) <= LARGEST).then(|| Indices::new(shape))
}

fn dot(index: &[usize], step: &[usize]) -> usize {
    index.iter().zip(step).map(|(i, s)| i * s).sum()
}

/// A shape with extent 1 on some axes.
fn without(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect()
}

/// Rounds to `f32`; `None` when a value is not finite there.
pub(super) fn rounded(values: &[f64]) -> Option<Vec<f32>> {
    values.iter().map(|&x| Some(x as f32).filter(|x| x.is_finite())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(shape: &[usize], data: &[f64]) -> Field {
        Field::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    #[test]
    fn the_smallest_tensor() {
        let tensor = field(&[2, 2], &[1., 1., 2., 2.]).tensor().unwrap();
        assert_eq!((tensor.shape(), tensor.data()), (&[2, 1][..], &[1., 2.][..]));
        assert_eq!(field(&[2, 2], &[1., 2., 1., 2.]).tensor().unwrap().shape(), [1, 2]);
        assert!(field(&[1], &[1e300]).tensor().is_none());
    }

    #[test]
    fn along_one_axis() {
        let f = field(&[2, 2], &[1., 1., 2., 2.]);
        assert_eq!(f.along(0).unwrap(), [1., 2.]);
        assert!(f.along(1).is_none());
    }

    #[test]
    fn routing() {
        let f = field(&[2, 2], &[1., 2., 3., 4.]);
        let rows = Field::expand(Some(&Tensor::full(vec![2, 1], 5.0)), 0.0, &[2, 2]).unwrap();
        assert_eq!(rows.elements().unwrap(), [5.; 4]);
        assert_eq!(f.permuted(&[1, 0]).data, [1., 3., 2., 4.]);
        assert_eq!(f.selected(&Select { maps: vec![None, Some(vec![1])] }).unwrap().data, [2., 4.]);
        let picked = rows.selected(&Select { maps: vec![Some(vec![1]), Some(vec![0, 0, 1])] }).unwrap();
        assert_eq!((picked.shape(), picked.elements().unwrap()), (&[1, 3][..], vec![5.; 3]));
        let pad = Pad { before: vec![0, 1], after: vec![0, 0], value: 0.0 };
        assert_eq!(f.padded(&pad, 9.0).unwrap().data, [9., 1., 2., 9., 3., 4.]);
        let g = field(&[2, 1], &[5., 6.]);
        let joined = Field::concatenated(&Concat { axis: 1 }, &[f.clone(), g]).unwrap();
        assert_eq!(joined.data, [1., 2., 5., 3., 4., 6.]);
        assert_eq!(f.mean(&[1]).unwrap(), field(&[2, 1], &[1.5, 3.5]));
        assert_eq!(field(&[2, 1], &[1., 2.]).repeated(&[2, 2]).unwrap().elements().unwrap(), [1., 1., 2., 2.]);
        assert_eq!(rows.zip(&f, |a, b| a + b).unwrap().data, [6., 7., 8., 9.]);
    }
}
