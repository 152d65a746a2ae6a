//! Maps with their channels last and a halo of zeros around them, which padded convolutions read; and what convolutions
//! are apart from their weights.

use spikeconverter_graph::ops::{Conv, Linear};
use spikeconverter_graph::volume;

use crate::kernels::phase::plane;

/// One map of one sample: an element for each stored channel of each position, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) channels: usize,
    /// Elements of a position: channels and what fills them up.
    pub(crate) stored: usize,
    /// Height and width, without the halo.
    pub(crate) extents: [usize; 2],
    /// Rows above and columns to the left that hold zeros.
    pub(crate) before: [usize; 2],
    /// Rows below and columns to the right.
    pub(crate) after: [usize; 2],
}

impl Layout {
    /// Of a value of this shape: channels first, then at most two spatial axes (more are taken as one). Channels are filled
    /// up to a multiple of `lanes`.
    pub(crate) fn with_lanes(shape: &[usize], lanes: usize, before: [usize; 2], after: [usize; 2]) -> Self {
        let channels = shape.first().copied().unwrap_or(1);
        let stored = channels.next_multiple_of(lanes);
        let extents = match *shape {
            [_, y, x] => [y, x],
            [] => [1, 1],
            [_, ref rest @ ..] => [1, volume(rest)],
        };
        Self { channels, stored, extents, before, after }
    }

    /// Whether a map is of a size that a network may have (2^30 elements): padding can make any map large.
    pub(crate) fn is_bounded(&self) -> bool {
        let sides = [0, 1].map(|a| self.extents[a].saturating_add(self.before[a]).saturating_add(self.after[a]));
        let volume = sides[0].checked_mul(sides[1]).and_then(|n| n.checked_mul(self.stored));
        volume.is_some_and(|elements| elements <= 1 << 30)
    }

    /// Elements of a row.
    pub(crate) fn row(&self) -> usize {
        (self.before[1] + self.extents[1] + self.after[1]) * self.stored
    }

    /// Elements of the map.
    pub(crate) fn volume(&self) -> usize {
        (self.before[0] + self.extents[0] + self.after[0]) * self.row()
    }

    /// Where the channels of a position begin.
    pub(crate) fn at(&self, y: usize, x: usize) -> usize {
        (self.before[0] + y) * self.row() + (self.before[1] + x) * self.stored
    }

    /// Positions without the halo.
    pub(crate) fn positions(&self) -> usize {
        self.extents[0] * self.extents[1]
    }

    /// Sets the halo of a map to zero. What fills up channels is written with them.
    pub(crate) fn clear_halo<T: Clone + Default>(&self, map: &mut [T]) {
        let row = self.row();
        let [top, left] = self.before;
        let inner = self.extents[1] * self.stored;
        map[..top * row].fill(T::default());
        map[(top + self.extents[0]) * row..].fill(T::default());
        let left = left * self.stored;
        if left + inner < row || left > 0 {
            for row in map[top * row..][..self.extents[0] * row].chunks_exact_mut(row) {
                row[..left].fill(T::default());
                row[left + inner..].fill(T::default());
            }
        }
    }
}

/// What the weights are, apart from the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) kernel: [usize; 2],
    pub(crate) stride: [usize; 2],
    pub(crate) dilation: [usize; 2],
    pub(crate) before: [usize; 2],
    pub(crate) groups: usize,
    /// Channels of the input and of the result.
    pub(crate) channels: [usize; 2],
    pub(crate) output: [usize; 2],
}

impl Geometry {
    /// That of a convolution of an input of this shape.
    pub(crate) fn conv(op: &Conv, input: &[usize], output: &[usize]) -> Self {
        let [kernel, stride, dilation, before] = plane::window(&op.window);
        let channels = [input[0], output[0]];
        Self { kernel, stride, dilation, before, groups: op.groups, channels, output: plane::extents(output) }
    }

    /// That of a linear layer on a vector.
    pub(crate) fn linear(op: &Linear) -> Self {
        let channels = [op.weight.shape()[1], op.weight.shape()[0]];
        let one = [1; 2];
        Self { kernel: one, stride: one, dilation: one, before: [0; 2], groups: 1, channels, output: one }
    }

    /// Rows and columns beyond the input's last that are read, for each axis.
    pub(crate) fn after(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|a| {
            let last = (self.output[a] - 1).saturating_mul(self.stride[a]);
            let read = last.saturating_add((self.kernel[a] - 1).saturating_mul(self.dilation[a])).saturating_add(1);
            read.saturating_sub(self.before[a].saturating_add(input[a]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_halo_surrounds_the_map() {
        let layout = Layout::with_lanes(&[3, 2, 2], 4, [1, 1], [0, 2]);
        assert_eq!((layout.stored, layout.row(), layout.volume()), (4, 20, 60));
        let mut map = vec![7; 60];
        layout.clear_halo(&mut map);
        let inside: Vec<usize> = map.iter().enumerate().filter(|(_, x)| **x == 7).map(|(i, _)| i / 4).collect();
        assert_eq!(inside, [6, 6, 6, 6, 7, 7, 7, 7, 11, 11, 11, 11, 12, 12, 12, 12]);
        assert_eq!(layout.at(1, 1), 12 * 4);
    }

    #[test]
    fn padding_is_bounded() {
        let bounded = |shape: &[usize], before| Layout::with_lanes(shape, 16, before, [1, 1]).is_bounded();
        assert!(bounded(&[3, 224, 224], [3, 3]));
        assert!(!bounded(&[3, 2, 2], [usize::MAX, 1]));
        assert!(!bounded(&[3, 2, 2], [1 << 20, 1 << 20]));
    }
}
