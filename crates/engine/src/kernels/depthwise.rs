//! Depthwise convolution: each result channel reads one input channel.

use spikeconverter_graph::ops::Conv;

use super::sliding::Sliding;
use super::{Kernel, Threads};

/// Depthwise convolution.
pub(super) struct Depthwise {
    sliding: Sliding,
    /// `[C_out, taps]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    channels: usize,
}

impl Depthwise {
    /// # Errors
    /// When the padding is beyond all bounds.
    pub(super) fn new(op: &Conv, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        Ok(Self {
            sliding: Sliding::new(&op.window, shape, output)?,
            weight: op.weight.data().to_vec(),
            bias: op.bias.as_ref().map_or_else(|| vec![0.0; output[0]], |bias| bias.data().to_vec()),
            channels: shape[0],
        })
    }
}

impl Kernel for Depthwise {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        let multiplier = self.bias.len() / self.channels;
        let (windows, taps) = (self.sliding.windows(), self.sliding.taps());
        self.sliding.each_plane(inputs[0], output, multiplier, threads, |scratch, i, x, y| {
            self.sliding.lay_out(x, 0.0, scratch);
            let first = i % self.channels * multiplier;
            for (o, y) in (first..).zip(y.chunks_exact_mut(windows)) {
                let weight = &self.weight[o * taps..][..taps];
                self.sliding.fold(scratch, y, self.bias[o], |sum, x, tap| sum + weight[tap] * x);
            }
        });
    }
}
