use crate::ops::check_volume;
use crate::{GraphError, Op};

/// Position of a node in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub usize);

/// One operation with its single result.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The name in the user's file (or, where the file has none, the name of its result).
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// What it reads, in the operation's order; each comes before this node.
    pub inputs: Vec<NodeId>,
    /// Shape of the result, per sample.
    pub shape: Vec<usize>,
}

/// A trained network in topological order: a node reads only nodes before it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<NodeId>,
}

impl Graph {
    /// The nodes, inputs included, in topological order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with this id.
    ///
    /// # Panics
    /// When the id is not of this graph.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The results of the network, in the file's order.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// Ids in topological order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = NodeId> + ExactSizeIterator + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The network's inputs ([`Op::Input`] nodes), in order.
    pub fn inputs(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ids().filter(|&id| matches!(self.node(id).op, Op::Input))
    }

    /// For each node, the nodes that read it (a node that reads it twice is listed twice).
    pub fn consumers(&self) -> Vec<Vec<NodeId>> {
        let mut consumers = vec![Vec::new(); self.nodes.len()];
        for id in self.ids() {
            for input in &self.node(id).inputs {
                consumers[input.0].push(id);
            }
        }
        consumers
    }

    /// Multiply-accumulate operations for one sample (convolutions and matrix products; padding counted).
    pub fn macs(&self) -> u64 {
        self.ids()
            .map(|id| {
                let node = self.node(id);
                let inputs: Vec<&[usize]> = node.inputs.iter().map(|&i| self.node(i).shape.as_slice()).collect();
                node.op.macs(&inputs, &node.shape)
            })
            .sum()
    }

    /// Checks that all weights are finite.
    ///
    /// # Errors
    /// [`GraphError::NonFinite`] naming the first offending node.
    pub fn check_finite(&self) -> Result<(), GraphError> {
        for node in &self.nodes {
            for (what, tensor) in node.op.tensors() {
                if let Some((position, value)) = tensor.first_non_finite() {
                    return Err(GraphError::NonFinite {
                        node: node.name.clone(),
                        what,
                        value: value.to_string(),
                        position,
                    });
                }
            }
        }
        Ok(())
    }
}

/// Builds a [`Graph`] node by node, inferring and checking shapes.
#[derive(Debug, Clone, Default)]
pub struct GraphBuilder {
    graph: Graph,
}

impl GraphBuilder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an input of the given per-sample shape.
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the shape is empty of elements or beyond the bound on a value's size.
    pub fn input(&mut self, name: impl Into<String>, shape: Vec<usize>) -> Result<NodeId, GraphError> {
        let name = name.into();
        let shape = check_volume(shape).map_err(|reason| GraphError::Shape {
            node: name.clone(),
            op: Op::Input.kind(),
            reason,
        })?;
        self.graph.nodes.push(Node { name, op: Op::Input, inputs: Vec::new(), shape });
        Ok(NodeId(self.graph.nodes.len() - 1))
    }

    /// Adds an operation on earlier nodes.
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the operation does not accept its inputs, [`GraphError::Order`] when an input
    /// is not an earlier node.
    pub fn add(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId]) -> Result<NodeId, GraphError> {
        let name = name.into();
        if let Some(late) = inputs.iter().find(|i| i.0 >= self.graph.nodes.len()) {
            return Err(GraphError::Order { node: name, input: late.0 });
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&i| self.graph.node(i).shape.as_slice()).collect();
        let shape = op.output_shape(&shapes).map_err(|reason| GraphError::Shape {
            node: name.clone(),
            op: op.kind(),
            reason,
        })?;
        self.graph.nodes.push(Node { name, op, inputs: inputs.to_vec(), shape });
        Ok(NodeId(self.graph.nodes.len() - 1))
    }

    /// Shape of a node added before.
    pub fn shape(&self, id: NodeId) -> &[usize] {
        &self.graph.node(id).shape
    }

    /// The graph as built so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Finishes the graph with its results.
    ///
    /// # Errors
    /// [`GraphError::NoOutput`] when there is none or one is not a node.
    pub fn finish(mut self, outputs: Vec<NodeId>) -> Result<Graph, GraphError> {
        if outputs.is_empty() || outputs.iter().any(|o| o.0 >= self.graph.nodes.len()) {
            return Err(GraphError::NoOutput);
        }
        self.graph.outputs = outputs;
        Ok(self.graph)
    }
}
