use rayon::prelude::*;
use spikeconverter_network::Population;
use spikeconverter_neuron::{Comparison, SignedIlif, SignedTrain, WindowCode};

use crate::kernels::vectors::vectorised;
use crate::{Batch, EngineError};

/// The generation window of a population in one pass: membranes at the hand-over become codes and decoded values.
#[derive(Debug, Clone)]
pub struct WindowGenerator {
    base: f32,
    steps: u32,
    /// Weights `k^-(t-1)` of the steps.
    weights: Vec<f32>,
    half_step: bool,
    comparison: Comparison,
}

/// Parameters of the neurons of a channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChannelParameters {
    initial: f32,
    low: f32,
    high: f32,
    threshold: f32,
    /// What a spike at step 1 counts, where that is not the threshold.
    amplitude: Option<f32>,
    slope: f32,
    /// Threshold of negative membranes; infinite where they never fire.
    negative_threshold: f32,
}

impl ChannelParameters {
    /// Those of a channel of `population`.
    pub fn new(population: &Population, channel: usize) -> Self {
        let (low, high) = population.transfer.bounds();
        Self {
            initial: population.initial(channel),
            low,
            high,
            threshold: population.threshold(channel),
            amplitude: population.amplitude,
            slope: population.transfer.slope(channel),
            negative_threshold: population.negative_threshold(channel),
        }
    }

    /// The same with another threshold and initial membrane potential.
    #[must_use]
    pub fn with(self, threshold: f32, initial: f32) -> Self {
        Self { threshold, initial, negative_threshold: threshold / self.slope.abs(), ..self }
    }
}

impl WindowGenerator {
    /// For neurons of the given base and rounding that fire at their thresholds, in a network of `steps` time steps.
    pub fn new(base: f32, steps: u32, half_step: bool) -> Self {
        let code = WindowCode { base, steps };
        Self {
            base,
            steps,
            weights: (1..=steps).map(|t| code.weight(t) as f32).collect(),
            half_step,
            comparison: Comparison::AtLeast,
        }
    }

    /// For a population in a network of `steps` time steps.
    pub fn of(population: &Population, steps: u32) -> Self {
        Self {
            comparison: population.comparison,
            ..Self::new(population.base, population.window(steps), population.half_step)
        }
    }

    /// The code of the trains it makes.
    pub fn code(&self) -> WindowCode {
        WindowCode { base: self.base, steps: self.steps }
    }

    /// Runs a window of neurons of one channel: membranes in, decoded trains out in their place, and their codes.
    /// Works on as many neurons as both slices hold.
    pub fn run(&self, channel: &ChannelParameters, values: &mut [f32], codes: &mut [i32]) {
        vectorised(
            #[inline(always)]
            || match (self.base == 2.0, self.comparison) {
                _ if self.code().is_signed() => self.signed(channel, values, codes),
                (true, Comparison::AtLeast) => self.binary::<false>(channel, values, codes),
                (true, Comparison::Above) => self.binary::<true>(channel, values, codes),
                (false, Comparison::AtLeast) => self.greedy::<false>(channel, values, codes),
                (false, Comparison::Above) => self.greedy::<true>(channel, values, codes),
            },
        );
    }

    /// Base 2: the code is the membrane in units of the resolution, rounded and clipped; one less than that where the
    /// membrane is a whole number of them and must exceed its threshold.
    #[allow(clippy::inline_always)] // a call would leave the vector instructions of the caller
    #[inline(always)]
    fn binary<const ABOVE: bool>(&self, channel: &ChannelParameters, values: &mut [f32], codes: &mut [i32]) {
        let resolution = self.weights[self.steps as usize - 1];
        let unit = channel.threshold * resolution;
        let sent = channel.amplitude.unwrap_or(channel.threshold) * resolution;
        let negative_unit = channel.negative_threshold * resolution;
        let half = if self.half_step { 0.5 } else { 0.0 };
        let largest = ((1u32 << self.steps) - 1) as f32;
        // Division, not a product with the inverse: a membrane that is an exact multiple must give it. A cast to an
        // integer truncates, and in vectors, which `trunc` does not on every machine.
        let digits = |magnitude: f32, unit: f32| {
            let exact = magnitude / unit + half;
            if ABOVE {
                // the bounds lie halfway between codes, so that what is clipped is no whole number, of which one is taken off
                let exact = exact.min(largest + 0.5).max(0.5);
                let code = exact as i32;
                code - i32::from(code as f32 == exact)
            } else {
                exact.min(largest).max(0.0) as i32
            }
        };
        // Where negative membranes never fire, not even −∞ does: a pool's window that holds nothing but padding.
        if channel.negative_threshold.is_finite() {
            let sign = if channel.slope < 0.0 { 1 } else { -1 };
            for (value, code) in values.iter_mut().zip(codes) {
                let v = (*value + channel.initial).max(channel.low).min(channel.high);
                let (positive, negative) = (digits(v, unit), digits(-v, negative_unit));
                *code = if v > 0.0 {
                    positive
                } else if v < 0.0 {
                    sign * negative
                } else {
                    0
                };
                *value = *code as f32 * sent;
            }
        } else {
            for (value, code) in values.iter_mut().zip(codes) {
                let v = (*value + channel.initial).max(channel.low).min(channel.high);
                *code = digits(v, unit);
                *value = *code as f32 * sent;
            }
        }
    }

    /// Bases above 2: the steps of [`SignedIlif`] that heard all, for a block of neurons at a time.
    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    fn signed(&self, channel: &ChannelParameters, values: &mut [f32], codes: &mut [i32]) {
        const LANES: usize = 16;
        let amplitude = channel.amplitude.unwrap_or(channel.threshold);
        for (values, codes) in values.chunks_mut(LANES).zip(codes.chunks_mut(LANES)) {
            let (mut activations, mut sent, mut sum) = ([0.0f32; LANES], [0.0f32; LANES], [0.0f32; LANES]);
            for (activation, value) in activations.iter_mut().zip(values.iter()) {
                let v = (*value + channel.initial).max(channel.low).min(channel.high);
                *activation = if v < 0.0 { v * channel.slope } else { v };
            }
            let mut trains = [0i32; LANES];
            for weight in &self.weights {
                let neuron = SignedIlif { weight: channel.threshold * weight };
                for lane in 0..LANES {
                    let (spike, after) = neuron.generate(activations[lane], sent[lane]);
                    sent[lane] = after;
                    sum[lane] += f32::from(spike) * weight;
                    trains[lane] = SignedTrain::push(trains[lane], spike);
                }
            }
            for (lane, (value, code)) in values.iter_mut().zip(codes).enumerate() {
                *code = trains[lane];
                *value = sum[lane] * amplitude;
            }
        }
    }

    /// Any base up to 2: the neuron's own steps, for a block of neurons at a time.
    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    fn greedy<const ABOVE: bool>(&self, channel: &ChannelParameters, values: &mut [f32], codes: &mut [i32]) {
        const LANES: usize = 16;
        let resolution = self.weights[self.steps as usize - 1];
        let half = if self.half_step { 0.5 * resolution } else { 0.0 };
        let negative_sign = if channel.slope < 0.0 { 1 } else { -1 };
        for (values, codes) in values.chunks_mut(LANES).zip(codes.chunks_mut(LANES)) {
            let mut magnitude = [0.0f32; LANES];
            let mut threshold = [f32::INFINITY; LANES];
            let mut sign = [1i32; LANES];
            for (lane, value) in values.iter().enumerate() {
                let v = (*value + channel.initial).max(channel.low).min(channel.high);
                if v > 0.0 {
                    (magnitude[lane], threshold[lane]) = (v + half * channel.threshold, channel.threshold);
                } else if v < 0.0 && channel.negative_threshold.is_finite() {
                    (magnitude[lane], threshold[lane], sign[lane]) =
                        (-v + half * channel.negative_threshold, channel.negative_threshold, negative_sign);
                }
            }
            let mut bits = [0i32; LANES];
            let mut sum = [0.0f32; LANES];
            for weight in &self.weights {
                for lane in 0..LANES {
                    let (v, theta) = (magnitude[lane], threshold[lane]);
                    let fires = if ABOVE { v > theta } else { v >= theta };
                    bits[lane] = bits[lane] << 1 | i32::from(fires);
                    sum[lane] += if fires { *weight } else { 0.0 };
                    magnitude[lane] = self.base * (magnitude[lane] - if fires { threshold[lane] } else { 0.0 });
                }
            }
            for (lane, (value, code)) in values.iter_mut().zip(codes).enumerate() {
                *code = sign[lane] * bits[lane];
                *value = sign[lane] as f32 * sum[lane] * channel.amplitude.unwrap_or(channel.threshold);
            }
        }
    }
}

/// The generation window of all neurons of a population.
pub(crate) struct PopulationGenerator {
    window: WindowGenerator,
    channels: Vec<ChannelParameters>,
    /// Neurons of a channel.
    inner: usize,
}

impl PopulationGenerator {
    pub(crate) fn new(population: &Population, shape: &[usize], steps: u32) -> Self {
        let count = shape.first().copied().unwrap_or(1);
        Self {
            window: WindowGenerator::of(population, steps),
            channels: (0..count).map(|c| ChannelParameters::new(population, c)).collect(),
            inner: shape.iter().skip(1).product::<usize>().max(1),
        }
    }

    /// Membranes of whole samples in, decoded trains out in their place, and their codes for those who want them.
    pub(crate) fn run(&self, values: &mut [f32], codes: Option<&mut [i32]>) {
        let channels = self.channels.iter().cycle();
        let parts = values.chunks_mut(self.inner).zip(channels);
        if let Some(codes) = codes {
            for ((values, channel), codes) in parts.zip(codes.chunks_mut(self.inner)) {
                self.window.run(channel, values, codes);
            }
        } else {
            let mut codes = vec![0; self.inner];
            parts.for_each(|(values, channel)| self.window.run(channel, values, &mut codes));
        }
    }
}

/// A whole population's generation window: membranes (already pooled, where the population pools) become decoded
/// trains and their codes. All threads of the current rayon pool take part.
///
/// # Errors
/// [`EngineError::Volume`] when the batch is too large for its codes.
pub fn generate(population: &Population, steps: u32, mut membranes: Batch) -> Result<(Batch, Batch<i32>), EngineError> {
    let generator = PopulationGenerator::new(population, membranes.shape(), steps);
    let mut codes = Batch::full(membranes.count(), membranes.shape().to_vec(), 0)?;
    let sample = membranes.volume();
    let samples = membranes.data_mut().par_chunks_mut(sample).zip(codes.data_mut().par_chunks_mut(sample));
    samples.for_each(|(values, codes)| generator.run(values, Some(codes)));
    Ok((membranes, codes))
}
