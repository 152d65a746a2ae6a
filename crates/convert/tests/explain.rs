//! Explanations of networks of every structure.

mod common;

use common::{Numbers, residual, structures};
use spikeconverter_convert::explain::{Explainer, Explanation};
use spikeconverter_convert::{ConvertError, Options, WeightCalibration, Weights, method};
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine, Tracer, ann_result_with};
use spikeconverter_graph::ops::{Activation, Linear};
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_graph::{Graph, GraphBuilder, Op, Tensor};
use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Readout, SpikingNetwork, StreamingPopulation};

fn pixels(count: usize, seed: u64) -> Batch {
    let mut numbers = Numbers(seed);
    let data = (0..count * 192).map(|_| ((numbers.next() + 1.0) * 127.5).round()).collect();
    Batch::new(count, vec![3, 8, 8], data).unwrap()
}

fn on_pixels(graph: &Graph) -> Graph {
    fold_input_normalisation(graph, 0, &[2.0 / 255.0; 3], &[-1.0; 3]).unwrap()
}

fn options(time_steps: u32, weights: Weights) -> Options {
    let weight_calibration = Some(WeightCalibration::None);
    Options { time_steps, weights, encoding: Encoding::Pixels, weight_calibration, ..Options::default() }
}

fn converted(graph: &Graph, options: &Options) -> SpikingNetwork {
    method("spikeconverter").unwrap().convert(graph, &pixels(48, 99), options, &mut |_, _| Ok(())).unwrap().network
}

fn explained(network: &SpikingNetwork, graph: &Graph, labels: Option<&[u32]>) -> Explanation {
    let samples = pixels(12, 3);
    let mut explainer = Explainer::new(network, graph, &samples).unwrap();
    let mut layers = 0;
    explainer
        .add(&samples, labels, 0, &mut || {
            layers += 1;
            Ok(())
        })
        .unwrap();
    assert_eq!(layers, explainer.layers());
    explainer.add(&pixels(6, 4), labels.map(|labels| &labels[..6]), 0, &mut || Ok(())).unwrap();
    explainer.explanation()
}

#[test]
fn parts_add_up_in_every_structure() {
    for (name, graph) in structures() {
        let graph = on_pixels(&graph);
        for weights in [Weights::F32, Weights::I8] {
            let network = converted(&graph, &options(3, weights));
            let found = explained(&network, &graph, None);
            assert_eq!((found.samples, found.labelled, found.ann_accuracy), (18, false, 1.0));
            assert_eq!(found.layers.len(), network.populations().count(), "{name}");
            for layer in &found.layers {
                let e = &layer.error;
                let sum = e.inherited + e.clipping + e.quantisation + e.unevenness + e.weight_rounding;
                assert!((sum - e.total).abs() <= 1e-9 * e.total.max(1e-9), "{name}: {layer:?}");
                assert!(e.unevenness == 0.0 && e.total.is_finite() && layer.cosine > 0.5, "{name}: {layer:?}");
                assert_eq!(weights == Weights::I8, e.weight_rounding != 0.0, "{name}: {layer:?}");
            }
            // the first layer reads what the trained network reads
            let first = &found.layers[0].error;
            let potentials = network.populations().next().unwrap().1;
            assert!(first.inherited.abs() < 0.05 || !potentials.initial.is_empty(), "{name}: {first:?}");
        }
    }
}

/// With sixteen steps there is hardly any error, and no layer costs anything.
#[test]
fn a_long_window_leaves_nothing_to_explain() {
    for weights in [Weights::F32, Weights::I8] {
        let graph = on_pixels(&residual());
        let found = explained(&converted(&graph, &options(16, weights)), &graph, None);
        for layer in &found.layers {
            assert!(layer.error.total < if weights == Weights::F32 { 1e-6 } else { 1e-3 }, "{layer:?}");
        }
        assert!(weights == Weights::I8 || found.agreement == 1.0);
    }
}

/// Copies of a layer are explained as one, and leave less to quantisation.
#[test]
fn copies_are_explained_together() {
    for (name, graph) in structures() {
        let of = |copies| {
            let network = converted(&graph, &Options { copies, ..options(3, Weights::F32) });
            (explained(&network, &graph, None), network.populations().count())
        };
        let ((one, populations), (two, all)) = (of(1), of(2));
        let names = |found: &Explanation| found.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&one), names(&two), "{name}");
        for layer in &two.layers {
            let e = &layer.error;
            let sum = e.inherited + e.clipping + e.quantisation + e.unevenness + e.weight_rounding;
            assert!((sum - e.total).abs() <= 1e-9 * e.total.max(1e-9) && layer.cosine > 0.5, "{name}: {layer:?}");
        }
        let quantisation = |found: &Explanation| found.layers.iter().map(|layer| layer.error.quantisation).sum::<f64>();
        let (one, two) = (quantisation(&one), quantisation(&two));
        assert!(all < 2 * populations || two < 0.6 * one, "{name}: {two} after {one}");
    }
}

/// Labels that are the trained network's classes give the same figures as none; wrong ones give none right.
#[test]
fn labels_stand_for_what_is_right() {
    let graph = on_pixels(&residual());
    let network = converted(&graph, &options(2, Weights::F32));
    let samples = pixels(12, 3);
    let results = Ann::new(&graph).unwrap().run(std::slice::from_ref(&samples)).unwrap().remove(0);
    let largest = |result: &[f32]| (0..5).max_by(|&a, &b| result[a].total_cmp(&result[b])).unwrap() as u32;
    let labels: Vec<u32> = results.samples().map(largest).collect();
    let costs = |labels: Option<&[u32]>| {
        let mut explainer = Explainer::new(&network, &graph, &samples).unwrap();
        explainer.add(&samples, labels, 0, &mut || Ok(())).unwrap();
        let found = explainer.explanation();
        let costs: Vec<(f64, f64)> =
            found.layers.iter().map(|l| (l.accuracy_cost, l.accuracy_recovered.unwrap())).collect();
        (found.snn_accuracy, costs)
    };
    assert_eq!(costs(None), costs(Some(&labels)));
    let wrong: Vec<u32> = labels.iter().map(|label| label + 5).collect();
    assert!(costs(Some(&wrong)).1.iter().all(|&cost| cost == (0.0, 0.0)));
    let error =
        Explainer::new(&network, &graph, &samples).unwrap().add(&samples, Some(&labels[1..]), 0, &mut || Ok(()));
    assert!(matches!(error, Err(ConvertError::Engine(_))));
}

#[test]
fn a_network_of_another_graph_is_refused() {
    let graph = on_pixels(&residual());
    let network = converted(&graph, &options(2, Weights::F32));
    for (name, other) in structures().iter().skip(1) {
        let error = Explainer::new(&network, &on_pixels(other), &pixels(1, 1)).err();
        assert!(matches!(error, Some(ConvertError::Network(_))), "{name}");
    }
}

/// A trace is what the folded engine computes, but for rounding; with a value that did not change, the result does not
/// change either.
#[test]
fn traces_are_what_engines_compute() {
    for (name, graph) in structures() {
        let graph = on_pixels(&graph);
        let network = converted(&graph, &options(4, Weights::F32));
        let samples = pixels(5, 7);
        let tracer = Tracer::new(&network).unwrap();
        let trace = tracer.run(&samples).unwrap();
        let mut populations = 0;
        let result = FoldedEngine::new(&network)
            .unwrap()
            .run(&samples, &mut |id, codes| {
                populations += 1;
                let traced = trace.codes(id).unwrap().data();
                let different = traced.iter().zip(codes.data()).filter(|(a, b)| a != b).count();
                assert!(different * 1000 <= traced.len(), "{name}: {different} of {} codes differ", traced.len());
            })
            .unwrap();
        assert!(populations > 0);
        let traced = trace.sent(network.output());
        let range = result.data().iter().fold(0.0f32, |range, x| range.max(x.abs()));
        let close = traced.data().iter().zip(result.data()).all(|(a, b)| (a - b).abs() <= 1e-5 * range);
        assert!(close, "{name}: {traced:?} is not {result:?}");
        for (id, _) in network.populations() {
            let same = tracer.result_with(&trace, id, trace.sent(id).clone()).unwrap();
            assert_eq!(&same, traced, "{name}");
            let silent = tracer.result_with(&trace, id, trace.sent(id).map(|_| 0.0)).unwrap();
            assert_ne!(&silent, traced, "{name}");
        }
        let ann = Ann::new(&graph).unwrap();
        let mut values = vec![None; graph.nodes().len()];
        let wanted = ann
            .run_observed(std::slice::from_ref(&samples), |id, value| values[id.0] = Some(value.clone()))
            .unwrap()
            .remove(0);
        for id in graph.ids() {
            let same = ann_result_with(&graph, &ann, &values, id, values[id.0].clone().unwrap()).unwrap();
            assert_eq!(same, wanted, "{name}");
        }
    }
}

/// Streams of every kind of neuron, coding and rehearsal. Constant currents are even: of neurons that keep all they get, the
/// first layer loses nothing to order.
#[test]
fn parts_add_up_in_streams() {
    let mut uneven = 0;
    for (name, graph) in structures() {
        for method in ["rueckauer2017", "diehl2015-data", "li2022", "dcgs", "srp"] {
            let options = Options { time_steps: 6, ..Options::default() };
            let samples = Batch::new(24, vec![3, 8, 8], pixels(24, 5).map(|p| p / 127.5 - 1.0).into_data()).unwrap();
            let conversion =
                spikeconverter_convert::method(method).unwrap().convert(&graph, &samples, &options, &mut |_, _| Ok(()));
            // not every method takes every activation
            let Ok(conversion) = conversion else { continue };
            let mut explainer = Explainer::new(&conversion.network, &graph, &samples).unwrap();
            let mut layers = 0;
            explainer
                .add(&samples, None, 0, &mut || {
                    layers += 1;
                    Ok(())
                })
                .unwrap();
            let found = explainer.explanation();
            assert_eq!((layers, found.layers.len()), (explainer.layers(), conversion.network.spiking().count()));
            for layer in &found.layers {
                let e = &layer.error;
                let sum = e.inherited + e.clipping + e.quantisation + e.unevenness + e.weight_rounding;
                assert!((sum - e.total).abs() <= 1e-9 * e.total.max(1e-9), "{name}, {method}: {layer:?}");
                assert!(e.total.is_finite() && e.weight_rounding == 0.0, "{name}, {method}: {layer:?}");
                assert_eq!(layer.firing_rates.histogram.iter().sum::<usize>(), layer.neurons);
                uneven += usize::from(e.unevenness != 0.0);
                assert!(layer.accuracy_recovered.is_some() || method == "srp", "{name}, {method}: {layer:?}");
            }
            if method == "rueckauer2017" && name != "leaky" {
                let first = &found.layers[0].error;
                assert!(first.inherited.abs() < 1e-6 && first.unevenness.abs() < 1e-6, "{name}: {first:?}");
            }
        }
    }
    assert!(uneven > 20, "{uneven} layers are uneven");
}

/// By hand: two neurons send two spikes of four steps each, the first at odd steps, the second at even ones. A neuron that takes
/// the second from the first hears 1, −1, 1, −1: it fires in the first step and cannot take it back, while all input at once is
/// 0. Nothing else is wrong, and where its layer is analog, the result is right.
#[test]
fn unevenness_by_hand() {
    let linear =
        |weight: [f32; 4]| Op::Linear(Linear { weight: Tensor::new(vec![2, 2], weight.to_vec()).unwrap(), bias: None });
    let (same, less) = ([1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 1.0, -1.0]);
    let relu = || Op::Activation(Activation::Relu);
    let mut graph = GraphBuilder::new();
    let x = graph.input("x", vec![2]).unwrap();
    let mut last = x;
    for (name, op) in
        [("in", linear(same)), ("first", relu()), ("less", linear(less)), ("second", relu()), ("out", linear(same))]
    {
        last = graph.add(name, op, &[last]).unwrap();
    }
    let graph = graph.finish(vec![last]).unwrap();
    let mut network = NetworkBuilder::streaming(4, "x", vec![2]).unwrap();
    let mut last = network.input();
    let population = |initial: Vec<f32>| {
        NodeKind::Streaming(StreamingPopulation { threshold: vec![1.0], initial, ..StreamingPopulation::default() })
    };
    for (name, kind) in [
        ("in", NodeKind::Synapse(linear(same))),
        ("first", population(vec![0.5, 0.0])),
        ("less", NodeKind::Synapse(linear(less))),
        ("second", population(Vec::new())),
        ("out", NodeKind::Synapse(linear(same))),
        ("result", NodeKind::Readout(Readout::default())),
    ] {
        last = network.add(name, kind, &[last]).unwrap();
    }
    let network = network.finish(last).unwrap();
    let samples = Batch::new(1, vec![2], vec![0.5, 0.5]).unwrap();
    let mut explainer = Explainer::new(&network, &graph, &samples).unwrap();
    explainer.add(&samples, None, 0, &mut || Ok(())).unwrap();
    let found = explainer.explanation();
    let [first, second] = &found.layers[..] else { panic!("{found:?}") };
    assert_eq!((first.error.total, second.error.inherited), (0.0, 0.0));
    // the second neuron sends 1/4 instead of 0, beside one that rightly sends 1/2
    let e = &second.error;
    assert_eq!((e.total, e.unevenness, e.quantisation, e.clipping), (0.25, 0.25, 0.0, 0.0));
    assert_eq!((first.firing_rates.mean, second.firing_rates.mean), (0.5, 0.375));
    assert!((found.worst[0].difference - 0.5).abs() < 1e-6, "{:?}", found.worst);
    assert_eq!((first.dead_neurons, first.saturated_neurons), (0, 0));
}
