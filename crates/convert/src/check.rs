//! The pre-flight check: what becomes of each node of a trained network, without any data.

use serde::Serialize;
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::Encoding;

use crate::ConvertError;
use crate::lower::{Lowered, Lowering, lower};

/// What becomes of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Placement {
    /// Name of the node.
    pub name: String,
    /// Kind of operation.
    pub op: &'static str,
    /// What it becomes, in a few words.
    pub becomes: &'static str,
    /// What a user should know about it.
    pub note: Option<&'static str>,
}

/// Says for each node of a graph in normal form what it becomes.
///
/// # Errors
/// [`ConvertError`] for the first node that cannot be converted.
pub fn check(graph: &Graph) -> Result<Vec<Placement>, ConvertError> {
    let Lowered { roles, .. } = lower(graph, 1, Encoding::Analog)?;
    let placement = |(id, role): (NodeId, &Lowering)| {
        let node = graph.node(id);
        let (becomes, note) = describe(*role);
        Placement { name: node.name.clone(), op: node.op.kind(), becomes, note }
    };
    Ok(graph.ids().zip(&roles).map(placement).collect())
}

fn describe(role: Lowering) -> (&'static str, Option<&'static str>) {
    match role {
        Lowering::Input => ("input", None),
        Lowering::Synapse { linear_population: false } => ("synapses", None),
        Lowering::Synapse { linear_population: true } => (
            "synapses and a population",
            Some("no activation follows before the next weights: a linear population sends signed spikes"),
        ),
        Lowering::Population { pooled: false } => ("population", None),
        Lowering::Population { pooled: true } => ("population", Some("fires after the maximum beside it")),
        Lowering::MembranePool => ("maximum of membranes", None),
        Lowering::PoolPopulation => (
            "maximum of membranes and a population",
            Some("no activation stands beside it: a linear population sends signed spikes"),
        ),
        Lowering::TrainPool => ("maximum of spike trains", None),
        Lowering::Head => ("computed on the read-out", Some("does not spike")),
    }
}
