//! How much is simulated for calibration, so that a conversion stays a matter of minutes and of little memory.

use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::Graph;

use super::{Recipe, ThresholdRule};

/// The most samples that are simulated.
const SAMPLES: usize = 128;
/// The fewest, where there are as many.
const FEWEST: usize = 8;
/// Multiply-accumulate operations, were all inputs of all steps to spike, that a calibration may cost.
const OPERATIONS: f64 = 1e12;
/// Steps of the search for the largest input of a step; 2500 in the code that is known.
const STEPS: u32 = 256;

/// The steps that thresholds of single steps' input look at: as many as the network will run, within bounds.
pub(super) fn steps(time_steps: u32) -> u32 {
    time_steps.clamp(32, STEPS)
}

/// Samples that are simulated: up to [`SAMPLES`], spread evenly over all, fewer for large networks and long simulations.
pub(super) fn samples(
    graph: &Graph,
    layers: usize,
    recipe: &Recipe,
    time_steps: u32,
    all: &Batch,
) -> Result<Batch, EngineError> {
    let looks_at_steps = matches!(recipe.threshold, ThresholdRule::SpikeNorm | ThresholdRule::Rmp);
    let run = f64::from(if looks_at_steps { steps(time_steps) } else { time_steps });
    let operations = match recipe.rehearsal() {
        // a layer is run once to be calibrated, and once more for the trains of those behind it
        None => 2.0 * run,
        // all layers before it run again with each layer, after a rehearsal of them all, or of one after the other
        Some(rehearsal) => {
            let turns = if rehearsal.is_sequential() { layers as f64 / 2.0 } else { 1.0 };
            (run + f64::from(rehearsal.steps()) * turns.max(1.0)) * (layers as f64 / 2.0).max(1.0)
        }
    };
    let affordable = (OPERATIONS / (graph.macs() as f64 * operations).max(1.0)) as usize;
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
