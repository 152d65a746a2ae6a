//! Measures how many images a second the trained network's runner does, on networks of well-known shapes with
//! meaningless weights:
//!
//!     cargo run --release -p spikeconverter-engine --example bench_ann -- [threads] [batch] [name]

use std::time::{Duration, Instant};

use spikeconverter_engine::{Ann, Batch};
use spikeconverter_graph::ops::{Activation, Add, Conv, Linear, MaxPool, Mean, Reshape, Window};
use spikeconverter_graph::{Graph, GraphBuilder, GraphError, NodeId, Op, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let mut number = |default| args.next().map_or(Ok(default), |arg| arg.parse::<usize>());
    let (threads, count) = (number(1)?, number(64)?);
    let only = args.next();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    let networks =
        [("ResNet-20", resnet20()?), ("VGG-16", vgg16()?), ("ResNet-18", resnet18()?), ("MobileNet", mobilenet()?)];
    for (name, graph) in networks {
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let ann = Ann::new(&graph)?;
        let values = (0..count * 3 * 32 * 32).map(|i| (i % 255) as f32 / 255.0).collect();
        let batch = [Batch::new(count, vec![3, 32, 32], values)?];
        let rate = pool.install(|| rate(&ann, &batch))?;
        let macs = graph.macs() as f64;
        #[expect(clippy::print_stdout, reason = "this is what it is for")]
        {
            println!(
                "{name}: {rate:.0} images/s on {threads} thread(s) at batch {count}, {:.1} GFLOP/s a thread",
                rate * macs * 2e-9 / threads as f64
            );
        }
    }
    Ok(())
}

/// Images a second, the best of several runs.
fn rate(ann: &Ann, batch: &[Batch]) -> Result<f64, spikeconverter_engine::EngineError> {
    let mut best = Duration::MAX;
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(2) {
        let start = Instant::now();
        ann.run(batch)?;
        best = best.min(start.elapsed());
    }
    Ok(batch[0].count() as f64 / best.as_secs_f64())
}

/// Adds layers with made-up weights.
struct Net {
    builder: GraphBuilder,
    at: NodeId,
}

impl Net {
    fn new() -> Result<Self, GraphError> {
        let mut builder = GraphBuilder::new();
        let at = builder.input("image", vec![3, 32, 32])?;
        Ok(Self { builder, at })
    }

    fn op(&mut self, op: Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let name = format!("{}{}", op.kind(), self.at.0);
        self.at = self.builder.add(name, op, inputs)?;
        Ok(self.at)
    }

    fn then(&mut self, op: Op) -> Result<NodeId, GraphError> {
        self.op(op, &[self.at])
    }

    fn conv(&mut self, outputs: usize, kernel: usize, stride: usize, depthwise: bool) -> Result<NodeId, GraphError> {
        let channels = self.builder.shape(self.at)[0];
        let groups = if depthwise { channels } else { 1 };
        let shape = vec![outputs, channels / groups, kernel, kernel];
        let n = shape.iter().product::<usize>();
        let weight = (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / (50.0 * n as f32 / outputs as f32)).collect();
        self.then(Op::Conv(Conv {
            weight: Tensor::new(shape, weight)?,
            bias: Some(Tensor::full(vec![outputs], 0.1)),
            window: Window::new(vec![kernel; 2]).padded(kernel / 2).strided(stride),
            groups,
        }))
    }

    fn relu(&mut self) -> Result<NodeId, GraphError> {
        self.then(Op::Activation(Activation::Relu))
    }

    fn block(&mut self, outputs: usize, stride: usize) -> Result<(), GraphError> {
        let start = self.at;
        let mut shortcut = start;
        if stride > 1 {
            shortcut = self.conv(outputs, 1, stride, false)?;
            self.at = start;
        }
        self.conv(outputs, 3, stride, false)?;
        self.relu()?;
        let branch = self.conv(outputs, 3, 1, false)?;
        self.op(Op::Add(Add::plain(2)), &[branch, shortcut])?;
        self.relu()?;
        Ok(())
    }

    fn finish(mut self) -> Result<Graph, GraphError> {
        self.then(Op::Mean(Mean { axes: vec![1, 2], keep: true }))?;
        let inputs = self.builder.shape(self.at)[0];
        self.then(Op::Reshape(Reshape { shape: vec![inputs] }))?;
        let weight = Tensor::full(vec![10, inputs], 0.01);
        self.then(Op::Linear(Linear { weight, bias: None }))?;
        let at = self.at;
        self.builder.finish(vec![at])
    }
}

fn resnet(stem: usize, stages: &[(usize, usize)]) -> Result<Graph, GraphError> {
    let mut net = Net::new()?;
    net.conv(stem, 3, 1, false)?;
    net.relu()?;
    for (stage, &(width, blocks)) in stages.iter().enumerate() {
        for block in 0..blocks {
            net.block(width, if stage > 0 && block == 0 { 2 } else { 1 })?;
        }
    }
    net.finish()
}

fn resnet20() -> Result<Graph, GraphError> {
    resnet(16, &[(16, 3), (32, 3), (64, 3)])
}

fn resnet18() -> Result<Graph, GraphError> {
    resnet(64, &[(64, 2), (128, 2), (256, 2), (512, 2)])
}

fn vgg16() -> Result<Graph, GraphError> {
    let mut net = Net::new()?;
    for (width, layers) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
        for _ in 0..layers {
            net.conv(width, 3, 1, false)?;
            net.relu()?;
        }
        net.then(Op::MaxPool(MaxPool { window: Window::new(vec![2, 2]).strided(2), ceil: false }))?;
    }
    net.finish()
}

fn mobilenet() -> Result<Graph, GraphError> {
    let mut net = Net::new()?;
    net.conv(32, 3, 1, false)?;
    for (width, stride) in [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)] {
        let channels = net.builder.shape(net.at)[0];
        net.conv(channels, 3, stride, true)?;
        net.relu()?;
        net.conv(width, 1, 1, false)?;
        net.relu()?;
    }
    net.finish()
}
