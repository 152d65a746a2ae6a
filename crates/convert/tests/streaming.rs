//! Rate-coded conversion: streaming networks whose results approach the trained network's with more steps, and what is
//! refused.

use spikeconverter_convert::{ConvertError, Options, Weights, method};
use spikeconverter_engine::{Ann, Batch, Engine, ReferenceEngine};
use spikeconverter_graph::ops::{Activation, Add, AvgPool, Conv, Linear, Mean, Op, Window};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Tensor, volume};
use spikeconverter_network::{Encoding, NodeKind, Simulation};

/// Reproducible numbers in (−1, 1).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 40) as f32 / (1u64 << 23) as f32) - 1.0
    }

    fn values(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| scale * self.next()).collect()
    }
}

struct Net {
    builder: GraphBuilder,
    numbers: Numbers,
}

impl Net {
    fn conv(&mut self, name: &str, x: NodeId, out: usize) -> NodeId {
        let input = self.builder.shape(x)[0];
        let shape = vec![out, input, 3, 3];
        let data = self.numbers.values(volume(&shape), 1.5 / ((input * 9) as f32).sqrt());
        let bias = Some(Tensor::vector(self.numbers.values(out, 0.2)));
        let window = Window::new(vec![3, 3]).padded(1);
        let conv = Conv { weight: Tensor::new(shape, data).unwrap(), bias, window, groups: 1 };
        self.builder.add(name, Op::Conv(conv), &[x]).unwrap()
    }

    fn relu(&mut self, name: &str, x: NodeId) -> NodeId {
        self.builder.add(name, Op::Activation(Activation::Relu), &[x]).unwrap()
    }
}

/// Convolutions with a residual sum, and pooling by `pool`.
fn network(pool: Op, activation: Option<Activation>) -> Graph {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", vec![3, 8, 8]).unwrap();
    let mut net = Net { builder, numbers: Numbers(3) };
    let c1 = net.conv("conv1", x, 8);
    let r1 = net.relu("relu1", c1);
    let pooled = net.builder.add("pool", pool, &[r1]).unwrap();
    let mut c2 = net.conv("conv2", pooled, 8);
    if let Some(activation) = activation {
        c2 = net.builder.add("act2", Op::Activation(activation), &[c2]).unwrap();
    }
    let c3 = net.conv("conv3", c2, 8);
    let sum = net.builder.add("sum", Op::Add(Add::plain(2)), &[c3, pooled]).unwrap();
    let r3 = net.relu("relu3", sum);
    let mean = net.builder.add("mean", Op::Mean(Mean { axes: vec![1, 2], keep: false }), &[r3]).unwrap();
    let weight = Tensor::new(vec![4, 8], net.numbers.values(32, 0.5)).unwrap();
    let fc = net.builder.add("fc", Op::Linear(Linear { weight, bias: None }), &[mean]).unwrap();
    net.builder.finish(vec![fc]).unwrap()
}

fn average() -> Op {
    let window = Window::new(vec![2, 2]).strided(2);
    Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: false })
}

fn samples() -> Batch {
    Batch::new(6, vec![3, 8, 8], Numbers(11).values(6 * 192, 1.0)).unwrap()
}

fn options(time_steps: u32) -> Options {
    Options { time_steps, ..Options::default() }
}

/// Mean square of the difference of results, relative to that of the trained network's.
fn error(time_steps: u32) -> f64 {
    let graph = network(average(), Some(Activation::Relu));
    let samples = samples();
    let conversion =
        method("rueckauer2017").unwrap().convert(&graph, &samples, &options(time_steps), &mut |_, _| Ok(())).unwrap();
    assert_eq!(conversion.network.simulation(), Simulation::Stream);
    assert_eq!(conversion.network.time_steps(), time_steps);
    assert_eq!(conversion.layers.len(), 3);
    let found = ReferenceEngine::new(&conversion.network).run(&samples, &mut |_, _| ()).unwrap();
    let wanted = Ann::new(&graph).unwrap().run(&[samples]).unwrap().remove(0);
    let square = |x: f32| f64::from(x) * f64::from(x);
    let power: f64 = wanted.data().iter().map(|&x| square(x)).sum();
    wanted.data().iter().zip(found.data()).map(|(a, b)| square(a - b)).sum::<f64>() / power
}

#[test]
fn results_approach_the_trained_network() {
    let errors = [8, 64, 512].map(error);
    assert!(errors[0] < 1.0 && errors[1] < 0.3 * errors[0] && errors[2] < 0.003, "{errors:?}");
}

#[test]
fn the_percentile_is_the_threshold() {
    let graph = network(average(), Some(Activation::Relu));
    let thresholds = |percentile: f64| -> Vec<f32> {
        let options = Options { percentile, ..options(4) };
        let conversion =
            method("rueckauer2017").unwrap().convert(&graph, &samples(), &options, &mut |_, _| Ok(())).unwrap();
        let nodes = conversion.network.nodes().iter();
        nodes.filter_map(|n| if let NodeKind::Streaming(p) = &n.kind { Some(p.threshold[0]) } else { None }).collect()
    };
    let (low, high) = (thresholds(90.0), thresholds(100.0));
    assert!(low.iter().zip(&high).all(|(low, high)| low < high), "{low:?} {high:?}");
}

#[test]
fn what_spike_trains_cannot_express_is_refused_by_name() {
    let refused = |graph: &Graph, options: &Options| {
        method("rueckauer2017").unwrap().convert(graph, &samples(), options, &mut |_, _| Ok(())).unwrap_err()
    };
    let above_zero = network(average(), Some(Activation::Clip { low: 0.5, high: 6.0 }));
    let error = refused(&above_zero, &options(8));
    assert!(matches!(&error, ConvertError::Unsupported { node, .. } if node == "act2"), "{error}");
    assert!(error.to_string().contains("start at 0.5"), "{error}");
    let graph = network(average(), Some(Activation::Relu));
    for percentile in [0.0, 100.1, f64::NAN] {
        let options = Options { percentile, ..options(8) };
        assert!(matches!(refused(&graph, &options), ConvertError::Option { option: "--percentile", .. }));
    }
    for steps in [0, 4097] {
        assert!(matches!(refused(&graph, &options(steps)), ConvertError::Option { option: "--time-steps", .. }));
    }
    let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..options(8) };
    assert!(matches!(refused(&graph, &integers), ConvertError::Option { option: "--weights", .. }));
}

/// A window has 16 steps at most.
#[test]
fn windows_stay_short() {
    let graph = network(average(), Some(Activation::Relu));
    let error =
        method("spikeconverter").unwrap().convert(&graph, &samples(), &options(17), &mut |_, _| Ok(())).unwrap_err();
    assert!(matches!(error, ConvertError::Option { option: "--time-steps", .. }), "{error}");
}
