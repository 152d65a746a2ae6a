//! The pre-flight check: what becomes of each node of a trained network, without any data.

use serde::Serialize;
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::Encoding;

use crate::ConvertError;
use crate::lower::{Lowered, Lowering, lower, refusals};

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

/// A node that cannot be converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refusal {
    /// Name of the node.
    pub name: String,
    /// Kind of operation.
    pub op: &'static str,
    /// Why not, and what to do.
    pub reason: &'static str,
}

/// What a check finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum Findings {
    /// Everything converts: what becomes of each node.
    Converts(Vec<Placement>),
    /// All the nodes that do not, in topological order; at least one.
    Refused(Vec<Refusal>),
}

impl Findings {
    /// What becomes of each node.
    ///
    /// # Errors
    /// [`ConvertError::Unsupported`] for the first node that cannot be converted.
    pub fn placements(self) -> Result<Vec<Placement>, ConvertError> {
        match self {
            Self::Converts(placements) => Ok(placements),
            Self::Refused(refused) => Err(refused.into_iter().next().map_or_else(
                || ConvertError::Network("no node converts".into()),
                |Refusal { name, op, reason }| ConvertError::Unsupported { node: name, op, reason: reason.into() },
            )),
        }
    }
}

/// Says for each node of a graph in normal form what it becomes, or which nodes cannot be converted.
///
/// # Errors
/// [`ConvertError`] when no single node is to blame.
pub fn check(graph: &Graph) -> Result<Findings, ConvertError> {
    let refused = refusals(graph)?;
    if !refused.is_empty() {
        let refusal = |(id, reason)| {
            let node = graph.node(id);
            Refusal { name: node.name.clone(), op: node.op.kind(), reason }
        };
        return Ok(Findings::Refused(refused.into_iter().map(refusal).collect()));
    }
    let Lowered { roles, .. } = lower(graph, 1, Encoding::Analog)?;
    let placement = |(id, role): (NodeId, &Lowering)| {
        let node = graph.node(id);
        let (becomes, note) = describe(*role);
        Placement { name: node.name.clone(), op: node.op.kind(), becomes, note }
    };
    Ok(Findings::Converts(graph.ids().zip(&roles).map(placement).collect()))
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
