//! Matrix products whose right-hand side is gathered from the input: what convolutions and dense layers share.

use std::ops::{Add, Mul, Range};

use super::tile::{Instructions, LANES, Offsets, POSITIONS, Sums, accumulate, transpose};

/// `y[p, o] = bias[o] + Σ_k weight[o, k] · x[read(p) + offset(k)]`, weights packed in panels of 16 result channels.
pub(super) struct Product {
    instructions: Instructions,
    outputs: usize,
    offsets: Offsets,
    /// `[panels, depth, 16]`; channels that do not exist weigh nothing.
    weights: Vec<f32>,
    /// One a channel of each panel.
    bias: Vec<f32>,
}

/// Where a position reads (base in the input) and writes (index of its first channel in the output).
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) read: usize,
    pub(super) write: usize,
}

impl Add for Position {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { read: self.read + other.read, write: self.write + other.write }
    }
}

impl Mul<usize> for Position {
    type Output = Self;

    fn mul(self, n: usize) -> Self {
        Self { read: self.read * n, write: self.write * n }
    }
}

impl Product {
    /// Packs the weights `weight(o, k)` for `outputs` channels and a term for each offset.
    pub(super) fn new(
        outputs: usize,
        offsets: Offsets,
        weight: impl Fn(usize, usize) -> f32,
        bias: impl Fn(usize) -> f32,
    ) -> Self {
        let channels = outputs.next_multiple_of(LANES);
        let mut weights = Vec::with_capacity(channels * offsets.len());
        for panel in (0..channels).step_by(LANES) {
            for k in 0..offsets.len() {
                weights.extend((panel..panel + LANES).map(|o| if o < outputs { weight(o, k) } else { 0.0 }));
            }
        }
        let bias = (0..channels).map(|o| if o < outputs { bias(o) } else { 0.0 }).collect();
        Self { instructions: Instructions::available()[0], outputs, offsets, weights, bias }
    }

    /// Number of panels.
    pub(super) fn panels(&self) -> usize {
        self.bias.len() / LANES
    }

    /// Computes the channels of some panels at the given positions. `output` begins with the first of these channels;
    /// a position's channels lie `stride` apart.
    pub(super) fn run(
        &self,
        panels: Range<usize>,
        x: &[f32],
        positions: &[Position],
        output: &mut [f32],
        stride: usize,
    ) {
        let mut panel = panels.start;
        while panel < panels.end {
            let output = &mut output[(panel - panels.start) * LANES * stride..];
            if panel + 2 <= panels.end {
                self.columns::<2>(panel, x, positions, output, stride);
                panel += 2;
            } else {
                self.columns::<1>(panel, x, positions, output, stride);
                panel += 1;
            }
        }
    }

    /// The channels of `N` panels from `panel` on.
    fn columns<const N: usize>(
        &self,
        panel: usize,
        x: &[f32],
        positions: &[Position],
        output: &mut [f32],
        stride: usize,
    ) {
        let size = LANES * self.offsets.len();
        let weights: [&[f32]; N] = std::array::from_fn(|n| &self.weights[(panel + n) * size..][..size]);
        let mut start = [[[0.0; LANES]; POSITIONS]; N];
        for (n, sums) in start.iter_mut().enumerate() {
            for sum in sums {
                sum.copy_from_slice(&self.bias[(panel + n) * LANES..][..LANES]);
            }
        }
        for tile in positions.chunks(POSITIONS) {
            // A last tile that is not full computes its last position several times over.
            let bases = std::array::from_fn(|p| tile[p.min(tile.len() - 1)].read);
            let mut sums = start;
            accumulate(self.instructions, x, &bases, &self.offsets, weights, &mut sums);
            for (n, sums) in sums.iter().enumerate() {
                let channels = LANES.min(self.outputs - (panel + n) * LANES);
                self.store(sums, tile, channels, &mut output[n * LANES * stride..], stride);
            }
        }
    }

    /// Writes the first `channels` of each position.
    fn store(&self, sums: &Sums, tile: &[Position], channels: usize, output: &mut [f32], stride: usize) {
        if stride == 1 {
            for (position, sum) in tile.iter().zip(sums) {
                output[position.write..][..channels].copy_from_slice(&sum[..channels]);
            }
            return;
        }
        let first = tile[0].write;
        if tile.len() == POSITIONS && tile[POSITIONS - 1].write == first + POSITIONS - 1 {
            for (channel, row) in transpose(self.instructions, sums)[..channels].iter().enumerate() {
                output[first + channel * stride..][..POSITIONS].copy_from_slice(row);
            }
            return;
        }
        for (position, sum) in tile.iter().zip(sums) {
            for (channel, value) in sum[..channels].iter().enumerate() {
                output[position.write + channel * stride] = *value;
            }
        }
    }
}
