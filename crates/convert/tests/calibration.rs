//! Weights calibrated without labels transmit more of the trained network.

mod common;

use common::{Numbers, structures};
use spikeconverter_convert::{
    Base, CalibrationRule, Conversion, ConvertError, Options, Parts, WeightCalibration, Weights, method,
};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine, EngineError, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_network::{Encoding, NodeKind, Population, Schedule, SpikingNetwork};

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

/// Spikes of both signs in base 3 tell `3^T` values apart, 14 of them above 0 at T = 3 instead of 8, and copies of their neurons
/// more; one structure has trains that are compared.
#[test]
fn base_three_tells_more_apart() {
    for calibration in WeightCalibration::ALL {
        let of = |base, copies| -> f64 {
            let options = options(Weights::F32, calibration);
            let options = Options { time_steps: 3, base: Base::Fixed(base), copies, ..options };
            structures().iter().map(|(_, graph)| error(graph, 96, "spikeconverter", &options, folded)).sum()
        };
        let (binary, ternary, two) = (of(2.0, 1), of(3.0, 1), of(3.0, 2));
        assert!(ternary < 0.5 * binary && two < 0.8 * ternary, "{calibration:?}: {binary} {ternary} {two}");
    }
}

/// What does not go together with base 3 is said before anything is calibrated.
#[test]
fn base_three_is_of_rounding_neurons_with_real_weights() {
    let (_, graph) = structures().remove(0);
    let refused = |options: Options| {
        let options = Options { time_steps: 3, base: Base::Fixed(3.0), ..options };
        let found = method("spikeconverter").unwrap().convert(&graph, &images(8, 1), &options, &mut |_, _| Ok(()));
        found.expect_err("refused").to_string()
    };
    assert!(refused(Options { half_step: false, ..Options::default() }).contains("--no-half-step"));
    let integers = Options { weights: Weights::I8, encoding: Encoding::Pixels, ..Options::default() };
    assert!(refused(integers).contains("base 2"));
    // trains that a maximum compares have base 3, or one up to 2; where they fire early, base 2
    let compared = |(_, graph): &(&str, Graph)| {
        let refused = |base, delay| {
            let options = Options { time_steps: 3, base: Base::Fixed(base), delay, ..Options::default() };
            let found = method("spikeconverter").unwrap().convert(graph, &images(8, 1), &options, &mut |_, _| Ok(()));
            found
                .err()
                .map(|error| error.to_string())
                .filter(|error| error.contains("--base") && error.contains("node"))
        };
        let [between, early] = [refused(2.5, None), refused(3.0, Some(2))];
        assert!(refused(3.0, None).is_none() && between.is_some() == early.is_some());
        between.is_some()
    };
    assert!(structures().iter().any(compared));
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

fn latency(network: &SpikingNetwork) -> u32 {
    Schedule::new(network).latency_steps
}

/// A network whose layers fire after `delay` steps, some earlier where a latency is asked for; progress ends where it says.
fn hastened(graph: &Graph, copies: u32, delay: u32, max_latency: Option<u32>) -> Result<SpikingNetwork, ConvertError> {
    let delay = Some(delay);
    let base = Base::Fixed(2.0);
    let options = float(&Options { time_steps: 6, base, delay, max_latency, copies, ..Options::default() });
    let mut last = (0, 1);
    let mut told = |done, all| {
        assert!(last.0 <= done && done <= all, "{done} of {all} after {last:?}");
        last = (done, all);
        Ok(())
    };
    let conversion = method("spikeconverter").unwrap().convert(graph, &images(64, 1), &options, &mut told)?;
    assert_eq!(last.0, last.1, "progress ends early");
    Ok(conversion.network)
}

/// Layers fire earlier until the latency that was asked for is there, none of them for nothing, and copies together.
#[test]
fn some_layers_fire_earlier() {
    for (name, graph) in structures() {
        for copies in [1, 2] {
            let [slow, fast] = [2, 1].map(|delay| latency(&hastened(&graph, copies, delay, None).unwrap()));
            assert!(fast + 1 < slow, "{name}");
            for most in [slow, slow - 1, fast] {
                let network = hastened(&graph, copies, 2, Some(most)).unwrap();
                assert_eq!(latency(&network), most, "{name}");
                let own = |population: &Population| population.delay.filter(|&delay| delay < 2);
                let early: Vec<_> = network.populations().filter(|(_, p)| own(p).is_some()).collect();
                assert_eq!(early.is_empty(), most == slow, "{name}: {early:?}");
                for (id, population) in early {
                    let later = network.with_kinds(|at, kind| match kind {
                        NodeKind::Population(_) if at == id => {
                            NodeKind::Population(Population { delay: None, ..population.clone() })
                        }
                        kind => kind.clone(),
                    });
                    assert!(latency(&later.unwrap()) > most, "{name}: a layer fires early for nothing");
                }
            }
        }
    }
}

/// With three steps to begin with, a layer may give two of them; and what is asked for in vain is refused at once.
#[test]
fn layers_give_more_than_a_step() {
    let (name, graph) = structures().remove(0);
    let [slow, fast] = [3, 1].map(|delay| latency(&hastened(&graph, 1, delay, None).unwrap()));
    for most in fast..=slow {
        assert_eq!(latency(&hastened(&graph, 1, 3, Some(most)).unwrap()), most, "{name}");
    }
    let refused = hastened(&graph, 1, 3, Some(fast - 1)).expect_err("nothing is faster").to_string();
    assert!(refused.contains("--max-latency") && refused.contains(&fast.to_string()), "{refused}");
    let stream = Options { max_latency: Some(9), ..Options::default() };
    let refused = method("dcgs").unwrap().convert(&graph, &images(8, 1), &stream, &mut |_, _| Ok(()));
    assert!(refused.expect_err("streams have no such delay").to_string().contains("--max-latency"));
}

/// Windows become shorter until the latency that was asked for is there, none of them for nothing, those of copies together; the delay
/// of a whole window changes nothing. What is asked for in vain is refused at once.
#[test]
fn some_layers_have_shorter_windows() {
    for (name, graph) in structures() {
        for copies in [1, 2] {
            let whole = hastened(&graph, copies, 6, None).unwrap();
            let (slow, all) = (latency(&whole), whole.populations().count());
            assert_eq!(whole.shorter_window(), None);
            for most in [slow, slow - 1, slow - 4] {
                let network = hastened(&graph, copies, 6, Some(most)).unwrap();
                assert_eq!(latency(&network), most, "{name}");
                let short: Vec<_> = network.populations().filter(|(_, p)| p.window(6) < 6).collect();
                assert_eq!((short.is_empty(), network.populations().count()), (most == slow, all), "{name}");
                let activation = |id| network.node(id).name.split(" (copy").next();
                for (id, _) in short {
                    let whole = network.with_kinds(|at, kind| match kind {
                        NodeKind::Population(population) if activation(at) == activation(id) => {
                            NodeKind::Population(Population { steps: None, ..population.clone() })
                        }
                        kind => kind.clone(),
                    });
                    assert!(latency(&whole.unwrap()) > most, "{name}: a window is short for nothing");
                }
            }
        }
    }
    let (_, graph) = structures().remove(0);
    let refused = hastened(&graph, 1, 6, Some(3)).expect_err("nothing is faster").to_string();
    assert!(refused.contains("--max-latency") && refused.contains("window of one"), "{refused}");
}

/// A few layers that fire earlier cost less than all of them.
#[test]
fn fewer_early_layers_lose_less() {
    let error_of = |delay: u32, saved: u32| -> f64 {
        let of = |(_, graph): &(&str, Graph)| {
            let all_of_two = latency(&hastened(graph, 1, 2, None).unwrap());
            let max_latency = (saved > 0).then(|| all_of_two - saved);
            let base = Base::Fixed(2.0);
            let options = Options { time_steps: 6, base, delay: Some(delay), max_latency, ..Options::default() };
            error(graph, 64, "spikeconverter", &options, clocked)
        };
        structures().iter().map(of).sum()
    };
    let [two, some, one] = [error_of(2, 0), error_of(2, 1), error_of(1, 0)];
    assert!(some < 0.5 * one, "{two} after two steps, {some} where a layer fires after one, {one} where all do");
}
