//! Sixteen channels at a time with AVX2.
//!
//! Codes become 16-bit numbers. The upper two rows of a column are interleaved, so that one instruction multiplies and adds
//! both, and serve every window that the column is in; the lowest rows of two columns are interleaved for each window.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi16, _mm256_cvttps_epi32,
    _mm256_fmadd_ps, _mm256_load_ps, _mm256_load_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_or_si256, _mm256_packus_epi32, _mm256_set1_epi16, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_slli_epi16, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16, _mm256_xor_si256,
};

use super::{LANES, Neurons, Row};
use crate::integer::neuron::Correction;
use crate::integer::tile::avx2::{corrected, store_words};

/// Lanes of a vector of sums.
const HALF: usize = LANES / 2;

/// Weights and neurons of sixteen channels, in the order that interleaving gives: vector `j` of two holds the channels
/// `8 i + 4 j + 0..4` for `i` in 0..2.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Block {
    /// For each column of the kernel its upper two rows, then the lowest of the first two columns, then that of the last.
    weights: [[[[i16; 2]; HALF]; 2]; 5],
    bias: [[i32; HALF]; 2],
    inverse: [[f32; HALF]; 2],
    offset: [[f32; HALF]; 2],
    largest: [[f32; HALF]; 2],
    /// What a [`Correction`] holds.
    correction: Option<[[[i32; HALF]; 2]; 3]>,
}

/// Orders what channels have.
fn each<T>(from: usize, of: impl Fn(usize) -> T) -> [[T; HALF]; 2] {
    std::array::from_fn(|j| std::array::from_fn(|lane| of(from + lane / 4 * HALF + 4 * j + lane % 4)))
}

impl Block {
    /// The channels from `from` on; those that are not there get zeros. Codes of two bytes are multiplied as numbers that are 2^15
    /// less (`wide`), which the bias makes good.
    pub(super) fn new(neurons: &Neurons<'_>, wide: bool, from: usize) -> Self {
        let weight = |channel: usize, row: usize, column: usize| neurons.weights(channel, column)[row];
        let upper = |column: usize| each(from, |c| [weight(c, 0, column), weight(c, 1, column)]);
        Self {
            weights: [
                upper(0),
                upper(1),
                upper(2),
                each(from, |c| [weight(c, 2, 0), weight(c, 2, 1)]),
                each(from, |c| [weight(c, 2, 2), 0]),
            ],
            bias: each(from, |c| {
                let weights: i32 = (0..9).map(|tap| i32::from(weight(c, tap / 3, tap % 3))).sum();
                // on the way sums may leave 32 bits, which is made good at their end
                Neurons::value(neurons.bias, c).wrapping_add(if wide { weights << 15 } else { 0 })
            }),
            inverse: each(from, |c| Neurons::value(&neurons.rule.inverse, c)),
            offset: each(from, |c| Neurons::value(&neurons.rule.offset, c)),
            largest: each(from, |c| Neurons::value(&neurons.rule.largest, c)),
            correction: neurons.rule.correction.as_ref().map(|Correction { unit, low, high }| {
                [unit, low, high].map(|of| each(from, |c| Neurons::value(of, c)))
            }),
        }
    }
}

/// A column: its upper rows interleaved, and its lowest.
#[derive(Clone, Copy)]
struct Column {
    upper: [__m256i; 2],
    lowest: __m256i,
}

/// Pairs of numbers of two vectors.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn interleaved(a: __m256i, b: __m256i) -> [__m256i; 2] {
    [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)]
}

/// Sixteen codes as numbers of 16 bits: those of two bytes less 2^15, which is another highest bit.
///
/// # Safety
/// The machine has AVX2; the channels of a position lie at `x`, and their more significant bytes where the shape says.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn numbers<const WIDE: bool>(x: *const u8, shape: &Row) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe {
        let low = _mm256_cvtepu8_epi16(_mm_loadu_si128(x.cast()));
        match shape.high[0] {
            Some(high) if WIDE => {
                let high = _mm256_cvtepu8_epi16(_mm_loadu_si128(x.add(high).cast()));
                let numbers = _mm256_or_si256(low, _mm256_slli_epi16::<8>(high));
                _mm256_xor_si256(numbers, _mm256_set1_epi16(i16::MIN))
            }
            _ => low,
        }
    }
}

/// # Safety
/// The machine has AVX2; the channels of three rows lie at `x`, as [`numbers`] reads them.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn column<const WIDE: bool>(x: *const u8, shape: &Row) -> Column {
    // SAFETY: as the caller promises.
    let [a, b, lowest] = unsafe {
        [
            numbers::<WIDE>(x, shape),
            numbers::<WIDE>(x.add(shape.pitch), shape),
            numbers::<WIDE>(x.add(2 * shape.pitch), shape),
        ]
    };
    Column { upper: interleaved(a, b), lowest }
}

/// # Safety
/// The machine has AVX2 and FMA; all windows of the row lie behind `x`, and its results behind `y`.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn row<const STRIDE: usize, const WIDE: bool>(x: *const u8, y: *mut u8, shape: &Row, block: &Block) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut left = column::<WIDE>(x, shape);
        let mut middle = if STRIDE == 1 { column::<WIDE>(x.add(shape.stored), shape) } else { left };
        for at in 0..shape.columns {
            let window = x.add(at * STRIDE * shape.stored);
            if STRIDE == 2 {
                middle = column::<WIDE>(window.add(shape.stored), shape);
            }
            let right = column::<WIDE>(window.add(2 * shape.stored), shape);
            let beside = interleaved(left.lowest, middle.lowest);
            let alone = interleaved(right.lowest, _mm256_setzero_si256());
            let mut codes = [_mm256_setzero_si256(); 2];
            for j in 0..2 {
                let product = |pairs: __m256i, of: usize| {
                    _mm256_madd_epi16(pairs, _mm256_load_si256((&raw const block.weights[of][j]).cast()))
                };
                let mut sum = _mm256_load_si256((&raw const block.bias[j]).cast());
                sum = _mm256_add_epi32(sum, product(left.upper[j], 0));
                sum = _mm256_add_epi32(sum, product(middle.upper[j], 1));
                sum = _mm256_add_epi32(sum, product(right.upper[j], 2));
                sum = _mm256_add_epi32(sum, product(beside[j], 3));
                sum = _mm256_add_epi32(sum, product(alone[j], 4));
                let inverse = _mm256_load_ps((&raw const block.inverse[j]).cast());
                let offset = _mm256_load_ps((&raw const block.offset[j]).cast());
                let largest = _mm256_load_ps((&raw const block.largest[j]).cast());
                let code = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum), inverse, offset);
                codes[j] = _mm256_cvttps_epi32(_mm256_max_ps(_mm256_min_ps(code, largest), _mm256_setzero_ps()));
                if let Some(correction) = &block.correction {
                    let load = |of: usize| _mm256_loadu_si256((&raw const correction[of][j]).cast());
                    codes[j] = corrected(codes[j], sum, [load(0), load(1), load(2)], largest);
                }
            }
            store_words(y.add(at * shape.stored), shape.high[1], _mm256_packus_epi32(codes[0], codes[1]));
            (left, middle) = if STRIDE == 1 { (middle, right) } else { (right, middle) };
        }
    }
}
