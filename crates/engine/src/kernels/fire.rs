//! Steps of integrate-and-fire neurons, sixteen at a time: charge, compare, reset.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use spikeconverter_neuron::{IntegrateFire, Reset};

use super::tile::{Instructions, LANES};

/// The neurons of a population, channels last and padded to whole vectors. Neurons of padding never fire.
#[derive(Debug, Clone)]
pub(crate) struct Neurons {
    instructions: Instructions,
    /// One a channel, padding included.
    thresholds: Vec<f32>,
    reset: Reset,
}

/// What neurons do in some steps.
pub(crate) struct Steps<'a> {
    /// Currents of the first step, and of the others each `stride` behind the one before (0: the same in all).
    pub(crate) currents: &'a [f32],
    /// Distance of the steps' currents: 0, or the number of neurons.
    pub(crate) stride: usize,
    /// A bit for each step and neuron; so many steps are run as there is room for.
    pub(crate) spikes: &'a mut [u16],
    /// Spikes of each neuron so far.
    pub(crate) counts: &'a mut [i32],
}

impl Neurons {
    /// Neurons with a threshold for each of `channels` channels.
    pub(crate) fn new(threshold: impl Fn(usize) -> f32, channels: usize, reset: Reset) -> Self {
        let padded = 0..channels.next_multiple_of(LANES);
        let thresholds = padded.map(|c| if c < channels { threshold(c) } else { f32::INFINITY }).collect();
        Self { instructions: Instructions::available()[0], thresholds, reset }
    }

    /// Runs the steps; `membranes` are those of all neurons.
    ///
    /// # Panics
    /// When the slices are not as long as they should be.
    pub(crate) fn run(&self, membranes: &mut [f32], mut steps: Steps<'_>) {
        let (neurons, words) = (membranes.len(), membranes.len() / LANES);
        let count = steps.spikes.len() / words.max(1);
        assert!(neurons.is_multiple_of(self.thresholds.len()), "whole positions");
        assert!(steps.spikes.len() == count * words && steps.counts.len() == neurons, "a word for 16 neurons");
        assert!(steps.stride == 0 || steps.stride == neurons, "currents of one step or of each");
        assert!(
            count == 0 || steps.currents.len() >= (count - 1) * steps.stride + neurons,
            "a current for each neuron"
        );
        match self.instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected. All lengths were
            // just checked.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::avx512(self, membranes, &mut steps, count) },
            _ => self.portable(membranes, &mut steps, count),
        }
    }

    fn portable(&self, membranes: &mut [f32], steps: &mut Steps<'_>, count: usize) {
        let words = membranes.len() / LANES;
        for (n, u) in membranes.iter_mut().enumerate() {
            let neuron = IntegrateFire { threshold: self.thresholds[n % self.thresholds.len()], reset: self.reset };
            for step in 0..count {
                let (fires, after) = neuron.step(*u, steps.currents[step * steps.stride + n]);
                *u = after;
                let word = &mut steps.spikes[step * words + n / LANES];
                if n % LANES == 0 {
                    *word = 0;
                }
                *word |= u16::from(fires) << (n % LANES);
                steps.counts[n] += i32::from(fires);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        _CMP_GE_OQ, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_add_epi32,
        _mm512_mask_sub_ps, _mm512_maskz_mov_ps, _mm512_set1_epi32, _mm512_storeu_ps, _mm512_storeu_si512,
    };

    use spikeconverter_neuron::Reset;

    use super::{LANES, Neurons, Steps};

    /// # Safety
    /// The machine has AVX-512F; lengths are as [`Neurons::run`] checks them.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(neurons: &Neurons, membranes: &mut [f32], steps: &mut Steps<'_>, count: usize) {
        let words = membranes.len() / LANES;
        let one = _mm512_set1_epi32(1);
        let subtract = neurons.reset == Reset::Subtract;
        for word in 0..words {
            let at = word * LANES;
            // SAFETY: `at` and the 15 behind it are neurons, each with a membrane, a threshold in its period, a count and a
            // current in each step; there is a word for each step: this function's contract.
            unsafe {
                let threshold = _mm512_loadu_ps(neurons.thresholds.as_ptr().add(at % neurons.thresholds.len()));
                let mut u = _mm512_loadu_ps(membranes.as_ptr().add(at));
                let counted = steps.counts.as_mut_ptr().add(at).cast();
                let mut fired = _mm512_loadu_si512(counted);
                for step in 0..count {
                    u = _mm512_add_ps(u, _mm512_loadu_ps(steps.currents.as_ptr().add(step * steps.stride + at)));
                    let spikes = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(u, threshold);
                    u = if subtract {
                        _mm512_mask_sub_ps(u, spikes, u, threshold)
                    } else {
                        _mm512_maskz_mov_ps(!spikes, u)
                    };
                    fired = _mm512_mask_add_epi32(fired, spikes, fired, one);
                    *steps.spikes.as_mut_ptr().add(step * words + word) = spikes;
                }
                _mm512_storeu_ps(membranes.as_mut_ptr().add(at), u);
                _mm512_storeu_si512(counted, fired);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Dice;

    /// Every set of instructions does what the neuron's equations say.
    #[test]
    fn all_instructions_give_the_equations() {
        let mut dice = Dice(9);
        for reset in [Reset::Subtract, Reset::Zero] {
            for stride in [0, 64] {
                let threshold = |c: usize| 0.25 + 0.125 * c as f32;
                let start = dice.values(64);
                let currents = dice.values(if stride == 0 { 64 } else { 5 * 64 });
                let mut results = Vec::new();
                for instructions in Instructions::available() {
                    let neurons = Neurons { instructions, ..Neurons::new(threshold, 20, reset) };
                    let mut membranes = start.clone();
                    let (mut spikes, mut counts) = (vec![0xffff; 5 * 4], vec![3; 64]);
                    let steps = Steps { currents: &currents, stride, spikes: &mut spikes, counts: &mut counts };
                    neurons.run(&mut membranes, steps);
                    results.push((membranes, spikes, counts));
                }
                assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
                let (membranes, spikes, counts) = &results[0];
                for n in (0..64).filter(|n| n % 32 < 20) {
                    let neuron = IntegrateFire { threshold: threshold(n % 32), reset };
                    let mut u = start[n];
                    let mut count = 3;
                    for step in 0..5 {
                        let (fires, after) = neuron.step(u, currents[step * stride + n]);
                        u = after;
                        count += i32::from(fires);
                        assert_eq!(spikes[step * 4 + n / 16] >> (n % 16) & 1 == 1, fires);
                    }
                    assert_eq!((membranes[n], counts[n]), (u, count));
                }
                assert!((0..64).filter(|n| n % 32 >= 20).all(|n| counts[n] == 3), "padding never fires");
            }
        }
    }
}
