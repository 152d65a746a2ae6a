//! Reads trained networks from ONNX files into the typed graph of [`spikeconverter_graph`].
//!
//! [`import`] reports on every node of the file, [`import_graph`] wants all of it supported. Constant sub-graphs and
//! shape computations are evaluated at import, with the batch size as a symbol; what is left must be operations of
//! the graph. Names of nodes are those of the file.
//!
//! Files are data, not code, and may be hostile: lengths are checked against the bytes that are there, nesting and
//! the growth of constants are bounded, and constants in other files are read from the model's folder only.
//!
//! ```
//! use std::path::Path;
//!
//! use spikeconverter_onnx::{ImportOptions, import};
//!
//! # fn main() -> Result<(), spikeconverter_onnx::OnnxError> {
//! let digits = import(Path::new("../../demo/digits.onnx"), &ImportOptions::default())?;
//! for node in &digits.nodes {
//!     assert!(!node.status.is_problem(), "{} ({}) {:?}", node.name, node.op_type, node.status);
//! }
//! let graph = digits.graph.expect("all of it is supported");
//! let input = graph.inputs().next().expect("a network has an input");
//! assert_eq!(graph.node(input).shape, [1, 8, 8]); // of a sample
//! # Ok(())
//! # }
//! ```

mod context;
mod error;
mod external;
mod fold;
mod import;
mod inputs;
mod ops;
mod options;
mod order;
mod problem;
pub mod proto;
mod report;
mod source;
mod tensor;
mod value;

pub use error::OnnxError;
pub use import::{import, import_bytes, import_graph};
pub use options::{BatchAxis, ImportOptions};
pub use report::{Import, NodeReport, NodeStatus};

/// The operators that are imported, by their ONNX names (some only on constants).
pub fn supported_operators() -> impl Iterator<Item = &'static str> {
    ops::names()
}
