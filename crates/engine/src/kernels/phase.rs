//! One axis of a convolution, as what each element of the result reads of the padded input.
//!
//! All elements of a convolution's result read alike. Those of a transposed convolution with stride `s` fall into `s`
//! phases, each of which is a convolution with some of the taps.

/// Elements of the result that read with the same taps.
#[derive(Debug, Clone)]
pub(super) struct Phase {
    pub(super) taps: Vec<Tap>,
    pub(super) places: Vec<Place>,
}

/// A tap and what it reads, relative to the place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) tap: usize,
    pub(super) offset: usize,
}

/// Where an element reads in the padded input, and where it stands in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) read: usize,
    pub(super) write: usize,
}

impl Phase {
    /// The one phase of a convolution.
    pub(super) fn forward(kernel: usize, stride: usize, dilation: usize, windows: usize) -> Self {
        Self {
            taps: (0..kernel).map(|tap| Tap { tap, offset: tap * dilation }).collect(),
            places: (0..windows).map(|at| Place { read: at * stride, write: at }).collect(),
        }
    }

    /// The phases of a transposed convolution that have taps, and how much padding they want before the input.
    ///
    /// Tap `k` of input element `i` lands on `i · stride + k · dilation − cut`. So element `p + stride · t` of the
    /// result, with phase `p`, reads input element `t + (p + cut − k · dilation) / stride` through each tap for which
    /// the division leaves no remainder.
    pub(super) fn backward(
        kernel: usize,
        stride: usize,
        dilation: usize,
        cut: usize,
        extent: usize,
    ) -> (Vec<Self>, usize) {
        let shift = |phase: usize, tap: usize| {
            let distance = (phase + cut) as i64 - (tap * dilation) as i64;
            (distance % stride as i64 == 0).then_some(distance / stride as i64)
        };
        let phases = 0..stride.min(extent);
        let shifts: Vec<(usize, Vec<(usize, i64)>)> = phases
            .map(|phase| (phase, (0..kernel).filter_map(|tap| Some((tap, shift(phase, tap)?))).collect()))
            .filter(|(_, taps): &(usize, Vec<_>)| !taps.is_empty())
            .collect();
        let lowest = shifts.iter().flat_map(|(_, taps)| taps).map(|&(_, shift)| shift).min().unwrap_or(0);
        let before = (-lowest).max(0);
        let phases = shifts.into_iter().map(|(phase, taps)| Self {
            taps: taps.into_iter().map(|(tap, shift)| Tap { tap, offset: (shift + before) as usize }).collect(),
            places: (phase..extent).step_by(stride).enumerate().map(|(read, write)| Place { read, write }).collect(),
        });
        (phases.collect(), before as usize)
    }

    /// Extent of the padded input up to the last element that is read.
    pub(super) fn reach(&self) -> usize {
        let offset = self.taps.iter().map(|tap| tap.offset).max().unwrap_or(0);
        let read = self.places.iter().map(|place| place.read).max().unwrap_or(0);
        read + offset + 1
    }
}

/// Windows and shapes as planes; a sequence is a plane of height 1.
pub(crate) mod plane {
    use spikeconverter_graph::ops::Window;

    /// Kernel, stride, dilation and padding before, each for both axes.
    pub(crate) fn window(window: &Window) -> [[usize; 2]; 4] {
        let both = |axes: &[usize], missing: usize| match *axes {
            [y, x] => [y, x],
            [x] => [missing, x],
            _ => [missing; 2],
        };
        [both(&window.kernel, 1), both(&window.stride, 1), both(&window.dilation, 1), both(&window.pad_begin, 0)]
    }

    /// Height and width of a shape with channels.
    pub(crate) fn extents(shape: &[usize]) -> [usize; 2] {
        match *shape {
            [_, y, x] => [y, x],
            [_, x] => [1, x],
            _ => [1; 2],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_convolution_has_a_phase_a_stride() {
        // Result of 2 inputs, kernel 3, stride 2, one cut off before: elements 0 ‥ 3 are full positions 1 ‥ 4.
        let (phases, before) = Phase::backward(3, 2, 1, 1, 4);
        assert_eq!(before, 0);
        // Even elements (full position 2 t + 1) read input t through tap 1.
        assert_eq!(phases[0].taps, [Tap { tap: 1, offset: 0 }]);
        assert_eq!(phases[0].places, [Place { read: 0, write: 0 }, Place { read: 1, write: 2 }]);
        // Odd ones (full position 2 t + 2) read input t + 1 through tap 0 and input t through tap 2.
        assert_eq!(phases[1].taps, [Tap { tap: 0, offset: 1 }, Tap { tap: 2, offset: 0 }]);
        assert_eq!(phases[1].reach(), 3);
    }

    #[test]
    fn phases_without_taps_are_left_out() {
        let (phases, _) = Phase::backward(1, 1 << 20, 1, 0, (1 << 20) + 1);
        assert_eq!(phases.len(), 1);
    }
}
