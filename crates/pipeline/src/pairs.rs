//! Samples as the trained and the spiking network take them.

use spikeconverter_data::{Batches, Dataset, Stage};
use spikeconverter_engine::{Batch, EngineError};

use crate::{Result, SampleFeed};

/// A batch as both networks take it.
pub(crate) struct Pair {
    pub(crate) trained: Batch,
    /// Where the spiking network takes other numbers than the trained one.
    pub(crate) spiking: Option<Batch>,
    pub(crate) labels: Option<Vec<u32>>,
}

impl Pair {
    /// The batch as the spiking network takes it.
    pub(crate) fn spiking(&self) -> &Batch {
        self.spiking.as_ref().unwrap_or(&self.trained)
    }
}

/// The data set as both networks take it.
pub(crate) struct Pairs<'a> {
    feed: &'a SampleFeed,
    shape: &'a [usize],
    normalised: Batches,
    /// Where the spiking network takes other numbers than the trained one.
    raw: Option<Batches>,
}

impl<'a> Pairs<'a> {
    pub(crate) fn new(data: &Dataset, feed: &'a SampleFeed, shape: &'a [usize], size: usize) -> Result<Self> {
        let open = |stage| data.batches(&feed.preprocessing, shape, size, stage);
        let normalised = open(Stage::Normalised)?;
        let raw = (feed.stage() != Stage::Normalised).then(|| open(feed.stage())).transpose()?;
        Ok(Self { feed, shape, normalised, raw })
    }

    /// The next batch, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<std::result::Result<Pair, EngineError>>> {
        let Some(batch) = self.normalised.next().transpose()? else { return Ok(None) };
        let (count, labels) = (batch.count, batch.labels);
        let raw = match &mut self.raw {
            Some(raw) => raw.next().transpose()?.map(|batch| batch.inputs),
            None => None,
        };
        let pair = || {
            let trained = Batch::new(count, self.shape.to_vec(), batch.inputs)?;
            let spiking = raw.map(|raw| self.feed.spiking_input(count, self.shape, raw)).transpose()?;
            Ok(Pair { trained, spiking, labels })
        };
        Ok(Some(pair()))
    }
}
