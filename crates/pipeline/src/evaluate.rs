//! Evaluation: trained and spiking network side by side over a data set, batch by batch.

use std::path::Path;

use serde::Serialize;
use spikeconverter_data::{Batches, Dataset, Preprocessing, Stage};
use spikeconverter_engine::{
    Batch, ClockedEngine, Engine, EngineError, Evaluation, EvaluationReport, Evaluator, FoldedEngine, ReferenceEngine,
};
use spikeconverter_graph::Graph;
use spikeconverter_network::{Simulation, SnnFile};

use crate::memory::peak_bytes;
use crate::model::classes;
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// Memory that the values of a batch may take when its size is not given.
const BATCH_BYTES: u64 = 512 << 20;
/// Largest batch that is chosen when its size is not given.
const LARGEST_BATCH: u64 = 64;

/// Which engine runs the spiking network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EngineChoice {
    /// The fastest for the network: folded for windows, clocked for streams.
    Auto,
    /// Whole windows folded into one pass; no streaming networks.
    Folded,
    /// Step by step, driven by spikes; streaming networks only.
    Clocked,
    /// The literal simulation.
    Reference,
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
}

impl<'a> EvaluateRequest<'a> {
    /// A request with the defaults: the engine that suits the network, a batch size chosen by memory.
    pub fn new(file: &'a SnnFile, path: &'a Path, data: &'a Dataset) -> Self {
        Self { file, path, data, engine: EngineChoice::Auto, batch: None }
    }
}

/// A batch as both networks take it.
struct Pair {
    trained: Batch,
    spiking: Batch,
    labels: Option<Vec<u32>>,
}

/// The data set as both networks take it.
struct Pairs<'a> {
    feed: &'a SampleFeed,
    shape: &'a [usize],
    normalised: Batches,
    /// Where the spiking network takes other numbers than the trained one.
    raw: Option<Batches>,
}

impl<'a> Pairs<'a> {
    fn new(data: &Dataset, feed: &'a SampleFeed, shape: &'a [usize], size: usize) -> Result<Self> {
        let open = |stage| data.batches(&feed.preprocessing, shape, size, stage);
        let normalised = open(Stage::Normalised)?;
        let raw = (feed.stage() != Stage::Normalised).then(|| open(feed.stage())).transpose()?;
        Ok(Self { feed, shape, normalised, raw })
    }

    fn next(&mut self) -> Result<Option<std::result::Result<Pair, EngineError>>> {
        let Some(batch) = self.normalised.next().transpose()? else { return Ok(None) };
        let (count, labels) = (batch.count, batch.labels);
        let raw = match &mut self.raw {
            Some(raw) => raw.next().transpose()?.map(|batch| batch.inputs),
            None => None,
        };
        let pair = || {
            let trained = Batch::new(count, self.shape.to_vec(), batch.inputs)?;
            let spiking = match raw {
                Some(raw) => self.feed.spiking_input(count, self.shape, raw)?,
                None => trained.clone(),
            };
            Ok(Pair { trained, spiking, labels })
        };
        Ok(Some(pair()))
    }
}

/// The result of an evaluation.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// What was counted; merges with the counts of other samples.
    pub evaluation: Evaluation,
    /// What follows from the counts.
    pub report: EvaluationReport,
}

/// Runs trained and spiking network over the data set and compares them. Memory is bounded by the batch. Without labels
/// the report says how often the two agree, and no accuracy.
///
/// # Errors
/// When the data do not suit the network, or have labels that are no class of it.
pub fn evaluate(request: &EvaluateRequest<'_>, progress: &mut dyn FnMut(Progress)) -> Result<Evaluated> {
    let EvaluateRequest { file, path, data, .. } = request;
    let failed = |source| Error::Engine { file: path.to_path_buf(), source };
    let feed = SampleFeed::of(file, path)?;
    feed.check_pixels(data, path)?;
    check_labels(data, &feed.preprocessing, &file.ann, path)?;
    let choice = match (request.engine, file.network.simulation()) {
        (EngineChoice::Auto, Simulation::Window) => EngineChoice::Folded,
        (EngineChoice::Auto, Simulation::Stream) => EngineChoice::Clocked,
        (chosen, _) => chosen,
    };
    let engine: Box<dyn Engine> = match choice {
        EngineChoice::Auto | EngineChoice::Folded => Box::new(FoldedEngine::new(&file.network).map_err(failed)?),
        EngineChoice::Clocked => Box::new(ClockedEngine::new(&file.network).map_err(failed)?),
        EngineChoice::Reference => Box::new(ReferenceEngine::new(&file.network)),
    };
    let evaluator = Evaluator::new(&file.network, &file.ann, engine.as_ref()).map_err(failed)?;
    let size = request.batch.unwrap_or_else(|| {
        let room = BATCH_BYTES / peak_bytes(&file.ann);
        room.clamp(1, LARGEST_BATCH) as usize
    });
    let mut pairs = Pairs::new(data, &feed, file.network.input_shape(), size)?;
    let mut evaluation = evaluator.empty();
    while let Some(pair) = pairs.next()? {
        let pair = pair.map_err(failed)?;
        let counted = evaluator
            .evaluate_batch(&pair.trained, &pair.spiking, pair.labels.as_deref(), feed.preprocessing.label_offset)
            .map_err(failed)?;
        evaluation.merge(&counted).map_err(failed)?;
        let done = evaluation.images as usize;
        progress(Progress { phase: Phase::Evaluating, done, total: data.len() });
    }
    let report = EvaluationReport::new(&file.network, &evaluation, &file.provenance.method, engine.name());
    Ok(Evaluated { evaluation, report })
}

/// Refuses labels for which the model has no output. Data without labels pass.
pub(crate) fn check_labels(data: &Dataset, preprocessing: &Preprocessing, graph: &Graph, file: &Path) -> Result<()> {
    let Some((smallest, largest)) = data.label_range() else { return Ok(()) };
    let classes = classes(graph);
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
