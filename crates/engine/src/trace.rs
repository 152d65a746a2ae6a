//! All values of a windowed network at once, and what becomes of the result when one of them is another.

use spikeconverter_graph::{Graph, NodeId, Op};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use crate::folded::generate;
use crate::kernels::{Compiled, compile};
use crate::{Ann, Batch, EngineError};

/// Runs a windowed network node by node, each window folded into one pass, and keeps every value.
pub struct Tracer<'a> {
    network: &'a SpikingNetwork,
    /// Of synapses, maxima and heads; of a population, its maximum over membranes.
    kernels: Vec<Option<Compiled>>,
}

/// The values of a network on some samples, by node.
pub struct Trace {
    values: Vec<Value>,
}

/// What a node computed.
struct Value {
    sent: Batch,
    /// Of a population: membranes and codes.
    membranes: Option<Batch>,
    codes: Option<Batch<i32>>,
}

impl Trace {
    /// What a node's readers get: decoded trains, currents, or values.
    pub fn sent(&self, id: NodeId) -> &Batch {
        &self.values[id.0].sent
    }

    /// The membranes of a population at the hand-over: after its maximum, without initial potentials.
    pub fn membranes(&self, id: NodeId) -> Option<&Batch> {
        self.values[id.0].membranes.as_ref()
    }

    /// The codes of a population's trains, as engines show them.
    pub fn codes(&self, id: NodeId) -> Option<&Batch<i32>> {
        self.values[id.0].codes.as_ref()
    }
}

impl<'a> Tracer<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Simulation`] when the network is streaming, [`EngineError::Online`] when it is online,
    /// [`EngineError::Op`] when a node does not fit its inputs.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        crate::check_whole_windows("folded", network)?;
        let kernel = |id: NodeId| {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            let pool;
            let op = match &node.kind {
                NodeKind::Synapse(op) | NodeKind::Head(op) => op,
                NodeKind::MaxPool(window) => {
                    pool = Op::MaxPool(window.clone());
                    &pool
                }
                NodeKind::Population(population) => {
                    let Some(window) = &population.pool else { return Ok(None) };
                    pool = Op::MaxPool(window.clone());
                    &pool
                }
                NodeKind::Input(_) | NodeKind::Readout(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                    return Ok(None);
                }
            };
            compile(op, &shapes).map(|kernel| Some(kernel.named(format!("node `{}`", node.name))))
        };
        Ok(Self { network, kernels: network.ids().map(kernel).collect::<Result<_, _>>()? })
    }

    /// Runs samples through the network.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the network.
    pub fn run(&self, samples: &Batch) -> Result<Trace, EngineError> {
        crate::check_samples(self.network, samples)?;
        let mut trace = Trace { values: Vec::with_capacity(self.kernels.len()) };
        for id in self.network.ids() {
            let inputs: Vec<&Batch> = self.network.node(id).inputs.iter().map(|i| trace.sent(*i)).collect();
            let value = self.compute(id, samples, &inputs)?;
            trace.values.push(value);
        }
        Ok(trace)
    }

    /// The result where node `id` sends `sent` instead of what it sent in `trace`.
    ///
    /// # Errors
    /// [`EngineError`] when `sent` is not as many values as the node sends.
    pub fn result_with(&self, trace: &Trace, id: NodeId, sent: Batch) -> Result<Batch, EngineError> {
        let samples = trace.sent(NodeId(0));
        resume(
            &self.network.nodes().iter().map(|node| node.inputs.as_slice()).collect::<Vec<_>>(),
            |at| Some(trace.sent(at)),
            (id, sent),
            self.network.output(),
            |at, inputs| self.compute(at, samples, inputs).map(|value| value.sent),
        )
    }

    fn compute(&self, id: NodeId, samples: &Batch, inputs: &[&Batch]) -> Result<Value, EngineError> {
        let plain = |sent| Value { sent, membranes: None, codes: None };
        let applied = match &self.kernels[id.0] {
            Some(kernel) => kernel.run(inputs)?,
            None => inputs.first().map_or(samples, |input| *input).clone(),
        };
        Ok(match &self.network.node(id).kind {
            NodeKind::Population(population) => {
                let membranes = applied;
                let (sent, codes) = generate(population, self.network.time_steps(), membranes.clone())?;
                Value { sent, membranes: Some(membranes), codes: Some(codes) }
            }
            NodeKind::Readout(readout) => {
                let mut result = applied;
                let size = result.volume();
                crate::kernels::add_initial(&readout.initial, result.data_mut(), size);
                plain(result)
            }
            _ => plain(applied),
        })
    }
}

/// The first result of a trained network where node `id` has `value` instead of what it has in `values`, which are those of
/// all nodes that the others are computed from.
///
/// # Errors
/// [`EngineError`] when a value that is needed is missing or does not fit.
pub fn ann_result_with(
    graph: &Graph,
    ann: &Ann,
    values: &[Option<Batch>],
    id: NodeId,
    value: Batch,
) -> Result<Batch, EngineError> {
    let output = *graph.outputs().first().ok_or(EngineError::NoNode { nodes: graph.nodes().len(), id: 0 })?;
    resume(
        &graph.nodes().iter().map(|node| node.inputs.as_slice()).collect::<Vec<_>>(),
        |at| values[at.0].as_ref(),
        (id, value),
        output,
        |at, inputs| ann.run_node(at, inputs),
    )
}

/// Computes what depends on a changed value, in topological order, up to the result.
fn resume<'v>(
    inputs: &[&[NodeId]],
    known: impl Fn(NodeId) -> Option<&'v Batch>,
    (changed, value): (NodeId, Batch),
    output: NodeId,
    compute: impl Fn(NodeId, &[&Batch]) -> Result<Batch, EngineError>,
) -> Result<Batch, EngineError> {
    let missing = |id: NodeId| EngineError::NoNode { nodes: inputs.len(), id: id.0 };
    let mut last = vec![0; inputs.len()];
    for (at, inputs) in inputs.iter().enumerate() {
        inputs.iter().for_each(|input| last[input.0] = at);
    }
    let mut again: Vec<Option<Batch>> = vec![None; inputs.len()];
    again[changed.0] = Some(value);
    for at in changed.0 + 1..inputs.len() {
        if inputs[at].iter().any(|input| again[input.0].is_some()) {
            let read: Option<Vec<&Batch>> =
                inputs[at].iter().map(|&input| again[input.0].as_ref().or(known(input))).collect();
            again[at] = Some(compute(NodeId(at), &read.ok_or_else(|| missing(NodeId(at)))?)?);
        }
        for input in inputs[at] {
            // a value that nothing reads any more, unless it is the result
            if last[input.0] == at && *input != output {
                again[input.0] = None;
            }
        }
    }
    again[output.0].take().or_else(|| known(output).cloned()).ok_or_else(|| missing(output))
}
