//! Every structure converts: with 16 steps the spiking network's result is the trained network's to a small error, and
//! the folded engine sends the spikes that the literal simulation sends.

mod common;

use common::{Net, Numbers, inverted_residual, leaky, max_pools, no_activations, residual, structures, train_pool};
use spikeconverter_convert::{Base, ConvertError, Findings, Granularity, Options, check, method};
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_graph::ops::{Affine, Mean, Op, Softmax};
use spikeconverter_graph::{Graph, Tensor};
use spikeconverter_network::{Encoding, NodeKind};

fn samples(count: usize) -> Batch {
    let mut numbers = Numbers(99);
    Batch::new(count, vec![3, 8, 8], (0..count * 192).map(|_| numbers.next()).collect()).unwrap()
}

fn options() -> Options {
    Options { time_steps: 16, base: Base::Fixed(2.0), ..Options::default() }
}

/// Converts, and compares the result with the trained network's and both engines with each other. Gives the largest
/// difference of a result relative to the range of results.
fn error(graph: &Graph, options: &Options) -> f32 {
    let samples = samples(24);
    let conversion = method("spikeconverter").unwrap().convert(graph, &samples, options, &mut |_, _| Ok(())).unwrap();
    let network = &conversion.network;
    let mut spikes = [Vec::new(), Vec::new()];
    let folded = FoldedEngine::new(network)
        .unwrap()
        .run(&samples, &mut |_, codes| spikes[0].extend_from_slice(codes.data()))
        .unwrap();
    let reference = ReferenceEngine::new(network);
    reference.run(&samples, &mut |_, codes| spikes[1].extend_from_slice(codes.data())).unwrap();
    // At 16 steps the resolution is only some hundred roundings of an f32 sum wide, so that one train in fifty may lie
    // within rounding of another; the engine's own suite checks that these are the only ones that differ.
    let different = spikes[0].iter().zip(&spikes[1]).filter(|(a, b)| a != b).count();
    assert!(different * 50 <= spikes[0].len(), "{different} of {} trains differ", spikes[0].len());
    let wanted = Ann::new(graph).unwrap().run(std::slice::from_ref(&samples)).unwrap().remove(0);
    let range = wanted.data().iter().fold(0.0f32, |m, x| m.max(x.abs()));
    let off = wanted.data().iter().zip(folded.data()).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    off / range
}

#[test]
fn every_structure_converts() {
    for (name, graph) in structures() {
        for thresholds in [Granularity::Channel, Granularity::Layer] {
            let off = error(&graph, &Options { thresholds: Some(thresholds), ..options() });
            assert!(off < 2e-3, "{name} by {thresholds:?}: off by {off}");
        }
    }
}

#[test]
fn other_bases_and_no_rounding_convert_too() {
    for (base, half_step, bound) in [(2.0, false, 4e-3), (1.5, true, 0.02), (1.2, true, 0.4)] {
        let off = error(&residual(), &Options { base: Base::Fixed(base), half_step, ..options() });
        assert!(off < bound, "base {base}, half step {half_step}: off by {off}");
    }
}

#[test]
fn more_steps_are_closer() {
    let at = |time_steps| error(&inverted_residual(), &Options { time_steps, ..options() });
    let errors = [at(2), at(4), at(8), at(12)];
    assert!(errors.windows(2).all(|pair| pair[1] < pair[0]), "{errors:?}");
}

/// 8-bit pixels as their own 8 spikes, with a normalisation in front that a zero-padded convolution must not see.
#[test]
fn pixels_are_exact_at_padded_borders() {
    let (mut net, x) = Net::new();
    let scale = Some(Tensor::new(vec![3, 1, 1], vec![0.017, 0.018, 0.0175]).unwrap());
    let shift = Some(Tensor::new(vec![3, 1, 1], vec![-2.1, -2.0, -1.8]).unwrap());
    let normalised = net.op("normalise", Op::Affine(Affine { scale, shift }), &[x]);
    let a = net.conv("conv1", normalised, 4, 3, 1);
    let graph = net.classify(a);
    let mut numbers = Numbers(3);
    let data = (0..16 * 192).map(|_| ((numbers.next() + 1.0) * 127.0).round()).collect();
    let pixels = Batch::new(16, vec![3, 8, 8], data).unwrap();
    let options = Options { encoding: Encoding::Pixels, ..options() };
    let conversion = method("spikeconverter").unwrap().convert(&graph, &pixels, &options, &mut |_, _| Ok(())).unwrap();
    let wanted = Ann::new(&graph).unwrap().run(std::slice::from_ref(&pixels)).unwrap().remove(0);
    let range = wanted.data().iter().fold(0.0f32, |m, x| m.max(x.abs()));
    for engine in
        [&FoldedEngine::new(&conversion.network).unwrap() as &dyn Engine, &ReferenceEngine::new(&conversion.network)]
    {
        let found = engine.run(&pixels, &mut |_, _| {}).unwrap();
        let off = wanted.data().iter().zip(found.data()).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(off < 1e-3 * range, "{}: off by {off} of {range}", engine.name());
    }
}

#[test]
fn populations_stand_where_the_rules_say() {
    let becomes = |graph: &Graph, name: &str| {
        check(graph)
            .and_then(Findings::placements)
            .unwrap()
            .into_iter()
            .find(|p| p.name == name)
            .map(|p| p.becomes)
            .unwrap()
    };
    assert_eq!(becomes(&max_pools(), "pool1"), "maximum of membranes");
    assert_eq!(becomes(&max_pools(), "pool2"), "maximum of membranes");
    assert_eq!(becomes(&train_pool(), "pool"), "maximum of spike trains");
    assert_eq!(becomes(&leaky(), "pool"), "maximum of spike trains");
    assert_eq!(becomes(&inverted_residual(), "project0"), "synapses and a population");
    assert_eq!(becomes(&inverted_residual(), "add"), "synapses and a population");
    assert_eq!(becomes(&inverted_residual(), "project"), "synapses");
    assert_eq!(becomes(&no_activations(), "pool"), "maximum of membranes and a population");
    assert_eq!(becomes(&residual(), "fc"), "synapses");
}

#[test]
fn what_follows_the_last_layer_does_not_spike() {
    let (mut net, x) = Net::new();
    let a = net.conv("conv", x, 4, 3, 1);
    let mean = net.op("mean", Op::Mean(Mean { axes: vec![1, 2], keep: false }), &[a]);
    let softmax = net.op("softmax", Op::Softmax(Softmax { axes: vec![0], log: false }), &[mean]);
    let graph = net.builder.finish(vec![softmax]).unwrap();
    let conversion =
        method("spikeconverter").unwrap().convert(&graph, &samples(4), &options(), &mut |_, _| Ok(())).unwrap();
    let last = conversion.network.node(conversion.network.output());
    assert!(matches!(last.kind, NodeKind::Head(Op::Softmax(_))));
    assert_eq!(conversion.network.populations().count(), 0);
}

/// All of them, so that one round of mending is enough.
#[test]
fn every_node_without_a_counterpart_is_refused_by_name() {
    let (mut net, x) = Net::new();
    let a = net.conv("conv", x, 4, 3, 1);
    let gate = net.op("gate", Op::Softmax(Softmax { axes: vec![0], log: false }), &[a]);
    let b = net.conv("conv2", gate, 4, 3, 1);
    let squash = net.op("squash", Op::Sigmoid, &[b]);
    let graph = net.classify(squash);
    let Ok(Findings::Refused(refused)) = check(&graph) else { panic!("it must not convert") };
    assert_eq!(
        refused.iter().map(|r| (r.name.as_str(), r.op)).collect::<Vec<_>>(),
        [("gate", "Softmax"), ("squash", "Sigmoid")]
    );
    let error = check(&graph).and_then(Findings::placements).unwrap_err();
    assert!(matches!(&error, ConvertError::Unsupported { node, .. } if node == "gate"), "{error}");
}
