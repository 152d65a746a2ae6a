//! Runs a streaming network on the clocked engine with one thread and writes what another simulator needs to do the same.
//! `bench/streaming` runs it.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a program that prints its measurements

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use spikeconverter_convert::{Options, method};
use spikeconverter_data::{Dataset, OpenOptions, PreprocessFile, Stage};
use spikeconverter_engine::{Batch, ClockedEngine, Engine, EngineError, StreamingEngine};
use spikeconverter_graph::ops::{Activation, AvgPool, Conv, Linear, Op, Reshape, Window};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Tensor, volume};
use spikeconverter_network::{NodeKind, Provenance, SnnFile, SpikingNetwork, StreamingPopulation};
use spikeconverter_pipeline::{Calibration, ConvertRequest, Model, convert};

/// A soft-reset IF network on the clocked engine, one thread.
#[derive(Parser)]
struct Arguments {
    /// `vgg16` (its shape for 32 × 32 images, average pooling, random weights), or a model by the name of its table in
    /// models/preprocessing.toml in $SPIKECONVERTER_DATA
    #[arg(long, default_value = "vgg16")]
    network: String,
    /// Time steps
    #[arg(short = 'T', long, default_value_t = 32)]
    time_steps: u32,
    /// Samples to run
    #[arg(long, default_value_t = 4)]
    samples: usize,
    /// All thresholds are multiplied by this: larger, and neurons fire less
    #[arg(long, default_value_t = 1.0)]
    threshold: f32,
    /// Runs; the fastest counts
    #[arg(long, default_value_t = 5)]
    repeat: usize,
    /// Also write every step: spikes.u8 and membranes.f32, sample after sample, in each population after population
    #[arg(long)]
    record: bool,
    /// Folder for net.snn, inputs.f32, counts.i32
    #[arg(long)]
    out: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let (file, samples) = if arguments.network == "vgg16" { vgg16(arguments)? } else { trained(arguments)? };
    let network = scaled(&file.network, arguments.threshold)?;
    let file = SnnFile { network, ..file };
    let engine = ClockedEngine::new(&file.network)?;
    let mut counts: Vec<Vec<i32>> = Vec::new();
    let mut seconds = f64::INFINITY;
    for _ in 0..arguments.repeat.max(1) {
        counts.clear();
        // the pool's only thread, so that its time is all there is
        let elapsed = rayon::scope(|_| {
            let started = clock();
            engine.run(&samples, &mut |_, codes| counts.push(codes.data().to_vec()))?;
            Ok::<_, EngineError>(clock() - started)
        })?;
        seconds = seconds.min(elapsed);
    }
    write(&arguments.out, &file, &samples, &counts)?;
    if arguments.record {
        record(&arguments.out, &file.network, &engine, &samples)?;
    }
    let spikes: i64 = counts.iter().flatten().map(|&count| i64::from(count)).sum();
    let neurons: usize = file.network.spiking().map(|id| volume(&file.network.node(id).shape)).sum();
    let steps = neurons as f64 * samples.count() as f64 * f64::from(arguments.time_steps);
    let answer = serde_json::json!({
        "network": arguments.network,
        "time_steps": arguments.time_steps,
        "samples": samples.count(),
        "neurons": neurons,
        "seconds_per_sample": seconds / samples.count() as f64,
        "spikes_per_neuron_and_step": spikes as f64 / steps,
    });
    println!("{answer}");
    Ok(())
}

/// Seconds that this thread has computed, so that other programs do not count; where the system does not say, those of the
/// clock.
fn clock() -> f64 {
    let computed = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = computed.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    let elapsed = || SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |time| time.as_secs_f64());
    nanoseconds.map_or_else(elapsed, |ns| 1e-9 * ns)
}

fn options(arguments: &Arguments) -> Options {
    Options { time_steps: arguments.time_steps, ..Options::default() }
}

/// A trained network and images of its test data.
fn trained(arguments: &Arguments) -> Result<(SnnFile, Batch), Box<dyn Error>> {
    let folder = std::env::var_os("SPIKECONVERTER_DATA").ok_or("SPIKECONVERTER_DATA is not set")?;
    let models = PreprocessFile::read(Path::new(&folder).join("models/preprocessing.toml"))?;
    let entry = models.models().get(&arguments.network).ok_or("there is no model of this name")?;
    let (Some(onnx), Some(test), Some(calibrate)) = (&entry.file, &entry.test, &entry.calibrate) else {
        return Err("the model has no test or calibration data".into());
    };
    let model = Model::open(onnx, None)?;
    let train = Dataset::open(&calibrate.path, &calibrate.options)?;
    let test = Dataset::open(&test.path, &OpenOptions { limit: Some(arguments.samples), ..test.options.clone() })?;
    let request = ConvertRequest {
        method: "rueckauer2017".into(),
        options: options(arguments),
        calibration: Calibration { samples: 256, ..Calibration::default() },
        ..ConvertRequest::new(&model, &train, entry.preprocessing.clone())
    };
    let converted = convert(&request, &mut |_| ())?;
    let shape = converted.file.network.input_shape().to_vec();
    let mut inputs = Vec::new();
    let mut count = 0;
    for batch in test.batches(&entry.preprocessing, &shape, 64, Stage::Normalised)? {
        let batch = batch?;
        inputs.extend(batch.inputs);
        count += batch.count;
    }
    Ok((converted.file, Batch::new(count, shape, inputs)?))
}

/// Reproducible numbers, about normal.
struct Numbers(u64);

impl Numbers {
    fn uniform(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32 - 0.5
    }

    fn values(&mut self, n: usize, deviation: f32) -> Vec<f32> {
        (0..n).map(|_| deviation * (0..4).map(|_| self.uniform()).sum::<f32>() * 3f32.sqrt()).collect()
    }
}

/// The shape of VGG-16 for CIFAR (13 convolutions, 3 dense layers), with random weights.
fn vgg16(arguments: &Arguments) -> Result<(SnnFile, Batch), Box<dyn Error>> {
    let mut numbers = Numbers(1);
    let mut builder = GraphBuilder::new();
    let mut at = builder.input("x", vec![3, 32, 32])?;
    let mut add = |op: Op, at: NodeId| {
        let name = format!("node{}", at.0 + 1);
        builder.add(name, op, &[at])
    };
    let relu = || Op::Activation(Activation::Relu);
    let mut channels = 3;
    for (outputs, layers) in [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)] {
        for _ in 0..layers {
            let shape = vec![outputs, channels, 3, 3];
            let deviation = (2.0 / (channels * 9) as f32).sqrt();
            let weight = Tensor::new(shape.clone(), numbers.values(volume(&shape), deviation))?;
            let window = Window::new(vec![3, 3]).padded(1);
            let bias = Some(Tensor::vector(numbers.values(outputs, 0.05)));
            at = add(Op::Conv(Conv { weight, bias, window, groups: 1 }), at)?;
            at = add(relu(), at)?;
            channels = outputs;
        }
        let window = Window::new(vec![2, 2]).strided(2);
        at = add(Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: false }), at)?;
    }
    at = add(Op::Reshape(Reshape { shape: vec![512] }), at)?;
    for outputs in [512, 512, 10] {
        let weight = Tensor::new(vec![outputs, 512], numbers.values(outputs * 512, (2.0f32 / 512.0).sqrt()))?;
        at = add(Op::Linear(Linear { weight, bias: Some(Tensor::vector(numbers.values(outputs, 0.05))) }), at)?;
        if outputs != 10 {
            at = add(relu(), at)?;
        }
    }
    let graph: Graph = builder.finish(vec![at])?;
    let images = |numbers: &mut Numbers, n: usize| Batch::new(n, vec![3, 32, 32], numbers.values(n * 3072, 1.0));
    let calibration = images(&mut numbers, 16)?;
    let samples = images(&mut numbers, arguments.samples)?;
    let method = method("rueckauer2017").ok_or("no such method")?;
    let conversion = method.convert(&graph, &calibration, &options(arguments), &mut |_, _| Ok(()))?;
    let file = SnnFile {
        network: conversion.network,
        ann: graph,
        preprocessing: serde_json::Value::Null,
        provenance: Provenance::default(),
    };
    Ok((file, samples))
}

/// The network with all thresholds multiplied.
fn scaled(network: &SpikingNetwork, factor: f32) -> Result<SpikingNetwork, Box<dyn Error>> {
    Ok(network.with_kinds(|_, kind| match kind {
        NodeKind::Streaming(population) => NodeKind::Streaming(StreamingPopulation {
            threshold: population.threshold.iter().map(|t| t * factor).collect(),
            ..population.clone()
        }),
        other => other.clone(),
    })?)
}

/// Every spike and membrane, sample after sample, population after population, step after step.
fn record(
    folder: &Path,
    network: &SpikingNetwork,
    engine: &ClockedEngine<'_>,
    samples: &Batch,
) -> Result<(), Box<dyn Error>> {
    let mut trains: BTreeMap<(usize, NodeId), (Vec<u8>, Vec<u8>)> = BTreeMap::new();
    engine.record(samples, &mut |step| {
        let (spikes, membranes) = trains.entry((step.sample, step.node)).or_default();
        spikes.extend(step.spikes.iter().map(|&fires| u8::from(fires != 0)));
        membranes.extend(step.membranes.iter().flat_map(|&u| (u as f32).to_le_bytes()));
    })?;
    let (spikes, membranes): (Vec<Vec<u8>>, Vec<Vec<u8>>) = trains.into_values().unzip();
    debug_assert_eq!(spikes.len(), samples.count() * network.spiking().count());
    std::fs::write(folder.join("spikes.u8"), spikes.concat())?;
    std::fs::write(folder.join("membranes.f32"), membranes.concat())?;
    Ok(())
}

/// The network, the samples, and each population's spike counts, population after population (little-endian).
fn write(folder: &Path, file: &SnnFile, samples: &Batch, counts: &[Vec<i32>]) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    file.save(&folder.join("net.snn"))?;
    let inputs: Vec<u8> = samples.data().iter().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.join("inputs.f32"), inputs)?;
    // with one thread, every sample shows all populations
    let counts: Vec<u8> = counts.iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
    std::fs::write(folder.join("counts.i32"), counts)?;
    Ok(())
}
