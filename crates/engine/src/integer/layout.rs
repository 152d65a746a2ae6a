//! How spike codes lie in memory: bytes, channels last, with a halo of zeros that padded convolutions read.

use spikeconverter_graph::volume;

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

/// One plane of one sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) channels: usize,
    /// Bytes of a position: channels and what fills them up.
    pub(super) stored: usize,
    /// Height and width, without the halo.
    pub(super) extents: [usize; 2],
    /// Rows above and columns to the left that hold zeros.
    pub(super) before: [usize; 2],
    /// Rows below and columns to the right.
    pub(super) after: [usize; 2],
}

impl Layout {
    /// Of a value of this shape: channels first, then at most two spatial axes (more are taken as one).
    pub(super) fn new(shape: &[usize], before: [usize; 2], after: [usize; 2]) -> Self {
        let channels = shape.first().copied().unwrap_or(1);
        let stored = channels.next_multiple_of(LANES);
        let extents = match *shape {
            [_, y, x] => [y, x],
            [] => [1, 1],
            [_, ref rest @ ..] => [1, volume(rest)],
        };
        Self { channels, stored, extents, before, after }
    }

    /// The same with as few bytes a position as are multiplied at once: for the three channels of an image.
    pub(super) fn narrow(self) -> Self {
        Self { stored: self.channels.next_multiple_of(4), ..self }
    }

    /// Whether a plane is of a size that a network may have (1 GiB): padding can make any map large.
    pub(super) fn is_bounded(&self) -> bool {
        let sides = [0, 1].map(|a| self.extents[a].saturating_add(self.before[a]).saturating_add(self.after[a]));
        let volume = sides[0].checked_mul(sides[1]).and_then(|n| n.checked_mul(self.stored));
        volume.is_some_and(|bytes| bytes <= 1 << 30)
    }

    /// Bytes of a row.
    pub(super) fn row(&self) -> usize {
        (self.before[1] + self.extents[1] + self.after[1]) * self.stored
    }

    /// Bytes of the plane.
    pub(super) fn bytes(&self) -> usize {
        (self.before[0] + self.extents[0] + self.after[0]) * self.row()
    }

    /// Where the channels of a position begin.
    pub(super) fn at(&self, y: usize, x: usize) -> usize {
        (self.before[0] + y) * self.row() + (self.before[1] + x) * self.stored
    }

    /// Positions without the halo.
    pub(super) fn positions(&self) -> usize {
        self.extents[0] * self.extents[1]
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

    /// Sets the halo of a plane to zero. What fills up channels is written with them.
    pub(super) fn clear_halo(&self, plane: &mut [u8]) {
        let row = self.row();
        let [top, left] = self.before;
        let inner = self.extents[1] * self.stored;
        plane[..top * row].fill(0);
        plane[(top + self.extents[0]) * row..].fill(0);
        let left = left * self.stored;
        if left + inner < row || left > 0 {
            for row in plane[top * row..][..self.extents[0] * row].chunks_exact_mut(row) {
                row[..left].fill(0);
                row[left + inner..].fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halo_surrounds_the_map() {
        let layout = Layout::new(&[3, 2, 2], [1, 1], [0, 2]).narrow();
        assert_eq!((layout.stored, layout.row(), layout.bytes()), (4, 20, 60));
        let mut plane = vec![7; 60];
        layout.clear_halo(&mut plane);
        let inside: Vec<usize> = plane.iter().enumerate().filter(|(_, x)| **x == 7).map(|(i, _)| i / 4).collect();
        assert_eq!(inside, [6, 6, 6, 6, 7, 7, 7, 7, 11, 11, 11, 11, 12, 12, 12, 12]);
        assert_eq!(layout.at(1, 1), 12 * 4);
    }

    #[test]
    fn padding_is_bounded() {
        assert!(Layout::new(&[3, 224, 224], [3, 3], [3, 3]).is_bounded());
        assert!(!Layout::new(&[3, 2, 2], [usize::MAX, 1], [1, 1]).is_bounded());
        assert!(!Layout::new(&[3, 2, 2], [1 << 20, 1 << 20], [0, 0]).is_bounded());
    }

    #[test]
    fn planes_weigh() {
        let planes = Planes { bytes: 2, signed: true };
        assert_eq!((0..4).map(|p| planes.weight(p)).collect::<Vec<_>>(), [1, 256, -1, -256]);
    }
}
