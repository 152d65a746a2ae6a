//! The innermost loop: the events that a result reads, one after the other, each adding a vector of weights to sums in
//! registers.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a step.

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
}

/// A step's events, some runs of taps, and the results they add to.
pub(super) struct Step<'a> {
    pub(super) block: usize,
    pub(super) runs: &'a [Run],
    pub(super) events: &'a EventList,
    pub(super) output: &'a mut [f32],
    pub(super) rows: &'a mut Vec<u32>,
}

impl EventSynapses {
    /// Adds the currents that a step's events cause.
    pub(super) fn gather(&self, step: Step<'_>) {
        let (_, values, starts) = step.events.parts();
        assert!(
            starts.len() == self.positions * self.groups + 1 && step.output.len() == self.results,
            "a step's events and results"
        );
        assert!(values.is_empty() || values.len() == step.events.len(), "a value for each event, or none");
        assert!(step.events.channels() == self.channels, "events of as many channels");
        assert!(step.runs.len() <= MOST_RUNS, "a tile of few runs");
        match self.instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::avx512(self, step) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::avx2(self, step) },
            Instructions::Portable => self.walk::<Plain<false>>(step),
        }
    }

    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    fn walk<S: Sum>(&self, step: Step<'_>) {
        let Step { block, runs, events, output, rows } = step;
        let (elements, values, starts) = events.parts();
        rows.resize(self.depth + LANES, 0);
        let first = block * self.vectors * LANES;
        let weights = self.weights[block].as_slice();
        let mut read = [(0, (0, 0)); MOST_RUNS];
        for y in 0..self.output[0] {
            let mut count = 0;
            for (number, run) in runs.iter().enumerate() {
                if let Some(row) = self.row(run, y) {
                    read[count] = (number, row);
                    count += 1;
                }
            }
            let read = &read[..count];
            if read.is_empty() {
                continue;
            }
            for x in 0..self.output[1] {
                let result = (y * self.output[1] + x) * self.padded_out + first;
                let output = &mut output[result..][..self.vectors * LANES];
                let (elements, offset, values) = if let &[(run, row)] = read {
                    let run = &runs[run];
                    let Some(reading) = self.reading(run, self.columns[run.columns][x], row, starts) else { continue };
                    let values = if values.is_empty() { values } else { &values[reading.from..reading.to] };
                    (&elements[reading.from..reading.to], reading.offset, values)
                } else {
                    let mut count = 0;
                    for &(run, row) in read {
                        let run = &runs[run];
                        let Some(reading) = self.reading(run, self.columns[run.columns][x], row, starts) else {
                            continue;
                        };
                        // whole vectors: there is room behind both
                        let room = (reading.to - reading.from).next_multiple_of(LANES);
                        let (from, _) = elements[reading.from..][..room].as_chunks::<LANES>();
                        let (to, _) = rows[count..][..room].as_chunks_mut::<LANES>();
                        let mut vector = 0;
                        while vector < from.len().min(to.len()) {
                            to[vector] = from[vector].map(|element| element.wrapping_add(reading.offset));
                            vector += 1;
                        }
                        count += reading.to - reading.from;
                    }
                    (&rows[..count], 0, &[][..])
                };
                // SAFETY: rows lie within `weights`: a run's reading is clipped to the input, so that each of its events
                // belongs to one of its taps and to one of `channels` channels (a list of events takes no others), and
                // there is a row for each of both.
                unsafe { S::add(weights, elements, offset, values, output) };
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

    /// What a result reads through a run, `column` being its own and `row` that of its row; `None`: nothing.
    #[inline]
    fn reading(&self, run: &Run, column: Column, row: (usize, u32), starts: &[u32]) -> Option<Reading> {
        let at = |column: u32| (row.0 + column as usize) * self.groups + run.group;
        let (from, to) = if self.groups == 1 {
            (starts[at(column.low)] as usize, starts[at(column.high)] as usize)
        } else if column.low < column.high {
            // one tap
            (starts[at(column.low)] as usize, starts[at(column.low) + 1] as usize)
        } else {
            return None;
        };
        (from < to).then_some(Reading { from, to, offset: column.offset.wrapping_add(row.1) })
    }
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
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm512_add_ps, _mm512_fmadd_ps, _mm512_load_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps,
        _mm512_storeu_ps,
    };

    use super::{EventSynapses, LANES, Plain, Step, Sum, Vector};

    /// # Safety
    /// The machine has AVX2 and FMA.
    #[target_feature(enable = "avx2,fma")]
    pub(super) unsafe fn avx2(synapses: &EventSynapses, step: Step<'_>) {
        synapses.walk::<Plain<true>>(step);
    }

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(synapses: &EventSynapses, step: Step<'_>) {
        match synapses.vectors {
            1 => synapses.walk::<Wide<1>>(step),
            2 => synapses.walk::<Wide<2>>(step),
            3 => synapses.walk::<Wide<3>>(step),
            4 => synapses.walk::<Wide<4>>(step),
            _ => synapses.walk::<Plain<true>>(step),
        }
    }

    /// `N` vectors in registers, on machines with AVX-512F.
    struct Wide<const N: usize>;

    impl<const N: usize> Sum for Wide<N> {
        #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
        #[inline(always)]
        unsafe fn add(weights: &[Vector], elements: &[u32], offset: u32, values: &[f32], output: &mut [f32]) {
            // SAFETY: this function's contract.
            unsafe { sums::<N>(weights, elements, offset, values, output) }
        }
    }

    /// # Safety
    /// As for [`Sum::add`], with `N` vectors, on a machine with AVX-512F.
    #[allow(clippy::cast_ptr_alignment)] // places are multiples of a vector's size
    #[target_feature(enable = "avx512f")]
    #[inline]
    unsafe fn sums<const N: usize>(
        weights: &[Vector],
        elements: &[u32],
        offset: u32,
        values: &[f32],
        output: &mut [f32],
    ) {
        let mut sums = [_mm512_setzero_ps(); N];
        let (mut n, mut i) = (0, 0);
        // offsets wrap where a run begins in the padding
        let weights = weights.as_ptr().cast::<u8>().wrapping_offset((offset as i32) as isize);
        // loops by hand: iterators are not always inlined into code for other instructions
        // SAFETY: this function's contract; vectors are aligned.
        unsafe {
            while n < N {
                sums[n] = _mm512_loadu_ps(output.as_ptr().add(n * LANES));
                n += 1;
            }
            if values.is_empty() {
                while i < elements.len() {
                    let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<Vector>();
                    n = 0;
                    while n < N {
                        sums[n] = _mm512_add_ps(sums[n], _mm512_load_ps(row.add(n).cast()));
                        n += 1;
                    }
                    i += 1;
                }
            } else {
                while i < elements.len() {
                    let row = weights.wrapping_add(*elements.get_unchecked(i) as usize).cast::<Vector>();
                    let value = _mm512_set1_ps(*values.get_unchecked(i));
                    n = 0;
                    while n < N {
                        sums[n] = _mm512_fmadd_ps(_mm512_load_ps(row.add(n).cast()), value, sums[n]);
                        n += 1;
                    }
                    i += 1;
                }
            }
            n = 0;
            while n < N {
                _mm512_storeu_ps(output.as_mut_ptr().add(n * LANES), sums[n]);
                n += 1;
            }
        }
    }
}
