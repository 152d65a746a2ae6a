use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What is wrong with a graph.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A node is not what its kind asks for, or its neighbours do not fit it.
    #[error("node `{node}`: {reason}")]
    Node {
        /// Name of the node; those inside of a graph's graph are `outer.inner`.
        node: String,
        /// Why.
        reason: String,
    },
    /// The graph as a whole.
    #[error("{0}")]
    Graph(String),
}

impl GraphError {
    pub(crate) fn node(node: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Node { node: node.into(), reason: reason.into() }
    }
}

/// Why a NIR file cannot be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NirError {
    /// The file cannot be read from the disk.
    #[error("cannot read {}: {source}", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its bytes are not an HDF5 file, or a damaged one.
    #[error("{}: {reason}", file.display())]
    Container {
        /// The file.
        file: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// It is HDF5, and what it holds is not a NIR graph.
    #[error("{}: {source}", file.display())]
    Graph {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: GraphError,
    },
    /// The graph does not fit into an HDF5 file.
    #[error("cannot make a NIR file: {0}")]
    Write(String),
}
