//! The trained network (ANN): a small closed set of typed operations, their shape rules, and the passes that bring
//! a graph to its normal form.
//!
//! Shapes are *per sample*: the batch axis is implicit and leads every tensor at run time. A weight's layout is the
//! one of ONNX unless its field says otherwise. Node names are the ones the user's file has, so that every report
//! and error can point at them.

mod error;
mod graph;
pub mod ops;
pub mod passes;
mod tensor;

pub use error::GraphError;
pub use graph::{Graph, GraphBuilder, Node, NodeId};
pub use ops::{Op, Role};
pub use tensor::Tensor;

/// Number of elements of a shape (product of its extents; 1 for an empty shape).
pub fn volume(shape: &[usize]) -> usize {
    shape.iter().product()
}
