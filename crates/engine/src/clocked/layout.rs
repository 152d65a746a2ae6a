use crate::kernels::tile::LANES;

/// Values with their channels last: position after position, the channels of each padded to whole vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) channels: usize,
    /// Channels with padding.
    pub(super) padded: usize,
    /// Positions: the elements of a channel.
    pub(super) inner: usize,
}

impl Layout {
    /// The layout of a shape, whose first axis is the channels.
    pub(super) fn new(shape: &[usize]) -> Self {
        let channels = shape.first().copied().unwrap_or(1);
        let inner = shape.iter().skip(1).product();
        Self { channels, padded: channels.next_multiple_of(LANES), inner }
    }

    /// Values with padding.
    pub(super) fn volume(&self) -> usize {
        self.inner * self.padded
    }

    /// Words of a bit a value.
    pub(super) fn words(&self) -> usize {
        self.volume() / LANES
    }

    /// Where the element at `index` in row-major order lies.
    pub(super) fn place(&self, index: usize) -> usize {
        index % self.inner * self.padded + index / self.inner
    }

    /// Brings values from row-major order into this layout; padding stays as it is.
    pub(super) fn take<T: Copy>(&self, plain: &[T], values: &mut [T]) {
        for (channel, plain) in plain.chunks_exact(self.inner).enumerate() {
            for (x, value) in plain.iter().zip(values[channel..].iter_mut().step_by(self.padded)) {
                *value = *x;
            }
        }
    }

    /// Brings values into row-major order.
    pub(super) fn give<T: Copy>(&self, values: &[T], plain: &mut [T]) {
        for (channel, plain) in plain.chunks_exact_mut(self.inner).enumerate() {
            for (x, value) in plain.iter_mut().zip(values[channel..].iter().step_by(self.padded)) {
                *x = *value;
            }
        }
    }

    /// The values in row-major order.
    pub(super) fn plain<T: Copy + Default>(&self, values: &[T]) -> Vec<T> {
        let mut plain = vec![T::default(); self.channels * self.inner];
        self.give(values, &mut plain);
        plain
    }

    /// One value a channel, for every position; 0 in padding.
    pub(super) fn spread(&self, of: impl Fn(usize) -> f32) -> Vec<f32> {
        let row: Vec<f32> = (0..self.padded).map(|c| if c < self.channels { of(c) } else { 0.0 }).collect();
        row.repeat(self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let layout = Layout::new(&[3, 2, 2]);
        let plain: Vec<i32> = (0..12).collect();
        let mut values = vec![-1; layout.volume()];
        layout.take(&plain, &mut values);
        assert_eq!(values[..4], [0, 4, 8, -1]);
        assert_eq!(values[16..20], [1, 5, 9, -1]);
        assert!((0..12).all(|i| values[layout.place(i)] == i as i32));
        let mut back = vec![0; 12];
        layout.give(&values, &mut back);
        assert_eq!(back, plain);
        assert_eq!(Layout::new(&[]).volume(), 16);
    }
}
