//! The Neuromorphic Intermediate Representation (NIR): graphs of neurons and connections as other frameworks exchange
//! them.
//!
//! * [`Graph`]: the typed graph, all nineteen kinds of nodes; [`Graph::read`] and [`Graph::to_bytes`] are the HDF5 file;
//! * [`Shapes`]: what travels along each edge, checked;
//! * [`Interpreter`]: runs a graph step by step. NIR states differential equations and leaves it to whoever imports a graph
//!   how they become steps; [`Semantics`] says each of these choices.
//!
//! Source: J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified instruction set for interoperable
//! brain-inspired computing", Nature Communications 2024, 15:8122.

mod array;
mod error;
mod flat;
mod graph;
mod node;
mod read;
mod run;
mod shapes;
mod write;

pub use array::{Array, Numbers};
pub use error::{GraphError, NirError};
pub use graph::{Element, Graph, Meta, Metadata};
pub use node::{Conv, Leaky, LeakySynaptic, Node, Padding, Pool};
pub use run::{Fires, Interpreter, Reset, Semantics};
pub use shapes::Shapes;
