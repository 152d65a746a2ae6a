//! The innermost loops: a few positions and a few vectors of channels at a time, from the start of their sums to what is
//! stored.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.
#![allow(clippy::needless_range_loop)] // sums are to be indexed by constants, so that they live in registers

use std::ops::Range;

use super::finish::Finish;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};
use crate::kernels::tile::Instructions;

/// Convolutions in a sum, at most.
pub(super) const SOURCES: usize = 2;
/// Maps that are added to a sum, at most.
pub(super) const ADDED: usize = 4;

/// Neighbouring elements of the input, relative to a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// What is read of one source.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) source: usize,
    pub(super) runs: Vec<Run>,
}

/// Offsets of a block's positions in a map, and the largest of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Slots<'a> {
    offsets: &'a [usize],
    farthest: usize,
}

impl<'a> Slots<'a> {
    pub(super) fn new(offsets: &'a [usize]) -> Self {
        Self { offsets, farthest: offsets.iter().copied().max().unwrap_or(0) }
    }

    /// Whether there are so many, and elements up to `reach` behind each lie within `size`.
    fn fit(&self, count: usize, reach: usize, size: usize) -> bool {
        self.offsets.len() >= count && self.farthest + reach <= size
    }

    /// The offset of a position.
    ///
    /// # Safety
    /// There is one.
    #[expect(clippy::inline_always, reason = "part of inner loops")]
    #[inline(always)]
    pub(super) unsafe fn at(&self, position: usize) -> usize {
        // SAFETY: as the caller promises.
        unsafe { *self.offsets.get_unchecked(position) }
    }
}

/// A map at the positions of a block: what lies from the first on.
#[derive(Clone, Copy, Default)]
pub(super) struct Read<'a> {
    pub(super) x: &'a [f32],
    pub(super) slots: Slots<'a>,
}

/// A map that is added, each channel with a factor.
#[derive(Clone, Copy)]
pub(super) struct Added<'a> {
    pub(super) read: Read<'a>,
    pub(super) factors: &'a [f32],
}

/// What sums start from.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    pub(super) bias: &'a [f32],
    pub(super) added: [Option<Added<'a>>; ADDED],
}

/// Where results go.
pub(super) struct Store<'a> {
    pub(super) finish: &'a Finish,
    pub(super) y: &'a mut [f32],
    pub(super) slots: Slots<'a>,
}

/// Products of some vectors of channels at the positions of a block.
pub(super) struct Products<'a> {
    /// The first channel, and the number of vectors (1 to 3).
    pub(super) channel: usize,
    pub(super) vectors: usize,
    pub(super) parts: &'a [Part],
    /// For each element of the runs, its weights.
    pub(super) weights: &'a [f32],
    pub(super) reads: [Read<'a>; SOURCES],
    /// The positions that take part, ascending; all if that is `None`.
    pub(super) positions: Option<&'a [u32]>,
    /// Number of positions in the block.
    pub(super) count: usize,
    /// Absent: `sums` go on.
    pub(super) start: Option<Start<'a>>,
    /// Absent: the results are `sums`.
    pub(super) store: Option<Store<'a>>,
    /// Room for the vectors of each position.
    pub(super) sums: &'a mut [f32],
}

impl Read<'_> {
    /// Whether elements up to `reach` behind each of the first positions are there.
    pub(super) fn holds(&self, count: usize, reach: usize) -> bool {
        self.slots.fit(count, reach, self.x.len())
    }
}

impl Start<'_> {
    pub(super) fn holds(&self, count: usize, channels: usize) -> bool {
        let added = |a: &Added<'_>| a.read.holds(count, channels) && a.factors.len() >= channels;
        self.bias.len() >= channels && self.added.iter().flatten().all(added)
    }
}

impl Store<'_> {
    pub(super) fn holds(&self, count: usize, channels: usize) -> bool {
        self.slots.fit(count, channels, self.y.len()) && self.finish.channels().is_none_or(|n| n >= channels)
    }
}

impl Products<'_> {
    /// Computes them.
    ///
    /// # Panics
    /// When something is out of the bounds of what is read or written.
    pub(super) fn run(&mut self, instructions: Instructions) {
        let lanes = super::simd::lanes(instructions);
        let (count, channels) = (self.count, self.channel + self.vectors * lanes);
        let mut terms = 0;
        for part in self.parts {
            let reach = part.runs.iter().map(|run| run.offset + run.length).max().unwrap_or(0);
            terms += part.runs.iter().map(|run| run.length).sum::<usize>();
            assert!(self.reads[part.source].holds(count, reach), "a tile must read within its input");
        }
        assert!(self.weights.len() == terms * self.vectors * lanes, "weights must match what is read");
        assert!(self.start.is_none_or(|start| start.holds(count, channels)), "sums must start within their maps");
        assert!(
            self.store.as_ref().is_none_or(|store| store.holds(count, channels)),
            "a tile must write within its map"
        );
        let whole = self.start.is_some() && self.store.is_some();
        assert!(whole || self.sums.len() >= count * self.vectors * lanes, "there must be room for sums");
        // of a block that is not full, only the first positions are there
        let there = |positions: &[u32]| positions.iter().take_while(|&&p| (p as usize) < count).count();
        let among = self.positions.map_or(count, there);
        // positions in tiles of two sizes
        let [wide, narrow] = sizes(instructions, self.vectors);
        let middle = division(among, wide, narrow);
        for (size, range) in [(wide, 0..middle), (narrow, middle..among)] {
            if !range.is_empty() {
                self.span(instructions, size, range);
            }
        }
    }

    fn span(&mut self, instructions: Instructions, size: usize, range: Range<usize>) {
        // SAFETY (all): vectors of these instructions are only used where the machine has them: the variants of
        // `Instructions` are only made where they were detected. `run` has checked all bounds.
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe {
                match (self.vectors, size) {
                    (1, _) => products_avx512::<12, 1>(self, range),
                    (2, 12) => products_avx512::<12, 2>(self, range),
                    (2, _) => products_avx512::<6, 2>(self, range),
                    (_, 8) => products_avx512::<8, 3>(self, range),
                    _ => products_avx512::<4, 3>(self, range),
                }
            },
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe {
                match (self.vectors, size) {
                    (1, _) => products_avx2::<8, 1>(self, range),
                    (2, 6) => products_avx2::<6, 2>(self, range),
                    (2, _) => products_avx2::<4, 2>(self, range),
                    _ => products_avx2::<3, 3>(self, range),
                }
            },
            Instructions::Portable => unsafe {
                match self.vectors {
                    1 => products::<Portable, 4, 1>(Portable, self, range),
                    2 => products::<Portable, 4, 2>(Portable, self, range),
                    _ => products::<Portable, 4, 3>(Portable, self, range),
                }
            },
        }
    }
}

/// Positions in a large and in a small tile of so many vectors.
fn sizes(instructions: Instructions, vectors: usize) -> [usize; 2] {
    match (instructions, vectors) {
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, 1) => [12, 12],
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, 2) => [12, 6],
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx512, _) => [8, 4],
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, 1) => [8, 8],
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, 2) => [6, 4],
        #[cfg(target_arch = "x86_64")]
        (Instructions::Avx2, _) => [3, 3],
        _ => [4, 4],
    }
}

/// How many of `count` positions go into wide tiles, so that as few places of tiles as possible stay empty.
fn division(count: usize, wide: usize, narrow: usize) -> usize {
    let most = count / wide;
    let places = |tiles: usize| tiles * wide + (count - tiles * wide).next_multiple_of(narrow);
    let fewest = (most.saturating_sub(2)..=most).min_by_key(|&tiles| (places(tiles), usize::MAX - tiles));
    let all = (most + 1) * wide;
    match fewest {
        Some(tiles) if places(tiles) < all => tiles * wide,
        _ => count,
    }
}

/// # Safety
/// The machine has AVX-512F; bounds are as [`Products::run`] checks them.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f")]
unsafe fn products_avx512<const P: usize, const N: usize>(job: &mut Products<'_>, range: Range<usize>) {
    // SAFETY: as the caller promises.
    unsafe { products::<Avx512, P, N>(Avx512::token(), job, range) }
}

/// # Safety
/// The machine has AVX2 and FMA; bounds are as [`Products::run`] checks them.
#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn products_avx2<const P: usize, const N: usize>(job: &mut Products<'_>, range: Range<usize>) {
    // SAFETY: as the caller promises.
    unsafe { products::<Avx2, P, N>(Avx2::token(), job, range) }
}

/// The start of the sums of a vector of channels from `channel` on, at the positions `at`.
///
/// # Safety
/// The channels of all positions lie within the maps of `start`.
#[expect(clippy::inline_always, reason = "only what is inlined is compiled for the instructions around it")]
#[inline(always)]
pub(super) unsafe fn begin<S: Simd, const P: usize>(
    simd: S,
    start: &Start<'_>,
    channel: usize,
    at: &[usize; P],
) -> [S::Vector; P] {
    // SAFETY: as the caller promises.
    unsafe {
        let mut sums = [simd.load(start.bias.as_ptr().add(channel)); P];
        for added in &start.added {
            // those there are come first
            let Some(Added { read, factors }) = added else { break };
            let factor = simd.load(factors.as_ptr().add(channel));
            for p in 0..P {
                let from = read.x.as_ptr().add(read.slots.at(at[p]) + channel);
                sums[p] = simd.mul_add(simd.load(from), factor, sums[p]);
            }
        }
        sums
    }
}

/// Finishes and stores the sums of a vector of channels.
///
/// # Safety
/// There are parameters for the channels, and room for them at all positions.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
pub(super) unsafe fn end<S: Simd, const P: usize>(
    simd: S,
    store: &mut Store<'_>,
    channel: usize,
    at: &[usize; P],
    mut sums: [S::Vector; P],
) {
    // SAFETY: as the caller promises.
    unsafe {
        store.finish.apply(simd, channel, &mut sums);
        for p in 0..P {
            simd.store(store.y.as_mut_ptr().add(store.slots.at(at[p]) + channel), sums[p]);
        }
    }
}

/// Tiles of `P` positions and `N` vectors. Where there are fewer positions, the last is computed several times.
///
/// # Safety
/// Bounds are as [`Products::run`] checks them; `N` is the number of vectors.
#[expect(clippy::inline_always, reason = "as above")]
#[inline(always)]
unsafe fn products<S: Simd, const P: usize, const N: usize>(simd: S, job: &mut Products<'_>, range: Range<usize>) {
    let mut next = range.start;
    while next < range.end {
        let mut at = [0; P];
        for p in 0..P {
            let position = (next + p).min(range.end - 1);
            at[p] = job.positions.map_or(position, |positions| positions[position] as usize);
        }
        next += P;
        // vectors of channels, and positions of each
        let mut sums = [[simd.splat(0.0); P]; N];
        // SAFETY: as the caller promises.
        unsafe {
            match &job.start {
                Some(start) => {
                    for n in 0..N {
                        sums[n] = begin(simd, start, job.channel + n * S::LANES, &at);
                    }
                }
                None => {
                    for n in 0..N {
                        for p in 0..P {
                            sums[n][p] = simd.load(job.sums.as_ptr().add((at[p] * N + n) * S::LANES));
                        }
                    }
                }
            }
            let mut weight = job.weights.as_ptr();
            for part in job.parts {
                let read = job.reads.get_unchecked(part.source);
                let mut bases = [read.x.as_ptr(); P];
                for p in 0..P {
                    bases[p] = bases[p].add(read.slots.at(at[p]));
                }
                for run in &part.runs {
                    for k in run.offset..run.offset + run.length {
                        let mut weights = [simd.splat(0.0); N];
                        for n in 0..N {
                            weights[n] = simd.load(weight.add(n * S::LANES));
                        }
                        weight = weight.add(N * S::LANES);
                        for p in 0..P {
                            let x = simd.splat(*bases[p].add(k));
                            for n in 0..N {
                                sums[n][p] = simd.mul_add(weights[n], x, sums[n][p]);
                            }
                        }
                    }
                }
            }
            match &mut job.store {
                Some(store) => {
                    for n in 0..N {
                        end(simd, store, job.channel + n * S::LANES, &at, sums[n]);
                    }
                }
                None => {
                    for n in 0..N {
                        for p in 0..P {
                            simd.store(job.sums.as_mut_ptr().add((at[p] * N + n) * S::LANES), sums[n][p]);
                        }
                    }
                }
            }
        }
    }
}
