//! Conversion: from a trained network and calibration data to a spiking network that can be saved.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use serde::Serialize;
use spikeconverter_convert::{ConvertError, Findings, LayerReport, Method, Options, method, methods};
use spikeconverter_data::{Dataset, Preprocessing};
use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;
use spikeconverter_network::{CalibrationRecord, Provenance, Schedule, SnnFile, SpikingNetwork};

use crate::calibration::{choose_rows, gather};
use crate::memory::peak_bytes;
use crate::model::file_name;
use crate::stop::{NEVER, check_conversion};
use crate::{Calibration, Error, Model, Phase, Progress, Result, SampleFeed};

/// What is to be converted, and how.
#[derive(Debug, Clone)]
pub struct ConvertRequest<'a> {
    /// The trained network.
    pub model: &'a Model,
    /// Data to calibrate on.
    pub data: &'a Dataset,
    /// How the trained network wants its samples.
    pub preprocessing: Preprocessing,
    /// The method's name in the table of methods.
    pub method: String,
    /// The method's options.
    pub options: Options,
    /// Which samples to calibrate on.
    pub calibration: Calibration,
    /// Set from outside to stop between two layers.
    pub stop: &'a AtomicBool,
}

impl<'a> ConvertRequest<'a> {
    /// A request with the defaults: method `spikeconverter`, 8 time steps, up to 1024 calibration samples.
    pub fn new(model: &'a Model, data: &'a Dataset, preprocessing: Preprocessing) -> Self {
        Self {
            model,
            data,
            preprocessing,
            method: "spikeconverter".into(),
            options: Options::default(),
            calibration: Calibration::default(),
            stop: &NEVER,
        }
    }
}

/// A converted network and what was decided on the way.
#[derive(Debug, Clone)]
pub struct Converted {
    /// The network, ready to be saved.
    pub file: SnnFile,
    /// What was decided.
    pub report: ConvertReport,
}

/// What a conversion decided, and how long it took.
#[derive(Debug, Clone, Serialize)]
pub struct ConvertReport {
    /// The model's file.
    pub source: String,
    /// Its SHA-256.
    pub source_sha256: String,
    /// The method.
    pub method: String,
    /// The options it ran with.
    pub options: Options,
    /// How the network's time is organised.
    pub schedule: ScheduleSummary,
    /// What it was calibrated on.
    pub calibration: DataSummary,
    /// How samples are fed.
    pub feed: SampleFeed,
    /// What was decided for each population, in topological order.
    pub layers: Vec<LayerReport>,
    /// Neurons that fire, in all.
    pub neurons: usize,
    /// What a user should know.
    pub notes: Vec<String>,
    /// Seconds that reading and fitting took.
    pub seconds: f64,
}

/// Calibration data and how much of them was used.
#[derive(Debug, Clone, Serialize)]
pub struct DataSummary {
    /// The data set's file or folder.
    pub data: String,
    /// Samples it has (after range, split and limit).
    pub available: usize,
    /// Samples asked for.
    pub wanted: usize,
    /// Samples used.
    pub samples: usize,
    /// Seed of their choice.
    pub seed: u64,
}

/// How a spiking network's time is organised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScheduleSummary {
    /// `window`: each stage a window behind the one before; `stream`: all in every step.
    pub kind: &'static str,
    /// `T`: the window length, or the steps of a streaming simulation.
    pub time_steps: u32,
    /// The shortest window of its populations in steps, where that is shorter than `T`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_window_steps: Option<u32>,
    /// Populations on the longest path, the read-out included.
    pub stages: u32,
    /// Steps from the first input to the result.
    pub latency_steps: u32,
    /// Steps between one sample and the next.
    pub period_steps: u32,
    /// The longest delay of its populations in steps, where they fire before their windows are over; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_steps: Option<u32>,
    /// The shortest, where they differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least_delay_steps: Option<u32>,
}

impl ScheduleSummary {
    /// The schedule of a network.
    pub fn of(network: &SpikingNetwork) -> Self {
        let schedule = Schedule::new(network);
        Self {
            kind: network.simulation().name(),
            time_steps: network.time_steps(),
            least_window_steps: network.shorter_window(),
            stages: schedule.stages,
            latency_steps: schedule.latency_steps,
            period_steps: schedule.period,
            delay_steps: network.is_online().then(|| network.most_delay()),
            least_delay_steps: network.differing_delay(),
        }
    }
}

/// Calibration samples, read once, and the trained network as it takes them.
pub(crate) struct Prepared {
    pub(crate) feed: SampleFeed,
    graph: Graph,
    pub(crate) samples: Batch,
}

impl Prepared {
    /// Reads the calibration samples of a request. What cannot be converted by any method is said before.
    pub(crate) fn new(request: &ConvertRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Self> {
        let ConvertRequest { data, calibration, .. } = request;
        Self::with(request, progress, |graph| {
            choose_rows(data.len(), calibration.count(data.len(), peak_bytes(graph)), calibration.seed)
        })
    }

    /// The same with these rows.
    pub(crate) fn of_rows(
        request: &ConvertRequest<'_>,
        rows: &[usize],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self> {
        Self::with(request, progress, |_| rows.to_vec())
    }

    fn with(
        request: &ConvertRequest<'_>,
        progress: &mut dyn FnMut(Progress),
        rows: impl FnOnce(&Graph) -> Vec<usize>,
    ) -> Result<Self> {
        let ConvertRequest { model, data, options, .. } = request;
        spikeconverter_convert::check(model.graph())
            .and_then(Findings::placements)
            .map_err(|source| refused(model, source))?;
        let feed = SampleFeed::new(&request.preprocessing, model, data, options.encoding)?;
        let graph = feed.spiking_graph(model.graph(), model.path())?;
        let samples = gather(data, &feed, model.input_shape(), &rows(&graph), request.stop, progress)?;
        Ok(Self { feed, graph, samples })
    }

    /// The same with the first `count` samples.
    pub(crate) fn first(&self, count: usize) -> Self {
        Self { feed: self.feed.clone(), graph: self.graph.clone(), samples: self.samples.first(count) }
    }
}

/// Converts a trained network.
///
/// # Errors
/// When the method does not exist, an option is out of range, the data do not suit the model, or the model does not
/// convert, or [`ConvertRequest::stop`] was set.
pub fn convert(request: &ConvertRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Converted> {
    let started = Instant::now();
    known_method(&request.method)?;
    request.options.check().map_err(|source| refused(request.model, source))?;
    let prepared = Prepared::new(request, progress)?;
    let mut converted = convert_prepared(request, &prepared, progress)?;
    converted.report.seconds = started.elapsed().as_secs_f64();
    Ok(converted)
}

/// Converts on samples that were read before, for this model, data, preprocessing, encoding and choice of samples.
pub(crate) fn convert_prepared(
    request: &ConvertRequest<'_>,
    prepared: &Prepared,
    progress: &mut dyn FnMut(Progress),
) -> Result<Converted> {
    let started = Instant::now();
    let ConvertRequest { model, data, calibration, options, .. } = request;
    let method = known_method(&request.method)?;
    let conversion = method
        .convert(&prepared.graph, &prepared.samples, options, &mut |done, total| {
            progress(Progress { phase: Phase::Fitting, done, total });
            check_conversion(request.stop)
        })
        .map_err(|source| refused(model, source))?;

    let available = data.len();
    let summary = DataSummary {
        data: data.path().display().to_string(),
        available,
        wanted: calibration.samples,
        samples: conversion.samples,
        seed: calibration.seed,
    };
    let mut record = method.info().record(options);
    record.insert("seed".into(), calibration.seed.to_string());
    let provenance = Provenance {
        program: env!("CARGO_PKG_VERSION").into(),
        source: model.name(),
        source_sha256: model.sha256().into(),
        method: request.method.clone(),
        options: record,
        calibration: CalibrationRecord { data: name_of(data.path()), samples: conversion.samples },
    };
    let report = ConvertReport {
        source: model.path().display().to_string(),
        source_sha256: model.sha256().into(),
        method: request.method.clone(),
        options: options.clone(),
        schedule: ScheduleSummary::of(&conversion.network),
        notes: notes(&summary, calibration, data.is_synthetic()),
        calibration: summary,
        feed: prepared.feed.clone(),
        neurons: conversion.layers.iter().map(|layer| layer.neurons).sum(),
        layers: conversion.layers,
        seconds: started.elapsed().as_secs_f64(),
    };
    let file = SnnFile {
        network: conversion.network,
        ann: model.graph().clone(),
        preprocessing: prepared.feed.to_json(),
        provenance,
    };
    Ok(Converted { file, report })
}

/// The method of this name in the table.
pub(crate) fn known_method(name: &str) -> Result<&'static dyn Method> {
    method(name).ok_or_else(|| Error::Method {
        name: name.into(),
        known: methods().iter().map(|m| m.info().name).collect::<Vec<_>>().join(", "),
    })
}

fn refused(model: &Model, source: ConvertError) -> Error {
    match source {
        ConvertError::Stopped => Error::Stopped,
        source => Error::Convert { file: model.path().to_owned(), source: Box::new(source) },
    }
}

/// The last part of a path that says something; `.` and `..` do not.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |_| file_name(path))
}

fn notes(used: &DataSummary, calibration: &Calibration, synthetic: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if synthetic {
        notes.push(
            "no data were given: calibrated on made-up 8-bit images of overlapping discs; what that loses only an evaluation \
             on real samples tells, and some dozens of these without labels, given with --data, lose less"
                .into(),
        );
    }
    if used.samples < used.wanted && used.samples == used.available {
        notes.push(format!(
            "calibrated on all {} samples there are, fewer than the {} asked for",
            used.samples, used.wanted
        ));
    } else if used.samples < used.wanted {
        notes.push(format!(
            "calibrated on {} samples instead of {}, so that their values fit into {:.1} GiB of memory",
            used.samples,
            used.wanted.min(used.available),
            calibration.memory as f64 / f64::from(1 << 30)
        ));
    }
    notes
}
