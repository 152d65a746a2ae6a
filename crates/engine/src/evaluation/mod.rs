//! A spiking network beside the trained network it came from: what both say of samples, and what it costs.

mod evaluator;
mod report;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::evaluator::{Evaluator, TrainedResults, graph_classes, largest, network_classes};
pub use self::report::{EvaluationReport, LayerReport, Simulation, StepsUsed};
use crate::{EngineError, cost};

/// What was found on some images: counts, sums and maxima, never averages, so that parts of a data set can be evaluated
/// anywhere, in any order, and merged.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Images seen.
    pub images: u64,
    /// Those with a label.
    pub labelled: u64,
    /// Labelled images that the trained network classifies right.
    pub ann_correct: u64,
    /// Labelled images that the spiking network classifies right.
    pub snn_correct: u64,
    /// Labelled images that both classify right: what tells images lost from images won.
    #[serde(default)]
    pub both_correct: u64,
    /// Images on which both say the same.
    pub agree: u64,
    /// Multiply-accumulates of the trained network.
    pub ann_macs: u64,
    /// Multiply-accumulates of the spiking network: those on samples that enter as analog currents.
    pub input_macs: u64,
    /// Spikes of samples that enter as spikes.
    pub input_spikes: u64,
    /// Synaptic operations of these spikes.
    pub input_synops: u64,
    /// Largest difference between a result of the trained and the spiking network.
    pub max_difference: f64,
    /// Time that the trained network took, in nanoseconds.
    pub ann_nanoseconds: u64,
    /// Time that the spiking network's engine took, in nanoseconds, without counting spikes.
    pub snn_nanoseconds: u64,
    /// Where samples were stopped early: how many took how many steps.
    #[serde(default)]
    pub steps_used: BTreeMap<u32, u64>,
    /// The populations, in topological order.
    pub layers: Vec<LayerRecord>,
}

/// What a population did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerRecord {
    /// Name of the node of the trained network that it stands for.
    pub name: String,
    /// Neurons that fire.
    pub neurons: u64,
    /// Spikes, of either sign.
    pub spikes: u64,
    /// Negative spikes.
    pub negative_spikes: u64,
    /// Synaptic operations of its spikes.
    pub synops: u64,
    /// Windows without a spike, over neurons and images.
    pub silent: u64,
    /// Windows with a spike in every step, over neurons and images: the largest activation that the code has.
    pub saturated: u64,
}

impl Evaluation {
    /// Adds what was found on other images of the same network. An evaluation of no images merges with any.
    ///
    /// # Errors
    /// [`EngineError::Records`] when the two are of different networks; `self` is left as it was.
    pub fn merge(&mut self, other: &Self) -> Result<(), EngineError> {
        if other.images == 0 && other.layers.is_empty() {
            return Ok(());
        }
        if self.images == 0 && self.layers.is_empty() {
            self.layers = other.layers.iter().map(LayerRecord::emptied).collect();
        }
        let same = |(a, b): (&LayerRecord, &LayerRecord)| a.name == b.name && a.neurons == b.neurons;
        if self.layers.len() != other.layers.len() || !self.layers.iter().zip(&other.layers).all(same) {
            let list = |record: &Self| record.layers.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(EngineError::Records { first: list(self), other: list(other) });
        }
        for (sum, more) in [
            (&mut self.images, other.images),
            (&mut self.labelled, other.labelled),
            (&mut self.ann_correct, other.ann_correct),
            (&mut self.snn_correct, other.snn_correct),
            (&mut self.both_correct, other.both_correct),
            (&mut self.agree, other.agree),
            (&mut self.ann_macs, other.ann_macs),
            (&mut self.input_macs, other.input_macs),
            (&mut self.input_spikes, other.input_spikes),
            (&mut self.input_synops, other.input_synops),
            (&mut self.ann_nanoseconds, other.ann_nanoseconds),
            (&mut self.snn_nanoseconds, other.snn_nanoseconds),
        ] {
            *sum = sum.saturating_add(more);
        }
        for (steps, more) in &other.steps_used {
            let images = self.steps_used.entry(*steps).or_default();
            *images = images.saturating_add(*more);
        }
        self.max_difference = self.max_difference.max(other.max_difference);
        self.layers.iter_mut().zip(&other.layers).for_each(|(layer, more)| layer.add(more));
        Ok(())
    }

    /// Share of labelled images that the trained network classifies right; `None` without labels.
    pub fn ann_accuracy(&self) -> Option<f64> {
        (self.labelled > 0).then(|| ratio(self.ann_correct, self.labelled))
    }

    /// Share of labelled images that the spiking network classifies right; `None` without labels.
    pub fn snn_accuracy(&self) -> Option<f64> {
        (self.labelled > 0).then(|| ratio(self.snn_correct, self.labelled))
    }

    /// Share of images on which both say the same. This and all that follows is 0 before the first image.
    pub fn agreement(&self) -> f64 {
        self.per_image(self.agree)
    }

    /// Spikes of all populations on an image; those of the input are apart, in [`Evaluation::input_spikes`].
    pub fn spikes_per_image(&self) -> f64 {
        self.per_image(self.spikes())
    }

    /// Spikes of a neuron on an image, over all populations.
    pub fn spikes_per_neuron(&self) -> f64 {
        let neurons: u64 = self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.neurons));
        ratio(self.spikes(), self.images.saturating_mul(neurons))
    }

    /// Synaptic operations on an image: each connection that a spike crosses, those of the input's spikes included.
    pub fn synops_per_image(&self) -> f64 {
        let synops = self.layers.iter().fold(self.input_synops, |sum, layer| sum.saturating_add(layer.synops));
        self.per_image(synops)
    }

    /// Multiply-accumulates of the trained network on an image.
    pub fn ann_macs_per_image(&self) -> f64 {
        self.per_image(self.ann_macs)
    }

    /// Multiply-accumulates of the spiking network on an image: those on an analog sample.
    pub fn input_macs_per_image(&self) -> f64 {
        self.per_image(self.input_macs)
    }

    /// Estimated energy of the trained network on an image, by the [cost model](crate::cost).
    pub fn ann_energy_joule(&self) -> f64 {
        cost::energy_joule(self.ann_macs_per_image(), 0.0)
    }

    /// Estimated energy of the spiking network on an image, by the [cost model](crate::cost).
    pub fn snn_energy_joule(&self) -> f64 {
        cost::energy_joule(self.input_macs_per_image(), self.synops_per_image())
    }

    /// Images that the spiking network's engine ran in a second of its own time.
    pub fn images_per_second(&self) -> f64 {
        1e9 * ratio(self.images, self.snn_nanoseconds)
    }

    /// Images that the trained network ran in a second of its own time.
    pub fn ann_images_per_second(&self) -> f64 {
        1e9 * ratio(self.images, self.ann_nanoseconds)
    }

    fn spikes(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.spikes))
    }

    fn per_image(&self, sum: u64) -> f64 {
        ratio(sum, self.images)
    }
}

impl LayerRecord {
    /// A record of no images.
    fn emptied(&self) -> Self {
        Self { name: self.name.clone(), neurons: self.neurons, ..Self::default() }
    }

    fn add(&mut self, other: &Self) {
        for (sum, more) in [
            (&mut self.spikes, other.spikes),
            (&mut self.negative_spikes, other.negative_spikes),
            (&mut self.synops, other.synops),
            (&mut self.silent, other.silent),
            (&mut self.saturated, other.saturated),
        ] {
            *sum = sum.saturating_add(more);
        }
    }
}

/// `part / whole`, or 0 of nothing.
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
