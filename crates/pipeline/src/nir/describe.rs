//! What a NIR file holds.

use std::path::Path;

use serde::Serialize;
use spikeconverter_nir::{Array, Graph, Meta, Metadata, Shapes};

use super::graph_error;
use crate::Result;

/// What a NIR file holds.
#[derive(Debug, Clone, Serialize)]
pub struct NirDescription {
    /// The file.
    pub file: String,
    /// Neurons that fire.
    pub neurons: usize,
    /// Numbers of all parameters.
    pub parameters: usize,
    /// The nodes; those of inner graphs are `outer.inner`.
    pub nodes: Vec<NirNode>,
    /// Metadata of the graph, `group/entry`, with its text or numbers.
    pub metadata: Vec<(String, String)>,
}

/// A node of a NIR file.
#[derive(Debug, Clone, Serialize)]
pub struct NirNode {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: &'static str,
    /// Shape of what it sends.
    pub shape: Vec<usize>,
    /// The nodes that it hears.
    pub hears: Vec<String>,
    /// Its parameters: name and shape, and the number where all are the same.
    pub parameters: Vec<(&'static str, Vec<usize>, Option<f64>)>,
}

/// Reads a NIR file and says what it holds.
///
/// # Errors
/// When it is no NIR file, or its shapes do not fit.
pub fn describe_nir(path: &Path) -> Result<NirDescription> {
    let graph = Graph::read(path)?;
    let shapes = Shapes::of(&graph).map_err(|source| graph_error(path, source))?;
    let mut nodes = Vec::new();
    describe_nodes(&graph, "", &shapes, &mut nodes);
    let spiking = |node: &&NirNode| matches!(node.kind, "IF" | "LIF" | "CubaLIF");
    let mut metadata = Vec::new();
    describe_metadata(&graph.metadata, "", &mut metadata);
    Ok(NirDescription {
        file: path.display().to_string(),
        neurons: nodes.iter().filter(spiking).map(|node| node.shape.iter().product::<usize>()).sum(),
        parameters: nodes.iter().flat_map(|n| &n.parameters).map(|(_, shape, _)| shape.iter().product::<usize>()).sum(),
        nodes,
        metadata,
    })
}

fn describe_nodes(graph: &Graph, prefix: &str, shapes: &Shapes, into: &mut Vec<NirNode>) {
    for element in &graph.nodes {
        let name = format!("{prefix}{}", element.name);
        let hears = graph.edges.iter().filter(|(_, to)| *to == element.name).map(|(from, _)| format!("{prefix}{from}"));
        let same = |array: &Array| array.data().iter().all(|x| *x == array.data()[0]).then(|| array.data()[0]);
        let parameters = element.node.arrays().into_iter();
        into.push(NirNode {
            kind: element.node.kind(),
            shape: shapes.get(&name).unwrap_or_default().to_vec(),
            hears: hears.collect(),
            parameters: parameters.map(|(name, array)| (name, array.shape().to_vec(), same(array))).collect(),
            name: name.clone(),
        });
        if let spikeconverter_nir::Node::Graph(inner) = &element.node {
            describe_nodes(inner, &format!("{name}."), shapes, into);
        }
    }
}

fn describe_metadata(metadata: &Metadata, prefix: &str, into: &mut Vec<(String, String)>) {
    for (name, meta) in metadata {
        let name = format!("{prefix}{name}");
        match meta {
            Meta::Text(text) => into.push((name, text.clone())),
            Meta::Numbers(array) => match array.data() {
                &[only] => into.push((name, only.to_string())),
                _ => into.push((name, format!("numbers of shape {:?}", array.shape()))),
            },
            Meta::Group(inner) => describe_metadata(inner, &format!("{name}/"), into),
        }
    }
}
