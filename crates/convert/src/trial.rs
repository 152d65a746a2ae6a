//! Networks that are tried on calibration samples, without labels.

use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, Readout, SpikingNetwork};

use crate::ConvertError;
use crate::calibrate::mean_difference;

/// The results of a network.
pub(crate) type Run = fn(&SpikingNetwork, &Batch) -> Result<Batch, EngineError>;

/// What networks are tried on.
#[derive(Clone, Copy)]
pub(crate) struct Trial<'a> {
    pub(crate) samples: &'a Batch,
    /// The trained network's results.
    pub(crate) wanted: &'a Batch,
    /// Whether the read-out brings back the mean of each result.
    pub(crate) correct: bool,
    /// How networks run.
    pub(crate) run: Run,
}

impl Trial<'_> {
    /// The network with its read-out corrected, and the square error of its results.
    pub(crate) fn run(&self, network: &SpikingNetwork) -> Result<(f64, SpikingNetwork), ConvertError> {
        let output = network.output();
        let mut network = network.clone();
        let mut found = (self.run)(&network, self.samples)?;
        if self.correct && matches!(network.node(output).kind, NodeKind::Readout(_)) {
            let difference = mean_difference(self.wanted, &found);
            network = corrected(&network, output, &difference)?;
            found = shifted(&found, &difference);
        }
        let pairs = self.wanted.data().iter().zip(found.data());
        Ok((pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum(), network))
    }
}

/// The network with a read-out that adds `difference`.
fn corrected(network: &SpikingNetwork, output: NodeId, difference: &[f32]) -> Result<SpikingNetwork, ConvertError> {
    Ok(network.with_kinds(|id, kind| match kind {
        NodeKind::Readout(readout) if id == output => {
            let initial = difference.iter().enumerate().map(|(c, d)| d + readout.initial.get(c).unwrap_or(&0.0));
            NodeKind::Readout(Readout { initial: initial.collect(), ..readout.clone() })
        }
        _ => kind.clone(),
    })?)
}

/// The results with one number added for each entry of the first axis.
fn shifted(found: &Batch, difference: &[f32]) -> Batch {
    let mut found = found.clone();
    let inner = (found.volume() / difference.len().max(1)).max(1);
    for (values, shift) in found.data_mut().chunks_mut(inner).zip(difference.iter().cycle()) {
        for x in values {
            *x += shift;
        }
    }
    found
}
