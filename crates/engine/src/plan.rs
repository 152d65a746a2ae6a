//! Which buffer holds which node's result.

use spikeconverter_graph::NodeId;
use spikeconverter_network::SpikingNetwork;

/// Buffers for the results of nodes that run one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The buffer of each node's result.
    pub(crate) buffer: Vec<usize>,
    /// Size of each buffer, in values a sample.
    pub(crate) sizes: Vec<usize>,
}

impl Plan {
    /// Gives each node a buffer that no node alive at the same time has. `volumes` are the sizes of the nodes' results,
    /// `dead` the nodes that are read for the last time at each node.
    pub(crate) fn new(volumes: &[usize], dead: &[Vec<NodeId>]) -> Self {
        let mut sizes: Vec<usize> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        let mut buffer = Vec::with_capacity(volumes.len());
        for (&volume, dead) in volumes.iter().zip(dead) {
            // the free buffer that fits best: the smallest that is large enough, or else the largest
            let best = (0..free.len()).min_by_key(|&f| match sizes[free[f]].checked_sub(volume) {
                Some(spare) => (0, spare),
                None => (1, volume - sizes[free[f]]),
            });
            let chosen = best.map_or_else(
                || {
                    sizes.push(0);
                    sizes.len() - 1
                },
                |f| free.swap_remove(f),
            );
            sizes[chosen] = sizes[chosen].max(volume);
            buffer.push(chosen);
            free.extend(dead.iter().map(|id| buffer[id.0]));
        }
        Self { buffer, sizes }
    }

    /// Samples that a thread takes at a time, of `count` for `threads` threads: few enough for its cache, and for every
    /// thread to have some. `most` is the number of values that a thread may work on, for all nodes alive together.
    pub(crate) fn chunk(&self, most: usize, count: usize, threads: usize) -> usize {
        let values: usize = self.sizes.iter().sum::<usize>().max(1);
        (most / values).min(count.div_ceil(threads)).max(1)
    }
}

/// The nodes that are read for the last time at each node of a network that runs node by node.
pub(crate) fn dead(network: &SpikingNetwork) -> Vec<Vec<NodeId>> {
    let mut dead = vec![Vec::new(); network.nodes().len()];
    for (id, readers) in network.ids().zip(network.consumers()) {
        if let Some(last) = readers.last() {
            dead[last.0].push(id);
        }
    }
    dead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again_when_its_value_is_dead() {
        // a chain of four: each dies when the next has read it
        let dead = [vec![], vec![NodeId(0)], vec![NodeId(1)], vec![NodeId(2)]];
        let plan = Plan::new(&[4, 8, 4, 2], &dead);
        assert_eq!(plan.buffer, [0, 1, 0, 1]);
        assert_eq!(plan.sizes, [4, 8]);
    }
}
