//! Small networks of every structure.

#![allow(dead_code)] // each test file uses its own

use spikeconverter_graph::ops::{
    Activation, Add, Affine, AvgPool, Concat, Conv, Linear, MaxPool, Mean, Op, Reshape, Window,
};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Tensor, volume};

/// Reproducible numbers in (−1, 1).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    }

    pub(crate) fn tensor(&mut self, shape: &[usize], scale: f32) -> Tensor {
        let data = (0..volume(shape)).map(|_| scale * self.next()).collect();
        Tensor::new(shape.to_vec(), data).unwrap()
    }
}

/// A graph under construction, on images of 3 × 8 × 8.
pub(crate) struct Net {
    pub(crate) builder: GraphBuilder,
    pub(crate) numbers: Numbers,
}

impl Net {
    pub(crate) fn new() -> (Self, NodeId) {
        let mut builder = GraphBuilder::new();
        let input = builder.input("x", vec![3, 8, 8]).unwrap();
        (Self { builder, numbers: Numbers(7) }, input)
    }

    pub(crate) fn op(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> NodeId {
        self.builder.add(name, op, inputs).unwrap()
    }

    pub(crate) fn conv(&mut self, name: &str, x: NodeId, out: usize, kernel: usize, groups: usize) -> NodeId {
        let input = self.builder.shape(x)[0] / groups;
        let scale = 1.5 / ((input * kernel * kernel) as f32).sqrt();
        let conv = Conv {
            weight: self.numbers.tensor(&[out, input, kernel, kernel], scale),
            bias: Some(self.numbers.tensor(&[out], 0.3)),
            window: Window::new(vec![kernel, kernel]).padded(kernel / 2),
            groups,
        };
        self.op(name, Op::Conv(conv), &[x])
    }

    pub(crate) fn relu(&mut self, name: &str, x: NodeId) -> NodeId {
        self.op(name, Op::Activation(Activation::Relu), &[x])
    }

    pub(crate) fn max_pool(&mut self, name: &str, x: NodeId) -> NodeId {
        let window = Window::new(vec![2, 2]).strided(2);
        self.op(name, Op::MaxPool(MaxPool { window, ceil: false }), &[x])
    }

    pub(crate) fn classify(mut self, x: NodeId) -> Graph {
        let features = volume(self.builder.shape(x));
        let flat = self.op("flatten", Op::Reshape(Reshape { shape: vec![features] }), &[x]);
        let weight = self.numbers.tensor(&[5, features], 1.0 / (features as f32).sqrt());
        let fc = self.op("fc", Op::Linear(Linear { weight, bias: Some(Tensor::vector(vec![0.1; 5])) }), &[flat]);
        self.builder.finish(vec![fc]).unwrap()
    }
}

pub(crate) fn residual() -> Graph {
    let (mut net, x) = Net::new();
    let a = net.conv("conv1", x, 6, 3, 1);
    let a = net.relu("relu1", a);
    let b = net.conv("conv2", a, 6, 3, 1);
    let b = net.relu("relu2", b);
    let b = net.conv("conv3", b, 6, 3, 1);
    let sum = net.op("add", Op::Add(Add::plain(2)), &[b, a]);
    let sum = net.relu("relu3", sum);
    net.classify(sum)
}

pub(crate) fn max_pools() -> Graph {
    let (mut net, x) = Net::new();
    // on membranes, after the activation
    let a = net.conv("conv1", x, 4, 3, 1);
    let a = net.relu("relu1", a);
    let a = net.max_pool("pool1", a);
    // on membranes, before the activation
    let b = net.conv("conv2", a, 4, 3, 1);
    let b = net.max_pool("pool2", b);
    let b = net.relu("relu2", b);
    net.classify(b)
}

pub(crate) fn train_pool() -> Graph {
    let (mut net, x) = Net::new();
    let stem = net.conv("conv1", x, 4, 3, 1);
    let stem = net.relu("relu1", stem);
    let left = net.conv("left", stem, 3, 1, 1);
    let left = net.relu("relu_left", left);
    let right = net.conv("right", stem, 3, 3, 1);
    let right = net.relu("relu_right", right);
    let both = net.op("concat", Op::Concat(Concat { axis: 0 }), &[left, right, stem]);
    let pooled = net.max_pool("pool", both);
    net.classify(pooled)
}

pub(crate) fn inverted_residual() -> Graph {
    let (mut net, x) = Net::new();
    let clip = || Op::Activation(Activation::Clip { low: 0.0, high: 1.0 });
    let a = net.conv("stem", x, 4, 3, 1);
    let a = net.op("stem6", clip(), &[a]);
    let project = net.conv("project0", a, 4, 1, 1);
    let b = net.conv("expand", project, 8, 1, 1);
    let b = net.op("expand6", clip(), &[b]);
    let b = net.conv("depthwise", b, 8, 3, 8);
    let b = net.op("depthwise6", clip(), &[b]);
    let b = net.conv("project", b, 4, 1, 1);
    let sum = net.op("add", Op::Add(Add::plain(2)), &[project, b]);
    let b = net.conv("last", sum, 8, 1, 1);
    let b = net.op("last6", clip(), &[b]);
    let b = net.op("mean", Op::Mean(Mean { axes: vec![1, 2], keep: false }), &[b]);
    net.classify(b)
}

pub(crate) fn leaky() -> Graph {
    let (mut net, x) = Net::new();
    let a = net.conv("conv1", x, 4, 3, 1);
    let slope = Tensor::new(vec![4, 1, 1], vec![0.25, 0.0, -0.5, 1.5]).unwrap();
    let a = net.op("prelu", Op::Activation(Activation::Leaky { slope }), &[a]);
    let a = net.max_pool("pool", a);
    let slope = Tensor::full(vec![], 0.1);
    let a = net.conv("conv2", a, 4, 3, 1);
    let a = net.op("leaky", Op::Activation(Activation::Leaky { slope }), &[a]);
    let window = Window::new(vec![2, 2]).strided(2);
    let a = net.op("avg", Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: true }), &[a]);
    net.classify(a)
}

pub(crate) fn no_activations() -> Graph {
    let (mut net, x) = Net::new();
    let a = net.conv("conv1", x, 4, 3, 1);
    let a = net.max_pool("pool", a);
    let shift = Tensor::new(vec![4, 1, 1], vec![3.0, -2.0, 0.5, 9.0]).unwrap();
    let a = net.op("shift", Op::Affine(Affine { scale: None, shift: Some(shift) }), &[a]);
    let a = net.conv("conv2", a, 4, 3, 1);
    net.classify(a)
}

/// All of them, by name.
pub(crate) fn structures() -> Vec<(&'static str, Graph)> {
    vec![
        ("residual", residual()),
        ("max-pools", max_pools()),
        ("pool of trains", train_pool()),
        ("inverted residual", inverted_residual()),
        ("leaky", leaky()),
        ("no activations", no_activations()),
    ]
}
