//! Test samples that many networks are evaluated on.

use std::path::Path;

use spikeconverter_data::Dataset;
use spikeconverter_graph::volume;

use crate::pairs::{Pair, Pairs};
use crate::{Error, Result, SampleFeed};

/// Samples are kept in memory when they take no more than this many bytes, and are read again for each network otherwise.
const KEPT_BYTES: u64 = 2 << 30;

/// Test samples as networks with one feed take them.
pub(super) struct TestSet<'a> {
    pub(super) feed: SampleFeed,
    data: &'a Dataset,
    shape: &'a [usize],
    batch: usize,
    kept: Vec<Pair>,
    /// Whether all are kept.
    complete: bool,
}

impl<'a> TestSet<'a> {
    /// Samples for networks of this feed and input shape, `batch` at a time.
    pub(super) fn new(feed: SampleFeed, data: &'a Dataset, shape: &'a [usize], batch: usize) -> Self {
        Self { feed, data, shape, batch, kept: Vec::new(), complete: false }
    }

    /// Shows all batches, in order. `file` names the network in errors.
    pub(super) fn each(
        &mut self,
        file: &Path,
        mut show: impl FnMut(usize, &Pair, &SampleFeed) -> Result<()>,
    ) -> Result<()> {
        if self.complete {
            return self.kept.iter().enumerate().try_for_each(|(i, pair)| show(i, pair, &self.feed));
        }
        // the trained and the spiking network's numbers
        let bytes = 8 * volume(self.shape) as u64 * self.data.len() as u64;
        let keep = bytes <= KEPT_BYTES;
        self.kept.clear();
        let mut pairs = Pairs::new(self.data, &self.feed, self.shape, self.batch)?;
        let mut i = 0;
        while let Some(pair) = pairs.next()? {
            let pair = pair.map_err(|source| Error::Engine { file: file.to_owned(), source })?;
            show(i, &pair, &self.feed)?;
            if keep {
                self.kept.push(pair);
            }
            i += 1;
        }
        self.complete = keep;
        Ok(())
    }
}
