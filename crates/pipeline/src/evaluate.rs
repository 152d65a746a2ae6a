//! Evaluation: trained and spiking network side by side over a data set, batch by batch.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use spikeconverter_data::{Dataset, Preprocessing};
use spikeconverter_engine::{
    ClockedEngine, Engine, EngineError, Evaluation, EvaluationReport, Evaluator, FoldedEngine, ReferenceEngine,
    StreamingEngine, UntilStable,
};
use spikeconverter_graph::Graph;
use spikeconverter_network::{Simulation, SnnFile, SpikingNetwork};

use crate::memory::peak_bytes;
use crate::model::classes;
use crate::pairs::Pairs;
use crate::stop::{NEVER, check_stop};
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// Memory that the values of a batch may take when its size is not given.
const BATCH_BYTES: u64 = 512 << 20;
/// Largest batch that is chosen when its size is not given.
const LARGEST_BATCH: u64 = 64;

/// Which engine runs the spiking network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChoice {
    /// The fastest for the network: folded for windows, clocked for streams and for windows with a delay.
    Auto,
    /// Whole windows folded into one pass; no streaming networks, and none whose populations fire before windows are over.
    Folded,
    /// Step by step; streaming networks at the cost of their spikes.
    Clocked,
    /// The literal simulation.
    Reference,
}

impl EngineChoice {
    /// The engine, ready to run this network.
    pub(crate) fn prepare(self, network: &SpikingNetwork) -> std::result::Result<Box<dyn Engine + '_>, EngineError> {
        Ok(match (self, network.simulation()) {
            (Self::Auto, _) if network.is_online() => Box::new(ClockedEngine::new(network)?),
            (Self::Auto, Simulation::Window) | (Self::Folded, _) => Box::new(FoldedEngine::new(network)?),
            (Self::Auto, Simulation::Stream) | (Self::Clocked, _) => Box::new(ClockedEngine::new(network)?),
            (Self::Reference, _) => Box::new(ReferenceEngine::new(network)),
        })
    }
}

/// Samples that are processed together when nobody says how many: as many as their values have memory for.
pub(crate) fn batch_size(ann: &Graph) -> usize {
    (BATCH_BYTES / peak_bytes(ann)).clamp(1, LARGEST_BATCH) as usize
}

/// What is to be evaluated, and how.
#[derive(Debug, Clone)]
pub struct EvaluateRequest<'a> {
    /// The converted network.
    pub file: &'a SnnFile,
    /// Its name in messages.
    pub path: &'a Path,
    /// Samples, labelled or not.
    pub data: &'a Dataset,
    /// Which engine runs the spiking network.
    pub engine: EngineChoice,
    /// Samples that are processed together; chosen by memory if not given.
    pub batch: Option<usize>,
    /// Whether samples are stopped when their class is stable; streaming networks only.
    pub until_stable: Option<UntilStable>,
    /// Set from outside to stop between two batches.
    pub stop: &'a AtomicBool,
}

impl<'a> EvaluateRequest<'a> {
    /// A request with the defaults: the engine that suits the network, a batch size chosen by memory.
    pub fn new(file: &'a SnnFile, path: &'a Path, data: &'a Dataset) -> Self {
        Self { file, path, data, engine: EngineChoice::Auto, batch: None, until_stable: None, stop: &NEVER }
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// What was counted; merges with the counts of other samples.
    pub evaluation: Evaluation,
    /// What follows from the counts.
    pub report: EvaluationReport,
    /// Whether the trained network itself is right no more often than guessing would be: samples are then not what it was
    /// trained on, mostly for want of their preprocessing.
    pub at_chance: bool,
}

/// Whether an accuracy on so many samples is within three standard errors of guessing; of a few samples it is not known.
fn at_chance(accuracy: f64, samples: u64, classes: usize) -> bool {
    let (guessed, samples) = (1.0 / classes.max(1) as f64, samples as f64);
    classes > 1
        && samples >= FEWEST_FOR_CHANCE
        && accuracy <= guessed + 3.0 * (guessed * (1.0 - guessed) / samples).sqrt()
}

/// Samples from which on guessing is told from knowing.
const FEWEST_FOR_CHANCE: f64 = 50.0;

/// Runs trained and spiking network over the data set and compares them. Memory is bounded by the batch. Without labels
/// the report says how often the two agree, and no accuracy.
///
/// # Errors
/// When the data do not suit the network, or have labels that are no class of it, or [`EvaluateRequest::stop`] was set.
pub fn evaluate(request: &EvaluateRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Evaluated> {
    evaluate_parts(request, &mut || Ok(None), progress)
}

/// The same for data that come in parts, so that no more than one of them need be in memory: the first is the request's, and
/// `more` gives those that follow.
///
/// # Errors
/// As [`evaluate`], and those of `more`.
pub fn evaluate_parts(
    request: &EvaluateRequest<'_>,
    more: &mut dyn FnMut() -> Result<Option<Dataset>>,
    progress: &mut dyn FnMut(Progress),
) -> Result<Evaluated> {
    let EvaluateRequest { file, path, .. } = request;
    let failed = |source| Error::Engine { file: path.to_path_buf(), source };
    let feed = SampleFeed::of(file, path)?;
    let network = &file.network;
    let engine: Box<dyn Engine>;
    let streaming: Box<dyn StreamingEngine>;
    let (evaluator, name) = if let Some(rule) = request.until_stable {
        streaming = match request.engine {
            _ if network.simulation() != Simulation::Stream => return Err(not_streaming(path)),
            EngineChoice::Reference => Box::new(ReferenceEngine::new(network)),
            // says that it does not run streams
            EngineChoice::Folded => return Err(FoldedEngine::new(network).map_or_else(failed, |_| not_streaming(path))),
            EngineChoice::Auto | EngineChoice::Clocked => Box::new(ClockedEngine::new(network).map_err(failed)?),
        };
        (Evaluator::until_stable(network, &file.ann, streaming.as_ref(), rule), streaming.name())
    } else {
        engine = request.engine.prepare(network).map_err(failed)?;
        (Evaluator::new(network, &file.ann, engine.as_ref()), engine.name())
    };
    let evaluator = evaluator.map_err(failed)?;
    let size = request.batch.unwrap_or_else(|| batch_size(&file.ann));
    let mut evaluation = evaluator.empty();
    let mut part = Some(request.data.clone());
    let mut total = 0;
    while let Some(data) = part {
        feed.check_pixels(&data, path)?;
        check_labels(&data, &feed.preprocessing, &file.ann, path)?;
        total += data.len();
        let mut pairs = Pairs::new(&data, &feed, file.network.input_shape(), size)?;
        while let Some(pair) = pairs.next()? {
            check_stop(request.stop)?;
            let pair = pair.map_err(failed)?;
            let counted = evaluator
                .evaluate_batch(&pair.trained, pair.spiking(), pair.labels.as_deref(), feed.preprocessing.label_offset)
                .map_err(failed)?;
            evaluation.merge(&counted).map_err(failed)?;
            progress(Progress { phase: Phase::Evaluating, done: evaluation.images as usize, total });
        }
        part = more()?;
    }
    let report = EvaluationReport::new(&file.network, &evaluation, &file.provenance.method, name);
    let at_chance = report.ann_accuracy.is_some_and(|accuracy| at_chance(accuracy, report.images, classes(&file.ann)));
    Ok(Evaluated { evaluation, report, at_chance })
}

fn not_streaming(path: &Path) -> Error {
    Error::NotStreaming { file: path.to_owned() }
}

/// Refuses labels for which the model has no output. Data without labels pass.
pub(crate) fn check_labels(data: &Dataset, preprocessing: &Preprocessing, graph: &Graph, file: &Path) -> Result<()> {
    check_classes(data, preprocessing, classes(graph), file)
}

/// The same for a number of outputs.
pub(crate) fn check_classes(data: &Dataset, preprocessing: &Preprocessing, classes: usize, file: &Path) -> Result<()> {
    let Some((smallest, largest)) = data.label_range() else { return Ok(()) };
    let offset = preprocessing.label_offset;
    let (first, last) = (0_i64.saturating_sub(offset).max(0), (classes as i64 - 1).saturating_sub(offset));
    match [smallest, largest].into_iter().find(|&label| !(first..=last).contains(&i64::from(label))) {
        None => Ok(()),
        Some(label) => Err(Error::Label {
            path: data.path().to_owned(),
            file: file.to_owned(),
            label,
            first,
            last,
            classes,
            offset,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::at_chance;

    #[test]
    fn guessing_is_told_from_knowing() {
        // ten classes: a standard error of 0.95 points on 1,000 samples
        assert!(at_chance(0.1, 1000, 10) && at_chance(0.12, 1000, 10) && !at_chance(0.14, 1000, 10));
        // of few samples, and of one class, nothing is known
        assert!(!at_chance(0.1, 20, 10) && !at_chance(1.0, 1000, 1));
        // a weak network of a thousand classes is not at chance
        assert!(at_chance(0.001, 800, 1000) && !at_chance(0.05, 800, 1000));
    }
}
