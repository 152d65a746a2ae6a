use thiserror::Error;

/// What can be wrong with a graph. Every message names the node it is about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// An operation does not accept the shapes it is given.
    #[error("node `{node}` ({op}): {reason}")]
    Shape {
        /// Name of the node.
        node: String,
        /// Kind of operation, e.g. `Conv`.
        op: &'static str,
        /// What does not fit, with the shapes.
        reason: String,
    },
    /// A node reads a value that does not come before it.
    #[error("node `{node}` reads node number {input}, which does not come before it")]
    Order {
        /// Name of the reading node.
        node: String,
        /// Position of what it reads.
        input: usize,
    },
    /// A weight is NaN or infinite.
    #[error("node `{node}`: {what} holds {value} at position {position}; retrain or repair the file")]
    NonFinite {
        /// Name of the node.
        node: String,
        /// Which tensor, e.g. `weight`.
        what: &'static str,
        /// The offending value, as text.
        value: String,
        /// Index in the flattened tensor.
        position: usize,
    },
    /// The graph has no output, or an output that is not a node.
    #[error("the graph has no valid output node")]
    NoOutput,
    /// The network does not have exactly one input where one is wanted.
    #[error("the network has {found} inputs; this wants exactly one")]
    InputCount {
        /// Inputs found.
        found: usize,
    },
    /// A tensor's data does not have as many elements as its shape says.
    #[error("a tensor of shape {shape:?} needs {expected} elements but has {found}")]
    Length {
        /// Declared shape.
        shape: Vec<usize>,
        /// Elements that the shape asks for.
        expected: usize,
        /// Elements found.
        found: usize,
    },
}
