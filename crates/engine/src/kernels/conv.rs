//! Convolution as matrix products over tiles of unrolled windows.

use rayon::prelude::*;
use spikeconverter_graph::ops::Conv;

use super::matmul::{Matrix, matmul};
use super::plane::Plane;
use super::{Kernel, Threads};

/// Windows that are unrolled at a time: bounds the scratch memory of a thread.
const TILE: usize = 512;

/// Convolution by unrolling a tile of windows and multiplying it with the weights.
pub(super) struct Im2col {
    plane: Plane,
    /// `[C_out, C_in / groups · taps]`.
    weight: spikeconverter_graph::Tensor,
    bias: Vec<f32>,
    channels: usize,
    groups: usize,
}

impl Im2col {
    pub(super) fn new(op: &Conv, shape: &[usize], output: &[usize]) -> Self {
        Self {
            plane: Plane::new(&op.window, &shape[1..], &output[1..]),
            weight: op.weight.clone(),
            bias: op.bias.as_ref().map_or_else(|| vec![0.0; output[0]], |bias| bias.data().to_vec()),
            channels: shape[0],
            groups: op.groups,
        }
    }

    /// One group of one sample.
    fn group(&self, group: usize, x: &[f32], y: &mut [f32], columns: &mut Vec<f32>) {
        let (outputs, channels) = (self.bias.len() / self.groups, self.channels / self.groups);
        let windows = self.plane.windows();
        let depth = channels * self.plane.taps();
        let bias = &self.bias[group * outputs..][..outputs];
        for (y, &bias) in y.chunks_exact_mut(windows).zip(bias) {
            y.fill(bias);
        }
        let weight = &self.weight.data()[group * outputs * depth..][..outputs * depth];
        let weight = Matrix::rows(weight, outputs, depth, depth);
        if self.plane.is_pointwise() {
            matmul(y, windows, weight, Matrix::rows(x, channels, windows, windows), true);
            return;
        }
        columns.resize(depth * windows.min(TILE), 0.0);
        for start in (0..windows).step_by(TILE) {
            let count = TILE.min(windows - start);
            self.unroll(x, start, count, columns);
            matmul(&mut y[start..], windows, weight, Matrix::rows(columns, depth, count, count), true);
        }
    }

    /// Row `(c, ky, kx)` of `columns` holds what that tap reads in the windows `start..start + count`.
    fn unroll(&self, x: &[f32], start: usize, count: usize, columns: &mut [f32]) {
        let plane = &self.plane;
        let rows = columns.chunks_exact_mut(count).take(x.len() / plane.input() * plane.taps());
        for (row, column) in rows.enumerate() {
            let (c, tap) = (row / plane.taps(), row % plane.taps());
            let (ky, kx) = (tap / plane.x.kernel, tap % plane.x.kernel);
            let x = &x[c * plane.input()..][..plane.input()];
            let inside = plane.x.windows_with(kx);
            let mut at = start;
            let mut rest = column;
            while !rest.is_empty() {
                let (oy, ox) = (at / plane.x.windows, at % plane.x.windows);
                let (part, others) = rest.split_at_mut(rest.len().min(plane.x.windows - ox));
                let range = ox..ox + part.len();
                at += part.len();
                rest = others;
                let (first, end) = (inside.start.max(range.start), inside.end.min(range.end));
                if !plane.y.taps(oy).contains(&ky) || first >= end {
                    part.fill(0.0);
                    continue;
                }
                let line = &x[plane.y.read(oy, ky) * plane.x.input..][..plane.x.input];
                let line = &line[plane.x.read(first, kx)..];
                part[..first - range.start].fill(0.0);
                part[end - range.start..].fill(0.0);
                let part = &mut part[first - range.start..end - range.start];
                match plane.x.stride {
                    1 => part.copy_from_slice(&line[..part.len()]),
                    n => part.iter_mut().zip(line.chunks(n)).for_each(|(y, x)| *y = x[0]),
                }
            }
        }
    }
}

impl Kernel for Im2col {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        let input = self.channels / self.groups * self.plane.input();
        let result = self.bias.len() / self.groups * self.plane.windows();
        let parts = inputs[0].chunks_exact(input).zip(output.chunks_exact_mut(result)).enumerate();
        match threads {
            Threads::One => {
                let mut columns = Vec::new();
                for (i, (x, y)) in parts {
                    self.group(i % self.groups, x, y, &mut columns);
                }
            }
            Threads::Pool => {
                let parts: Vec<_> = parts.collect();
                parts.into_par_iter().for_each_init(Vec::new, |columns, (i, (x, y))| {
                    self.group(i % self.groups, x, y, columns);
                });
            }
        }
    }
}
