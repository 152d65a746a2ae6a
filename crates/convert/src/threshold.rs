//! The choice of threshold and base: minimising the conversion error on calibration activations.
//!
//! The error of a population (or of one of its channels) is the mean square `E(k, θ) = mean (a − q(v))²`, where `a` is
//! the trained network's activation, `v` the membrane that the spiking layers before deliver on the same sample, and
//! `q(v)` what the population transmits. That threshold and leak factor minimise a defined conversion error is
//! confirmed of the paper; this error, and that the membrane is the spiking network's own, are our choice.
//!
//! The search runs over the range that the code covers, `θ·Σ k^-(t-1)`, on a logarithmic grid and then between the
//! neighbours of its best point. Where many steps make the error negligible over a span of ranges, the largest of them
//! is taken: calibration samples never show the largest activation there is. A channel's samples are joined by its
//! layer's, which weigh as much as a few calibration samples and so matter where there are few. Threshold and initial
//! membrane potential are improved in turns.

use spikeconverter_engine::{ChannelParameters, WindowGenerator};
use spikeconverter_network::Population;

use crate::copies::offset;

/// Ranges of an error below this share of the mean square activation are equally good.
const NEGLIGIBLE_ERROR: f64 = 1e-7;
/// Another base must have less than this share of the error of base 2 to be taken: the samples tell smaller differences
/// badly, and a binary code is what integer arithmetic and hardware want.
const BINARY_PREFERENCE: f64 = 0.9;
/// Points of the coarse grid a factor of two in range.
const COARSE: i32 = 4;

/// What neurons make of membranes: one an activation, or the mean of several.
pub(crate) struct Transmitter {
    pub(crate) generator: WindowGenerator,
    /// Shifts of the neurons in resolution steps.
    shifts: Vec<f32>,
}

impl Transmitter {
    pub(crate) fn new(base: f32, steps: u32, half_step: bool, copies: u32) -> Self {
        let shifts = (0..copies).map(|index| offset(index, copies)).collect();
        Self { generator: WindowGenerator::new(base, steps, half_step), shifts }
    }

    /// One neuron an activation.
    pub(crate) fn of(population: &Population, steps: u32) -> Self {
        Self { generator: WindowGenerator::of(population, steps), shifts: vec![0.0] }
    }
}

/// Membranes and the activations they should give, weighted. The unit of weight is one value of an even sample.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    pub(crate) membranes: Vec<f32>,
    pub(crate) activations: Vec<f32>,
    pub(crate) weights: Vec<f32>,
}

impl Samples {
    pub(crate) fn push(&mut self, membrane: f32, activation: f32, weight: f32) {
        self.membranes.push(membrane);
        self.activations.push(activation);
        self.weights.push(weight);
    }

    /// Sum of all weights.
    pub(crate) fn weight(&self) -> f64 {
        self.weights.iter().map(|&w| f64::from(w)).sum()
    }

    /// Adds the magnitudes of the activations of `others`, with `weight` in all. They come as membranes without error,
    /// and positive, where every channel transmits what it gets, whatever its slope is on the other side.
    pub(crate) fn extend_with_magnitudes(&mut self, others: &Samples, weight: f64) {
        let scale = (weight / others.weight().max(f64::MIN_POSITIVE)) as f32;
        self.membranes.extend(others.activations.iter().map(|a| a.abs()));
        self.activations.extend(others.activations.iter().map(|a| a.abs()));
        self.weights.extend(others.weights.iter().map(|w| w * scale));
    }

    pub(crate) fn power(&self) -> f64 {
        self.mean(self.activations.iter().map(|&a| f64::from(a) * f64::from(a)))
    }

    /// Weighted mean of one value a pair.
    fn mean(&self, values: impl Iterator<Item = f64>) -> f64 {
        let (sum, weight) = (values.zip(&self.weights))
            .fold((0.0, 0.0), |(sum, total), (x, &w)| (sum + x * f64::from(w), total + f64::from(w)));
        sum / weight.max(f64::MIN_POSITIVE)
    }

    fn largest(&self) -> f32 {
        self.activations.iter().fold(0.0, |m, a| m.max(a.abs()))
    }

    /// What a channel with a threshold and an initial potential makes of the membranes, into `scratch`.
    fn transmit(
        &self,
        by: &Transmitter,
        channel: &ChannelParameters,
        [threshold, initial]: [f32; 2],
        scratch: &mut Scratch,
    ) {
        let Scratch { values, own, codes } = scratch;
        codes.resize(self.membranes.len(), 0);
        values.clear();
        let step = threshold * by.generator.code().resolution() as f32;
        let share = 1.0 / by.shifts.len() as f32;
        for (index, shift) in by.shifts.iter().enumerate() {
            let channel = channel.with(threshold, initial + shift * step);
            own.clear();
            own.extend_from_slice(&self.membranes);
            by.generator.run(&channel, own, codes);
            if index == 0 {
                std::mem::swap(values, own);
            } else {
                values.iter_mut().zip(own.iter()).for_each(|(sum, q)| *sum += q);
            }
        }
        if by.shifts.len() > 1 {
            for sum in values.iter_mut() {
                *sum *= share;
            }
        }
    }

    /// The conversion error `E` for a threshold and an initial potential.
    pub(crate) fn error(
        &self,
        by: &Transmitter,
        channel: &ChannelParameters,
        [threshold, initial]: [f32; 2],
        scratch: &mut Scratch,
    ) -> f64 {
        self.transmit(by, channel, [threshold, initial], scratch);
        self.mean(self.activations.iter().zip(&scratch.values).map(|(a, q)| {
            let difference = f64::from(a - q);
            difference * difference
        }))
    }

    /// The initial membrane potential of least error for a threshold, near `start`: a search that narrows around the
    /// best of a few points, over some tenths of the range of the code.
    pub(crate) fn search_initial(
        &self,
        by: &Transmitter,
        channel: &ChannelParameters,
        threshold: f32,
        start: f32,
        scratch: &mut Scratch,
    ) -> f32 {
        let mut best = (self.error(by, channel, [threshold, start], scratch), start);
        let mut step = 0.027 * threshold * by.generator.code().range() as f32;
        for _ in 0..3 {
            let centre = best.1;
            for i in [-3, -2, -1, 1, 2, 3] {
                let initial = centre + step * i as f32;
                let error = self.error(by, channel, [threshold, initial], scratch);
                if error < best.0 {
                    best = (error, initial);
                }
            }
            step *= 0.35;
        }
        best.1
    }
}

/// Buffers that a search reuses.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    values: Vec<f32>,
    /// What one neuron of several sends.
    own: Vec<f32>,
    codes: Vec<i32>,
}

/// The threshold of least error for a code, with that error. `largest` is the layer's largest activation in absolute
/// value. With `near`, only thresholds around that one are tried. `None` when all activations are zero, so that nothing tells
/// one from another.
pub(crate) fn search_threshold(
    samples: &Samples,
    by: &Transmitter,
    channel: &ChannelParameters,
    initial: f32,
    largest: f32,
    near: Option<f32>,
    scratch: &mut Scratch,
) -> Option<(f32, f64)> {
    let reach = samples.largest().max(largest);
    if reach <= 0.0 {
        return None;
    }
    let units = by.generator.code().range();
    let threshold_of = |exponent: f64| (f64::from(reach) * exponent.exp2() / units) as f32;
    let mut tried: Vec<(f64, f64)> = Vec::new();
    let mut try_at = |exponent: f64, tried: &mut Vec<(f64, f64)>| {
        let threshold = threshold_of(exponent);
        if threshold.is_normal() {
            tried.push((exponent, samples.error(by, channel, [threshold, initial], scratch)));
        }
    };
    let (centre, below, above) = match near {
        Some(threshold) => ((f64::from(threshold) * units / f64::from(reach)).log2(), COARSE / 2, COARSE / 2),
        None => (0.0, 4 * COARSE, COARSE),
    };
    for i in -below..=above {
        try_at(centre + f64::from(i) / f64::from(COARSE), &mut tried);
    }
    let mut step = 0.5 / f64::from(COARSE);
    for _ in 0..4 {
        let &(best, _) = tried.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        try_at(best - step, &mut tried);
        try_at(best + step, &mut tried);
        step *= 0.5;
    }
    let least = tried.iter().map(|t| t.1).fold(f64::INFINITY, f64::min);
    let bound = least.max(NEGLIGIBLE_ERROR * samples.power());
    let &(exponent, error) = tried.iter().filter(|t| t.1 <= bound).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((threshold_of(exponent), error))
}

/// The base of least error, each with its own best threshold: a grid over `[1, 2]`, then between the neighbours of its
/// best point.
pub(crate) fn search_base(
    samples: &Samples,
    steps: u32,
    half_step: bool,
    copies: u32,
    channel: &ChannelParameters,
    scratch: &mut Scratch,
) -> f32 {
    let mut error_of = |base: f32| {
        let by = Transmitter::new(base, steps, half_step, copies);
        search_threshold(samples, &by, channel, 0.0, 0.0, None, scratch).map_or(f64::INFINITY, |(_, error)| error)
    };
    let binary = error_of(2.0);
    let mut best = (2.0f32, binary * BINARY_PREFERENCE);
    for i in (0..10).rev() {
        let base = 1.0 + 0.1 * i as f32;
        let error = error_of(base);
        if error < best.1 {
            best = (base, error);
        }
    }
    for step in [0.05f32, 0.025] {
        for base in [best.0 - step, best.0 + step] {
            if (1.0..=2.0).contains(&base) {
                let error = error_of(base);
                if error < best.1 {
                    best = (base, error);
                }
            }
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> ChannelParameters {
        let population = Population { ..Population::default() };
        ChannelParameters::new(&population, 0)
    }

    /// Half-normal activations, by the quantiles of a logistic distribution, which needs no random numbers.
    fn samples() -> Samples {
        let membranes: Vec<f32> = (1..2000)
            .map(|i| {
                let p = i as f32 / 2000.0;
                (p / (1.0 - p)).ln()
            })
            .collect();
        let activations = membranes.iter().map(|v| v.max(0.0)).collect();
        Samples { weights: vec![1.0; membranes.len()], membranes, activations }
    }

    #[test]
    fn more_steps_leave_less_error() {
        let samples = samples();
        let mut scratch = Scratch::default();
        let mut last = f64::INFINITY;
        for steps in [2, 4, 6, 8] {
            let by = Transmitter::new(2.0, steps, true, 1);
            let (_, error) = search_threshold(&samples, &by, &channel(), 0.0, 0.0, None, &mut scratch).unwrap();
            assert!(error < 0.5 * last, "{steps} steps: {error} after {last}");
            last = error;
        }
    }

    #[test]
    fn the_threshold_found_is_no_worse_than_any_on_a_fine_grid() {
        let samples = samples();
        let mut scratch = Scratch::default();
        let by = Transmitter::new(2.0, 4, true, 1);
        let (_, found) = search_threshold(&samples, &by, &channel(), 0.0, 0.0, None, &mut scratch).unwrap();
        let best = (1..400)
            .map(|i| samples.error(&by, &channel(), [0.01 * i as f32, 0.0], &mut scratch))
            .fold(f64::INFINITY, f64::min);
        assert!(found <= best * 1.05, "{found} against {best}");
    }

    /// With the threshold free, base 2 has the least error.
    #[test]
    fn base_two_is_the_best_base() {
        let mut scratch = Scratch::default();
        for steps in [4, 8] {
            assert_eq!(search_base(&samples(), steps, true, 1, &channel(), &mut scratch), 2.0);
        }
    }

    /// One activation in a million is ten times the others: an even sample alone would clip it.
    #[test]
    fn the_largest_activations_count_with_their_weight() {
        let mut samples = samples();
        let by = Transmitter::new(2.0, 12, true, 1);
        let scratch = &mut Scratch::default();
        let range = |samples: &Samples, scratch: &mut Scratch| {
            let (threshold, _) = search_threshold(samples, &by, &channel(), 0.0, 80.0, None, scratch).unwrap();
            f64::from(threshold) * by.generator.code().range()
        };
        let without = range(&samples, scratch);
        samples.push(80.0, 80.0, 0.002);
        assert!(without < 40.0 && range(&samples, scratch) > 79.0, "{without}");
    }

    /// A channel that was hardly active gets a range near that of its layer; one seen often keeps its own.
    #[test]
    fn where_little_was_seen_the_layer_counts() {
        let by = Transmitter::new(2.0, 6, true, 1);
        let layer = samples();
        let threshold = |weight: f64| {
            let mut rare = samples();
            for (v, a) in rare.membranes.iter_mut().zip(&mut rare.activations) {
                (*v, *a) = (0.1 * *v, 0.1 * *a);
            }
            let weight = weight * rare.weight();
            rare.extend_with_magnitudes(&layer, weight);
            search_threshold(&rare, &by, &channel(), 0.0, 8.0, None, &mut Scratch::default()).unwrap().0
        };
        let (own, often, seldom) = (threshold(0.0), threshold(1e-5), threshold(0.1));
        assert!(often < 1.5 * own && seldom > 5.0 * own, "{own} {often} {seldom}");
    }

    #[test]
    fn silence_tells_nothing() {
        let silent = Samples { membranes: vec![-1.0; 8], activations: vec![0.0; 8], weights: vec![1.0; 8] };
        let by = Transmitter::new(2.0, 4, true, 1);
        let found = search_threshold(&silent, &by, &channel(), 0.0, 0.0, None, &mut Scratch::default());
        assert!(found.is_none());
    }

    #[test]
    fn the_initial_potential_takes_a_bias_back() {
        let mut samples = samples();
        for v in &mut samples.membranes {
            *v -= 0.2;
        }
        let by = Transmitter::new(2.0, 6, true, 1);
        let mut scratch = Scratch::default();
        let initial = samples.search_initial(&by, &channel(), 4.0, 0.0, &mut scratch);
        assert!((initial - 0.2).abs() < 0.05, "{initial}");
    }
}
