//! The innermost loop: the events that a result reads, one after the other, each adding a vector of weights to sums in
//! registers.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a visit.

#[cfg(target_arch = "x86_64")]
mod x86;

use std::ops::Range;

use super::super::tile::{Instructions, LANES};
use super::{Column, EventList, EventSynapses, MOST_RUNS, Run, VECTOR, Vector, scale};

/// A run of taps as one result reads it: events, and what to add to an element for the place of its weights.
#[derive(Debug, Clone, Copy)]
struct Reading {
    from: usize,
    to: usize,
    offset: u32,
}

/// Adds the weights at `elements + offset` (in bytes), times values where there are any, to a result.
trait Sum {
    /// To be marked `#[inline(always)]`.
    ///
    /// # Safety
    /// `output` is a block's vectors, and `weights` as many at each place; there is a value for each element, or none. What
    /// the implementation says of instructions holds.
    unsafe fn add(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]);

    /// Copies a reading's elements as places of weights; how many there are. To be marked `#[inline(always)]`.
    ///
    /// # Safety
    /// There is room for a vector behind the reading's elements, and behind as many rows. What the implementation says of
    /// instructions holds.
    unsafe fn bring(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize;
}

/// Where the results of a block of channels lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places {
    /// Distance of positions.
    pub(super) position: usize,
    /// Distance of steps.
    pub(super) step: usize,
}

/// Some runs of taps at some positions, in some steps.
pub(super) struct Visit<'a> {
    pub(super) block: usize,
    pub(super) runs: &'a [Run],
    /// Of the results.
    pub(super) positions: Range<usize>,
    pub(super) events: &'a [EventList],
    /// Which of these steps.
    pub(super) steps: &'a [usize],
    /// From the block's first channel at the first of the positions on.
    pub(super) output: &'a mut [f32],
    pub(super) places: Places,
    pub(super) rows: &'a mut Vec<u32>,
}

impl EventSynapses {
    /// Adds the currents that events cause. At each position the steps follow each other, so that the weights of inputs
    /// that fire again and again are found in the nearest cache.
    pub(super) fn gather(&self, visit: Visit<'_>) {
        for &step in visit.steps {
            let events = &visit.events[step];
            let (_, values, starts) = events.parts();
            assert!(starts.len() == self.positions * self.groups + 1, "a list of events of the input");
            assert!(values.is_empty() || values.len() == events.len(), "a value for each event, or none");
            assert!(values.is_empty() || visit.runs.len() == 1, "values of one run");
            assert!(events.channels() == self.channels, "events of as many channels");
        }
        assert!(visit.positions.end <= self.output[0] * self.output[1], "positions of the result");
        assert!(visit.runs.len() <= MOST_RUNS, "a tile of few runs");
        match self.instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::avx512(self, visit) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::avx2(self, visit) },
            Instructions::Portable => self.walk::<Plain<false>>(visit),
        }
    }

    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    fn walk<S: Sum>(&self, visit: Visit<'_>) {
        let Visit { block, runs, positions, events, steps, output, places, rows } = visit;
        rows.resize(self.depth + LANES, 0);
        let weights = self.weights[block].as_slice();
        let mut read = [(0, 0, 0u32); MOST_RUNS];
        let (mut y, mut x) = (positions.start / self.output[1], positions.start % self.output[1]);
        for position in 0..positions.len() {
            // what the position reads is the same in all steps
            let mut count = 0;
            for run in runs {
                if let Some((first, row)) = self.row(run, y) {
                    let column = self.columns[run.columns][x];
                    let (low, high) = self.bounds(run, column, first);
                    if low < high {
                        read[count] = (low, high, column.offset.wrapping_add(row));
                        count += 1;
                    }
                }
            }
            for &step in steps {
                let (elements, values, starts) = events[step].parts();
                let result = position * places.position + step * places.step;
                let output = &mut output[result..][..self.vectors * LANES];
                if let &[(low, high, offset)] = &read[..count] {
                    let (from, to) = (starts[low] as usize, starts[high] as usize);
                    if from == to {
                        continue;
                    }
                    let values = if values.is_empty() { values } else { &values[from..to] };
                    // SAFETY: places lie within `weights`: a run is clipped to the input, so that each of its events
                    // belongs to one of its taps and to one of `channels` channels (a list of events takes no others),
                    // and there is a row of weights for each of both.
                    unsafe { S::add(weights, &elements[from..to], offset, values, output) };
                } else {
                    let mut count_of_rows = 0;
                    for &(low, high, offset) in &read[..count] {
                        let reading = Reading { from: starts[low] as usize, to: starts[high] as usize, offset };
                        // SAFETY: a list has room for a vector behind its elements; there are no more elements than rows of
                        // weights, for which there is room, and for a vector more.
                        count_of_rows += unsafe { S::bring(elements, reading, &mut rows[count_of_rows..]) };
                    }
                    // SAFETY: as above.
                    unsafe { S::add(weights, &rows[..count_of_rows], 0, &[], output) };
                }
            }
            x += 1;
            if x == self.output[1] {
                (y, x) = (y + 1, 0);
            }
        }
    }

    /// The row of the input that a row of results reads through a run: the number of its first position, and what to add
    /// to elements beside what columns add; `None` in the padding.
    #[inline]
    fn row(&self, run: &Run, y: usize) -> Option<(usize, u32)> {
        let y = (y * self.stride[0] + run.offset).checked_sub(self.pad[0]).filter(|&y| y < self.input[0])?;
        let first = (run.row * self.channels).wrapping_sub(y * self.input[1] * self.channels);
        Some((y * self.input[1], (first as u32).wrapping_mul(scale(self.vectors))))
    }

    /// Where in the list of starts the events that a result reads through a run begin and end; `first` is its row's first
    /// position.
    #[inline]
    fn bounds(&self, run: &Run, column: Column, first: usize) -> (usize, usize) {
        let at = |column: u32| (first + column as usize) * self.groups + run.group;
        if self.groups == 1 || column.low >= column.high {
            (at(column.low), at(column.high))
        } else {
            // one tap
            (at(column.low), at(column.low) + 1)
        }
    }
}

/// Copies a run's elements as places of weights, whole vectors at a time: there is room behind both.
#[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
#[inline(always)]
fn bring(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize {
    let count = reading.to - reading.from;
    let room = count.next_multiple_of(LANES);
    let (from, _) = elements[reading.from..][..room].as_chunks::<LANES>();
    let (to, _) = rows[..room].as_chunks_mut::<LANES>();
    let mut vector = 0;
    while vector < from.len().min(to.len()) {
        let mut lane = 0;
        while lane < LANES {
            to[vector][lane] = from[vector][lane].wrapping_add(reading.offset);
            lane += 1;
        }
        vector += 1;
    }
    count
}

/// The loop as it stands; `FUSED`: products are added without being rounded, as the dense product does on such machines.
struct Plain<const FUSED: bool>;

impl<const FUSED: bool> Sum for Plain<FUSED> {
    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    unsafe fn add(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]) {
        let vectors = output.len() / LANES;
        for vector in 0..vectors {
            let output = &mut output[vector * LANES..][..LANES];
            let mut sums = [0.0f32; LANES];
            sums.copy_from_slice(output);
            for (i, element) in elements.iter().enumerate() {
                let weights = &weights[(element.wrapping_add(offset) / VECTOR) as usize + vector].0;
                for lane in 0..LANES {
                    sums[lane] = match values.get(i) {
                        None => sums[lane] + weights[lane],
                        Some(x) if FUSED => weights[lane].mul_add(*x, sums[lane]),
                        Some(x) => sums[lane] + weights[lane] * x,
                    };
                }
            }
            output.copy_from_slice(&sums);
        }
    }

    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    unsafe fn bring(elements: &[u32], reading: Reading, rows: &mut [u32]) -> usize {
        bring(elements, reading, rows)
    }
}
