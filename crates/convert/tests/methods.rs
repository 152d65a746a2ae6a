//! Every method of the table: what it converts, that its results approach the trained network's, and what it refuses.

mod common;

use common::{Numbers, residual, structures};
use spikeconverter_convert::{
    CalibrationRule, ConvertError, Granularity, InitialRule, MaxPoolRule, Method, NeuronRule, Options, Part, Parts,
    RehearsalRule, ThresholdRule, combinations, method, methods,
};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_network::{Encoding, Simulation, SpikingNetwork};

fn samples() -> Batch {
    let mut numbers = Numbers(11);
    Batch::new(6, vec![3, 8, 8], (0..6 * 192).map(|_| numbers.next()).collect()).unwrap()
}

fn convert(method: &dyn Method, graph: &Graph, options: &Options) -> Result<SpikingNetwork, ConvertError> {
    let conversion = method.convert(graph, &samples(), options, &mut |_, _| Ok(()))?;
    assert_eq!(conversion.samples, 6);
    assert_eq!(conversion.layers.len(), conversion.network.spiking().count());
    Ok(conversion.network)
}

/// Mean square of the difference of results, relative to that of the trained network's.
fn error(graph: &Graph, network: &SpikingNetwork) -> f64 {
    let samples = samples();
    let found = match network.simulation() {
        Simulation::Stream => ClockedEngine::new(network).unwrap().infer(&samples).unwrap(),
        Simulation::Window => FoldedEngine::new(network).unwrap().infer(&samples).unwrap(),
    };
    let wanted = Ann::new(graph).unwrap().run(&[samples]).unwrap().remove(0);
    let square = |x: f32| f64::from(x) * f64::from(x);
    let power: f64 = wanted.data().iter().map(|&x| square(x)).sum();
    wanted.data().iter().zip(found.data()).map(|(a, b)| square(a - b)).sum::<f64>() / power
}

/// Whether a method takes a structure; those that do not say so by their rows.
fn takes(name: &str, structure: &str) -> bool {
    match name {
        "dcgs" => structure != "leaky",
        _ => true,
    }
}

/// The largest error that a method's results may have after 64 steps, or in a window of 10, on small random networks.
/// Resets to zero lose charge, weights allow far more than occurs, and a gate loses what the winner sent before it won.
fn bound(name: &str, structure: &str) -> f64 {
    match (name, structure) {
        ("spikeconverter" | "fs-neurons", _) => 1e-3,
        ("diehl2015-model" | "diehl2015-data" | "sengupta2019", _) => 0.7,
        (_, "max-pools") => 0.1,
        _ => 0.05,
    }
}

/// Residual sums, maxima of currents and trains, concatenation, depthwise and linear layers, leaky activations, biases.
#[test]
fn every_method_takes_every_structure() {
    for method in methods().iter().filter(|method| !method.info().needs_training) {
        let info = method.info();
        let time_steps = if info.schedule == "window" { 10 } else { 64 };
        for (structure, graph) in structures() {
            let found = convert(*method, &graph, &Options { time_steps, ..Options::default() });
            if !takes(info.name, structure) {
                let error = found.unwrap_err();
                assert!(matches!(error, ConvertError::Unsupported { .. }), "{} on {structure}: {error}", info.name);
                continue;
            }
            let network = found.unwrap_or_else(|error| panic!("{} on {structure}: {error}", info.name));
            let off = error(&graph, &network);
            assert!(off < bound(info.name, structure), "{} on {structure}: off by {off}", info.name);
        }
    }
}

/// More steps bring results closer, whatever the method; those that reset to zero have a floor.
#[test]
fn results_approach_the_trained_network() {
    let graph = residual();
    for method in methods().iter().filter(|method| !method.info().needs_training) {
        let info = method.info();
        if info.schedule == "window" || info.recipe.is_some_and(|recipe| recipe.neuron == NeuronRule::HardReset) {
            continue;
        }
        let [few, many] = [8, 256].map(|time_steps| {
            let options = Options { time_steps, ..Options::default() };
            error(&graph, &convert(*method, &graph, &options).unwrap())
        });
        assert!(many < 0.01 && many < 0.5 * few, "{}: {few} after 8 steps, {many} after 256", info.name);
    }
}

/// Any neuron with any threshold rule, start, calibration and maximum: what the table says combines converts and works, what
/// it does not is refused by the option to change.
#[test]
fn parts_combine_as_the_table_says() {
    let graph = residual();
    let base = method("rueckauer2017").unwrap();
    let try_parts = |parts: Parts, allowed: bool, option: &str| {
        let options = Options { time_steps: 32, parts, ..Options::default() };
        match convert(base, &graph, &options) {
            Ok(network) => {
                assert!(allowed, "{parts:?} was converted");
                let off = error(&graph, &network);
                assert!(off < 1.0, "{parts:?}: off by {off}");
            }
            Err(ConvertError::Option { option: found, reason }) => {
                assert!(!allowed && found == option && reason.contains("does not combine"), "{parts:?}: {reason}");
            }
            Err(error) => panic!("{parts:?}: {error}"),
        }
    };
    for combination in combinations() {
        // a rule that every neuron takes
        let own = Parts {
            neuron: Some(combination.neuron),
            threshold: Some(ThresholdRule::MaxActivation),
            ..Parts::default()
        };
        for &rule in ThresholdRule::ALL {
            let allowed = combination.threshold_rules.contains(&rule);
            try_parts(Parts { threshold: Some(rule), ..own }, allowed, "--threshold-rule");
        }
        for &rule in InitialRule::ALL {
            try_parts(Parts { initial: Some(rule), ..own }, combination.initial.contains(&rule), "--initial");
        }
        for &rule in CalibrationRule::ALL {
            let allowed = combination.calibration_rules.contains(&rule);
            try_parts(Parts { calibration: Some(rule), ..own }, allowed, "--calibration-rule");
        }
        for &rule in MaxPoolRule::ALL {
            try_parts(Parts { pool: Some(rule), ..own }, combination.max_pools.contains(&rule), "--max-pool");
        }
        for &rule in RehearsalRule::ALL {
            try_parts(Parts { rehearsal: Some(rule), ..own }, combination.rehearsals.contains(&rule), "--rehearsal");
        }
    }
}

/// Thresholds of a layer, a channel or a neuron.
#[test]
fn thresholds_are_as_fine_as_asked_for() {
    let graph = residual();
    for (thresholds, counts) in
        [(Granularity::Layer, [1, 1, 1]), (Granularity::Channel, [6, 6, 6]), (Granularity::Neuron, [384, 384, 384])]
    {
        let options = Options { thresholds: Some(thresholds), ..Options::default() };
        let network = convert(method("rueckauer2017").unwrap(), &graph, &options).unwrap();
        let found: Vec<usize> =
            network.nodes().iter().filter_map(|node| node.kind.thresholds()).map(<[f32]>::len).collect();
        assert_eq!(found, counts);
    }
}

/// Pixels as weighted spikes, and as random ones.
#[test]
fn samples_enter_as_spikes_too() {
    let graph = residual();
    let mut numbers = Numbers(5);
    let pixels = (0..4 * 192).map(|_| (127.5 * (numbers.next() + 1.0)).floor()).collect();
    let pixels = Batch::new(4, vec![3, 8, 8], pixels).unwrap();
    let wanted = Ann::new(&graph).unwrap().run(std::slice::from_ref(&pixels)).unwrap().remove(0);
    for (encoding, bound) in [(Encoding::Analog, 0.01), (Encoding::Pixels, 0.01), (Encoding::Poisson { seed: 3 }, 0.02)]
    {
        let options = Options { time_steps: 256, encoding, ..Options::default() };
        let conversion =
            method("rueckauer2017").unwrap().convert(&graph, &pixels, &options, &mut |_, _| Ok(())).unwrap();
        let found = ClockedEngine::new(&conversion.network).unwrap().infer(&pixels).unwrap();
        let square = |x: f32| f64::from(x) * f64::from(x);
        let power: f64 = wanted.data().iter().map(|&x| square(x)).sum();
        let off = wanted.data().iter().zip(found.data()).map(|(a, b)| square(a - b)).sum::<f64>() / power;
        assert!(off < bound, "{encoding:?}: off by {off}");
    }
    let options = Options { encoding: Encoding::Pixels, ..Options::default() };
    for name in ["dcgs", "srp", "cos"] {
        let error = method(name).unwrap().convert(&graph, &pixels, &options, &mut |_, _| Ok(())).unwrap_err();
        assert!(matches!(error, ConvertError::Option { option: "--input", .. }), "{error}");
    }
}

#[test]
fn methods_that_need_training_say_so() {
    let graph = residual();
    let trained: Vec<_> = methods().iter().filter(|method| method.info().needs_training).collect();
    assert!(trained.len() >= 9);
    for method in trained {
        let error = convert(*method, &graph, &Options::default()).unwrap_err();
        assert!(matches!(error, ConvertError::Training { method: name, .. } if name == method.info().name), "{error}");
        assert!(error.to_string().contains(method.info().name), "{error}");
    }
}

#[test]
fn rows_are_complete_and_their_names_unique() {
    let mut names = std::collections::BTreeSet::new();
    for method in methods() {
        let info = method.info();
        assert!(names.insert(info.name), "{} twice", info.name);
        assert!((2015..2027).contains(&info.year) && info.paper.contains(&info.year.to_string()), "{}", info.name);
        for text in [info.neuron, info.code, info.structures_published, info.structures_here, info.figures] {
            assert!(!text.is_empty(), "{}", info.name);
        }
        assert!(["window", "stream"].contains(&info.schedule), "{}", info.name);
        assert_eq!(info.recipe.is_some(), info.schedule == "stream" && !info.needs_training, "{}", info.name);
    }
}

/// What people choose by: a few sentences that name methods and options which there are, at least one other method, and no
/// figures, which the comparison prints anew.
#[test]
fn every_method_says_when_to_use_it() {
    let options: Vec<&str> = methods().iter().flat_map(|method| method.info().options).copied().collect();
    for info in methods().iter().map(|method| method.info()) {
        let (name, when) = (info.name, info.when);
        assert!(when.ends_with('.'), "{name} does not say when to use it");
        assert!((2..=4).contains(&when.split(". ").count()), "{name}: {when}");
        let mentioned: Vec<&str> = when.split('`').skip(1).step_by(2).collect();
        for &word in &mentioned {
            assert!(method(word).is_some() || options.contains(&word), "{name}: `{word}` is no method and no option");
        }
        assert!(mentioned.iter().any(|&word| word != name && method(word).is_some()), "{name} names no other method");
        assert!(!when.contains('%'), "{name}: figures stand in the comparison");
    }
}

/// Windows have parts of their own.
#[test]
fn windowed_methods_refuse_parts_of_streaming_ones() {
    let graph = residual();
    for name in ["spikeconverter", "fs-neurons"] {
        let parts = Parts { neuron: Some(NeuronRule::Burst), ..Parts::default() };
        let refused = |options: Options| convert(method(name).unwrap(), &graph, &options).unwrap_err();
        let error = refused(Options { parts, ..Options::default() });
        assert!(matches!(error, ConvertError::Option { option: "--neuron", .. }), "{error}");
        let error = refused(Options { encoding: Encoding::Poisson { seed: 0 }, ..Options::default() });
        assert!(matches!(error, ConvertError::Option { option: "--input", .. }), "{error}");
        let error = refused(Options { thresholds: Some(Granularity::Neuron), ..Options::default() });
        assert!(matches!(error, ConvertError::Option { option: "--thresholds", .. }), "{error}");
    }
}
