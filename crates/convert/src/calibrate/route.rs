use spikeconverter_graph::ops::Add;
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use crate::copies::Copies;

/// The way from a synapse with weights to the membranes that it feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    /// The node whose value is the membrane, or as much of it as can be told: the synapse itself or a sum.
    pub(crate) membrane: NodeId,
    /// What the sum adds to the synapse's result.
    pub(crate) beside: Vec<NodeId>,
    /// The population or read-out; absent where other operations lie between.
    pub(crate) listener: Option<NodeId>,
}

/// The routes of all synapses with weights, by node. Of populations that are copies the first stands for all.
pub(crate) fn routes(network: &SpikingNetwork, copies: &Copies) -> Vec<Option<Route>> {
    let mut consumers = network.consumers();
    for readers in &mut consumers {
        readers.retain(|reader| copies.is_first(*reader));
    }
    let only = |id: NodeId| match consumers[id.0].as_slice() {
        &[reader] => Some((reader, &network.node(reader).kind)),
        _ => None,
    };
    let listens = |kind: &NodeKind| matches!(kind, NodeKind::Population(_) | NodeKind::Readout(_));
    let route = |id: NodeId| {
        let own = Route { membrane: id, beside: Vec::new(), listener: None };
        match only(id) {
            Some((listener, kind)) if listens(kind) => Route { listener: Some(listener), ..own },
            Some((sum, NodeKind::Synapse(Op::Add(Add { coefficients })))) => {
                let node = network.node(sum);
                let plain = coefficients.iter().all(|&c| c == 1.0)
                    && node.inputs.iter().all(|&i| network.node(i).shape == node.shape);
                match only(sum) {
                    Some((listener, kind)) if plain && listens(kind) => {
                        let beside = node.inputs.iter().copied().filter(|&i| i != id).collect();
                        Route { membrane: sum, beside, listener: Some(listener) }
                    }
                    _ => own,
                }
            }
            _ => own,
        }
    };
    let weighted = |id: &NodeId| matches!(&network.node(*id).kind, NodeKind::Synapse(Op::Conv(_) | Op::Linear(_)));
    network.ids().map(|id| weighted(&id).then(|| route(id))).collect()
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Activation, Linear};
    use spikeconverter_graph::{GraphBuilder, Tensor};
    use spikeconverter_network::Encoding;

    use super::*;
    use crate::lower::lower;

    #[test]
    fn through_a_sum_to_the_population() {
        let mut graph = GraphBuilder::new();
        let linear = || Op::Linear(Linear { weight: Tensor::full(vec![3, 3], 1.0), bias: None });
        let x = graph.input("x", vec![3]).unwrap();
        let a = graph.add("a", linear(), &[x]).unwrap();
        let relu = graph.add("relu", Op::Activation(Activation::Relu), &[a]).unwrap();
        let b = graph.add("b", linear(), &[relu]).unwrap();
        let sum = graph.add("sum", Op::Add(Add::plain(2)), &[b, relu]).unwrap();
        let last = graph.add("last", Op::Activation(Activation::Relu), &[sum]).unwrap();
        let c = graph.add("c", linear(), &[last]).unwrap();
        let network = lower(&graph.finish(vec![c]).unwrap(), 4, Encoding::Analog).unwrap().network;
        let name = |id: NodeId| network.node(id).name.as_str();
        let found: Vec<(&str, Vec<&str>, Option<&str>)> = routes(&network, &Copies::default())
            .iter()
            .flatten()
            .map(|r| (name(r.membrane), r.beside.iter().map(|&i| name(i)).collect(), r.listener.map(name)))
            .collect();
        let wanted = [("a", vec![], Some("relu")), ("sum", vec!["relu"], Some("last")), ("c", vec![], Some("c"))];
        assert_eq!(found, wanted);
    }
}
