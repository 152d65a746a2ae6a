//! How much is simulated for calibration, so that a conversion stays a matter of minutes and of little memory.

use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::Graph;

/// The most samples that are simulated.
const SAMPLES: usize = 128;
/// The fewest, where there are as many.
const FEWEST: usize = 8;
/// Multiply-accumulate operations, were all inputs of all steps to spike, that a calibration may cost.
const OPERATIONS: f64 = 4e12;
/// Steps of the search for the largest input of a step; 2500 in the code that is known.
const STEPS: u32 = 256;

/// The steps that thresholds of single steps' input look at: as many as the network will run, within bounds.
pub(super) fn steps(time_steps: u32) -> u32 {
    time_steps.clamp(32, STEPS)
}

/// Samples that are simulated: up to [`SAMPLES`], spread evenly over all, fewer for large networks and long simulations.
/// Each layer's calibration runs all layers before it.
pub(super) fn samples(graph: &Graph, layers: usize, steps: u32, all: &Batch) -> Result<Batch, EngineError> {
    let each = graph.macs() as f64 * f64::from(steps) * (layers as f64 / 2.0).max(1.0);
    let affordable = (OPERATIONS / each.max(1.0)) as usize;
    let count = affordable.clamp(FEWEST, SAMPLES).min(all.count());
    subset(all, count)
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
