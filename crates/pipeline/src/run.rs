//! A converted network, run on samples: its results, and what its neurons did.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use self_cell::self_cell;
use spikeconverter_data::Dataset;
use spikeconverter_engine::evaluation::network_classes;
use spikeconverter_engine::{Batch, Engine, EngineError};
use spikeconverter_network::{SnnFile, SpikingNetwork};

use crate::evaluate::batch_size;
use crate::recording::Recorder;
use crate::stop::check_stop;
use crate::{EngineChoice, Error, Phase, Progress, RecordRequest, Recording, Result, SampleFeed};

/// An engine, ready to run a network.
type Ready<'a> = Box<dyn Engine + 'a>;

self_cell!(
    /// A network and the engine that was prepared for it.
    struct Prepared {
        owner: Arc<SnnFile>,
        #[covariant]
        dependent: Ready,
    }
);

/// A converted network, ready to run again and again: its engine is prepared once.
pub struct Runner {
    prepared: Prepared,
    path: PathBuf,
    feed: SampleFeed,
    choice: EngineChoice,
    batch: usize,
}

impl Runner {
    /// Prepares a network; `path` names it in messages.
    ///
    /// # Errors
    /// When the engine does not run such networks, or the file does not say how samples are fed.
    pub fn new(file: Arc<SnnFile>, path: &Path, engine: EngineChoice) -> Result<Self> {
        let feed = SampleFeed::of(&file, path)?;
        let batch = batch_size(&file.ann);
        let prepared = Prepared::try_new(file, |file| engine.prepare(&file.network))
            .map_err(|source| Error::Engine { file: path.to_owned(), source })?;
        Ok(Self { prepared, path: path.to_owned(), feed, choice: engine, batch })
    }

    fn network(&self) -> &SpikingNetwork {
        &self.prepared.borrow_owner().network
    }

    /// Runs the samples; the result for each.
    ///
    /// # Errors
    /// When the data do not suit the network, or `stop` was set.
    pub fn run(&self, data: &Dataset, stop: &AtomicBool, progress: &mut dyn FnMut(Progress)) -> Result<Batch> {
        let engine = self.prepared.borrow_dependent();
        self.each(data, stop, progress, &mut |batch, _| engine.infer(batch))
    }

    /// Runs the samples and records what neurons did in each step.
    ///
    /// Spikes of windows are those of the engine that was chosen. Membranes of windows are recorded by the reference engine,
    /// which takes each step by itself and its time; streaming networks are recorded by the clocked engine unless it is the
    /// reference that was chosen.
    ///
    /// # Errors
    /// As [`run`](Self::run), and when there is no such layer or the record would not fit into memory.
    pub fn record(
        &self,
        data: &Dataset,
        request: &RecordRequest,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Recording> {
        let engine = self.prepared.borrow_dependent().as_ref();
        let mut recorder = Recorder::new(self.network(), &self.path, engine, self.choice, request, data.len())?;
        let results = self.each(data, stop, progress, &mut |batch, first| recorder.run(batch, first))?;
        Ok(recorder.finish(results))
    }

    /// The labels that results stand for: the class of the largest value less the label offset of the preprocessing; `None`
    /// where no value is a number.
    pub fn labels(&self, results: &Batch) -> Vec<Option<i64>> {
        let offset = self.feed.preprocessing.label_offset;
        network_classes(self.network(), results).into_iter().map(|class| class.map(|class| class - offset)).collect()
    }

    /// Gives the samples to `run`, a batch at a time, with the number of the batch's first sample; all results together.
    fn each(
        &self,
        data: &Dataset,
        stop: &AtomicBool,
        progress: &mut dyn FnMut(Progress),
        run: &mut dyn FnMut(&Batch, usize) -> std::result::Result<Batch, EngineError>,
    ) -> Result<Batch> {
        let failed = |source| Error::Engine { file: self.path.clone(), source };
        self.feed.check_pixels(data, &self.path)?;
        let shape = self.network().input_shape();
        let mut results = Vec::new();
        let mut done = 0;
        for batch in data.batches(&self.feed.preprocessing, shape, self.batch, self.feed.stage())? {
            check_stop(stop)?;
            let batch = batch?;
            let samples = self.feed.spiking_input(batch.count, shape, batch.inputs).map_err(failed)?;
            results.extend(run(&samples, done).map_err(failed)?.into_data());
            done += batch.count;
            progress(Progress { phase: Phase::Running, done, total: data.len() });
        }
        let shape = self.network().node(self.network().output()).shape.clone();
        Batch::new(done, shape, results).map_err(failed)
    }
}
