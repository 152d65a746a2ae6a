//! Depthwise convolution on codes, and sums over windows, which are one with weights 1.

use super::columns::{Columns, Neurons};
use super::geometry::Geometry;
use super::isa::Isa;
use super::layout::{LANES, Layout, Planes};
use super::neuron::FastRule;
use crate::kernels::vectors::vectorised;

/// A convolution in which each channel of the result reads its own channel of the input.
#[derive(Debug, Clone)]
pub(super) struct Depthwise {
    input: Layout,
    planes: Planes,
    geometry: Geometry,
    /// For each tap, where it reads relative to a position, and a weight a channel.
    taps: Vec<(usize, Vec<[i32; LANES]>)>,
    bias: Vec<[i32; LANES]>,
}

impl Depthwise {
    /// Packs the weights `weight(channel, tap)`, numbers of 16 bits.
    pub(super) fn new(
        geometry: Geometry,
        input: &Layout,
        planes: Planes,
        weight: impl Fn(usize, [usize; 2]) -> i16,
        bias: &[i32],
    ) -> Self {
        let pack = |of: &dyn Fn(usize) -> i32| {
            let mut packed = vec![[0; LANES]; geometry.channels[1].div_ceil(LANES)];
            for channel in 0..geometry.channels[1] {
                packed[channel / LANES][channel % LANES] = of(channel);
            }
            packed
        };
        let mut taps = Vec::new();
        for ky in 0..geometry.kernel[0] {
            for kx in 0..geometry.kernel[1] {
                let [y, x] = [0, 1].map(|a| input.before[a] - geometry.before[a] + [ky, kx][a] * geometry.dilation[a]);
                let weights = pack(&|channel| weight(channel, [ky, kx]).into());
                taps.push((y * input.row() + x * input.stored, weights));
            }
        }
        let bias = pack(&|channel| bias.get(channel).copied().unwrap_or(0));
        Self { input: input.clone(), planes, geometry, taps, bias }
    }

    /// Bytes of an input sample.
    fn sample(&self) -> usize {
        self.planes.count() * self.input.bytes()
    }

    /// The faster kernel with the neurons behind, where it fits.
    pub(super) fn columns(&self, isa: Isa, rule: &FastRule) -> Option<Columns> {
        let Geometry { kernel, stride, dilation, before, output, .. } = self.geometry;
        let fits = kernel == [3; 2] && dilation == [1; 2] && stride[0] == stride[1] && !self.planes.signed;
        let input = (&self.input, self.planes.bytes == 2, before);
        let weight = |c: usize, row: usize, column: usize| self.taps[3 * row + column].1[c / LANES][c % LANES] as i16;
        let neurons = Neurons { channels: self.geometry.channels[1], weight: &weight, bias: &self.bias, rule };
        fits.then(|| Columns::new(isa, stride[0], input, output, &neurons))?
    }

    /// Bytes of the input's codes.
    pub(super) fn input_bytes(&self) -> usize {
        self.planes.bytes
    }

    /// Vectors of channels of the result.
    pub(super) fn vectors(&self) -> usize {
        self.bias.len()
    }

    /// The sums over one byte of the input's codes, positions and then channels. The bias belongs to byte 0.
    pub(super) fn sums(&self, byte: usize, x: &[u8], sums: &mut [i32]) {
        let [rows, columns] = self.geometry.output;
        let stored = self.vectors() * LANES;
        let samples = x.chunks_exact(self.sample()).zip(sums.chunks_exact_mut(rows * columns * stored));
        vectorised(
            #[inline(always)]
            || {
                for (x, sums) in samples {
                    for (row, sums) in sums.chunks_exact_mut(columns * stored).enumerate() {
                        for (column, sums) in sums.chunks_exact_mut(stored).enumerate() {
                            self.position(byte, x, row, column, sums);
                        }
                    }
                }
            },
        );
    }

    #[allow(clippy::inline_always)] // belongs into a vectorised loop
    #[inline(always)]
    fn position(&self, byte: usize, x: &[u8], row: usize, column: usize, sums: &mut [i32]) {
        let [row, column] = [row * self.geometry.stride[0], column * self.geometry.stride[1]];
        let at = row * self.input.row() + column * self.input.stored;
        for (vector, sums) in sums.chunks_exact_mut(LANES).enumerate() {
            let mut total = if byte == 0 { self.bias[vector] } else { [0; LANES] };
            for sign in 0..self.planes.count() / self.planes.bytes {
                let plane = (sign * self.planes.bytes + byte) * self.input.bytes();
                for (offset, weights) in &self.taps {
                    let codes = &x[plane + at + offset + vector * LANES..][..LANES];
                    for ((total, &code), &weight) in total.iter_mut().zip(codes).zip(&weights[vector]) {
                        *total += i32::from(code) * if sign == 0 { weight } else { -weight };
                    }
                }
            }
            sums.copy_from_slice(&total);
        }
    }
}
