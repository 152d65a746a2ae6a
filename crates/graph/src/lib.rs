//! The trained network (ANN): a small closed set of typed operations, their shape rules, and the passes that bring
//! a graph to its normal form.
//!
//! Shapes are *per sample*: the batch axis is implicit and leads every tensor at run time. A weight's layout is the
//! one of ONNX unless its field says otherwise. Node names are the ones the user's file has, so that every report
//! and error can point at them.
//!
//! ```
//! use spikeconverter_graph::ops::{Activation, Affine, Linear, Op};
//! use spikeconverter_graph::passes::normalise;
//! use spikeconverter_graph::{GraphBuilder, Tensor};
//!
//! # fn main() -> Result<(), spikeconverter_graph::GraphError> {
//! let mut builder = GraphBuilder::new();
//! let x = builder.input("x", vec![2])?;
//! let weight = Tensor::new(vec![3, 2], vec![1.0, 0.0, 0.0, 1.0, 1.0, -1.0])?;
//! let sums = builder.add("fc", Op::Linear(Linear { weight, bias: None }), &[x])?;
//! let scale = Some(Tensor::vector(vec![2.0, 2.0, 0.5]));
//! let scaled = builder.add("scale", Op::Affine(Affine { scale, shift: None }), &[sums])?;
//! let y = builder.add("relu", Op::Activation(Activation::Relu), &[scaled])?;
//! let graph = builder.finish(vec![y])?;
//! assert_eq!(graph.node(y).shape, [3]);
//!
//! // in normal form the scale is in the weights
//! let normal = normalise(&graph)?;
//! assert_eq!(normal.nodes().len(), 3);
//! let Op::Linear(folded) = &normal.nodes()[1].op else { panic!("{:?}", normal.nodes()[1].op) };
//! assert_eq!(folded.weight.data(), [2.0, 0.0, 0.0, 2.0, 0.5, -0.5]);
//! # Ok(())
//! # }
//! ```

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
