use serde::Serialize;
use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::SpikingNetwork;

use super::layer::Tally;

/// Bins of a histogram of firing rates.
const BINS: usize = 10;
/// Samples that are shown as the most wrong.
const WORST: usize = 10;

/// What became of accuracy on the way from trained to spiking network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Samples compared.
    pub samples: u64,
    /// Whether they have labels. Where not, accuracies are agreement with the trained network.
    pub labelled: bool,
    /// Share of samples that the trained network gets right.
    pub ann_accuracy: f64,
    /// The same for the spiking network.
    pub snn_accuracy: f64,
    /// Share of samples to which both give the same class.
    pub agreement: f64,
    /// The populations, in topological order.
    pub layers: Vec<LayerExplanation>,
    /// The most wrong samples: those with another class than the trained network's, and of these the results furthest off.
    pub worst: Vec<Sample>,
}

/// The error of a population's decoded activation, relative to the mean square of the trained one. The parts add up to the
/// total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ErrorParts {
    /// The whole error.
    pub total: f64,
    /// Above the range of the code.
    pub clipping: f64,
    /// Between what the code can express.
    pub quantisation: f64,
    /// By the order in which spikes arrive; 0 in windows.
    pub unevenness: f64,
    /// In what the layer reads.
    pub inherited: f64,
    /// By weights and potentials being integers; 0 in others.
    pub weight_rounding: f64,
}

/// What a population does to accuracy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerExplanation {
    /// Name of its node.
    pub name: String,
    /// Number of neurons.
    pub neurons: usize,
    /// Error of its decoded activation.
    pub error: ErrorParts,
    /// Cosine of the angle between decoded and trained activation.
    pub cosine: f64,
    /// The channel with the most error.
    pub worst_channel: usize,
    /// That channel's error, relative to the mean square of the layer's activation as the total is.
    pub worst_channel_error: f64,
    /// Accuracy lost where only this layer spikes, as a share of samples.
    pub accuracy_cost: f64,
    /// Accuracy won back where only this layer is analog; absent where the network's code or its rehearsal has no such layer.
    pub accuracy_recovered: Option<f64>,
    /// Neurons that never fired.
    pub dead_neurons: usize,
    /// Neurons at the end of the code's range for half of the samples and more.
    pub saturated_neurons: usize,
    /// How often its neurons fire.
    pub firing_rates: FiringRates,
}

/// Spikes a step, over the neurons of a layer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiringRates {
    /// Mean rate.
    pub mean: f64,
    /// Numbers of neurons with a mean rate in each tenth from 0 to 1.
    pub histogram: Vec<usize>,
}

/// What both networks said of a sample.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// Its number in the data, from 0.
    pub index: usize,
    /// Its label.
    pub label: Option<i64>,
    /// The trained network's class, in labels.
    pub ann: Option<i64>,
    /// The spiking network's class, in labels.
    pub snn: Option<i64>,
    /// Distance of the spiking network's result from the trained one's, relative to the latter.
    pub difference: f64,
}

pub(super) fn explanation(
    network: &SpikingNetwork,
    layers: &[NodeId],
    tallies: &[Tally],
    samples: &[Sample],
) -> Explanation {
    let count = samples.len() as u64;
    let share = |n: u64| if count > 0 { n as f64 / count as f64 } else { 0.0 };
    let labelled = count > 0 && samples.iter().all(|sample| sample.label.is_some());
    let right = |class: fn(&Sample) -> Option<i64>| {
        let is_right = |sample: &&Sample| {
            let wanted = if labelled { sample.label } else { sample.ann };
            class(sample).is_some() && class(sample) == wanted
        };
        samples.iter().filter(is_right).count() as u64
    };
    let (of_ann, of_snn) = (right(|sample| sample.ann), right(|sample| sample.snn));
    let agree = samples.iter().filter(|sample| sample.ann.is_some() && sample.ann == sample.snn).count() as u64;
    let steps = network.time_steps();
    let explained = layers.iter().zip(tallies).map(|(&id, tally)| {
        let node = network.node(id);
        let (worst_channel, worst_channel_error) = tally.split.worst_channel().unwrap_or_default();
        LayerExplanation {
            name: node.name.clone(),
            neurons: volume(&node.shape),
            error: tally.split.parts(),
            cosine: tally.split.cosine(),
            worst_channel,
            worst_channel_error,
            accuracy_cost: share(of_ann) - share(tally.alone),
            accuracy_recovered: tally.analog_known.then(|| share(tally.analog) - share(of_snn)),
            dead_neurons: tally.spikes.iter().filter(|&&spikes| spikes == 0).count(),
            saturated_neurons: tally.saturated.iter().filter(|&&n| tally.windows > 0 && 2 * n >= tally.windows).count(),
            firing_rates: firing_rates(&tally.spikes, tally.windows * u64::from(node.kind.window(steps))),
        }
    });
    let mut worst: Vec<&Sample> = samples.iter().collect();
    worst.sort_by(|a, b| {
        let key = |sample: &Sample| (sample.ann != sample.snn, sample.difference);
        let ((a, of_a), (b, of_b)) = (key(a), key(b));
        b.cmp(&a).then(of_b.total_cmp(&of_a))
    });
    Explanation {
        samples: count,
        labelled,
        ann_accuracy: share(of_ann),
        snn_accuracy: share(of_snn),
        agreement: share(agree),
        layers: explained.collect(),
        worst: worst.into_iter().take(WORST).cloned().collect(),
    }
}

fn firing_rates(spikes: &[u64], steps: u64) -> FiringRates {
    let rate = |spikes: u64| spikes as f64 / steps.max(1) as f64;
    let mut histogram = vec![0; BINS];
    for &spikes in spikes {
        histogram[((rate(spikes) * BINS as f64) as usize).min(BINS - 1)] += 1;
    }
    FiringRates { mean: rate(spikes.iter().sum()) / spikes.len().max(1) as f64, histogram }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_by_hand() {
        let rates = firing_rates(&[0, 10, 5, 1], 10);
        assert!((rates.mean - 0.4).abs() < 1e-12);
        assert_eq!(rates.histogram, [1, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
    }
}
