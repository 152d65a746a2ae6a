//! The innermost loop: vectors of weights added to results that are held in registers while a position's events pass.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a position.

use super::super::tile::{Instructions, LANES, Loop};
use super::{EventList, EventSynapses, MOST_VECTORS, Piece};

impl EventSynapses {
    /// Adds the currents of a step to a block of result channels.
    pub(super) fn scatter(&self, block: usize, weights: &[f32], events: &EventList, output: &mut [f32]) {
        assert!(events.positions() == self.positions, "events must be those of the input");
        assert!(output.len() == self.results && weights.len() == self.channels * self.row, "a step's results");
        let mut offsets = [0; MOST_VECTORS];
        for (n, offset) in offsets.iter_mut().enumerate() {
            *offset = n / self.vectors * self.padded_out + n % self.vectors * LANES;
        }
        let mut step = Step {
            synapses: self,
            first: block * self.vectors * LANES,
            weights,
            events,
            output,
            offsets,
            fused: self.instructions != Instructions::Portable,
        };
        match self.instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::avx512(&mut step) },
            instructions => instructions.with(step),
        }
    }
}

impl EventSynapses {
    /// Where the events of a position go.
    #[inline]
    fn pieces(&self, position: usize) -> &[Piece] {
        &self.pieces[self.starts[position] as usize..self.starts[position + 1] as usize]
    }
}

/// A step's events and the results they add to.
struct Step<'a> {
    synapses: &'a EventSynapses,
    /// First channel of the block.
    first: usize,
    weights: &'a [f32],
    events: &'a EventList,
    output: &'a mut [f32],
    /// Where the vectors of a piece lie, from its first result on.
    offsets: [usize; MOST_VECTORS],
    /// Whether products are added without being rounded, as the dense product does on this machine.
    fused: bool,
}

impl Loop for Step<'_> {
    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    fn run(self) {
        let (row, vectors) = (self.synapses.row, self.synapses.vectors);
        for position in 0..self.synapses.positions {
            let (channels, values) = self.events.at(position);
            if channels.is_empty() {
                continue;
            }
            for piece in self.synapses.pieces(position) {
                for n in 0..piece.taps as usize * vectors {
                    let result = self.first + piece.result as usize + self.offsets[n];
                    let result = &mut self.output[result..][..LANES];
                    let mut sums = [0.0f32; LANES];
                    sums.copy_from_slice(result);
                    for (i, &channel) in channels.iter().enumerate() {
                        let weights = &self.weights[channel as usize * row + piece.weight as usize + n * LANES..];
                        match values.get(i) {
                            None => sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += w),
                            Some(&x) if self.fused => {
                                sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum = w.mul_add(x, *sum));
                            }
                            Some(&x) => sums.iter_mut().zip(weights).for_each(|(sum, w)| *sum += w * x),
                        }
                    }
                    result.copy_from_slice(&sums);
                }
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _mm512_add_ps, _mm512_fmadd_ps, _mm512_loadu_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
    };

    use super::{LANES, MOST_VECTORS, Step};

    /// # Safety
    /// The machine has AVX-512F.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(step: &mut Step<'_>) {
        let synapses = step.synapses;
        let results = synapses.results;
        for position in 0..synapses.positions {
            let (channels, values) = step.events.at(position);
            let Some(&last) = channels.last() else { continue };
            // channels ascend
            assert!(last < synapses.channels as u32, "an event of a channel that is not there");
            for piece in synapses.pieces(position) {
                let vectors = piece.taps as usize * synapses.vectors;
                let first = step.first + piece.result as usize;
                assert!(
                    first + step.offsets[vectors - 1] + LANES <= results
                        && piece.weight as usize + vectors * LANES <= synapses.row,
                    "a piece must lie within the results and a channel's weights"
                );
                // SAFETY: each result of the piece lies within `output`, which holds `results`; each channel's weights
                // lie within `weights`, which holds a row for each of `channels`: all just checked, the lengths by
                // `scatter`. AVX-512F is this function's contract.
                unsafe {
                    let output = step.output.as_mut_ptr().add(first);
                    let weights = step.weights.as_ptr().add(piece.weight as usize);
                    let run = Run { output, offsets: &step.offsets, weights, row: synapses.row, channels, values };
                    run.dispatch(vectors);
                }
            }
        }
    }

    /// A piece with the events that add to it.
    struct Run<'a> {
        output: *mut f32,
        offsets: &'a [usize; MOST_VECTORS],
        weights: *const f32,
        row: usize,
        channels: &'a [u32],
        values: &'a [f32],
    }

    impl Run<'_> {
        /// # Safety
        /// As for [`Run::add`].
        #[target_feature(enable = "avx512f")]
        #[inline]
        unsafe fn dispatch(&self, vectors: usize) {
            // SAFETY: this function's contract.
            unsafe {
                match vectors {
                    1 => self.add::<1>(),
                    2 => self.add::<2>(),
                    3 => self.add::<3>(),
                    4 => self.add::<4>(),
                    5 => self.add::<5>(),
                    6 => self.add::<6>(),
                    7 => self.add::<7>(),
                    8 => self.add::<8>(),
                    9 => self.add::<9>(),
                    10 => self.add::<10>(),
                    11 => self.add::<11>(),
                    12 => self.add::<12>(),
                    13 => self.add::<13>(),
                    14 => self.add::<14>(),
                    15 => self.add::<15>(),
                    _ => self.add::<16>(),
                }
            }
        }

        /// # Safety
        /// The machine has AVX-512F; `output` at the first `N` offsets and `weights` at each channel's row have room for
        /// a vector, weights for `N`; there is a value for each channel, or none.
        #[target_feature(enable = "avx512f")]
        #[inline]
        unsafe fn add<const N: usize>(&self) {
            let mut sums = [_mm512_setzero_ps(); N];
            let (mut n, mut i) = (0, 0);
            // loops by hand: iterators are not always inlined into code for other instructions
            // SAFETY: this function's contract.
            unsafe {
                while n < N {
                    sums[n] = _mm512_loadu_ps(self.output.add(self.offsets[n]));
                    n += 1;
                }
                if self.values.is_empty() {
                    while i < self.channels.len() {
                        let weights = self.weights.add(self.channels[i] as usize * self.row);
                        n = 0;
                        while n < N {
                            sums[n] = _mm512_add_ps(sums[n], _mm512_loadu_ps(weights.add(n * LANES)));
                            n += 1;
                        }
                        i += 1;
                    }
                } else {
                    while i < self.channels.len() {
                        let weights = self.weights.add(self.channels[i] as usize * self.row);
                        let value = _mm512_set1_ps(self.values[i]);
                        n = 0;
                        while n < N {
                            sums[n] = _mm512_fmadd_ps(_mm512_loadu_ps(weights.add(n * LANES)), value, sums[n]);
                            n += 1;
                        }
                        i += 1;
                    }
                }
                n = 0;
                while n < N {
                    _mm512_storeu_ps(self.output.add(self.offsets[n]), sums[n]);
                    n += 1;
                }
            }
        }
    }
}
