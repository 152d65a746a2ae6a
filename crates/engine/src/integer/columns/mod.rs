//! Depthwise 3×3 convolution of codes, fused with the neurons, for several channels and a row of results at a time.
#![allow(unsafe_code)] // Calls of kernels for instructions that the machine has, with bounds checked once a call.
#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code, unreachable_code, unused_variables))] // no kernel there

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::isa::Isa;
use super::layout::{LANES, Layout, Planes};
use super::neuron::FastRule;

/// A depthwise layer, with its weights in the order in which the machine's instructions take them.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    stride: usize,
    input: Layout,
    /// Whether the input's codes have two bytes.
    wide: bool,
    /// Where the window of the first position begins.
    first: usize,
    extents: [usize; 2],
    blocks: Blocks,
}

/// Weights and neurons, some channels each.
#[derive(Debug, Clone)]
enum Blocks {
    #[cfg(target_arch = "x86_64")]
    Vnni(Vec<vnni::Block>),
    #[cfg(target_arch = "x86_64")]
    Avx2(Vec<avx2::Block>),
    #[cfg(not(target_arch = "x86_64"))]
    None,
}

/// What a layer's neurons compute.
pub(super) struct Neurons<'a> {
    /// Number of channels.
    pub(super) channels: usize,
    /// `weight(channel, row, column)` of a 3×3 kernel.
    pub(super) weight: &'a dyn Fn(usize, usize, usize) -> i16,
    pub(super) bias: &'a [[i32; LANES]],
    pub(super) rule: &'a FastRule,
}

impl Neurons<'_> {
    /// A column of a channel's kernel from top to bottom; zeros where there is no such channel.
    fn weights(&self, channel: usize, column: usize) -> [i16; 3] {
        std::array::from_fn(|row| if channel < self.channels { (self.weight)(channel, row, column) } else { 0 })
    }

    /// Whether all weights are bytes.
    #[cfg(target_arch = "x86_64")]
    fn fit_bytes(&self) -> bool {
        let mut columns = (0..self.channels).flat_map(|channel| (0..3).map(move |column| (channel, column)));
        columns.all(|(channel, column)| self.weights(channel, column).iter().all(|w| i8::try_from(*w).is_ok()))
    }

    /// A channel's value in vectors of them; nothing where there is no such channel.
    fn value<T: Copy + Default>(of: &[[T; LANES]], channel: usize) -> T {
        of.get(channel / LANES).map_or(T::default(), |vector| vector[channel % LANES])
    }
}

/// A row of results.
struct Row {
    columns: usize,
    /// Bytes of a row and of a position of the input; positions of the result are as large.
    pitch: usize,
    stored: usize,
    /// Channels of a block.
    channels: usize,
    /// Where the more significant bytes of codes are, relative to the others, in the input and in the result.
    high: [Option<usize>; 2],
}

impl Columns {
    /// `None` where the machine has no kernel, or for neurons with signed codes; `wide` where the input's codes have two bytes.
    pub(super) fn new(
        isa: Isa,
        stride: usize,
        (input, wide, before): (&Layout, bool, [usize; 2]),
        extents: [usize; 2],
        neurons: &Neurons<'_>,
    ) -> Option<Self> {
        if neurons.rule.signed || !matches!(stride, 1 | 2) {
            return None;
        }
        let first = (input.before[0] - before[0]) * input.row() + (input.before[1] - before[1]) * input.stored;
        let blocks = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Vnni if !wide && neurons.rule.correction.is_none() && neurons.fit_bytes() => Blocks::Vnni(
                (0..input.stored).step_by(vnni::WIDE).map(|from| vnni::Block::new(neurons, from)).collect(),
            ),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                let block = |from| avx2::Block::new(neurons, wide, from);
                Blocks::Avx2((0..input.stored).step_by(LANES).map(block).collect())
            }
            _ => return None,
        };
        Some(Self { stride, input: input.clone(), wide, first, extents, blocks })
    }

    /// Codes of whole samples in and out, the latter in these planes.
    ///
    /// # Panics
    /// When the slices do not hold as many samples as each other.
    pub(super) fn run(&self, x: &[u8], y: &mut [u8], to: &Layout, planes: Planes) {
        let [rows, columns] = self.extents;
        assert!(to.stored == self.input.stored && to.extents == self.extents, "the layouts must match");
        let [from_sample, to_sample] =
            [if self.wide { 2 } else { 1 } * self.input.bytes(), planes.count() * to.bytes()];
        let samples = x.len() / from_sample;
        assert!(y.len() == samples * to_sample && !planes.signed);
        let last = self.first
            + ((rows - 1) * self.stride + 2) * self.input.row()
            + ((columns - 1) * self.stride + 3) * self.input.stored;
        assert!(last <= self.input.bytes(), "windows must lie within the input");
        let high = [self.wide.then(|| self.input.bytes()), (planes.bytes == 2).then(|| to.bytes())];
        for (x, y) in x.chunks_exact(from_sample).zip(y.chunks_exact_mut(to_sample)) {
            for row in 0..rows {
                let x = &x[self.first + row * self.stride * self.input.row()..];
                let y = &mut y[to.at(row, 0)..];
                assert!(y.len() >= columns * to.stored + high[1].unwrap_or(0), "rows must lie within the output");
                self.row(x, y, high);
            }
        }
    }

    /// A row of results from the rows of the input that begin with `x`, whose bounds have been checked.
    fn row(&self, x: &[u8], y: &mut [u8], high: [Option<usize>; 2]) {
        let row = |channels: usize| Row {
            columns: self.extents[1],
            pitch: self.input.row(),
            stored: self.input.stored,
            channels,
            high,
        };
        match &self.blocks {
            #[cfg(not(target_arch = "x86_64"))]
            Blocks::None => {}
            #[cfg(target_arch = "x86_64")]
            Blocks::Vnni(blocks) => {
                for (block, from) in blocks.iter().zip((0..).step_by(vnni::WIDE)) {
                    let row = row((self.input.stored - from).min(vnni::WIDE));
                    let (x, y) = (x[from..].as_ptr(), y[from..].as_mut_ptr());
                    // SAFETY: the machine has the instructions: whoever chose them has asked. Windows lie within the input and
                    // results within the row: `run` has checked; loads and stores are masked to the channels that there are.
                    unsafe {
                        match self.stride {
                            1 => vnni::row::<1>(x, y, &row, block),
                            _ => vnni::row::<2>(x, y, &row, block),
                        }
                    }
                }
            }
            #[cfg(target_arch = "x86_64")]
            Blocks::Avx2(blocks) => {
                for (block, from) in blocks.iter().zip((0..).step_by(LANES)) {
                    let row = row(LANES);
                    let (x, y) = (x[from..].as_ptr(), y[from..].as_mut_ptr());
                    // SAFETY: likewise; channels are stored in multiples of a block's.
                    unsafe {
                        match (self.stride, self.wide) {
                            (1, false) => avx2::row::<1, false>(x, y, &row, block),
                            (1, true) => avx2::row::<1, true>(x, y, &row, block),
                            (_, false) => avx2::row::<2, false>(x, y, &row, block),
                            (_, true) => avx2::row::<2, true>(x, y, &row, block),
                        }
                    }
                }
            }
        }
    }
}
