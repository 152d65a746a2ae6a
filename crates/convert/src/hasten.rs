//! Layers that take a step less than others, where that costs least.
//!
//! A step that a layer fires earlier, or that its window is shorter, is a step of latency, and costs accuracy. Layers differ in how
//! much that is, so that a network may have a latency that no setting of all of them gives. Which layers: the one
//! whose change leaves the least error in the result, then the next. An error that was found before another layer changed is
//! looked at as the least that it can be now, so that only layers at the head of the order are tried anew (lazy greedy
//! selection, Minoux 1978). What turns out to have won no latency, off the longest path, is taken back in the end.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, Population, Schedule, SpikingNetwork};

use crate::ConvertError;
use crate::copies::{Copies, Member};
use crate::trial::Trial;

/// How a population takes a step less.
pub(crate) trait Way {
    /// Factors of its thresholds that are tried with it.
    fn factors(&self) -> &[f32];

    /// Whether there is a step to take less.
    fn is_open(&self, population: &Population) -> bool;

    /// The population that takes a step less, with thresholds times `factor`.
    fn changed(&self, population: &Population, copy: Option<Member>, factor: f32) -> Population;
}

/// An activation whose populations might take a step less.
struct Candidate {
    populations: Vec<NodeId>,
    /// Square error of the results if they did, as far as is known, and the factor of thresholds that it takes.
    error: f64,
    factor: f32,
    /// Whether that was found with all that was chosen so far.
    known: bool,
}

/// A change that was made: what the populations were before.
type Change = Vec<(NodeId, Population)>;

/// The network with as many layers that take a step less, or several, as it takes to have the result after `most` steps. `progress`
/// is told after each trial with `false`, and once for each population, tried for the first time or not at all, with `true`.
pub(crate) fn hasten(
    network: SpikingNetwork,
    copies: &Copies,
    way: &dyn Way,
    trial: &Trial<'_>,
    most: u32,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<SpikingNetwork, ConvertError> {
    let mut network = network;
    let mut candidates = Vec::new();
    for populations in activations(&network, copies) {
        let (error, factor) = if latency(&network) > most && is_open(&network, way, populations[0]) {
            least_error(&network, (copies, way), &populations, trial, progress)?
        } else {
            (f64::INFINITY, 1.0)
        };
        for _ in &populations {
            progress(true)?;
        }
        candidates.push(Candidate { populations, error, factor, known: true });
    }
    let mut changes: Vec<Change> = Vec::new();
    while latency(&network) > most {
        // the least is last
        candidates.sort_by(|a, b| b.error.total_cmp(&a.error));
        let Some(mut candidate) = candidates.pop() else {
            let reason =
                format!("no layer has another step to lose, and its result comes after more than {most} steps");
            return Err(ConvertError::Network(reason));
        };
        if !is_open(&network, way, candidate.populations[0]) {
            continue;
        }
        if !candidate.known {
            (candidate.error, candidate.factor) =
                least_error(&network, (copies, way), &candidate.populations, trial, progress)?;
            candidate.known = true;
            if candidates.last().is_some_and(|next| next.error.total_cmp(&candidate.error).is_lt()) {
                candidates.push(candidate);
                continue;
            }
        }
        if candidate.error == f64::INFINITY {
            continue;
        }
        changes.push(
            candidate.populations.iter().filter_map(|&id| Some((id, population(&network, id)?.clone()))).collect(),
        );
        network = changed(&network, (copies, way), &candidate.populations, candidate.factor)?;
        // it may have more steps to give
        candidates.push(candidate);
        for candidate in &mut candidates {
            candidate.known = false;
        }
    }
    restored(network, changes, most)
}

fn latency(network: &SpikingNetwork) -> u32 {
    Schedule::new(network).latency_steps
}

fn population(network: &SpikingNetwork, id: NodeId) -> Option<&Population> {
    if let NodeKind::Population(population) = &network.node(id).kind { Some(population) } else { None }
}

/// The populations of each activation.
fn activations(network: &SpikingNetwork, copies: &Copies) -> Vec<Vec<NodeId>> {
    let mut activations: Vec<Vec<NodeId>> = Vec::new();
    for (id, _) in network.populations() {
        match activations.last_mut().filter(|_| !copies.is_first(id)) {
            Some(activation) => activation.push(id),
            None => activations.push(vec![id]),
        }
    }
    activations
}

fn is_open(network: &SpikingNetwork, way: &dyn Way, id: NodeId) -> bool {
    population(network, id).is_some_and(|population| way.is_open(population))
}

/// The least square error of the results if these populations take a step less, and the factor of thresholds that gives it.
fn least_error(
    network: &SpikingNetwork,
    ways: (&Copies, &dyn Way),
    populations: &[NodeId],
    trial: &Trial<'_>,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<(f64, f32), ConvertError> {
    let mut best = (f64::INFINITY, 1.0);
    for &factor in ways.1.factors() {
        // trains that a maximum compares may have to stay as long as others
        if let Ok(changed) = changed(network, ways, populations, factor) {
            let (error, _) = trial.run(&changed)?;
            if error < best.0 {
                best = (error, factor);
            }
        }
        progress(false)?;
    }
    Ok(best)
}

/// The network with populations that take a step less, with thresholds times `factor`.
fn changed(
    network: &SpikingNetwork,
    (copies, way): (&Copies, &dyn Way),
    populations: &[NodeId],
    factor: f32,
) -> Result<SpikingNetwork, ConvertError> {
    Ok(network.with_kinds(|id, kind| match kind {
        NodeKind::Population(population) if populations.contains(&id) => {
            NodeKind::Population(way.changed(population, copies.of(id), factor))
        }
        kind => kind.clone(),
    })?)
}

/// The network without the changes that its latency does not need, the last first. Of a layer that was changed twice the first
/// change stays where the second does.
fn restored(mut network: SpikingNetwork, changes: Vec<Change>, most: u32) -> Result<SpikingNetwork, ConvertError> {
    let mut needed: Vec<NodeId> = Vec::new();
    for change in changes.into_iter().rev() {
        if change.iter().any(|(id, _)| needed.contains(id)) {
            continue;
        }
        let without = network.with_kinds(|id, kind| match change.iter().find(|(changed, _)| *changed == id) {
            Some((_, before)) => NodeKind::Population(before.clone()),
            None => kind.clone(),
        })?;
        if latency(&without) <= most {
            network = without;
        } else {
            needed.extend(change.iter().map(|(id, _)| *id));
        }
    }
    Ok(network)
}
