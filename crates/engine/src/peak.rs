//! What this machine's multipliers reach when all they need is in registers: the roof that kernels are measured against.
//!
//! S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore architectures",
//! Communications of the ACM 52(4), 2009.
#![allow(unsafe_code)] // Calls into code that is compiled for instructions, after asking the machine whether it has them.

use std::hint::black_box;
use std::time::Instant;

use crate::Isa;

/// Sums that are independent of each other: enough for the longest latency and the widest issue.
const SUMS: usize = 12;

/// Rounds of all sums in a call: some milliseconds.
const ROUNDS: usize = 2_000_000;

/// Calls; the fastest counts, since others were disturbed.
const CALLS: usize = 7;

/// Multiply-adds a second of `f32` on one core.
pub fn of_f32() -> f64 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the machine has these instructions.
            return rate(16, || unsafe { x86::f32_avx512() });
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the machine has these instructions.
            return rate(8, || unsafe { x86::f32_avx2() });
        }
    }
    #[cfg(target_arch = "aarch64")]
    return rate(4, arm::f32_neon);
    #[cfg(not(target_arch = "aarch64"))]
    rate(1, || {
        let (x, w) = (black_box(1.0f32), black_box(1e-9f32));
        let mut sums = [0.0f32; SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum += black_box(x) * w;
            }
        }
        black_box(sums);
    })
}

/// Multiply-adds a second of integers on one core, in the instructions that the kernels of [`Isa`] use. `None` for the
/// portable ones, which are what the compiler makes of them, and for instructions that the machine does not have.
pub fn of_integers(isa: Isa) -> Option<f64> {
    if !Isa::available().contains(&isa) {
        return None;
    }
    match isa {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has these instructions.
        Isa::Vnni => Some(rate(64, || unsafe { x86::bytes_vnni() })),
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has these instructions.
        Isa::Avx2 => Some(rate(16, || unsafe { x86::words_avx2() })),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon => Some(rate(4, arm::words_neon)),
        Isa::Portable => None,
    }
}

/// Multiply-adds a second of a call with so many for each sum and round.
fn rate(each: usize, call: impl Fn()) -> f64 {
    let seconds = (0..CALLS).map(|_| {
        let start = Instant::now();
        call();
        start.elapsed().as_secs_f64()
    });
    (SUMS * ROUNDS * each) as f64 / seconds.fold(f64::INFINITY, f64::min)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_fmadd_ps, _mm256_madd_epi16, _mm256_set1_epi16, _mm256_set1_ps, _mm256_setzero_ps,
        _mm256_setzero_si256, _mm512_dpbusd_epi32, _mm512_fmadd_ps, _mm512_set1_epi8, _mm512_set1_ps,
        _mm512_setzero_ps, _mm512_setzero_si512,
    };

    use super::{ROUNDS, SUMS, black_box};

    #[target_feature(enable = "avx512f")]
    pub(super) fn f32_avx512() {
        let (x, w) = (black_box(_mm512_set1_ps(1.0)), black_box(_mm512_set1_ps(1e-9)));
        let mut sums = [_mm512_setzero_ps(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(x, w, *sum);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2,fma")]
    pub(super) fn f32_avx2() {
        let (x, w) = (black_box(_mm256_set1_ps(1.0)), black_box(_mm256_set1_ps(1e-9)));
        let mut sums = [_mm256_setzero_ps(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm256_fmadd_ps(x, w, *sum);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    pub(super) fn bytes_vnni() {
        let (x, w) = (black_box(_mm512_set1_epi8(1)), black_box(_mm512_set1_epi8(3)));
        let mut sums = [_mm512_setzero_si512(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, x, w);
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn words_avx2() {
        let (x, mut w) = (black_box(_mm256_set1_epi16(1)), black_box(_mm256_set1_epi16(3)));
        let mut sums = [_mm256_setzero_si256(); SUMS];
        for _ in 0..ROUNDS {
            for sum in &mut sums {
                // SAFETY: nothing is done; it only hides from the compiler that every product is the same.
                unsafe {
                    std::arch::asm!("/* {0} */", inout(ymm_reg) w, options(pure, nomem, nostack, preserves_flags));
                };
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(x, w));
            }
        }
        black_box(sums);
    }
}

#[cfg(target_arch = "aarch64")]
mod arm {
    use std::arch::aarch64::{vdup_n_s16, vdupq_n_f32, vdupq_n_s32, vfmaq_f32, vmlal_s16};

    use super::{ROUNDS, SUMS, black_box};

    pub(super) fn f32_neon() {
        // SAFETY: every 64-bit ARM processor has these instructions.
        unsafe {
            let (x, w) = (black_box(vdupq_n_f32(1.0)), black_box(vdupq_n_f32(1e-9)));
            let mut sums = [vdupq_n_f32(0.0); SUMS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = vfmaq_f32(*sum, x, w);
                }
            }
            black_box(sums);
        }
    }

    pub(super) fn words_neon() {
        // SAFETY: every 64-bit ARM processor has these instructions.
        unsafe {
            let (x, mut w) = (black_box(vdup_n_s16(1)), black_box(vdup_n_s16(3)));
            let mut sums = [vdupq_n_s32(0); SUMS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    std::arch::asm!("/* {0:v} */", inout(vreg) w, options(pure, nomem, nostack, preserves_flags));
                    *sum = vmlal_s16(*sum, x, w);
                }
            }
            black_box(sums);
        }
    }
}
