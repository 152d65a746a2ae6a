//! Transposed convolution.

use spikeconverter_graph::ops;

use super::matmul::{Matrix, matmul};
use super::plane::Plane;
use super::{Kernel, Threads};

/// Input elements that are multiplied out at a time: bounds the scratch memory of a thread.
const TILE: usize = 256;

/// Transposed convolution: a matrix product gives what each input element adds, which is then added.
pub(super) struct ConvTranspose {
    /// Of the convolution that this one is the adjoint of: its windows are the input elements here.
    plane: Plane,
    /// `[C_in, C_out / groups · taps]`.
    weight: spikeconverter_graph::Tensor,
    bias: Vec<f32>,
    channels: usize,
    groups: usize,
}

impl ConvTranspose {
    pub(super) fn new(op: &ops::ConvTranspose, shape: &[usize], output: &[usize]) -> Self {
        Self {
            plane: Plane::new(&op.window, &output[1..], &shape[1..]),
            weight: op.weight.clone(),
            bias: op.bias.as_ref().map_or_else(|| vec![0.0; output[0]], |bias| bias.data().to_vec()),
            channels: shape[0],
            groups: op.groups,
        }
    }

    /// One group of one sample.
    fn group(&self, group: usize, x: &[f32], y: &mut [f32], products: &mut Vec<f32>) {
        let (outputs, channels) = (self.bias.len() / self.groups, self.channels / self.groups);
        let windows = self.plane.windows();
        let width = outputs * self.plane.taps();
        for (y, &bias) in y.chunks_exact_mut(self.plane.input()).zip(&self.bias[group * outputs..]) {
            y.fill(bias);
        }
        let weight = &self.weight.data()[group * channels * width..][..channels * width];
        let weight = Matrix::rows(weight, channels, width, width).transposed();
        products.resize(width * windows.min(TILE), 0.0);
        for start in (0..windows).step_by(TILE) {
            let count = TILE.min(windows - start);
            matmul(products, count, weight, Matrix::rows(&x[start..], channels, count, windows), false);
            self.scatter(products, start, count, y);
        }
    }

    /// Adds row `(o, ky, kx)` of `products`, for the input elements `start..start + count`, where that tap lands.
    fn scatter(&self, products: &[f32], start: usize, count: usize, y: &mut [f32]) {
        let plane = &self.plane;
        let rows = products.chunks_exact(count).take(y.len() / plane.input() * plane.taps());
        for (row, product) in rows.enumerate() {
            let (o, tap) = (row / plane.taps(), row % plane.taps());
            let (ky, kx) = (tap / plane.x.kernel, tap % plane.x.kernel);
            let y = &mut y[o * plane.input()..][..plane.input()];
            let inside = plane.x.windows_with(kx);
            for (at, product) in (start..).zip(product) {
                let (iy, ix) = (at / plane.x.windows, at % plane.x.windows);
                if inside.contains(&ix) && plane.y.taps(iy).contains(&ky) {
                    y[plane.y.read(iy, ky) * plane.x.input + plane.x.read(ix, kx)] += product;
                }
            }
        }
    }
}

impl Kernel for ConvTranspose {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let input = self.channels / self.groups * self.plane.windows();
        let result = self.bias.len() / self.groups * self.plane.input();
        let mut products = Vec::new();
        for (i, (x, y)) in inputs[0].chunks_exact(input).zip(output.chunks_exact_mut(result)).enumerate() {
            self.group(i % self.groups, x, y, &mut products);
        }
    }
}
