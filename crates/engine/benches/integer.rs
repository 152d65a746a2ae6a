//! Each integer kernel by itself, beside what the machine's multipliers reach.
//!
//!     cargo bench -p spikeconverter-engine --bench integer [-- PART-OF-A-NAME]
//!
//! A network of one layer is profiled, so that only this layer's time counts. Medians of nine runs on one thread.
#![allow(clippy::print_stdout)] // a program that prints its measurements

use std::error::Error;

use spikeconverter_engine::{Batch, FoldedEngine, Isa, peak};
use spikeconverter_graph::ops::{Conv, MaxPool, Window};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Population, Readout, SpikingNetwork, Transfer};

type AnyError = Box<dyn Error>;

/// A layer: channels in and out, height and width, kernel size, stride, groups, and steps of a window.
struct Case {
    name: &'static str,
    channels: [usize; 2],
    extent: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
    steps: u32,
    signed: bool,
    pool: bool,
}

const PLAIN: Case = Case {
    name: "",
    channels: [64, 64],
    extent: 16,
    kernel: 3,
    stride: 1,
    groups: 1,
    steps: 8,
    signed: false,
    pool: false,
};

const CASES: &[Case] = &[
    Case { name: "3x3, 16 channels", channels: [16, 16], extent: 32, ..PLAIN },
    Case { name: "3x3, 64 channels", ..PLAIN },
    Case { name: "3x3, 512 channels", channels: [512, 512], extent: 4, ..PLAIN },
    Case { name: "3x3, 64 channels, stride 2", stride: 2, ..PLAIN },
    Case { name: "3x3, 64 channels, signed codes", signed: true, ..PLAIN },
    Case { name: "3x3, 64 channels, T = 16", steps: 16, ..PLAIN },
    Case { name: "3x3, 64 channels, maximum of 2x2", pool: true, ..PLAIN },
    Case { name: "3x3, 64 channels in 4 groups", groups: 4, ..PLAIN },
    Case { name: "5x5, 64 channels", kernel: 5, ..PLAIN },
    Case { name: "1x1, 32 to 192 channels", channels: [32, 192], extent: 28, kernel: 1, ..PLAIN },
    Case { name: "1x1, 192 to 32 channels", channels: [192, 32], extent: 28, kernel: 1, ..PLAIN },
    Case { name: "depthwise 3x3, 192 channels", channels: [192, 192], extent: 28, groups: 192, ..PLAIN },
    Case { name: "depthwise 5x5, 192 channels", channels: [192, 192], extent: 28, kernel: 5, groups: 192, ..PLAIN },
    Case { name: "linear, 512 to 1000", channels: [512, 1000], extent: 1, kernel: 1, ..PLAIN },
];

/// Runs that are compared.
const RUNS: usize = 9;

/// Samples in a run.
const SAMPLES: usize = 16;

fn main() -> Result<(), AnyError> {
    // cargo adds options that begin with a dash
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("| layer | instructions | GOP/s | % of the peak |");
    println!("|---|---|---:|---:|");
    for case in CASES.iter().filter(|case| wanted.iter().all(|part| case.name.contains(part.as_str()))) {
        let (network, layer) = build(case)?;
        let inputs = Batch::full(SAMPLES, network.input_shape().to_vec(), 77.0)?;
        let macs = (case.channels[0] / case.groups * case.kernel.pow(2))
            * case.channels[1]
            * SAMPLES
            * case.extent.div_ceil(case.stride).pow(2);
        for isa in Isa::available() {
            let engine = FoldedEngine::with_isa(&network, isa)?;
            let before = peak::of_integers(isa);
            let run = |_| -> Result<f64, AnyError> { Ok(engine.profile(&inputs)?[layer.0]) };
            let mut seconds = (0..RUNS).map(run).collect::<Result<Vec<f64>, AnyError>>()?;
            seconds.sort_by(f64::total_cmp);
            let rate = macs as f64 / seconds[RUNS / 2];
            let share = before.zip(peak::of_integers(isa)).map(|(before, after)| 100.0 * rate / before.max(after));
            let share = share.map_or("-".to_owned(), |share| format!("{share:.0}"));
            println!("| {} | {isa:?} | {:.1} | {share} |", case.name, 2e-9 * rate);
        }
    }
    Ok(())
}

/// Pixels, a layer that makes codes of them, and the layer that is measured.
fn build(case: &Case) -> Result<(SpikingNetwork, NodeId), AnyError> {
    let [inputs, outputs] = case.channels;
    let mut builder = NetworkBuilder::new(case.steps, "x", vec![1, case.extent, case.extent], Encoding::Pixels)?;
    let population = |threshold: f32, transfer: Transfer, pool: Option<MaxPool>| {
        let first = (1u32 << (case.steps - 1)) as f32;
        NodeKind::Population(Population {
            transfer,
            threshold: vec![threshold * first],
            pool,
            amplitude: Some(first),
            ..Population::default()
        })
    };
    let transfer = if case.signed { Transfer::linear() } else { Transfer::Relu };
    let spread = conv([inputs, 1], 1, 1, 1)?;
    let spread = builder.add("spread", NodeKind::Synapse(spread), &[builder.input()])?;
    let codes = builder.add("codes", population(30.0, transfer, None), &[spread])?;
    let synapse = conv([outputs, inputs / case.groups], case.kernel, case.stride, case.groups)?;
    let synapse = builder.add("synapse", NodeKind::Synapse(synapse), &[codes])?;
    let pool =
        case.pool.then(|| MaxPool { window: Window { stride: vec![2; 2], ..Window::new(vec![2; 2]) }, ceil: false });
    let layer = builder.add("layer", population(900.0, Transfer::Relu, pool), &[synapse])?;
    let outputs = builder.node(layer).shape[0];
    let last = conv([1, outputs], 1, 1, 1)?;
    let last = builder.add("last", NodeKind::Synapse(last), &[layer])?;
    let readout = builder.add("readout", NodeKind::Readout(Readout::default()), &[last])?;
    Ok((builder.finish(readout)?, layer))
}

/// A padded convolution with some weights.
fn conv([outputs, inputs]: [usize; 2], kernel: usize, stride: usize, groups: usize) -> Result<Op, AnyError> {
    let shape = vec![outputs, inputs, kernel, kernel];
    let weights = (0..volume(&shape)).map(|i| (i * 37 % 255) as f32 - 127.0).collect();
    let window = Window { stride: vec![stride; 2], ..Window::new(vec![kernel; 2]).padded(kernel / 2) };
    Ok(Op::Conv(Conv { weight: Tensor::new(shape, weights)?, bias: None, window, groups }))
}
