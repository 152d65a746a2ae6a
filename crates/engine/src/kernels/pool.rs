//! Maxima and means over windows.

use spikeconverter_graph::ops;

use super::sliding::Sliding;
use super::{Kernel, Threads};

/// Maximum over windows; padding never wins, NaN always does.
pub(super) struct MaxPool {
    sliding: Sliding,
}

impl MaxPool {
    /// # Errors
    /// When the padding is beyond all bounds.
    pub(super) fn new(op: &ops::MaxPool, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        Ok(Self { sliding: Sliding::new(&op.window, shape, output)? })
    }
}

impl Kernel for MaxPool {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        self.sliding.each_plane(inputs[0], output, 1, threads, |scratch, _, x, y| {
            self.sliding.lay_out(x, f32::NEG_INFINITY, scratch);
            let larger = |best: f32, x: f32, _| if x > best || x.is_nan() { x } else { best };
            self.sliding.fold(scratch, y, f32::NEG_INFINITY, larger);
        });
    }
}

/// Mean over windows.
pub(super) struct AvgPool {
    sliding: Sliding,
    /// One divisor a window.
    divisors: Vec<f32>,
}

impl AvgPool {
    /// # Errors
    /// When the padding is beyond all bounds.
    pub(super) fn new(op: &ops::AvgPool, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        let sliding = Sliding::new(&op.window, shape, output)?;
        let columns = output[output.len() - 1];
        let divisor = |window: usize| match op.window.rank() {
            1 => op.divisor(&[window], &shape[1..]),
            _ => op.divisor(&[window / columns, window % columns], &shape[1..]),
        };
        let divisors = (0..sliding.windows()).map(divisor).collect();
        Ok(Self { sliding, divisors })
    }
}

impl Kernel for AvgPool {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        self.sliding.each_plane(inputs[0], output, 1, threads, |scratch, _, x, y| {
            self.sliding.lay_out(x, 0.0, scratch);
            self.sliding.fold(scratch, y, 0.0, |sum, x, _| sum + x);
            for (y, divisor) in y.iter_mut().zip(&self.divisors) {
                *y /= divisor;
            }
        });
    }
}
