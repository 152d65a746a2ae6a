use std::f64::consts::PI;

use spikeconverter_engine::adjoint::Unfolding;
use spikeconverter_network::{NodeKind, Population, Readout, SpikingNetwork};

use super::backward::Gradient;
use crate::ConvertError;

/// Rates at the beginning, in units of what each parameter is measured in.
const WEIGHT_RATE: f64 = 2e-3;
const POTENTIAL_RATE: f64 = 5e-3;
const THRESHOLD_RATE: f64 = 2e-3;
/// Adam's decays of the two moments.
const DECAYS: (f64, f64) = (0.9, 0.99);
/// Added to the root of the second moment, so that what has no gradient stays.
const EPSILON: f64 = 1e-12;

/// The parameters of a network, as they move.
pub(super) struct Parameters {
    /// By node.
    nodes: Vec<Node>,
    steps: i32,
}

/// What of a node moves.
enum Node {
    Nothing,
    Weights(Moving),
    Population { initial: Moving, threshold: Moving },
    Readout(Moving),
}

/// Some parameters of one kind.
struct Moving {
    values: Vec<f32>,
    /// What a rate of 1 is.
    unit: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
}

impl Moving {
    fn new(values: Vec<f32>, unit: Vec<f32>) -> Self {
        let zeros = vec![0.0; values.len()];
        Self { values, unit, first: zeros.clone(), second: zeros }
    }

    /// A step of Adam, number `step` counted from 1.
    fn step(&mut self, gradient: &[f32], rate: f64, step: i32) {
        let corrections = (1.0 - DECAYS.0.powi(step), 1.0 - DECAYS.1.powi(step));
        let moments = self.first.iter_mut().zip(&mut self.second);
        for (((value, &unit), (first, second)), &gradient) in
            self.values.iter_mut().zip(&self.unit).zip(moments).zip(gradient)
        {
            // in units, in which gradients of one kind are alike
            let gradient = f64::from(gradient) * f64::from(unit);
            let moved = |moment: f32, decay: f64, new: f64| decay * f64::from(moment) + (1.0 - decay) * new;
            let means = (moved(*first, DECAYS.0, gradient), moved(*second, DECAYS.1, gradient * gradient));
            (*first, *second) = (means.0 as f32, means.1 as f32);
            let change = (means.0 / corrections.0) / ((means.1 / corrections.1).sqrt() + EPSILON);
            *value -= (rate * change * f64::from(unit)) as f32;
        }
    }
}

impl Parameters {
    /// `potentials`: whether initial potentials of populations move.
    pub(super) fn new(network: &SpikingNetwork, potentials: bool) -> Self {
        let pace = if potentials { 1.0 } else { 0.0 };
        let resolution = |population: &Population, channel: usize| {
            population.threshold(channel) * population.code(network.time_steps()).resolution() as f32
        };
        let node = |node: &spikeconverter_network::Node| match &node.kind {
            NodeKind::Synapse(op) => Unfolding::parameters(op).map_or(Node::Nothing, |(weight, _)| {
                let power: f64 = weight.data().iter().map(|&w| f64::from(w) * f64::from(w)).sum();
                let root = (power / weight.len().max(1) as f64).sqrt() as f32;
                Node::Weights(Moving::new(weight.data().to_vec(), vec![root; weight.len()]))
            }),
            NodeKind::Population(population) => {
                let units =
                    (0..population.initial.len()).map(|channel| pace * resolution(population, channel)).collect();
                // thresholds move as their logarithms would
                Node::Population {
                    initial: Moving::new(population.initial.clone(), units),
                    threshold: Moving::new(population.threshold.clone(), population.threshold.clone()),
                }
            }
            NodeKind::Readout(readout) => {
                let largest = readout.initial.iter().fold(0.0f32, |m, v| m.max(v.abs()));
                Node::Readout(Moving::new(readout.initial.clone(), vec![largest; readout.initial.len()]))
            }
            _ => Node::Nothing,
        };
        Self { nodes: network.nodes().iter().map(node).collect(), steps: 0 }
    }

    /// A step against the gradient; `done` says how far the descent is, from 0 to 1.
    pub(super) fn step(&mut self, gradients: &[Option<Gradient>], done: f64) {
        self.steps += 1;
        let (step, fall) = (self.steps, 0.5 * (1.0 + (PI * done).cos()));
        for (node, gradient) in self.nodes.iter_mut().zip(gradients) {
            match (node, gradient) {
                (Node::Weights(weights), Some(Gradient::Weights(gradient))) => {
                    weights.step(gradient, fall * WEIGHT_RATE, step);
                }
                (
                    Node::Population { initial, threshold },
                    Some(Gradient::Population { initial: of_initial, threshold: of_threshold }),
                ) => {
                    initial.step(of_initial, fall * POTENTIAL_RATE, step);
                    threshold.step(of_threshold, fall * THRESHOLD_RATE, step);
                    // a rate far below 1 never brings a threshold to 0 in one step
                    threshold.unit.copy_from_slice(&threshold.values);
                }
                (Node::Readout(initial), Some(Gradient::Readout(gradient))) => {
                    initial.step(gradient, fall * POTENTIAL_RATE, step);
                }
                _ => {}
            }
        }
    }

    /// The network with these parameters.
    pub(super) fn apply(&self, network: &SpikingNetwork) -> Result<SpikingNetwork, ConvertError> {
        Ok(network.with_kinds(|id, kind| match (&self.nodes[id.0], kind) {
            (Node::Weights(weights), NodeKind::Synapse(op)) => {
                let bias = Unfolding::parameters(op).and_then(|(_, bias)| bias.cloned());
                let changed = Unfolding::with_parameters(op, weights.values.clone(), bias);
                NodeKind::Synapse(changed.unwrap_or_else(|| op.clone()))
            }
            (Node::Population { initial, threshold }, NodeKind::Population(population)) => {
                NodeKind::Population(Population {
                    initial: initial.values.clone(),
                    threshold: threshold.values.clone(),
                    ..population.clone()
                })
            }
            (Node::Readout(initial), NodeKind::Readout(readout)) => {
                NodeKind::Readout(Readout { initial: initial.values.clone(), ..readout.clone() })
            }
            _ => kind.clone(),
        })?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adam's first step is its rate, whatever the size of the gradient; a bowl's bottom is found.
    #[test]
    fn steps_lead_down() {
        let mut moving = Moving::new(vec![3.0, -1.0], vec![1.0, 0.5]);
        moving.step(&[1e-6, -1e3], 0.1, 1);
        assert!((moving.values[0] - 2.9).abs() < 1e-4 && (moving.values[1] + 0.95).abs() < 1e-4);
        let mut moving = Moving::new(vec![3.0, -1.0], vec![1.0, 0.5]);
        for step in 1..400 {
            let gradient: Vec<f32> = moving.values.iter().map(|x| 2.0 * x).collect();
            moving.step(&gradient, 0.1 * (1.0 - f64::from(step) / 400.0), step);
        }
        assert!(moving.values.iter().all(|x| x.abs() < 1e-2), "{:?}", moving.values);
    }

    #[test]
    fn without_a_gradient_nothing_moves() {
        let mut moving = Moving::new(vec![3.0], vec![1.0]);
        (1..5).for_each(|step| moving.step(&[0.0], 0.1, step));
        assert_eq!(moving.values, [3.0]);
    }
}
