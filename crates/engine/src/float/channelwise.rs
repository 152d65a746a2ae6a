//! The innermost loops of depthwise convolutions: a few positions at a time, all channels of them before the next.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.
#![allow(clippy::needless_range_loop)] // sums are to be indexed by constants, so that they live in registers

#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd, lanes};
use super::tile::{Read, Start, Store, begin, end};
use crate::kernels::tile::Instructions;

/// Sums in which each channel reads its own channel of the input, at the positions of a block.
pub(super) struct Channelwise<'a> {
    /// What is read, relative to a position.
    pub(super) taps: &'a [usize],
    /// For each vector of channels and tap, the weights.
    pub(super) weights: &'a [f32],
    pub(super) read: Read<'a>,
    pub(super) count: usize,
    pub(super) vectors: usize,
    pub(super) start: Start<'a>,
    pub(super) store: Store<'a>,
}

impl Channelwise<'_> {
    /// Computes them.
    ///
    /// # Panics
    /// When something is out of the bounds of what is read or written.
    pub(super) fn run(&mut self, instructions: Instructions) {
        let channels = self.vectors * lanes(instructions);
        let reach = self.taps.iter().copied().max().unwrap_or(0) + channels;
        assert!(self.read.holds(self.count, reach), "a tile must read within its input");
        assert!(self.weights.len() == channels * self.taps.len(), "weights must match what is read");
        assert!(self.start.holds(self.count, channels), "sums must start within their maps");
        assert!(self.store.holds(self.count, channels), "a tile must write within its map");
        // SAFETY (all): vectors of these instructions are only used where the machine has them: the variants are only made
        // where they were detected. All bounds were just checked.
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { channelwise_avx512(self) },
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { channelwise_avx2(self) },
            Instructions::Portable => unsafe { channelwise::<Portable, 4>(Portable, self) },
        }
    }
}

/// # Safety
/// The machine has AVX-512F; bounds are as [`Channelwise::run`] checks them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn channelwise_avx512(job: &mut Channelwise<'_>) {
    // SAFETY: as the caller promises.
    unsafe { channelwise::<Avx512, 12>(Avx512::token(), job) }
}

/// # Safety
/// The machine has AVX2 and FMA; bounds are as [`Channelwise::run`] checks them.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn channelwise_avx2(job: &mut Channelwise<'_>) {
    // SAFETY: as the caller promises.
    unsafe { channelwise::<Avx2, 8>(Avx2::token(), job) }
}

/// Tiles of `P` positions, all channels of each tile before the next.
///
/// # Safety
/// Bounds are as [`Channelwise::run`] checks them.
#[expect(clippy::inline_always, reason = "only what is inlined is compiled for the instructions around it")]
#[inline(always)]
unsafe fn channelwise<S: Simd, const P: usize>(simd: S, job: &mut Channelwise<'_>) {
    let mut next = 0;
    while next < job.count {
        let mut at = [0; P];
        let mut bases = [job.read.x.as_ptr(); P];
        for p in 0..P {
            at[p] = (next + p).min(job.count - 1);
            // SAFETY: as the caller promises.
            unsafe { bases[p] = bases[p].add(job.read.slots.at(at[p])) };
        }
        next += P;
        let mut weight = job.weights.as_ptr();
        for vector in 0..job.vectors {
            let channel = vector * S::LANES;
            // SAFETY: as the caller promises.
            unsafe {
                let mut sums = begin(simd, &job.start, channel, &at);
                for &tap in job.taps {
                    let factor = simd.load(weight);
                    weight = weight.add(S::LANES);
                    for p in 0..P {
                        sums[p] = simd.mul_add(simd.load(bases[p].add(tap + channel)), factor, sums[p]);
                    }
                }
                end(simd, &mut job.store, channel, &at, sums);
            }
        }
    }
}
