//! Which nodes run together, on how many samples at a time, and where their codes lie.
//!
//! Early maps are large: few samples of them fill a core's cache. Late layers have small maps and many weights, which are
//! loaded anew for each chunk of samples. So a network runs in phases: the first nodes on a few samples at a time, then the
//! next ones on more. Only what later phases read is kept for all samples.

use std::ops::Range;

use spikeconverter_graph::NodeId;

use crate::plan::Plan;

/// A network's nodes, as far as the choice of phases goes.
pub(super) struct Nodes<'a> {
    /// Bytes of each node's codes, a sample; 0 where it has none.
    pub(super) bytes: &'a [usize],
    /// Bytes of each node's weights, as kernels load them.
    pub(super) weights: &'a [usize],
    /// The last node that reads each one; past the end for the network's result.
    pub(super) last: &'a [usize],
    /// Nodes before which a phase may begin.
    pub(super) starts: &'a [bool],
}

/// Nodes that run one after the other on the same samples.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) nodes: Range<usize>,
    /// Samples at a time, at most.
    pub(super) samples: usize,
}

/// Where a node's codes lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) buffer: usize,
    /// Whether the buffer is for all samples, and not only for those of a phase's chunk.
    pub(super) kept: bool,
}

/// The phases of a network.
#[derive(Debug)]
pub(super) struct Phases {
    pub(super) list: Vec<Phase>,
    /// The place of each node's codes.
    pub(super) places: Vec<Place>,
    /// What is asked of each buffer.
    buffers: Vec<Vec<Demand>>,
}

/// What a phase asks of a buffer: so many bytes a sample, for at most so many samples.
#[derive(Debug, Clone, Copy)]
struct Demand {
    bytes: usize,
    samples: usize,
}

impl Phases {
    /// Divides the nodes wherever more bytes of weights are saved, a sample, than are written and read for later phases. A
    /// phase takes as many samples at a time as fill `cache` bytes.
    pub(super) fn new(nodes: &Nodes<'_>, cache: usize) -> Self {
        let mut phases = Vec::new();
        let all = nodes.phase(0..nodes.bytes.len(), cache);
        nodes.divide(all, cache, &mut phases);
        Self::of(nodes, phases)
    }

    /// These phases: one after the other, all nodes.
    fn of(nodes: &Nodes<'_>, phases: Vec<Phase>) -> Self {
        let mut places = vec![Place { buffer: 0, kept: false }; nodes.bytes.len()];
        let mut buffers: Vec<Vec<Demand>> = Vec::new();
        for phase in &phases {
            let plan = nodes.plan(&phase.nodes);
            buffers.resize(buffers.len().max(plan.sizes.len()), Vec::new());
            for (buffer, &bytes) in buffers.iter_mut().zip(&plan.sizes) {
                buffer.push(Demand { bytes, samples: phase.samples });
            }
            phase.nodes.clone().for_each(|node| places[node].buffer = plan.buffer[node]);
        }
        for phase in &phases {
            for node in phase.nodes.clone().filter(|&node| nodes.outlives(node, phase.nodes.end)) {
                places[node] = Place { buffer: buffers.len(), kept: true };
                buffers.push(vec![Demand { bytes: nodes.bytes[node], samples: usize::MAX }]);
            }
        }
        Self { list: phases, places, buffers }
    }

    /// Buffers for a run of `samples` samples.
    pub(super) fn allocate(&self, samples: usize) -> Vec<Vec<u8>> {
        let size =
            |demands: &Vec<Demand>| demands.iter().map(|demand| demand.bytes * samples.min(demand.samples)).max();
        self.buffers.iter().map(|demands| vec![0; size(demands).unwrap_or(0)]).collect()
    }

    /// Samples at a time of the phase that takes most.
    pub(super) fn samples(&self) -> usize {
        self.list.iter().map(|phase| phase.samples).max().unwrap_or(1)
    }
}

impl Nodes<'_> {
    /// A phase of these nodes, on as many samples as fill `cache` bytes.
    fn phase(&self, nodes: Range<usize>, cache: usize) -> Phase {
        let own: usize = self.plan(&nodes).sizes.iter().sum();
        let read = (0..nodes.start).filter(|&node| self.last[node] >= nodes.start);
        let written = nodes.clone().filter(|&node| self.outlives(node, nodes.end));
        let bytes = own + read.chain(written).map(|node| self.bytes[node]).sum::<usize>();
        Phase { nodes, samples: (cache / bytes.max(1)).clamp(1, MOST) }
    }

    /// Whether a node is read after the phase that ends at `end`.
    fn outlives(&self, node: usize, end: usize) -> bool {
        node < end && self.last[node] >= end && self.bytes[node] > 0
    }

    /// Buffers for those nodes that live and die within a phase.
    fn plan(&self, nodes: &Range<usize>) -> Plan {
        let within = |node: usize| nodes.contains(&node) && !self.outlives(node, nodes.end);
        let mut dead = vec![Vec::new(); self.bytes.len()];
        for (node, &last) in self.last.iter().enumerate() {
            let last = if within(node) { last.min(self.last.len() - 1) } else { node };
            dead[last].push(NodeId(node));
        }
        let bytes: Vec<usize> =
            self.bytes.iter().enumerate().map(|(node, &bytes)| if within(node) { bytes } else { 0 }).collect();
        Plan::new(&bytes, &dead)
    }

    /// Bytes of weights that a phase loads, a sample.
    fn loads(&self, phase: &Phase) -> usize {
        self.weights[phase.nodes.clone()].iter().sum::<usize>() / phase.samples
    }

    fn divide(&self, phase: Phase, cache: usize, phases: &mut Vec<Phase>) {
        let best = (phase.nodes.start + 1..phase.nodes.end)
            .filter(|&cut| self.may_begin(cut))
            .map(|cut| {
                let parts = [phase.nodes.start..cut, cut..phase.nodes.end].map(|nodes| self.phase(nodes, cache));
                let kept: usize = (0..cut).filter(|&node| self.outlives(node, cut)).map(|node| self.bytes[node]).sum();
                (parts.iter().map(|part| self.loads(part)).sum::<usize>() + 2 * kept, parts)
            })
            .min_by_key(|(bytes, _)| *bytes);
        match best {
            Some((bytes, parts)) if bytes < self.loads(&phase) => {
                for part in parts {
                    self.divide(part, cache, phases);
                }
            }
            _ => phases.push(phase),
        }
    }

    /// Whether all that is alive before a node is codes, which can be kept.
    fn may_begin(&self, cut: usize) -> bool {
        self.starts[cut] && (0..cut).all(|node| self.last[node] < cut || self.bytes[node] > 0)
    }
}

/// More samples at a time save nothing, and a run's threads are to have as many.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain: each node is read by the next.
    const LAST: [usize; 6] = [1, 2, 3, 4, 5, 6];

    fn chain<'a>(bytes: &'a [usize; 6], weights: &'a [usize; 6]) -> Nodes<'a> {
        Nodes { bytes, weights, last: &LAST, starts: &[true; 6] }
    }

    #[test]
    fn small_maps_with_many_weights_take_more_samples_at_a_time() {
        // the result is no codes
        let nodes = chain(&[400, 400, 40, 20, 20, 0], &[0, 9, 9, 500, 500, 500]);
        let found = Phases::new(&nodes, 1700);
        let expected = [Phase { nodes: 0..3, samples: 2 }, Phase { nodes: 3..6, samples: 21 }];
        assert_eq!(found.list, expected);
        // node 2 is the only one that outlives its phase; the others share two buffers
        let places: Vec<(usize, bool)> = found.places.iter().map(|place| (place.buffer, place.kept)).collect();
        assert_eq!(places[2], (found.buffers.len() - 1, true));
        assert_eq!(places.iter().filter(|(_, kept)| *kept).count(), 1);
        let bytes: Vec<usize> = found.allocate(100).iter().map(Vec::len).collect();
        assert_eq!(bytes.iter().sum::<usize>(), 800 + 800 + 4000);
        assert_eq!(found.samples(), 21);
    }

    #[test]
    fn nothing_is_divided_where_weights_are_few_or_maps_are_small() {
        let few = chain(&[400, 400, 400, 200, 200, 0], &[0, 9, 9, 50, 50, 50]);
        assert_eq!(Phases::new(&few, 1600).list, [Phase { nodes: 0..6, samples: 2 }]);
        let small = chain(&[2, 2, 2, 1, 1, 0], &[0, 9, 9, 50, 50, 50]);
        assert_eq!(Phases::new(&small, 1600).list, [Phase { nodes: 0..6, samples: MOST }]);
    }

    #[test]
    fn values_that_are_no_codes_do_not_cross_a_cut() {
        let bytes = [400, 400, 40, 0, 20, 0];
        let nodes = Nodes { bytes: &bytes, weights: &[0; 6], last: &[1, 2, 5, 4, 5, 6], starts: &[true; 6] };
        assert_eq!((1..6).map(|cut| nodes.may_begin(cut)).collect::<Vec<_>>(), [true, true, true, false, true]);
    }
}
