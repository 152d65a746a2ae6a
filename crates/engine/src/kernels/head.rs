//! Operations of the read-out.

use spikeconverter_graph::ops;
use spikeconverter_graph::volume;

use super::walk::Walk;
use super::{Kernel, Threads};

/// Softmax, or its logarithm.
pub(super) struct Softmax {
    log: bool,
    volume: usize,
    /// For each element, the group in which it is normalised.
    groups: Vec<usize>,
    count: usize,
}

impl Softmax {
    pub(super) fn new(op: &ops::Softmax, shape: &[usize]) -> Self {
        let groups = Walk::reduced(&op.axes, shape).positions();
        let count = groups.iter().max().map_or(1, |last| last + 1);
        Self { log: op.log, volume: volume(shape), groups, count }
    }
}

impl Kernel for Softmax {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let mut largest = vec![0.0f32; self.count];
        let mut sums = vec![0.0f32; self.count];
        for (x, y) in inputs[0].chunks_exact(self.volume).zip(output.chunks_exact_mut(self.volume)) {
            largest.fill(f32::NEG_INFINITY);
            for (&x, &group) in x.iter().zip(&self.groups) {
                largest[group] = largest[group].max(x);
            }
            sums.fill(0.0);
            for ((&x, y), &group) in x.iter().zip(y.iter_mut()).zip(&self.groups) {
                let relative = x - largest[group];
                let power = relative.exp();
                sums[group] += power;
                *y = if self.log { relative } else { power };
            }
            for (y, &group) in y.iter_mut().zip(&self.groups) {
                *y = if self.log { *y - sums[group].ln() } else { *y / sums[group] };
            }
        }
    }
}

/// Logistic function.
pub(super) struct Sigmoid;

impl Kernel for Sigmoid {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        for (y, &x) in output.iter_mut().zip(inputs[0]) {
            *y = 1.0 / (1.0 + (-x).exp());
        }
    }
}

/// Index of the maximum along an axis; NaN never wins.
pub(super) struct ArgMax {
    extent: usize,
    /// Elements between neighbours on the axis.
    inner: usize,
    select_last: bool,
}

impl ArgMax {
    pub(super) fn new(op: &ops::ArgMax, shape: &[usize]) -> Self {
        Self { extent: shape[op.axis], inner: volume(&shape[op.axis + 1..]), select_last: op.select_last }
    }
}

impl Kernel for ArgMax {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let mut best = vec![0.0f32; self.inner];
        let outer = inputs[0].chunks_exact(self.extent * self.inner).zip(output.chunks_exact_mut(self.inner));
        for (x, y) in outer {
            best.fill(f32::NEG_INFINITY);
            y.fill(0.0);
            for (at, row) in x.chunks_exact(self.inner).enumerate() {
                for ((y, best), &x) in y.iter_mut().zip(&mut best).zip(row) {
                    if x > *best || (x == *best && self.select_last) {
                        *best = x;
                        *y = at as f32;
                    }
                }
            }
        }
    }
}
