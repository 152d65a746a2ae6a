//! Vectors of `f32`, so that each inner loop is written once and compiled for the instructions of several machines.
#![allow(unsafe_code)] // Vector instructions, which only a token that stands for them can be asked for.

use crate::kernels::tile::Instructions;

/// The vector instructions of a machine. A value of such a type is a token: whoever has one may use them.
pub(super) trait Simd: Copy {
    /// Numbers in a vector.
    const LANES: usize;
    /// A vector.
    type Vector: Copy;

    /// # Safety
    /// `LANES` numbers lie at `from`.
    unsafe fn load(self, from: *const f32) -> Self::Vector;
    /// # Safety
    /// There is room for `LANES` numbers at `to`.
    unsafe fn store(self, to: *mut f32, v: Self::Vector);
    /// The same number in all lanes.
    fn splat(self, x: f32) -> Self::Vector;
    /// `a · b + c`, rounded once where the machine can.
    fn mul_add(self, a: Self::Vector, b: Self::Vector, c: Self::Vector) -> Self::Vector;
    fn add(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn mul(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    fn div(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The smaller one; `b` where either is no number.
    fn min(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// The larger one; `b` where either is no number.
    fn max(self, a: Self::Vector, b: Self::Vector) -> Self::Vector;
    /// Without what follows the point.
    fn trunc(self, v: Self::Vector) -> Self::Vector;
    fn abs(self, v: Self::Vector) -> Self::Vector;
    /// `below` where `v` is less than 0, else `other`.
    fn where_negative(self, v: Self::Vector, below: Self::Vector, other: Self::Vector) -> Self::Vector;
    /// `v` where it is no number, else `other`.
    fn where_nan(self, v: Self::Vector, other: Self::Vector) -> Self::Vector;
}

/// Lanes of the vectors that the machine's best instructions have.
pub(super) fn lanes(instructions: Instructions) -> usize {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 => 16,
        _ => 8,
    }
}

/// Plain loops, for machines without instructions of their own here.
#[derive(Clone, Copy)]
pub(super) struct Portable;

/// A vector of plain numbers.
type Plain = [f32; 8];

/// Applies `f` in each lane.
#[expect(clippy::inline_always, reason = "part of inner loops")]
#[inline(always)]
fn lanewise(f: impl Fn(usize) -> f32) -> Plain {
    let mut lanes = [0.0; 8];
    for (i, lane) in lanes.iter_mut().enumerate() {
        *lane = f(i);
    }
    lanes
}

#[expect(clippy::inline_always, reason = "part of inner loops")]
impl Simd for Portable {
    const LANES: usize = 8;
    type Vector = Plain;

    #[inline(always)]
    unsafe fn load(self, from: *const f32) -> Plain {
        // SAFETY: as the caller promises.
        unsafe { from.cast::<Plain>().read() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32, v: Plain) {
        // SAFETY: as the caller promises.
        unsafe { to.cast::<Plain>().write(v) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Plain {
        [x; 8]
    }

    #[inline(always)]
    fn mul_add(self, a: Plain, b: Plain, c: Plain) -> Plain {
        // a fused product without an instruction for it would be a call
        lanewise(|i| a[i] * b[i] + c[i])
    }

    #[inline(always)]
    fn add(self, a: Plain, b: Plain) -> Plain {
        lanewise(|i| a[i] + b[i])
    }

    #[inline(always)]
    fn mul(self, a: Plain, b: Plain) -> Plain {
        lanewise(|i| a[i] * b[i])
    }

    #[inline(always)]
    fn div(self, a: Plain, b: Plain) -> Plain {
        lanewise(|i| a[i] / b[i])
    }

    #[inline(always)]
    fn min(self, a: Plain, b: Plain) -> Plain {
        lanewise(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn max(self, a: Plain, b: Plain) -> Plain {
        lanewise(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn trunc(self, v: Plain) -> Plain {
        lanewise(|i| v[i].trunc())
    }

    #[inline(always)]
    fn abs(self, v: Plain) -> Plain {
        lanewise(|i| v[i].abs())
    }

    #[inline(always)]
    fn where_negative(self, v: Plain, below: Plain, other: Plain) -> Plain {
        lanewise(|i| if v[i] < 0.0 { below[i] } else { other[i] })
    }

    #[inline(always)]
    fn where_nan(self, v: Plain, other: Plain) -> Plain {
        lanewise(|i| if v[i].is_nan() { v[i] } else { other[i] })
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use self::x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256, __m512, _CMP_LT_OQ, _CMP_UNORD_Q, _MM_FROUND_NO_EXC, _MM_FROUND_TO_ZERO, _mm256_add_ps,
        _mm256_andnot_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_div_ps, _mm256_fmadd_ps, _mm256_loadu_ps,
        _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps, _mm256_round_ps, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_storeu_ps, _mm512_abs_ps, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_div_ps, _mm512_fmadd_ps,
        _mm512_loadu_ps, _mm512_mask_blend_ps, _mm512_max_ps, _mm512_min_ps, _mm512_mul_ps, _mm512_roundscale_ps,
        _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::Simd;

    const TO_ZERO: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;

    /// AVX2 and FMA.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2(());

    /// AVX-512F.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512(());

    impl Avx2 {
        /// # Safety
        /// The machine has AVX2 and FMA.
        pub(in super::super) unsafe fn token() -> Self {
            Self(())
        }
    }

    impl Avx512 {
        /// # Safety
        /// The machine has AVX-512F.
        pub(in super::super) unsafe fn token() -> Self {
            Self(())
        }
    }

    /// Vectors of a token: how they are loaded, stored and filled, and methods that are nothing but an instruction.
    macro_rules! vectors {
        ($token:ty, $lanes:literal, $vector:ty, $load:ident, $store:ident, $splat:ident:
            $($name:ident($($argument:ident),*) = $call:expr;)*
        ) => {
            impl Simd for $token {
                const LANES: usize = $lanes;
                type Vector = $vector;

                #[inline(always)]
                unsafe fn load(self, from: *const f32) -> $vector {
                    // SAFETY: as the caller promises; the token says that the machine has the instructions.
                    unsafe { $load(from) }
                }

                #[inline(always)]
                unsafe fn store(self, to: *mut f32, v: $vector) {
                    // SAFETY: as above.
                    unsafe { $store(to, v) }
                }

                #[inline(always)]
                fn splat(self, x: f32) -> $vector {
                    // SAFETY: the token says that the machine has the instructions.
                    unsafe { $splat(x) }
                }

                $(
                    #[inline(always)]
                    fn $name(self, $($argument: $vector),*) -> $vector {
                        // SAFETY: as above.
                        unsafe { $call }
                    }
                )*
            }
        };
    }

    vectors! { Avx2, 8, __m256, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_set1_ps:
        mul_add(a, b, c) = _mm256_fmadd_ps(a, b, c);
        add(a, b) = _mm256_add_ps(a, b);
        mul(a, b) = _mm256_mul_ps(a, b);
        div(a, b) = _mm256_div_ps(a, b);
        min(a, b) = _mm256_min_ps(a, b);
        max(a, b) = _mm256_max_ps(a, b);
        trunc(v) = _mm256_round_ps::<TO_ZERO>(v);
        abs(v) = _mm256_andnot_ps(_mm256_set1_ps(-0.0), v);
        where_negative(v, below, other) =
            _mm256_blendv_ps(other, below, _mm256_cmp_ps::<_CMP_LT_OQ>(v, _mm256_setzero_ps()));
        where_nan(v, other) = _mm256_blendv_ps(other, v, _mm256_cmp_ps::<_CMP_UNORD_Q>(v, v));
    }

    vectors! { Avx512, 16, __m512, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_set1_ps:
        mul_add(a, b, c) = _mm512_fmadd_ps(a, b, c);
        add(a, b) = _mm512_add_ps(a, b);
        mul(a, b) = _mm512_mul_ps(a, b);
        div(a, b) = _mm512_div_ps(a, b);
        min(a, b) = _mm512_min_ps(a, b);
        max(a, b) = _mm512_max_ps(a, b);
        trunc(v) = _mm512_roundscale_ps::<TO_ZERO>(v);
        abs(v) = _mm512_abs_ps(v);
        where_negative(v, below, other) =
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(v, _mm512_setzero_ps()), other, below);
        where_nan(v, other) = _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_UNORD_Q>(v, v), other, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What every token must make of two vectors.
    fn check<S: Simd>(simd: S) {
        let numbers = [-0.0f32, 1.5, -2.75, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3.0, -1e-30];
        let others = [1.0f32, f32::NAN, -3.0, 2.0, 0.5, 7.0, -3.0, 0.25];
        let a: Vec<f32> = numbers.iter().cycle().take(S::LANES).copied().collect();
        let b: Vec<f32> = others.iter().cycle().take(S::LANES).copied().collect();
        let same = |found: S::Vector, wanted: &dyn Fn(f32, f32) -> f32| {
            let mut lanes = vec![0.0f32; S::LANES];
            // SAFETY: there is room for a vector.
            unsafe { simd.store(lanes.as_mut_ptr(), found) };
            for ((&a, &b), &found) in a.iter().zip(&b).zip(&lanes) {
                let wanted = wanted(a, b);
                assert!(found == wanted || found.is_nan() && wanted.is_nan(), "{a} and {b}: {found}, not {wanted}");
            }
        };
        // SAFETY: both hold a vector.
        let (x, y) = unsafe { (simd.load(a.as_ptr()), simd.load(b.as_ptr())) };
        same(simd.add(x, y), &|a, b| a + b);
        same(simd.mul(x, y), &|a, b| a * b);
        same(simd.div(x, y), &|a, b| a / b);
        same(simd.mul_add(x, y, simd.splat(2.0)), &|a, b| a.mul_add(b, 2.0));
        same(simd.min(x, y), &|a, b| if a < b { a } else { b });
        same(simd.max(x, y), &|a, b| if a > b { a } else { b });
        same(simd.trunc(x), &|a, _| a.trunc());
        same(simd.abs(x), &|a, _| a.abs());
        same(simd.where_negative(x, y, x), &|a, b| if a < 0.0 { b } else { a });
        same(simd.where_nan(x, y), &|a, b| if a.is_nan() { a } else { b });
    }

    #[test]
    fn all_instructions_do_the_same() {
        check(Portable);
        #[cfg(target_arch = "x86_64")]
        for instructions in Instructions::available() {
            match instructions {
                // SAFETY: the machine has the instructions.
                Instructions::Avx512 => check(unsafe { Avx512::token() }),
                // SAFETY: as above.
                Instructions::Avx2 => check(unsafe { Avx2::token() }),
                Instructions::Portable => {}
            }
        }
    }
}
