//! What enters from outside: samples, and initial membrane potentials.

use spikeconverter_network::{Encoding, Node, NodeKind, Readout};

/// What the input sends in a step of its window.
pub(super) fn encode(encoding: Encoding, image: &[f64], step: u32) -> Vec<f64> {
    match encoding {
        Encoding::Analog if step == 0 => image.to_vec(),
        Encoding::Analog | Encoding::Poisson { .. } => vec![0.0; image.len()],
        Encoding::Pixels => {
            let digit = Encoding::PIXEL_STEPS - 1 - step;
            image.iter().map(|&x| f64::from((x as u32 >> digit) & 1) * f64::from(Encoding::PIXEL_THRESHOLD)).collect()
        }
    }
}

/// Adds the initial membrane potentials of a population or a read-out to what arrives in its first step.
pub(super) fn inject_initial(node: &Node, shape: &[usize], arriving: &mut [f64]) {
    let channels = shape.first().copied().unwrap_or(1);
    let inner = arriving.len() / channels.max(1);
    for (channel, values) in arriving.chunks_mut(inner.max(1)).enumerate() {
        let initial = match &node.kind {
            NodeKind::Population(population) => population.initial(channel),
            NodeKind::Readout(Readout { initial, .. }) => initial.get(channel).copied().unwrap_or(0.0),
            _ => 0.0,
        };
        for value in values {
            *value += f64::from(initial);
        }
    }
}
