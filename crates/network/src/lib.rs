//! The spiking network: populations of neurons, the synapses between them, their code and schedule, and the
//! `net.snn` file that holds all of it together with the trained network it came from.

mod error;
mod file;
mod integers;
mod network;
mod population;
mod provenance;
mod schedule;
mod streaming;
mod trains;

pub use error::NetworkError;
pub use file::SnnFile;
pub use network::{Encoding, NetworkBuilder, Node, NodeKind, Readout, Signal, SpikingNetwork};
pub use population::{Population, Transfer};
pub use provenance::{CalibrationRecord, Provenance};
pub use schedule::{Schedule, Simulation, Timing};
pub use streaming::StreamingPopulation;
