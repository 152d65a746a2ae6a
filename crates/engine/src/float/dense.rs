//! The weights of convolutions and linear layers, packed for the tiles that read them.

use std::ops::Range;

use super::packed::Packed;
use super::positions::Blocks;
use super::tile::{Part, Run};
use crate::channels_last::{Geometry, Layout};

/// A convolution: `weight(o, i, tap)` for channels of the result and of the input, counted within their group.
pub(super) struct Convolution<'a> {
    pub(super) geometry: Geometry,
    pub(super) input: Layout,
    pub(super) weight: Box<dyn Fn(usize, usize, [usize; 2]) -> f32 + 'a>,
}

/// Up to three vectors of channels of the result, and how their sums come about.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// The first channel.
    pub(super) channel: usize,
    pub(super) vectors: usize,
    /// One after the other for all positions of a block.
    pub(super) stages: Vec<Stage>,
}

/// Terms whose weights stay in the first cache while they pass over the positions of a block.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) parts: Vec<Part>,
    pub(super) weights: Packed,
    /// The positions whose windows have these terms, ascending; all if that is `None`.
    pub(super) positions: Option<Vec<u32>>,
}

/// Numbers of weights that stay in the first cache beside what is read (18 KiB).
const STAGE: usize = 4608;

/// A tap of a convolution, for some channels of the input.
#[derive(Debug, Clone)]
struct Term {
    source: usize,
    tap: [usize; 2],
    channels: Range<usize>,
}

/// Packs all convolutions of a sum over `channels` channels, `stored` with what fills them up.
pub(super) fn pack(
    convolutions: &[Convolution<'_>],
    channels: usize,
    stored: usize,
    lanes: usize,
    blocks: &Blocks,
) -> Vec<Group> {
    let grouped = convolutions.iter().any(|c| c.geometry.groups > 1);
    let by_tap = by_tap(convolutions, blocks);
    groups(stored / lanes, grouped)
        .map(|vectors| {
            let width = vectors.len() * lanes;
            let results = vectors.start * lanes..(vectors.end * lanes).min(channels);
            let most = STAGE / width;
            let terms: Vec<Term> = (convolutions.iter().enumerate())
                .flat_map(|(source, convolution)| convolution.terms(source, &results))
                .flat_map(|term| term.split(most))
                .collect();
            let stage = |terms: &[Term], positions| Stage::new(convolutions, terms, &results, width, positions);
            let stages = if by_tap {
                let valid = |term: &Term| convolutions[term.source].valid(term.tap, blocks);
                let taps = terms.iter().map(|term| stage(std::slice::from_ref(term), valid(term)));
                std::iter::once(Stage::empty()).chain(taps).chain([Stage::empty()]).collect()
            } else {
                divided(&terms, most).into_iter().map(|terms| stage(terms, None)).collect()
            };
            Group { channel: vectors.start * lanes, vectors: vectors.len(), stages }
        })
        .collect()
}

/// Terms in parts of about equal size, none much larger than `most` elements of the input; at least one part.
fn divided(terms: &[Term], most: usize) -> Vec<&[Term]> {
    let total: usize = terms.iter().map(|term| term.channels.len()).sum();
    let each = total.div_ceil(total.div_ceil(most).max(1));
    let mut parts = Vec::new();
    let (mut start, mut so_far) = (0, 0);
    for (i, term) in terms.iter().enumerate() {
        if so_far >= each {
            parts.push(&terms[start..i]);
            (start, so_far) = (i, 0);
        }
        so_far += term.channels.len();
    }
    parts.push(&terms[start..]);
    parts
}

/// Vectors in twos and, where their number is odd, three at the end. Groups of channels have inputs of their own, so that
/// their vectors go one by one.
fn groups(vectors: usize, grouped: bool) -> impl Iterator<Item = Range<usize>> {
    let size = if grouped || vectors == 1 { 1 } else { 2 };
    let count = vectors / size;
    (0..count).map(move |i| i * size..if i + 1 == count { vectors } else { (i + 1) * size })
}

/// Whether each tap is to run over the positions where it does not read padding only. It costs a way of the sums through
/// memory, and saves the taps that read the halo.
fn by_tap(convolutions: &[Convolution<'_>], blocks: &Blocks) -> bool {
    /// What loading and storing a tile of sums costs, in terms.
    const MEMORY: usize = 4;
    if !blocks.are_whole() {
        return false;
    }
    let mut all = 0;
    let mut valid = 4 * MEMORY * blocks.most();
    for convolution in convolutions {
        let [inputs, _] = convolution.geometry.channels;
        let inputs = inputs / convolution.geometry.groups;
        for tap in convolution.taps() {
            let positions = convolution.valid(tap, blocks).map_or(blocks.most(), |positions| positions.len());
            all += blocks.most() * inputs;
            valid += positions * (inputs + MEMORY);
        }
    }
    valid < all
}

impl Convolution<'_> {
    pub(super) fn taps(&self) -> impl Iterator<Item = [usize; 2]> + use<> {
        let [height, width] = self.geometry.kernel;
        (0..height).flat_map(move |y| (0..width).map(move |x| [y, x]))
    }

    /// The terms of some channels of the result.
    fn terms(&self, source: usize, results: &Range<usize>) -> Vec<Term> {
        let [inputs, outputs] = self.geometry.channels.map(|n| n / self.geometry.groups);
        // the input channels of the groups that these results belong to
        let channels = results.start / outputs * inputs..((results.end - 1) / outputs + 1) * inputs;
        self.taps().map(|tap| Term { source, tap, channels: channels.clone() }).collect()
    }

    /// Where a tap reads, relative to a position.
    pub(super) fn offset(&self, tap: [usize; 2]) -> usize {
        let Geometry { before, dilation, .. } = self.geometry;
        let [y, x] = [0, 1].map(|a| self.input.before[a] - before[a] + tap[a] * dilation[a]);
        y * self.input.row() + x * self.input.stored
    }

    /// The positions of the largest block, which holds whole samples, where a tap reads no padding; `None` for all.
    fn valid(&self, tap: [usize; 2], blocks: &Blocks) -> Option<Vec<u32>> {
        let Geometry { before, dilation, stride, .. } = self.geometry;
        let inside = |[_, y, x]: [usize; 3]| {
            let reads = |a: usize, at: usize| {
                (at * stride[a] + tap[a] * dilation[a])
                    .checked_sub(before[a])
                    .is_some_and(|at| at < self.input.extents[a])
            };
            reads(0, y) && reads(1, x)
        };
        let valid: Vec<u32> = (0..).zip(blocks.positions()).filter(|(_, at)| inside(*at)).map(|(i, _)| i).collect();
        (valid.len() < blocks.most()).then_some(valid)
    }

    /// The weight of an input channel for a result, which may not exist or be of another group.
    fn weight(&self, result: usize, input: usize, tap: [usize; 2]) -> f32 {
        let [inputs, outputs] = self.geometry.channels.map(|n| n / self.geometry.groups);
        match input.checked_sub(result / outputs * inputs) {
            Some(own) if own < inputs => (self.weight)(result, own, tap),
            _ => 0.0,
        }
    }
}

impl Term {
    /// The same in pieces of about `most` channels or fewer.
    fn split(self, most: usize) -> impl Iterator<Item = Self> {
        let pieces = self.channels.len().div_ceil(most).max(1);
        let at = move |piece: usize, channels: &Range<usize>| channels.start + piece * channels.len() / pieces;
        (0..pieces).map(move |piece| Self {
            channels: at(piece, &self.channels)..at(piece + 1, &self.channels),
            ..self.clone()
        })
    }
}

impl Stage {
    /// Nothing but a way of sums through memory.
    fn empty() -> Self {
        Self { parts: Vec::new(), weights: Packed::default(), positions: None }
    }

    fn new(
        convolutions: &[Convolution<'_>],
        terms: &[Term],
        results: &Range<usize>,
        width: usize,
        positions: Option<Vec<u32>>,
    ) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        let mut weights = Vec::new();
        for term in terms {
            let convolution = &convolutions[term.source];
            if parts.last().is_none_or(|part| part.source != term.source) {
                parts.push(Part { source: term.source, runs: Vec::new() });
            }
            let run = Run { offset: convolution.offset(term.tap) + term.channels.start, length: term.channels.len() };
            if let Some(part) = parts.last_mut() {
                match part.runs.last_mut() {
                    Some(last) if last.offset + last.length == run.offset => last.length += run.length,
                    _ => part.runs.push(run),
                }
            }
            for input in term.channels.clone() {
                let all = (results.start..results.start + width).map(|result| {
                    if results.contains(&result) { convolution.weight(result, input, term.tap) } else { 0.0 }
                });
                weights.extend(all);
            }
        }
        Self { parts, weights: Packed::copy(&weights, weights.len()), positions }
    }
}
