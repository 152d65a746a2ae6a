//! What the spikes of a node's trains weigh. A maximum of trains compares them spike by spike, which is the order of their
//! values only among trains of one code and threshold.

use std::collections::BTreeMap;

use spikeconverter_graph::{NodeId, Op};

use crate::{Encoding, Node, NodeKind};

/// Runs of channels (entries of the first axis) that are kept apart; beyond any network this is for, and a bound for
/// hostile files.
const MOST_RUNS: usize = 1 << 16;

/// Base, window length and threshold of the trains of a channel, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weight {
    /// All trains of the channel weigh alike.
    One(u32, u32, u32),
    /// No spikes at all: padding.
    Silent,
    /// Trains of different weights.
    Mixed,
}

impl Weight {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Silent, weight) | (weight, Self::Silent) => weight,
            (a, b) if a == b => a,
            _ => Self::Mixed,
        }
    }
}

/// Neighbouring channels of one weight: how many, and which.
type Runs = Vec<(usize, Weight)>;

/// Whether within each channel of `id`, a node whose readers receive trains, all trains have one code and threshold.
pub(crate) fn are_comparable(nodes: &[Node], id: NodeId, steps: u32) -> bool {
    runs(nodes, id, steps).is_some_and(|runs| runs.iter().all(|(_, weight)| *weight != Weight::Mixed))
}

/// Whether all trains of a node whose readers receive trains have one of these bases.
pub(crate) fn have_base(nodes: &[Node], id: NodeId, steps: u32, bases: &[f32]) -> bool {
    let fits = |weight: Weight| match weight {
        Weight::One(base, ..) => bases.iter().any(|wanted| wanted.to_bits() == base),
        // trains that cannot be compared are another complaint
        Weight::Silent | Weight::Mixed => true,
    };
    runs(nodes, id, steps).is_none_or(|runs| runs.iter().all(|(_, weight)| fits(*weight)))
}

/// What trains of a node weigh, if that is known.
fn runs(nodes: &[Node], id: NodeId, steps: u32) -> Option<Runs> {
    // only what `id` reads through routing alone
    let mut read = vec![false; id.0 + 1];
    read[id.0] = true;
    for i in (0..=id.0).rev() {
        if read[i] && matches!(nodes[i].kind, NodeKind::Synapse(_) | NodeKind::MaxPool(_)) {
            nodes[i].inputs.iter().for_each(|input| read[input.0] = true);
        }
    }
    let mut known: BTreeMap<usize, Runs> = BTreeMap::new();
    for i in (0..=id.0).filter(|&i| read[i]) {
        match weights(nodes, i, steps, &known) {
            Some(runs) if runs.len() <= MOST_RUNS => known.insert(i, runs),
            _ => return None,
        };
    }
    known.remove(&id.0)
}

fn weights(nodes: &[Node], id: usize, steps: u32, known: &BTreeMap<usize, Runs>) -> Option<Runs> {
    let node = &nodes[id];
    let channels = |id: usize| nodes[id].shape.first().copied().unwrap_or(1);
    let input = || node.inputs.first().and_then(|i| Some((i.0, known.get(&i.0)?)));
    Some(match &node.kind {
        NodeKind::Input(Encoding::Pixels) => {
            let weight = Weight::One(2f32.to_bits(), Encoding::PIXEL_STEPS, Encoding::PIXEL_THRESHOLD.to_bits());
            vec![(channels(id), weight)]
        }
        NodeKind::Population(p) => {
            let weight = |amplitude: f32| Weight::One(p.base.to_bits(), p.window(steps), amplitude.to_bits());
            match (p.amplitude, p.threshold.as_slice()) {
                (Some(only), _) => vec![(channels(id), weight(only))],
                (None, [only]) => vec![(channels(id), weight(*only))],
                (None, each) => merged(each.iter().map(|&threshold| (1, weight(threshold)))),
            }
        }
        NodeKind::MaxPool(_) => input()?.1.clone(),
        NodeKind::Synapse(Op::Concat(concat)) => {
            let mut inputs = node.inputs.iter().map(|i| known.get(&i.0));
            if concat.axis == 0 {
                let inputs = inputs.collect::<Option<Vec<_>>>()?;
                merged(inputs.into_iter().flatten().copied())
            } else {
                let first = inputs.next()??.clone();
                inputs.try_fold(first, |all, next| Some(overlaid(&all, next?)))?
            }
        }
        NodeKind::Synapse(Op::Pad(pad)) => {
            let (_, runs) = input()?;
            let silent = |list: &[usize]| (list.first().copied().unwrap_or(0), Weight::Silent);
            let (before, after) = (silent(&pad.before), silent(&pad.after));
            merged([before].into_iter().chain(runs.iter().copied()).chain([after]))
        }
        NodeKind::Synapse(Op::Select(select)) => match select.maps.first() {
            Some(Some(map)) => {
                let (_, runs) = input()?;
                merged(map.iter().map(|&channel| (1, of_channel(runs, channel))))
            }
            _ => input()?.1.clone(),
        },
        NodeKind::Synapse(op) => {
            let (from, runs) = input()?;
            let keeps = match op {
                Op::Transpose(transpose) => transpose.perm.first() == Some(&0),
                _ => channels(from) == channels(id),
            };
            if keeps {
                runs.clone()
            } else {
                // channels are divided or mixed: only what all of them have in common is known
                let all = runs.iter().fold(Weight::Silent, |all, (_, weight)| all.with(*weight));
                vec![(channels(id), all)]
            }
        }
        NodeKind::Streaming(_)
        | NodeKind::StreamingPool(_)
        | NodeKind::Input(_)
        | NodeKind::Readout(_)
        | NodeKind::Head(_) => return None,
    })
}

fn of_channel(runs: &Runs, channel: usize) -> Weight {
    let mut end = 0;
    let run = runs.iter().find(|(length, _)| {
        end += length;
        channel < end
    });
    run.map_or(Weight::Mixed, |(_, weight)| *weight)
}

/// The same channels with neighbours of one weight joined.
fn merged(runs: impl Iterator<Item = (usize, Weight)>) -> Runs {
    let mut result = Runs::new();
    for (length, weight) in runs.filter(|(length, _)| *length > 0) {
        match result.last_mut() {
            Some((total, last)) if *last == weight => *total += length,
            _ => result.push((length, weight)),
        }
    }
    result
}

/// Two lists of as many channels, each channel holding the trains of both.
fn overlaid(a: &Runs, b: &Runs) -> Runs {
    let (mut a, mut b) = (a.iter().copied(), b.iter().copied());
    let (mut left, mut right) = (a.next(), b.next());
    let mut runs = Vec::new();
    while let (Some((m, x)), Some((n, y))) = (left, right) {
        let length = m.min(n);
        runs.push((length, x.with(y)));
        left = if m > length { Some((m - length, x)) } else { a.next() };
        right = if n > length { Some((n - length, y)) } else { b.next() };
    }
    merged(runs.into_iter())
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Concat, MaxPool, Reshape, Transpose, Window};

    use crate::{Encoding, NetworkBuilder, NodeKind, Population};
    use spikeconverter_graph::{NodeId, Op};

    fn population(base: f32, threshold: &[f32]) -> NodeKind {
        NodeKind::Population(Population {
            base,
            threshold: threshold.to_vec(),
            half_step: false,
            ..Population::default()
        })
    }

    fn accepts(build: impl Fn(&mut NetworkBuilder) -> NodeId) -> bool {
        let mut b = NetworkBuilder::new(4, "x", vec![2, 2], Encoding::Analog).unwrap();
        let trains = build(&mut b);
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        b.add("gate", NodeKind::MaxPool(pool), &[trains]).is_ok()
    }

    #[test]
    fn channels_may_differ() {
        assert!(accepts(|b| b.add("p", population(2.0, &[1.0, 2.0]), &[b.input()]).unwrap()));
        assert!(accepts(|b| {
            let p = b.add("p", population(2.0, &[1.0]), &[b.input()]).unwrap();
            let q = b.add("q", population(1.5, &[1.0, 2.0]), &[b.input()]).unwrap();
            b.add("both", NodeKind::Synapse(Op::Concat(Concat { axis: 0 })), &[p, q]).unwrap()
        }));
    }

    #[test]
    fn online_maxima_are_of_binary_trains() {
        for (base, delay, fits) in [(2.0, 1, true), (1.5, 1, false), (1.5, 4, true)] {
            let mut b =
                NetworkBuilder::new(4, "x", vec![2, 2], Encoding::Analog).unwrap().delayed(Some(delay)).unwrap();
            let p = b.add("p", population(base, &[1.0, 2.0]), &[b.input()]).unwrap();
            let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
            assert_eq!(b.add("gate", NodeKind::MaxPool(pool), &[p]).is_ok(), fits);
        }
    }

    #[test]
    fn a_channel_may_not() {
        for (thresholds, fits) in [([1.0, 2.0], false), ([1.0, 1.0], true)] {
            let turned = accepts(|b| {
                let p = b.add("p", population(2.0, &thresholds), &[b.input()]).unwrap();
                b.add("turn", NodeKind::Synapse(Op::Transpose(Transpose { perm: vec![1, 0] })), &[p]).unwrap()
            });
            let flat = accepts(|b| {
                let p = b.add("p", population(2.0, &thresholds), &[b.input()]).unwrap();
                b.add("flat", NodeKind::Synapse(Op::Reshape(Reshape { shape: vec![1, 4] })), &[p]).unwrap()
            });
            let beside = accepts(|b| {
                let p = b.add("p", population(2.0, &[1.0]), &[b.input()]).unwrap();
                let q = b.add("q", population(2.0, &thresholds), &[b.input()]).unwrap();
                b.add("both", NodeKind::Synapse(Op::Concat(Concat { axis: 1 })), &[p, q]).unwrap()
            });
            assert_eq!([turned, flat, beside], [fits; 3]);
        }
    }
}
