//! What nodes without memory compute. Inputs are mostly spikes, so that zeros are passed over.

use crate::shapes::padding;
use crate::{Array, Conv, Pool};

/// `weight · x + bias` on the last axis.
pub(super) fn affine(weight: &Array, bias: Option<&Array>, x: &[f64]) -> Vec<f64> {
    let [out, input] = [weight.shape()[0], weight.shape()[1]];
    let mut result = Vec::with_capacity(x.len() / input * out);
    for row in x.chunks_exact(input) {
        let heard: Vec<(usize, f64)> = row.iter().copied().enumerate().filter(|(_, x)| *x != 0.0).collect();
        for o in 0..out {
            let weights = &weight.data()[o * input..][..input];
            let start = bias.map_or(0.0, |bias| bias.data()[o]);
            result.push(heard.iter().fold(start, |sum, &(i, x)| sum + weights[i] * x));
        }
    }
    result
}

/// A window of taps over a map, in two axes; one-dimensional maps have height 1.
struct Sliding {
    extents: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    before: [usize; 2],
    result: [usize; 2],
}

impl Sliding {
    /// Calls `f` with tap and position of the result for each that reads the value at `(y, x)`.
    fn each(&self, y: usize, x: usize, mut f: impl FnMut(usize, usize)) {
        let along = |axis: usize, at: usize, tap: usize| {
            let from = (at + self.before[axis]).checked_sub(tap * self.dilation[axis])?;
            let to = from / self.stride[axis];
            (from.is_multiple_of(self.stride[axis]) && to < self.result[axis]).then_some(to)
        };
        for ty in 0..self.kernel[0] {
            let Some(oy) = along(0, y, ty) else { continue };
            for tx in 0..self.kernel[1] {
                if let Some(ox) = along(1, x, tx) {
                    f(ty * self.kernel[1] + tx, oy * self.result[1] + ox);
                }
            }
        }
    }
}

/// One or two extents as two.
fn two(of: &[usize], default: usize) -> [usize; 2] {
    match of {
        &[only] => [default, only],
        of => [of[0], of[1]],
    }
}

/// Convolution of `[channels, extents…]`; `shape` is the input's, `result` the result's.
pub(super) fn convolve(conv: &Conv, x: &[f64], shape: &[usize], result: &[usize]) -> Vec<f64> {
    let weight = conv.weight.shape();
    let (out, reads) = (weight[0], weight[1]);
    let before: Vec<usize> = padding(conv).into_iter().map(|(before, _)| before).collect();
    let window = Sliding {
        extents: two(&shape[1..], 1),
        kernel: two(&weight[2..], 1),
        stride: two(&conv.stride, 1),
        dilation: two(&conv.dilation, 1),
        before: two(&before, 0),
        result: two(&result[1..], 1),
    };
    let (plane, map) = (window.result[0] * window.result[1], window.extents[0] * window.extents[1]);
    let taps = window.kernel[0] * window.kernel[1];
    let mut sums: Vec<f64> = conv.bias.data().iter().flat_map(|&bias| std::iter::repeat_n(bias, plane)).collect();
    let each = out / conv.groups;
    for (at, &value) in x.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        let (channel, place) = (at / map, at % map);
        let (group, within) = (channel / reads, channel % reads);
        window.each(place / window.extents[1], place % window.extents[1], |tap, to| {
            for o in group * each..(group + 1) * each {
                sums[o * plane + to] += conv.weight.data()[(o * reads + within) * taps + tap] * value;
            }
        });
    }
    sums
}

/// Sums over windows of `[channels, height, width]`.
pub(super) fn sum_pool(pool: &Pool, x: &[f64], shape: &[usize], result: &[usize]) -> Vec<f64> {
    let window = Sliding {
        extents: two(&shape[1..], 1),
        kernel: pool.kernel,
        stride: pool.stride,
        dilation: [1, 1],
        before: pool.padding,
        result: two(&result[1..], 1),
    };
    let (plane, map) = (window.result[0] * window.result[1], window.extents[0] * window.extents[1]);
    let mut sums = vec![0.0; result[0] * plane];
    for (at, &value) in x.iter().enumerate().filter(|(_, value)| **value != 0.0) {
        let (channel, place) = (at / map, at % map);
        window.each(place / window.extents[1], place % window.extents[1], |_, to| sums[channel * plane + to] += value);
    }
    sums
}
