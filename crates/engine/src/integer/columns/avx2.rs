//! Sixteen channels at a time with AVX2.
//!
//! Codes become 16-bit numbers. The upper two rows of a column are interleaved, so that one instruction multiplies and adds
//! both, and serve every window that the column is in; the lowest rows of two columns are interleaved for each window.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm_packus_epi16, _mm_storeu_si128, _mm256_add_epi32, _mm256_castsi256_si128,
    _mm256_cvtepi32_ps, _mm256_cvtepu8_epi16, _mm256_cvttps_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps,
    _mm256_load_ps, _mm256_load_si256, _mm256_madd_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_packs_epi32,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_unpackhi_epi16, _mm256_unpacklo_epi16,
};

use super::{LANES, Neurons, Row};

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
}

/// Orders what channels have.
fn each<T>(from: usize, of: impl Fn(usize) -> T) -> [[T; HALF]; 2] {
    std::array::from_fn(|j| std::array::from_fn(|lane| of(from + lane / 4 * HALF + 4 * j + lane % 4)))
}

impl Block {
    /// The channels from `from` on; those that are not there get zeros.
    pub(super) fn new(neurons: &Neurons<'_>, from: usize) -> Self {
        let weight = |channel: usize, row: usize, column: usize| i16::from(neurons.weights(channel, column)[row]);
        let upper = |column: usize| each(from, |c| [weight(c, 0, column), weight(c, 1, column)]);
        Self {
            weights: [
                upper(0),
                upper(1),
                upper(2),
                each(from, |c| [weight(c, 2, 0), weight(c, 2, 1)]),
                each(from, |c| [weight(c, 2, 2), 0]),
            ],
            bias: each(from, |c| Neurons::value(neurons.bias, c)),
            inverse: each(from, |c| Neurons::value(&neurons.rule.inverse, c)),
            offset: each(from, |c| Neurons::value(&neurons.rule.offset, c)),
            largest: each(from, |c| Neurons::value(&neurons.rule.largest, c)),
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

/// # Safety
/// The machine has AVX2; the channels of three rows lie at `x`.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn column(x: *const u8, shape: &Row) -> Column {
    // SAFETY: as the caller promises.
    let [a, b, lowest] = unsafe {
        [
            _mm256_cvtepu8_epi16(_mm_loadu_si128(x.cast())),
            _mm256_cvtepu8_epi16(_mm_loadu_si128(x.add(shape.pitch).cast())),
            _mm256_cvtepu8_epi16(_mm_loadu_si128(x.add(2 * shape.pitch).cast())),
        ]
    };
    Column { upper: interleaved(a, b), lowest }
}

/// # Safety
/// The machine has AVX2 and FMA; all windows of the row lie behind `x`, and its results behind `y`.
#[target_feature(enable = "avx2,fma")]
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
            }
            let words = _mm256_packs_epi32(codes[0], codes[1]);
            let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
            _mm_storeu_si128(y.add(at * shape.stored).cast(), bytes);
            (left, middle) = if STRIDE == 1 { (middle, right) } else { (right, middle) };
        }
    }
}
