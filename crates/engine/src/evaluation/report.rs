use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spikeconverter_graph::NodeId;
pub use spikeconverter_network::Simulation;
use spikeconverter_network::{Encoding, Schedule, SpikingNetwork};

use super::{Evaluation, LayerRecord, ratio};

/// An evaluation in the numbers that people compare; what `eval --json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvaluationReport {
    /// Conversion method.
    pub method: String,
    /// Engine that ran the spiking network.
    pub engine: String,
    /// `T` in steps: the window length of a population, or the length of a streaming simulation.
    pub time_steps: u32,
    /// The shortest window of its populations in steps, where that is shorter than `T`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_window_steps: Option<u32>,
    /// Whether `T` is a window of each layer or the steps of the whole.
    pub schedule: Simulation,
    /// Steps from the first input of an image to its result.
    pub latency_steps: u32,
    /// The longest delay of its populations in steps, where they fire before their windows are over; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_steps: Option<u32>,
    /// The shortest, where they differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_delay_steps: Option<u32>,
    /// Steps between one image and the next.
    pub period_steps: u32,
    /// Steps that samples took where they were stopped when their class was stable; absent where all took `T`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps_used: Option<StepsUsed>,
    /// Populations on the longest path, the read-out included.
    pub stages: u32,
    /// How samples enter.
    pub encoding: Encoding,
    /// Images evaluated.
    pub images: u64,
    /// Accuracy of the trained network, 0 to 1; absent without labels.
    pub ann_accuracy: Option<f64>,
    /// Accuracy of the spiking network, 0 to 1; absent without labels.
    pub snn_accuracy: Option<f64>,
    /// Share of images on which both say the same.
    pub agreement: f64,
    /// Largest difference between a result of the trained and the spiking network.
    pub max_difference: f64,
    /// Spikes of a neuron on an image, over all populations.
    pub spikes_per_neuron: f64,
    /// Spikes of all populations on an image.
    pub spikes_per_image: f64,
    /// Spikes of the input on an image; 0 where samples enter as currents.
    pub input_spikes_per_image: f64,
    /// What a spike says, in bits, with its absence as a symbol of its own, rounded up: 1, or 2 where some spikes are
    /// negative, and more where they come in several sizes. (A burst of spikes counts as that many.)
    pub bits_per_spike: u32,
    /// Synaptic operations on an image, those of the input's spikes included.
    pub synops_per_image: f64,
    /// Multiply-accumulates of the spiking network on an image, on samples that enter as currents.
    pub input_macs_per_image: f64,
    /// Multiply-accumulates of the trained network on an image.
    pub ann_macs_per_image: f64,
    /// Estimated energy of the trained network on an image, in joule, by the [cost model](crate::cost).
    pub ann_energy_joule: f64,
    /// Estimated energy of the spiking network on an image, in joule, by the [cost model](crate::cost).
    pub snn_energy_joule: f64,
    /// Images that the spiking network's engine runs in a second of its own time.
    pub images_per_second: f64,
    /// Images that the trained network runs in a second of its own time.
    pub ann_images_per_second: f64,
    /// The populations, in topological order.
    pub layers: Vec<LayerReport>,
}

/// Steps that samples took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StepsUsed {
    /// On average.
    pub mean: f64,
    /// The fewest.
    pub min: u32,
    /// Those of the sample in the middle (the lower of two).
    pub median: u32,
    /// The most.
    pub max: u32,
}

impl StepsUsed {
    /// Of so many images that took so many steps; `None` of none.
    fn of(images: &BTreeMap<u32, u64>) -> Option<Self> {
        let (min, max) = (*images.keys().next()?, *images.keys().next_back()?);
        let total: u64 = images.values().fold(0, |sum, images| sum.saturating_add(*images));
        let sum: f64 = images.iter().map(|(steps, images)| f64::from(*steps) * *images as f64).sum();
        let mut before = 0u64;
        let median = images.iter().find(|(_, images)| {
            before = before.saturating_add(**images);
            before >= total.div_ceil(2)
        });
        Some(Self { mean: sum / total.max(1) as f64, min, median: median.map_or(max, |(steps, _)| *steps), max })
    }
}

/// What a population did, on average.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the node of the trained network that it stands for.
    pub name: String,
    /// Neurons that fire.
    pub neurons: u64,
    /// Spikes of a neuron on an image.
    pub spikes_per_neuron: f64,
    /// Share of its spikes that are negative.
    pub negative_fraction: f64,
    /// Synaptic operations of its spikes on an image.
    pub synops_per_image: f64,
    /// Smallest threshold.
    pub threshold_min: f32,
    /// Largest threshold.
    pub threshold_max: f32,
    /// Base of its code.
    pub base: f32,
    /// Share of windows (or streams), over neurons and images, with the largest train that there is: of spikes all alike,
    /// one in every step.
    pub saturated_fraction: f64,
    /// Share of windows (or streams), over neurons and images, without a spike.
    pub silent_fraction: f64,
}

impl EvaluationReport {
    /// Accuracy lost by conversion, ANN minus SNN, as a fraction; `None` without labels.
    pub fn gap(&self) -> Option<f64> {
        Some(self.ann_accuracy? - self.snn_accuracy?)
    }

    /// The report of an evaluation of `network`, converted by `method` and run by `engine` (their names).
    pub fn new(network: &SpikingNetwork, evaluation: &Evaluation, method: &str, engine: &str) -> Self {
        let schedule = Schedule::new(network);
        let bits_per_spike = network.spiking().map(|id| bits_per_spike(network, id)).max().unwrap_or(1);
        let none = LayerRecord::default();
        let layers = network.spiking().enumerate().map(|(i, id)| {
            let record = evaluation.layers.get(i).unwrap_or(&none);
            let node = network.node(id);
            let neurons = node.shape.iter().product::<usize>() as u64;
            let windows = evaluation.images.saturating_mul(neurons);
            let (threshold_min, threshold_max) = node.kind.threshold_range().unwrap_or_default();
            LayerReport {
                name: node.name.clone(),
                neurons,
                spikes_per_neuron: ratio(record.spikes, windows),
                negative_fraction: ratio(record.negative_spikes, record.spikes),
                synops_per_image: ratio(record.synops, evaluation.images),
                threshold_min,
                threshold_max,
                base: node.kind.base().unwrap_or(1.0),
                saturated_fraction: ratio(record.saturated, windows),
                silent_fraction: ratio(record.silent, windows),
            }
        });
        Self {
            method: method.into(),
            engine: engine.into(),
            time_steps: network.time_steps(),
            least_window_steps: network.shorter_window(),
            schedule: network.simulation(),
            latency_steps: schedule.latency_steps,
            delay_steps: network.is_online().then(|| network.most_delay()),
            least_delay_steps: network.differing_delay(),
            period_steps: schedule.period,
            steps_used: StepsUsed::of(&evaluation.steps_used),
            stages: schedule.stages,
            encoding: network.encoding(),
            images: evaluation.images,
            ann_accuracy: evaluation.ann_accuracy(),
            snn_accuracy: evaluation.snn_accuracy(),
            agreement: evaluation.agreement(),
            max_difference: evaluation.max_difference,
            spikes_per_neuron: evaluation.spikes_per_neuron(),
            spikes_per_image: evaluation.spikes_per_image(),
            input_spikes_per_image: ratio(evaluation.input_spikes, evaluation.images),
            bits_per_spike,
            synops_per_image: evaluation.synops_per_image(),
            input_macs_per_image: evaluation.input_macs_per_image(),
            ann_macs_per_image: evaluation.ann_macs_per_image(),
            ann_energy_joule: evaluation.ann_energy_joule(),
            snn_energy_joule: evaluation.snn_energy_joule(),
            images_per_second: evaluation.images_per_second(),
            ann_images_per_second: evaluation.ann_images_per_second(),
            layers: layers.collect(),
        }
    }
}

/// Bits that tell apart no spike and those that a population can send.
fn bits_per_spike(network: &SpikingNetwork, id: NodeId) -> u32 {
    let kind = &network.node(id).kind;
    let signed = network.has_signed_trains() || kind.is_signed(network.coding());
    let symbols = 1 + kind.spike_sizes() * if signed { 2 } else { 1 };
    symbols.next_power_of_two().ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_in_the_middle() {
        let of = |pairs: &[(u32, u64)]| StepsUsed::of(&pairs.iter().copied().collect());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[(7, 1)]), Some(StepsUsed { mean: 7.0, min: 7, median: 7, max: 7 }));
        assert_eq!(of(&[(2, 2), (4, 1), (8, 1)]), Some(StepsUsed { mean: 4.0, min: 2, median: 2, max: 8 }));
        assert_eq!(of(&[(2, 1), (4, 1), (9, 1)]), Some(StepsUsed { mean: 5.0, min: 2, median: 4, max: 9 }));
    }
}
