//! Short ways to write graphs in tests.

use super::normalise;
use crate::ops::{Activation, Affine, Conv, Transpose, Window};
use crate::{Graph, GraphBuilder, NodeId, Op, Tensor, volume};

/// A builder that remembers its last node.
pub(crate) struct Chain {
    builder: GraphBuilder,
    last: NodeId,
}

impl Chain {
    /// Begins with an input `x`.
    pub(crate) fn new(shape: &[usize]) -> Self {
        let mut builder = GraphBuilder::new();
        let last = builder.input("x", shape.to_vec()).unwrap();
        Self { builder, last }
    }

    pub(crate) fn last(&self) -> NodeId {
        self.last
    }

    pub(crate) fn add_input(&mut self, name: &str, shape: &[usize]) -> NodeId {
        self.builder.input(name, shape.to_vec()).unwrap()
    }

    /// Adds an operation on the last node.
    pub(crate) fn then(mut self, name: &str, op: Op) -> Self {
        self.last = self.builder.add(name, op, &[self.last]).unwrap();
        self
    }

    /// Adds an operation on given nodes.
    pub(crate) fn on(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> NodeId {
        self.last = self.builder.add(name, op, inputs).unwrap();
        self.last
    }

    pub(crate) fn finish(self, output: NodeId) -> Graph {
        self.builder.finish(vec![output]).unwrap()
    }

    /// The normal form of the graph that ends here.
    pub(crate) fn normal(self) -> Graph {
        let last = self.last;
        normalise(&self.finish(last)).unwrap()
    }
}

/// Kinds and names of all nodes after the input, e.g. `Conv:c1 Relu:r`.
pub(crate) fn story(graph: &Graph) -> String {
    let words: Vec<String> =
        graph.nodes().iter().skip(1).map(|node| format!("{}:{}", node.op.kind(), node.name)).collect();
    words.join(" ")
}

/// Values that are all different, none zero.
pub(crate) fn counting(shape: &[usize]) -> Tensor {
    Tensor::new(shape.to_vec(), (0..volume(shape)).map(|i| (i as f32 + 1.0) / 4.0).collect()).unwrap()
}

pub(crate) fn relu() -> Op {
    Op::Activation(Activation::Relu)
}

pub(crate) fn clip(low: f32, high: f32) -> Op {
    Op::Activation(Activation::Clip { low, high })
}

/// A convolution with a square kernel and a bias.
pub(crate) fn conv(outputs: usize, inputs: usize, kernel: usize, pad: usize) -> Op {
    Op::Conv(Conv {
        weight: counting(&[outputs, inputs, kernel, kernel]),
        bias: Some(counting(&[outputs])),
        window: Window::new(vec![kernel, kernel]).padded(pad),
        groups: 1,
    })
}

/// An affine map with counting constants of shape `shape`.
pub(crate) fn affine(shape: &[usize]) -> Op {
    Op::Affine(Affine { scale: Some(counting(shape)), shift: Some(counting(shape)) })
}

pub(crate) fn transpose(perm: &[usize]) -> Op {
    Op::Transpose(Transpose { perm: perm.to_vec() })
}

pub(crate) const TO_NCHW: [usize; 3] = [2, 0, 1];
pub(crate) const TO_NHWC: [usize; 3] = [1, 2, 0];
