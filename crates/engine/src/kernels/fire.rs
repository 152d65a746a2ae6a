//! Steps of integrate-and-fire neurons, sixteen at a time: charge, compare, reset.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use spikeconverter_neuron::{Comparison, Reset};

use super::tile::{Instructions, LANES};

/// The neurons of a population, channels last and padded to whole vectors. Neurons of padding never fire.
#[derive(Debug, Clone)]
pub(crate) struct Neurons {
    instructions: Instructions,
    /// One a channel, padding included.
    thresholds: Vec<f32>,
    /// The smallest membranes that fire: thresholds, or the next larger numbers where these must be exceeded.
    fires_at: Vec<f32>,
    reset: Reset,
}

/// What neurons do in some steps: all of a population, or those of neighbouring channels at a position.
pub(crate) struct Steps<'a> {
    /// Number of steps.
    pub(crate) count: usize,
    /// The first neuron's place in the row of a position; padding included.
    pub(crate) channel: usize,
    /// Currents of the first step, and of the others each `stride` behind the one before (0: the same in all).
    pub(crate) currents: &'a [f32],
    /// Distance of the steps' currents: 0, or not less than the number of neurons.
    pub(crate) stride: usize,
    /// A bit for each neuron in each step.
    pub(crate) spikes: &'a mut [u16],
    /// Words from a step's spikes to those of the next.
    pub(crate) words: usize,
    /// Spikes of each neuron so far.
    pub(crate) counts: &'a mut [i32],
}

impl Neurons {
    /// Neurons with a threshold for each of `channels` channels. There is no reset by modulo here.
    pub(crate) fn new(threshold: impl Fn(usize) -> f32, channels: usize, comparison: Comparison, reset: Reset) -> Self {
        let padded = 0..channels.next_multiple_of(LANES);
        let thresholds: Vec<f32> = padded.map(|c| if c < channels { threshold(c) } else { f32::INFINITY }).collect();
        let fires_at = thresholds.iter().map(|threshold| match comparison {
            Comparison::AtLeast => *threshold,
            Comparison::Above => threshold.next_up(),
        });
        Self { instructions: Instructions::available()[0], fires_at: fires_at.collect(), thresholds, reset }
    }

    /// Runs the steps; `membranes` are those of the neurons.
    ///
    /// # Panics
    /// When the slices are not as long as they should be.
    pub(crate) fn run(&self, membranes: &mut [f32], mut steps: Steps<'_>) {
        let (neurons, row) = (membranes.len(), self.thresholds.len());
        let (words, last) = (neurons / LANES, steps.count.saturating_sub(1));
        if steps.count == 0 {
            return;
        }
        assert!(steps.channel < row && steps.channel.is_multiple_of(LANES), "a vector of a position's channels");
        assert!(neurons.is_multiple_of(LANES) && steps.counts.len() == neurons, "whole vectors of neurons");
        assert!(steps.words >= words && steps.spikes.len() >= last * steps.words + words, "a word for 16 neurons");
        assert!(steps.stride == 0 || steps.stride >= neurons, "currents of one step or of each");
        assert!(steps.currents.len() >= last * steps.stride + neurons, "a current for each neuron");
        match self.instructions {
            // SAFETY: the instructions are there: this variant is only made where they were detected. All lengths were
            // just checked.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => unsafe { x86::avx512(self, membranes, &mut steps) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => unsafe { x86::avx2(self, membranes, &mut steps) },
            Instructions::Portable => self.portable(membranes, &mut steps),
        }
    }

    fn portable(&self, membranes: &mut [f32], steps: &mut Steps<'_>) {
        let thresholds = self.thresholds.iter().zip(&self.fires_at).cycle().skip(steps.channel);
        for ((n, u), (threshold, fires_at)) in membranes.iter_mut().enumerate().zip(thresholds) {
            for step in 0..steps.count {
                *u += steps.currents[step * steps.stride + n];
                let fires = *u >= *fires_at;
                if fires {
                    *u = if self.reset == Reset::Subtract { *u - threshold } else { 0.0 };
                }
                let word = &mut steps.spikes[step * steps.words + n / LANES];
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
        _CMP_GE_OQ, _mm256_add_ps, _mm256_and_ps, _mm256_andnot_ps, _mm256_castps_si256, _mm256_cmp_ps,
        _mm256_loadu_ps, _mm256_loadu_si256, _mm256_movemask_ps, _mm256_setzero_ps, _mm256_setzero_si256,
        _mm256_storeu_ps, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_sub_ps, _mm512_add_ps, _mm512_cmp_ps_mask,
        _mm512_loadu_ps, _mm512_loadu_si512, _mm512_mask_add_epi32, _mm512_mask_sub_ps, _mm512_maskz_mov_ps,
        _mm512_set1_epi32, _mm512_storeu_ps, _mm512_storeu_si512,
    };

    use spikeconverter_neuron::Reset;

    use super::{LANES, Neurons, Steps};

    /// # Safety
    /// The machine has AVX-512F; lengths are as [`Neurons::run`] checks them.
    #[target_feature(enable = "avx512f")]
    pub(super) unsafe fn avx512(neurons: &Neurons, membranes: &mut [f32], steps: &mut Steps<'_>) {
        let one = _mm512_set1_epi32(1);
        let subtract = neurons.reset == Reset::Subtract;
        let mut channel = steps.channel;
        for word in 0..membranes.len() / LANES {
            let at = word * LANES;
            // SAFETY: `at` and the 15 behind it are neurons, each with a membrane, a count and a current in each step, and
            // a threshold at its channel; there is a word for each step: this function's contract.
            unsafe {
                let threshold = _mm512_loadu_ps(neurons.thresholds.as_ptr().add(channel));
                let fires_at = _mm512_loadu_ps(neurons.fires_at.as_ptr().add(channel));
                let mut u = _mm512_loadu_ps(membranes.as_ptr().add(at));
                let counted = steps.counts.as_mut_ptr().add(at).cast();
                let mut fired = _mm512_loadu_si512(counted);
                for step in 0..steps.count {
                    u = _mm512_add_ps(u, _mm512_loadu_ps(steps.currents.as_ptr().add(step * steps.stride + at)));
                    let spikes = _mm512_cmp_ps_mask::<_CMP_GE_OQ>(u, fires_at);
                    u = if subtract {
                        _mm512_mask_sub_ps(u, spikes, u, threshold)
                    } else {
                        _mm512_maskz_mov_ps(!spikes, u)
                    };
                    fired = _mm512_mask_add_epi32(fired, spikes, fired, one);
                    *steps.spikes.as_mut_ptr().add(step * steps.words + word) = spikes;
                }
                _mm512_storeu_ps(membranes.as_mut_ptr().add(at), u);
                _mm512_storeu_si512(counted, fired);
            }
            channel += LANES;
            if channel == neurons.thresholds.len() {
                channel = 0;
            }
        }
    }

    /// # Safety
    /// The machine has AVX2; lengths are as [`Neurons::run`] checks them.
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn avx2(neurons: &Neurons, membranes: &mut [f32], steps: &mut Steps<'_>) {
        const HALF: usize = LANES / 2;
        let subtract = neurons.reset == Reset::Subtract;
        let mut channel = steps.channel;
        for word in 0..membranes.len() / LANES {
            let at = word * LANES;
            // SAFETY: `at` and the 15 behind it are neurons, each with a membrane, a count and a current in each step, and
            // a threshold at its channel; there is a word for each step: this function's contract.
            unsafe {
                let [mut u, mut threshold, mut fires_at] = [[_mm256_setzero_ps(); 2]; 3];
                let mut fired = [_mm256_setzero_si256(); 2];
                let mut half = 0;
                while half < 2 {
                    let at = at + half * HALF;
                    threshold[half] = _mm256_loadu_ps(neurons.thresholds.as_ptr().add(channel + half * HALF));
                    fires_at[half] = _mm256_loadu_ps(neurons.fires_at.as_ptr().add(channel + half * HALF));
                    u[half] = _mm256_loadu_ps(membranes.as_ptr().add(at));
                    fired[half] = _mm256_loadu_si256(steps.counts.as_ptr().add(at).cast());
                    half += 1;
                }
                for step in 0..steps.count {
                    let currents = steps.currents.as_ptr().add(step * steps.stride + at);
                    let mut bits = 0;
                    half = 0;
                    while half < 2 {
                        let charged = _mm256_add_ps(u[half], _mm256_loadu_ps(currents.add(half * HALF)));
                        let spikes = _mm256_cmp_ps::<_CMP_GE_OQ>(charged, fires_at[half]);
                        u[half] = if subtract {
                            _mm256_sub_ps(charged, _mm256_and_ps(spikes, threshold[half]))
                        } else {
                            _mm256_andnot_ps(spikes, charged)
                        };
                        // a spike's mask is the number -1
                        fired[half] = _mm256_sub_epi32(fired[half], _mm256_castps_si256(spikes));
                        bits |= _mm256_movemask_ps(spikes) << (half * HALF);
                        half += 1;
                    }
                    *steps.spikes.as_mut_ptr().add(step * steps.words + word) = bits as u16;
                }
                half = 0;
                while half < 2 {
                    let at = at + half * HALF;
                    _mm256_storeu_ps(membranes.as_mut_ptr().add(at), u[half]);
                    _mm256_storeu_si256(steps.counts.as_mut_ptr().add(at).cast(), fired[half]);
                    half += 1;
                }
            }
            channel += LANES;
            if channel == neurons.thresholds.len() {
                channel = 0;
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
        let mut exact = 0;
        let cases = [Reset::Subtract, Reset::Zero].into_iter().flat_map(|reset| {
            [Comparison::AtLeast, Comparison::Above].into_iter().map(move |comparison| (reset, comparison))
        });
        for (reset, comparison) in cases {
            for stride in [0, 64] {
                let threshold = |c: usize| 0.25 + 0.125 * c as f32;
                // multiples of an eighth, which reach thresholds exactly
                let mut eighths =
                    |n: usize| dice.values(n).into_iter().map(|x| (8.0 * x).round() / 8.0).collect::<Vec<f32>>();
                let start = eighths(64);
                let currents = eighths(if stride == 0 { 64 } else { 5 * 64 });
                let mut results = Vec::new();
                for instructions in Instructions::available() {
                    let neurons = Neurons { instructions, ..Neurons::new(threshold, 20, comparison, reset) };
                    let mut membranes = start.clone();
                    let (mut spikes, mut counts) = (vec![0xffff; 5 * 4], vec![3; 64]);
                    let steps = Steps {
                        count: 5,
                        channel: 0,
                        currents: &currents,
                        stride,
                        spikes: &mut spikes,
                        words: 4,
                        counts: &mut counts,
                    };
                    neurons.run(&mut membranes, steps);
                    // the second vector of a position alone
                    let mut part = start[16..32].to_vec();
                    let (mut some, mut few) = (spikes.clone(), vec![3; 16]);
                    some.iter_mut().skip(1).step_by(4).for_each(|word| *word = 0x5555);
                    let steps = Steps {
                        count: 5,
                        channel: 16,
                        currents: &currents[16..],
                        stride,
                        spikes: &mut some[1..],
                        words: 4,
                        counts: &mut few,
                    };
                    neurons.run(&mut part, steps);
                    assert_eq!((&part[..], &some, &few[..]), (&membranes[16..32], &spikes, &counts[16..32]));
                    results.push((membranes, spikes, counts));
                }
                assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
                let (membranes, spikes, counts) = &results[0];
                for n in (0..64).filter(|n| n % 32 < 20) {
                    let threshold = threshold(n % 32);
                    let mut u = start[n];
                    let mut count = 3;
                    for step in 0..5 {
                        u += currents[step * stride + n];
                        exact += usize::from(u == threshold);
                        let fires = comparison.reached(u.into(), threshold.into());
                        u = match reset {
                            _ if !fires => u,
                            Reset::Subtract => u - threshold,
                            _ => 0.0,
                        };
                        count += i32::from(fires);
                        assert_eq!(spikes[step * 4 + n / 16] >> (n % 16) & 1 == 1, fires);
                    }
                    assert_eq!((membranes[n], counts[n]), (u, count));
                }
                assert!((0..64).filter(|n| n % 32 >= 20).all(|n| counts[n] == 3), "padding never fires");
            }
        }
        assert!(exact > 10, "only {exact} membranes were at their thresholds");
    }
}
