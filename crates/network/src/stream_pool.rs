use serde::{Deserialize, Serialize};
use spikeconverter_graph::ops::MaxPool;
use spikeconverter_neuron::PoolRule;

/// A maximum over windows in a streaming network, of spike trains or of the currents in front of a population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StreamingPool {
    /// The windows.
    pub pool: MaxPool,
    /// How the maximum is taken from step to step.
    pub rule: PoolRule,
}
