//! What settled populations of a draft send on the samples that are simulated, so that each layer's calibration begins where the
//! one before ended.

use std::collections::HashMap;
use std::sync::Arc;

use spikeconverter_engine::{Batch, ShowStep, Tape, TapedEngine};
use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, SpikingNetwork};

use crate::ConvertError;

/// Bytes that tapes may take together (1 GiB). What finds no room is simulated again.
const MOST_BYTES: usize = 1 << 30;

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
    pub(super) show: Option<(NodeId, &'r ShowStep<'r>)>,
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
        // the deepest first: behind them little is left to run
        let mut room = MOST_BYTES.saturating_sub(self.0.values().map(|tape| tape.bytes()).sum());
        let mut fits = |train: NodeId| {
            let bytes = engine.tape_bytes(train).saturating_mul(samples.count());
            let fits = bytes <= room;
            room -= if fits { bytes } else { 0 };
            fits
        };
        let new: Vec<(NodeId, NodeId)> = settled().filter(|(_, train)| engine.runs(*train)).collect();
        let (ids, kept): (Vec<NodeId>, Vec<NodeId>) = new.into_iter().rev().filter(|(_, train)| fits(*train)).unzip();
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

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;
    use spikeconverter_graph::ops::Add;
    use spikeconverter_network::{Encoding, NetworkBuilder, Population, Readout, StreamingPopulation};

    use super::*;

    const STEPS: u32 = 3;

    /// Populations a, b, and c behind the sum of both; of windows, or of streams.
    fn chain(stream: bool) -> (SpikingNetwork, [NodeId; 3]) {
        let builder = if stream {
            NetworkBuilder::stream(STEPS, "x", vec![2], Encoding::Analog)
        } else {
            NetworkBuilder::new(STEPS, "x", vec![2], Encoding::Analog)
        };
        let mut builder = builder.unwrap();
        let neurons = || {
            if stream {
                NodeKind::Streaming(StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() })
            } else {
                NodeKind::Population(Population { threshold: vec![1.0], ..Population::default() })
            }
        };
        let a = builder.add("a", neurons(), &[builder.input()]).unwrap();
        let b = builder.add("b", neurons(), &[a]).unwrap();
        let add = NodeKind::Synapse(Op::Add(Add { coefficients: vec![1.0, 1.0] }));
        let sum = builder.add("sum", add, &[a, b]).unwrap();
        let c = builder.add("c", neurons(), &[sum]).unwrap();
        let end = builder.add("end", NodeKind::Readout(Readout::default()), &[c]).unwrap();
        (builder.finish(end).unwrap(), [a, b, c])
    }

    /// What the tapes hold after a run for the result.
    fn run(tapes: &mut Tapes, unsettled: Option<NodeId>) -> Vec<NodeId> {
        let (network, populations) = chain(true);
        let mut trains = vec![None; network.nodes().len()];
        for id in populations {
            trains[id.0] = Some(id);
        }
        let run = Run { network: &network, trains: &trains, unsettled, show: None };
        let samples = Batch::new(2, vec![2], vec![0.25, 0.5, 0.75, 1.0]).unwrap();
        tapes.run(&run, &samples).unwrap();
        held(tapes)
    }

    fn held(tapes: &Tapes) -> Vec<NodeId> {
        let mut held: Vec<NodeId> = tapes.0.keys().map(|(_, id)| *id).collect();
        held.sort_unstable();
        held
    }

    #[test]
    fn a_shortcut_keeps_its_tape() {
        let (draft, [a, b, c]) = chain(false);
        let consumers = draft.consumers();
        let mut tapes = Tapes::default();
        // what may still change is on no tape
        assert_eq!(run(&mut tapes, Some(c)), [a, b]);
        tapes.trim(&draft, &consumers);
        assert_eq!(held(&tapes), [a, b]);
        // c hears a and b, and the read-out hears c
        assert_eq!(run(&mut tapes, None), [a, b, c]);
        tapes.trim(&draft, &consumers);
        assert_eq!(held(&tapes), [c]);
        // of other steps there are no tapes
        assert!(tapes.0.keys().all(|(steps, _)| *steps == STEPS));
    }

    #[test]
    fn what_changes_is_forgotten() {
        let (_, [a, b, c]) = chain(false);
        let mut tapes = Tapes::default();
        assert_eq!(run(&mut tapes, None), [a, b, c]);
        let before = Arc::clone(&tapes.0[&(STEPS, a)]);
        tapes.forget(b);
        assert_eq!(held(&tapes), [a, c]);
        // a is played again, b and what is behind it has the tape that it had
        assert_eq!(run(&mut tapes, None), [a, c]);
        tapes.forget(c);
        assert_eq!(run(&mut tapes, None), [a, b, c]);
        assert!(Arc::ptr_eq(&before, &tapes.0[&(STEPS, a)]));
    }
}
