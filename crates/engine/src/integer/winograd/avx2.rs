//! The transforms with AVX2: sixteen channels of codes, and twice eight of sums.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a tile.

use std::arch::x86_64::{
    __m256i, _mm_loadu_si128, _mm256_add_epi16, _mm256_add_epi32, _mm256_cvtepu8_epi16, _mm256_loadu_si256,
    _mm256_setzero_si256, _mm256_srai_epi32, _mm256_storeu_si256, _mm256_sub_epi16, _mm256_sub_epi32,
};

use super::{LANES, Place, Sink, Start};
use crate::integer::tile::avx2::{Neurons, terms};

/// `Bᵀ` times four vectors.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn transformed([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    [_mm256_sub_epi16(a, c), _mm256_add_epi16(b, c), _mm256_sub_epi16(c, b), _mm256_sub_epi16(b, d)]
}

/// `Aᵀ` times four vectors.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn collected([a, b, c, d]: [__m256i; 4]) -> [__m256i; 2] {
    [_mm256_add_epi32(_mm256_add_epi32(a, b), c), _mm256_sub_epi32(_mm256_sub_epi32(b, c), d)]
}

/// Transforms all channels of a tile at `x`, whose rows and positions are `pitch` bytes from each other, and so many channels are
/// stored; writes those of each point at a distance of `point` words.
///
/// # Safety
/// The machine has AVX2. Four rows of four positions lie at `x`, and at the distance `negative` from there; the channels of sixteen
/// points may be written.
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn transform(
    x: *const u8,
    [row, stored]: [usize; 2],
    negative: Option<usize>,
    to: *mut i16,
    point: usize,
) {
    // SAFETY: as the caller promises.
    unsafe {
        for channel in (0..stored).step_by(LANES) {
            let mut columns = [[_mm256_setzero_si256(); 4]; 4];
            for b in 0..4 {
                let mut d = [_mm256_setzero_si256(); 4];
                for a in 0..4 {
                    let from = x.add(a * row + b * stored + channel);
                    d[a] = _mm256_cvtepu8_epi16(_mm_loadu_si128(from.cast()));
                    if let Some(negative) = negative {
                        let below = _mm256_cvtepu8_epi16(_mm_loadu_si128(from.add(negative).cast()));
                        d[a] = _mm256_sub_epi16(d[a], below);
                    }
                }
                columns[b] = transformed(d);
            }
            for a in 0..4 {
                let found = transformed([columns[0][a], columns[1][a], columns[2][a], columns[3][a]]);
                for b in 0..4 {
                    _mm256_storeu_si256(to.add((4 * a + b) * point + channel).cast(), found[b]);
                }
            }
        }
    }
}

/// The results of a tile for a vector of channels, from the products of each point, which are `point` sums from each other.
///
/// # Safety
/// The machine has AVX2 and FMA; the products of sixteen points are there, and the places are within the bounds of
/// [`check`](super::check).
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn results(
    products: *const i32,
    point: usize,
    start: Start<'_>,
    places: &[Place; 4],
    vector: usize,
    sink: &mut Sink<'_>,
) {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [[_mm256_setzero_si256(); 2]; 4];
        let bias = start.bias.as_ptr().add(vector).cast::<i32>();
        for half in 0..2 {
            let bias = _mm256_loadu_si256(bias.add(8 * half).cast());
            let mut rows = [[_mm256_setzero_si256(); 4]; 2];
            for b in 0..4 {
                let mut m = [_mm256_setzero_si256(); 4];
                for a in 0..4 {
                    m[a] = _mm256_loadu_si256(products.add((4 * a + b) * point + 8 * half).cast());
                }
                let found = collected(m);
                rows[0][b] = found[0];
                rows[1][b] = found[1];
            }
            for y in 0..2 {
                let found = collected(rows[y]);
                for x in 0..2 {
                    let place = 2 * y + x;
                    // four times the sums
                    let sum = _mm256_srai_epi32::<2>(found[x]);
                    let more = _mm256_add_epi32(bias, terms(start, places[place], vector, half));
                    sums[place][half] = _mm256_add_epi32(more, sum);
                }
            }
        }
        for p in 0..4 {
            let to = places[p].write + vector * LANES;
            match sink {
                Sink::Sums(out) => {
                    let out = out.as_mut_ptr().add(to);
                    _mm256_storeu_si256(out.cast(), sums[p][0]);
                    _mm256_storeu_si256(out.add(8).cast(), sums[p][1]);
                }
                Sink::Codes { codes, negative, high, rule } => {
                    let neurons = Neurons::new(rule, vector, *negative, *high);
                    let to = codes.as_mut_ptr().add(to);
                    if rule.signed {
                        neurons.put::<true, true>(sums[p], to);
                    } else {
                        neurons.put::<false, true>(sums[p], to);
                    }
                }
            }
        }
    }
}
