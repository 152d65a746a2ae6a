//! Zeros around planes, so that no loop over windows has to ask where the input ends.

/// Values that a sample may have with its padding (8 GiB).
const LARGEST: usize = 1 << 31;

/// Puts zeros around the planes of a sample.
#[derive(Debug, Clone)]
pub(super) struct Padding {
    channels: usize,
    /// Height and width of the input.
    input: [usize; 2],
    /// Rows and columns of zeros before the input.
    before: [usize; 2],
    /// Height and width with padding.
    extents: [usize; 2],
}

impl Padding {
    /// Padding that puts `before` rows and columns before the input, and as many behind it as are needed to reach the
    /// extents `needed`.
    ///
    /// # Errors
    /// When the padded sample is beyond all bounds.
    pub(super) fn new(
        channels: usize,
        input: [usize; 2],
        before: [usize; 2],
        needed: [usize; 2],
    ) -> Result<Self, String> {
        let extents = [0, 1].map(|axis| (before[axis].saturating_add(input[axis])).max(needed[axis]));
        let volume = channels.checked_mul(extents[0]).and_then(|n| n.checked_mul(extents[1]));
        if volume.is_none_or(|n| n > LARGEST) {
            return Err(format!("its input is {} × {} with its padding, too large", extents[0], extents[1]));
        }
        Ok(Self { channels, input, before, extents })
    }

    /// Width with padding.
    pub(super) fn width(&self) -> usize {
        self.extents[1]
    }

    /// Values of a plane with padding.
    pub(super) fn plane(&self) -> usize {
        self.extents[0] * self.extents[1]
    }

    /// Values of a sample with padding.
    pub(super) fn volume(&self) -> usize {
        self.channels * self.plane()
    }

    /// Values of a sample without padding.
    pub(super) fn input(&self) -> usize {
        self.channels * self.input[0] * self.input[1]
    }

    /// The samples with padding around each plane: in `scratch`, or as they are if there is none. `scratch` must be
    /// empty or come from here.
    pub(super) fn around<'a>(&self, x: &'a [f32], scratch: &'a mut Vec<f32>) -> &'a [f32] {
        if self.extents == self.input {
            return x;
        }
        let [height, width] = self.input;
        let planes = x.len() / (height * width);
        // Where the input does not go, zeros stay from the first time on.
        scratch.resize(planes * self.plane(), 0.0);
        for (x, y) in x.chunks_exact(height * width).zip(scratch.chunks_exact_mut(self.plane())) {
            let rows = y.chunks_exact_mut(self.width()).skip(self.before[0]);
            for (x, y) in x.chunks_exact(width).zip(rows) {
                y[self.before[1]..][..width].copy_from_slice(x);
            }
        }
        scratch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zeros_lie_around_each_plane() {
        let padding = Padding::new(2, [1, 2], [1, 0], [2, 3]).unwrap();
        let mut scratch = Vec::new();
        let padded = padding.around(&[1., 2., 3., 4.], &mut scratch);
        assert_eq!(padded, [0., 0., 0., 1., 2., 0., 0., 0., 0., 3., 4., 0.]);
        assert_eq!((padding.input(), padding.plane(), padding.volume()), (4, 6, 12));
        assert!(Padding::new(2, [1, 2], [usize::MAX, 0], [1, 1]).is_err());
    }

    #[test]
    fn no_padding_no_copy() {
        let mut scratch = Vec::new();
        Padding::new(1, [2, 2], [0, 0], [1, 1]).unwrap().around(&[1.; 4], &mut scratch);
        assert!(scratch.is_empty());
    }
}
