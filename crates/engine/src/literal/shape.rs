//! Walking over shapes.

use spikeconverter_graph::volume;

/// All multi-indices of a shape, in row-major order.
pub(crate) fn indices(shape: &[usize]) -> impl Iterator<Item = Vec<usize>> {
    (0..volume(shape)).map(|position| multi_index(shape, position))
}

/// The multi-index of the element at `position` in row-major order.
pub(crate) fn multi_index(shape: &[usize], mut position: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        index[axis] = position % shape[axis];
        position /= shape[axis];
    }
    index
}

/// Position in row-major order of the element with this multi-index.
pub(crate) fn position(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |position, (&extent, &i)| position * extent + i)
}

/// Position of the element that a multi-index of the larger shape reads when `shape` is broadcast to it: axes are
/// aligned at the right, and an axis of extent 1 repeats.
pub(crate) fn broadcast_position(shape: &[usize], index: &[usize]) -> usize {
    let aligned = &index[index.len() - shape.len()..];
    shape.iter().zip(aligned).fold(0, |position, (&extent, &i)| position * extent + if extent == 1 { 0 } else { i })
}

/// Position of the element that all elements of the index's group share when `axes` are reduced away.
pub(crate) fn reduced_position(axes: &[usize], shape: &[usize], index: &[usize]) -> usize {
    (0..shape.len()).filter(|axis| !axes.contains(axis)).fold(0, |position, axis| position * shape[axis] + index[axis])
}

/// Spatial extents as height and width; a sequence has height 1.
pub(crate) fn plane(spatial: &[usize], missing: usize) -> [usize; 2] {
    match *spatial {
        [w] => [missing, w],
        [h, w] => [h, w],
        _ => unreachable!("windows have one or two axes, by their shape rule"),
    }
}

/// A window over a plane, as signed numbers: what `Window` holds, with a height of 1 for sequences.
pub(crate) struct Taps {
    /// Taps a axis.
    pub(crate) kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
}

impl Taps {
    /// The window, over a plane.
    pub(crate) fn new(window: &spikeconverter_graph::ops::Window) -> Self {
        Self {
            kernel: plane(&window.kernel, 1),
            stride: plane(&window.stride, 1),
            dilation: plane(&window.dilation, 1),
            pad: plane(&window.pad_begin, 0),
        }
    }

    /// The element on `axis` that tap `tap` of the window at `at` reads, if it lies within `extent`.
    pub(crate) fn read(&self, axis: usize, at: usize, tap: usize, extent: usize) -> Option<usize> {
        let padded = at * self.stride[axis] + tap * self.dilation[axis];
        padded.checked_sub(self.pad[axis]).filter(|&i| i < extent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_and_indices_are_inverse() {
        assert_eq!(indices(&[2, 2]).collect::<Vec<_>>(), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(position(&[2, 3], &[1, 2]), 5);
        assert_eq!(multi_index(&[2, 3], 5), [1, 2]);
        assert_eq!(broadcast_position(&[3, 1], &[7, 2, 4]), 2);
        assert_eq!(indices(&[]).count(), 1);
    }
}
