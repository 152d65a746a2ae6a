//! Weights calibrated without labels transmit more of the trained network.

mod common;

use common::{Numbers, structures};
use spikeconverter_convert::{Options, WeightCalibration, Weights, method};
use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::fold_input_normalisation;
use spikeconverter_network::Encoding;

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

/// Mean square error of the result on images that were not calibrated on, relative to the result's variance.
fn error(graph: &Graph, samples: usize, options: &Options) -> f64 {
    let converted = method("spikeconverter").unwrap().convert(graph, &images(samples, 1), options, &mut |_, _| {});
    let network = converted.unwrap().network;
    let others = images(64, 2);
    let wanted = Ann::new(graph).unwrap().run(std::slice::from_ref(&others)).unwrap().remove(0);
    let found = FoldedEngine::new(&network).unwrap().infer(&others).unwrap();
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

#[test]
fn integer_networks_take_calibrated_weights() {
    for (name, graph) in graphs() {
        let [none, _, network] = WeightCalibration::ALL.map(|way| error(&graph, 96, &options(Weights::I8, way)));
        assert!(network < none, "{name}: {none}, {network}");
    }
}
