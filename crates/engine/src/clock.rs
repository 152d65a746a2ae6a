//! Where the time of a run goes, node by node.

use std::time::Instant;

use spikeconverter_graph::NodeId;

/// Adds up the time between the ends of nodes; without one, nothing is measured.
pub(crate) struct Clock {
    last: Instant,
    seconds: Vec<f64>,
}

impl Clock {
    /// For a network of so many nodes.
    pub(crate) fn new(nodes: usize) -> Self {
        Self { last: Instant::now(), seconds: vec![0.0; nodes] }
    }

    /// What follows belongs to the next node.
    pub(crate) fn start(&mut self) {
        self.last = Instant::now();
    }

    /// All since the start or the end of another node was this one's.
    pub(crate) fn end(&mut self, id: NodeId) {
        let now = Instant::now();
        self.seconds[id.0] += (now - self.last).as_secs_f64();
        self.last = now;
    }

    /// The time of each node, in seconds.
    pub(crate) fn seconds(self) -> Vec<f64> {
        self.seconds
    }
}
