//! Several neurons for each activation, staggered by parts of a resolution step.
//!
//! A train of base 2 tells `2^T` values apart. `N` neurons that hear the same membrane, and whose potentials are shifted by an
//! `N`-th of a resolution step each, send
//!
//! ```text
//! 1/N Σ_j ⌊x + j/N⌋ = ⌊N·x⌋ / N        (Hermite's identity; x in resolution steps)
//! ```
//!
//! on average: together they are one neuron of `N` times the resolution, with the same range and after the same `T` steps. So
//! neurons and spikes buy what otherwise takes `log2 N` more time steps in every layer. They are ordinary populations beside
//! each other, and the mean is part of the synapses that read them.

use std::collections::BTreeMap;

use spikeconverter_engine::Batch;
use spikeconverter_graph::ops::Add;
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{NetworkBuilder, NodeKind, Population, SpikingNetwork};

use crate::calibrate::{scaled, sum};
use crate::lower::Lowered;
use crate::{ConvertError, Options, Weights};

/// Most populations for an activation.
const MOST: u32 = 8;

impl Options {
    /// Checks the number of populations for each activation.
    ///
    /// # Errors
    /// [`ConvertError::Option`] where it is out of range, or what it does not combine with is asked for.
    pub(crate) fn check_copies(&self) -> Result<(), ConvertError> {
        let refused = |reason: String| Err(ConvertError::Option { option: "--copies", reason });
        match self.copies {
            1 => Ok(()),
            copies if !(1..=MOST).contains(&copies) => {
                refused(format!("{copies} neurons for each activation; there are 1 to {MOST}"))
            }
            _ if !self.half_step => {
                refused("copies are staggered around what they round to; leave --no-half-step out".into())
            }
            _ if self.weights == Weights::I8 => {
                refused("the mean of several trains is no integer; leave --copies out or choose --weights f32".into())
            }
            _ => Ok(()),
        }
    }

    /// Refuses several neurons for an activation, for methods that have one.
    ///
    /// # Errors
    /// [`ConvertError::Option`] where there are several.
    pub(crate) fn check_no_copies(&self) -> Result<(), ConvertError> {
        if self.copies == 1 {
            return Ok(());
        }
        let reason = "is of the windows of --method spikeconverter; leave it out".to_owned();
        Err(ConvertError::Option { option: "--copies", reason })
    }
}

/// Which populations stand for the same activation.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    of: BTreeMap<NodeId, Member>,
}

/// A population among several for one activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Member {
    /// Which, from 0.
    pub(crate) index: u32,
    /// Of how many.
    pub(crate) count: u32,
    /// The first of them, which has the activation's name.
    pub(crate) first: NodeId,
    /// Where their mean is.
    pub(crate) mean: NodeId,
}

impl Member {
    /// What all copies for an activation send together, their mean, once the last has sent; `so_far` keeps what is there before.
    pub(crate) fn joined(self, sent: Batch, so_far: &mut Option<Batch>) -> Option<Batch> {
        let all = match so_far.take() {
            None => sent,
            so_far => sum(so_far, &sent),
        };
        if self.index + 1 < self.count {
            *so_far = Some(all);
            return None;
        }
        Some(scaled(&all, &[1.0 / self.count as f32]))
    }
}

impl Copies {
    /// What a population is a copy among, if it is.
    pub(crate) fn of(&self, population: NodeId) -> Option<Member> {
        self.of.get(&population).copied()
    }

    /// How many populations stand for the same activation as this one, itself included.
    pub(crate) fn count(&self, population: NodeId) -> u32 {
        self.of(population).map_or(1, |copy| copy.count)
    }

    /// Whether it is the first of those for its activation, or the only one.
    pub(crate) fn is_first(&self, population: NodeId) -> bool {
        self.of(population).is_none_or(|copy| copy.index == 0)
    }

    /// The node whose value is that of the activation: the population, or the mean of its copies.
    pub(crate) fn stands(&self, population: NodeId) -> NodeId {
        self.of(population).map_or(population, |copy| copy.mean)
    }
}

/// The network with `count` populations for each, and their mean for its readers. Populations stay alone whose trains are
/// compared spike by spike: a mean is no train.
pub(crate) fn copied(lowered: Lowered, count: u32) -> Result<Lowered, ConvertError> {
    if count <= 1 {
        return Ok(lowered);
    }
    let network = &lowered.network;
    let alone = meet_a_maximum(network);
    let source = &network.nodes()[0];
    let mut builder =
        NetworkBuilder::new(network.time_steps(), source.name.clone(), source.shape.clone(), network.encoding())?;
    // by node, the one that has its value now
    let mut values = vec![builder.input()];
    let mut targets = vec![lowered.targets[0]];
    let mut copies = Copies::default();
    for id in network.ids().skip(1) {
        let (node, target) = (network.node(id), lowered.targets[id.0]);
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| values[input.0]).collect();
        let mut add = |name: String, kind: NodeKind, inputs: &[NodeId]| {
            targets.push(target);
            builder.add(name, kind, inputs)
        };
        if !matches!(node.kind, NodeKind::Population(_)) || alone[id.0] {
            values.push(add(node.name.clone(), node.kind.clone(), &inputs)?);
            continue;
        }
        let mut populations = Vec::new();
        for index in 0..count {
            populations.push(add(copy_name(&node.name, index), node.kind.clone(), &inputs)?);
        }
        let mean = Op::Add(Add { coefficients: vec![1.0 / count as f32; count as usize] });
        let mean = add(format!("{} (mean)", node.name), NodeKind::Synapse(mean), &populations)?;
        let first = populations[0];
        let all = (0..count).zip(populations);
        copies.of.extend(all.map(|(index, population)| (population, Member { index, count, first, mean })));
        values.push(mean);
    }
    let network = builder.finish(values[network.output().0])?;
    Ok(Lowered { network, targets, roles: lowered.roles, copies })
}

/// The name of a copy of the population `name`.
fn copy_name(name: &str, index: u32) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}{COPY}{})", index + 1) }
}

/// What stands between a population's name and its number.
const COPY: &str = " (copy ";

/// The population that another is a further copy of, and their mean, in a network that was loaded: what has its name, hears the
/// same, and is read by the same mean and by nothing else.
pub(crate) fn original(network: &SpikingNetwork, consumers: &[Vec<NodeId>], copy: NodeId) -> Option<(NodeId, NodeId)> {
    let node = network.node(copy);
    let (name, number) = node.name.rsplit_once(COPY)?;
    number.strip_suffix(')')?.parse::<u32>().ok()?;
    let &[mean] = consumers[copy.0].as_slice() else { return None };
    let NodeKind::Synapse(Op::Add(Add { coefficients })) = &network.node(mean).kind else { return None };
    let share = 1.0 / coefficients.len() as f32;
    let same = |id: NodeId| {
        let first = network.node(id);
        first.name == name && first.inputs == node.inputs && consumers[id.0] == [mean]
    };
    let mut populations = network.populations().map(|(id, _)| id);
    let first = populations.find(|&id| same(id))?;
    coefficients.iter().all(|&c| c == share).then_some((first, mean))
}

/// By node, whether its trains reach a maximum of trains.
fn meet_a_maximum(network: &SpikingNetwork) -> Vec<bool> {
    let mut meet = vec![false; network.nodes().len()];
    for id in network.ids().rev() {
        let node = network.node(id);
        let passes =
            matches!(node.kind, NodeKind::MaxPool(_)) || (matches!(node.kind, NodeKind::Synapse(_)) && meet[id.0]);
        if passes {
            node.inputs.iter().for_each(|input| meet[input.0] = true);
        }
    }
    meet
}

/// Copy number `index` of `count` of a population that was fitted for all: its potentials are shifted by its part of a
/// resolution step.
pub(crate) fn staggered(fitted: &Population, copy: Member, channels: usize, steps: u32) -> Population {
    let resolution = fitted.code(steps).resolution() as f32;
    let part = offset(copy.index, copy.count);
    let initial = (0..channels).map(|c| fitted.initial(c) + part * resolution * fitted.threshold(c)).collect();
    Population { initial, ..fitted.clone() }
}

/// The shift of copy `index` of `count`, in resolution steps: around 0, since populations round.
pub(crate) fn offset(index: u32, count: u32) -> f32 {
    (index as f32 + 0.5) / count as f32 - 0.5
}

/// A population with thresholds times a factor. The shift of a copy is of the resolution step, and grows with it.
pub(crate) fn raised(population: &Population, copy: Option<Member>, factor: f32, steps: u32) -> Population {
    let mut raised = population.clone();
    raised.threshold.iter_mut().for_each(|threshold| *threshold *= factor);
    restaggered(population, raised, copy, steps)
}

/// `changed`, which was `population`, with the shift of a copy for the resolution step that it has now.
pub(crate) fn restaggered(
    population: &Population,
    mut changed: Population,
    copy: Option<Member>,
    steps: u32,
) -> Population {
    let step = |of: &Population, c: usize| of.threshold(c) * of.code(steps).resolution() as f32;
    if let Some(copy) = copy {
        for c in 0..changed.initial.len() {
            let grown = step(&changed, c) - step(population, c);
            changed.initial[c] += offset(copy.index, copy.count) * grown;
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spikeconverter_network::Transfer;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Together, copies are a neuron of so many times the resolution and the same range: Hermite's identity. Thresholds are
        /// powers of two and membranes multiples of 2^-20, so that all is exact but where halves meet.
        #[test]
        fn copies_are_a_finer_neuron(
            count in prop::sample::select(vec![1u32, 2, 4, 8]),
            steps in 1u32..=8,
            membrane in -(1i32 << 21)..(1 << 23),
            exponent in -3i32..3,
        ) {
            let v = f64::from(membrane) / f64::from(1 << 20);
            let fitted = Population { threshold: vec![2f32.powi(exponent)], ..Population::default() };
            let copy = |index| staggered(&fitted, Member { index, count, first: NodeId(0), mean: NodeId(0) }, 1, steps);
            let sent = |index| {
                let own = copy(index);
                own.decode(own.encode(v + f64::from(own.initial(0)), 0, steps), 0, steps)
            };
            let mean = (0..count).map(sent).sum::<f64>() / f64::from(count);
            let unit = f64::from(fitted.threshold(0)) * fitted.code(steps).resolution() / f64::from(count);
            let largest = f64::from(count * ((1 << steps) - 1));
            let wanted = (v / unit + 0.5).floor().clamp(0.0, largest) * unit;
            prop_assert_eq!(mean, wanted);
        }
    }

    /// Thresholds that are raised leave copies as finely staggered as copies of a population with these thresholds.
    #[test]
    fn raised_copies_stay_staggered() {
        let fitted = Population { threshold: vec![0.5, 2.0], initial: vec![0.125, -1.0], ..Population::default() };
        for index in 0..2 {
            let copy = Member { index, count: 2, first: NodeId(0), mean: NodeId(0) };
            let once = raised(&staggered(&fitted, copy, 2, 3), Some(copy), 2.0, 3);
            assert_eq!(once, staggered(&raised(&fitted, None, 2.0, 3), copy, 2, 3));
        }
    }

    /// Where negative membranes fire as well, the mean of two is as fine, and odd.
    #[test]
    fn signed_copies() {
        let fitted = Population { transfer: Transfer::linear(), ..Population::default() };
        let sent = |v: f64| -> f64 {
            let of = |index| {
                let own = staggered(&fitted, Member { index, count: 2, first: NodeId(0), mean: NodeId(0) }, 1, 2);
                own.decode(own.encode(v + f64::from(own.initial(0)), 0, 2), 0, 2)
            };
            f64::midpoint(of(0), of(1))
        };
        let found = [-0.9, -0.3, -0.1, 0.1, 0.3, 0.9].map(sent);
        assert_eq!(found, [-1.0, -0.25, 0.0, 0.0, 0.25, 1.0]);
    }
}
