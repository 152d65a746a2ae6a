//! Sums in registers of eight and of sixteen lanes.
#![allow(unsafe_code)] // Vector instructions; bounds are checked once a visit, by the caller.

use std::arch::x86_64::{
    __m256, _mm256_add_epi32, _mm256_add_ps, _mm256_fmadd_ps, _mm256_load_ps, _mm256_loadu_ps, _mm256_loadu_si256,
    _mm256_set1_epi32, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm256_storeu_si256, _mm512_add_ps,
    _mm512_fmadd_ps, _mm512_load_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

use super::{EventSynapses, LANES, Plain, Reading, Sum, Vector, Visit, bring};

/// # Safety
/// The machine has AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn avx2(synapses: &EventSynapses, visit: Visit<'_>) {
    match synapses.vectors {
        1 => synapses.walk::<Narrow<2>>(visit),
        2 => synapses.walk::<Narrow<4>>(visit),
        3 => synapses.walk::<Narrow<6>>(visit),
        4 => synapses.walk::<Narrow<8>>(visit),
        _ => synapses.walk::<Plain<true>>(visit),
    }
}

/// # Safety
/// The machine has AVX-512F.
#[target_feature(enable = "avx512f")]
pub(super) unsafe fn avx512(synapses: &EventSynapses, visit: Visit<'_>) {
    match synapses.vectors {
        1 => synapses.walk::<Wide<1>>(visit),
        2 => synapses.walk::<Wide<2>>(visit),
        3 => synapses.walk::<Wide<3>>(visit),
        4 => synapses.walk::<Wide<4>>(visit),
        _ => synapses.walk::<Plain<true>>(visit),
    }
}

/// `N` half vectors in registers, on machines with AVX2 and FMA.
struct Narrow<const N: usize>;

impl<const N: usize> Sum for Narrow<N> {
    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    unsafe fn add(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]) {
        // SAFETY: this function's contract.
        unsafe { narrow::<N>(weights, elements, offset, values, output) }
    }

    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    unsafe fn bring(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize {
        // SAFETY: this function's contract.
        unsafe { bring_narrow(elements, reading, rows) }
    }
}

/// Half of the lanes.
const HALF: usize = LANES / 2;

/// # Safety
/// As for [`Sum::add`], with `N` half vectors, on a machine with AVX2 and FMA.
#[allow(clippy::cast_ptr_alignment)] // places are multiples of a vector's size
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn narrow<const N: usize>(
    weights: &[Vector],
    elements: &[u32],
    offset: u32,
    values: &[f32],
    output: &mut [f32],
) {
    let mut sums: [__m256; N] = [_mm256_setzero_ps(); N];
    let (mut n, mut i) = (0, 0);
    // offsets wrap where a run begins in the padding
    let weights = weights.as_ptr().cast::<u8>().wrapping_offset((offset as i32) as isize);
    // loops by hand: iterators are not always inlined into code for other instructions
    // SAFETY: this function's contract; vectors are aligned.
    unsafe {
        while n < N {
            sums[n] = _mm256_loadu_ps(output.as_ptr().add(n * HALF));
            n += 1;
        }
        if values.is_empty() {
            while i < elements.len() {
                let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<f32>();
                n = 0;
                while n < N {
                    sums[n] = _mm256_add_ps(sums[n], _mm256_load_ps(row.add(n * HALF)));
                    n += 1;
                }
                i += 1;
            }
        } else {
            while i < elements.len() {
                let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<f32>();
                let value = _mm256_set1_ps(*values.get_unchecked(i));
                n = 0;
                while n < N {
                    sums[n] = _mm256_fmadd_ps(_mm256_load_ps(row.add(n * HALF)), value, sums[n]);
                    n += 1;
                }
                i += 1;
            }
        }
        n = 0;
        while n < N {
            _mm256_storeu_ps(output.as_mut_ptr().add(n * HALF), sums[n]);
            n += 1;
        }
    }
}

/// # Safety
/// As for [`Sum::bring`], on a machine with AVX2.
#[target_feature(enable = "avx2")]
#[inline]
unsafe fn bring_narrow(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize {
    let offset = _mm256_set1_epi32(reading.offset as i32);
    let count = reading.to - reading.from;
    let mut i = 0;
    // SAFETY: this function's contract.
    unsafe {
        loop {
            let from = _mm256_loadu_si256(elements.as_ptr().add(reading.from + i).cast());
            _mm256_storeu_si256(rows.as_mut_ptr().add(i).cast(), _mm256_add_epi32(from, offset));
            i += HALF;
            if i >= count {
                return count;
            }
        }
    }
}

/// `N` vectors in registers, on machines with AVX-512F.
struct Wide<const N: usize>;

impl<const N: usize> Sum for Wide<N> {
    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    unsafe fn add(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]) {
        // SAFETY: this function's contract.
        unsafe { wide::<N>(weights, elements, offset, values, output) }
    }

    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    unsafe fn bring(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize {
        bring(elements, reading, rows)
    }
}

/// # Safety
/// As for [`Sum::add`], with `N` vectors, on a machine with AVX-512F.
#[allow(clippy::cast_ptr_alignment)] // places are multiples of a vector's size
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn wide<const N: usize>(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]) {
    let mut sums = [_mm512_setzero_ps(); N];
    let (mut n, mut i) = (0, 0);
    // offsets wrap where a run begins in the padding
    let weights = weights.as_ptr().cast::<u8>().wrapping_offset((offset as i32) as isize);
    // loops by hand: iterators are not always inlined into code for other instructions
    // SAFETY: this function's contract; vectors are aligned.
    unsafe {
        while n < N {
            sums[n] = _mm512_loadu_ps(output.as_ptr().add(n * LANES));
            n += 1;
        }
        if values.is_empty() {
            while i < elements.len() {
                let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<Vector>();
                n = 0;
                while n < N {
                    sums[n] = _mm512_add_ps(sums[n], _mm512_load_ps(row.add(n).cast()));
                    n += 1;
                }
                i += 1;
            }
        } else {
            while i < elements.len() {
                let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<Vector>();
                let value = _mm512_set1_ps(*values.get_unchecked(i));
                n = 0;
                while n < N {
                    sums[n] = _mm512_fmadd_ps(_mm512_load_ps(row.add(n).cast()), value, sums[n]);
                    n += 1;
                }
                i += 1;
            }
        }
        n = 0;
        while n < N {
            _mm512_storeu_ps(output.as_mut_ptr().add(n * LANES), sums[n]);
            n += 1;
        }
    }
}
