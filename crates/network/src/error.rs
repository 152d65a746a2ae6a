use std::path::PathBuf;

use spikeconverter_graph::GraphError;
use thiserror::Error;

/// What can be wrong with a spiking network or its file.
#[derive(Debug, Error)]
pub enum NetworkError {
    /// A node of the network is not well formed.
    #[error("spiking network, node `{node}`: {reason}")]
    Node {
        /// Name of the node.
        node: String,
        /// What is wrong.
        reason: String,
    },
    /// The network as a whole is not well formed.
    #[error("spiking network: {0}")]
    Network(String),
    /// The trained network inside is not well formed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The file could not be read or written.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, e.g. `read`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is not a spiking network of this program.
    #[error("`{}` is not a valid .snn file: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
}
