//! Mean over whole axes.

use spikeconverter_graph::ops;
use spikeconverter_graph::volume;

use super::walk::Walk;
use super::{Kernel, Threads};

/// Mean over whole axes: over trailing axes row by row, otherwise by adding each element to its mean.
pub(super) struct Mean {
    input: usize,
    output: usize,
    /// Absent when the axes are the last ones.
    walk: Option<Walk>,
}

impl Mean {
    pub(super) fn new(op: &ops::Mean, shape: &[usize]) -> Self {
        let kept: Vec<usize> = (0..shape.len()).filter(|axis| !op.axes.contains(axis)).collect();
        let output = kept.iter().map(|&axis| shape[axis]).product();
        let trailing = kept.iter().copied().eq(0..kept.len());
        let walk = (!trailing).then(|| Walk::reduced(&op.axes, shape));
        Self { input: volume(shape), output, walk }
    }
}

impl Kernel for Mean {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let count = self.input / self.output;
        let Some(walk) = &self.walk else {
            for (y, row) in output.iter_mut().zip(inputs[0].chunks_exact(count)) {
                *y = sum(row) / count as f32;
            }
            return;
        };
        let mut sums = vec![0.0f64; self.output];
        for (y, x) in output.chunks_exact_mut(self.output).zip(inputs[0].chunks_exact(self.input)) {
            sums.fill(0.0);
            let mut rows = x.chunks_exact(walk.inner().len());
            walk.rows(|base| {
                for (x, offset) in rows.next().into_iter().flatten().zip(walk.inner()) {
                    sums[base + offset] += f64::from(*x);
                }
            });
            for (y, sum) in y.iter_mut().zip(&sums) {
                *y = (sum / count as f64) as f32;
            }
        }
    }
}

/// Sum in sixteen lanes, which the compiler turns into vectors and which rounds less than one running sum.
fn sum(row: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let chunks = row.chunks_exact(lanes.len());
    let rest: f32 = chunks.remainder().iter().sum();
    for chunk in chunks {
        for (lane, x) in lanes.iter_mut().zip(chunk) {
            *lane += x;
        }
    }
    lanes.iter().sum::<f32>() + rest
}
