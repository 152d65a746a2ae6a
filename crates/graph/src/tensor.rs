use std::sync::Arc;

use crate::{GraphError, volume};

/// A constant tensor of `f32` in row-major order. Cloning shares the data.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Arc<[f32]>,
}

impl Tensor {
    /// A tensor of the given shape.
    ///
    /// # Errors
    /// [`GraphError::Length`] when `data` does not fill the shape.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, GraphError> {
        let expected = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).unwrap_or(usize::MAX);
        if expected != data.len() {
            return Err(GraphError::Length { shape, expected, found: data.len() });
        }
        Ok(Self { shape, data: data.into() })
    }

    /// A one-dimensional tensor.
    pub fn vector(data: Vec<f32>) -> Self {
        Self { shape: vec![data.len()], data: data.into() }
    }

    /// A tensor of one repeated value.
    pub fn full(shape: Vec<usize>, value: f32) -> Self {
        let data = vec![value; volume(&shape)].into();
        Self { shape, data }
    }

    /// Extents, outermost first.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Elements in row-major order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether the tensor has no elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The same elements under another shape of the same volume.
    ///
    /// # Errors
    /// [`GraphError::Length`] when the volumes differ.
    pub fn reshaped(&self, shape: Vec<usize>) -> Result<Self, GraphError> {
        if volume(&shape) != self.len() {
            return Err(GraphError::Length { expected: volume(&shape), found: self.len(), shape });
        }
        Ok(Self { shape, data: Arc::clone(&self.data) })
    }

    /// The same shape with `f` applied to each element.
    #[must_use]
    pub fn map(&self, f: impl Fn(f32) -> f32) -> Self {
        Self { shape: self.shape.clone(), data: self.data.iter().map(|&x| f(x)).collect() }
    }

    /// Axes rearranged: axis `i` of the result is axis `perm[i]` of this tensor. `perm` must be a permutation.
    #[must_use]
    pub fn transposed(&self, perm: &[usize]) -> Self {
        let shape: Vec<usize> = perm.iter().map(|&p| self.shape[p]).collect();
        let strides = strides(&self.shape);
        let data = Indices::new(&shape)
            .map(|index| self.data[index.iter().zip(perm).map(|(i, &p)| i * strides[p]).sum::<usize>()])
            .collect();
        Self { shape, data }
    }

    /// Expands to `shape` by the broadcasting rule of NumPy and ONNX (axes aligned at the right; extent 1 repeats).
    /// `None` when the shapes do not broadcast.
    pub fn broadcast_to(&self, shape: &[usize]) -> Option<Self> {
        let lead = shape.len().checked_sub(self.shape.len())?;
        let own = strides(&self.shape);
        let mut step = vec![0; shape.len()];
        for (axis, &extent) in self.shape.iter().enumerate() {
            if extent == shape[lead + axis] {
                step[lead + axis] = own[axis];
            } else if extent != 1 {
                return None;
            }
        }
        let data = Indices::new(shape)
            .map(|index| self.data[index.iter().zip(&step).map(|(i, s)| i * s).sum::<usize>()])
            .collect();
        Some(Self { shape: shape.to_vec(), data })
    }

    /// Position and value of the first element that is NaN or infinite.
    pub fn first_non_finite(&self) -> Option<(usize, f32)> {
        self.data.iter().copied().enumerate().find(|(_, x)| !x.is_finite())
    }
}

/// Row-major strides of a shape, in elements.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Walks all multi-indices of a shape in row-major order.
pub(crate) struct Indices {
    shape: Vec<usize>,
    next: Option<Vec<usize>>,
}

impl Indices {
    pub(crate) fn new(shape: &[usize]) -> Self {
        let next = (volume(shape) > 0).then(|| vec![0; shape.len()]);
        Self { shape: shape.to_vec(), next }
    }
}

impl Iterator for Indices {
    type Item = Vec<usize>;

    fn next(&mut self) -> Option<Vec<usize>> {
        let current = self.next.take()?;
        let mut following = current.clone();
        for axis in (0..self.shape.len()).rev() {
            following[axis] += 1;
            if following[axis] < self.shape[axis] {
                self.next = Some(following);
                break;
            }
            following[axis] = 0;
        }
        Some(current)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(shape: Vec<usize>) -> Tensor {
        let n = volume(&shape);
        Tensor::new(shape, (0..n).map(|i| i as f32).collect()).unwrap()
    }

    #[test]
    fn transpose_moves_axes() {
        let t = counting(vec![2, 3]).transposed(&[1, 0]);
        assert_eq!(t.shape(), [3, 2]);
        assert_eq!(t.data(), [0., 3., 1., 4., 2., 5.]);
    }

    #[test]
    fn broadcast_aligns_at_the_right() {
        let t = counting(vec![2, 1]).broadcast_to(&[2, 2, 3]).unwrap();
        assert_eq!(t.data(), [0., 0., 0., 1., 1., 1., 0., 0., 0., 1., 1., 1.]);
        assert!(counting(vec![2]).broadcast_to(&[3]).is_none());
        assert!(counting(vec![1, 2]).broadcast_to(&[2]).is_none());
    }

    #[test]
    fn wrong_length_is_refused() {
        assert!(Tensor::new(vec![2, 2], vec![0.0; 3]).is_err());
        assert!(Tensor::new(vec![usize::MAX, 2], vec![]).is_err());
    }
}
