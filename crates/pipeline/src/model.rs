//! A trained network's file, opened.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use spikeconverter_graph::passes::normalise;
use spikeconverter_graph::{Graph, Node, Op, volume};
use spikeconverter_onnx::ImportOptions;

use crate::{Error, Result};

/// A trained network in normal form, with the file it came from.
#[derive(Debug, Clone)]
pub struct Model {
    path: PathBuf,
    sha256: String,
    graph: Graph,
}

impl Model {
    /// Imports an ONNX file and brings the network to its normal form. `input_shape` replaces the shape that the file
    /// declares for its input (per sample, without the batch axis).
    ///
    /// # Errors
    /// When the file cannot be read or imported, or does not have exactly one input.
    pub fn open(path: &Path, input_shape: Option<Vec<usize>>) -> Result<Self> {
        let options = ImportOptions { input_shape, ..ImportOptions::default() };
        let graph = spikeconverter_onnx::import(path, &options)?.into_graph(&path.display().to_string())?;
        let graph = normalise(&graph).map_err(|source| Error::Graph { file: path.to_owned(), source })?;
        let found = graph.inputs().count();
        if found != 1 {
            return Err(Error::Inputs { file: path.to_owned(), found });
        }
        Ok(Self { path: path.to_owned(), sha256: sha256(path)?, graph })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's name, without its folder.
    pub fn name(&self) -> String {
        file_name(&self.path)
    }

    /// SHA-256 of the file, hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The network in normal form.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Shape of the input, per sample.
    pub fn input_shape(&self) -> &[usize] {
        input_node(&self.graph).map_or(&[], |node| &node.shape)
    }

    /// Number of values of the first output: the classes of a classifier.
    pub fn classes(&self) -> usize {
        classes(&self.graph)
    }
}

/// The first input of a graph.
pub(crate) fn input_node(graph: &Graph) -> Option<&Node> {
    graph.inputs().next().map(|id| graph.node(id))
}

/// Number of values of the first output, or of those that it is the largest of.
pub(crate) fn classes(graph: &Graph) -> usize {
    let Some(&output) = graph.outputs().first() else { return 0 };
    let mut id = output;
    loop {
        let node = graph.node(id);
        match &node.op {
            Op::ArgMax(argmax) => return graph.node(node.inputs[0]).shape[argmax.axis],
            Op::Reshape(_) => id = node.inputs[0],
            _ => return volume(&graph.node(output).shape),
        }
    }
}

/// Number of trained parameters.
pub(crate) fn parameters(graph: &Graph) -> usize {
    graph.nodes().iter().flat_map(|node| node.op.tensors()).map(|(_, tensor)| tensor.len()).sum()
}

pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// SHA-256 of a file, hexadecimal.
pub(crate) fn sha256(path: &Path) -> Result<String> {
    let failed = |source| Error::Read { file: path.to_owned(), source };
    let mut file = File::open(path).map_err(failed)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
    }
    Ok(hasher.finalize().iter().fold(String::new(), |mut text, byte| {
        // writing to a string does not fail
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{ArgMax, Linear, Op, Reshape};
    use spikeconverter_graph::{GraphBuilder, Tensor};

    use super::*;

    #[test]
    fn an_argmax_tells_as_many_classes_as_it_chooses_from() {
        let mut graph = GraphBuilder::new();
        let x = graph.input("x", vec![4]).unwrap();
        let linear = Linear { weight: Tensor::full(vec![7, 4], 1.0), bias: None };
        let y = graph.add("fc", Op::Linear(linear), &[x]).unwrap();
        assert_eq!(classes(&graph.clone().finish(vec![y]).unwrap()), 7);
        let z = graph.add("argmax", Op::ArgMax(ArgMax { axis: 0, keep: true, select_last: false }), &[y]).unwrap();
        let z = graph.add("scalar", Op::Reshape(Reshape { shape: vec![] }), &[z]).unwrap();
        assert_eq!(classes(&graph.finish(vec![z]).unwrap()), 7);
    }
}
