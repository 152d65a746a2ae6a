//! Networks whose parameters do not come from layer-by-layer fitting: what their rules look at, and reports on what they send.

use spikeconverter_engine::Batch;
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{Population, Readout, SpikingNetwork};

use super::{AnnValues, Fitter, report_of, walk};
use crate::lower::Lowered;
use crate::{Conversion, ConvertError, LayerReport};

/// The largest magnitude of any population's activations.
pub(crate) fn largest_activation(lowered: &Lowered, graph: &Graph, samples: &Batch) -> Result<f32, ConvertError> {
    let wanted: Vec<NodeId> = lowered.network.spiking().map(|id| lowered.targets[id.0]).collect();
    let mut ann = AnnValues::new(graph, &wanted, samples)?;
    let mut largest = 0.0;
    for id in wanted {
        largest = ann.take(id)?.data().iter().fold(largest, |m: f32, a| m.max(a.abs()));
    }
    Ok(largest)
}

/// Runs the samples through a network as it is, and reports on its populations. `progress` is told the number of layers
/// done.
pub(crate) fn report_on(
    network: &SpikingNetwork,
    lowered: &Lowered,
    graph: &Graph,
    samples: &Batch,
    progress: &mut dyn FnMut(usize) -> Result<(), ConvertError>,
) -> Result<Conversion, ConvertError> {
    let mut fitter = Unchanged { lowered, layers: Vec::new(), progress };
    let network = walk((network, &lowered.targets, &lowered.copies), graph, samples, &mut fitter)?;
    Ok(Conversion { network, layers: fitter.layers, samples: samples.count() })
}

struct Unchanged<'a> {
    lowered: &'a Lowered,
    layers: Vec<LayerReport>,
    progress: &'a mut dyn FnMut(usize) -> Result<(), ConvertError>,
}

impl Fitter for Unchanged<'_> {
    fn population(&mut self, _: NodeId, population: &Population, _: &Batch, _: &Batch) -> Population {
        population.clone()
    }

    fn sent(&mut self, id: NodeId, population: &Population, sent: &Batch, wanted: &Batch) -> Result<(), ConvertError> {
        self.layers.push(report_of(self.lowered, id, population, sent, wanted));
        (self.progress)(self.layers.len())
    }

    fn readout(&mut self, _: NodeId, readout: &Readout, _: &Batch, _: &Batch) -> Readout {
        readout.clone()
    }
}
