//! From sums to codes with AVX2: what sums start from, neurons, and how codes are stored.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m128i, __m256, __m256i, _mm_loadl_epi64, _mm_packus_epi16, _mm_storeu_si128, _mm256_abs_epi32, _mm256_add_epi32,
    _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpgt_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32,
    _mm256_cvttps_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_max_epi32, _mm256_min_epi32, _mm256_min_ps, _mm256_mullo_epi32, _mm256_packus_epi32,
    _mm256_permute4x64_epi64, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_sign_epi32,
    _mm256_slli_epi32, _mm256_srli_epi16, _mm256_sub_epi32,
};

use crate::integer::layout::LANES;
use crate::integer::neuron::{Correction, FastRule};
use crate::integer::places::Place;
use crate::integer::tile::{Skip, Start};

/// The map and the shortcut of half a vector of channels.
///
/// # Safety
/// As for [`tiles`](super::tiles).
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::integer) unsafe fn terms(start: Start<'_>, place: Place, vector: usize, half: usize) -> __m256i {
    let lane = vector * LANES + 8 * half;
    let mut sum = _mm256_setzero_si256();
    // SAFETY: as the caller promises.
    unsafe {
        if let Some(map) = start.map {
            let map = map.as_ptr().add(place.map + lane);
            sum = _mm256_loadu_si256(map.cast());
        }
        if let Some(Skip { codes, negative, high, factors }) = start.skip {
            let from = codes.as_ptr().add(place.skip + lane);
            let mut codes = magnitudes(from, high);
            if let Some(negative) = negative {
                codes = _mm256_sub_epi32(codes, magnitudes(from.add(negative), high));
            }
            let factors = _mm256_loadu_si256(factors.as_ptr().cast::<i32>().add(lane).cast());
            sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(codes, factors));
        }
    }
    sum
}

/// Eight codes of one byte, or of two.
///
/// # Safety
/// The machine has AVX2; eight bytes lie at `from`, and at the distance `high` from there.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn magnitudes(from: *const u8, high: Option<usize>) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe {
        let low = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.cast()));
        match high {
            None => low,
            Some(high) => {
                let high = _mm256_cvtepu8_epi32(_mm_loadl_epi64(from.add(high).cast()));
                _mm256_add_epi32(low, _mm256_slli_epi32(high, 8))
            }
        }
    }
}

/// The parameters of sixteen neurons, eight each.
#[derive(Clone, Copy)]
pub(in crate::integer) struct Neurons {
    halves: [Half; 2],
    /// Where the planes of negative magnitudes are.
    negative: usize,
    /// Where the more significant bytes of codes of two bytes are.
    high: Option<usize>,
}

#[derive(Clone, Copy)]
struct Half {
    inverse: __m256,
    offset: __m256,
    largest: __m256,
    correction: Option<[__m256i; 3]>,
}

impl Neurons {
    /// Those of a vector of channels.
    ///
    /// # Safety
    /// The machine has AVX2 and FMA; the rule has this vector.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::integer) unsafe fn new(rule: &FastRule, vector: usize, negative: usize, high: Option<usize>) -> Self {
        // SAFETY: as the caller promises.
        let half = |half: usize| unsafe {
            let lane = vector * LANES + 8 * half;
            let floats = |of: &[[f32; LANES]]| _mm256_loadu_ps(of.as_ptr().cast::<f32>().add(lane));
            let integers = |of: &[[i32; LANES]]| _mm256_loadu_si256(of.as_ptr().cast::<i32>().add(lane).cast());
            let correction = rule.correction.as_ref();
            Half {
                inverse: floats(&rule.inverse),
                offset: floats(&rule.offset),
                largest: floats(&rule.largest),
                correction: correction
                    .map(|Correction { unit, low, high }| [integers(unit), integers(low), integers(high)]),
            }
        };
        Self { halves: [half(0), half(1)], negative, high }
    }

    /// Stores the codes of membranes at `to`. `SIGNED`: as the rule is; without `WIDE` there are neither codes of two bytes nor
    /// corrections.
    ///
    /// # Safety
    /// Sixteen bytes may be written in each plane.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub(in crate::integer) unsafe fn put<const SIGNED: bool, const WIDE: bool>(
        &self,
        membranes: [__m256i; 2],
        to: *mut u8,
    ) {
        let [a, b] = &self.halves;
        let [low, high] = membranes;
        let plane = if WIDE { self.high } else { None };
        // SAFETY: as the caller promises.
        unsafe {
            if SIGNED {
                // packing makes what is below 0 to 0
                let low = _mm256_sign_epi32(a.code::<WIDE>(_mm256_abs_epi32(low)), low);
                let high = _mm256_sign_epi32(b.code::<WIDE>(_mm256_abs_epi32(high)), high);
                let zero = _mm256_setzero_si256();
                store(to, plane, low, high);
                store(to.add(self.negative), plane, _mm256_sub_epi32(zero, low), _mm256_sub_epi32(zero, high));
            } else {
                store(to, plane, a.code::<WIDE>(low), b.code::<WIDE>(high));
            }
        }
    }
}

impl Half {
    /// The codes of membranes; those of negative membranes may be negative.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn code<const WIDE: bool>(&self, membranes: __m256i) -> __m256i {
        let code = _mm256_fmadd_ps(_mm256_cvtepi32_ps(membranes), self.inverse, self.offset);
        let code = _mm256_cvttps_epi32(_mm256_min_ps(code, self.largest));
        match self.correction {
            Some(correction) if WIDE => corrected(code, membranes, correction, self.largest),
            _ => code,
        }
    }
}

/// Codes within one of the right ones made right: what a unit, `−h` and `u − h` are for ([`Correction`]).
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::integer) fn corrected(
    code: __m256i,
    membranes: __m256i,
    [unit, low, high]: [__m256i; 3],
    largest: __m256,
) -> __m256i {
    let rest = _mm256_sub_epi32(membranes, _mm256_mullo_epi32(code, unit));
    // a comparison that holds gives −1
    let code = _mm256_add_epi32(code, _mm256_cmpgt_epi32(low, rest));
    let code = _mm256_sub_epi32(code, _mm256_cmpgt_epi32(rest, _mm256_sub_epi32(high, _mm256_set1_epi32(1))));
    _mm256_min_epi32(_mm256_max_epi32(code, _mm256_setzero_si256()), _mm256_cvttps_epi32(largest))
}

/// Stores sixteen codes of a byte or, where the more significant ones have a plane, of two; 0 for what is below.
///
/// # Safety
/// The machine has AVX2; sixteen bytes at `to`, and at that distance from there, may be written.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(to: *mut u8, plane: Option<usize>, low: __m256i, high: __m256i) {
    // packing works within the halves of a vector, which are brought into order then
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packus_epi32(low, high));
    // SAFETY: as the caller promises.
    unsafe { store_words(to, plane, words) };
}

/// Stores sixteen numbers of 16 bits as codes likewise.
///
/// # Safety
/// As for [`store`].
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::integer) unsafe fn store_words(to: *mut u8, plane: Option<usize>, words: __m256i) {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(plane) = plane else { return _mm_storeu_si128(to.cast(), bytes(words)) };
        _mm_storeu_si128(to.cast(), bytes(_mm256_and_si256(words, _mm256_set1_epi16(0xff))));
        _mm_storeu_si128(to.add(plane).cast(), bytes(_mm256_srli_epi16::<8>(words)));
    }
}

/// Sixteen numbers below 256 as bytes.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn bytes(words: __m256i) -> __m128i {
    _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words))
}
