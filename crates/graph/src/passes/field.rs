//! A constant for each element of a sample, in `f64`: what an affine map's constants are while they are moved and
//! folded. Rounded to `f32` once, when they become a tensor again.

use crate::ops::{Concat, Pad, Select};
use crate::tensor::{Indices, strides};
use crate::{Tensor, volume};

/// Beyond this many elements (512 MiB) constants are left where they are.
const LARGEST: usize = 1 << 26;

/// A constant of the shape of a sample.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Field {
    /// A constant of one repeated value; `None` when too large.
    pub(super) fn full(shape: &[usize], value: f64) -> Option<Self> {
        (volume(shape) <= LARGEST).then(|| Self { shape: shape.to_vec(), data: vec![value; volume(shape)] })
    }

    /// `tensor` expanded to `shape`, or `absent` everywhere; `None` when too large.
    pub(super) fn expand(tensor: Option<&Tensor>, absent: f64, shape: &[usize]) -> Option<Self> {
        let Some(tensor) = tensor else { return Self::full(shape, absent) };
        if volume(shape) > LARGEST {
            return None;
        }
        let data = tensor.broadcast_to(shape)?.data().iter().map(|&x| f64::from(x)).collect();
        Some(Self { shape: shape.to_vec(), data })
    }

    /// `data` in row-major order.
    pub(super) fn new(shape: Vec<usize>, data: Vec<f64>) -> Option<Self> {
        (volume(&shape) == data.len()).then_some(Self { shape, data })
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(super) fn data(&self) -> &[f64] {
        &self.data
    }

    /// Whether it is `value` everywhere.
    pub(super) fn is(&self, value: f64) -> bool {
        self.data.iter().all(|&x| x == value)
    }

    /// `f` of this field's and another one's elements.
    pub(super) fn zip(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Option<Self> {
        let data = self.data.iter().zip(&other.data).map(|(&a, &b)| f(a, b)).collect();
        Self::new(self.shape.clone(), data)
    }

    /// The same elements under another shape.
    pub(super) fn reshaped(self, shape: &[usize]) -> Option<Self> {
        Self::new(shape.to_vec(), self.data)
    }

    /// Axis `i` of the result is axis `perm[i]`.
    pub(super) fn permuted(&self, perm: &[usize]) -> Self {
        let shape: Vec<usize> = perm.iter().map(|&p| self.shape[p]).collect();
        let own = strides(&self.shape);
        let data = Indices::new(&shape)
            .map(|index| self.data[index.iter().zip(perm).map(|(i, &p)| i * own[p]).sum::<usize>()])
            .collect();
        Self { shape, data }
    }

    /// What [`Select`] makes of it.
    pub(super) fn selected(&self, select: &Select) -> Option<Self> {
        let shape = select.output_shape(&self.shape).ok().filter(|shape| volume(shape) <= LARGEST)?;
        let own = strides(&self.shape);
        let source = |(axis, &i): (usize, &usize)| select.maps[axis].as_ref().map_or(i, |map| map[i]) * own[axis];
        let data =
            Indices::new(&shape).map(|index| self.data[index.iter().enumerate().map(source).sum::<usize>()]).collect();
        Some(Self { shape, data })
    }

    /// What [`Pad`] makes of it, with its own value in the padding.
    pub(super) fn padded(&self, pad: &Pad, value: f64) -> Option<Self> {
        let shape = pad.output_shape(&self.shape).ok()?;
        let mut padded = Self::full(&shape, value)?;
        let place = strides(&shape);
        for (index, &x) in Indices::new(&self.shape).zip(&self.data) {
            let at: usize = index.iter().zip(&pad.before).zip(&place).map(|((i, b), s)| (i + b) * s).sum();
            padded.data[at] = x;
        }
        Some(padded)
    }

    /// What [`Concat`] makes of several.
    pub(super) fn concatenated(concat: &Concat, parts: &[Self]) -> Option<Self> {
        let shapes: Vec<&[usize]> = parts.iter().map(|part| part.shape.as_slice()).collect();
        let shape = concat.output_shape(&shapes).ok().filter(|shape| volume(shape) <= LARGEST)?;
        let blocks = volume(&shape[..concat.axis]);
        let data = (0..blocks)
            .flat_map(|block| parts.iter().map(move |part| (block, part)))
            .flat_map(|(block, part)| part.data.chunks_exact(part.data.len() / blocks).nth(block).unwrap_or_default())
            .copied()
            .collect();
        Self::new(shape, data)
    }

    /// The mean over `axes`, which keep extent 1.
    pub(super) fn mean(&self, axes: &[usize]) -> Option<Self> {
        if let Some(same) = self.without(axes) {
            return Some(same);
        }
        let mut mean = Self::full(&self.keeping(axes), 0.0)?;
        let place = strides(&mean.shape);
        let count = self.data.len() / mean.data.len();
        for (index, &x) in Indices::new(&self.shape).zip(&self.data) {
            let kept = index.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
            mean.data[kept.map(|(axis, i)| i * place[axis]).sum::<usize>()] += x / count as f64;
        }
        Some(mean)
    }

    /// The same with extent 1 on `axes`, if it does not vary along them.
    pub(super) fn without(&self, axes: &[usize]) -> Option<Self> {
        if axes.iter().any(|&axis| self.varies(axis)) {
            return None;
        }
        let own = strides(&self.shape);
        let shape = self.keeping(axes);
        let data = Indices::new(&shape)
            .map(|index| self.data[index.iter().zip(&own).map(|(i, s)| i * s).sum::<usize>()])
            .collect();
        Some(Self { shape, data })
    }

    /// Repeats along axes of extent 1 to fill `shape`.
    pub(super) fn repeated(&self, shape: &[usize]) -> Option<Self> {
        let maps = self.shape.iter().zip(shape).map(|(&own, &n)| (own == 1).then(|| vec![0; n])).collect();
        self.selected(&Select { maps })
    }

    /// Its values along one axis, if it does not vary along any other.
    pub(super) fn along(&self, axis: usize) -> Option<Vec<f64>> {
        let others: Vec<usize> = (0..self.shape.len()).filter(|&a| a != axis).collect();
        self.without(&others).map(|field| field.data)
    }

    /// The smallest tensor that broadcasts to it; `None` when a value leaves `f32`.
    pub(super) fn tensor(&self) -> Option<Tensor> {
        let same: Vec<usize> = (0..self.shape.len()).filter(|&axis| !self.varies(axis)).collect();
        let small = self.without(&same)?;
        Tensor::new(small.shape, rounded(&small.data)?).ok()
    }

    fn keeping(&self, axes: &[usize]) -> Vec<usize> {
        self.shape.iter().enumerate().map(|(axis, &n)| if axes.contains(&axis) { 1 } else { n }).collect()
    }

    fn varies(&self, axis: usize) -> bool {
        let (stride, extent) = (volume(&self.shape[axis + 1..]), self.shape[axis]);
        self.data.chunks(stride * extent).any(|block| (stride..block.len()).any(|i| block[i] != block[i - stride]))
    }
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
        assert_eq!(f.permuted(&[1, 0]).data, [1., 3., 2., 4.]);
        assert_eq!(f.selected(&Select { maps: vec![None, Some(vec![1])] }).unwrap().data, [2., 4.]);
        let pad = Pad { before: vec![0, 1], after: vec![0, 0], value: 0.0 };
        assert_eq!(f.padded(&pad, 9.0).unwrap().data, [9., 1., 2., 9., 3., 4.]);
        let g = field(&[2, 1], &[5., 6.]);
        let joined = Field::concatenated(&Concat { axis: 1 }, &[f.clone(), g]).unwrap();
        assert_eq!(joined.data, [1., 2., 5., 3., 4., 6.]);
        assert_eq!(f.mean(&[1]).unwrap(), field(&[2, 1], &[1.5, 3.5]));
        assert_eq!(field(&[2, 1], &[1., 2.]).repeated(&[2, 2]).unwrap().data, [1., 1., 2., 2.]);
    }
}
