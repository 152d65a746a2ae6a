//! How large the sums of a layer can become, and so how their parts may be added in 32 bits.

use spikeconverter_graph::Op;
use spikeconverter_network::{NodeKind, SpikingNetwork};

use super::dense::Form;
use super::pack::Room;
use super::terms::{Planar, Terms};

/// What 32 bits with sign hold.
const MOST: i64 = i32::MAX as i64;

/// Largest magnitudes of what reaches a layer's channels.
pub(super) struct Magnitudes {
    /// For each weighted node, the codes' largest magnitude, and the weights' sum for each channel.
    weighted: Vec<(i64, Vec<i64>)>,
    /// Likewise for the shortcut, whose weights are its factors.
    skip: Option<(i64, Vec<i64>)>,
    /// Bias and map.
    constant: Vec<i64>,
}

impl Magnitudes {
    /// Of the terms of a listener, whose bias is given.
    pub(super) fn new(
        network: &SpikingNetwork,
        planar: &[Option<Planar>],
        terms: &Terms,
        bias: &[i64],
    ) -> Option<Self> {
        let channels = bias.len();
        let mut constant: Vec<i64> = bias.iter().map(|b| b.abs()).collect();
        if let Some(map) = &terms.map {
            let inner = map.len() / channels;
            for (total, map) in constant.iter_mut().zip(map.chunks_exact(inner)) {
                *total += map.iter().map(|x| x.abs()).max().unwrap_or(0);
            }
        }
        let weighted = terms.weighted.iter().map(|&id| {
            let node = network.node(id);
            let NodeKind::Synapse(op) = &node.kind else { return None };
            let weight = match op {
                Op::Conv(conv) => &conv.weight,
                Op::Linear(linear) => &linear.weight,
                _ => return None,
            };
            let rows = weight.data().chunks_exact(weight.data().len() / channels);
            let sums = rows.map(|row| row.iter().map(|w| w.abs() as i64).sum()).collect();
            Some((planar[node.inputs[0].0]?.largest, sums))
        });
        let skip = match &terms.skip {
            None => None,
            Some((id, factors)) => Some((planar[id.0]?.largest, factors.iter().map(|f| f.abs()).collect())),
        };
        Some(Self { weighted: weighted.collect::<Option<_>>()?, skip, constant })
    }

    /// The same with the weights multiplied by factors, one a channel.
    pub(super) fn scaled(mut self, factors: &[i64]) -> Self {
        for (_, sums) in &mut self.weighted {
            sums.iter_mut().zip(factors).for_each(|(sum, factor)| *sum = sum.saturating_mul(factor.abs()));
        }
        self
    }

    /// The largest magnitude of each channel's sum of constants and of `parts`, whose codes count as `most` at most.
    fn total<'a>(&self, parts: impl Iterator<Item = &'a (i64, Vec<i64>)>, most: i64) -> Vec<i64> {
        let mut totals = self.constant.clone();
        for (largest, weights) in parts {
            let codes = (*largest).min(most);
            totals
                .iter_mut()
                .zip(weights)
                .for_each(|(total, w)| *total = total.saturating_add(codes.saturating_mul(*w)));
        }
        totals
    }

    /// Whether the sums over each byte of the codes fit.
    pub(super) fn fit_bytes(&self) -> bool {
        let all = self.weighted.iter().chain(&self.skip);
        self.total(all, 255).iter().all(|&total| total <= MOST)
    }

    /// Whether the sums over whole codes fit.
    pub(super) fn fit_words(&self) -> bool {
        self.total(self.weighted.iter().chain(&self.skip), i64::MAX).iter().all(|&total| total <= MOST)
    }

    /// How sums over whole codes fit; `None` where they would have to be divided and cannot be.
    pub(super) fn words(&self) -> Option<Form> {
        if self.fit_words() {
            return Some(Form::Words(None));
        }
        let [(largest, _)] = self.weighted.as_slice() else { return None };
        let rest = self.total(self.skip.iter(), i64::MAX);
        let first =
            rest.iter().map(|rest| MOST.checked_sub(*rest).filter(|room| *room >= 0).map(|room| room / largest));
        Some(Form::Words(Some(Room { first: first.collect::<Option<_>>()?, later: MOST / largest })))
    }
}
