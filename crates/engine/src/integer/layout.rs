//! How spike codes lie in memory: bytes, channels last, with a halo of zeros that padded convolutions read.

pub(super) use crate::channels_last::Layout;

/// Channels of a map are stored in multiples of this, so that a vector of them is written at once.
pub(super) const LANES: usize = 16;

/// The byte planes that a signed or wide code is divided into: `code = Σ_b 256^b (positive_b − negative_b)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Planes {
    /// Bytes of a magnitude, 1 or 2.
    pub(super) bytes: usize,
    /// Whether negative codes occur, whose magnitudes have planes of their own.
    pub(super) signed: bool,
}

impl Planes {
    /// Number of planes: first the positive bytes, least significant first, then the negative.
    pub(super) fn count(self) -> usize {
        self.bytes * if self.signed { 2 } else { 1 }
    }

    /// What one unit of a plane counts.
    pub(super) fn weight(self, plane: usize) -> i64 {
        let magnitude = 1 << (8 * (plane % self.bytes));
        if plane < self.bytes { magnitude } else { -magnitude }
    }

    /// Planes that hold the codes of both.
    pub(super) fn union(self, other: Self) -> Self {
        Self { bytes: self.bytes.max(other.bytes), signed: self.signed || other.signed }
    }

    /// Largest magnitude.
    pub(super) fn largest(self) -> i64 {
        (1 << (8 * self.bytes)) - 1
    }
}

impl Layout {
    /// Of the codes of this shape.
    pub(super) fn new(shape: &[usize], before: [usize; 2], after: [usize; 2]) -> Self {
        Self::with_lanes(shape, LANES, before, after)
    }

    /// The same with as few bytes a position as are multiplied at once: for the three channels of an image.
    pub(super) fn narrow(self) -> Self {
        Self { stored: self.channels.next_multiple_of(4), ..self }
    }

    /// Bytes of a plane.
    pub(super) fn bytes(&self) -> usize {
        self.volume()
    }

    /// Writes a code into the planes of a sample, at an element in the order of the shape.
    pub(super) fn put(&self, planes: Planes, element: usize, code: i64, codes: &mut [u8]) {
        let (channel, at) = (element / self.positions(), element % self.positions());
        let to = self.at(at / self.extents[1], at % self.extents[1]) + channel;
        for plane in 0..planes.count() {
            let magnitude = if plane < planes.bytes { code.max(0) } else { (-code).max(0) };
            codes[plane * self.bytes() + to] = (magnitude >> (8 * (plane % planes.bytes))) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_weigh() {
        let planes = Planes { bytes: 2, signed: true };
        assert_eq!((0..4).map(|p| planes.weight(p)).collect::<Vec<_>>(), [1, 256, -1, -256]);
    }
}
