//! Windows over a plane, prepared for loops without a test in the middle.

use std::ops::Range;

use spikeconverter_graph::ops::Window;

/// One spatial axis of a window operation.
#[derive(Debug, Clone)]
pub(super) struct Axis {
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Padding before the first element.
    pub(super) pad: usize,
    /// Extent of what the taps read.
    pub(super) input: usize,
    /// Number of windows.
    pub(super) windows: usize,
}

impl Axis {
    /// The taps of window `at` that lie within the input, as a range.
    pub(super) fn taps(&self, at: usize) -> Range<usize> {
        let start = at * self.stride;
        let first = self.pad.saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        let end = (self.pad + self.input).saturating_sub(start).div_ceil(self.dilation).min(self.kernel);
        first..end.max(first)
    }

    /// What tap `tap` of window `at` reads; only for a tap of [`Axis::taps`].
    pub(super) fn read(&self, at: usize, tap: usize) -> usize {
        at * self.stride + tap * self.dilation - self.pad
    }

    /// The windows whose tap `tap` lies within the input, as a range.
    pub(super) fn windows_with(&self, tap: usize) -> Range<usize> {
        let offset = tap * self.dilation;
        let first = self.pad.saturating_sub(offset).div_ceil(self.stride).min(self.windows);
        let end = (self.pad + self.input).saturating_sub(offset).div_ceil(self.stride).min(self.windows);
        first..end.max(first)
    }
}

/// The axes of a window operation over a plane; a sequence is a plane of height 1.
#[derive(Debug, Clone)]
pub(super) struct Plane {
    pub(super) y: Axis,
    pub(super) x: Axis,
}

impl Plane {
    /// The window's axes. `input` and `windows` are the spatial extents of what is read and of what is given; for a
    /// transposed convolution they change places.
    pub(super) fn new(window: &Window, input: &[usize], windows: &[usize]) -> Self {
        let axis = |i: usize| Axis {
            kernel: window.kernel[i],
            stride: window.stride[i],
            dilation: window.dilation[i],
            pad: window.pad_begin[i],
            input: input[i],
            windows: windows[i],
        };
        match window.rank() {
            1 => Self { y: Axis { kernel: 1, stride: 1, dilation: 1, pad: 0, input: 1, windows: 1 }, x: axis(0) },
            _ => Self { y: axis(0), x: axis(1) },
        }
    }

    /// Number of elements that are read, per channel.
    pub(super) fn input(&self) -> usize {
        self.y.input * self.x.input
    }

    /// Number of windows.
    pub(super) fn windows(&self) -> usize {
        self.y.windows * self.x.windows
    }

    /// Number of taps.
    pub(super) fn taps(&self) -> usize {
        self.y.kernel * self.x.kernel
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_agree_with_the_definition() {
        for (kernel, stride, dilation, pad, input, windows) in
            [(3, 1, 1, 1, 5, 5), (3, 2, 1, 1, 6, 3), (2, 1, 3, 3, 1, 4), (4, 3, 2, 2, 7, 4), (1, 2, 1, 0, 5, 3)]
        {
            let axis = Axis { kernel, stride, dilation, pad, input, windows };
            let inside = |at: usize, tap: usize| {
                let position = at * stride + tap * dilation;
                position >= pad && position < pad + input
            };
            for at in 0..windows {
                for tap in 0..kernel {
                    assert_eq!(axis.taps(at).contains(&tap), inside(at, tap), "{axis:?} {at} {tap}");
                    assert_eq!(axis.windows_with(tap).contains(&at), inside(at, tap), "{axis:?} {at} {tap}");
                }
            }
        }
    }
}
