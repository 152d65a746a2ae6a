//! Sixty-four channels at a time with AVX-512 and VNNI.
//!
//! The bytes of a column's three rows are interleaved, so that one instruction multiplies and adds a column for sixteen
//! channels, and an interleaved column serves every window that it is in.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m512i, _mm512_cvtepi32_ps, _mm512_cvttps_epi32, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_load_ps,
    _mm512_load_si512, _mm512_mask_storeu_epi8, _mm512_maskz_loadu_epi8, _mm512_max_ps, _mm512_min_ps,
    _mm512_packus_epi16, _mm512_packus_epi32, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_unpackhi_epi8,
    _mm512_unpackhi_epi16, _mm512_unpacklo_epi8, _mm512_unpacklo_epi16,
};

use super::{LANES, Neurons, Row};

/// Channels that are computed together.
pub(super) const WIDE: usize = 64;

/// Weights and neurons of some channels, in the order that interleaving gives: vector `j` of a block holds the channels
/// `16 i + 4 j + 0..4` for `i` in 0..4.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Block {
    /// For each column of the kernel and vector, its rows from top to bottom and a zero.
    weights: [[[[i8; 4]; LANES]; 4]; 3],
    bias: [[i32; LANES]; 4],
    inverse: [[f32; LANES]; 4],
    offset: [[f32; LANES]; 4],
    largest: [[f32; LANES]; 4],
}

impl Block {
    /// The channels from `from` on; those that are not there get zeros. Weights are bytes.
    pub(super) fn new(neurons: &Neurons<'_>, from: usize) -> Self {
        let channel = |j: usize, lane: usize| from + lane / 4 * LANES + 4 * j + lane % 4;
        let weights = |column: usize, j: usize, lane: usize| {
            let [a, b, c] = neurons.weights(channel(j, lane), column);
            [a as i8, b as i8, c as i8, 0]
        };
        let number = |of: &[[f32; LANES]]| {
            std::array::from_fn(|j| std::array::from_fn(|lane| Neurons::value(of, channel(j, lane))))
        };
        Self {
            weights: std::array::from_fn(|column| {
                std::array::from_fn(|j| std::array::from_fn(|lane| weights(column, j, lane)))
            }),
            bias: std::array::from_fn(|j| std::array::from_fn(|lane| Neurons::value(neurons.bias, channel(j, lane)))),
            inverse: number(&neurons.rule.inverse),
            offset: number(&neurons.rule.offset),
            largest: number(&neurons.rule.largest),
        }
    }
}

/// The channels of a block that there are, as bits.
fn mask(channels: usize) -> u64 {
    u64::MAX >> (WIDE - channels)
}

/// The three rows of a column, interleaved.
///
/// # Safety
/// The machine has AVX-512 F and BW; the channels of three rows lie at `x`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn column(x: *const u8, shape: &Row) -> [__m512i; 4] {
    let mask = mask(shape.channels);
    // SAFETY: as the caller promises.
    let (a, b, c) = unsafe {
        (
            _mm512_maskz_loadu_epi8(mask, x.cast()),
            _mm512_maskz_loadu_epi8(mask, x.add(shape.pitch).cast()),
            _mm512_maskz_loadu_epi8(mask, x.add(2 * shape.pitch).cast()),
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
    let mask = mask(shape.channels);
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
            _mm512_mask_storeu_epi8(y.add(at * shape.stored).cast(), mask, bytes);
            (left, middle) = if STRIDE == 1 { (middle, right) } else { (right, middle) };
        }
    }
}
