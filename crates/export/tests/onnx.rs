//! Networks as ONNX: what the operators are, and what our own importer makes of them. Their values are compared in ONNX Runtime
//! by `scripts/oracle/exported.py`.

use std::collections::HashMap;
use std::fmt::Write as _;

use prost::Message;
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine};
use spikeconverter_export::onnx::{Form, to_onnx};
use spikeconverter_graph::ops::{Add, AvgPool, Conv, Linear, MaxPool, Op, Reshape, Softmax, Window};
use spikeconverter_graph::{GraphBuilder, NodeId, Tensor, volume};
use spikeconverter_network::{
    Encoding, NetworkBuilder, NodeKind, Population, Provenance, Readout, SnnFile, SpikingNetwork, StreamingPopulation,
    Transfer,
};
use spikeconverter_neuron::{Comparison, Emission, Rehearsal};
use spikeconverter_onnx::proto::{ModelProto, data_type};
use spikeconverter_onnx::{ImportOptions, NodeStatus, import_bytes};

fn file(network: SpikingNetwork) -> SnnFile {
    let mut graph = GraphBuilder::new();
    let input = graph.input("x", vec![1]).unwrap();
    let ann = graph.finish(vec![input]).unwrap();
    let provenance = Provenance { method: "spikeconverter".into(), source: "net.onnx".into(), ..Provenance::default() };
    SnnFile { network, ann, preprocessing: serde_json::json!({ "scale": 0.5 }), provenance }
}

/// Reproducible numbers: `(7·i mod 11 − 5) · scale`.
fn tensor(shape: &[usize], scale: f32) -> Tensor {
    let data = (0..volume(shape)).map(|i| ((7 * i) % 11) as f32 - 5.0).map(|x| x * scale).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}

fn conv(b: &mut NetworkBuilder, name: &str, input: NodeId, channels: [usize; 2], scale: f32) -> NodeId {
    let weight = tensor(&[channels[1], channels[0], 3, 3], scale);
    let bias = Some(tensor(&[channels[1]], scale));
    let window = Window::new(vec![3, 3]).padded(1);
    let op = Op::Conv(Conv { weight, bias, window, groups: 1 });
    b.add(name, NodeKind::Synapse(op), &[input]).unwrap()
}

fn population(b: &mut NetworkBuilder, name: &str, input: NodeId, change: impl Fn(&mut Population)) -> NodeId {
    let mut population = Population { threshold: vec![2.0], ..Population::default() };
    change(&mut population);
    b.add(name, NodeKind::Population(population), &[input]).unwrap()
}

/// Reads the membranes of a layer that sees everything, and gives probabilities.
fn classify(mut b: NetworkBuilder, input: NodeId, scale: f32) -> SpikingNetwork {
    let features = volume(&b.node(input).shape.clone());
    let flat = Op::Reshape(Reshape { shape: vec![features] });
    let flat = b.add("flatten", NodeKind::Synapse(flat), &[input]).unwrap();
    let linear = Op::Linear(Linear { weight: tensor(&[3, features], scale), bias: Some(tensor(&[3], 1.0)) });
    let logits = b.add("fc", NodeKind::Synapse(linear), &[flat]).unwrap();
    let out = b
        .add("logits", NodeKind::Readout(Readout { initial: vec![1.0, 0.0, 0.0], ..Readout::default() }), &[logits])
        .unwrap();
    let softmax = Op::Softmax(Softmax { axes: vec![0], log: false });
    let out = b.add("softmax", NodeKind::Head(softmax), &[out]).unwrap();
    b.finish(out).unwrap()
}

/// A residual block with a pool of trains, a clipped and a signed population.
fn residual(steps: u32) -> SpikingNetwork {
    let mut b = NetworkBuilder::new(steps, "image", vec![1, 4, 4], Encoding::Analog).unwrap();
    let input = b.input();
    let first = conv(&mut b, "conv1", input, [1, 2], 0.25);
    let first = population(&mut b, "relu1", first, |p| p.initial = vec![0.5, -0.5]);
    let second = conv(&mut b, "conv2", first, [2, 2], 0.25);
    let second = population(&mut b, "linear", second, |p| p.transfer = Transfer::linear());
    let sum = b.add("add", NodeKind::Synapse(Op::Add(Add::plain(2))), &[second, first]).unwrap();
    let sum = population(&mut b, "clip", sum, |p| {
        p.transfer = Transfer::Clip { low: Some(0.0), high: Some(3.0) };
        p.half_step = false;
        p.comparison = Comparison::Above;
    });
    let pool = MaxPool { window: Window::new(vec![2, 2]).strided(2), ceil: false };
    let pooled = b.add("pool", NodeKind::MaxPool(pool), &[sum]).unwrap();
    classify(b, pooled, 0.25)
}

/// A small network of integers.
fn integers(steps: u32, weight: f32) -> SpikingNetwork {
    let first = (1u32 << (steps - 1)) as f32;
    let mut b = NetworkBuilder::new(steps, "image", vec![1, 4, 4], Encoding::Pixels).unwrap();
    let input = b.input();
    let x = conv(&mut b, "conv1", input, [1, 2], weight);
    let x = population(&mut b, "relu1", x, |p| {
        (p.threshold, p.amplitude) = (vec![37.0 * first, 5.0 * first], Some(first));
    });
    classify(b, x, weight)
}

fn streaming(steps: u32) -> SpikingNetwork {
    rehearsing(steps, None)
}

fn rehearsing(steps: u32, rehearsal: Option<Rehearsal>) -> SpikingNetwork {
    let mut b = NetworkBuilder::streaming(steps, "image", vec![1, 4, 4]).unwrap().rehearsed(rehearsal).unwrap();
    let input = b.input();
    let x = conv(&mut b, "conv1", input, [1, 2], 0.25);
    let neurons =
        StreamingPopulation { threshold: vec![1.0, 2.0], initial: vec![0.5], ..StreamingPopulation::default() };
    let x = b.add("relu1", NodeKind::Streaming(neurons), &[x]).unwrap();
    let pool = AvgPool { window: Window::new(vec![2, 2]).strided(2), ceil: false, count_include_pad: false };
    let x = b.add("pool", NodeKind::Synapse(Op::AvgPool(pool)), &[x]).unwrap();
    classify(b, x, 0.25)
}

fn model(network: SpikingNetwork, form: Form) -> ModelProto {
    ModelProto::decode(to_onnx(&file(network), form).unwrap().bytes.as_slice()).unwrap()
}

/// A line for each operator and each constant.
fn lines(model: &ModelProto) -> String {
    let graph = model.graph.as_ref().unwrap();
    let mut text = String::new();
    for tensor in &graph.initializer {
        let kind = data_type::name(tensor.data_type());
        writeln!(text, "{} = {kind}{:?}", tensor.name(), tensor.dims).unwrap();
    }
    for node in &graph.node {
        write!(text, "{} = {}({})", node.output.join(", "), node.op_type(), node.input.join(", ")).unwrap();
        for attribute in &node.attribute {
            let value = attribute.i.map_or_else(|| format!("{:?}", attribute.ints), |i| i.to_string());
            write!(text, " {}={value}", attribute.name()).unwrap();
        }
        text.push('\n');
    }
    text
}

#[test]
fn operators_of_a_folded_network() {
    insta::assert_snapshot!("folded", lines(&model(residual(4), Form::Folded)));
}

#[test]
fn operators_of_an_unrolled_network() {
    insta::assert_snapshot!("unrolled", lines(&model(residual(2), Form::Unrolled)));
}

#[test]
fn operators_of_an_unrolled_streaming_network() {
    insta::assert_snapshot!("streaming", lines(&model(streaming(2), Form::Unrolled)));
}

#[test]
fn metadata_say_what_the_operators_do_not() {
    let model = model(residual(4), Form::Folded);
    let fact = |key: &str| {
        let wanted = format!("spikeconverter.{key}");
        model.metadata_props.iter().find(|entry| entry.key() == wanted).map(|entry| entry.value().to_owned())
    };
    assert_eq!(fact("time_steps").as_deref(), Some("4"));
    assert_eq!(fact("form").as_deref(), Some("folded"));
    assert_eq!(fact("method").as_deref(), Some("spikeconverter"));
    assert_eq!(fact("preprocessing").as_deref(), Some("{\"scale\":0.5}"));
    assert_eq!(fact("codes").as_deref(), Some("[\"relu1/code\",\"linear/code\",\"clip/code\"]"));
}

/// What our own importer does not know of a folded network is what no trained network has: rounding.
#[test]
fn our_importer_reads_all_but_the_rounding() {
    let exported = to_onnx(&file(residual(4)), Form::Folded).unwrap();
    let import = import_bytes(&exported.bytes, None, &ImportOptions::default()).unwrap();
    let mut unknown: Vec<&str> = import
        .nodes
        .iter()
        .filter(|node| matches!(node.status, NodeStatus::Unsupported { .. } | NodeStatus::Invalid { .. }))
        .map(|node| node.op_type.as_str())
        .collect();
    unknown.sort_unstable();
    unknown.dedup();
    assert_eq!(unknown, ["Floor"]);
    for name in ["conv1", "relu1", "conv2", "linear", "add", "clip", "pool", "flatten", "fc", "logits", "softmax"] {
        assert!(import.nodes.iter().any(|node| node.name == name), "{name}");
    }
}

/// A network without populations is affine, and comes back as it was.
#[test]
fn a_network_without_neurons_comes_back() {
    let mut b = NetworkBuilder::new(4, "image", vec![1, 4, 4], Encoding::Analog).unwrap();
    let input = b.input();
    let x = conv(&mut b, "conv1", input, [1, 2], 0.25);
    let network = classify(b, x, 0.5);
    let samples = Batch::new(2, vec![1, 4, 4], tensor(&[2, 1, 4, 4], 0.5).data().to_vec()).unwrap();
    let wanted = FoldedEngine::new(&network).unwrap().infer(&samples).unwrap();
    let exported = to_onnx(&file(network), Form::Folded).unwrap();
    let graph = import_bytes(&exported.bytes, None, &ImportOptions::default()).unwrap().graph.unwrap();
    let found = Ann::new(&graph).unwrap().run(&[samples]).unwrap().remove(0);
    assert_eq!(found.shape(), wanted.shape());
    assert!(found.data().iter().zip(wanted.data()).all(|(a, b)| (a - b).abs() < 1e-5), "{found:?} {wanted:?}");
}

/// Sums that `f32` does not hold are taken apart: 16-bit codes of three bits each here, put together in `f64`.
#[test]
fn large_sums_of_integers_are_computed_by_digits() {
    let text = lines(&model(integers(8, 1.0), Form::Folded));
    assert!(!text.contains("double") && !text.contains("digit"), "{text}");
    let text = lines(&model(integers(16, 20.0), Form::Folded));
    assert!(text.contains("fc/digit1/sum = Gemm") && text.contains("double"), "{text}");
    // step by step, spikes need no digits
    let text = lines(&model(integers(16, 20.0), Form::Unrolled));
    assert!(!text.contains("digit"), "{text}");
}

/// The sum's positive and negative weights are within `f32`, their magnitudes together are not: digits, and back.
#[test]
fn operators_are_given_numbers_of_one_type() {
    let mut b = NetworkBuilder::new(16, "image", vec![4], Encoding::Pixels).unwrap();
    let input = b.input();
    let x = population(&mut b, "relu", input, |p| (p.threshold, p.amplitude) = (vec![32768.0], Some(32768.0)));
    let weight = Tensor::new(vec![1, 4], vec![100.0, -100.0, 100.0, -100.0]).unwrap();
    let linear = b.add("fc", NodeKind::Synapse(Op::Linear(Linear { weight, bias: None })), &[x]).unwrap();
    let sum = b.add("sum", NodeKind::Synapse(Op::Add(Add::plain(2))), &[linear, x]).unwrap();
    let out = b.add("out", NodeKind::Readout(Readout::default()), &[sum]).unwrap();
    let model = model(b.finish(out).unwrap(), Form::Folded);
    let graph = model.graph.as_ref().unwrap();

    let float = data_type::FLOAT;
    let mut types: HashMap<&str, i32> = graph.initializer.iter().map(|t| (t.name(), t.data_type())).collect();
    types.extend(graph.input.iter().map(|input| (input.name(), float)));
    let mut wide = 0;
    for node in &graph.node {
        let numbers: Vec<i32> =
            node.input.iter().map(|name| types[name.as_str()]).filter(|&kind| kind != data_type::INT64).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] == pair[1]), "{} of {numbers:?}\n{}", node.name(), lines(&model));
        let kind = if node.op_type() == "Cast" { node.attribute[0].i.unwrap() as i32 } else { numbers[0] };
        wide += usize::from(kind != float);
        types.insert(&node.output[0], kind);
    }
    assert!(wide > 0, "{}", lines(&model));
}

#[test]
fn streams_do_not_fold() {
    let error = to_onnx(&file(streaming(8)), Form::Folded).unwrap_err().to_string();
    assert!(error.contains("--unrolled"), "{error}");
}

#[test]
fn neurons_without_operators_are_refused_by_name() {
    let mut b = NetworkBuilder::streaming(4, "image", vec![1, 4, 4]).unwrap();
    let emission = Emission::Burst { most: 3 };
    let neurons = StreamingPopulation { threshold: vec![1.0], emission, ..StreamingPopulation::default() };
    let x = b.add("bursts", NodeKind::Streaming(neurons), &[b.input()]).unwrap();
    let error = to_onnx(&file(classify(b, x, 1.0)), Form::Unrolled).unwrap_err().to_string();
    assert!(error.contains("`bursts`") && error.contains("bursts of up to 3"), "{error}");
}

/// Its file would be another network's.
#[test]
fn rehearsals_are_refused() {
    for rehearsal in [Rehearsal::Residual { steps: 4, least: 1e-3 }, Rehearsal::OffsetSpikes { steps: 4 }] {
        let error = to_onnx(&file(rehearsing(4, Some(rehearsal))), Form::Unrolled).unwrap_err().to_string();
        assert!(error.contains("--rehearsal none"), "{error}");
    }
}

#[test]
fn too_many_steps_are_refused() {
    let error = to_onnx(&file(streaming(4096)), Form::Unrolled);
    // 13 operators a step
    assert!(error.is_ok(), "{error:?}");
    let mut b = NetworkBuilder::streaming(4096, "image", vec![1, 4, 4]).unwrap();
    let mut x = b.input();
    for layer in 0..20 {
        let channels = b.node(x).shape[0];
        x = conv(&mut b, &format!("conv{layer}"), x, [channels, 1], 0.25);
        let neurons = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
        x = b.add(format!("relu{layer}"), NodeKind::Streaming(neurons), &[x]).unwrap();
    }
    let error = to_onnx(&file(classify(b, x, 1.0)), Form::Unrolled).unwrap_err().to_string();
    assert!(error.contains("fewer time steps"), "{error}");
}
