//! Convolutions as NIR files can have them.

use spikeconverter_graph::ops::Window;
use spikeconverter_nir::{Array, Conv, Padding};

/// Weights `[out, in, kernel…]` without groups.
pub(super) struct Dense {
    pub(super) out: usize,
    pub(super) input: usize,
    pub(super) weight: Vec<f64>,
    pub(super) bias: Vec<f64>,
    pub(super) window: Window,
}

impl Dense {
    /// One weight a channel, from it to itself.
    pub(super) fn diagonal(factors: &[f64], bias: Vec<f64>, axes: usize) -> Self {
        let channels = factors.len();
        let mut weight = vec![0.0; channels * channels];
        for (channel, &factor) in factors.iter().enumerate() {
            weight[channel * (channels + 1)] = factor;
        }
        Self { out: channels, input: channels, weight, bias, window: Window::new(vec![1; axes]) }
    }

    /// The node over spatial extents `spatial`, where the result's are `result`: kernel square, padding the same on both
    /// sides. Zeros around the kernel make both.
    pub(super) fn node(self, spatial: &[usize], result: &[usize]) -> Result<Conv, String> {
        let Placed { kernel, padding, offset, stride } = symmetric(&self.window, spatial, result).ok_or(
            "its padding is not one that NIR's convolutions have, nor can zeros around its kernel make it one",
        )?;
        let axes = spatial.len();
        let taps: usize = self.window.kernel.iter().product();
        let larger = kernel.pow(axes as u32);
        let mut weight = vec![0.0; self.out * self.input * larger];
        for (to, from) in weight.chunks_exact_mut(larger).zip(self.weight.chunks_exact(taps)) {
            for (tap, &value) in from.iter().enumerate() {
                let place = match self.window.kernel.as_slice() {
                    &[_] => tap + offset[0],
                    kernels => (tap / kernels[1] + offset[0]) * kernel + tap % kernels[1] + offset[1],
                };
                to[place] = value;
            }
        }
        let shape = [vec![self.out, self.input], vec![kernel; axes]].concat();
        Ok(Conv {
            input: Some(spatial.to_vec()),
            weight: single(shape, &weight),
            stride,
            padding: Padding::Both(padding),
            dilation: self.window.dilation.clone(),
            groups: 1,
            bias: single(vec![self.out], &self.bias),
        })
    }
}

/// An array whose shape is known to fit.
pub(super) fn single(shape: Vec<usize>, data: &[f64]) -> Array {
    let data: Vec<f32> = data.iter().map(|&x| x as f32).collect();
    Array::single(shape, &data).unwrap_or_else(|| unreachable!("the shape is that of the data"))
}

/// How the same positions are read with a square kernel and padding on both sides.
#[derive(Debug, PartialEq, Eq)]
struct Placed {
    kernel: usize,
    padding: Vec<usize>,
    /// Where the original kernel lies in it.
    offset: Vec<usize>,
    stride: Vec<usize>,
}

fn symmetric(window: &Window, spatial: &[usize], result: &[usize]) -> Option<Placed> {
    let smallest = window.kernel.iter().copied().max()?;
    (smallest..=2 * smallest + 8).find_map(|kernel| {
        let mut placed = Placed { kernel, padding: Vec::new(), offset: Vec::new(), stride: Vec::new() };
        for axis in 0..spatial.len() {
            let reach = (kernel - 1) * window.dilation[axis] + 1;
            // where there is one position only, how far the next is does not matter
            let stride = if result[axis] == 1 { window.stride[axis].max(reach) } else { window.stride[axis] };
            let (padding, offset) = (0..=kernel - window.kernel[axis]).find_map(|offset| {
                let padding = window.pad_begin[axis] + offset * window.dilation[axis];
                let span = (spatial[axis] + 2 * padding).checked_sub(reach)?;
                (span / stride + 1 == result[axis]).then_some((padding, offset))
            })?;
            placed.padding.push(padding);
            placed.offset.push(offset);
            placed.stride.push(stride);
        }
        Some(placed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(kernel: [usize; 2], begin: [usize; 2], end: [usize; 2]) -> Window {
        let mut window = Window::new(kernel.to_vec());
        (window.pad_begin, window.pad_end) = (begin.to_vec(), end.to_vec());
        window
    }

    fn placed(kernel: usize, padding: [usize; 2], offset: [usize; 2], stride: [usize; 2]) -> Placed {
        Placed { kernel, padding: padding.to_vec(), offset: offset.to_vec(), stride: stride.to_vec() }
    }

    /// All of 4×5 at once: 5×5 with a row of padding, and no room for a second position.
    #[test]
    fn one_position_stays_one() {
        let found = symmetric(&Window::new(vec![4, 5]), &[4, 5], &[1, 1]);
        assert_eq!(found, Some(placed(5, [1, 0], [1, 0], [5, 5])));
    }

    #[test]
    fn what_is_symmetric_and_square_stays() {
        let window = Window::new(vec![3, 3]).padded(1).strided(2);
        assert_eq!(symmetric(&window, &[8, 8], &[4, 4]), Some(placed(3, [1, 1], [0, 0], [2, 2])));
    }

    /// A 1×3 kernel on 4×6 becomes 3×3: a row of zeros above and below, which reads one row of padding.
    #[test]
    fn zeros_make_it_square() {
        let found = symmetric(&window([1, 3], [0, 0], [0, 0]), &[4, 6], &[4, 4]);
        assert_eq!(found, Some(placed(3, [1, 0], [1, 0], [1, 1])));
    }

    /// Padding at the end alone: 2×2 on 4×4 gives 4×4 as 3×3 with padding 1 in front.
    #[test]
    fn zeros_make_padding_symmetric() {
        let found = symmetric(&window([2, 2], [0, 0], [1, 1]), &[4, 4], &[4, 4]);
        assert_eq!(found, Some(placed(3, [1, 1], [1, 1], [1, 1])));
    }
}
