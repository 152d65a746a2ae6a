//! Threshold rules, a file each. All work on the trained network's activations in groups that share a threshold, except
//! those that look at weights ([`model`]) or at the spiking network ([`weighted_input`]).

mod balancing;
mod max_activation;
mod mmse;
pub(super) mod model;
mod n_scaling;
mod percentile;
pub(super) mod weighted_input;

use rayon::prelude::*;
use spikeconverter_engine::Batch;
use spikeconverter_network::Transfer;

use super::{Recipe, ThresholdRule, Transmission};
use crate::Granularity;

/// Values of a group that a rule with a grid looks at.
const GRID_VALUES: usize = 1 << 16;

/// What a rule knows of a layer.
pub(super) struct Layer<'a> {
    /// The trained network's activations.
    pub(super) activations: &'a Batch,
    /// The activation function.
    pub(super) transfer: &'a Transfer,
    /// What its neurons transmit.
    pub(super) transmission: Transmission,
    /// Percentile of the rules that take one.
    pub(super) percentile: f64,
    /// For each group its bound or largest input, where the rule is not about activations.
    pub(super) found: Option<Vec<f32>>,
}

/// Thresholds of a layer, one for each group. A group without activations has what the layer as a whole would have; 1
/// where the layer has none either.
pub(super) fn thresholds(recipe: &Recipe, layer: &Layer<'_>) -> Vec<f32> {
    let count = groups(layer.activations.shape(), recipe.granularity);
    let of = |granularity: Granularity, index: usize| {
        let values = group(layer.activations, granularity, index);
        let found = layer.found.as_ref().filter(|_| granularity == recipe.granularity).map(|found| found[index]);
        let threshold = one(recipe, layer, values, found)?;
        let threshold = bounded(threshold, layer.transfer, &layer.transmission) as f32;
        (threshold.is_normal() && threshold > 0.0).then_some(threshold)
    };
    let found: Vec<Option<f32>> = (0..count).into_par_iter().map(|index| of(recipe.granularity, index)).collect();
    if found.iter().all(Option::is_some) {
        return found.into_iter().flatten().collect();
    }
    let largest = found.iter().flatten().copied().fold(None, |m: Option<f32>, x| Some(m.map_or(x, |m| m.max(x))));
    let whole = of(Granularity::Layer, 0).or(largest).unwrap_or(1.0);
    found.into_iter().map(|threshold| threshold.unwrap_or(whole)).collect()
}

/// The threshold of a group by the rule; `None` where it has no activations to go by.
fn one(recipe: &Recipe, layer: &Layer<'_>, mut values: Vec<f32>, found: Option<f32>) -> Option<f64> {
    let transmission = &layer.transmission;
    let samples = layer.activations.count();
    // what a single step must be able to carry; a burst may carry more, and is no reason for a smaller threshold
    let reach = |value: f32| f64::from(value) / transmission.range().min(1.0);
    match recipe.threshold {
        ThresholdRule::MaxActivation => max_activation::largest(&values).map(reach),
        ThresholdRule::Model | ThresholdRule::SpikeNorm => {
            found.or_else(|| max_activation::largest(&values)).filter(|&x| x > 0.0).map(reach)
        }
        ThresholdRule::Rmp => {
            let most = found.or_else(|| max_activation::largest(&values)).filter(|&x| x > 0.0)?;
            weighted_input::share(&thinned(values), f64::from(most), transmission)
        }
        ThresholdRule::Percentile => percentile::percentile(&mut values, layer.percentile).map(reach),
        ThresholdRule::BurstPercentile => {
            percentile::halve(&mut values, recipe.levels);
            percentile::percentile(&mut values, layer.percentile).map(f64::from)
        }
        ThresholdRule::NScaling => n_scaling::n_scaling(&thinned(values), transmission),
        ThresholdRule::Mmse => mmse::mmse(&thinned(values), transmission),
        ThresholdRule::Balancing => balancing::balance(&values, samples).map(reach),
        ThresholdRule::Bound => match bound(layer.transfer) {
            Some(bound) => Some(f64::from(bound) / transmission.range()),
            None => mmse::mmse(&thinned(values), transmission),
        },
    }
}

/// The upper bound of an activation function.
fn bound(transfer: &Transfer) -> Option<f32> {
    match transfer {
        Transfer::Clip { high: Some(high), .. } if *high > 0.0 => Some(*high),
        _ => None,
    }
}

/// A threshold with which neurons cannot transmit more than the activation function's bound.
fn bounded(threshold: f64, transfer: &Transfer, transmission: &Transmission) -> f64 {
    match bound(transfer) {
        Some(bound) if transmission.most.is_finite() => threshold.min(f64::from(bound) / transmission.range()),
        // what nothing bounds fires as often as it takes
        Some(bound) => f64::from(bound) / (f64::from(bound) / threshold).ceil(),
        None => threshold,
    }
}

/// Number of groups of neurons that share a threshold, in a layer of a shape.
pub(super) fn groups(shape: &[usize], granularity: Granularity) -> usize {
    match granularity {
        Granularity::Layer => 1,
        Granularity::Channel => shape.first().copied().unwrap_or(1),
        Granularity::Neuron => shape.iter().product(),
    }
}

/// Magnitudes of the values of a group, sample after sample.
fn group(values: &Batch, granularity: Granularity, index: usize) -> Vec<f32> {
    let inner = values.volume() / groups(values.shape(), granularity).max(1);
    values.samples().flat_map(|sample| sample[index * inner..][..inner].iter().map(|x| x.abs())).collect()
}

/// At most [`GRID_VALUES`] of the values, with the largest among them.
fn thinned(values: Vec<f32>) -> Vec<f32> {
    if values.len() <= GRID_VALUES {
        return values;
    }
    // an odd stride visits all rows and columns of a map whose extents are powers of two
    let stride = values.len().div_ceil(GRID_VALUES) | 1;
    let largest = max_activation::largest(&values);
    values.into_iter().step_by(stride).chain(largest).collect()
}

#[cfg(test)]
mod tests {
    use super::super::NeuronRule;
    use super::*;

    fn layer<'a>(activations: &'a Batch, transfer: &'a Transfer, recipe: &Recipe) -> Layer<'a> {
        let transmission = Transmission::new(recipe, 4);
        Layer { activations, transfer, transmission, percentile: 100.0, found: None }
    }

    /// Two samples, two channels of two neurons.
    #[test]
    fn groups_share_a_threshold() {
        let activations = Batch::new(2, vec![2, 2], vec![1., 2., 0., 0., 3., 0.5, 0., 0.]).unwrap();
        let recipe = Recipe::rate(ThresholdRule::MaxActivation);
        let by = |granularity| {
            let recipe = Recipe { granularity, ..recipe };
            thresholds(&recipe, &layer(&activations, &Transfer::Relu, &recipe))
        };
        assert_eq!(by(Granularity::Layer), [3.0]);
        // a silent channel has what the layer has
        assert_eq!(by(Granularity::Channel), [3.0, 3.0]);
        assert_eq!(by(Granularity::Neuron), [3.0, 2.0, 3.0, 3.0]);
        let silent = Batch::full(1, vec![2], 0.0).unwrap();
        assert_eq!(thresholds(&recipe, &layer(&silent, &Transfer::Relu, &recipe)), [1.0]);
    }

    #[test]
    fn bounds_of_the_activation_bound_thresholds() {
        let activations = Batch::new(1, vec![2], vec![7.0, 1.0]).unwrap();
        let transfer = Transfer::Clip { low: Some(0.0), high: Some(6.0) };
        let by = |neuron, levels| {
            let recipe = Recipe { neuron, levels, ..Recipe::rate(ThresholdRule::MaxActivation) };
            thresholds(&recipe, &layer(&activations, &transfer, &recipe))[0]
        };
        assert_eq!(by(NeuronRule::IntegrateFire, 1), 6.0);
        assert_eq!(by(NeuronRule::Burst, 4), 1.5);
        assert_eq!(by(NeuronRule::Augmented, 1), 6.0);
        // two steps of a period carry at most 3/4 of θ/2 each
        assert_eq!(by(NeuronRule::Weighted, 2), 16.0);
    }

    /// Leaky neurons send negative spikes of the same size.
    #[test]
    fn negative_activations_count_by_magnitude() {
        let activations = Batch::new(1, vec![3], vec![-4.0, 1.0, 2.0]).unwrap();
        let recipe = Recipe::rate(ThresholdRule::MaxActivation);
        let transfer = Transfer::linear();
        assert_eq!(thresholds(&recipe, &layer(&activations, &transfer, &recipe)), [4.0]);
    }
}
