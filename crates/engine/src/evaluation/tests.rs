use spikeconverter_graph::ops::{Activation, Add, ArgMax, Concat, Conv, Linear, MaxPool, Reshape, Window};
use spikeconverter_graph::{Graph, GraphBuilder, Tensor};
use spikeconverter_network::{NetworkBuilder, Population, Readout, Transfer};

use super::*;
use crate::{Batch, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_graph::Op;
use spikeconverter_network::{Encoding, NodeKind, SpikingNetwork};

fn dense(outputs: usize, weights: &[f32]) -> Op {
    let weight = Tensor::new(vec![outputs, weights.len() / outputs], weights.to_vec()).unwrap();
    Op::Linear(Linear { weight, bias: None })
}

fn population(transfer: Transfer, threshold: f32) -> NodeKind {
    NodeKind::Population(Population { transfer, threshold: vec![threshold], half_step: false, ..Population::default() })
}

/// Two inputs, three neurons, two results; and the trained network it stands for. With `argmax` both end in a class.
fn small(encoding: Encoding, argmax: bool) -> (SpikingNetwork, Graph) {
    let first = dense(3, &[1.0, 0.0, 0.0, 1.0, 1.0, -1.0]);
    let second = dense(2, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
    let scale = if encoding == Encoding::Pixels { 64.0 } else { 1.0 };
    let class = || {
        let argmax = Op::ArgMax(ArgMax { axis: 0, keep: false, select_last: false });
        [argmax, Op::Reshape(Reshape { shape: vec![1] })]
    };

    let mut b = NetworkBuilder::new(3, "x", vec![2], encoding).unwrap();
    let w1 = b.add("w1", NodeKind::Synapse(first.clone()), &[b.input()]).unwrap();
    let p = b.add("p", population(Transfer::linear(), scale), &[w1]).unwrap();
    let w2 = b.add("w2", NodeKind::Synapse(second.clone()), &[p]).unwrap();
    let mut output = b.add("out", NodeKind::Readout(Readout::default()), &[w2]).unwrap();
    let mut g = GraphBuilder::new();
    let x = g.input("x", vec![2]).unwrap();
    let w1 = g.add("w1", first, &[x]).unwrap();
    let mut result = g.add("w2", second, &[w1]).unwrap();
    if argmax {
        for op in class() {
            output = b.add("head", NodeKind::Head(op.clone()), &[output]).unwrap();
            result = g.add("head", op, &[result]).unwrap();
        }
    }
    (b.finish(output).unwrap(), g.finish(vec![result]).unwrap())
}

fn samples(values: &[f32]) -> Batch {
    Batch::new(values.len() / 2, vec![2], values.to_vec()).unwrap()
}

/// Worked by hand, T = 3, thresholds 1: (1.25, 1.25) gives 101, 101, 000 and (0.5, 3) gives 010, 111 (saturated at 1.75)
/// and −2.5, −111. Each spike crosses two synapses. Results: the same (a tie: class 0), then (0.5, 1.75) for (0.5, 3).
#[test]
fn counted_by_hand() {
    for argmax in [false, true] {
        let (network, ann) = small(Encoding::Analog, argmax);
        let engine = ReferenceEngine::new(&network);
        let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
        let x = samples(&[1.25, 1.25, 0.5, 3.0]);
        let e = evaluator.evaluate_batch(&x, &x, Some(&[0, 3]), 0).unwrap();
        let layer = LayerRecord {
            name: "p".into(),
            neurons: 3,
            spikes: 2 + 2 + 1 + 3 + 3,
            negative_spikes: 3,
            synops: 22,
            silent: 1,
            saturated: 2,
        };
        assert_eq!(e.layers, [layer]);
        assert_eq!((e.images, e.labelled, e.agree, e.ann_correct, e.snn_correct), (2, 2, 2, 1, 1));
        assert_eq!((e.ann_macs, e.input_macs, e.input_spikes, e.input_synops), (24, 12, 0, 0));
        assert_eq!(e.max_difference, if argmax { 0.0 } else { 1.25 });
        assert_eq!((e.ann_accuracy(), e.snn_accuracy(), e.agreement()), (Some(0.5), Some(0.5), 1.0));
        assert_eq!((e.spikes_per_image(), e.spikes_per_neuron(), e.synops_per_image()), (5.5, 11.0 / 6.0, 11.0));
        assert!((e.ann_energy_joule() - 12.0 * 4.6e-12).abs() < 1e-20);
        assert!((e.snn_energy_joule() - (6.0 * 4.6e-12 + 11.0 * 0.9e-12)).abs() < 1e-20);
        // label 2 with offset −1 is class 1
        let e = evaluator.evaluate_batch(&x, &x, Some(&[1, 2]), -1).unwrap();
        assert_eq!((e.ann_correct, e.snn_correct, e.both_correct), (2, 2, 2));
        let e = evaluator.evaluate_batch(&x, &x, None, 0).unwrap();
        assert_eq!((e.labelled, e.ann_accuracy(), e.snn_accuracy()), (0, None, None));
    }
}

/// 200 = 11001000 and 7 = 00000111: six spikes, each to three neurons.
#[test]
fn spikes_of_pixels() {
    let (network, ann) = small(Encoding::Pixels, false);
    let engine = FoldedEngine::new(&network).unwrap();
    let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
    let x = samples(&[200.0, 7.0]);
    let e = evaluator.evaluate_batch(&x, &x, None, 0).unwrap();
    assert_eq!((e.input_spikes, e.input_synops, e.input_macs), (6, 18, 0));
    // 111, 000, 111
    assert_eq!((e.layers[0].spikes, e.layers[0].synops), (6, 12));
    assert_eq!((e.spikes_per_image(), e.synops_per_image()), (6.0, 30.0));
}

/// A population read by a convolution, by a sum with a later population, and through a maximum by a read-out.
#[test]
fn spikes_reach_every_reader() {
    let mut b = NetworkBuilder::new(2, "x", vec![1, 3], Encoding::Analog).unwrap();
    let relu = || population(Transfer::Relu, 1.0);
    let p = b.add("p", relu(), &[b.input()]).unwrap();
    let conv = Op::Conv(Conv {
        weight: Tensor::full(vec![1, 1, 3], 1.0),
        bias: None,
        window: Window::new(vec![3]).padded(1),
        groups: 1,
    });
    let conv = b.add("conv", NodeKind::Synapse(conv), &[p]).unwrap();
    let q = b.add("q", relu(), &[conv]).unwrap();
    let sum = b.add("sum", NodeKind::Synapse(Op::Add(Add::plain(2))), &[p, q]).unwrap();
    let r = b.add("r", relu(), &[sum]).unwrap();
    let both = b.add("both", NodeKind::Synapse(Op::Concat(Concat { axis: 0 })), &[r, p]).unwrap();
    let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
    let gate = b.add("gate", NodeKind::MaxPool(pool), &[both]).unwrap();
    let output = b.add("out", NodeKind::Readout(Readout::default()), &[gate]).unwrap();
    let network = b.finish(output).unwrap();
    let mut g = GraphBuilder::new();
    let x = g.input("x", vec![1, 3]).unwrap();
    let y = g.add("relu", Op::Activation(Activation::Relu), &[x]).unwrap();
    let engine = FoldedEngine::new(&network).unwrap();
    let ann = g.finish(vec![y]).unwrap();
    let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
    // p: 2 3 2 connections of the convolution, 1 in the sum, 1 2 1 windows of the maximum
    let x = Batch::new(1, vec![1, 3], vec![1.0, 1.0, 1.0]).unwrap();
    let e = evaluator.evaluate_batch(&x, &x, None, 0).unwrap();
    let spikes: Vec<u64> = e.layers.iter().map(|l| l.spikes).collect();
    let synops: Vec<u64> = e.layers.iter().map(|l| l.synops).collect();
    // q: 2, 3, 2 saturate at 1.5: both spikes; r: the same
    assert_eq!(spikes, [3, 6, 6]);
    assert_eq!(synops, [2 + 3 + 2 + 3 + 4, 6, 2 * 4]);
}

/// Blocks and vectors count as one neuron after the other does.
#[test]
fn many_neurons() {
    let n = 3000;
    let codes: Vec<i32> = (0..2 * n).map(|i| (i * 7919) % 131_071 - 65_535).collect();
    let fan_out: Vec<u32> = (0..n).map(|i| i as u32 % 300 * 1_000_000).collect();
    let counted = super::tally::tally(&Batch::new(2, vec![n as usize], codes.clone()).unwrap(), &fan_out, 16);
    let ones = |c: &i32| u64::from(c.unsigned_abs().count_ones());
    let each = LayerRecord {
        spikes: codes.iter().map(ones).sum(),
        negative_spikes: codes.iter().filter(|c| **c < 0).map(ones).sum(),
        synops: codes.iter().zip(fan_out.iter().cycle()).map(|(c, f)| ones(c) * u64::from(*f)).sum(),
        silent: codes.iter().filter(|c| **c == 0).count() as u64,
        saturated: codes.iter().filter(|c| c.abs() == 65_535).count() as u64,
        ..LayerRecord::default()
    };
    assert_eq!(counted, each);
    assert!(each.silent > 0 || each.saturated > 0);
}

#[test]
fn parts_merge_to_the_whole() {
    let (network, ann) = small(Encoding::Analog, false);
    let engine = FoldedEngine::new(&network).unwrap();
    let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
    let values: Vec<f32> = (0..24).map(|i| ((i * 7) % 11) as f32 / 4.0 - 1.0).collect();
    let labels: Vec<u32> = (0..12).map(|i| i % 2).collect();
    let part = |from: usize, to: usize| {
        let x = samples(&values[2 * from..2 * to]);
        let mut e = evaluator.evaluate_batch(&x, &x, Some(&labels[from..to]), 0).unwrap();
        (e.ann_nanoseconds, e.snn_nanoseconds) = (to as u64, from as u64);
        e
    };
    let merged = |parts: &[&Evaluation]| {
        let mut sum = Evaluation::default();
        for part in parts {
            sum.merge(part).unwrap();
        }
        sum
    };
    let (a, b, c) = (part(0, 5), part(5, 6), part(6, 12));
    let mut whole = part(0, 12);
    (whole.ann_nanoseconds, whole.snn_nanoseconds) = (23, 11);
    assert_eq!(merged(&[&a, &b, &c]), whole);
    assert_eq!(merged(&[&a, &merged(&[&b, &c])]), merged(&[&merged(&[&a, &b]), &c]));
    assert_eq!(merged(&[&c, &evaluator.empty(), &a, &Evaluation::default(), &b]), whole);
    // the trained network's results, kept, count as if it ran again
    let x = samples(&values);
    let trained = evaluator.run_trained(&x).unwrap();
    let mut beside = evaluator.evaluate_beside(&trained, &x, Some(&labels), 0).unwrap();
    (beside.ann_nanoseconds, beside.snn_nanoseconds) = (23, 11);
    assert_eq!(beside, whole);
    assert!(evaluator.evaluate_beside(&trained, &samples(&values[..2]), None, 0).is_err());
}

#[test]
fn other_networks_do_not_merge() {
    let record = |name: &str| Evaluation {
        images: 1,
        layers: vec![LayerRecord { name: name.into(), ..LayerRecord::default() }],
        ..Evaluation::default()
    };
    let mut a = record("a");
    assert!(matches!(a.merge(&record("b")), Err(EngineError::Records { .. })));
    assert_eq!(a, record("a"));
    let mut most = Evaluation { images: u64::MAX, ..record("a") };
    most.merge(&record("a")).unwrap();
    assert_eq!(most.images, u64::MAX);
}

#[test]
fn records_and_reports_come_back() {
    let (network, ann) = small(Encoding::Analog, false);
    let engine = FoldedEngine::new(&network).unwrap();
    let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
    let x = samples(&[0.3, 0.7]);
    let e = evaluator.evaluate_batch(&x, &x, None, 0).unwrap();
    let text = serde_json::to_string(&e).unwrap();
    assert_eq!(serde_json::from_str::<Evaluation>(&text).unwrap(), e);

    let report = EvaluationReport::new(&network, &e, "spikeconverter", engine.name());
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<EvaluationReport>(&text).unwrap(), report);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["schedule"], "window");
    assert_eq!(json["encoding"], "analog");
    assert_eq!(json["ann_accuracy"], serde_json::Value::Null);
    assert_eq!((json["latency_steps"].as_u64(), json["bits_per_spike"].as_u64()), (Some(6), Some(2)));
    assert_eq!(json["layers"][0]["name"], "p");
    // of no images, all is 0 and nothing is NaN
    let none = EvaluationReport::new(&network, &Evaluation::default(), "m", "e");
    assert_eq!((none.spikes_per_neuron, none.images_per_second, none.layers.len()), (0.0, 0.0, 1));
}

#[test]
fn wrong_counts_are_errors() {
    let (network, ann) = small(Encoding::Analog, false);
    let engine = FoldedEngine::new(&network).unwrap();
    let evaluator = Evaluator::new(&network, &ann, &engine).unwrap();
    let x = samples(&[1.0, 2.0]);
    assert!(evaluator.evaluate_batch(&x, &samples(&[1.0; 4]), None, 0).is_err());
    assert!(evaluator.evaluate_batch(&x, &x, Some(&[]), 0).is_err());
    assert!(Evaluator::new(&network, &Graph::default(), &engine).is_err());
    let e = evaluator.evaluate_batch(&x, &x, Some(&[u32::MAX]), i64::MAX).unwrap();
    assert_eq!((e.ann_correct, e.snn_correct), (0, 0));
}
