use std::collections::{BTreeMap, HashSet};

use crate::{Array, GraphError, Node};

/// What a file says beside what NIR defines. Nothing may rely on it, except who wrote it.
pub type Metadata = BTreeMap<String, Meta>;

/// An entry of the metadata.
#[derive(Debug, Clone, PartialEq)]
pub enum Meta {
    /// Text.
    Text(String),
    /// Numbers; a scalar has no axes.
    Numbers(Array),
    /// Entries under a name.
    Group(Metadata),
}

/// A node with its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    /// Unique in its graph; without `/`.
    pub name: String,
    /// What it computes.
    pub node: Node,
    /// What its file says beside that.
    pub metadata: Metadata,
}

/// Nodes and the edges along which values travel. What reaches a node by several edges adds up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The nodes, in the order of their file.
    pub nodes: Vec<Element>,
    /// From which node to which.
    pub edges: Vec<(String, String)>,
    /// What its file says beside that.
    pub metadata: Metadata,
}

impl Graph {
    /// Deepest nesting of graphs.
    pub const DEEPEST: usize = 16;

    /// Adds a node.
    pub fn add(&mut self, name: impl Into<String>, node: Node) {
        self.nodes.push(Element { name: name.into(), node, metadata: Metadata::new() });
    }

    /// Adds an edge.
    pub fn connect(&mut self, from: impl Into<String>, to: impl Into<String>) {
        self.edges.push((from.into(), to.into()));
    }

    /// The node of this name.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|element| element.name == name).map(|element| &element.node)
    }

    /// Names of the nodes where samples enter.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        self.names(|node| matches!(node, Node::Input(_)))
    }

    /// Names of the nodes where results leave.
    pub fn outputs(&self) -> impl Iterator<Item = &str> {
        self.names(|node| matches!(node, Node::Output(_)))
    }

    fn names(&self, of: impl Fn(&Node) -> bool) -> impl Iterator<Item = &str> {
        self.nodes.iter().filter(move |element| of(&element.node)).map(|element| element.name.as_str())
    }

    /// Checks names and edges, in graphs of graphs too.
    ///
    /// # Errors
    /// When a name is taken twice or cannot be a name, an edge leads from or to a node that is not there or is there twice,
    /// or graphs are nested too deeply.
    pub fn check(&self) -> Result<(), GraphError> {
        self.check_inside("", 0)
    }

    fn check_inside(&self, prefix: &str, depth: usize) -> Result<(), GraphError> {
        if depth > Self::DEEPEST {
            return Err(GraphError::node(
                prefix.trim_end_matches('.'),
                format!("graphs are nested more than {} deep", Self::DEEPEST),
            ));
        }
        let mut names = HashSet::new();
        for Element { name, node, .. } in &self.nodes {
            let full = format!("{prefix}{name}");
            if name.is_empty() || name == "." || name.contains(['/', '\0']) {
                return Err(GraphError::node(full, "a name is one or more characters without `/`"));
            }
            if !names.insert(name.as_str()) {
                return Err(GraphError::node(full, "another node has the same name"));
            }
            if let Node::Graph(graph) = node {
                graph.check_inside(&format!("{full}."), depth + 1)?;
            }
        }
        let mut edges = HashSet::new();
        for (from, to) in &self.edges {
            for end in [from, to] {
                if !names.contains(end.as_str()) {
                    return Err(GraphError::node(
                        format!("{prefix}{end}"),
                        format!("the edge from `{from}` to `{to}` names it, and there is no such node"),
                    ));
                }
            }
            if !edges.insert((from, to)) {
                return Err(GraphError::node(
                    format!("{prefix}{to}"),
                    format!("the edge from `{from}` is there twice"),
                ));
            }
        }
        Ok(())
    }
}
