//! Placement: which part of a trained network becomes a population, which a synapse, which the read-out.
//!
//! A population stands where the trained network has an activation. It also stands, with signed spikes and no
//! nonlinearity, wherever the result of one weighted layer would reach another without an activation between
//! (linear bottlenecks). Sums, means, concatenations and the like are part of the synapses around them. A maximum is
//! taken on the membranes of the population beside it, or of spike trains where several layers read the unpooled
//! trains. What follows the last synapse is the read-out and does not spike.

use spikeconverter_graph::ops::{Activation, Concat, MaxPool};
use spikeconverter_graph::{Graph, Node, NodeId, Op, Role};
use spikeconverter_network::{
    Encoding, NetworkBuilder, NodeKind, Population, Readout, Signal, SpikingNetwork, Transfer,
};

use crate::ConvertError;
use crate::copies::Copies;

/// A network whose populations have no thresholds yet (all are 1).
pub(crate) struct Lowered {
    pub(crate) network: SpikingNetwork,
    /// For each node of the network, the node of the trained network whose value it stands for.
    pub(crate) targets: Vec<NodeId>,
    /// For each node of the trained network, what became of it.
    pub(crate) roles: Vec<Lowering>,
    /// Which populations stand for the same activation.
    pub(crate) copies: Copies,
}

impl Lowered {
    /// How many activations populations stand for.
    pub(crate) fn layers(&self) -> usize {
        self.network.populations().filter(|(id, _)| self.copies.is_first(*id)).count()
    }
}

/// What became of a node of the trained network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lowering {
    Input,
    Synapse {
        linear_population: bool,
    },
    Population {
        pooled: bool,
    },
    /// Maximum on the membranes of the activation beside it.
    MembranePool,
    /// Maximum on membranes, sent on by a population of its own.
    PoolPopulation,
    TrainPool,
    Head,
}

/// Builds the network without thresholds.
pub(crate) fn lower(graph: &Graph, time_steps: u32, encoding: Encoding) -> Result<Lowered, ConvertError> {
    let (input, output) = ends(graph)?;
    let tail = tail(graph, output);
    if let Some((id, reason)) = refused(graph, &tail).into_iter().next() {
        return Err(unsupported(graph.node(id), reason));
    }
    let source = &graph.node(input);
    let builder = NetworkBuilder::new(time_steps, source.name.clone(), source.shape.clone(), encoding)?;
    let mut state = State {
        graph,
        consumers: graph.consumers(),
        builder,
        values: vec![None; graph.nodes().len()],
        targets: vec![input],
        roles: vec![Lowering::Input; graph.nodes().len()],
        weighted: vec![false; graph.nodes().len()],
        channelwise: vec![false; graph.nodes().len()],
        tail: tail.clone(),
    };
    state.values[input.0] = Some(state.builder.input());
    state.channelwise[input.0] = encoding.takes_pixels();
    for id in graph.ids() {
        if id != input && !tail.contains(&id) {
            state.place(id)?;
        }
    }
    // the tail runs from the output backwards
    let read = tail.last().map_or(output, |&first| graph.node(first).inputs[0]);
    let mut last = state.add(read, NodeKind::Readout(Readout::default()), &[state.value(read)?], read)?;
    for &id in tail.iter().rev() {
        last = state.add(id, NodeKind::Head(graph.node(id).op.clone()), &[last], id)?;
        state.roles[id.0] = Lowering::Head;
    }
    Ok(Lowered {
        network: state.builder.finish(last)?,
        targets: state.targets,
        roles: state.roles,
        copies: Copies::default(),
    })
}

struct State<'a> {
    graph: &'a Graph,
    consumers: Vec<Vec<NodeId>>,
    builder: NetworkBuilder,
    /// For each node of the trained network, the network's node that carries its value.
    values: Vec<Option<NodeId>>,
    targets: Vec<NodeId>,
    roles: Vec<Lowering>,
    /// Whether a value has passed a weighted layer since the last population.
    weighted: Vec<bool>,
    /// Whether a value is a spike train whose neurons have one threshold and base a channel.
    channelwise: Vec<bool>,
    /// Nodes after the read-out.
    tail: Vec<NodeId>,
}

impl State<'_> {
    fn place(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let node = self.graph.node(id);
        match (&node.op, node.op.role()) {
            (op, Role::Weighted | Role::Unweighted | Role::Routing) => {
                let inputs = node.inputs.iter().map(|&i| self.value(i)).collect::<Result<Vec<_>, _>>()?;
                let placed = self.add(id, NodeKind::Synapse(op.clone()), &inputs, id)?;
                self.values[id.0] = Some(placed);
                self.weighted[id.0] = op.role() == Role::Weighted || node.inputs.iter().any(|i| self.weighted[i.0]);
                self.channelwise[id.0] = match op {
                    Op::Concat(Concat { axis: 0 }) | Op::Select(_) | Op::Pad(_) => {
                        self.builder.node(placed).signal == Signal::Train
                            && node.inputs.iter().all(|i| self.channelwise[i.0])
                    }
                    _ => false,
                };
                let feeds_weights =
                    self.consumers[id.0].iter().any(|reader| self.graph.node(*reader).op.role() == Role::Weighted);
                let linear_population = self.weighted[id.0] && feeds_weights;
                if linear_population {
                    self.populate(id, Transfer::linear(), None, placed, id)?;
                }
                self.roles[id.0] = Lowering::Synapse { linear_population };
            }
            (Op::Activation(activation), _) => {
                if matches!(self.roles[id.0], Lowering::Population { pooled: true }) {
                    return Ok(()); // placed with the maximum before it
                }
                let transfer = transfer(activation);
                let value = self.value(node.inputs[0])?;
                match self.only_consumer(id) {
                    Some((reader, Op::MaxPool(pool))) if transfer.is_monotone() => {
                        let pool = pool.clone();
                        self.populate(reader, transfer, Some(pool), value, id)?;
                        self.values[id.0] = None;
                        self.roles[id.0] = Lowering::Population { pooled: true };
                        self.roles[reader.0] = Lowering::MembranePool;
                    }
                    _ => {
                        self.populate(id, transfer, None, value, id)?;
                        self.roles[id.0] = Lowering::Population { pooled: false };
                    }
                }
            }
            (Op::MaxPool(pool), _) => {
                if self.roles[id.0] != Lowering::MembranePool {
                    self.place_pool(id, node, pool)?;
                }
            }
            _ => return Err(unsupported(node, NOT_BEFORE_THE_END)),
        }
        Ok(())
    }

    /// A maximum that does not directly follow a population of its own.
    fn place_pool(&mut self, id: NodeId, node: &Node, pool: &MaxPool) -> Result<(), ConvertError> {
        let value = self.value(node.inputs[0])?;
        if self.channelwise[node.inputs[0].0] {
            self.values[id.0] = Some(self.add(id, NodeKind::MaxPool(pool.clone()), &[value], id)?);
            self.channelwise[id.0] = true;
            self.roles[id.0] = Lowering::TrainPool;
            return Ok(());
        }
        if let Some((reader, Op::Activation(activation))) = self.only_consumer(id) {
            let transfer = transfer(activation);
            if transfer.is_monotone() {
                self.populate(reader, transfer, Some(pool.clone()), value, reader)?;
                self.roles[id.0] = Lowering::MembranePool;
                self.roles[reader.0] = Lowering::Population { pooled: true };
                return Ok(());
            }
        }
        self.populate(id, Transfer::linear(), Some(pool.clone()), value, id)?;
        self.roles[id.0] = Lowering::PoolPopulation;
        Ok(())
    }

    /// Puts a population on `value`; it carries the value of `target` from now on and is named after `named`.
    fn populate(
        &mut self,
        target: NodeId,
        transfer: Transfer,
        pool: Option<MaxPool>,
        value: NodeId,
        named: NodeId,
    ) -> Result<(), ConvertError> {
        let population = Population { transfer, half_step: false, pool, ..Population::default() };
        let placed = self.add(target, NodeKind::Population(population), &[value], named)?;
        self.values[target.0] = Some(placed);
        self.weighted[target.0] = false;
        self.channelwise[target.0] = true;
        Ok(())
    }

    fn add(
        &mut self,
        target: NodeId,
        kind: NodeKind,
        inputs: &[NodeId],
        named: NodeId,
    ) -> Result<NodeId, ConvertError> {
        let id = self.builder.add(self.graph.node(named).name.clone(), kind, inputs)?;
        self.targets.push(target);
        Ok(id)
    }

    fn value(&self, id: NodeId) -> Result<NodeId, ConvertError> {
        self.values[id.0].ok_or_else(|| {
            ConvertError::Network(format!("the value of node `{}` has no place", self.graph.node(id).name))
        })
    }

    fn only_consumer(&self, id: NodeId) -> Option<(NodeId, &Op)> {
        match self.consumers[id.0].as_slice() {
            [reader] if !self.tail.contains(reader) && !self.graph.outputs().contains(&id) => {
                Some((*reader, &self.graph.node(*reader).op))
            }
            _ => None,
        }
    }
}

/// The one input and the one output.
fn ends(graph: &Graph) -> Result<(NodeId, NodeId), ConvertError> {
    let inputs: Vec<NodeId> = graph.inputs().collect();
    let &[input] = inputs.as_slice() else {
        let names: Vec<&str> = inputs.iter().map(|&i| graph.node(i).name.as_str()).collect();
        return Err(ConvertError::Network(format!(
            "the model has {} inputs ({}); export it with one",
            inputs.len(),
            names.join(", ")
        )));
    };
    let &[output] = graph.outputs() else {
        return Err(ConvertError::Network(format!(
            "the model has {} outputs; export it with the one you need",
            graph.outputs().len()
        )));
    };
    if input == output {
        return Err(ConvertError::Network("the model's output is its input; there is nothing to convert".into()));
    }
    Ok((input, output))
}

/// The operations between the last synapse and the output, from the output backwards: computed on the result, without
/// spikes.
fn tail(graph: &Graph, output: NodeId) -> Vec<NodeId> {
    let consumers = graph.consumers();
    let mut tail = Vec::new();
    let mut id = output;
    loop {
        let node = graph.node(id);
        let analog = matches!(node.op.role(), Role::Head | Role::Activation)
            || (node.op.role() == Role::Routing && node.inputs.len() == 1);
        if !analog || consumers[id.0].len() > usize::from(id != output) {
            return tail;
        }
        tail.push(id);
        id = node.inputs[0];
    }
}

/// Nodes that no placement can take, and why.
pub(crate) fn refusals(graph: &Graph) -> Result<Vec<(NodeId, &'static str)>, ConvertError> {
    let (_, output) = ends(graph)?;
    Ok(refused(graph, &tail(graph, output)))
}

const NOT_BEFORE_THE_END: &str =
    "it has no spiking counterpart except after the last layer; move it to the end or remove it";

fn refused(graph: &Graph, tail: &[NodeId]) -> Vec<(NodeId, &'static str)> {
    let reason = |id: &NodeId| {
        let node = graph.node(*id);
        match &node.op {
            Op::Activation(Activation::Leaky { slope }) => channel_slopes(slope.shape(), &node.shape)
                .is_none()
                .then_some("its slope varies within a channel; use one slope, or one a channel"),
            Op::Pad(pad) => (!pad.value.is_finite())
                .then_some("it pads with an infinite value; pad inside the pooling layer instead"),
            op => (op.role() == Role::Head && !tail.contains(id)).then_some(NOT_BEFORE_THE_END),
        }
    };
    graph.ids().filter_map(|id| reason(&id).map(|reason| (id, reason))).collect()
}

/// Number of slopes (1 or one a channel) when a slope tensor of shape `slope` has one value a channel of `shape`.
fn channel_slopes(slope: &[usize], shape: &[usize]) -> Option<usize> {
    let count: usize = slope.iter().product();
    if count == 1 {
        return Some(1);
    }
    let channels = *shape.first()?;
    // one value along the first axis, nothing along the others
    let along_first = slope.len() == shape.len() && slope[0] == channels && slope[1..].iter().all(|&n| n == 1);
    along_first.then_some(channels)
}

fn transfer(activation: &Activation) -> Transfer {
    let bound = |x: f32| x.is_finite().then_some(x);
    match activation {
        Activation::Relu => Transfer::Relu,
        Activation::Clip { low, high } => Transfer::Clip { low: bound(*low), high: bound(*high) },
        Activation::Leaky { slope } => Transfer::Leaky { slope: slope.data().to_vec() },
    }
}

fn unsupported(node: &Node, reason: &str) -> ConvertError {
    ConvertError::Unsupported { node: node.name.clone(), op: node.op.kind(), reason: reason.into() }
}
