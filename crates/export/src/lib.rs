//! What leaves: converted networks in forms that other programs read.
//!
//! * [`c`]: integer networks as one dependency-free C99 file;
//! * [`nir`]: streaming networks as graphs of the neuromorphic intermediate representation;
//! * [`onnx`]: standard ONNX operators, folded or step by step.

mod bounds;
pub mod c;
mod error;
pub mod nir;
pub mod onnx;

pub use error::ExportError;
