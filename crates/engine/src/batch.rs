//! Samples that are processed together.

use spikeconverter_graph::volume;

use crate::EngineError;

/// `count` samples of one shape, one after the other, each in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch<T = f32> {
    count: usize,
    shape: Vec<usize>,
    data: Vec<T>,
}

impl<T> Batch<T> {
    /// A batch of `count` samples of shape `shape`.
    ///
    /// # Errors
    /// [`EngineError::Length`] when `data` does not hold exactly that many values, [`EngineError::Volume`] when a
    /// sample has no elements.
    pub fn new(count: usize, shape: Vec<usize>, data: Vec<T>) -> Result<Self, EngineError> {
        let expected = checked_len(count, &shape)?;
        if expected != data.len() {
            return Err(EngineError::Length { count, shape, expected, found: data.len() });
        }
        Ok(Self { count, shape, data })
    }

    /// A batch of `count` samples that all are `value` everywhere.
    ///
    /// # Errors
    /// [`EngineError::Volume`] when a sample has no elements or the batch more than the machine can address.
    pub fn full(count: usize, shape: Vec<usize>, value: T) -> Result<Self, EngineError>
    where
        T: Clone,
    {
        let len = checked_len(count, &shape)?;
        Ok(Self { count, shape, data: vec![value; len] })
    }

    /// Its first `count` samples, or all where it has fewer.
    #[must_use]
    pub fn first(&self, count: usize) -> Self
    where
        T: Clone,
    {
        let count = count.min(self.count);
        Self { count, shape: self.shape.clone(), data: self.data[..count * self.volume()].to_vec() }
    }

    /// Number of samples.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Shape of one sample.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Number of elements of one sample; at least 1.
    pub fn volume(&self) -> usize {
        volume(&self.shape)
    }

    /// All values: sample after sample, each in row-major order.
    pub fn data(&self) -> &[T] {
        &self.data
    }

    /// All values, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [T] {
        &mut self.data
    }

    /// The values, without the shape.
    pub fn into_data(self) -> Vec<T> {
        self.data
    }

    /// The values of one sample.
    ///
    /// # Panics
    /// When there is no such sample.
    pub fn sample(&self, index: usize) -> &[T] {
        &self.data[index * self.volume()..][..self.volume()]
    }

    /// The samples, in order.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = &[T]> {
        self.data.chunks_exact(self.volume())
    }

    /// The same values under another shape of the same volume.
    ///
    /// # Errors
    /// [`EngineError::Length`] when the volumes differ.
    pub fn reshaped(self, shape: Vec<usize>) -> Result<Self, EngineError> {
        Self::new(self.count, shape, self.data)
    }

    /// The same shape with `f` applied to each value.
    #[must_use]
    pub fn map<U>(&self, f: impl Fn(&T) -> U) -> Batch<U> {
        Batch { count: self.count, shape: self.shape.clone(), data: self.data.iter().map(f).collect() }
    }
}

/// Number of values of a batch.
fn checked_len(count: usize, shape: &[usize]) -> Result<usize, EngineError> {
    let volume = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n > 0);
    volume
        .and_then(|n| n.checked_mul(count))
        .filter(|&n| n <= isize::MAX as usize / 16)
        .ok_or_else(|| EngineError::Volume { count, shape: shape.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_lie_one_after_the_other() {
        let batch = Batch::new(2, vec![1, 3], vec![1., 2., 3., 4., 5., 6.]).unwrap();
        assert_eq!(batch.sample(1), [4., 5., 6.]);
        assert_eq!(batch.samples().len(), 2);
        assert_eq!(batch.clone().reshaped(vec![3]).unwrap().shape(), [3]);
        assert!(batch.reshaped(vec![2]).is_err());
    }

    #[test]
    fn a_batch_may_hold_no_samples_but_not_empty_ones() {
        assert_eq!(Batch::<f32>::new(0, vec![3], vec![]).unwrap().samples().len(), 0);
        assert!(Batch::<f32>::new(2, vec![0], vec![]).is_err());
        assert!(Batch::<f32>::new(2, vec![3], vec![0.0; 5]).is_err());
        assert!(Batch::<f32>::full(usize::MAX, vec![2], 0.0).is_err());
    }
}
