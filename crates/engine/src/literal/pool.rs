//! Maxima and means.

use spikeconverter_graph::ops::{AvgPool, MaxPool, Mean, Window};
use spikeconverter_graph::volume;

use super::shape::{Taps, indices, plane, reduced_position};

/// The largest element of each window; padding never wins, NaN always does.
pub(super) fn max(op: &MaxPool, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    pool(&op.window, shape, out, |elements, _| {
        let mut best = f64::NEG_INFINITY;
        for &element in elements {
            if x[element] > best || x[element].is_nan() {
                best = x[element];
            }
        }
        best
    })
}

/// The sum of each window over the number of elements that the window counts.
pub(super) fn average(op: &AvgPool, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    pool(&op.window, shape, out, |elements, at| {
        let sum: f64 = elements.iter().map(|&element| x[element]).sum();
        sum / f64::from(op.divisor(at, &shape[1..]))
    })
}

/// Calls `reduce` with the positions of the elements in each window, and the window's own spatial index.
fn pool(window: &Window, shape: &[usize], out: &[usize], reduce: impl Fn(&[usize], &[usize]) -> f64) -> Vec<f64> {
    let mut y = Vec::new();
    for index in indices(out) {
        y.push(reduce(&elements(window, shape, &index), &index[1..]));
    }
    y
}

/// Positions of the elements in the window at `index` (channel, then spatial axes) of the result.
pub(crate) fn elements(window: &Window, shape: &[usize], index: &[usize]) -> Vec<usize> {
    let taps = Taps::new(window);
    let [h, w] = plane(&shape[1..], 1);
    let [oy, ox] = plane(&index[1..], 0);
    let mut elements = Vec::new();
    for ky in 0..taps.kernel[0] {
        for kx in 0..taps.kernel[1] {
            if let (Some(iy), Some(ix)) = (taps.read(0, oy, ky, h), taps.read(1, ox, kx, w)) {
                elements.push((index[0] * h + iy) * w + ix);
            }
        }
    }
    elements
}

/// The mean over whole axes.
pub(super) fn mean(op: &Mean, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    let mut y = vec![0.0; volume(out)];
    for (index, &x) in indices(shape).zip(x) {
        y[reduced_position(&op.axes, shape, &index)] += x;
    }
    let count = volume(shape) / volume(out);
    y.iter().map(|sum| sum / count as f64).collect()
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;

    use super::*;
    use crate::literal::apply;

    #[test]
    fn padding_never_wins() {
        let op = Op::MaxPool(MaxPool { window: Window::new(vec![2]).padded(1).strided(2), ceil: false });
        assert_eq!(apply(&op, &[(&[1, 3], &[-5., -7., -6.])], true).unwrap(), [-5., -6.]);
    }

    #[test]
    fn averages_count_padding_only_if_asked() {
        let mut pool =
            AvgPool { window: Window::new(vec![2]).padded(1).strided(2), ceil: false, count_include_pad: false };
        let x = [4., 6., 8.];
        assert_eq!(apply(&Op::AvgPool(pool.clone()), &[(&[1, 3], &x)], true).unwrap(), [4., 7.]);
        pool.count_include_pad = true;
        assert_eq!(apply(&Op::AvgPool(pool), &[(&[1, 3], &x)], true).unwrap(), [2., 7.]);
    }

    #[test]
    fn pools_work_on_planes() {
        let x: Vec<f64> = (0..18).map(f64::from).collect();
        let op = Op::MaxPool(MaxPool { window: Window::new(vec![2, 2]), ceil: false });
        assert_eq!(apply(&op, &[(&[2, 3, 3], &x)], true).unwrap(), [4., 5., 7., 8., 13., 14., 16., 17.]);
    }

    #[test]
    fn means_over_axes() {
        let x = [1., 2., 3., 4., 5., 9.];
        let run = |axes, keep| apply(&Op::Mean(Mean { axes, keep }), &[(&[2, 3], &x)], true).unwrap();
        assert_eq!(run(vec![1], false), [2., 6.]);
        assert_eq!(run(vec![0], true), [2.5, 3.5, 6.]);
        assert_eq!(run(vec![0, 1], false), [4.]);
    }
}
