use thiserror::Error;

/// Why a network does not leave in the form that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// A node has no counterpart there.
    #[error("node `{node}`: {reason}")]
    Node {
        /// Name of the node.
        node: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The network as a whole has no such form.
    #[error("{0}")]
    Network(String),
}

impl ExportError {
    pub(crate) fn node(node: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Node { node: node.into(), reason: reason.into() }
    }
}
