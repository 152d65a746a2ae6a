//! What the field says of its methods, on a trained ResNet-20 and CIFAR-10 images (and on a keyword spotter, which has
//! depthwise layers) in the folder that `SPIKECONVERTER_DATA` names; skipped where it is not set. All on agreement with the
//! trained network, which needs no labels.

#![allow(clippy::print_stdout, clippy::print_stderr)] // figures, and that a test was skipped

use std::path::Path;

use spikeconverter_convert::{CalibrationRule, Granularity, InitialRule, NeuronRule, Options, Parts, ThresholdRule};
use spikeconverter_data::{Dataset, OpenOptions, PreprocessFile, Stage};
use spikeconverter_engine::{Ann, Batch, ClockedEngine, Engine};
use spikeconverter_pipeline::{Calibration, ConvertRequest, Model, convert};

/// Images that are compared.
const IMAGES: usize = 96;
/// Images that are calibrated on.
const CALIBRATE: usize = 128;

/// A trained network, its calibration data, and test images.
struct Bench {
    model: Model,
    train: Dataset,
    images: Batch,
    entry: spikeconverter_data::ModelEntry,
    wanted: Vec<usize>,
}

impl Bench {
    fn open() -> Option<Self> {
        Self::of("cifar10_resnet20")
    }

    /// That of a network, by its name in the folder.
    fn of(name: &str) -> Option<Self> {
        let Some(folder) = std::env::var_os("SPIKECONVERTER_DATA") else {
            eprintln!("skipped: SPIKECONVERTER_DATA is not set");
            return None;
        };
        let models = PreprocessFile::read(Path::new(&folder).join("models/preprocessing.toml")).unwrap();
        let entry = models.models().get(name).unwrap().clone();
        let model = Model::open(entry.file.as_ref().unwrap(), None).unwrap();
        let (calibrate, test) = (entry.calibrate.as_ref().unwrap(), entry.test.as_ref().unwrap());
        let train = Dataset::open(&calibrate.path, &calibrate.options).unwrap();
        let options = OpenOptions { limit: Some(IMAGES), ..test.options.clone() };
        let test = Dataset::open(&test.path, &options).unwrap();
        let shape = model.input_shape().to_vec();
        let mut values = Vec::new();
        for batch in test.batches(&entry.preprocessing, &shape, IMAGES, Stage::Normalised).unwrap() {
            values.extend(batch.unwrap().inputs);
        }
        let images = Batch::new(IMAGES, shape, values).unwrap();
        let wanted = decisions(&Ann::new(model.graph()).unwrap().run(std::slice::from_ref(&images)).unwrap()[0]);
        Some(Self { model, train, images, entry, wanted })
    }

    /// How many of the images the spiking network decides as the trained network does.
    fn agreement(&self, method: &str, options: &Options) -> usize {
        let request = ConvertRequest {
            method: method.into(),
            options: options.clone(),
            calibration: Calibration { samples: CALIBRATE, ..Calibration::default() },
            ..ConvertRequest::new(&self.model, &self.train, self.entry.preprocessing.clone())
        };
        let converted = convert(&request, &mut |_| ()).unwrap();
        let found = ClockedEngine::new(&converted.file.network).unwrap().infer(&self.images).unwrap();
        let agreement = decisions(&found).iter().zip(&self.wanted).filter(|(a, b)| a == b).count();
        let Options { time_steps, thresholds, parts, .. } = options;
        println!("{method}, T = {time_steps}, {thresholds:?}, {:?}: {agreement} of {IMAGES}", parts.named());
        agreement
    }
}

fn decisions(results: &Batch) -> Vec<usize> {
    let best = |values: &[f32]| (0..values.len()).max_by(|&a, &b| values[a].total_cmp(&values[b])).unwrap();
    results.samples().map(best).collect()
}

fn options(time_steps: u32, parts: Parts) -> Options {
    Options { time_steps, parts, ..Options::default() }
}

/// Outliers keep thresholds of the largest activation too high for most neurons (Rueckauer et al. 2017).
#[test]
fn percentiles_need_fewer_steps_than_maxima() {
    let Some(bench) = Bench::open() else { return };
    let by = |threshold| {
        let parts = Parts { threshold: Some(threshold), ..Parts::default() };
        bench.agreement("rueckauer2017", &options(48, parts))
    };
    let (percentile, max) = (by(ThresholdRule::Percentile), by(ThresholdRule::MaxActivation));
    assert!(percentile > max + IMAGES / 20, "{percentile} {max}");
}

/// What reset to zero throws away adds up with depth (Rueckauer et al. 2017, Han et al. 2020).
#[test]
fn subtraction_beats_reset_to_zero_in_a_deep_network() {
    let Some(bench) = Bench::open() else { return };
    let by = |neuron| {
        let parts = Parts { neuron: Some(neuron), ..Parts::default() };
        bench.agreement("rueckauer2017", &options(96, parts))
    };
    let (subtract, zero) = (by(NeuronRule::IntegrateFire), by(NeuronRule::HardReset));
    assert!(subtract > zero + IMAGES / 10, "{subtract} {zero}");
}

/// Half a threshold at the start rounds what is otherwise truncated (Bu et al. 2022).
#[test]
fn half_a_threshold_helps_short_simulations() {
    let Some(bench) = Bench::open() else { return };
    let by = |initial| {
        let parts = Parts { initial: Some(initial), ..Parts::default() };
        bench.agreement("bu2022", &options(16, parts))
    };
    let (half, zero) = (by(InitialRule::Half), by(InitialRule::Zero));
    assert!(half > zero + IMAGES / 10, "{half} {zero}");
}

/// Channels differ in how active they are (Kim et al. 2020), most in depthwise layers.
#[test]
fn thresholds_by_channel_beat_those_by_layer() {
    let Some(bench) = Bench::of("kws_dscnn") else { return };
    let by = |thresholds| {
        let options = Options { thresholds: Some(thresholds), ..options(32, Parts::default()) };
        bench.agreement("bu2022", &options)
    };
    let (channel, layer) = (by(Granularity::Channel), by(Granularity::Layer));
    assert!(channel > layer + IMAGES / 5, "{channel} {layer}");
}

/// Biases that take back the difference of mean rates (Li et al. 2021).
#[test]
fn light_calibration_beats_none() {
    let Some(bench) = Bench::open() else { return };
    let by = |calibration| {
        let parts = Parts { calibration: Some(calibration), ..Parts::default() };
        bench.agreement("li2021-light", &options(16, parts))
    };
    let (light, none) = (by(CalibrationRule::Bias), by(CalibrationRule::None));
    assert!(light > none + IMAGES / 20, "{light} {none}");
}
