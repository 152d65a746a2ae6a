//! Counting spikes in the codes that engines show.

use rayon::prelude::*;
use spikeconverter_neuron::SignedTrain;

use super::LayerRecord;
use crate::{Batch, SpikeCount};

/// Counts the spikes of a population.
pub(super) fn tally(codes: &Batch<i32>, fan_out: &[u32], steps: u32) -> LayerRecord {
    let of_sample = |codes: &[i32]| {
        let mut record = LayerRecord::default();
        for (codes, fan_out) in codes.chunks(BLOCK).zip(fan_out.chunks(BLOCK)) {
            record.add(&tally_block(codes, fan_out, steps));
        }
        record
    };
    codes.data().par_chunks(codes.volume()).map(of_sample).reduce(LayerRecord::default, |mut sum, record| {
        sum.add(&record);
        sum
    })
}

/// Adds up the spikes of a streaming population whose codes are numbers of spikes; `largest` is the largest code of each
/// sample.
pub(super) fn tally_counts(codes: &Batch<i32>, fan_out: &[u32], largest: impl Fn(usize) -> u64) -> LayerRecord {
    let spikes = codes.map(|code| SpikeCount { spikes: code.unsigned_abs(), negative: 0 });
    LayerRecord { saturated: saturated(codes, largest), ..tally_spikes(&spikes, fan_out) }
}

/// Adds up the spikes of a streaming population.
pub(super) fn tally_spikes(counts: &Batch<SpikeCount>, fan_out: &[u32]) -> LayerRecord {
    let mut record = LayerRecord::default();
    for counts in counts.samples() {
        for (count, &fan_out) in counts.iter().zip(fan_out) {
            record.spikes += u64::from(count.spikes);
            record.negative_spikes += u64::from(count.negative);
            record.synops += u64::from(count.spikes) * u64::from(fan_out);
            record.silent += u64::from(count.spikes == 0);
        }
    }
    record
}

/// Counts the spikes of a population whose trains are signed.
pub(super) fn tally_signed(codes: &Batch<i32>, fan_out: &[u32], steps: u32) -> LayerRecord {
    let of_sample = |codes: &[i32]| {
        let mut record = LayerRecord::default();
        for (&code, &fan_out) in codes.iter().zip(fan_out) {
            let (spikes, negative) = SignedTrain::count(code);
            record.spikes += u64::from(spikes);
            record.negative_spikes += u64::from(negative);
            record.synops += u64::from(spikes) * u64::from(fan_out);
            record.silent += u64::from(spikes == 0);
            record.saturated += u64::from(spikes == steps && (negative == 0 || negative == steps));
        }
        record
    };
    codes.data().par_chunks(codes.volume()).map(of_sample).reduce(LayerRecord::default, |mut sum, record| {
        sum.add(&record);
        sum
    })
}

/// Neurons that sent all that they can, of either sign.
pub(super) fn saturated(codes: &Batch<i32>, largest: impl Fn(usize) -> u64) -> u64 {
    let of_sample = |(sample, codes): (usize, &[i32])| {
        let largest = largest(sample);
        codes.iter().filter(|code| u64::from(code.unsigned_abs()) == largest).count() as u64
    };
    codes.samples().enumerate().map(of_sample).sum()
}

/// Neurons counted at a time: so few that their spikes, 16 each at most, fit a `u16`.
const BLOCK: usize = 1024;

/// The counts of a block. A window has 16 steps at most, so that all but the synaptic operations is `u16` arithmetic, which
/// compilers turn into wide vectors.
fn tally_block(codes: &[i32], fan_out: &[u32], steps: u32) -> LayerRecord {
    let full = ((1u32 << steps) - 1) as u16;
    let mut buffer = [0u16; BLOCK];
    let spikes = &mut buffer[..codes.len()];
    for (digits, code) in spikes.iter_mut().zip(codes) {
        *digits = code.unsigned_abs() as u16;
    }
    let (mut silent, mut saturated, mut sum) = (0u16, 0u16, 0u16);
    for digits in spikes.iter() {
        silent += u16::from(*digits == 0);
        saturated += u16::from(*digits == full);
    }
    for digits in spikes.iter_mut() {
        *digits = digits.count_ones() as u16;
        sum += *digits;
    }
    let pairs = || spikes.iter().zip(codes);
    let negative = if codes.iter().fold(0, |signs, code| signs | code) < 0 {
        pairs().map(|(&spikes, &code)| if code < 0 { u64::from(spikes) } else { 0 }).sum()
    } else {
        0
    };
    LayerRecord {
        spikes: sum.into(),
        negative_spikes: negative,
        synops: spikes.iter().zip(fan_out).map(|(&spikes, &fan_out)| u64::from(spikes) * u64::from(fan_out)).sum(),
        silent: silent.into(),
        saturated: saturated.into(),
        ..LayerRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_trains_count_each_spike_once() {
        let trains: [[i8; 3]; 4] = [[1, -1, 0], [0, 0, 0], [-1, -1, -1], [1, 1, -1]];
        let codes = trains.iter().map(|train| train.iter().fold(0, |code, &spike| SignedTrain::push(code, spike)));
        let codes = Batch::new(2, vec![2], codes.collect()).unwrap();
        let record = tally_signed(&codes, &[10, 1], 3);
        // the fan-out is the neuron's: 10 for the first and third train
        let wanted = LayerRecord {
            spikes: 8,
            negative_spikes: 5,
            synops: 10 * 5 + 3,
            silent: 1,
            saturated: 1,
            ..LayerRecord::default()
        };
        assert_eq!(record, wanted);
    }
}
