//! Tiles of 16-bit codes with AVX2: an instruction multiplies pairs of numbers and adds the products, for eight channels.
//!
//! Bytes would not do: the instruction that multiplies bytes saturates at 16 bits, where 8-bit codes and weights reach 17.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m256, __m256i, _mm_loadl_epi64, _mm_packus_epi16, _mm_storeu_si128, _mm256_abs_epi32, _mm256_add_epi32,
    _mm256_and_si256, _mm256_castsi256_si128, _mm256_cmpgt_epi32, _mm256_cvtepi32_ps, _mm256_cvtepu8_epi32,
    _mm256_cvttps_epi32, _mm256_extracti128_si256, _mm256_fmadd_ps, _mm256_load_si256, _mm256_loadu_ps,
    _mm256_loadu_si256, _mm256_madd_epi16, _mm256_max_ps, _mm256_min_ps, _mm256_mullo_epi32, _mm256_packs_epi32,
    _mm256_permute4x64_epi64, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_slli_epi32,
    _mm256_storeu_si256, _mm256_sub_epi32,
};

use super::{Group, LANES, Sink, Start};
use crate::integer::neuron::FastRule;
use crate::integer::places::Place;

/// Positions of a full tile: twelve vectors of sums, with two of weights and two more, are all sixteen registers.
const TILE: usize = 6;

/// Computes places a tile at a time. Here are indices and no iterators: a closure, or an iterator's function, that is
/// not inlined does not have the instructions.
///
/// # Safety
/// The machine has AVX2 and FMA; the bounds are those that [`super::tiles`] checks.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tiles(
    x: &[i16],
    group: &Group<i16>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    let mut at = 0;
    while at < places.len() {
        // SAFETY: as the caller promises.
        unsafe {
            at += match places.len() - at {
                1 => tile::<1>(x, group, start, &places[at..], origin, sink),
                2 => tile::<2>(x, group, start, &places[at..], origin, sink),
                3 => tile::<3>(x, group, start, &places[at..], origin, sink),
                4 | 5 => tile::<4>(x, group, start, &places[at..], origin, sink),
                _ => tile::<TILE>(x, group, start, &places[at..], origin, sink),
            };
        }
    }
}

/// The results of the first `P` places. Gives `P`.
///
/// # Safety
/// As for [`tiles`]; there are `P` places, and the group has one vector of channels.
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<const P: usize>(
    x: &[i16],
    group: &Group<i16>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) -> usize {
    let mut place = [origin; P];
    for p in 0..P {
        place[p] = places[p].plus(origin);
    }
    let vector = group.first;
    let mut sums = [[_mm256_setzero_si256(); 2]; P];
    // SAFETY: all reads and writes are within the bounds that the caller has checked.
    unsafe {
        for p in 0..P {
            for half in 0..2 {
                sums[p][half] = first(start, place[p], vector, half);
            }
        }
        let mut bases = [x.as_ptr(); P];
        for (p, base) in bases.iter_mut().enumerate() {
            *base = base.add(place[p].read);
        }
        multiply(&bases, group, &mut sums);
        finish(&sums, &place, vector, sink);
    }
    P
}

/// Stores the sums of a vector of channels, or the codes that they become.
///
/// # Safety
/// As for [`tiles`], with these places.
#[allow(clippy::needless_range_loop)]
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::integer) unsafe fn finish<const P: usize>(
    sums: &[[__m256i; 2]; P],
    place: &[Place; P],
    vector: usize,
    sink: &mut Sink<'_>,
) {
    // SAFETY: all writes are within the bounds that the caller has checked.
    unsafe {
        match sink {
            Sink::Sums(out) => {
                for p in 0..P {
                    let to = out.as_mut_ptr().add(place[p].write + vector * LANES);
                    _mm256_storeu_si256(to.cast(), sums[p][0]);
                    _mm256_storeu_si256(to.add(8).cast(), sums[p][1]);
                }
            }
            Sink::Codes { codes, negative, rule } => {
                let neurons = [Neurons::new(rule, vector, 0), Neurons::new(rule, vector, 1)];
                for p in 0..P {
                    let to = codes.as_mut_ptr().add(place[p].write + vector * LANES);
                    let [low, high] = sums[p];
                    if rule.signed {
                        let zero = _mm256_setzero_si256();
                        let [a, b] = [neurons[0].code(_mm256_abs_epi32(low)), neurons[1].code(_mm256_abs_epi32(high))];
                        let [c, d] = [_mm256_cmpgt_epi32(low, zero), _mm256_cmpgt_epi32(high, zero)];
                        store(to, _mm256_and_si256(a, c), _mm256_and_si256(b, d));
                        let [c, d] = [_mm256_cmpgt_epi32(zero, low), _mm256_cmpgt_epi32(zero, high)];
                        store(to.add(*negative), _mm256_and_si256(a, c), _mm256_and_si256(b, d));
                    } else {
                        store(to, neurons[0].code(low), neurons[1].code(high));
                    }
                }
            }
        }
    }
}

/// What the sums of half a vector of channels start from.
///
/// # Safety
/// As for [`tiles`].
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(in crate::integer) unsafe fn first(start: Start<'_>, place: Place, vector: usize, half: usize) -> __m256i {
    let lane = vector * LANES + 8 * half;
    // SAFETY: as the caller promises.
    unsafe {
        let mut sum = _mm256_loadu_si256(start.bias.as_ptr().cast::<i32>().add(lane).cast());
        if let Some(map) = start.map {
            let map = map.as_ptr().add(place.map + lane);
            sum = _mm256_add_epi32(sum, _mm256_loadu_si256(map.cast()));
        }
        if let Some(skip) = start.skip {
            let from = skip.codes.as_ptr().add(place.skip + lane);
            let mut codes = magnitudes(from, skip.high);
            if let Some(negative) = skip.negative {
                codes = _mm256_sub_epi32(codes, magnitudes(from.add(negative), skip.high));
            }
            let factors = _mm256_loadu_si256(skip.factors.as_ptr().cast::<i32>().add(lane).cast());
            sum = _mm256_add_epi32(sum, _mm256_mullo_epi32(codes, factors));
        }
        sum
    }
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

/// The parameters of eight neurons.
#[derive(Clone, Copy)]
struct Neurons {
    inverse: __m256,
    offset: __m256,
    largest: __m256,
}

impl Neurons {
    /// Those of half a vector of channels.
    ///
    /// # Safety
    /// The machine has AVX; the rule has this vector.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn new(rule: &FastRule, vector: usize, half: usize) -> Self {
        let lane = vector * LANES + 8 * half;
        // SAFETY: as the caller promises.
        unsafe {
            Self {
                inverse: _mm256_loadu_ps(rule.inverse.as_ptr().cast::<f32>().add(lane)),
                offset: _mm256_loadu_ps(rule.offset.as_ptr().cast::<f32>().add(lane)),
                largest: _mm256_loadu_ps(rule.largest.as_ptr().cast::<f32>().add(lane)),
            }
        }
    }

    /// The codes of membranes.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    fn code(self, membranes: __m256i) -> __m256i {
        let code = _mm256_fmadd_ps(_mm256_cvtepi32_ps(membranes), self.inverse, self.offset);
        _mm256_cvttps_epi32(_mm256_max_ps(_mm256_min_ps(code, self.largest), _mm256_setzero_ps()))
    }
}

/// Stores sixteen codes of a byte.
///
/// # Safety
/// The machine has AVX2; sixteen bytes at `to` may be written.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn store(to: *mut u8, low: __m256i, high: __m256i) {
    // packing works within the halves of a vector, which are brought into order then
    let words = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi32(low, high));
    let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256::<1>(words));
    // SAFETY: as the caller promises.
    unsafe { _mm_storeu_si128(to.cast(), bytes) };
}

/// Adds the products of a group's weights. A function by itself, whose sums are only ever indexed by constants and so
/// live in registers.
///
/// # Safety
/// As for [`tile`]: every run of the group lies within what a base points to, and there is a line for each quad.
#[allow(clippy::needless_range_loop)]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn multiply<const P: usize>(bases: &[*const i16; P], group: &Group<i16>, results: &mut [[__m256i; 2]; P]) {
    let mut sums = *results;
    let mut line = group.lines.as_ptr().cast::<__m256i>();
    // SAFETY: all reads are within the bounds that the caller has checked.
    unsafe {
        for run in &group.runs {
            let (mut offset, end) = (run.offset, run.offset + 4 * run.quads);
            while offset < end {
                for pair in 0..2 {
                    let weights = [_mm256_load_si256(line), _mm256_load_si256(line.add(1))];
                    line = line.add(2);
                    for p in 0..P {
                        let codes = _mm256_set1_epi32(bases[p].add(offset + 2 * pair).cast::<i32>().read_unaligned());
                        for half in 0..2 {
                            let products = _mm256_madd_epi16(codes, weights[half]);
                            sums[p][half] = _mm256_add_epi32(sums[p][half], products);
                        }
                    }
                }
                offset += 4;
            }
        }
    }
    *results = sums;
}
