//! The spiking network: populations of neurons, the synapses between them, their code and schedule, and the
//! `net.snn` file that holds all of it together with the trained network it came from.
//!
//! ```
//! use spikeconverter_graph::Tensor;
//! use spikeconverter_graph::ops::{Linear, Op};
//! use spikeconverter_network::{Encoding, NetworkBuilder, NetworkError, NodeKind, Population, Readout, Schedule};
//!
//! # fn main() -> Result<(), NetworkError> {
//! let synapses = |shape, weights| -> Result<NodeKind, NetworkError> {
//!     Ok(NodeKind::Synapse(Op::Linear(Linear { weight: Tensor::new(shape, weights)?, bias: None })))
//! };
//! let neurons = Population {
//!     ..Population::default()
//! };
//! let mut builder = NetworkBuilder::new(4, "x", vec![2], Encoding::Analog)?;
//! let currents = builder.add("fc1", synapses(vec![2, 2], vec![1.0, -1.0, 0.5, 0.5])?, &[builder.input()])?;
//! let spikes = builder.add("relu", NodeKind::Population(neurons), &[currents])?;
//! let results = builder.add("fc2", synapses(vec![1, 2], vec![1.0, 1.0])?, &[spikes])?;
//! let readout = builder.add("readout", NodeKind::Readout(Readout::default()), &[results])?;
//! let network = builder.finish(readout)?;
//!
//! // a window for the input and one for the population
//! assert_eq!(Schedule::new(&network).latency_steps, 8);
//! # Ok(())
//! # }
//! ```

mod builder;
mod encoding;
mod error;
mod file;
mod integers;
mod network;
mod node;
mod online;
mod population;
mod provenance;
mod rehearsal;
mod schedule;
mod stream_pool;
mod streaming;
mod trains;
mod write;

pub use builder::NetworkBuilder;
pub use encoding::Encoding;
pub use error::NetworkError;
pub use file::SnnFile;
pub use network::SpikingNetwork;
pub use node::{Node, NodeKind, Readout, Signal};
pub use population::{Population, Transfer};
pub use provenance::{CalibrationRecord, Provenance};
pub use schedule::{Schedule, Simulation, Timing};
pub use stream_pool::StreamingPool;
pub use streaming::{Negative, StreamingPopulation};
pub use write::write_whole;
