use spikeconverter_graph::NodeId;
use spikeconverter_neuron::{Rehearsal, StreamCoding};

use crate::encoding::Encoding;
use crate::node::{Node, NodeKind};
use crate::{NetworkBuilder, NetworkError, Population, Simulation};

/// A spiking network: nodes in topological order, one input, one result.
#[derive(Debug, Clone, PartialEq)]
pub struct SpikingNetwork {
    pub(crate) nodes: Vec<Node>,
    pub(crate) output: NodeId,
    pub(crate) simulation: Simulation,
    pub(crate) coding: StreamCoding,
    pub(crate) rehearsal: Option<Rehearsal>,
    pub(crate) time_steps: u32,
    pub(crate) delay: u32,
}

impl SpikingNetwork {
    /// The nodes in topological order; the first is the input.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with this id.
    ///
    /// # Panics
    /// When the id is not of this network.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Ids in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The node whose value is the network's result.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// How time passes: a window a layer, or all layers in every step.
    pub fn simulation(&self) -> Simulation {
        self.simulation
    }

    /// What the wires of a streaming network carry.
    pub fn coding(&self) -> StreamCoding {
        self.coding
    }

    /// How a streaming network tries a sample before it runs it.
    pub fn rehearsal(&self) -> Option<Rehearsal> {
        self.rehearsal
    }

    /// `T`: the window length of the populations, or the steps of a streaming network's simulation.
    pub fn time_steps(&self) -> u32 {
        self.time_steps
    }

    /// Shape of a sample.
    pub fn input_shape(&self) -> &[usize] {
        &self.nodes[0].shape
    }

    /// How samples enter.
    pub fn encoding(&self) -> Encoding {
        match self.nodes[0].kind {
            NodeKind::Input(encoding) => encoding,
            _ => unreachable!("the builder puts the input first"),
        }
    }

    /// The nodes that spike, populations of either kind, in topological order.
    pub fn spiking(&self) -> impl Iterator<Item = NodeId> {
        self.ids().filter(|id| matches!(self.node(*id).kind, NodeKind::Population(_) | NodeKind::Streaming(_)))
    }

    /// The populations of a windowed network, in topological order; a streaming network has none of these.
    pub fn populations(&self) -> impl Iterator<Item = (NodeId, &Population)> {
        self.ids().filter_map(|id| match &self.node(id).kind {
            NodeKind::Population(population) => Some((id, population)),
            _ => None,
        })
    }

    /// The same network with each node but the input replaced by what `f` makes of it; everything is checked again.
    ///
    /// # Errors
    /// [`NetworkError::Node`] when a replaced node does not fit.
    pub fn with_kinds(&self, f: impl FnMut(NodeId, &NodeKind) -> NodeKind) -> Result<Self, NetworkError> {
        self.rebuilt(self.is_online().then_some(self.delay), f)
    }

    /// [`with_kinds`](Self::with_kinds) with another delay.
    pub(crate) fn rebuilt(
        &self,
        delay: Option<u32>,
        mut f: impl FnMut(NodeId, &NodeKind) -> NodeKind,
    ) -> Result<Self, NetworkError> {
        let input = &self.nodes[0];
        let mut builder = NetworkBuilder::of(
            self.simulation,
            self.time_steps,
            input.name.clone(),
            input.shape.clone(),
            self.encoding(),
        )?
        .coded(self.coding)?
        .rehearsed(self.rehearsal)?
        .delayed(delay)?;
        for id in self.ids().skip(1) {
            let node = self.node(id);
            builder.add(node.name.clone(), f(id, &node.kind), &node.inputs)?;
        }
        builder.finish(self.output)
    }

    /// For each node, the nodes that read it.
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for input in &self.node(id).inputs {
                consumers[input.0].push(id);
            }
        }
        consumers
    }
}
