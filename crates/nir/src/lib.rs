//! The Neuromorphic Intermediate Representation (NIR): graphs of neurons and connections as other frameworks exchange
//! them.
//!
//! * [`Graph`]: the typed graph, all nineteen kinds of nodes; [`Graph::read`] and [`Graph::to_bytes`] are the HDF5 file;
//! * [`Shapes`]: what travels along each edge, checked;
//! * [`Interpreter`]: runs a graph step by step. NIR states differential equations and leaves it to whoever imports a graph
//!   how they become steps; [`Semantics`] says each of these choices.
//!
//! ```
//! use std::path::Path;
//!
//! use spikeconverter_nir::{Array, Graph, Interpreter, Node, Semantics};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let each = |value| Array::full(vec![2], value);
//! let mut graph = Graph::default();
//! graph.add("input", Node::Input(vec![2]));
//! graph.add("neurons", Node::IntegrateFire { r: each(1.0), v_threshold: each(1.0), v_reset: None });
//! graph.add("output", Node::Output(vec![2]));
//! graph.connect("input", "neurons");
//! graph.connect("neurons", "output");
//! let again = Graph::from_bytes(graph.to_bytes()?, Path::new("two.nir"))?;
//! assert_eq!(again.nodes, graph.nodes);
//!
//! // as NIR has it, a membrane above its threshold fires and returns to 0
//! let mut run = Interpreter::new(&again, Semantics::default())?;
//! let mut steps = || run.step(&[0.75, 0.25]).map(<[f64]>::to_vec);
//! assert_eq!([steps()?, steps()?], [[0.0, 0.0], [1.0, 0.0]]);
//! # Ok(())
//! # }
//! ```
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
