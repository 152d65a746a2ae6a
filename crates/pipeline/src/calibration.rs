//! The samples that a conversion is calibrated on.

use std::sync::atomic::AtomicBool;

use rayon::prelude::*;
use spikeconverter_data::Dataset;
use spikeconverter_data::synthetic::split_mix;
use spikeconverter_engine::Batch;

use crate::stop::check_stop;
use crate::{Error, Phase, Progress, Result, SampleFeed};

/// How many calibration samples are taken, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calibration {
    /// At most this many.
    pub samples: usize,
    /// Fewer when their values would take more than this many bytes.
    pub memory: u64,
    /// Seed of the choice.
    pub seed: u64,
}

impl Default for Calibration {
    /// 1024 samples, fewer beyond 4 GiB, seed 0.
    fn default() -> Self {
        Self { samples: 1024, memory: 4 << 30, seed: 0 }
    }
}

impl Calibration {
    /// How many samples to take of `available`, when each takes `bytes`; at least one if one is wanted.
    pub(crate) fn count(&self, available: usize, bytes: u64) -> usize {
        let room = usize::try_from(self.memory / bytes.max(1)).unwrap_or(usize::MAX);
        self.samples.min(available).min(room.max(1))
    }
}

/// `count` of `len` rows, ascending: one from each of `count` equal stretches, at a place that the seed decides, so
/// that neither sorted labels nor labels in turn bias the choice.
pub(crate) fn choose_rows(len: usize, count: usize, seed: u64) -> Vec<usize> {
    let count = count.min(len);
    let bound = |i: usize| (i as u128 * len as u128 / count.max(1) as u128) as usize;
    (0..count)
        .map(|i| {
            let (start, end) = (bound(i), bound(i + 1));
            start + (split_mix(seed, i as u64) % (end - start).max(1) as u64) as usize
        })
        .collect()
}

/// Reads the chosen rows, as the spiking network takes them.
pub(crate) fn gather(
    data: &Dataset,
    feed: &SampleFeed,
    shape: &[usize],
    rows: &[usize],
    stop: &AtomicBool,
    progress: &mut dyn FnMut(Progress),
) -> Result<Batch> {
    let mut inputs = Vec::new();
    // in stretches, so that progress can be told
    for stretch in rows.chunks(64) {
        check_stop(stop)?;
        let read = |&row: &usize| -> Result<Vec<f32>> {
            let one = data.select(row..row + 1)?;
            let mut batches = one.batches(&feed.preprocessing, shape, 1, feed.stage())?;
            Ok(batches.next().transpose()?.map(|batch| batch.inputs).unwrap_or_default())
        };
        for sample in stretch.par_iter().map(read).collect::<Result<Vec<_>>>()? {
            inputs.extend(sample);
        }
        let done = inputs.len() / shape.iter().product::<usize>().max(1);
        progress(Progress { phase: Phase::Reading, done, total: rows.len() });
    }
    feed.spiking_input(rows.len(), shape, inputs)
        .map_err(|source| Error::Engine { file: data.path().to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distinct_ascending_and_spread() {
        for (len, count) in [(20_000, 1000), (10, 10), (7, 3), (5, 9), (1, 1)] {
            let rows = choose_rows(len, count, 3);
            assert_eq!(rows.len(), count.min(len));
            assert!(rows.is_sorted_by(|a, b| a < b) && rows.iter().all(|&row| row < len));
        }
        // labels in turn: all ten come up
        let mut classes: Vec<usize> = choose_rows(20_000, 1000, 0).into_iter().map(|row| row % 10).collect();
        classes.sort_unstable();
        classes.dedup();
        assert_eq!(classes.len(), 10);
        assert_ne!(choose_rows(1000, 10, 0), choose_rows(1000, 10, 1));
    }

    #[test]
    fn memory_bounds_the_count() {
        let calibration = Calibration { samples: 100, memory: 1000, seed: 0 };
        assert_eq!(calibration.count(1000, 50), 20);
        assert_eq!(calibration.count(1000, 1), 100);
        assert_eq!(calibration.count(30, 1), 30);
        assert_eq!(calibration.count(30, 10_000), 1);
    }
}
