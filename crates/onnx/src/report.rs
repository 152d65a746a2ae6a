use spikeconverter_graph::Graph;

/// What became of one node of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeStatus {
    /// It is in the graph.
    Imported,
    /// Its result is a constant, computed at import.
    Folded,
    /// It changes nothing (identity, dropout, …) and is left out.
    Removed,
    /// No output of the network depends on it.
    Unused,
    /// It has no counterpart in the graph.
    Unsupported {
        /// Why.
        reason: String,
        /// What helps, where something does.
        remedy: Option<String>,
    },
    /// It contradicts its inputs or the ONNX specification.
    Invalid {
        /// How.
        reason: String,
    },
    /// It reads the result of a node that could not be imported.
    Blocked {
        /// Name of the first such node.
        by: String,
    },
}

impl NodeStatus {
    /// Whether the node keeps the network from being imported.
    pub fn is_problem(&self) -> bool {
        matches!(self, Self::Unsupported { .. } | Self::Invalid { .. } | Self::Blocked { .. })
    }
}

/// One node of the file and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeReport {
    /// Name in the file; where it has none, that of its first output. Unique (a suffix is added where needed).
    pub name: String,
    /// Operator, e.g. `Conv`.
    pub op_type: String,
    /// What became of it.
    pub status: NodeStatus,
}

/// A file as imported.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The network; `None` when something that the outputs need could not be imported (see `nodes`).
    pub graph: Option<Graph>,
    /// All nodes of the file, in its order.
    pub nodes: Vec<NodeReport>,
    /// Names of the outputs, in the file's order (and that of [`Graph::outputs`]).
    pub outputs: Vec<String>,
    /// Version of the ONNX operator set.
    pub opset: i64,
    /// Program that wrote the file, with its version.
    pub producer: Option<String>,
    /// Version of the file format.
    pub ir_version: Option<i64>,
}

impl Import {
    /// The nodes that could not be imported for reasons of their own (those blocked by them left out).
    pub fn problems(&self) -> impl Iterator<Item = &NodeReport> {
        self.nodes
            .iter()
            .filter(|node| matches!(node.status, NodeStatus::Unsupported { .. } | NodeStatus::Invalid { .. }))
    }
}
