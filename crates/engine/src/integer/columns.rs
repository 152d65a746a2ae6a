//! Depthwise 3×3 convolution of codes, fused with the neurons: sixty-four channels at a time.
//!
//! The bytes of a column's three rows are interleaved, so that one instruction multiplies and adds a column for sixteen
//! channels, and an interleaved column serves every window that it is in.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use super::layout::{LANES, Layout};
use super::neuron::FastRule;
use super::tile::has_vnni;

/// Channels that are computed together.
const WIDE: usize = 64;

/// Weights and neurons of a layer, in the order that interleaving gives: vector `j` of a block holds the channels
/// `16 i + 4 j + 0..4` for `i` in 0..4.
#[derive(Debug, Clone)]
pub(super) struct Columns {
    stride: usize,
    input: Layout,
    /// Where the window of the first position begins.
    first: usize,
    extents: [usize; 2],
    blocks: Vec<Block>,
}

#[derive(Debug, Clone)]
#[repr(C, align(64))]
struct Block {
    /// For each column of the kernel and vector, its rows from top to bottom and a zero.
    weights: [[[[i8; 4]; LANES]; 4]; 3],
    bias: [[i32; LANES]; 4],
    inverse: [[f32; LANES]; 4],
    offset: [[f32; LANES]; 4],
    largest: [[f32; LANES]; 4],
}

impl Columns {
    /// `weight(channel, row, column)` of a 3×3 kernel. `None` where the machine lacks the instructions, or for neurons with
    /// signed codes.
    pub(super) fn new(
        stride: usize,
        input: &Layout,
        before: [usize; 2],
        extents: [usize; 2],
        weight: impl Fn(usize, usize, usize) -> i8,
        bias: &[[i32; LANES]],
        rule: &FastRule,
    ) -> Option<Self> {
        if !has_vnni() || rule.signed || !matches!(stride, 1 | 2) {
            return None;
        }
        let block = |at: usize| {
            let channel = |j: usize, lane: usize| at * WIDE + lane / 4 * LANES + 4 * j + lane % 4;
            let weights = |column: usize, j: usize, lane: usize| match channel(j, lane) {
                c if c < input.channels => [weight(c, 0, column), weight(c, 1, column), weight(c, 2, column), 0],
                _ => [0; 4],
            };
            let number = |of: &[[f32; LANES]], j: usize, lane: usize| {
                let c = channel(j, lane);
                of.get(c / LANES).map_or(0.0, |vector| vector[c % LANES])
            };
            let each = |of: &[[f32; LANES]]| std::array::from_fn(|j| std::array::from_fn(|lane| number(of, j, lane)));
            Block {
                weights: std::array::from_fn(|column| {
                    std::array::from_fn(|j| std::array::from_fn(|lane| weights(column, j, lane)))
                }),
                bias: std::array::from_fn(|j| {
                    std::array::from_fn(|lane| {
                        let c = channel(j, lane);
                        bias.get(c / LANES).map_or(0, |vector| vector[c % LANES])
                    })
                }),
                inverse: each(&rule.inverse),
                offset: each(&rule.offset),
                largest: each(&rule.largest),
            }
        };
        let first = (input.before[0] - before[0]) * input.row() + (input.before[1] - before[1]) * input.stored;
        let blocks = (0..input.stored.div_ceil(WIDE)).map(block).collect();
        Some(Self { stride, input: input.clone(), first, extents, blocks })
    }

    /// Codes of whole samples in and out.
    ///
    /// # Panics
    /// When the slices do not hold as many samples as each other.
    pub(super) fn run(&self, x: &[u8], y: &mut [u8], to: &Layout) {
        let [rows, columns] = self.extents;
        assert!(to.stored == self.input.stored && to.extents == self.extents, "the layouts must match");
        let samples = x.len() / self.input.bytes();
        assert!(y.len() == samples * to.bytes());
        let last = self.first
            + ((rows - 1) * self.stride + 2) * self.input.row()
            + ((columns - 1) * self.stride + 3) * self.input.stored;
        assert!(last <= self.input.bytes(), "windows must lie within the input");
        for (x, y) in x.chunks_exact(self.input.bytes()).zip(y.chunks_exact_mut(to.bytes())) {
            for row in 0..rows {
                let x = &x[self.first + row * self.stride * self.input.row()..];
                let y = &mut y[to.at(row, 0)..][..columns * to.stored];
                for (i, block) in self.blocks.iter().enumerate() {
                    #[cfg(target_arch = "x86_64")]
                    // SAFETY: the machine has the instructions: `new` asked. Windows lie within the input and results within
                    // the row: just checked; loads and stores are masked to the channels that there are.
                    unsafe {
                        let channels = (self.input.stored - i * WIDE).min(WIDE);
                        let shape = x86::Row {
                            columns,
                            pitch: self.input.row(),
                            stored: self.input.stored,
                            mask: u64::MAX >> (WIDE - channels),
                        };
                        let (x, y) = (x.as_ptr().add(i * WIDE), y.as_mut_ptr().add(i * WIDE));
                        if self.stride == 1 {
                            x86::row::<1>(x, y, &shape, block);
                        } else {
                            x86::row::<2>(x, y, &shape, block);
                        }
                    }
                    #[cfg(not(target_arch = "x86_64"))]
                    let _ = (i, block, &x, &y);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512i, _mm512_cvtepi32_ps, _mm512_cvttps_epi32, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_load_ps,
        _mm512_load_si512, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8, _mm512_max_ps, _mm512_min_ps,
        _mm512_packus_epi16, _mm512_packus_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_unpackhi_epi8,
        _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
    };

    use super::Block;

    /// A row of results.
    pub(super) struct Row {
        pub(super) columns: usize,
        /// Bytes of a row and of a position of the input; positions of the result are as large.
        pub(super) pitch: usize,
        pub(super) stored: usize,
        /// The channels that there are.
        pub(super) mask: u64,
    }

    /// The three rows of a column, interleaved.
    ///
    /// # Safety
    /// The machine has AVX-512 F and BW; the channels of three rows lie at `x`.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn column(x: *const u8, shape: &Row) -> [__m512i; 4] {
        // SAFETY: as the caller promises.
        let (a, b, c) = unsafe {
            (
                _mm512_maskz_loadu_epi8(shape.mask, x.cast()),
                _mm512_maskz_loadu_epi8(shape.mask, x.add(shape.pitch).cast()),
                _mm512_maskz_loadu_epi8(shape.mask, x.add(2 * shape.pitch).cast()),
            )
        };
        let zero = _mm512_setzero_si512();
        let (ab, cz) = (_mm512_unpacklo_epi8(a, b), _mm512_unpacklo_epi8(c, zero));
        let (ab_high, cz_high) = (_mm512_unpackhi_epi8(a, b), _mm512_unpackhi_epi8(c, zero));
        [
            _mm512_unpacklo_epi16(ab, cz),
            _mm512_unpackhi_epi16(ab, cz),
            _mm512_unpacklo_epi16(ab_high, cz_high),
            _mm512_unpackhi_epi16(ab_high, cz_high),
        ]
    }

    /// # Safety
    /// The machine has AVX-512 F, BW, VL and VNNI; all windows of the row lie behind `x`, and its results behind `y`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    pub(super) unsafe fn row<const STRIDE: usize>(x: *const u8, y: *mut u8, shape: &Row, block: &Block) {
        // SAFETY: as the caller promises.
        unsafe {
            let mut left = column(x, shape);
            let mut middle = if STRIDE == 1 { column(x.add(shape.stored), shape) } else { left };
            for at in 0..shape.columns {
                let window = x.add(at * STRIDE * shape.stored);
                if STRIDE == 2 {
                    middle = column(window.add(shape.stored), shape);
                }
                let right = column(window.add(2 * shape.stored), shape);
                let mut codes = [_mm512_setzero_si512(); 4];
                for j in 0..4 {
                    let weights = |column: usize| _mm512_load_si512((&raw const block.weights[column][j]).cast());
                    let mut sum = _mm512_load_si512((&raw const block.bias[j]).cast());
                    sum = _mm512_dpbusd_epi32(sum, left[j], weights(0));
                    sum = _mm512_dpbusd_epi32(sum, middle[j], weights(1));
                    sum = _mm512_dpbusd_epi32(sum, right[j], weights(2));
                    let inverse = _mm512_load_ps((&raw const block.inverse[j]).cast());
                    let offset = _mm512_load_ps((&raw const block.offset[j]).cast());
                    let largest = _mm512_load_ps((&raw const block.largest[j]).cast());
                    let code = _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), inverse, offset);
                    codes[j] = _mm512_cvttps_epi32(_mm512_max_ps(_mm512_min_ps(code, largest), _mm512_setzero_ps()));
                }
                let low = _mm512_packus_epi32(codes[0], codes[1]);
                let high = _mm512_packus_epi32(codes[2], codes[3]);
                let bytes = _mm512_packus_epi16(low, high);
                _mm512_mask_storeu_epi8(y.add(at * shape.stored).cast(), shape.mask, bytes);
                (left, middle) = if STRIDE == 1 { (middle, right) } else { (right, middle) };
            }
        }
    }
}
