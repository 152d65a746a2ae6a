//! Trained networks as networks of integers: all engines give the same spikes and results. In the folder that
//! `SPIKECONVERTER_DATA` names; skipped where it is not set.

#![allow(clippy::print_stderr)] // that a test was skipped

use std::path::Path;

use spikeconverter_convert::{Options, Weights};
use spikeconverter_data::{Dataset, PreprocessFile};
use spikeconverter_engine::{Batch, ClockedEngine, Engine, FoldedEngine, ReferenceEngine};
use spikeconverter_graph::volume;
use spikeconverter_network::Encoding;
use spikeconverter_pipeline::{Calibration, ConvertRequest, Model, convert};

/// Converts a network and runs it on pixels of no image, which reach what images seldom do.
fn agrees(name: &str, time_steps: u32, samples: usize) {
    let Some(folder) = std::env::var_os("SPIKECONVERTER_DATA") else {
        eprintln!("skipped: SPIKECONVERTER_DATA is not set");
        return;
    };
    let models = PreprocessFile::read(Path::new(&folder).join("models/preprocessing.toml")).unwrap();
    let entry = models.models().get(name).unwrap();
    let model = Model::open(entry.file.as_ref().unwrap(), None).unwrap();
    let calibrate = entry.calibrate.as_ref().unwrap();
    let data = Dataset::open(&calibrate.path, &calibrate.options).unwrap();
    let request = ConvertRequest {
        options: Options { time_steps, weights: Weights::I8, encoding: Encoding::Pixels, ..Options::default() },
        calibration: Calibration { samples: 16, ..Calibration::default() },
        ..ConvertRequest::new(&model, &data, entry.preprocessing.clone())
    };
    let network = convert(&request, &mut |_| ()).unwrap().file.network;
    assert!(network.is_integer());
    let shape = network.input_shape().to_vec();
    let pixel = |i: usize| ((i / 7).wrapping_mul(2_654_435_761) >> 13 & 255) as f32;
    let pixels = Batch::new(samples, shape.clone(), (0..samples * volume(&shape)).map(pixel).collect()).unwrap();
    let run = |engine: &dyn Engine| {
        let mut codes = vec![Vec::new(); network.nodes().len()];
        let output = engine.run(&pixels, &mut |id, batch| codes[id.0].extend_from_slice(batch.data())).unwrap();
        (output, codes)
    };
    let reference = run(&ReferenceEngine::new(&network));
    assert!(reference.1.iter().flatten().filter(|code| **code != 0).count() > 1000);
    for engine in [&FoldedEngine::new(&network).unwrap() as &dyn Engine, &ClockedEngine::new(&network).unwrap()] {
        let found = run(engine);
        assert!(found.1 == reference.1, "{name}, T = {time_steps}: other spikes in the {} engine", engine.name());
        assert_eq!(found.0, reference.0, "{name}, T = {time_steps}, {}", engine.name());
    }
}

#[test]
fn resnet20() {
    for time_steps in [3, 8, 16] {
        agrees("cifar10_resnet20", time_steps, 3);
    }
}

#[test]
fn resnet56() {
    agrees("cifar10_resnet56", 8, 1);
}

/// Depthwise layers, and pooling of whole maps.
#[test]
fn mobilenet_v1() {
    agrees("mobilenet_v1_0.25_imagenet", 8, 1);
}

/// Linear bottlenecks, whose trains have two signs.
#[test]
fn mobilenet_v2() {
    agrees("mobilenet_v2_imagenet", 8, 1);
}
