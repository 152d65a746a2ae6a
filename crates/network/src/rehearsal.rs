//! What a rehearsal wants of a network.

use spikeconverter_neuron::{Rehearsal, StreamCoding};

use crate::{Encoding, NetworkBuilder, NetworkError, NodeKind, Simulation, SpikingNetwork};

impl SpikingNetwork {
    /// For each node, the populations on the longest path to it, itself included.
    pub fn levels(&self) -> Vec<u32> {
        let mut levels: Vec<u32> = Vec::with_capacity(self.nodes().len());
        for node in self.nodes() {
            let below = node.inputs.iter().map(|i| levels[i.0]).max().unwrap_or(0);
            let spikes = matches!(node.kind, NodeKind::Population(_) | NodeKind::Streaming(_));
            levels.push(below + u32::from(spikes));
        }
        levels
    }
}

impl NetworkBuilder {
    /// The same with a rehearsal; to be said before populations are added.
    ///
    /// # Errors
    /// When the network cannot have one: it is windowed, has nodes already, its wires carry no rates or its samples enter
    /// as spikes; or the rehearsal's numbers are out of bounds.
    pub fn rehearsed(mut self, rehearsal: Option<Rehearsal>) -> Result<Self, NetworkError> {
        let analog = matches!(self.nodes[0].kind, NodeKind::Input(Encoding::Analog));
        let rates = self.simulation == Simulation::Stream && self.coding == StreamCoding::Rate;
        let refused = match rehearsal {
            Some(_) if !(analog && rates && self.nodes.len() == 1) => Some(
                "a rehearsal is for streaming networks of rates, with analog samples, from their first node on".into(),
            ),
            Some(r) if !(1..=Self::MOST_STREAMING_STEPS).contains(&r.steps()) => {
                Some(format!("a rehearsal of {} steps; 1 to {} are supported", r.steps(), Self::MOST_STREAMING_STEPS))
            }
            Some(Rehearsal::Residual { least, .. }) if !least.is_finite() => {
                Some(format!("a rehearsal that hears membranes above {least} times the threshold"))
            }
            _ => None,
        };
        if let Some(reason) = refused {
            return Err(NetworkError::Network(reason));
        }
        self.rehearsal = rehearsal;
        Ok(self)
    }
}
