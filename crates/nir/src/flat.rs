use std::collections::HashMap;

use crate::{Graph, GraphError, Node};

/// A graph whose inner graphs are taken apart: their nodes are `outer.inner`, their inputs and outputs pass on what reaches
/// them.
pub(crate) struct Flat<'g> {
    pub(crate) names: Vec<String>,
    pub(crate) nodes: Vec<&'g Node>,
    /// For each node the nodes it hears.
    pub(crate) hears: Vec<Vec<usize>>,
    /// The outermost inputs.
    pub(crate) inputs: Vec<usize>,
    /// The outermost outputs.
    pub(crate) outputs: Vec<usize>,
}

impl<'g> Flat<'g> {
    pub(crate) fn new(graph: &'g Graph) -> Result<Self, GraphError> {
        graph.check()?;
        let mut flat =
            Self { names: Vec::new(), nodes: Vec::new(), hears: Vec::new(), inputs: Vec::new(), outputs: Vec::new() };
        let ends = flat.add(graph, "")?;
        flat.inputs.extend(ends.0);
        flat.outputs.extend(ends.1);
        Ok(flat)
    }

    /// Adds the nodes of a graph; its inputs and outputs.
    fn add(&mut self, graph: &'g Graph, prefix: &str) -> Result<(Vec<usize>, Vec<usize>), GraphError> {
        // where edges to a name end, and where those from it begin
        let mut ends = HashMap::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for element in &graph.nodes {
            let name = format!("{prefix}{}", element.name);
            let end = if let Node::Graph(inner) = &element.node {
                match self.add(inner, &format!("{name}."))? {
                    (inputs, outputs) if inputs.len() == 1 && outputs.len() == 1 => (inputs[0], outputs[0]),
                    (inputs, outputs) => {
                        let (inputs, outputs) = (inputs.len(), outputs.len());
                        let reason =
                            format!("is a graph with {inputs} inputs and {outputs} outputs; one of each is supported");
                        return Err(GraphError::node(name, reason));
                    }
                }
            } else {
                let at = self.nodes.len();
                match element.node {
                    Node::Input(_) => inputs.push(at),
                    Node::Output(_) => outputs.push(at),
                    _ => {}
                }
                self.names.push(name);
                self.nodes.push(&element.node);
                self.hears.push(Vec::new());
                (at, at)
            };
            ends.insert(element.name.as_str(), end);
        }
        for (from, to) in &graph.edges {
            // the graph has been checked: both are there
            if let (Some(from), Some(to)) = (ends.get(from.as_str()), ends.get(to.as_str())) {
                self.hears[to.0].push(from.1);
            }
        }
        Ok((inputs, outputs))
    }
}
