use rayon::prelude::*;
use spikeconverter_network::{Population, Transfer};

use crate::{Batch, EngineError};

/// The generation window of a population in one pass: membranes at the hand-over become codes and decoded values.
pub(super) struct Generate {
    channels: Vec<Channel>,
    /// Neurons of a channel.
    inner: usize,
    base: f32,
    steps: u32,
    /// Weights `k^-(t-1)` of the steps.
    weights: Vec<f32>,
    half_step: bool,
}

/// Parameters of the neurons of a channel.
#[derive(Clone, Copy)]
struct Channel {
    initial: f32,
    low: f32,
    high: f32,
    threshold: f32,
    /// Threshold of negative membranes; infinite where they never fire.
    negative_threshold: f32,
    /// Sign of the spikes that negative membranes send.
    negative_sign: i32,
}

impl Generate {
    pub(super) fn new(population: &Population, shape: &[usize], steps: u32) -> Self {
        let count = shape.first().copied().unwrap_or(1);
        let (low, high) = match population.transfer {
            Transfer::Clip { low, high } => (low.unwrap_or(f32::NEG_INFINITY), high.unwrap_or(f32::INFINITY)),
            Transfer::Relu | Transfer::Leaky { .. } => (f32::NEG_INFINITY, f32::INFINITY),
        };
        let channels = (0..count)
            .map(|c| Channel {
                initial: population.initial(c),
                low,
                high,
                threshold: population.threshold(c),
                negative_threshold: population.negative_threshold(c),
                negative_sign: if population.transfer.slope(c) < 0.0 { 1 } else { -1 },
            })
            .collect();
        let code = population.code(steps);
        Self {
            channels,
            inner: shape.iter().skip(1).product::<usize>().max(1),
            base: population.base,
            steps,
            weights: (1..=steps).map(|t| code.weight(t) as f32).collect(),
            half_step: population.half_step,
        }
    }

    /// Membranes in, decoded trains and codes out.
    pub(super) fn run(&self, mut membranes: Batch) -> Result<(Batch, Batch<i32>), EngineError> {
        let mut codes = Batch::full(membranes.count(), membranes.shape().to_vec(), 0)?;
        let sample = membranes.volume();
        membranes.data_mut().par_chunks_mut(sample).zip(codes.data_mut().par_chunks_mut(sample)).for_each(
            |(values, codes)| {
                let parts = values.chunks_mut(self.inner).zip(codes.chunks_mut(self.inner));
                for ((values, codes), channel) in parts.zip(&self.channels) {
                    if self.base == 2.0 {
                        self.binary(channel, values, codes);
                    } else {
                        self.greedy(channel, values, codes);
                    }
                }
            },
        );
        Ok((membranes, codes))
    }

    /// Base 2: the code is the membrane in units of the resolution, rounded and clipped.
    fn binary(&self, channel: &Channel, values: &mut [f32], codes: &mut [i32]) {
        let resolution = self.weights[self.steps as usize - 1];
        let unit = channel.threshold * resolution;
        let negative_unit = channel.negative_threshold * resolution;
        let half = if self.half_step { 0.5 } else { 0.0 };
        let largest = ((1u32 << self.steps) - 1) as f32;
        let sign = channel.negative_sign as f32;
        for (value, code) in values.iter_mut().zip(codes) {
            let v = (*value + channel.initial).max(channel.low).min(channel.high);
            // division, not a product with the inverse: a membrane that is an exact multiple must round to it
            let positive = (v / unit + half).min(largest).max(0.0).trunc();
            let negative = if v < 0.0 { (-v / negative_unit + half).min(largest).trunc() } else { 0.0 };
            let number = if v > 0.0 { positive } else { negative * sign };
            *code = number as i32;
            *value = number * unit;
        }
    }

    /// Any base: the neuron's own steps, for a block of neurons at a time.
    fn greedy(&self, channel: &Channel, values: &mut [f32], codes: &mut [i32]) {
        const LANES: usize = 16;
        let resolution = self.weights[self.steps as usize - 1];
        let half = if self.half_step { 0.5 * resolution } else { 0.0 };
        for (values, codes) in values.chunks_mut(LANES).zip(codes.chunks_mut(LANES)) {
            // the magnitude in units of its own threshold would round; magnitude and threshold stay apart
            let mut magnitude = [0.0f32; LANES];
            let mut threshold = [f32::INFINITY; LANES];
            let mut sign = [0i32; LANES];
            for (lane, value) in values.iter().enumerate() {
                let v = (*value + channel.initial).max(channel.low).min(channel.high);
                (magnitude[lane], threshold[lane], sign[lane]) = if v > 0.0 {
                    (v + half * channel.threshold, channel.threshold, 1)
                } else if v < 0.0 && channel.negative_threshold.is_finite() {
                    (-v + half * channel.negative_threshold, channel.negative_threshold, channel.negative_sign)
                } else {
                    (0.0, channel.threshold, 1)
                };
            }
            let mut bits = [0i32; LANES];
            let mut sum = [0.0f32; LANES];
            for weight in &self.weights {
                for lane in 0..LANES {
                    let fires = magnitude[lane] >= threshold[lane];
                    bits[lane] = bits[lane] << 1 | i32::from(fires);
                    sum[lane] += if fires { *weight } else { 0.0 };
                    magnitude[lane] = self.base * (magnitude[lane] - if fires { threshold[lane] } else { 0.0 });
                }
            }
            for (lane, (value, code)) in values.iter_mut().zip(codes).enumerate() {
                *code = sign[lane] * bits[lane];
                *value = sign[lane] as f32 * sum[lane] * channel.threshold;
            }
        }
    }
}
