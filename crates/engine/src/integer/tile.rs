//! The innermost loop: products of unsigned 8-bit codes and signed 8-bit weights, sixteen result channels side by side in
//! a vector, for several positions and several vectors at a time, and the codes that the sums become.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a tile.

use super::layout::LANES;
use super::neuron::FastRule;
use super::places::{Place, Places};
use crate::kernels::vectors::vectorised;

/// Weights of sixteen result channels for four bytes of the input: what one instruction multiplies.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [[i8; 4]; LANES]);

/// Neighbouring bytes of the input, in fours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) offset: usize,
    pub(super) quads: usize,
}

/// The weights of up to four vectors of result channels.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// Its first vector of channels, and how many.
    pub(super) first: usize,
    pub(super) vectors: usize,
    /// What it reads, relative to a position.
    pub(super) runs: Vec<Run>,
    /// For each four bytes of the runs, a line a vector.
    pub(super) lines: Vec<Line>,
}

impl Group {
    /// End of what it reads, relative to a position.
    fn reach(&self) -> usize {
        self.runs.iter().map(|run| run.offset + 4 * run.quads).max().unwrap_or(0)
    }
}

/// A shortcut: codes that are added, each channel with a factor.
#[derive(Clone, Copy)]
pub(super) struct Skip<'a> {
    pub(super) codes: &'a [u8],
    /// Where the magnitudes of negative codes are, relative to the positive ones.
    pub(super) negative: Option<usize>,
    /// Factors from 0 to 2^15 − 1, a vector of channels each.
    pub(super) factors: &'a [[i32; LANES]],
}

/// What sums start from.
#[derive(Clone, Copy)]
pub(super) struct Start<'a> {
    /// A vector a vector of channels.
    pub(super) bias: &'a [[i32; LANES]],
    /// Further terms: a map of channels.
    pub(super) map: Option<&'a [i32]>,
    pub(super) skip: Option<Skip<'a>>,
}

/// Where results go.
pub(super) enum Sink<'a> {
    /// The sums themselves, in vectors of channels.
    Sums(&'a mut [i32]),
    /// The codes, unsigned or signed; `negative` is where the plane of negative magnitudes is.
    Codes { codes: &'a mut [u8], negative: usize, rule: &'a FastRule },
}

/// What a group's results are computed from.
#[derive(Clone, Copy)]
pub(super) struct Job<'a> {
    pub(super) vnni: bool,
    pub(super) codes: &'a [u8],
    pub(super) start: Start<'a>,
}

/// Computes a group's results at the first `count` places, seen from `origin`.
///
/// # Panics
/// When a place is out of the bounds of what is read or written.
pub(super) fn tiles(job: Job<'_>, group: &Group, places: &Places, count: usize, origin: Place, sink: &mut Sink<'_>) {
    let places = places.first(count);
    // offsets grow, so that the last are the largest
    let Some(last) = places.last().map(|last| last.plus(origin)) else { return };
    let end = group.first + group.vectors;
    let channels = end * LANES;
    let Job { vnni, codes, start } = job;
    assert!(last.read + group.reach() <= codes.len(), "a tile must read within its input");
    assert!(group.lines.len() == group.vectors * group.runs.iter().map(|run| run.quads).sum::<usize>());
    assert!(start.bias.len() >= end && start.map.is_none_or(|map| last.map + channels <= map.len()));
    if let Some(skip) = start.skip {
        let beyond = last.skip + skip.negative.unwrap_or(0) + channels;
        assert!(beyond <= skip.codes.len() && skip.factors.len() >= end, "a shortcut must read within its codes");
    }
    let write = last.write + channels;
    match sink {
        Sink::Sums(sums) => assert!(write <= sums.len(), "a tile must write within its output"),
        Sink::Codes { codes, negative, rule } => {
            let beyond = if rule.signed { *negative } else { 0 };
            assert!(write + beyond <= codes.len() && rule.inverse.len() >= end, "a tile must write within its output");
        }
    }
    #[cfg(target_arch = "x86_64")]
    if vnni {
        // SAFETY: the caller has asked the machine for these instructions. Every place, with the origin and the group's
        // reach or its channels added, lies within what it reads and writes, and there is a line for each vector and
        // quad: all just checked.
        unsafe {
            match group.vectors {
                1 => x86::tiles::<12, 1>(codes, group, start, places, origin, sink),
                2 => x86::tiles::<12, 2>(codes, group, start, places, origin, sink),
                3 => x86::tiles::<8, 3>(codes, group, start, places, origin, sink),
                _ => x86::tiles::<6, 4>(codes, group, start, places, origin, sink),
            }
        }
        return;
    }
    let _ = vnni;
    vectorised(
        #[inline(always)]
        || portable(codes, group, start, places, origin, sink),
    );
}

/// Whether the machine multiplies bytes four at a time in vectors of sixteen.
pub(super) fn has_vnni() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

#[allow(clippy::inline_always)] // belongs into a vectorised loop
#[inline(always)]
fn portable(x: &[u8], group: &Group, start: Start<'_>, places: &[Place], origin: Place, sink: &mut Sink<'_>) {
    for place in places {
        let place = place.plus(origin);
        for n in 0..group.vectors {
            let vector = group.first + n;
            let mut sums = start.bias[vector];
            if let Some(map) = start.map {
                let map = &map[place.map + vector * LANES..][..LANES];
                sums.iter_mut().zip(map).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
            }
            if let Some(skip) = start.skip {
                let at = place.skip + vector * LANES;
                for (lane, (sum, factor)) in sums.iter_mut().zip(&skip.factors[vector]).enumerate() {
                    let negative = skip.negative.map_or(0, |negative| i32::from(skip.codes[at + negative + lane]));
                    *sum += factor * (i32::from(skip.codes[at + lane]) - negative);
                }
            }
            let mut lines = group.lines.iter().skip(n).step_by(group.vectors);
            for run in &group.runs {
                let bytes = &x[place.read + run.offset..][..4 * run.quads];
                for (quad, Line(weights)) in bytes.chunks_exact(4).zip(&mut lines) {
                    let quad = [quad[0], quad[1], quad[2], quad[3]].map(i32::from);
                    for (sum, weights) in sums.iter_mut().zip(weights) {
                        let products = quad.iter().zip(weights).map(|(x, w)| x * i32::from(*w));
                        *sum += products.sum::<i32>();
                    }
                }
            }
            let at = place.write + vector * LANES;
            match sink {
                Sink::Sums(out) => out[at..at + LANES].copy_from_slice(&sums),
                Sink::Codes { codes, negative, rule } => {
                    for (lane, &sum) in sums.iter().enumerate() {
                        let (inverse, offset) = (rule.inverse[vector][lane], rule.offset[vector][lane]);
                        let magnitude =
                            |m: i32| FastRule::magnitude(inverse, offset, rule.largest[vector][lane], m) as u8;
                        if rule.signed {
                            codes[at + lane] = if sum > 0 { magnitude(sum) } else { 0 };
                            codes[at + *negative + lane] = if sum < 0 { magnitude(-sum) } else { 0 };
                        } else {
                            codes[at + lane] = magnitude(sum);
                        }
                    }
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m512i, _mm_loadu_si128, _mm_storeu_si128, _mm512_abs_epi32, _mm512_add_epi32, _mm512_cmpgt_epi32_mask,
        _mm512_cvtepi32_epi8, _mm512_cvtepi32_ps, _mm512_cvtepu8_epi32, _mm512_cvttps_epi32, _mm512_dpbusd_epi32,
        _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_load_si512, _mm512_loadu_ps, _mm512_loadu_si512,
        _mm512_maskz_mov_epi32, _mm512_max_ps, _mm512_min_ps, _mm512_set1_epi32, _mm512_setzero_ps,
        _mm512_setzero_si512, _mm512_storeu_si512, _mm512_sub_epi32,
    };

    use super::{Group, LANES, Place, Sink, Start};

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
        group: &Group,
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
        group: &Group,
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
                Sink::Codes { codes, negative, rule } => {
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
                            let code = _mm512_cvttps_epi32(_mm512_max_ps(_mm512_min_ps(code, largest), zero));
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
        group: &Group,
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
}

#[cfg(test)]
mod tests {
    use super::super::neuron::Neuron;
    use super::super::places::Grid;
    use super::*;

    /// Numbers without a pattern, from −`most` to `most`.
    struct Numbers(u64);

    impl Numbers {
        fn next(&mut self, most: i32) -> i32 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as i32 % (2 * most + 1) - most
        }

        fn codes(&mut self, n: usize) -> Vec<u8> {
            (0..n).map(|_| (self.next(127) + 127) as u8).collect()
        }

        fn vectors(&mut self, n: usize, of: impl Fn(i32) -> i32) -> Vec<[i32; LANES]> {
            (0..n).map(|_| std::array::from_fn(|_| of(self.next(90_000)))).collect()
        }
    }

    /// Vector instructions and portable loops give the same codes and sums, for every number of vectors, with and without
    /// shortcuts and maps, for numbers of places that fill no tile.
    #[test]
    fn vectors_give_what_plain_loops_give() {
        if !has_vnni() {
            return; // nothing to compare
        }
        let mut numbers = Numbers(7);
        for vectors in 1..=4 {
            for (quads, width) in [(1, 1), (7, 13), (36, 37)] {
                let runs =
                    vec![Run { offset: 0, quads: quads / 2 }, Run { offset: 4 * quads, quads: quads - quads / 2 }];
                let mut line = |_| Line(std::array::from_fn(|_| std::array::from_fn(|_| numbers.next(127) as i8)));
                let lines = (0..quads * vectors).map(&mut line).collect();
                let group = Group { first: 0, vectors, runs, lines };
                let stored = vectors * LANES;
                let place = Place { read: 4, write: stored, map: stored, skip: stored };
                let grid = Grid::new([1, width], Place::default(), Place::default(), place);
                let codes = numbers.codes(8 * quads + 4 * width);
                let shortcut = numbers.codes(2 * width * stored);
                let bias = numbers.vectors(vectors, |x| x);
                let factors = numbers.vectors(vectors, |x| x.abs() % (1 << 15));
                let map: Vec<i32> = numbers.vectors(width * vectors, |x| x).concat();
                let neurons: Vec<Neuron> = (0..stored).map(|c| Neuron::linear_for_tests(1 + 37 * c as i64)).collect();
                let rule = FastRule::new(&neurons).unwrap();
                for case in 0..4 {
                    let negative = (case == 3).then_some(width * stored);
                    let skip = (case >= 2).then_some(Skip { codes: &shortcut, negative, factors: &factors });
                    let start = Start { bias: &bias, map: (case == 1).then_some(map.as_slice()), skip };
                    let run = |vnni: bool| {
                        let job = Job { vnni, codes: &codes, start };
                        let (mut sums, mut found) = (vec![0; width * stored], vec![0; 2 * width * stored]);
                        grid.blocks(1, |places, count, origin| {
                            tiles(job, &group, places, count, origin, &mut Sink::Sums(&mut sums));
                            let mut sink = Sink::Codes { codes: &mut found, negative: width * stored, rule: &rule };
                            tiles(job, &group, places, count, origin, &mut sink);
                        });
                        (sums, found)
                    };
                    assert!(run(true) == run(false), "{vectors} vectors, {quads} quads, {width} places, case {case}");
                }
            }
        }
    }
}
