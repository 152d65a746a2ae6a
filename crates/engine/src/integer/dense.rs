//! Convolution and linear layers on codes: direct, on maps that carry their padding.

use super::geometry::Geometry;
use super::isa::Isa;
use super::layout::{LANES, Layout, Planes};
use super::pack::{Pass, Room, byte_passes, word_passes};
use super::places::{Grid, Place};
use super::tile::{Group, Job, Sink, Skip, Start, tiles};
use super::winograd::Winograd;
use super::words::Words;

/// How codes are to be multiplied.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// As bytes, in a pass for each byte of them.
    Bytes,
    /// As 16-bit numbers: in one pass, or in passes that keep within this room.
    Words(Option<Room>),
}

/// A convolution with packed weights.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    isa: Isa,
    input: Layout,
    planes: Planes,
    geometry: Geometry,
    passes: Passes,
}

#[derive(Debug, Clone)]
enum Passes {
    Bytes(Vec<Pass<u8>>),
    Words(Words, Vec<Pass<i16>>),
    Winograd(Box<Winograd>),
}

/// Memory of a thread.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Codes as 16-bit numbers.
    pub(super) words: Vec<i16>,
    /// Products.
    pub(super) sums: Vec<i32>,
}

/// What is added to a convolution's sums.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// A map of channels.
    pub(super) map: Option<&'a [i32]>,
    pub(super) skip: Option<Skip<'a>>,
}

/// What a layer multiplies, and where the positions of its samples lie: as the grid says, from `first` on.
#[derive(Clone, Copy)]
pub(super) struct Positions<'a> {
    pub(super) codes: &'a [u8],
    pub(super) grid: &'a Grid,
    pub(super) first: Place,
}

impl Dense {
    /// Packs weights: `weight(o, i, tap)` for channels of the result and of the input, counted within their group.
    /// `largest` is that of the codes' magnitudes. `None` where codes are no numbers of 16 bits and should be.
    pub(super) fn new(
        (isa, form): (Isa, &Form),
        geometry: Geometry,
        (input, planes, largest): (&Layout, Planes, i64),
        weight: impl Fn(usize, usize, [usize; 2]) -> i8,
        bias: &[i32],
    ) -> Option<Self> {
        let source = (input, planes, largest);
        let transformed = match form {
            Form::Words(None) if worth_transforming(&geometry) => Winograd::new(isa, &geometry, source, &weight, bias),
            _ => None,
        };
        let passes = match (form, transformed) {
            (_, Some(winograd)) => Passes::Winograd(Box::new(winograd)),
            (Form::Bytes, None) => Passes::Bytes(byte_passes(&geometry, input, planes, &weight, bias)),
            (Form::Words(room), None) => {
                let words = Words::new(planes, input, largest)?;
                let passes = match words.beside() {
                    None => word_passes(&geometry, input, &words, room.as_ref(), &weight, bias),
                    // groups would find their inputs in two places
                    Some(_) if geometry.groups > 1 => return None,
                    Some(stored) => {
                        let twice = Geometry { channels: [2 * stored, geometry.channels[1]], ..geometry };
                        let signed = |o: usize, i: usize, tap| match (i % stored, i / stored) {
                            (i, below) if i < input.channels => weight(o, i, tap) * if below == 0 { 1 } else { -1 },
                            _ => 0,
                        };
                        word_passes(&twice, &words.layout(input), &words, room.as_ref(), &signed, bias)
                    }
                };
                Passes::Words(words, passes)
            }
        };
        Some(Self { isa, input: input.clone(), planes, geometry, passes })
    }

    /// Vectors of channels of the result.
    pub(super) fn vectors(&self) -> usize {
        self.geometry.vectors()
    }

    /// Bytes of an input sample.
    fn sample(&self) -> usize {
        self.planes.count() * self.input.bytes()
    }

    /// How many sums there are for each result.
    pub(super) fn passes(&self) -> usize {
        match &self.passes {
            Passes::Bytes(passes) => passes.len(),
            Passes::Words(_, passes) => passes.len(),
            Passes::Winograd(_) => 1,
        }
    }

    /// By how many bits the sums of a pass count more than those of the one before.
    pub(super) fn shift(&self) -> u32 {
        match &self.passes {
            Passes::Bytes(_) => 8,
            Passes::Words(..) | Passes::Winograd(_) => 0,
        }
    }

    /// Where positions are read and written: in codes of the layout `to` with so many planes or, without, in sums. A map of
    /// further terms is one for all samples, or each has its own; a shortcut has a layout and a number of planes, too.
    pub(super) fn grid(
        &self,
        to: Option<(&Layout, usize)>,
        map_each: Option<bool>,
        skip: Option<(&Layout, usize)>,
    ) -> Grid {
        let [rows, columns] = self.geometry.output;
        let stored = self.vectors() * LANES;
        let in_layout = |of: Option<(&Layout, usize)>| {
            of.map_or([0; 3], |(layout, planes)| [planes * layout.bytes(), layout.row(), layout.stored])
        };
        let sums = [rows * columns * stored, columns * stored, stored];
        let write = if to.is_some() { in_layout(to) } else { sums };
        let map = match map_each {
            None => [0; 3],
            Some(false) => [0, sums[1], sums[2]],
            Some(true) => sums,
        };
        let skip = in_layout(skip);
        let [down, right] = self.geometry.stride;
        let read = match &self.passes {
            Passes::Words(words, _) => {
                let layout = words.layout(&self.input);
                [layout.volume(), down * layout.row(), right * layout.stored]
            }
            _ => [self.sample(), down * self.input.row(), right * self.input.stored],
        };
        let [sample, row, column] =
            [0, 1, 2].map(|i| Place { read: read[i], write: write[i], map: map[i], skip: skip[i] });
        Grid::new(self.geometry.output, sample, row, column)
    }

    /// Computes all results: the sums of one pass or, where there is only one, the codes of the neurons behind. Bias and terms
    /// belong to the first.
    pub(super) fn run(
        &self,
        pass: usize,
        at: Positions<'_>,
        terms: Terms<'_>,
        sink: &mut Sink<'_>,
        memory: &mut Memory,
    ) {
        let samples = at.codes.len() / self.sample();
        match &self.passes {
            Passes::Winograd(winograd) => winograd.run(at, terms, sink, memory),
            Passes::Bytes(passes) => at.grid.blocks(samples, |places, count, origin| {
                let Pass { groups, bias } = &passes[pass];
                let job = Job { isa: self.isa, codes: at.codes, start: start(bias, terms) };
                for group in groups {
                    tiles(job, group, places, count, origin.plus(at.first), sink);
                }
            }),
            Passes::Words(words, passes) => at.grid.blocks(samples, |places, count, origin| {
                let Pass { groups, bias } = &passes[pass];
                let reach = groups.iter().map(Group::reach).max().unwrap_or(0);
                let last = places.first(count).last().map_or(0, |last| last.read);
                let codes = words.read(at.codes, origin.read..origin.read + last + reach, &mut memory.words);
                let job = Job { isa: self.isa, codes, start: start(bias, terms) };
                let origin = Place { read: 0, ..origin.plus(at.first) };
                for group in groups {
                    tiles(job, group, places, count, origin, sink);
                }
            }),
        }
    }
}

/// Whether there is enough to multiply for transforms to pay, and positions for the weights, which become nearly twice as many.
fn worth_transforming(geometry: &Geometry) -> bool {
    geometry.channels[0] >= 32 && geometry.output.iter().product::<usize>() >= 16
}

fn start<'a>(bias: &'a [[i32; LANES]], terms: Terms<'a>) -> Start<'a> {
    Start { bias, map: terms.map, skip: terms.skip }
}
