//! Portable loops, compiled for the vector instructions that the machine has.
#![allow(unsafe_code)] // Conversions of bounded numbers, and calls into code that is compiled for instructions, after asking the machine whether it has them.

/// Runs `f`, whose inlined loops the compiler may then write in the widest vectors of this machine. The result does not
/// depend on which: nothing is reordered or fused.
#[inline]
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vl") {
            // SAFETY: the machine has these instructions.
            return unsafe { avx512(f) };
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the machine has these instructions.
            return unsafe { avx2(f) };
        }
    }
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl")]
fn avx512<R>(f: impl FnOnce() -> R) -> R {
    f()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn avx2<R>(f: impl FnOnce() -> R) -> R {
    f()
}

/// The integer part of `x` brought into `0..=most`; what is no number becomes 0. Unlike `as`, vectors have it. `most` counts as
/// 2^24 where it is larger.
#[allow(clippy::inline_always, clippy::manual_clamp)] // belongs into vectorised loops; `clamp` would keep a NaN
#[inline(always)]
pub(crate) fn truncated(x: f32, most: f32) -> i32 {
    let bounded = x.min(most).max(0.0).min(16_777_216.0);
    // SAFETY: neither `min` nor `max` returns a NaN when one argument is none, so that this is a number of 0 to 2^24.
    unsafe { bounded.to_int_unchecked() }
}

/// [`truncated`] in `f64`.
#[allow(clippy::inline_always, clippy::manual_clamp)] // likewise
#[inline(always)]
pub(crate) fn truncated_wide(x: f64, most: f64) -> i32 {
    let bounded = x.min(most).max(0.0).min(16_777_216.0);
    // SAFETY: as above.
    unsafe { bounded.to_int_unchecked() }
}

/// A whole number between −2^24 and 2^24, as it is; what is none, or larger, becomes one of these. Unlike `as`, vectors have it.
#[allow(clippy::inline_always, clippy::manual_clamp)] // likewise
#[inline(always)]
pub(crate) fn whole(x: f64) -> i32 {
    let bounded = x.min(16_777_216.0).max(-16_777_216.0);
    // SAFETY: as above.
    unsafe { bounded.to_int_unchecked() }
}
