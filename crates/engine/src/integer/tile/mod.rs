//! The innermost loop: products of codes and signed 8-bit weights, sixteen result channels side by side, for several
//! positions at a time, and the codes that the sums become.
#![allow(unsafe_code)] // Calls of kernels for instructions that the machine has, with bounds checked once a call.

#[cfg(target_arch = "x86_64")]
pub(super) mod avx2;
#[cfg(target_arch = "aarch64")]
mod neon;
mod operand;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod vnni;

pub(super) use self::operand::{Operand, WordLine};
pub(super) use self::portable::{add_terms, store};
use super::isa::Isa;
use super::layout::LANES;
use super::neuron::FastRule;
use super::places::{Place, Places};
use crate::kernels::vectors::vectorised;

/// Neighbouring codes of the input, in fours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) offset: usize,
    pub(super) quads: usize,
}

/// The weights of some vectors of result channels, at most [`Operand::VECTORS`].
#[derive(Debug, Clone)]
pub(super) struct Group<O: Operand> {
    /// Its first vector of channels, and how many.
    pub(super) first: usize,
    pub(super) vectors: usize,
    /// What it reads, relative to a position.
    pub(super) runs: Vec<Run>,
    /// For each four codes of the runs, a line a vector.
    pub(super) lines: Vec<O::Line>,
}

impl<O: Operand> Group<O> {
    /// End of what it reads, relative to a position.
    pub(super) fn reach(&self) -> usize {
        self.runs.iter().map(|run| run.offset + 4 * run.quads).max().unwrap_or(0)
    }
}

/// A shortcut: codes that are added, each channel with a factor.
#[derive(Clone, Copy)]
pub(super) struct Skip<'a> {
    pub(super) codes: &'a [u8],
    /// Where the magnitudes of negative codes are, relative to the positive ones.
    pub(super) negative: Option<usize>,
    /// Where the more significant bytes are, relative to the others, if they count.
    pub(super) high: Option<usize>,
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
    /// The codes, unsigned or signed; `negative` is where the planes of negative magnitudes are, `high` where the more significant
    /// bytes of codes of two bytes are, relative to the others.
    Codes { codes: &'a mut [u8], negative: usize, high: Option<usize>, rule: &'a FastRule },
}

/// What a group's results are computed from.
#[derive(Clone, Copy)]
pub(super) struct Job<'a, O> {
    pub(super) isa: Isa,
    pub(super) codes: &'a [O],
    pub(super) start: Start<'a>,
}

/// Computes the results of a group at places, which are seen from an origin. Unsafe to call where the machine lacks the
/// kernel's instructions, or what [`tiles`] checks does not hold.
type Kernel<O> = unsafe fn(&[O], &Group<O>, Start<'_>, &[Place], Place, &mut Sink<'_>);

/// Computes a group's results at the first `count` places, seen from `origin`.
///
/// # Panics
/// When a place is out of the bounds of what is read or written.
pub(super) fn tiles<O: Operand>(
    job: Job<'_, O>,
    group: &Group<O>,
    places: &Places,
    count: usize,
    origin: Place,
    sink: &mut Sink<'_>,
) {
    let places = places.first(count);
    // offsets grow, so that the last are the largest
    let Some(last) = places.last().map(|last| last.plus(origin)) else { return };
    let end = group.first + group.vectors;
    let Job { isa, codes, start } = job;
    assert!(last.read + group.reach() <= codes.len(), "a tile must read within its input");
    assert!(group.lines.len() == group.vectors * group.runs.iter().map(|run| run.quads).sum::<usize>());
    check(start, sink, end, last);
    let wide = start.skip.is_some_and(|skip| skip.high.is_some()) || matches!(sink, Sink::Codes { high: Some(_), .. });
    match O::kernel(isa, group.vectors, wide) {
        // SAFETY: whoever made the job has asked the machine for these instructions. Every place, with the origin and the
        // group's reach or its channels added, lies within what it reads and writes, and there is a line for each vector
        // and quad: all just checked.
        Some(kernel) => unsafe { kernel(codes, group, start, places, origin, sink) },
        None => vectorised(
            #[inline(always)]
            || portable::tiles(codes, group, start, places, origin, sink),
        ),
    }
}

/// Checks that the terms and results of all vectors of channels before `end` lie within what is read and written, at the last
/// place and so at those whose offsets are not larger.
///
/// # Panics
/// When they do not.
pub(super) fn check(start: Start<'_>, sink: &Sink<'_>, end: usize, last: Place) {
    let channels = end * LANES;
    assert!(start.bias.len() >= end && start.map.is_none_or(|map| last.map + channels <= map.len()));
    if let Some(skip) = start.skip {
        let beyond = last.skip + skip.negative.unwrap_or(0) + skip.high.unwrap_or(0) + channels;
        assert!(beyond <= skip.codes.len() && skip.factors.len() >= end, "a shortcut must read within its codes");
    }
    let write = last.write + channels;
    match sink {
        Sink::Sums(sums) => assert!(write <= sums.len(), "a tile must write within its output"),
        Sink::Codes { codes, negative, high, rule } => {
            let beyond = if rule.signed { *negative } else { 0 } + high.unwrap_or(0);
            assert!(write + beyond <= codes.len() && rule.inverse.len() >= end, "a tile must write within its output");
        }
    }
}
