//! Tiles of bytes with AVX-512 and VNNI: an instruction multiplies four codes and adds the products, for sixteen channels.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use std::arch::x86_64::{
    __m512, __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm512_abs_epi32, _mm512_add_epi32, _mm512_cmpge_epi32_mask,
    _mm512_cmpgt_epi32_mask, _mm512_cmplt_epi32_mask, _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32,
    _mm512_cvttps_epi32, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_load_si512, _mm512_loadu_ps,
    _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_sub_epi32, _mm512_maskz_mov_epi32, _mm512_max_epi32,
    _mm512_max_ps, _mm512_min_epi32, _mm512_min_ps, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_epi32,
};

use super::{Group, Sink, Start};
use crate::integer::layout::LANES;
use crate::integer::neuron::Correction;
use crate::integer::places::Place;

/// Computes places a tile at a time. Here are indices and no iterators: a closure, or an iterator's function, that is
/// not inlined does not have the instructions.
///
/// # Safety
/// The machine has AVX-512 F, BW, VL and VNNI; the bounds are those that [`super::tiles`] checks; `N` is the
/// group's number of vectors.
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn tiles<const P: usize, const N: usize>(
    x: &[u8],
    group: &Group<u8>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    let mut at = 0;
    while at < places.len() {
        // where there are fewer places, the last is computed several times
        let mut place = [origin; P];
        for p in 0..P {
            place[p] = places[(at + p).min(places.len() - 1)].plus(origin);
        }
        // SAFETY: as the caller promises.
        unsafe { tile::<P, N>(x, group, start, &place, sink) };
        at += P;
    }
}

/// # Safety
/// As for [`tiles`].
#[allow(clippy::needless_range_loop)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile<const P: usize, const N: usize>(
    x: &[u8],
    group: &Group<u8>,
    start: Start<'_>,
    place: &[Place; P],
    sink: &mut Sink<'_>,
) {
    let mut sums: [[__m512i; N]; P] = [[_mm512_setzero_si512(); N]; P];
    // SAFETY: all reads and writes are within the bounds that the caller has checked.
    unsafe {
        for p in 0..P {
            for n in 0..N {
                let vector = group.first + n;
                let sum = &mut sums[p][n];
                *sum = _mm512_loadu_si512(start.bias.as_ptr().add(vector).cast());
                if let Some(map) = start.map {
                    let map = map.as_ptr().add(place[p].map + vector * LANES);
                    *sum = _mm512_add_epi32(*sum, _mm512_loadu_si512(map.cast()));
                }
                if let Some(skip) = start.skip {
                    let from = skip.codes.as_ptr().add(place[p].skip + vector * LANES);
                    let mut codes = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.cast()));
                    if let Some(negative) = skip.negative {
                        let less = _mm512_cvtepu8_epi32(_mm_loadu_si128(from.add(negative).cast()));
                        codes = _mm512_sub_epi32(codes, less);
                    }
                    // both are 16-bit numbers, and the upper half of the factor is 0
                    let factors = _mm512_loadu_si512(skip.factors.as_ptr().add(vector).cast());
                    *sum = _mm512_dpwssd_epi32(*sum, codes, factors);
                }
            }
        }
        let mut bases = [x.as_ptr(); P];
        for (p, base) in bases.iter_mut().enumerate() {
            *base = base.add(place[p].read);
        }
        multiply(&bases, group, &mut sums);
        match sink {
            Sink::Sums(out) => {
                for p in 0..P {
                    for n in 0..N {
                        let to = out.as_mut_ptr().add(place[p].write + (group.first + n) * LANES);
                        _mm512_storeu_si512(to.cast(), sums[p][n]);
                    }
                }
            }
            // codes of two bytes have no kernel here
            Sink::Codes { codes, negative, rule, .. } => {
                let zero = _mm512_setzero_ps();
                for n in 0..N {
                    let vector = group.first + n;
                    let inverse = _mm512_loadu_ps(rule.inverse.as_ptr().add(vector).cast());
                    let offset = _mm512_loadu_ps(rule.offset.as_ptr().add(vector).cast());
                    let largest = _mm512_loadu_ps(rule.largest.as_ptr().add(vector).cast());
                    for p in 0..P {
                        let to = codes.as_mut_ptr().add(place[p].write + vector * LANES);
                        let sum = sums[p][n];
                        let magnitude = if rule.signed { _mm512_abs_epi32(sum) } else { sum };
                        let code = _mm512_fmadd_ps(_mm512_cvtepi32_ps(magnitude), inverse, offset);
                        let mut code = _mm512_cvttps_epi32(_mm512_max_ps(_mm512_min_ps(code, largest), zero));
                        if let Some(Correction { unit, low, high }) = &rule.correction {
                            let load = |of: &[[i32; LANES]]| _mm512_loadu_si512(of.as_ptr().add(vector).cast());
                            code = corrected(code, magnitude, [load(unit), load(low), load(high)], largest);
                        }
                        if rule.signed {
                            let positive = _mm512_cmpgt_epi32_mask(sum, _mm512_setzero_si512());
                            let above = _mm512_maskz_mov_epi32(positive, code);
                            let below = _mm512_maskz_mov_epi32(!positive, code);
                            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(above));
                            // a membrane of 0 has code 0 on either side
                            _mm_storeu_si128(to.add(*negative).cast(), _mm512_cvtepi32_epi8(below));
                        } else {
                            _mm_storeu_si128(to.cast(), _mm512_cvtepi32_epi8(code));
                        }
                    }
                }
            }
        }
    }
}

/// Codes within one of the right ones made right: what a unit, `−h` and `u − h` are for ([`Correction`]).
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn corrected(code: __m512i, membranes: __m512i, [unit, low, high]: [__m512i; 3], largest: __m512) -> __m512i {
    let rest = _mm512_sub_epi32(membranes, _mm512_mullo_epi32(code, unit));
    let one = _mm512_set1_epi32(1);
    let fewer = _mm512_mask_sub_epi32(code, _mm512_cmplt_epi32_mask(rest, low), code, one);
    let right = _mm512_mask_add_epi32(fewer, _mm512_cmpge_epi32_mask(rest, high), fewer, one);
    _mm512_min_epi32(_mm512_max_epi32(right, _mm512_setzero_si512()), _mm512_cvttps_epi32(largest))
}

/// Adds the products of a group's weights. A function by itself, whose sums are only ever indexed by constants and so
/// live in registers.
///
/// # Safety
/// As for [`tile`]: every run of the group lies within what a base points to, and there are `N` lines for each quad.
#[allow(clippy::needless_range_loop)]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn multiply<const P: usize, const N: usize>(
    bases: &[*const u8; P],
    group: &Group<u8>,
    results: &mut [[__m512i; N]; P],
) {
    let mut sums = *results;
    let mut line = group.lines.as_ptr();
    // SAFETY: all reads are within the bounds that the caller has checked.
    unsafe {
        for run in &group.runs {
            let (mut offset, end) = (run.offset, run.offset + 4 * run.quads);
            while offset < end {
                let mut weights = [_mm512_setzero_si512(); N];
                for n in 0..N {
                    weights[n] = _mm512_load_si512(line.add(n).cast());
                }
                line = line.add(N);
                for p in 0..P {
                    let quad = _mm512_set1_epi32(bases[p].add(offset).cast::<i32>().read_unaligned());
                    for n in 0..N {
                        sums[p][n] = _mm512_dpbusd_epi32(sums[p][n], quad, weights[n]);
                    }
                }
                offset += 4;
            }
        }
    }
    *results = sums;
}
