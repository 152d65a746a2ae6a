//! What a converted network is, for people and programs to read.

use std::path::Path;

use serde::Serialize;
use spikeconverter_graph::volume;
use spikeconverter_network::{Encoding, NodeKind, Population, Provenance, Schedule, SnnFile, Transfer};

use crate::model::{classes, parameters};
use crate::{Result, SampleFeed, ScheduleSummary};

/// What a converted network is.
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    /// The file.
    pub file: String,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Name of the input.
    pub input: String,
    /// Shape of a sample.
    pub input_shape: Vec<usize>,
    /// How samples enter.
    pub encoding: Encoding,
    /// Its numbers: `i8` where all are integers and weights bytes, `f32` otherwise.
    pub weights: &'static str,
    /// How samples are fed.
    pub feed: SampleFeed,
    /// Number of values of the result.
    pub outputs: usize,
    /// How its time is organised.
    pub schedule: ScheduleSummary,
    /// Neurons that fire, in all.
    pub neurons: usize,
    /// Parameters of the trained network.
    pub parameters: usize,
    /// Multiply-accumulate operations a sample of the trained network.
    pub ann_macs: u64,
    /// The populations, in topological order.
    pub layers: Vec<LayerDescription>,
    /// What is computed on the read-out, without spikes.
    pub head: Vec<String>,
}

/// What a population is.
#[derive(Debug, Clone, Serialize)]
pub struct LayerDescription {
    /// Name of its node.
    pub name: String,
    /// Shape of its neurons.
    pub shape: Vec<usize>,
    /// Number of neurons.
    pub neurons: usize,
    /// Base `k` of its code.
    pub base: f32,
    /// Smallest threshold.
    pub threshold_min: f32,
    /// Largest threshold.
    pub threshold_max: f32,
    /// Number of thresholds: 1, one a channel, or one a neuron.
    pub thresholds: usize,
    /// The activation it stands for.
    pub transfer: String,
    /// Whether it sends negative spikes.
    pub signed: bool,
    /// Whether it rounds to the nearest train.
    pub half_step: bool,
    /// Largest initial membrane potential, in absolute value.
    pub largest_correction: f32,
    /// Whether it takes a maximum of membranes before it fires.
    pub max_pool: bool,
    /// Steps of its window, where these are fewer than `T`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window_steps: Option<u32>,
    /// First step of its accumulation window.
    pub listens_at: u32,
    /// First step of its generation window.
    pub emits_at: u32,
}

/// Describes a converted network; `path` names it.
///
/// # Errors
/// When the file does not say how its samples are fed.
pub fn describe(file: &SnnFile, path: &Path) -> Result<Description> {
    let network = &file.network;
    let schedule = Schedule::new(network);
    let layers: Vec<LayerDescription> = network
        .spiking()
        .map(|id| {
            let node = network.node(id);
            let timing = schedule.timing(id);
            let (threshold_min, threshold_max) = node.kind.threshold_range().unwrap_or_default();
            let windowed = if let NodeKind::Population(population) = &node.kind { Some(population) } else { None };
            let initial = match &node.kind {
                NodeKind::Population(population) => population.initial.as_slice(),
                NodeKind::Streaming(population) => population.initial.as_slice(),
                _ => &[],
            };
            LayerDescription {
                name: node.name.clone(),
                shape: node.shape.clone(),
                neurons: volume(&node.shape),
                base: node.kind.base().unwrap_or(1.0),
                threshold_min,
                threshold_max,
                thresholds: node.kind.thresholds().map_or(0, <[f32]>::len),
                transfer: match &node.kind {
                    NodeKind::Streaming(population) => population.describe(network.coding()),
                    _ => windowed.map(transfer).unwrap_or_default(),
                },
                signed: network.has_signed_trains() || node.kind.is_signed(network.coding()),
                half_step: windowed.is_some_and(|p| p.half_step),
                largest_correction: initial.iter().fold(0.0, |m, v| m.max(v.abs())),
                max_pool: windowed.is_some_and(|p| p.pool.is_some()),
                window_steps: windowed.and_then(|p| p.steps),
                listens_at: timing.listens_at,
                emits_at: timing.emits_at,
            }
        })
        .collect();
    let head = network.nodes().iter().filter_map(|node| match &node.kind {
        NodeKind::Head(op) => Some(format!("{} ({})", node.name, op.kind())),
        _ => None,
    });
    Ok(Description {
        file: path.display().to_string(),
        provenance: file.provenance.clone(),
        input: network.nodes()[0].name.clone(),
        input_shape: network.input_shape().to_vec(),
        encoding: network.encoding(),
        weights: if network.is_integer() { "i8" } else { "f32" },
        feed: SampleFeed::of(file, path)?,
        outputs: classes(&file.ann),
        schedule: ScheduleSummary::of(network),
        neurons: layers.iter().map(|layer| layer.neurons).sum(),
        parameters: parameters(&file.ann),
        ann_macs: file.ann.macs(),
        head: head.collect(),
        layers,
    })
}

/// The activation in words.
fn transfer(population: &Population) -> String {
    match &population.transfer {
        Transfer::Relu => "relu".into(),
        Transfer::Clip { low, high } => {
            let bound = |bound: Option<f32>, open: &str| bound.map_or_else(|| open.into(), |b| b.to_string());
            format!("clip {}..{}", bound(*low, "-inf"), bound(*high, "inf"))
        }
        Transfer::Leaky { slope } => match slope.as_slice() {
            [1.0] => "linear".into(),
            [slope] => format!("leaky {slope}"),
            slopes => format!("leaky, {} slopes", slopes.len()),
        },
    }
}
