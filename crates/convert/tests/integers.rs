//! Every structure becomes an integer network whose result is near the trained network's.

mod common;

use common::{Net, Numbers, leaky, max_pools, residual, structures};
use spikeconverter_convert::{Base, ConvertError, Granularity, Options, Weights, method};
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_graph::ops::{
    Activation, Add, Affine, AvgPool, Concat, ConvTranspose, MaxPool, Mean, Op, Pad, Softmax, Window,
};
use spikeconverter_graph::passes::{fold_input_normalisation, normalise};
use spikeconverter_graph::{Graph, NodeId, Tensor};
use spikeconverter_network::{Encoding, NodeKind, SpikingNetwork};

fn pixels(count: usize) -> Batch {
    let mut numbers = Numbers(99);
    let data = (0..count * 192).map(|_| ((numbers.next() + 1.0) * 127.5).round()).collect();
    Batch::new(count, vec![3, 8, 8], data).unwrap()
}

/// The graph on pixels 0..=255 instead of numbers from −1 to 1.
fn on_pixels(graph: &Graph) -> Graph {
    fold_input_normalisation(graph, 0, &[2.0 / 255.0; 3], &[-1.0; 3]).unwrap()
}

fn options(time_steps: u32) -> Options {
    Options { time_steps, encoding: Encoding::Pixels, weights: Weights::I8, ..Options::default() }
}

fn converted(graph: &Graph, options: &Options) -> SpikingNetwork {
    method("spikeconverter").unwrap().convert(graph, &pixels(48), options, &mut |_, _| Ok(())).unwrap().network
}

/// Largest difference of a result relative to the range of results. The network must be one of integers, and its
/// simulation step by step must find integers only.
fn error(name: &str, graph: &Graph, options: &Options) -> f32 {
    let graph = on_pixels(graph);
    let network = converted(&graph, options);
    assert!(network.is_integer(), "{name}: {network:#?}");
    let samples = pixels(16);
    let wanted = Ann::new(&graph).unwrap().run(std::slice::from_ref(&samples)).unwrap().remove(0);
    let found = ReferenceEngine::new(&network).run(&samples, &mut |_, _| {}).unwrap();
    let step = network
        .nodes()
        .iter()
        .find_map(|node| match (&node.kind, network.node(node.inputs.first().copied().unwrap_or(NodeId(0)))) {
            (NodeKind::Head(Op::Affine(Affine { scale: Some(scale), .. })), before)
                if matches!(before.kind, NodeKind::Readout(_)) =>
            {
                Some(scale.data()[0])
            }
            _ => None,
        })
        .unwrap();
    for value in found.data() {
        let integer = value / step;
        assert!(
            (integer - integer.round()).abs() < 1e-3 * integer.abs().max(1.0),
            "{name}: {value} in steps of {step}"
        );
    }
    let range = wanted.data().iter().fold(0.0f32, |m, x| m.max(x.abs()));
    wanted.data().iter().zip(found.data()).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / range
}

#[test]
fn every_structure_becomes_integers() {
    for (name, graph) in structures() {
        for (time_steps, bound) in [(2, 0.8), (4, 0.2), (8, 0.04), (16, 0.04)] {
            for thresholds in [Granularity::Channel, Granularity::Layer] {
                let off = error(name, &graph, &Options { thresholds: Some(thresholds), ..options(time_steps) });
                assert!(off < bound, "{name}, T = {time_steps}, by {thresholds:?}: off by {off}");
            }
        }
    }
}

#[test]
fn other_roundings_are_integers_too() {
    for (half_step, bias_correction, bound) in [(false, true, 0.1), (true, false, 0.1), (false, false, 0.2)] {
        let off = error("residual", &residual(), &Options { half_step, bias_correction, ..options(8) });
        assert!(off < bound, "half step {half_step}, correction {bias_correction}: off by {off}");
    }
}

/// A stem, and what `rest` puts on it.
fn stemmed(rest: impl Fn(&mut Net, NodeId) -> NodeId) -> Graph {
    let (mut net, x) = Net::new();
    let stem = net.conv("stem", x, 4, 3, 1);
    let stem = net.relu("stem relu", stem);
    let last = rest(&mut net, stem);
    net.classify(last)
}

#[test]
fn sums_of_trains_and_of_weights() {
    let graph = stemmed(|net, stem| {
        let a = net.conv("a", stem, 4, 3, 1);
        let a = net.relu("a relu", a);
        // trains alone, read by weights
        let sum = net.op("sum", Op::Add(Add { coefficients: vec![1.0, -0.5] }), &[stem, a]);
        let b = net.conv("b", sum, 6, 1, 1);
        let c = net.conv("c", stem, 6, 3, 1);
        // weights beside weights, read by an activation
        let both = net.op("both", Op::Add(Add { coefficients: vec![0.5, 1.0] }), &[b, c]);
        net.relu("both relu", both)
    });
    let off = error("sums", &graph, &options(8));
    assert!(off < 0.04, "{off}");
}

#[test]
fn means_in_all_places() {
    let graph = stemmed(|net, stem| {
        let window = Window::new(vec![3, 3]).padded(1).strided(1);
        let pool = AvgPool { window, ceil: false, count_include_pad: false };
        let a = net.op("of trains", Op::AvgPool(pool.clone()), &[stem]);
        let a = net.conv("a", a, 4, 1, 1);
        let a = net.op("of currents", Op::AvgPool(pool), &[a]);
        let sum = net.op("sum", Op::Add(Add::plain(2)), &[stem, a]);
        let a = net.relu("relu", sum);
        net.op("mean", Op::Mean(Mean { axes: vec![1, 2], keep: true }), &[a])
    });
    let off = error("means", &graph, &options(8));
    assert!(off < 0.04, "{off}");
}

#[test]
fn currents_side_by_side_keep_their_channels() {
    let graph = stemmed(|net, stem| {
        let a = net.conv("a", stem, 3, 1, 1);
        let scale = Tensor::new(vec![3, 1, 1], vec![2.0, -0.01, 0.0]).unwrap();
        let shift = Tensor::new(vec![3, 1, 1], vec![0.1, 0.2, 0.3]).unwrap();
        let a = net.op("affine", Op::Affine(Affine { scale: Some(scale), shift: Some(shift) }), &[a]);
        let b = net.conv("b", stem, 5, 3, 1);
        let both = net.op("concat", Op::Concat(Concat { axis: 0 }), &[a, b]);
        let clip = Activation::Clip { low: -0.25, high: 0.75 };
        net.op("clip", Op::Activation(clip), &[both])
    });
    let off = error("side by side", &graph, &options(8));
    assert!(off < 0.04, "{off}");
}

#[test]
fn transposed_convolutions_and_padding() {
    let graph = stemmed(|net, stem| {
        let up = ConvTranspose {
            weight: net.numbers.tensor(&[4, 3, 2, 2], 0.7),
            bias: Some(net.numbers.tensor(&[6], 0.3)),
            window: Window::new(vec![2, 2]).strided(2),
            output_padding: vec![0, 0],
            groups: 2,
        };
        let a = net.op("up", Op::ConvTranspose(up), &[stem]);
        let a = net.relu("up relu", a);
        let pad = Pad { before: vec![1, 1, 0], after: vec![1, 0, 1], value: 0.0 };
        let a = net.op("pad", Op::Pad(pad), &[a]);
        let window = Window::new(vec![2, 2]).strided(2);
        net.op("pool", Op::MaxPool(MaxPool { window, ceil: true }), &[a])
    });
    let off = error("transposed", &normalise(&graph).unwrap(), &options(8));
    assert!(off < 0.04, "{off}");
}

#[test]
fn a_softmax_stays_behind_the_read_out() {
    let (mut net, x) = Net::new();
    let a = net.conv("conv", x, 4, 3, 1);
    let mean = net.op("mean", Op::Mean(Mean { axes: vec![1, 2], keep: false }), &[a]);
    let softmax = net.op("softmax", Op::Softmax(Softmax { axes: vec![0], log: false }), &[mean]);
    let graph = net.builder.finish(vec![softmax]).unwrap();
    let network = converted(&on_pixels(&graph), &options(8));
    assert!(network.is_integer());
    assert!(matches!(network.node(network.output()).kind, NodeKind::Head(Op::Softmax(_))));
}

/// In floating point the folded engine nearly never differs: codes and weights are small integers.
#[test]
fn the_folded_engine_sends_the_same_spikes() {
    for graph in [residual(), max_pools(), leaky()] {
        let network = converted(&on_pixels(&graph), &options(6));
        let samples = pixels(8);
        let mut spikes = [Vec::new(), Vec::new()];
        FoldedEngine::new(&network).unwrap().run(&samples, &mut |_, c| spikes[0].extend_from_slice(c.data())).unwrap();
        ReferenceEngine::new(&network).run(&samples, &mut |_, c| spikes[1].extend_from_slice(c.data())).unwrap();
        assert_eq!(spikes[0], spikes[1]);
    }
}

#[test]
fn reports_are_in_units_of_the_activation() {
    let graph = on_pixels(&residual());
    let convert = |weights| {
        let options = Options { weights, base: Base::Fixed(2.0), ..options(8) };
        method("spikeconverter").unwrap().convert(&graph, &pixels(48), &options, &mut |_, _| Ok(())).unwrap().layers
    };
    for (float, integer) in convert(Weights::F32).iter().zip(convert(Weights::I8)) {
        assert_eq!(float.name, integer.name);
        assert!((integer.threshold_max / float.threshold_max - 1.0).abs() < 0.05, "{float:?} and {integer:?}");
        assert!(integer.error < 1e-3, "{integer:?}");
    }
}

#[test]
fn what_integers_cannot_do_is_refused() {
    let graph = on_pixels(&residual());
    let convert = |graph: &Graph, options: &Options| {
        method("spikeconverter").unwrap().convert(graph, &pixels(4), options, &mut |_, _| Ok(())).unwrap_err()
    };
    let analog = Options { encoding: Encoding::Analog, ..options(8) };
    assert!(matches!(convert(&graph, &analog), ConvertError::Option { option: "--weights", .. }));
    let other_base = Options { base: Base::Fixed(1.5), ..options(8) };
    assert!(matches!(convert(&graph, &other_base), ConvertError::Option { option: "--weights", .. }));
    let across = stemmed(|net, stem| net.op("across", Op::Mean(Mean { axes: vec![0], keep: true }), &[stem]));
    let refused = convert(&on_pixels(&across), &options(8));
    assert!(matches!(&refused, ConvertError::Unsupported { node, .. } if node == "across"), "{refused}");
}
