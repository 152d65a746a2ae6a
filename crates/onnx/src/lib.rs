//! Reads trained networks from ONNX files into the typed graph of [`spikeconverter_graph`].
//!
//! [`import`] reports on every node of the file, [`import_graph`] wants all of it supported. Constant sub-graphs and
//! shape computations are evaluated at import, with the batch size as a symbol; what is left must be operations of
//! the graph. Names of nodes are those of the file.
//!
//! Files are data, not code, and may be hostile: lengths are checked against the bytes that are there, nesting and
//! the growth of constants are bounded, and constants in other files are read from the model's folder only.

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
