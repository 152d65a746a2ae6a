//! Layers that fire a step earlier than others, where that costs least.
//!
//! A step that a layer fires earlier is a step of latency, and what it hears later has less time to be made good. Layers
//! differ in how much that is, so that a network may have a latency that no delay of all of them gives. Which layers: the one
//! whose change leaves the least error in the result, then the next. An error that was found before another layer changed is
//! looked at as the least that it can be now, so that only layers at the head of the order are tried anew (lazy greedy
//! selection, Minoux 1978). What turns out to have won no latency, off the longest path, is taken back in the end.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, Population, Schedule, SpikingNetwork};

use super::{HEADROOM, Trial};
use crate::ConvertError;
use crate::copies::{Copies, raised};

/// An activation whose populations might fire a step earlier.
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

/// The network with delays of their own for as many layers as it takes to have the result after `most` steps. `progress` is
/// told after each trial with `false`, and once for each population, tried for the first time or not at all, with `true`.
pub(super) fn hasten(
    network: SpikingNetwork,
    copies: &Copies,
    trial: &Trial<'_>,
    most: u32,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<SpikingNetwork, ConvertError> {
    let mut network = network;
    let mut candidates = Vec::new();
    for populations in activations(&network, copies) {
        let (error, factor) = if latency(&network) > most && can_hasten(&network, populations[0]) {
            least_error(&network, copies, &populations, trial, progress)?
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
            let reason = format!("its layers, all of which fire after one step, give no result after {most} steps");
            return Err(ConvertError::Network(reason));
        };
        if !can_hasten(&network, candidate.populations[0]) {
            continue;
        }
        if !candidate.known {
            (candidate.error, candidate.factor) =
                least_error(&network, copies, &candidate.populations, trial, progress)?;
            candidate.known = true;
            if candidates.last().is_some_and(|next| next.error.total_cmp(&candidate.error).is_lt()) {
                candidates.push(candidate);
                continue;
            }
        }
        changes.push(
            candidate.populations.iter().filter_map(|&id| Some((id, population(&network, id)?.clone()))).collect(),
        );
        network = earlier(&network, copies, &candidate.populations, candidate.factor)?;
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

fn can_hasten(network: &SpikingNetwork, id: NodeId) -> bool {
    population(network, id).is_some_and(|population| population.delay.unwrap_or(network.delay()) > 1)
}

/// The least square error of the results if these populations fire a step earlier, and the factor of thresholds that gives it.
fn least_error(
    network: &SpikingNetwork,
    copies: &Copies,
    populations: &[NodeId],
    trial: &Trial<'_>,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<(f64, f32), ConvertError> {
    let mut best = (f64::INFINITY, 1.0);
    for factor in HEADROOM {
        let (error, _) = trial.run(&earlier(network, copies, populations, factor)?)?;
        if error < best.0 {
            best = (error, factor);
        }
        progress(false)?;
    }
    Ok(best)
}

/// The network with populations that fire a step earlier, with thresholds times `factor`.
fn earlier(
    network: &SpikingNetwork,
    copies: &Copies,
    populations: &[NodeId],
    factor: f32,
) -> Result<SpikingNetwork, ConvertError> {
    Ok(network.with_kinds(|id, kind| match kind {
        NodeKind::Population(population) if populations.contains(&id) => {
            let delay = population.delay.unwrap_or(network.delay());
            let raised = raised(population, copies.of(id), factor, network.time_steps());
            NodeKind::Population(Population { delay: Some(delay.saturating_sub(1).max(1)), ..raised })
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
