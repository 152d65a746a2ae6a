use serde::{Deserialize, Serialize};
use spikeconverter_network::SpikingNetwork;

/// The result of a conversion.
#[derive(Debug, Clone)]
pub struct Conversion {
    /// The spiking network.
    pub network: SpikingNetwork,
    /// What was decided for each population, in topological order.
    pub layers: Vec<LayerReport>,
    /// Number of calibration samples used.
    pub samples: usize,
}

/// What was decided for one population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the population's node.
    pub name: String,
    /// Number of neurons that fire.
    pub neurons: usize,
    /// Base `k` of its code.
    pub base: f32,
    /// Smallest threshold, in units of the activation.
    pub threshold_min: f32,
    /// Largest threshold.
    pub threshold_max: f32,
    /// Whether it sends negative spikes.
    pub signed: bool,
    /// Conversion error on the calibration samples: mean square of what the population transmits minus the trained
    /// network's activation, divided by the mean square of the latter. Errors of the layers before are part of it; in
    /// streaming methods it is that of the code alone, for currents that do not change.
    pub error: f64,
    /// Largest correction by an initial membrane potential, in absolute value and units of the activation.
    pub largest_correction: f32,
}
