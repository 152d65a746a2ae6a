//! Depthwise convolution: each result channel reads one input channel.

use spikeconverter_graph::ops::Conv;

use super::plane::Plane;
use super::{Kernel, Threads};

/// Depthwise convolution, tap by tap over whole rows.
pub(super) struct Depthwise {
    plane: Plane,
    /// `[C_out, taps]`.
    weight: Vec<f32>,
    bias: Vec<f32>,
    channels: usize,
}

impl Depthwise {
    pub(super) fn new(op: &Conv, shape: &[usize], output: &[usize]) -> Self {
        Self {
            plane: Plane::new(&op.window, &shape[1..], &output[1..]),
            weight: op.weight.data().to_vec(),
            bias: op.bias.as_ref().map_or_else(|| vec![0.0; output[0]], |bias| bias.data().to_vec()),
            channels: shape[0],
        }
    }
}

impl Kernel for Depthwise {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let plane = &self.plane;
        let outputs = self.bias.len();
        let multiplier = outputs / self.channels;
        for (i, y) in output.chunks_exact_mut(plane.windows()).enumerate() {
            let (sample, o) = (i / outputs, i % outputs);
            let x = &inputs[0][(sample * self.channels + o / multiplier) * plane.input()..][..plane.input()];
            let weight = &self.weight[o * plane.taps()..][..plane.taps()];
            for (oy, row) in y.chunks_exact_mut(plane.x.windows).enumerate() {
                row.fill(self.bias[o]);
                for ky in plane.y.taps(oy) {
                    let x = &x[plane.y.read(oy, ky) * plane.x.input..][..plane.x.input];
                    for kx in 0..plane.x.kernel {
                        let w = weight[ky * plane.x.kernel + kx];
                        let windows = plane.x.windows_with(kx);
                        if windows.is_empty() {
                            continue;
                        }
                        let x = &x[plane.x.read(windows.start, kx)..];
                        let row = &mut row[windows];
                        match plane.x.stride {
                            1 => row.iter_mut().zip(x).for_each(|(y, &x)| *y += w * x),
                            2 => row.iter_mut().zip(x.chunks(2)).for_each(|(y, x)| *y += w * x[0]),
                            n => row.iter_mut().zip(x.chunks(n)).for_each(|(y, x)| *y += w * x[0]),
                        }
                    }
                }
            }
        }
    }
}
