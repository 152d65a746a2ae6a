//! Networks as NIR: what the interpreter makes of a file is what the reference engine makes of the network, spike by spike.
//! Numbers are multiples of powers of two and thresholds powers of two, so that no rounding excuses a difference. Importers are
//! compared by `scripts/oracle/nir_targets.py`.

use std::collections::HashMap;
use std::path::Path;

use proptest::prelude::*;
use spikeconverter_engine::{Batch, Engine, ReferenceEngine};
use spikeconverter_export::nir::{Facts, Instructions, Pooling, Target, Verdict, assess, to_nir};
use spikeconverter_graph::ops::{Add, Affine, AvgPool, Conv, Linear, MaxPool, Mean, Op, Reshape, Softmax, Window};
use spikeconverter_graph::{GraphBuilder, NodeId, Tensor, volume};
use spikeconverter_network::{
    Encoding, Negative, NetworkBuilder, NodeKind, Population, Provenance, Readout, SnnFile, SpikingNetwork,
    StreamingPool, StreamingPopulation,
};
use spikeconverter_neuron::{Comparison, Emission, PoolRule, Reset};
use spikeconverter_nir::{Graph, Interpreter, Node, Shapes};

fn file(network: SpikingNetwork) -> SnnFile {
    let mut graph = GraphBuilder::new();
    let input = graph.input("x", vec![1]).unwrap();
    let ann = graph.finish(vec![input]).unwrap();
    let provenance = Provenance { method: "rueckauer2017".into(), source: "net.onnx".into(), ..Provenance::default() };
    SnnFile { network, ann, preprocessing: serde_json::json!({ "scale": 0.5 }), provenance }
}

/// What differs between the networks.
#[derive(Debug, Clone)]
struct Kind {
    reset: Reset,
    comparison: Comparison,
    /// Binary logarithms of thresholds.
    thresholds: Vec<i32>,
    initial: Vec<f32>,
    skip: u32,
    seed: usize,
    /// Kernel of the second convolution, whose padding is not the same on both sides.
    kernel: [usize; 2],
    /// Whether the mean is over all positions.
    whole: bool,
}

fn kind() -> impl Strategy<Value = Kind> {
    let reset = prop_oneof![Just(Reset::Subtract), Just(Reset::Zero)];
    let comparison = prop_oneof![Just(Comparison::AtLeast), Just(Comparison::Above)];
    let thresholds = prop_oneof![prop::collection::vec(-2i32..2, 4), prop::collection::vec(-2i32..2, 1)];
    let initial = prop_oneof![Just(Vec::new()), Just(vec![0.125]), Just(vec![0.25, 0.0, -0.5, 0.125])];
    (reset, comparison, thresholds, initial, 0u32..3, 0usize..1000, [1usize..4, 1usize..4], any::<bool>()).prop_map(
        |(reset, comparison, thresholds, initial, skip, seed, kernel, whole)| Kind {
            reset,
            comparison,
            thresholds,
            initial,
            skip,
            seed,
            kernel,
            whole,
        },
    )
}

impl Kind {
    fn tensor(&self, shape: &[usize], unit: f32) -> Tensor {
        let value = |i: usize| ((7 * i + self.seed * (i + 3)) % 13) as f32 - 5.0;
        Tensor::new(shape.to_vec(), (0..volume(shape)).map(|i| value(i) * unit).collect()).unwrap()
    }

    fn neurons(&self, b: &mut NetworkBuilder, name: &str, input: NodeId) -> NodeId {
        let population = StreamingPopulation {
            threshold: self.thresholds.iter().map(|&log| (log as f32).exp2()).collect(),
            reset: self.reset,
            comparison: self.comparison,
            initial: self.initial.clone(),
            ..StreamingPopulation::default()
        };
        b.add(name, NodeKind::Streaming(population), &[input]).unwrap()
    }

    fn conv(
        &self,
        b: &mut NetworkBuilder,
        name: &str,
        input: NodeId,
        weight: &[usize],
        window: Window,
        groups: usize,
    ) -> NodeId {
        let op = Conv {
            weight: self.tensor(weight, 0.0625),
            bias: Some(self.tensor(&weight[..1], 0.03125)),
            window,
            groups,
        };
        b.add(name, NodeKind::Synapse(Op::Conv(op)), &[input]).unwrap()
    }

    /// A residual network: a shortcut straight from spikes and one through a depthwise convolution, a shift behind the sum, a
    /// mean, and a matrix product.
    fn network(&self) -> SpikingNetwork {
        let mut b = NetworkBuilder::streaming(12, "image", vec![2, 4, 5]).unwrap();
        let input = b.input();
        let first = self.conv(&mut b, "stem/conv", input, &[4, 2, 3, 3], Window::new(vec![3, 3]).padded(1), 1);
        let first = self.neurons(&mut b, "stem.relu", first);
        let mut window = Window::new(self.kernel.to_vec());
        // extents stay, the larger half in front
        window.pad_begin = self.kernel.map(|k| k / 2).to_vec();
        window.pad_end = self.kernel.map(|k| k - 1 - k / 2).to_vec();
        let second = self.conv(&mut b, "depthwise", first, &[4, 1, self.kernel[0], self.kernel[1]], window, 4);
        let sum = b.add("sum", NodeKind::Synapse(Op::Add(Add::plain(2))), &[second, first]).unwrap();
        let shift = Some(self.tensor(&[4, 1, 1], 0.0625));
        let sum = b.add("shift", NodeKind::Synapse(Op::Affine(Affine { scale: None, shift })), &[sum]).unwrap();
        let second = self.neurons(&mut b, "relu", sum);
        let (mean, features) = if self.whole {
            (Op::Mean(Mean { axes: vec![1, 2], keep: false }), 4)
        } else {
            let window = Window::new(vec![2, 2]).strided(2);
            (Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: true }), 16)
        };
        let mut last = b.add("mean", NodeKind::Synapse(mean), &[second]).unwrap();
        if !self.whole {
            let flat = Op::Reshape(Reshape { shape: vec![features] });
            last = b.add("flatten", NodeKind::Synapse(flat), &[last]).unwrap();
        }
        let linear = Linear { weight: self.tensor(&[3, features], 0.25), bias: Some(self.tensor(&[3], 0.5)) };
        let logits = b.add("fc", NodeKind::Synapse(Op::Linear(linear)), &[last]).unwrap();
        let readout = Readout { initial: vec![1.5, 0.0, -3.0], skip: self.skip };
        let out = b.add("logits", NodeKind::Readout(readout), &[logits]).unwrap();
        b.finish(out).unwrap()
    }
}

/// Spikes and result of the file, as its metadata say it is to be run.
fn interpreted(graph: &Graph, facts: &Facts, input: &[f64]) -> (HashMap<String, Vec<f64>>, Vec<f64>) {
    let instructions = Instructions::of(graph).unwrap();
    assert_eq!(instructions.semantics, facts.semantics());
    let mut run = Interpreter::new(graph, instructions.semantics).unwrap();
    for (name, membranes) in &instructions.initial {
        run.set_membranes(name, membranes.data()).unwrap();
    }
    let mut codes: HashMap<String, Vec<f64>> = HashMap::new();
    let mut result = vec![0.0; 3];
    for step in 0..instructions.time_steps {
        let sent = run.step(input).unwrap();
        if step >= instructions.skip {
            result.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
        }
        for name in &facts.populations {
            let sent = run.sent(name).unwrap();
            let sums = codes.entry(name.clone()).or_insert_with(|| vec![0.0; sent.len()]);
            sums.iter_mut().zip(sent).for_each(|(sum, x)| *sum += x);
        }
    }
    let steps = f64::from(instructions.time_steps - instructions.skip);
    (codes, result.into_iter().map(|sum| sum / steps).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn files_are_the_network(
        kind in kind(),
        pooling in prop_oneof![Just(Pooling::Sum), Just(Pooling::Average), Just(Pooling::Convolution)],
    ) {
        let network = kind.network();
        let input = kind.tensor(&[2, 4, 5], 0.25);
        let mut expected = Vec::new();
        let samples = Batch::new(1, vec![2, 4, 5], input.data().to_vec()).unwrap();
        let result = ReferenceEngine::new(&network)
            .run(&samples, &mut |_, seen| expected.push(seen.data().to_vec()))
            .unwrap();

        let model = to_nir(&file(network), pooling).unwrap();
        let read = Graph::from_bytes(model.bytes.clone(), Path::new("net.nir")).unwrap();
        prop_assert_eq!(&read.metadata, &model.graph.metadata);
        let sample: Vec<f64> = input.data().iter().map(|&x| f64::from(x)).collect();
        let (codes, found) = interpreted(&read, &model.facts, &sample);
        prop_assert_eq!(expected.len(), model.facts.populations.len());
        for (name, right) in model.facts.populations.iter().zip(&expected) {
            let right: Vec<f64> = right.iter().map(|&n| f64::from(n)).collect();
            prop_assert_eq!(&codes[name], &right, "{}", name);
        }
        for (x, y) in found.iter().zip(result.data()) {
            prop_assert!((x - f64::from(*y)).abs() <= 1e-5 * (1.0 + x.abs()), "{} {}", x, y);
        }
        // every neuron in the form that all importers take, nodes in their order
        for element in &read.nodes {
            if let Node::IntegrateFire { r, v_threshold, v_reset } = &element.node {
                prop_assert!(r.data().iter().chain(v_threshold.data()).all(|&x| x == 1.0) && v_reset.is_none());
            }
        }
        prop_assert!(read.edges.iter().all(|(from, to)| from < to));
        Shapes::of(&read).unwrap();
    }
}

fn simple(change: impl Fn(&mut StreamingPopulation)) -> SpikingNetwork {
    let mut b = NetworkBuilder::streaming(4, "x", vec![2]).unwrap();
    let mut population = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
    change(&mut population);
    let input = b.input();
    let neurons = b.add("relu", NodeKind::Streaming(population), &[input]).unwrap();
    let out = b.add("out", NodeKind::Readout(Readout::default()), &[neurons]).unwrap();
    let softmax = Op::Softmax(Softmax { axes: vec![0], log: false });
    let out = b.add("softmax", NodeKind::Head(softmax), &[out]).unwrap();
    b.finish(out).unwrap()
}

fn refused(network: SpikingNetwork) -> String {
    to_nir(&file(network), Pooling::Sum).unwrap_err().to_string()
}

#[test]
fn what_nir_cannot_say_is_refused_by_name() {
    let signed = refused(simple(|p| p.negative = Negative::linear()));
    assert!(signed.starts_with("node `relu`: NIR has no neurons of this kind (linear"), "{signed}");
    assert!(refused(simple(|p| p.emission = Emission::Burst { most: 2 })).contains("bursts"));
    assert!(refused(simple(|p| p.reset = Reset::Modulo)).contains("modulo"));

    let mut b = NetworkBuilder::new(4, "x", vec![2], Encoding::Analog).unwrap();
    let population = Population { half_step: false, ..Population::default() };
    let input = b.input();
    let neurons = b.add("relu", NodeKind::Population(population), &[input]).unwrap();
    let out = b.add("out", NodeKind::Readout(Readout::default()), &[neurons]).unwrap();
    assert!(refused(b.finish(out).unwrap()).contains("rueckauer2017"));

    let mut b = NetworkBuilder::streaming(4, "x", vec![1, 2, 2]).unwrap();
    let pool = StreamingPool { pool: MaxPool { window: Window::new(vec![2, 2]), ceil: false }, rule: PoolRule::Gate };
    let population = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
    let input = b.input();
    let neurons = b.add("relu", NodeKind::Streaming(population), &[input]).unwrap();
    let pooled = b.add("pool", NodeKind::StreamingPool(pool), &[neurons]).unwrap();
    let out = b.add("out", NodeKind::Readout(Readout::default()), &[pooled]).unwrap();
    assert!(refused(b.finish(out).unwrap()).starts_with("node `pool`: NIR has no maximum"));
}

/// The verdicts that follow from the semantics of importers.
#[test]
fn verdicts() {
    let of = |network: SpikingNetwork, target: Target| {
        let assessment = assess(target, &to_nir(&file(network), target.pooling()).unwrap().facts);
        (assessment.verdict, assessment.adjustment.map(|adjustment| adjustment.verdict))
    };
    let (faithful, approximate, unsupported) = (Verdict::Faithful, Verdict::Approximate, Verdict::Unsupported);
    let soft = || simple(|_| ());
    assert_eq!(of(soft(), Target::Norse), (unsupported, None));
    assert_eq!(of(soft(), Target::SnnTorch), (unsupported, None));
    assert_eq!(of(soft(), Target::SpikingJelly), (unsupported, Some(faithful)));
    assert_eq!(of(soft(), Target::Sinabs), (approximate, Some(faithful)));
    let hard = || simple(|p| p.reset = Reset::Zero);
    assert_eq!(of(hard(), Target::Nir), (faithful, None));
    assert_eq!(of(hard(), Target::Norse), (faithful, None));
    assert_eq!(of(hard(), Target::SpikingJelly), (faithful, None));
    assert_eq!(of(hard(), Target::Sinabs), (unsupported, None));
    assert_eq!(of(hard(), Target::SnnTorch), (unsupported, None));
    let begins = simple(|p| (p.reset, p.initial) = (Reset::Zero, vec![0.5]));
    assert_eq!(of(begins, Target::Norse), (approximate, None));
    let kind = Kind {
        reset: Reset::Zero,
        comparison: Comparison::AtLeast,
        thresholds: vec![0],
        initial: Vec::new(),
        skip: 0,
        seed: 1,
        kernel: [3, 3],
        whole: true,
    };
    let facts = to_nir(&file(kind.network()), Pooling::Average).unwrap().facts;
    let assessment = assess(Target::Norse, &facts);
    assert_eq!(assessment.describe(), "unsupported, it does not run AvgPool2d");
}
