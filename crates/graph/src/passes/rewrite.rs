//! How a rule sees the graph, and how what it answers is put in place.

use std::collections::HashSet;

use super::range::{Range, ranges};
use crate::{Graph, GraphBuilder, GraphError, Node, NodeId, Op};

/// A rule: what takes a node's place, if anything.
///
/// A rule that takes several nodes together may assume that no other rule disturbs it: each replacement is an
/// expression over the values of the graph as it stands. So that no weights are computed twice, it may absorb a node
/// with weights, or an affine map that could go into weights, only where nothing else reads that node.
pub(super) type Rule = fn(&View<'_>, NodeId) -> Option<Rewrite>;

/// The graph with what rules ask about it.
pub(super) struct View<'g> {
    graph: &'g Graph,
    consumers: Vec<Vec<NodeId>>,
    ranges: Vec<Range>,
}

impl<'g> View<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        Self { graph, consumers: graph.consumers(), ranges: ranges(graph) }
    }

    pub(super) fn node(&self, id: NodeId) -> &'g Node {
        self.graph.node(id)
    }

    pub(super) fn op(&self, id: NodeId) -> &'g Op {
        &self.node(id).op
    }

    pub(super) fn name(&self, id: NodeId) -> &'g str {
        &self.node(id).name
    }

    pub(super) fn shape(&self, id: NodeId) -> &'g [usize] {
        &self.node(id).shape
    }

    /// The input of a node that has exactly one.
    pub(super) fn input(&self, id: NodeId) -> Option<NodeId> {
        match self.node(id).inputs[..] {
            [input] => Some(input),
            _ => None,
        }
    }

    /// The nodes that read a node.
    pub(super) fn consumers(&self, id: NodeId) -> &[NodeId] {
        &self.consumers[id.0]
    }

    /// Whether a node is read exactly once, being an output counted as a reading.
    pub(super) fn sole(&self, id: NodeId) -> bool {
        self.consumers[id.0].len() + self.graph.outputs().iter().filter(|&&o| o == id).count() == 1
    }

    /// Bounds on the values of a node.
    pub(super) fn range(&self, id: NodeId) -> Range {
        self.ranges[id.0]
    }

    /// Begins an expression that is to replace a node.
    pub(super) fn sketch(&self) -> Sketch<'g> {
        Sketch { graph: self.graph, added: Vec::new() }
    }
}

/// An expression in the making: new nodes over those of the graph and over each other.
pub(super) struct Sketch<'g> {
    graph: &'g Graph,
    added: Vec<Node>,
}

impl Sketch<'_> {
    /// Adds an operation; `None` when it does not accept its inputs.
    pub(super) fn add(&mut self, name: &str, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.shape(id)).collect();
        let shape = op.output_shape(&shapes).ok()?;
        self.added.push(Node { name: name.into(), op, inputs: inputs.to_vec(), shape });
        Some(NodeId(self.graph.nodes().len() + self.added.len() - 1))
    }

    /// Shape of a node of the graph or of the expression.
    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        match id.0.checked_sub(self.graph.nodes().len()) {
            Some(own) => &self.added[own].shape,
            None => &self.graph.node(id).shape,
        }
    }

    /// The finished expression; its value is `result`.
    pub(super) fn finish(self, result: NodeId) -> Rewrite {
        let shape = self.shape(result).to_vec();
        Rewrite { added: self.added, shape, result }
    }
}

/// What takes a node's place.
pub(super) struct Rewrite {
    added: Vec<Node>,
    shape: Vec<usize>,
    result: NodeId,
}

impl Rewrite {
    /// Another node of the graph, as it is.
    pub(super) fn alias(view: &View<'_>, id: NodeId) -> Self {
        view.sketch().finish(id)
    }
}

/// Applies to each node the first rule that has an answer. `None` when no rule has one.
pub(super) fn sweep(graph: &Graph, rules: &[Rule]) -> Result<Option<Graph>, GraphError> {
    let view = View::new(graph);
    let mut builder = GraphBuilder::new();
    let mut map = Vec::with_capacity(graph.nodes().len());
    let mut changed = false;
    for id in graph.ids() {
        let node = graph.node(id);
        let rewrite = rules.iter().find_map(|rule| rule(&view, id)).filter(|rewrite| {
            debug_assert_eq!(rewrite.shape, node.shape, "a rule changes the shape of `{}`", node.name);
            rewrite.shape == node.shape
        });
        let Some(rewrite) = rewrite else {
            map.push(copy(&mut builder, node, &map)?);
            continue;
        };
        changed = true;
        // Ids of the expression: first those of the graph, then its own.
        let mut own = Vec::new();
        let place = |id: NodeId, own: &[NodeId]| match id.0.checked_sub(graph.nodes().len()) {
            Some(position) => own[position],
            None => map[id.0],
        };
        for added in &rewrite.added {
            let inputs: Vec<NodeId> = added.inputs.iter().map(|&input| place(input, &own)).collect();
            own.push(builder.add(&added.name, added.op.clone(), &inputs)?);
        }
        map.push(place(rewrite.result, &own));
    }
    if !changed {
        return Ok(None);
    }
    builder.finish(graph.outputs().iter().map(|o| map[o.0]).collect()).map(Some)
}

/// The graph without the nodes that no output needs; inputs stay.
pub(super) fn pruned(graph: &Graph) -> Result<Graph, GraphError> {
    let mut live = vec![false; graph.nodes().len()];
    for output in graph.outputs() {
        live[output.0] = true;
    }
    for id in graph.ids().rev() {
        let node = graph.node(id);
        live[id.0] |= matches!(node.op, Op::Input);
        if live[id.0] {
            node.inputs.iter().for_each(|input| live[input.0] = true);
        }
    }
    rebuilt(graph, |id| live[id.0], |node| node.name.clone())
}

/// The graph with a number added to each name that an earlier node has.
pub(super) fn distinct_names(graph: &Graph) -> Result<Graph, GraphError> {
    let mut taken: HashSet<String> = HashSet::new();
    rebuilt(
        graph,
        |_| true,
        |node| {
            let mut name = node.name.clone();
            let mut number = 2;
            while !taken.insert(name.clone()) {
                name = format!("{}:{number}", node.name);
                number += 1;
            }
            name
        },
    )
}

fn rebuilt(
    graph: &Graph,
    keep: impl Fn(NodeId) -> bool,
    mut name: impl FnMut(&Node) -> String,
) -> Result<Graph, GraphError> {
    let mut builder = GraphBuilder::new();
    let mut map = Vec::with_capacity(graph.nodes().len());
    for id in graph.ids() {
        if keep(id) {
            let node = graph.node(id);
            map.push(copy(&mut builder, &Node { name: name(node), ..node.clone() }, &map)?);
        } else {
            // Nothing that is kept reads it.
            map.push(NodeId(usize::MAX));
        }
    }
    builder.finish(graph.outputs().iter().map(|o| map[o.0]).collect())
}

/// Adds a node to the builder, its inputs taken from `map`.
pub(super) fn copy(builder: &mut GraphBuilder, node: &Node, map: &[NodeId]) -> Result<NodeId, GraphError> {
    if matches!(node.op, Op::Input) {
        return builder.input(&node.name, node.shape.clone());
    }
    let inputs: Vec<NodeId> = node.inputs.iter().map(|input| map[input.0]).collect();
    builder.add(&node.name, node.op.clone(), &inputs)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, relu};
    use super::*;
    use crate::ops::Concat;

    #[test]
    fn dead_nodes_go_and_inputs_stay() {
        let mut chain = Chain::new(&[2]);
        let x = chain.last();
        chain.add_input("unused", &[3]);
        chain.on("dead", relu(), &[x]);
        let live = chain.on("live", relu(), &[x]);
        let graph = pruned(&chain.finish(live)).unwrap();
        let names: Vec<&str> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["x", "unused", "live"]);
    }

    #[test]
    fn names_become_distinct() {
        let mut chain = Chain::new(&[2]);
        let x = chain.last();
        let a = chain.on("a", relu(), &[x]);
        let b = chain.on("a", relu(), &[x]);
        let c = chain.on("a:2", Op::Concat(Concat { axis: 0 }), &[a, b]);
        let graph = distinct_names(&chain.finish(c)).unwrap();
        let names: Vec<&str> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["x", "a", "a:2", "a:2:2"]);
    }
}
