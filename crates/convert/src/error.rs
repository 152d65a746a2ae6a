use spikeconverter_engine::EngineError;
use spikeconverter_graph::GraphError;
use spikeconverter_network::NetworkError;
use thiserror::Error;

/// What can stop a conversion.
#[derive(Debug, Error)]
pub enum ConvertError {
    /// A node has no spiking counterpart where it stands.
    #[error("node `{node}` ({op}) cannot be converted: {reason}")]
    Unsupported {
        /// Name of the node.
        node: String,
        /// Kind of operation.
        op: &'static str,
        /// Why not, and what to do.
        reason: String,
    },
    /// The network as a whole is not of the form that can be converted.
    #[error("{0}")]
    Network(String),
    /// An option is out of its range.
    #[error("option {option}: {reason}")]
    Option {
        /// The option's name.
        option: &'static str,
        /// What it accepts.
        reason: String,
    },
    /// The method is for networks that were trained for it.
    #[error("method {method} converts only networks trained for it: {reason}")]
    Training {
        /// The method's name.
        method: &'static str,
        /// What training it needs, and what to do instead.
        reason: &'static str,
    },
    /// There is nothing to calibrate on.
    #[error("calibration needs at least one sample; give a data set with --data, or a larger --calibrate")]
    NoCalibration,
    /// The trained network gives values that are not finite.
    #[error("node `{node}` gives {value} on calibration samples; check the model and how its input is preprocessed")]
    NonFinite {
        /// Name of the node.
        node: String,
        /// The value, as text.
        value: String,
    },
    /// Who was told of the progress ended the work.
    #[error("stopped")]
    Stopped,
    /// The trained network is not well formed.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The spiking network that was built is not well formed.
    #[error(transparent)]
    Built(#[from] NetworkError),
    /// A computation on the calibration samples failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}
