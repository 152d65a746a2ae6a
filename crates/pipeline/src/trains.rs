//! The spikes that a window's code stands for.

use spikeconverter_graph::NodeId;
use spikeconverter_network::SpikingNetwork;
use spikeconverter_neuron::SignedTrain;

/// The spikes of a code that an engine shows of a population with windows, the first step's first: −1, 0 or 1.
pub(crate) fn spikes(network: &SpikingNetwork, id: NodeId, code: i32) -> impl Iterator<Item = i8> {
    let steps = network.node(id).kind.window(network.time_steps());
    let (signed, plain) = if network.has_signed_trains() {
        (Some(SignedTrain::spikes(code, steps)), None)
    } else {
        // a code's digits are the spikes, the first step's the most significant
        let digit = move |step: u32| (code.unsigned_abs() >> (steps - step) & 1) as i8 * code.signum() as i8;
        (None, Some((1..=steps).map(digit)))
    };
    signed.into_iter().flatten().chain(plain.into_iter().flatten())
}
