//! The samples of a search: dealt out to its three parts, and read.

use rayon::prelude::*;
use spikeconverter_data::Dataset;
use spikeconverter_data::synthetic::split_mix;
use spikeconverter_engine::Batch;

use crate::pairs::{Pair, Pairs};
use crate::{Error, Result, SampleFeed};

/// Rows for each part of a search, in an order that makes each beginning of them a fair choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deal {
    pub(super) fit: Vec<usize>,
    pub(super) choosing: Vec<usize>,
    pub(super) confirming: Vec<usize>,
}

impl Deal {
    /// Deals `len` rows out: `fit` to fit on, `held_out` to measure on, or, where there are not as many, in this proportion.
    pub(super) fn new(len: usize, fit: usize, held_out: usize, seed: u64) -> Self {
        let wanted = fit + held_out;
        let (fit, held_out) = if wanted <= len {
            (fit, held_out)
        } else {
            let fit = (fit as u128 * len as u128 / wanted.max(1) as u128) as usize;
            (fit, len - fit)
        };
        let mut rows: Vec<usize> = (0..len).collect();
        rows.sort_by_key(|&row| split_mix(seed, row as u64));
        let choosing = fit + held_out / 2;
        Self {
            fit: rows[..fit].to_vec(),
            choosing: rows[fit..choosing].to_vec(),
            confirming: rows[choosing..fit + held_out].to_vec(),
        }
    }
}

/// Reads rows as both networks take them, `size` at a time; the last batch may be smaller. `path` names the network in errors.
pub(super) fn read(
    data: &Dataset,
    feed: &SampleFeed,
    shape: &[usize],
    rows: &[usize],
    size: usize,
    path: &std::path::Path,
) -> Result<Vec<Pair>> {
    let failed = |source| Error::Engine { file: path.to_owned(), source };
    let one = |&row: &usize| -> Result<Option<Pair>> {
        Pairs::new(&data.select(row..row + 1)?, feed, shape, 1)?.next()?.transpose().map_err(failed)
    };
    let join = |batches: Vec<&Batch>| {
        let data = batches.iter().flat_map(|batch| batch.data().iter().copied()).collect();
        Batch::new(batches.len(), shape.to_vec(), data).map_err(failed)
    };
    rows.chunks(size.max(1))
        .map(|rows| {
            let pairs: Vec<Pair> = rows.par_iter().filter_map(|row| one(row).transpose()).collect::<Result<_>>()?;
            let trained = join(pairs.iter().map(|pair| &pair.trained).collect())?;
            let raw = feed.lowest_pixel.is_some();
            let spiking = raw.then(|| join(pairs.iter().map(Pair::spiking).collect())).transpose()?;
            let labels = pairs.iter().map(|pair| pair.labels.clone()).collect::<Option<Vec<_>>>();
            Ok(Pair { trained, spiking, labels: labels.map(|labels| labels.concat()) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_is_dealt_twice() {
        for (len, fit, held_out, sizes) in [
            (1000, 100, 200, [100, 100, 100]),
            (90, 1024, 2048, [30, 30, 30]),
            (0, 4, 4, [0, 0, 0]),
            (5, 2, 4, [1, 2, 2]),
        ] {
            let deal = Deal::new(len, fit, held_out, 7);
            assert_eq!([deal.fit.len(), deal.choosing.len(), deal.confirming.len()], sizes);
            let mut all = [deal.fit.clone(), deal.choosing.clone(), deal.confirming.clone()].concat();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), sizes.iter().sum::<usize>());
            assert!(all.iter().all(|&row| row < len));
        }
        assert_ne!(Deal::new(1000, 100, 200, 0), Deal::new(1000, 100, 200, 1));
    }
}
