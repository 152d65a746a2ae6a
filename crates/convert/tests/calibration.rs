//! Weights calibrated without labels transmit more of the trained network.

mod common;

use common::{Numbers, structures};
use spikeconverter_convert::{Base, CalibrationRule, Conversion, Options, Parts, WeightCalibration, Weights, method};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine, EngineError, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_network::{Encoding, NodeKind, Schedule, SpikingNetwork};

/// Smooth images: a wave of random direction and phase in each channel, 0..=255.
fn images(count: usize, seed: u64) -> Batch {
    let mut numbers = Numbers(seed);
    let mut data = Vec::new();
    for _ in 0..count * 3 {
        let (fx, fy, phase) = (numbers.next(), numbers.next(), 4.0 * numbers.next());
        for at in 0..64u8 {
            let (x, y) = (f32::from(at % 8), f32::from(at / 8));
            data.push(((fx * x + fy * y + phase).sin() * 127.5 + 127.5).round());
        }
    }
    Batch::new(count, vec![3, 8, 8], data).unwrap()
}

type Run = fn(&SpikingNetwork, &Batch) -> Result<Batch, EngineError>;

fn folded(network: &SpikingNetwork, samples: &Batch) -> Result<Batch, EngineError> {
    FoldedEngine::new(network)?.infer(samples)
}

fn clocked(network: &SpikingNetwork, samples: &Batch) -> Result<Batch, EngineError> {
    ClockedEngine::new(network)?.infer(samples)
}

/// Mean square error of the result on images that were not calibrated on, relative to the result's variance.
fn error(graph: &Graph, samples: usize, name: &str, options: &Options, run: Run) -> f64 {
    let converted = method(name).unwrap().convert(graph, &images(samples, 1), options, &mut |_, _| Ok(()));
    let network = converted.unwrap().network;
    let others = images(64, 2);
    let wanted = Ann::new(graph).unwrap().run(std::slice::from_ref(&others)).unwrap().remove(0);
    let found = run(&network, &others).unwrap();
    let square = |x: f32| f64::from(x) * f64::from(x);
    let mean = wanted.data().iter().sum::<f32>() / wanted.data().len() as f32;
    let error: f64 = wanted.data().iter().zip(found.data()).map(|(w, f)| square(w - f)).sum();
    error / wanted.data().iter().map(|w| square(w - mean)).sum::<f64>()
}

fn graphs() -> Vec<(&'static str, Graph)> {
    let on_pixels = |graph: &Graph| fold_input_normalisation(graph, 0, &[2.0 / 255.0; 3], &[-1.0; 3]).unwrap();
    structures().into_iter().map(|(name, graph)| (name, on_pixels(&graph))).collect()
}

fn options(weights: Weights, calibration: WeightCalibration) -> Options {
    let weight_calibration = Some(calibration);
    Options { time_steps: 2, encoding: Encoding::Pixels, weights, weight_calibration, ..Options::default() }
}

/// All structures together: small random networks leave single ones little to win.
#[test]
fn integer_networks_take_calibrated_weights() {
    let errors = |(_, graph): &(&str, Graph)| {
        let of = |way| error(graph, 96, "spikeconverter", &options(Weights::I8, way), folded);
        [of(WeightCalibration::None), of(WeightCalibration::Network)]
    };
    let all: Vec<[f64; 2]> = graphs().iter().map(errors).collect();
    let [none, network] = [0, 1].map(|way| all.iter().map(|errors| errors[way]).sum::<f64>());
    assert!(network < 0.95 * none, "{none} without, {network} with, of {all:?}");
}

/// Streams, by parts: weights alone lower the error, and so do they in front of potentials, which is the advanced calibration.
#[test]
fn streams_take_calibrated_weights() {
    let errors = |rule| -> f64 {
        let parts = Parts { calibration: Some(rule), ..Parts::default() };
        let options = Options { time_steps: 8, parts, ..Options::default() };
        graphs().iter().map(|(_, graph)| error(graph, 96, "li2021-advanced", &options, clocked)).sum()
    };
    let [none, weights, potentials, full] =
        [CalibrationRule::None, CalibrationRule::Weights, CalibrationRule::Potentials, CalibrationRule::Full]
            .map(errors);
    assert!(weights < 0.9 * none, "{none} without, {weights} with weights");
    assert!(full < 0.95 * potentials, "{potentials} with potentials alone, {full} with weights");
}

/// Structures as they read floats.
fn float(options: &Options) -> Options {
    Options { weight_calibration: Some(WeightCalibration::None), ..options.clone() }
}

/// Two neurons for an activation halve the resolution step, whether weights are as trained or calibrated. One structure has trains
/// that are compared, which stay alone.
#[test]
fn copies_tell_more_apart() {
    for (calibration, most) in [
        (WeightCalibration::None, [0.6, 0.85]),
        (WeightCalibration::Layer, [0.6, 0.9]),
        (WeightCalibration::Network, [0.7, 0.95]),
    ] {
        let of = |copies| -> f64 {
            let options = Options { copies, ..options(Weights::F32, calibration) };
            structures().iter().map(|(_, graph)| error(graph, 96, "spikeconverter", &options, folded)).sum()
        };
        let [one, two, three] = [1, 2, 3].map(of);
        assert!(two < most[0] * one && three < most[1] * two, "{calibration:?}: {one} {two} {three}");
    }
}

/// A layer is reported once, with what its copies send together; trains that a maximum compares have none.
#[test]
fn copies_are_populations_of_one_layer() {
    for (name, graph) in structures() {
        let convert = |copies| {
            let options = float(&Options { time_steps: 3, copies, ..Options::default() });
            method("spikeconverter").unwrap().convert(&graph, &images(32, 1), &options, &mut |_, _| Ok(())).unwrap()
        };
        let (one, two) = (convert(1), convert(2));
        let populations = |conversion: &Conversion| conversion.network.populations().count();
        assert_eq!(one.layers.len(), two.layers.len(), "{name}");
        let compared = one.network.nodes().iter().any(|node| matches!(node.kind, NodeKind::MaxPool(_)));
        let all = 2 * populations(&one);
        assert!(if compared { populations(&two) < all } else { populations(&two) == all }, "{name}");
        for (one, two) in one.layers.iter().zip(&two.layers) {
            assert_eq!(one.name, two.name);
            let copied = two.neurons == 2 * one.neurons;
            assert!(copied || (compared && two.neurons == one.neurons), "{name}, {}", one.name);
        }
        let errors = |conversion: &Conversion| conversion.layers.iter().map(|layer| layer.error).sum::<f64>();
        let (one_error, two_error) = (errors(&one), errors(&two));
        let most = if compared { one_error } else { 0.7 * one_error };
        assert!(two_error <= most, "{name}: {two_error} after {one_error}");
        let clocked = clocked(&two.network, &images(8, 2)).unwrap();
        let folded = folded(&two.network, &images(8, 2)).unwrap();
        let off = clocked.data().iter().zip(folded.data()).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(off < 1e-3, "{name}: engines are {off} apart");
    }
}

#[test]
fn copies_are_refused_where_there_are_none() {
    let (_, graph) = structures().remove(0);
    let refused = |name: &str, options: Options| {
        let found = method(name).unwrap().convert(&graph, &images(8, 1), &options, &mut |_, _| Ok(()));
        found.expect_err("refused").to_string()
    };
    let of = |copies| Options { time_steps: 3, copies, ..Options::default() };
    for copies in [0, 9] {
        assert!(refused("spikeconverter", of(copies)).contains("1 to 8"));
    }
    let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..of(2) };
    assert!(refused("spikeconverter", integers).contains("--weights f32"));
    for name in ["fs-neurons", "bu2022"] {
        assert!(refused(name, of(2)).contains("--method spikeconverter"));
    }
}

/// Layers fire earlier until the latency that was asked for is there, and what that costs is less than if all did.
#[test]
fn some_layers_fire_earlier() {
    for (name, graph) in structures() {
        let convert = |delay, max_latency| {
            let delay = Some(delay);
            let options =
                float(&Options { time_steps: 6, base: Base::Fixed(2.0), delay, max_latency, ..Options::default() });
            let method = method("spikeconverter").unwrap();
            method.convert(&graph, &images(64, 1), &options, &mut |done, all| {
                assert!(done <= all, "{done} of {all}");
                Ok(())
            })
        };
        let latency = |network: &SpikingNetwork| Schedule::new(network).latency_steps;
        let [slow, fast] = [2, 1].map(|delay| latency(&convert(delay, None).unwrap().network));
        assert!(fast + 1 < slow, "{name}");
        for most in [slow, slow - 1, fast] {
            let network = convert(2, Some(most)).unwrap().network;
            assert_eq!(latency(&network), most, "{name}");
            let early = network.populations().filter(|(_, population)| population.delay == Some(1)).count();
            assert!(early >= (slow - most) as usize && (most < slow || early == 0), "{name}: {early} for {most} steps");
        }
        let refused = convert(2, Some(fast - 1)).expect_err("nothing is faster").to_string();
        assert!(refused.contains("--max-latency") && refused.contains(&fast.to_string()), "{refused}");
        assert!(convert(6, Some(9)).expect_err("windows are whole").to_string().contains("--delay"), "{name}");
    }
}
