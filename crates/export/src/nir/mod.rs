//! The network as a NIR graph: neurons with threshold 1 and resistance 1, the only form that all importers take.
//!
//! Thresholds are folded into weights: a membrane in NIR is ours divided by its threshold, and a spike counts 1. Constants of
//! synapses become biases, which act in every step as they do here; initial potentials of the read-out too, in equal parts.
//! Grouped convolutions become dense ones, kernels square and their padding the same on both sides, since checks of the `nir`
//! package know no others. Means are sums over windows whose factor goes into weights, unless [`Pooling`] says otherwise.
//! What leaves is the read-out's current: the result is its mean over the steps that are read.
//!
//! What NIR cannot say goes to `metadata/spikeconverter`, and [`assess`] says what importers make of that.

mod convolution;
mod lower;
mod metadata;
mod operations;
mod target;

use serde::Deserialize;
use spikeconverter_network::{Encoding, Simulation, SnnFile};
use spikeconverter_neuron::StreamCoding;
use spikeconverter_nir::Graph;

use crate::ExportError;

pub use metadata::{Facts, Instructions};
pub use target::{Adjustment, Assessment, Target, Verdict, assess};

/// How means over windows are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// `SumPool2d`, the factor in the weights around it.
    #[default]
    Sum,
    /// `AvgPool2d`.
    Average,
    /// A dense convolution, which every importer knows.
    Convolution,
}

/// A network as NIR.
#[derive(Debug, Clone)]
pub struct NirModel {
    /// The graph.
    pub graph: Graph,
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// What importers have to know of it.
    pub facts: Facts,
}

/// The network of `file` as a NIR graph.
///
/// # Errors
/// [`ExportError`] when the network is windowed, samples enter otherwise than as constant currents, or a node has no
/// counterpart among NIR's.
pub fn to_nir(file: &SnnFile, pooling: Pooling) -> Result<NirModel, ExportError> {
    let network = &file.network;
    let refuse = |reason: &str| Err(ExportError::Network(reason.into()));
    if network.simulation() != Simulation::Stream {
        return refuse(
            "its populations listen for a window before they fire, and NIR has nothing that waits; convert with a method \
             whose schedule is `stream`, for instance rueckauer2017",
        );
    }
    if network.encoding() != Encoding::Analog {
        return refuse("its samples enter as spikes; NIR files take networks converted with --input analog");
    }
    if network.coding() != StreamCoding::Rate {
        return refuse(
            "its wires carry changes instead of signals, which NIR has no node for; convert with rate coding",
        );
    }
    if network.rehearsal().is_some() {
        return refuse("it tries each sample before it runs, which NIR has no form for; convert with --rehearsal none");
    }
    let lowered = lower::lower(network, pooling)?;
    let facts = Facts::of(network, &lowered);
    let mut graph = lowered.graph;
    graph.metadata = metadata::of(file, &facts, lowered.initial, lowered.sample, lowered.names);
    let bytes = graph.to_bytes().map_err(|error| ExportError::Network(error.to_string()))?;
    Ok(NirModel { graph, bytes, facts })
}
