//! Weights calibrated without labels transmit more of the trained network.

mod common;

use common::{Numbers, structures};
use spikeconverter_convert::{CalibrationRule, Options, Parts, WeightCalibration, Weights, method};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine, EngineError, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_network::{Encoding, SpikingNetwork};

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
