//! What calibration fits of a population, on pairs of a membrane and the activation it should give.

use rayon::prelude::*;
use spikeconverter_engine::{Batch, ChannelParameters};
use spikeconverter_network::{Population, Transfer};
use spikeconverter_neuron::WindowCode;

use crate::threshold::{Samples, Scratch, Transmitter, search_base, search_threshold};
use crate::{Base, Granularity, Options};

/// Values a channel that a threshold is fitted on.
const CHANNEL_SAMPLES: usize = 4096;
/// Activations larger than all of these that are added to them.
const TAIL_SAMPLES: usize = 512;
/// Values a layer that each of its channels takes into account.
const LAYER_PRIOR_SAMPLES: usize = 1024;
/// What these weigh, in calibration samples: a few samples do not show what a channel that is rarely active can reach, and
/// a threshold fitted to them alone clips it.
const LAYER_PRIOR: f64 = 10.0;
/// Values a layer, where all its channels share a threshold.
const LAYER_SAMPLES: usize = 1 << 17;
/// Values a layer that its base is chosen on.
const BASE_SAMPLES: usize = 2048;

/// A population with base, thresholds and initial potentials fitted to `membranes` and the activations `wanted`, for as many
/// staggered `copies` of it.
pub(super) fn fit(
    population: &Population,
    membranes: &Batch,
    wanted: &Batch,
    copies: u32,
    options: &Options,
) -> Population {
    let channels = membranes.shape().first().copied().unwrap_or(1);
    let template: Vec<ChannelParameters> = (0..channels).map(|c| ChannelParameters::new(population, c)).collect();
    let reach = wanted.data().iter().fold(0.0f32, |m, a| m.max(a.abs()));
    let steps = population.window(options.time_steps);
    let base = match options.implied_base() {
        Base::Fixed(base) => base,
        Base::Auto => {
            let samples = gather(membranes, wanted, 0..channels, BASE_SAMPLES);
            search_base(&samples, steps, options.half_step, copies, &template[0], &mut Scratch::default())
        }
    };
    let by = Transmitter::new(base, steps, options.half_step, copies);
    let code = by.generator.code();
    let fitting = Fitting { by, correct: options.bias_correction };
    let (threshold, initial) = match options.thresholds.unwrap_or(Granularity::Channel) {
        Granularity::Channel | Granularity::Neuron => fitting.by_channel(&template, membranes, wanted, reach),
        Granularity::Layer => fitting.by_layer(&template, membranes, wanted, reach),
    };
    let mut fitted = Population { base, threshold, half_step: options.half_step, initial, ..population.clone() };
    drop_unreachable_bound(&mut fitted, code);
    fitted
}

/// The initial potential of least error for each channel of a population whose other parameters stay, near those it has.
pub(super) fn refit_initial(population: &Population, steps: u32, membranes: &Batch, wanted: &Batch) -> Vec<f32> {
    let channels = membranes.shape().first().copied().unwrap_or(1);
    let by = Transmitter::of(population, steps);
    (0..channels)
        .into_par_iter()
        .map_init(Scratch::default, |scratch, c| {
            let samples = gather(membranes, wanted, c..c + 1, CHANNEL_SAMPLES);
            let channel = ChannelParameters::new(population, c);
            samples.search_initial(&by, &channel, population.threshold(c), population.initial(c), scratch)
        })
        .collect()
}

struct Fitting {
    by: Transmitter,
    correct: bool,
}

impl Fitting {
    /// A threshold (and an initial potential) for each channel.
    fn by_channel(
        &self,
        template: &[ChannelParameters],
        membranes: &Batch,
        wanted: &Batch,
        reach: f32,
    ) -> (Vec<f32>, Vec<f32>) {
        let whole = gather(membranes, wanted, 0..template.len(), LAYER_PRIOR_SAMPLES);
        let prior = LAYER_PRIOR / membranes.count().max(1) as f64;
        let fits: Vec<Option<(f32, f32)>> = template
            .par_iter()
            .enumerate()
            .map_init(Scratch::default, |scratch, (c, channel)| {
                let mut samples = gather(membranes, wanted, c..c + 1, CHANNEL_SAMPLES);
                let weight = prior * samples.weight();
                samples.extend_with_magnitudes(&whole, weight);
                let search = |initial: f32, near: Option<f32>, scratch: &mut Scratch| {
                    let found = search_threshold(&samples, &self.by, channel, initial, reach, near, scratch);
                    found.map(|(threshold, _)| threshold)
                };
                let mut threshold = search(0.0, None, scratch)?;
                let mut initial = 0.0;
                if self.correct {
                    for _ in 0..2 {
                        initial = samples.search_initial(&self.by, channel, threshold, initial, scratch);
                        threshold = search(initial, Some(threshold), scratch)?;
                    }
                    initial = samples.search_initial(&self.by, channel, threshold, initial, scratch);
                }
                Some((threshold, initial))
            })
            .collect();
        let threshold = fits.iter().map(|fit| fit.map_or(1.0, |fit| fit.0)).collect();
        (threshold, self.corrections(fits.iter().map(|fit| fit.map_or(0.0, |fit| fit.1))))
    }

    /// One threshold for the layer (and an initial potential for each channel).
    fn by_layer(
        &self,
        template: &[ChannelParameters],
        membranes: &Batch,
        wanted: &Batch,
        reach: f32,
    ) -> (Vec<f32>, Vec<f32>) {
        let mut initial = vec![0.0; template.len()];
        let mut threshold = None;
        let share = (LAYER_SAMPLES / template.len()).max(16);
        for round in 0..if self.correct { 3 } else { 1 } {
            let mut pooled = Samples::default();
            for (c, shift) in initial.iter().enumerate() {
                let part = gather(membranes, wanted, c..c + 1, share);
                pooled.membranes.extend(part.membranes.iter().map(|v| v + shift));
                pooled.activations.extend(part.activations);
                pooled.weights.extend(part.weights);
            }
            let scratch = &mut Scratch::default();
            threshold = search_threshold(&pooled, &self.by, &template[0], 0.0, reach, None, scratch);
            let Some((threshold, _)) = threshold.filter(|_| self.correct && round < 2) else { break };
            initial = template
                .par_iter()
                .enumerate()
                .map_init(Scratch::default, |scratch, (c, channel)| {
                    let samples = gather(membranes, wanted, c..c + 1, CHANNEL_SAMPLES);
                    samples.search_initial(&self.by, channel, threshold, initial[c], scratch)
                })
                .collect();
        }
        (vec![threshold.map_or(1.0, |(threshold, _)| threshold)], self.corrections(initial.into_iter()))
    }

    fn corrections(&self, initial: impl Iterator<Item = f32>) -> Vec<f32> {
        if self.correct { initial.collect() } else { Vec::new() }
    }
}

/// A clip above what the code can express is no clip: the code saturates first.
fn drop_unreachable_bound(population: &mut Population, code: WindowCode) {
    let (_, largest) = population.threshold_range();
    let reach = f64::from(largest) * code.range();
    if let Transfer::Clip { low: Some(0.0), high } = population.transfer
        && high.is_none_or(|high| reach <= f64::from(high))
    {
        population.transfer = Transfer::Relu;
    }
}

/// Up to `most` pairs of membrane and activation from a range of channels, spread evenly over samples and positions, and
/// up to [`TAIL_SAMPLES`] of those whose activations are larger than any of these.
fn gather(membranes: &Batch, wanted: &Batch, channels: std::ops::Range<usize>, most: usize) -> Samples {
    let all = membranes.shape().first().copied().unwrap_or(1);
    let inner = (membranes.volume() / all).max(1);
    let run = channels.len() * inner;
    let total = run * membranes.count();
    // an odd stride visits all rows and columns of a map whose extents are powers of two
    let stride = total.div_ceil(most).max(1) | usize::from(total > most);
    let mut samples = Samples::default();
    let of_sample = |sample: usize| sample * membranes.volume() + channels.start * inner;
    for at in (0..total).step_by(stride) {
        let index = of_sample(at / run) + at % run;
        samples.push(membranes.data()[index], wanted.data()[index], 1.0);
    }
    if stride > 1 {
        let seen = samples.activations.iter().fold(0.0f32, |m, a| m.max(a.abs()));
        let larger: Vec<usize> = (0..membranes.count())
            .flat_map(|sample| of_sample(sample)..of_sample(sample) + run)
            .filter(|&index| wanted.data()[index].abs() > seen)
            .collect();
        let every = larger.len().div_ceil(TAIL_SAMPLES).max(1);
        for &index in larger.iter().step_by(every) {
            samples.push(membranes.data()[index], wanted.data()[index], every as f32 / stride as f32);
        }
    }
    samples
}

/// Mean of `wanted − found` for each entry of the first axis.
pub(crate) fn mean_difference(wanted: &Batch, found: &Batch) -> Vec<f32> {
    let channels = wanted.shape().first().copied().unwrap_or(1);
    let inner = (wanted.volume() / channels).max(1);
    let mut sums = vec![0.0f64; channels];
    for (wanted, found) in wanted.samples().zip(found.samples()) {
        for ((w, f), sum) in wanted.chunks(inner).zip(found.chunks(inner)).zip(&mut sums) {
            *sum += w.iter().zip(f).map(|(w, f)| f64::from(w - f)).sum::<f64>();
        }
    }
    let count = (wanted.count() * inner).max(1) as f64;
    sums.into_iter().map(|sum| (sum / count) as f32).collect()
}
