//! The spiking network: populations of neurons, the synapses between them, their code and schedule, and the
//! `net.snn` file that holds all of it together with the trained network it came from.

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
