//! Threshold rules and calibrations on networks of a few neurons, worked by hand.

use spikeconverter_convert::{
    CalibrationRule, Conversion, ConvertError, Granularity, InitialRule, Options, Parts, RehearsalRule, ThresholdRule,
    method,
};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine};
use spikeconverter_graph::ops::{Activation, Linear};
use spikeconverter_graph::{Graph, GraphBuilder, Op, Tensor};
use spikeconverter_network::{NodeKind, StreamingPopulation};
use spikeconverter_neuron::Rehearsal;

/// Layers of weights `[out, in]` with a ReLU between each two.
fn network(inputs: usize, layers: &[(&[f32], Option<&[f32]>)]) -> Graph {
    let mut builder = GraphBuilder::new();
    let mut at = builder.input("x", vec![inputs]).unwrap();
    for (i, (weights, bias)) in layers.iter().enumerate() {
        let width = builder.shape(at)[0];
        let weight = Tensor::new(vec![weights.len() / width, width], weights.to_vec()).unwrap();
        let bias = bias.map(|bias| Tensor::vector(bias.to_vec()));
        at = builder.add(format!("fc{i}"), Op::Linear(Linear { weight, bias }), &[at]).unwrap();
        if i + 1 < layers.len() {
            at = builder.add(format!("relu{i}"), Op::Activation(Activation::Relu), &[at]).unwrap();
        }
    }
    builder.finish(vec![at]).unwrap()
}

fn convert(name: &str, graph: &Graph, samples: &Batch, options: &Options) -> Conversion {
    method(name).unwrap().convert(graph, samples, options, &mut |_, _| Ok(())).unwrap()
}

fn populations(conversion: &Conversion) -> Vec<&StreamingPopulation> {
    let nodes = conversion.network.nodes().iter();
    nodes.filter_map(|node| if let NodeKind::Streaming(p) = &node.kind { Some(p) } else { None }).collect()
}

fn thresholds(name: &str, graph: &Graph, samples: &Batch) -> Vec<Vec<f32>> {
    let conversion = convert(name, graph, samples, &Options::default());
    populations(&conversion).iter().map(|population| population.threshold.clone()).collect()
}

/// Inputs 0 and 1: the first layer reaches 1 − 0 and 0.5 + 0.5, the second 2·1 + 1·1, whatever the samples are in between.
#[test]
fn weights_bound_activations() {
    let graph = network(2, &[(&[1.0, -2.0, 0.5, 0.5], None), (&[2.0, 1.0], None), (&[1.0], None)]);
    let samples = Batch::new(2, vec![2], vec![1.0, 1.0, 0.0, 0.5]).unwrap();
    assert_eq!(thresholds("diehl2015-model", &graph, &samples), [[1.0], [3.0]]);
    // the first sample's activations are 0 and 1, so 1 in the second layer; the second's 0 and 0.25
    assert_eq!(thresholds("diehl2015-data", &graph, &samples), [[1.0], [1.0]]);
}

/// Activations 0.75 and 0.5. With θ = 0.75 the first neuron fires in each step and the second in every other (0.5; 1 fires,
/// 0), so that some steps bring 0.75 + 0.75 = 1.5 to the second layer though its activation is 1.25.
#[test]
fn single_steps_bring_more_than_the_activation() {
    let graph = network(1, &[(&[0.75, 0.5], None), (&[1.0, 1.0], None), (&[1.0], None)]);
    let samples = Batch::new(1, vec![1], vec![1.0]).unwrap();
    assert_eq!(thresholds("sengupta2019", &graph, &samples), [[0.75], [1.5]]);
    assert_eq!(thresholds("diehl2015-data", &graph, &samples), [[0.75], [1.25]]);
}

/// One neuron of activation 1 and threshold 2 (the other sample's activation) in 3 steps: 1; 2 fires, 0; 1: one spike, so 2/3
/// instead of 1. The other fires in each step. The bias takes back half of the difference, 1/6, as the mean over the samples.
#[test]
fn biases_take_back_the_mean_difference() {
    let graph = network(1, &[(&[1.0], Some(&[0.5])), (&[1.0], None)]);
    let samples = Batch::new(2, vec![1], vec![0.5, 1.5]).unwrap();
    let parts = Parts { calibration: Some(CalibrationRule::Bias), ..Parts::default() };
    let options = Options { time_steps: 3, percentile: 100.0, parts, ..Options::default() };
    let conversion = convert("rueckauer2017", &graph, &samples, &options);
    let biases: Vec<f32> = conversion
        .network
        .nodes()
        .iter()
        .filter_map(
            |node| if let NodeKind::Synapse(Op::Linear(linear)) = &node.kind { linear.bias.as_ref() } else { None },
        )
        .map(|bias| bias.data()[0])
        .collect();
    assert!((biases[0] - (0.5 + 1.0 / 6.0)).abs() < 1e-6, "{biases:?}");
    // results have the trained network's mean, since the read-out is corrected last
    let found = ClockedEngine::new(&conversion.network).unwrap().infer(&samples).unwrap();
    let wanted = Ann::new(&graph).unwrap().run(&[samples]).unwrap().remove(0);
    let mean = |batch: &Batch| batch.data().iter().sum::<f32>() / 2.0;
    assert!((mean(&found) - mean(&wanted)).abs() < 1e-5);
}

/// A neuron of activation 1 and threshold 2 fires in steps 2 and 4 of 4: 4/4 in the mean over all, 4/3 over the last three; where
/// biases are corrected, so is what is read. Nothing may be left to read.
#[test]
fn results_are_read_without_the_first_steps() {
    let graph = network(1, &[(&[1.0], None), (&[1.0], None)]);
    let samples = Batch::new(2, vec![1], vec![1.0, 2.0]).unwrap();
    let options = |skip_steps, calibration| {
        let parts = Parts { skip_steps: Some(skip_steps), calibration: Some(calibration), ..Parts::default() };
        Options { time_steps: 4, percentile: 100.0, parts, ..Options::default() }
    };
    let results = |skip, calibration| {
        let conversion = convert("rueckauer2017", &graph, &samples, &options(skip, calibration));
        ClockedEngine::new(&conversion.network).unwrap().infer(&samples).unwrap().into_data()
    };
    assert_eq!(results(0, CalibrationRule::None), [1.0, 2.0]);
    assert_eq!(results(1, CalibrationRule::None), [4.0 / 3.0, 2.0]);
    let corrected = results(1, CalibrationRule::Bias);
    assert!((corrected.iter().sum::<f32>() - 3.0).abs() < 1e-5, "{corrected:?}");
    let all = options(4, CalibrationRule::None);
    let refused = method("rueckauer2017").unwrap().convert(&graph, &samples, &all, &mut |_, _| Ok(()));
    assert!(matches!(refused, Err(ConvertError::Option { option: "--skip-steps", .. })));
    let some = options(1, CalibrationRule::None);
    let refused = method("dcgs").unwrap().convert(&graph, &samples, &some, &mut |_, _| Ok(()));
    assert!(matches!(refused, Err(ConvertError::Option { option: "--skip-steps", .. })));
}

/// The same neuron lacks a charge of 3 · 1/6 on average; each neuron has its own.
#[test]
fn potentials_bring_the_charge_that_is_lacking() {
    let graph = network(1, &[(&[1.0, 2.0], None), (&[1.0, 1.0], None)]);
    let samples = Batch::new(2, vec![1], vec![1.0, 2.0]).unwrap();
    let parts = Parts { calibration: Some(CalibrationRule::Potentials), ..Parts::default() };
    let thresholds = Some(Granularity::Neuron);
    let options = Options { time_steps: 3, percentile: 100.0, thresholds, parts, ..Options::default() };
    let conversion = convert("rueckauer2017", &graph, &samples, &options);
    let population = populations(&conversion)[0];
    assert_eq!(population.threshold, [2.0, 4.0]);
    let near = |found: f32, wanted: f32| (found - wanted).abs() < 1e-5;
    assert!(near(population.initial[0], 0.5) && near(population.initial[1], 1.0), "{:?}", population.initial);
}

/// θ/2 at the start, or θ/(2T) in each step: of what transmits only whole thresholds both round.
#[test]
fn half_a_threshold_at_the_start_or_in_parts() {
    let graph = network(1, &[(&[1.0], None), (&[1.0], None)]);
    let samples = Batch::new(2, vec![1], vec![1.0, 0.375]).unwrap();
    let results = |initial| {
        let parts = Parts { initial: Some(initial), ..Parts::default() };
        let options = Options { time_steps: 4, percentile: 100.0, parts, ..Options::default() };
        let conversion = convert("rueckauer2017", &graph, &samples, &options);
        ClockedEngine::new(&conversion.network).unwrap().infer(&samples).unwrap().into_data()
    };
    assert_eq!(results(InitialRule::Zero), [1.0, 0.25]);
    assert_eq!(results(InitialRule::Half), [1.0, 0.5]);
    assert_eq!(results(InitialRule::Shift), [1.0, 0.5]);
}

/// Two neurons of activations 1 and 1/2 fire in each step and in every other, the first included. One neuron of the next layer
/// adds −1 and 2 to this, which is +1 and −1 in turns: from θ/2 = 0.5 it fires at 1.5, too early, for it ends at −0.5. SRP
/// silences it; COS has it begin a spike lower, at −0.5, from where it never fires. The other neuron fires always in any case.
#[test]
fn rehearsals_find_the_spike_that_came_too_early() {
    let graph = network(1, &[(&[1.0, 0.5], None), (&[-1.0, 2.0, 1.0, 0.0], None), (&[1.0, 0.0, 0.0, 1.0], None)]);
    let samples = Batch::new(1, vec![1], vec![1.0]).unwrap();
    let result = |name, rehearsal_steps| {
        let parts = Parts { threshold: Some(ThresholdRule::MaxActivation), rehearsal_steps, ..Parts::default() };
        let conversion = convert(name, &graph, &samples, &Options { time_steps: 4, parts, ..Options::default() });
        assert!(populations(&conversion).iter().all(|p| p.threshold == [1.0] && p.initial == [0.5]));
        let result = ClockedEngine::new(&conversion.network).unwrap().infer(&samples).unwrap();
        (conversion.network.rehearsal().map(Rehearsal::steps), result.into_data())
    };
    assert_eq!(result("bu2022", None), (None, vec![0.25, 1.0]));
    for name in ["srp", "cos"] {
        assert_eq!(result(name, None), (Some(8), vec![0.0, 1.0]), "{name}");
    }
    // after one step nothing is known of what comes: 0.5 is left of 1.5
    assert_eq!(result("cos", Some(1)), (Some(1), vec![0.25, 1.0]));
    let rehearsal = |name| {
        let parts = Parts { rehearsal: Some(RehearsalRule::None), ..Parts::default() };
        convert(name, &graph, &samples, &Options { parts, ..Options::default() }).network.rehearsal()
    };
    assert_eq!((rehearsal("srp"), rehearsal("cos")), (None, None));
}

/// The bound of a clip is the threshold, however large activations are; group neurons divide it.
#[test]
fn clips_are_thresholds() {
    let mut builder = GraphBuilder::new();
    let x = builder.input("x", vec![1]).unwrap();
    let linear = || Op::Linear(Linear { weight: Tensor::full(vec![1, 1], 1.0), bias: None });
    let a = builder.add("a", linear(), &[x]).unwrap();
    let clip = builder.add("clip", Op::Activation(Activation::Clip { low: 0.0, high: 6.0 }), &[a]).unwrap();
    let b = builder.add("b", linear(), &[clip]).unwrap();
    let graph = builder.finish(vec![b]).unwrap();
    for most in [2.0, 9.0] {
        let samples = Batch::new(1, vec![1], vec![most]).unwrap();
        assert_eq!(thresholds("bu2022", &graph, &samples), [[6.0]]);
        assert_eq!(thresholds("group", &graph, &samples), [[6.0]]);
        assert_eq!(thresholds("deng2021", &graph, &samples), [[most.min(6.0)]]);
    }
}
