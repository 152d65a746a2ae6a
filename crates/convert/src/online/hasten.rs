//! Populations that fire a step earlier than others, where that costs least.
//!
//! A step that a population fires earlier is a step of latency, and what it hears later has less time to be made good. Layers
//! differ in how much that is, so that a network may have a latency that no delay of all of them gives. Which layers: the one
//! whose change leaves the least error in the result, then the next. An error that was found before another layer changed is
//! looked at as the least that it can be now, so that only layers at the head of the order are tried anew (lazy greedy
//! selection, Minoux 1978).

use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, Population, Schedule, SpikingNetwork};

use super::{HEADROOM, Trial};
use crate::ConvertError;

/// A population that might fire a step earlier.
struct Candidate {
    id: NodeId,
    /// Square error of the results if it did, as far as is known.
    error: f64,
    /// Whether that was found with all that was chosen so far.
    known: bool,
}

/// The network with delays of their own for as many populations as it takes to have the result after `most` steps.
/// `progress` is told, once a population that was tried, how many there are to try.
pub(super) fn hasten(
    network: SpikingNetwork,
    trial: &Trial<'_>,
    most: u32,
    progress: &mut dyn FnMut() -> Result<(), ConvertError>,
) -> Result<SpikingNetwork, ConvertError> {
    let latency = |network: &SpikingNetwork| Schedule::new(network).latency_steps;
    let least = latency(&network.with_delay(Some(1))?);
    if least > most {
        let reason = format!("{most} steps; {least} are the least, where every layer fires after one");
        return Err(ConvertError::Option { option: "--max-latency", reason });
    }
    let mut network = network;
    let mut candidates = Vec::new();
    if latency(&network) > most {
        let ids: Vec<NodeId> = network.populations().map(|(id, _)| id).collect();
        for id in ids {
            if let Some(earlier) = earlier(&network, id, 1.0)? {
                candidates.push(Candidate { id, error: trial.run(&earlier)?.0, known: true });
            }
            progress()?;
        }
    }
    while latency(&network) > most {
        // the least is last
        candidates.sort_by(|a, b| b.error.total_cmp(&a.error));
        let Some(mut candidate) = candidates.pop() else { break };
        let mut best: Option<(f64, SpikingNetwork)> = None;
        for factor in HEADROOM {
            let Some(earlier) = earlier(&network, candidate.id, factor)? else { continue };
            let (error, _) = trial.run(&earlier)?;
            if best.as_ref().is_none_or(|(least, _)| error < *least) {
                best = Some((error, earlier));
            }
        }
        let Some((error, earlier)) = best else { continue };
        if !candidate.known && candidates.last().is_some_and(|next| next.error < error) {
            candidate.error = error;
            candidate.known = true;
            candidates.push(candidate);
            continue;
        }
        network = earlier;
        for candidate in &mut candidates {
            candidate.known = false;
        }
        // it may have more steps to give
        candidates.push(Candidate { error, known: false, ..candidate });
    }
    Ok(network)
}

/// The network with a population that fires a step earlier, with a threshold times `factor`; `None` where it fires after one
/// step.
fn earlier(network: &SpikingNetwork, of: NodeId, factor: f32) -> Result<Option<SpikingNetwork>, ConvertError> {
    let NodeKind::Population(population) = &network.node(of).kind else { return Ok(None) };
    let delay = population.delay.unwrap_or(network.delay());
    if delay <= 1 {
        return Ok(None);
    }
    let threshold = population.threshold.iter().map(|threshold| factor * threshold).collect();
    let earlier = Population { delay: Some(delay - 1), threshold, ..population.clone() };
    Ok(Some(
        network.with_kinds(|id, kind| if id == of { NodeKind::Population(earlier.clone()) } else { kind.clone() })?,
    ))
}
