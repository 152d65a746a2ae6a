//! How much is simulated for calibration, so that a conversion stays a matter of minutes and of little memory.

use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::{Graph, volume};
use spikeconverter_network::SpikingNetwork;

use super::{NeuronRule, Recipe};

/// The most samples that are simulated.
const SAMPLES: usize = 128;
/// The fewest, where there are as many.
const FEWEST: usize = 8;
/// Multiply-accumulate operations, were all inputs of all steps to spike, that a calibration may cost.
const OPERATIONS: f64 = 1e12;
/// Bytes that the trains of layers may take at a time.
const BYTES: f64 = 1e9;
/// Steps of the search for the largest input of a step; 2500 in the code that is known.
const STEPS: u32 = 256;

/// The steps that thresholds of single steps' input look at: as many as the network will run, within bounds.
pub(super) fn steps(time_steps: u32) -> u32 {
    time_steps.clamp(32, STEPS)
}

/// Samples that are simulated: up to [`SAMPLES`], spread evenly over all, fewer for large networks and long simulations.
pub(super) fn samples(
    graph: &Graph,
    network: &SpikingNetwork,
    recipe: &Recipe,
    steps: u32,
    all: &Batch,
) -> Result<Batch, EngineError> {
    // a layer is run once to be calibrated, and once more for the trains of those behind it
    let operations = 2.0 * graph.macs() as f64 * f64::from(steps);
    // the trains of two layers, or of a layer and of those that a shortcut passes, wait at a time
    let mut sizes: Vec<usize> = network.spiking().map(|id| volume(&network.node(id).shape)).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let neurons = sizes.iter().take(3).sum::<usize>() as f64;
    let bytes = if recipe.neuron == NeuronRule::IntegrateFire { 0.125 } else { 4.0 } * neurons * f64::from(steps);
    let affordable = (OPERATIONS / operations.max(1.0)).min(BYTES / bytes.max(1.0)) as usize;
    subset(all, affordable.clamp(FEWEST, SAMPLES).min(all.count()))
}

/// `count` of the samples, spread evenly.
pub(super) fn subset(all: &Batch, count: usize) -> Result<Batch, EngineError> {
    if count >= all.count() {
        return Ok(all.clone());
    }
    let chosen = (0..count).flat_map(|i| all.sample(i * all.count() / count).iter().copied()).collect();
    Batch::new(count, all.shape().to_vec(), chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsets_are_spread() {
        let all = Batch::new(6, vec![1], vec![0., 1., 2., 3., 4., 5.]).unwrap();
        assert_eq!(subset(&all, 3).unwrap().data(), [0.0, 2.0, 4.0]);
        assert_eq!(subset(&all, 9).unwrap().count(), 6);
    }
}
