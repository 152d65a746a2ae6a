//! What settled populations of a draft send on the samples that are simulated, so that each layer's calibration begins where the
//! one before ended.

use std::collections::HashMap;
use std::sync::Arc;

use spikeconverter_engine::{Batch, Show, Tape, TapedEngine};
use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, SpikingNetwork};

use crate::ConvertError;

/// Tapes by the number of steps and the population in the network without thresholds.
#[derive(Default)]
pub(super) struct Tapes(HashMap<(u32, NodeId), Arc<Tape>>);

/// A network to be run for its result.
pub(super) struct Run<'r> {
    /// Built of the network without thresholds.
    pub(super) network: &'r SpikingNetwork,
    /// For each node of the network without thresholds, its population's place.
    pub(super) trains: &'r [Option<NodeId>],
    /// The population that may still change.
    pub(super) unsettled: Option<NodeId>,
    /// Is shown the steps of a population of the network.
    pub(super) show: Option<(NodeId, &'r Show<'r>)>,
}

impl Tapes {
    /// Runs a network behind what is known, and keeps what the settled populations that run send.
    pub(super) fn run(&mut self, run: &Run<'_>, samples: &Batch) -> Result<Batch, ConvertError> {
        let steps = run.network.time_steps();
        let settled = || {
            let placed = run.trains.iter().enumerate().filter_map(|(i, train)| Some((NodeId(i), (*train)?)));
            // what a rehearsal teaches is on no tape
            placed.filter(|(id, _)| Some(*id) != run.unsettled && run.network.rehearsal().is_none())
        };
        let played = |(id, train): (NodeId, NodeId)| Some((train, Arc::clone(self.0.get(&(steps, id))?)));
        let engine = TapedEngine::new(run.network, settled().filter_map(played).collect())?;
        let (ids, kept): (Vec<NodeId>, Vec<NodeId>) = settled().filter(|(_, train)| engine.runs(*train)).unzip();
        let (output, tapes) = engine.run(samples, &kept, run.show)?;
        self.0.extend(ids.into_iter().map(|id| (steps, id)).zip(tapes.into_iter().map(Arc::new)));
        Ok(output)
    }

    /// Forgets a population, which changes.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.0.retain(|(_, kept), _| *kept != id);
    }

    /// Forgets what no later run begins with: populations of whose listeners all are on tapes themselves.
    pub(super) fn trim(&mut self, network: &SpikingNetwork, consumers: &[Vec<NodeId>]) {
        let is_last = |&(steps, id): &(u32, NodeId)| {
            let (mut seen, mut next) = (vec![false; consumers.len()], vec![id]);
            while let Some(node) = next.pop() {
                for &reader in &consumers[node.0] {
                    match network.node(reader).kind {
                        NodeKind::Population(_) if self.0.contains_key(&(steps, reader)) => {}
                        NodeKind::Population(_) | NodeKind::Readout(_) => return true,
                        _ if !std::mem::replace(&mut seen[reader.0], true) => next.push(reader),
                        _ => {}
                    }
                }
            }
            false
        };
        let last: Vec<(u32, NodeId)> = self.0.keys().filter(|key| is_last(key)).copied().collect();
        self.0.retain(|key, _| last.contains(key));
    }
}
