//! The second pass of integer networks: initial potentials and the read-out's means once more, on what the rounded
//! network delivers.

use std::collections::BTreeMap;

use spikeconverter_engine::Batch;
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{Population, Readout, SpikingNetwork, Transfer};

use super::fit::{mean_difference, refit_initial};
use super::{Fitter, report, walk};
use crate::copies::Copies;
use crate::quantise::{Quantised, quantised_potential};
use crate::{Conversion, ConvertError, LayerReport};

/// Corrects the potentials of an integer network, unless `enabled` is false, and reports on its populations in units of
/// the activations. `progress` is told the number of layers done.
pub(crate) fn correct(
    quantised: &Quantised,
    graph: &Graph,
    samples: &Batch,
    enabled: bool,
    progress: &mut dyn FnMut(usize) -> Result<(), ConvertError>,
) -> Result<Conversion, ConvertError> {
    let Quantised { network, targets, steps } = quantised;
    let mut fitter = Correction { network, steps, enabled, layers: Vec::new(), progress };
    let network = walk((network, targets, &Copies::default()), graph, samples, &mut fitter)?;
    Ok(Conversion { network, layers: fitter.layers, samples: samples.count() })
}

struct Correction<'a> {
    network: &'a SpikingNetwork,
    steps: &'a BTreeMap<NodeId, Vec<f32>>,
    enabled: bool,
    layers: Vec<LayerReport>,
    progress: &'a mut dyn FnMut(usize) -> Result<(), ConvertError>,
}

impl Correction<'_> {
    /// The membrane unit of a listener: one, or one a channel.
    fn step(&self, id: NodeId) -> &[f32] {
        self.steps.get(&id).map_or(&[1.0], Vec::as_slice)
    }
}

impl Fitter for Correction<'_> {
    fn population(&mut self, id: NodeId, population: &Population, membranes: &Batch, wanted: &Batch) -> Population {
        if !self.enabled {
            return population.clone();
        }
        let step = self.step(id);
        let real = in_activation_units(population, step);
        let initial = refit_initial(&real, self.network.time_steps(), &scaled(membranes, step), wanted);
        let initial = initial.iter().enumerate().map(|(c, v)| quantised_potential(*v, at(step, c))).collect();
        Population { initial, ..population.clone() }
    }

    fn sent(&mut self, id: NodeId, population: &Population, sent: &Batch, wanted: &Batch) -> Result<(), ConvertError> {
        let real = in_activation_units(population, self.step(id));
        let count = sent.shape().first().copied().unwrap_or(1);
        let unit: Vec<f32> = (0..count).map(|c| real.threshold(c) / population.amplitude(c)).collect();
        self.layers.push(report(self.network, id, &real, &scaled(sent, &unit), wanted));
        (self.progress)(self.layers.len())
    }

    fn readout(&mut self, id: NodeId, readout: &Readout, found: &Batch, wanted: &Batch) -> Readout {
        if !self.enabled {
            return readout.clone();
        }
        let step = at(self.step(id), 0);
        let difference = mean_difference(wanted, &scaled(found, &[step]));
        Readout { initial: difference.iter().map(|&v| quantised_potential(v, step)).collect(), ..Readout::default() }
    }
}

fn at(values: &[f32], channel: usize) -> f32 {
    if let [only] = values { *only } else { values[channel] }
}

/// A batch with each channel times its factor; one factor is that of all.
pub(crate) fn scaled(batch: &Batch, factors: &[f32]) -> Batch {
    let channels = batch.shape().first().copied().unwrap_or(1);
    let inner = (batch.volume() / channels.max(1)).max(1);
    let mut result = batch.clone();
    for (row, values) in result.data_mut().chunks_mut(inner).enumerate() {
        let factor = at(factors, row % channels);
        for v in values {
            *v *= factor;
        }
    }
    result
}

/// A population of an integer network with membranes and trains in units of the activation.
pub(crate) fn in_activation_units(population: &Population, step: &[f32]) -> Population {
    let times = |values: &[f32]| {
        let count = values.len().max(step.len());
        (0..count).map(|c| at(values, c) * at(step, c)).collect::<Vec<f32>>()
    };
    let transfer = match population.transfer {
        // bounds come with one step for all channels
        Transfer::Clip { low, high } => {
            Transfer::Clip { low: low.map(|v| v * at(step, 0)), high: high.map(|v| v * at(step, 0)) }
        }
        ref other => other.clone(),
    };
    Population {
        transfer,
        threshold: times(&population.threshold),
        initial: if population.initial.is_empty() { Vec::new() } else { times(&population.initial) },
        amplitude: None,
        ..population.clone()
    }
}
