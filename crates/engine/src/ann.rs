//! Runs the trained network itself, at full precision.

use std::sync::{Mutex, OnceLock};

use rayon::prelude::*;
use spikeconverter_graph::{Graph, NodeId, Op};

use crate::float::{self, Kind, Memory, Part, Program};
use crate::kernels::{Compiled, Threads, compile_node};
use crate::{Batch, EngineError};

/// A trained network, ready to run: its weights are packed and its buffers planned.
pub struct Ann {
    nodes: Vec<Node>,
    inputs: Vec<NodeId>,
    outputs: Vec<NodeId>,
    program: Program,
    /// Memory of past runs.
    spare: Mutex<Vec<Memory>>,
}

struct Node {
    name: String,
    shape: Vec<usize>,
    inputs: Vec<NodeId>,
    op: Op,
    /// For running the node by itself, once someone does.
    kernel: OnceLock<Compiled>,
    /// The nodes that are read for the last time here.
    dead: Vec<NodeId>,
}

impl Ann {
    /// Prepares a graph.
    ///
    /// # Errors
    /// [`EngineError::Op`] when a node does not fit its inputs.
    pub fn new(graph: &Graph) -> Result<Self, EngineError> {
        let last = last_uses(graph);
        let node = |(id, node): (NodeId, &spikeconverter_graph::Node)| {
            let mut dead: Vec<NodeId> = node.inputs.iter().copied().filter(|i| last[i.0] == Some(id)).collect();
            if last[id.0].is_none() {
                dead.push(id);
            }
            dead.sort_unstable();
            dead.dedup();
            let (name, shape, inputs) = (node.name.clone(), node.shape.clone(), node.inputs.clone());
            Node { name, shape, inputs, op: node.op.clone(), kernel: OnceLock::new(), dead }
        };
        let nodes: Vec<Node> = graph.ids().zip(graph.nodes()).map(node).collect();
        let program = Program::new(&nodes.iter().map(Node::seen).collect::<Vec<_>>(), graph.outputs(), 0)?;
        let (inputs, outputs) = (graph.inputs().collect(), graph.outputs().to_vec());
        Ok(Self { nodes, inputs, outputs, program, spare: Mutex::default() })
    }

    /// The network's inputs, in order.
    pub fn inputs(&self) -> &[NodeId] {
        &self.inputs
    }

    /// The network's results, in order.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// Per-sample shape of a node's result; `None` for a node that the network does not have.
    pub fn shape(&self, id: NodeId) -> Option<&[usize]> {
        self.nodes.get(id.0).map(|node| node.shape.as_slice())
    }

    /// Runs the network on a batch for each of its inputs and gives a batch for each of its results. Samples are
    /// divided among the threads of the current rayon pool.
    ///
    /// # Errors
    /// When the batches' number, shapes or sample counts are not what the network takes.
    pub fn run(&self, inputs: &[Batch]) -> Result<Vec<Batch>, EngineError> {
        let count = self.check(inputs)?;
        let mut results = self
            .outputs
            .iter()
            .map(|&id| Batch::full(count, self.nodes[id.0].shape.clone(), 0.0))
            .collect::<Result<Vec<_>, _>>()?;
        if count == 0 {
            return Ok(results);
        }
        let threads = rayon::current_num_threads();
        let chunk = self.program.chunk(count, threads);
        let inside = if count < threads { Threads::Pool } else { Threads::One };
        let mut parts: Vec<Part<'_>> = (0..count)
            .step_by(chunk)
            .map(|first| {
                let samples = chunk.min(count - first);
                let of = |input: &Batch| first * input.volume()..(first + samples) * input.volume();
                let inputs = inputs.iter().map(|input| &input.data()[of(input)]).collect();
                Part { samples, inputs, outputs: Vec::new(), codes: Vec::new() }
            })
            .collect();
        for result in &mut results {
            let size = chunk * result.volume();
            for (part, slice) in parts.iter_mut().zip(result.data_mut().chunks_mut(size)) {
                part.outputs.push(slice);
            }
        }
        match inside {
            Threads::Pool => parts.iter_mut().for_each(|part| self.run_part(part, inside)),
            Threads::One => parts.par_iter_mut().for_each(|part| self.run_part(part, inside)),
        }
        Ok(results)
    }

    fn run_part(&self, part: &mut Part<'_>, threads: Threads) {
        let mut memory = self.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
        self.program.run(part, &mut memory, threads, None);
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(memory);
        }
    }

    /// Runs one node on its inputs' values.
    ///
    /// # Errors
    /// [`EngineError::NoNode`] when there is no such node, [`EngineError::InputCount`] for an input of the network
    /// (which computes nothing), and when the batches are not what the node takes.
    pub fn run_node(&self, id: NodeId, inputs: &[&Batch]) -> Result<Batch, EngineError> {
        let node = self.nodes.get(id.0).ok_or(EngineError::NoNode { nodes: self.nodes.len(), id: id.0 })?;
        match self.kernel(node)? {
            Some(kernel) => kernel.run(inputs),
            None => match inputs {
                [batch] if batch.shape() == node.shape => Ok((*batch).clone()),
                [batch] => Err(EngineError::InputShape {
                    what: format!("input `{}`", node.name),
                    expected: node.shape.clone(),
                    found: batch.shape().to_vec(),
                }),
                _ => {
                    let what = format!("input `{}`", node.name);
                    Err(EngineError::InputCount { what, expected: 1, found: inputs.len() })
                }
            },
        }
    }

    /// Runs the network and shows `observe` every node's result, inputs included, in topological order. A result is
    /// dropped as soon as nothing reads it any more.
    ///
    /// # Errors
    /// As [`Ann::run`].
    pub fn run_observed(
        &self,
        inputs: &[Batch],
        mut observe: impl FnMut(NodeId, &Batch),
    ) -> Result<Vec<Batch>, EngineError> {
        self.check(inputs)?;
        let mut values: Vec<Option<Batch>> = self.nodes.iter().map(|_| None).collect();
        let mut results: Vec<Option<Batch>> = self.outputs.iter().map(|_| None).collect();
        let mut given = inputs.iter();
        for (i, node) in self.nodes.iter().enumerate() {
            let value = match self.kernel(node)? {
                None => given.next().cloned(),
                Some(kernel) => {
                    let read: Vec<&Batch> = node.inputs.iter().filter_map(|id| values[id.0].as_ref()).collect();
                    Some(kernel.run(&read)?)
                }
            };
            if let Some(value) = &value {
                observe(NodeId(i), value);
                for (result, &id) in results.iter_mut().zip(&self.outputs) {
                    if id == NodeId(i) {
                        *result = Some(value.clone());
                    }
                }
            }
            values[i] = value;
            for id in &node.dead {
                values[id.0] = None;
            }
        }
        Ok(results.into_iter().flatten().collect())
    }

    fn check(&self, inputs: &[Batch]) -> Result<usize, EngineError> {
        if inputs.len() != self.inputs.len() {
            let (expected, found) = (self.inputs.len(), inputs.len());
            return Err(EngineError::InputCount { what: "the network".into(), expected, found });
        }
        let first = inputs.first().map_or(0, Batch::count);
        for (input, id) in inputs.iter().zip(&self.inputs) {
            let node = &self.nodes[id.0];
            if input.shape() != node.shape {
                return Err(EngineError::InputShape {
                    what: format!("input `{}`", node.name),
                    expected: node.shape.clone(),
                    found: input.shape().to_vec(),
                });
            }
            if input.count() != first {
                return Err(EngineError::SampleCount { what: "the network".into(), first, other: input.count() });
            }
        }
        Ok(first)
    }

    /// The kernel of a node by itself; `None` for an input.
    fn kernel<'s>(&'s self, node: &'s Node) -> Result<Option<&'s Compiled>, EngineError> {
        if matches!(node.op, Op::Input) {
            return Ok(None);
        }
        if node.kernel.get().is_none() {
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| self.nodes[i.0].shape.as_slice()).collect();
            // another thread may have been first, with the same kernel
            let _ = node.kernel.set(compile_node(&node.name, &node.op, &shapes)?);
        }
        Ok(node.kernel.get())
    }
}

impl Node {
    /// What a program is made from.
    fn seen(&self) -> float::Node<'_> {
        let kind = if matches!(self.op, Op::Input) { Kind::Input } else { Kind::Op(&self.op) };
        float::Node { name: &self.name, kind, inputs: &self.inputs, shape: &self.shape }
    }
}

/// For each node, the last node that reads it.
fn last_uses(graph: &Graph) -> Vec<Option<NodeId>> {
    graph.consumers().iter().map(|consumers| consumers.iter().copied().max()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use spikeconverter_graph::volume;

    use super::*;
    use crate::literal;
    use crate::testing::{Dice, assert_close};

    /// All nodes' values for one sample, in `f64`.
    fn literal_values(graph: &Graph, inputs: &[Batch], sample: usize) -> Vec<Vec<f64>> {
        let mut values: Vec<Vec<f64>> = Vec::new();
        let mut given = inputs.iter();
        for node in graph.nodes() {
            let value = if matches!(node.op, Op::Input) {
                given.next().unwrap().sample(sample).iter().map(|&x| f64::from(x)).collect()
            } else {
                let read: Vec<(&[usize], &[f64])> =
                    node.inputs.iter().map(|&i| (graph.node(i).shape.as_slice(), values[i.0].as_slice())).collect();
                literal::apply(&node.op, &read, true).unwrap()
            };
            values.push(value);
        }
        values
    }

    fn check(seed: u64, nodes: usize) {
        let mut dice = Dice(seed);
        let graph = dice.graph(nodes);
        let count = dice.pick(1, 9);
        let inputs: Vec<Batch> = graph
            .inputs()
            .map(|id| {
                let shape = graph.node(id).shape.clone();
                let values = dice.values(count * volume(&shape));
                Batch::new(count, shape, values).unwrap()
            })
            .collect();
        let ann = Ann::new(&graph).unwrap();
        let results = ann.run(&inputs).unwrap();
        for i in 0..count {
            let expected = literal_values(&graph, &inputs, i);
            for (result, id) in results.iter().zip(graph.outputs()) {
                assert_close(result.sample(i), &expected[id.0], 1e-3, &graph.nodes());
            }
        }
        // Stepping through the nodes shows all of them, and results that only rounding distinguishes.
        let mut seen = 0;
        let observed = ann.run_observed(&inputs, |id, batch| {
            assert_eq!((id.0, batch.shape()), (seen, ann.shape(id).unwrap()));
            seen += 1;
        });
        assert_eq!(seen, graph.nodes().len());
        for (stepped, result) in observed.unwrap().iter().zip(&results) {
            let wide: Vec<f64> = result.data().iter().map(|&x| x.into()).collect();
            assert_close(stepped.data(), &wide, 1e-3, &graph.nodes());
        }
        // Neither the number of threads nor that of samples changes a bit.
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| ann.run(&inputs)).unwrap(), results);
            let one = |batch: &Batch| Batch::new(1, batch.shape().to_vec(), batch.sample(count - 1).to_vec()).unwrap();
            let last: Vec<Batch> = inputs.iter().map(one).collect();
            for (alone, all) in pool.install(|| ann.run(&last)).unwrap().iter().zip(&results) {
                assert_eq!(alone.sample(0), all.sample(count - 1));
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]
        #[test]
        fn agrees_with_the_literal_operations(seed: u64, nodes in 3usize..12) {
            check(seed, nodes);
        }
    }

    #[test]
    fn wrong_inputs_are_errors() {
        let ann = Ann::new(&Dice(1).graph(5)).unwrap();
        let shapes: Vec<_> = ann.inputs().iter().map(|&id| ann.shape(id).unwrap().to_vec()).collect();
        let batch = |count, i: usize| Batch::full(count, shapes[i].clone(), 0.0).unwrap();
        let other = Batch::full(1, vec![1], 0.0).unwrap();
        assert!(ann.run(&[batch(1, 0)]).is_err());
        assert!(ann.run(&[batch(1, 0), batch(2, 1)]).is_err());
        assert!(ann.run(&[batch(1, 0), other.clone()]).unwrap_err().to_string().contains("input `right`"));
        assert!(ann.run_node(NodeId(99), &[]).is_err());
        assert!(ann.run_node(NodeId(0), &[]).is_err());
        assert!(ann.run_node(NodeId(0), &[&other]).is_err());
        assert_eq!(ann.run(&[batch(0, 0), batch(0, 1)]).unwrap()[0].count(), 0);
    }
}
