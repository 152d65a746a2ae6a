//! Operations of the read-out.

use spikeconverter_graph::ops::{ArgMax, Softmax};
use spikeconverter_graph::volume;

use super::shape::{indices, position, reduced_position};

/// `exp(x) / Σ exp(x)` over the elements that share all other axes, or its logarithm. The maximum is subtracted first.
pub(super) fn softmax(op: &Softmax, shape: &[usize], x: &[f64]) -> Vec<f64> {
    let mut largest = vec![f64::NEG_INFINITY; volume(shape)];
    for (index, &x) in indices(shape).zip(x) {
        let group = reduced_position(&op.axes, shape, &index);
        largest[group] = f64::max(largest[group], x);
    }
    let mut sum = vec![0.0; volume(shape)];
    for (index, &x) in indices(shape).zip(x) {
        let group = reduced_position(&op.axes, shape, &index);
        sum[group] += (x - largest[group]).exp();
    }
    let mut y = Vec::new();
    for (index, &x) in indices(shape).zip(x) {
        let group = reduced_position(&op.axes, shape, &index);
        let relative = x - largest[group];
        y.push(if op.log { relative - sum[group].ln() } else { relative.exp() / sum[group] });
    }
    y
}

/// `1 / (1 + exp(−x))`.
pub(super) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Index of the largest element along the axis; of several, the first or the last as asked. NaN never wins.
pub(super) fn argmax(op: &ArgMax, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    let mut kept = shape.to_vec();
    kept[op.axis] = 1;
    let mut y = vec![0.0; volume(out)];
    for (y, mut index) in y.iter_mut().zip(indices(&kept)) {
        let mut best = f64::NEG_INFINITY;
        for at in 0..shape[op.axis] {
            index[op.axis] = at;
            let x = x[position(shape, &index)];
            if x > best || (x == best && op.select_last) {
                best = x;
                *y = at as f64;
            }
        }
    }
    y
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;

    use super::*;
    use crate::literal::apply;

    #[test]
    fn softmax_normalises_the_axes_together() {
        let x = [0., 3f64.ln(), 1000., 1000.];
        let run = |axes, log| apply(&Op::Softmax(Softmax { axes, log }), &[(&[2, 2], &x)], true).unwrap();
        for (y, expected) in run(vec![1], false).iter().zip([0.25, 0.75, 0.5, 0.5]) {
            assert!((y - expected).abs() < 1e-12);
        }
        assert!((run(vec![1], true)[0] - 0.25f64.ln()).abs() < 1e-12);
        assert!((run(vec![0, 1], false)[2] - 0.5).abs() < 1e-12);
    }

    #[test]
    fn sigmoid_by_hand() {
        assert_eq!(apply(&Op::Sigmoid, &[(&[1], &[0.])], true).unwrap(), [0.5]);
    }

    #[test]
    fn argmax_and_ties() {
        let x = [1., 5., 5., 7., 0., 0.];
        let run = |axis, keep, select_last| {
            apply(&Op::ArgMax(ArgMax { axis, keep, select_last }), &[(&[2, 3], &x)], true).unwrap()
        };
        assert_eq!(run(1, true, false), [1., 0.]);
        assert_eq!(run(1, false, true), [2., 0.]);
        assert_eq!(run(0, false, false), [1., 0., 0.]);
    }
}
