//! How much memory a network's values take.

use spikeconverter_graph::{Graph, volume};

/// Bytes that calibration or evaluation needs for each value that is alive in the trained network: the trained and the
/// spiking network hold theirs side by side, and half as much again is on its way, each in four bytes.
const BYTES_PER_VALUE: u64 = 10;

/// The largest number of values a sample that are alive at once when the graph is run in order.
pub fn peak_values(graph: &Graph) -> u64 {
    let consumers = graph.consumers();
    let size = |id: spikeconverter_graph::NodeId| volume(&graph.node(id).shape) as u64;
    let (mut alive, mut peak) = (0u64, 0u64);
    for id in graph.ids() {
        alive += size(id);
        peak = peak.max(alive);
        let mut inputs = graph.node(id).inputs.clone();
        inputs.sort_unstable();
        inputs.dedup();
        for input in inputs {
            let output = graph.outputs().contains(&input);
            if !output && consumers[input.0].iter().max() == Some(&id) {
                alive -= size(input);
            }
        }
    }
    peak
}

/// An estimate of the memory that one sample takes while a network is converted or evaluated.
pub fn peak_bytes(graph: &Graph) -> u64 {
    peak_values(graph).saturating_mul(BYTES_PER_VALUE).max(1)
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Activation, Add};
    use spikeconverter_graph::{GraphBuilder, Op};

    use super::*;

    #[test]
    fn a_branch_stays_alive_until_it_is_read() {
        let mut builder = GraphBuilder::new();
        let x = builder.input("x", vec![4]).unwrap();
        let relu = Op::Activation(Activation::Relu);
        let a = builder.add("a", relu.clone(), &[x]).unwrap();
        let b = builder.add("b", relu.clone(), &[a]).unwrap();
        let c = builder.add("c", relu, &[b]).unwrap();
        let sum = builder.add("sum", Op::Add(Add::plain(2)), &[a, c]).unwrap();
        let graph = builder.finish(vec![sum]).unwrap();
        // a, b and c; then a, c and their sum
        assert_eq!(peak_values(&graph), 12);
    }
}
