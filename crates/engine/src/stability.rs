//! Early stop: a sample of a streaming simulation is done when its class no longer changes.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{Encoding, NodeKind, Simulation, SpikingNetwork};

use crate::{Batch, EngineError};

/// When a sample is done before the last of the network's time steps: after the first step in which its class has been the
/// same for `steps` steps in a row beyond the one in which it arose. The class is the largest of the read-out's membranes
/// (the first of several, in row-major order). It counts from the first step on in which a spike has reached the read-out:
/// before that the membranes say nothing about the sample. Steps that the read-out skips do not count. A sample that never settles
/// runs through all steps. A rehearsal runs whole, whatever comes of it, and its steps are not among those that are used.
///
/// The result is the read-out's membranes divided by the steps that were used and read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UntilStable {
    /// Steps in which the class must not change; 0 stops at the first class.
    pub steps: u32,
}

/// The results of samples that were stopped early.
#[derive(Debug, Clone, PartialEq)]
pub struct Stopped {
    /// As [`Engine::run`](crate::Engine::run) returns them.
    pub output: Batch,
    /// The steps that each sample took.
    pub steps: Vec<u32>,
}

/// Whose membranes are the classes, and whose spikes reach it through synapses alone.
#[derive(Debug, Clone)]
pub(crate) struct Listener {
    pub(crate) readout: NodeId,
    pub(crate) hears: Vec<NodeId>,
}

impl Listener {
    /// The one read-out of a network.
    ///
    /// # Errors
    /// [`EngineError::Simulation`] when the network is not streaming, [`EngineError::Op`] when it has several read-outs.
    pub(crate) fn of(engine: &'static str, network: &SpikingNetwork) -> Result<Self, EngineError> {
        crate::check_simulation(engine, network, Simulation::Stream)?;
        let readouts: Vec<NodeId> =
            network.ids().filter(|id| matches!(network.node(*id).kind, NodeKind::Readout(_))).collect();
        let &[readout] = readouts.as_slice() else {
            let reason = format!("a class that settles needs one read-out, and it has {}", readouts.len());
            return Err(EngineError::Op { what: "the network".into(), reason });
        };
        let spikes = network.encoding() != Encoding::Analog;
        let mut read = vec![false; network.nodes().len()];
        read[readout.0] = true;
        let mut hears = Vec::new();
        for id in network.ids().rev().filter(|id| id.0 <= readout.0) {
            let node = network.node(id);
            match node.kind {
                _ if !read[id.0] => {}
                NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => hears.push(id),
                NodeKind::Input(_) if spikes => hears.push(id),
                _ => node.inputs.iter().for_each(|input| read[input.0] = true),
            }
        }
        Ok(Self { readout, hears })
    }
}

/// The class of a sample from step to step.
#[derive(Debug, Clone)]
pub(crate) struct Stability {
    rule: UntilStable,
    heard: bool,
    class: Option<usize>,
    unchanged: u32,
}

impl Stability {
    /// Before the first step.
    pub(crate) fn new(rule: UntilStable, listener: &Listener) -> Self {
        Self { rule, heard: listener.hears.is_empty(), class: None, unchanged: 0 }
    }

    /// Takes the read-out's membranes after a step, in row-major order, and whether a spike reached it in this step; whether
    /// the sample is done.
    pub(crate) fn step<V: PartialOrd + Copy>(&mut self, membranes: &[V], spikes: bool) -> bool {
        self.heard |= spikes;
        if !self.heard {
            return false;
        }
        let mut largest = 0;
        for (i, u) in membranes.iter().enumerate() {
            if *u > membranes[largest] {
                largest = i;
            }
        }
        self.unchanged = if self.class == Some(largest) { self.unchanged.saturating_add(1) } else { 0 };
        self.class = Some(largest);
        self.unchanged >= self.rule.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_counts_once_spikes_arrive_and_must_stay() {
        let listener = Listener { readout: NodeId(2), hears: vec![NodeId(1)] };
        let mut stability = Stability::new(UntilStable { steps: 2 }, &listener);
        // the first of equals, but nothing has arrived
        for _ in 0..5 {
            assert!(!stability.step(&[1.0, 1.0], false));
        }
        assert!(!stability.step(&[1.0, 2.0], true));
        assert!(!stability.step(&[1.0, 3.0], false));
        assert!(!stability.step(&[4.0, 3.0], true), "another class");
        assert!(!stability.step(&[4.0, 4.0], true));
        assert!(stability.step(&[5.0, 4.0], false));
        let deaf = Listener { readout: NodeId(1), hears: Vec::new() };
        assert!(Stability::new(UntilStable { steps: 0 }, &deaf).step(&[0.0], false));
    }
}
