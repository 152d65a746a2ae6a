//! The pre-flight check: what becomes of each node of a model's file.

use std::collections::HashMap;
use std::path::Path;

use serde::Serialize;
use spikeconverter_convert::{ConvertError, Findings, Placement, Refusal};
use spikeconverter_graph::Graph;
use spikeconverter_graph::passes::normalise;
use spikeconverter_onnx::{Import, ImportOptions, NodeReport, NodeStatus};

use crate::model::{classes, input_node, parameters, sha256};
use crate::{Error, Result};

/// What becomes of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It becomes part of the spiking network.
    Converts,
    /// It is folded into its neighbours or computed beforehand.
    Folded,
    /// No output depends on it.
    Unused,
    /// It could be read; what becomes of it is open, because something else does not convert.
    Open,
    /// It reads the result of a node that does not convert.
    Blocked,
    /// It has no spiking counterpart.
    Unsupported,
    /// It contradicts its inputs or the ONNX specification.
    Invalid,
}

/// A node of the file and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeVerdict {
    /// Name in the file; where it has none, that of its first output.
    pub name: String,
    /// Operator.
    pub op: String,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What it becomes, in a few words.
    pub becomes: Option<String>,
    /// What to know about it: a note, or the reason why it does not convert.
    pub note: Option<String>,
    /// What helps.
    pub remedy: Option<String>,
}

/// How many nodes share a verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CheckTotals {
    /// Nodes in all.
    pub nodes: usize,
    /// Nodes that become part of the spiking network.
    pub converts: usize,
    /// Of these, nodes with a note.
    pub with_note: usize,
    /// Nodes that are folded away or unused.
    pub folded: usize,
    /// Nodes that do not convert for reasons of their own.
    pub unsupported: usize,
    /// Nodes that depend on those.
    pub blocked: usize,
    /// Nodes of which it is open what becomes of them.
    pub open: usize,
}

/// A network's input or output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputSummary {
    /// Its name.
    pub name: String,
    /// Its shape, per sample.
    pub shape: Vec<usize>,
}

/// The result of a check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckReport {
    /// The file.
    pub file: String,
    /// Its SHA-256.
    pub sha256: String,
    /// Version of the ONNX operator set.
    pub opset: i64,
    /// Program that wrote the file.
    pub producer: Option<String>,
    /// The input, if the model could be read.
    pub input: Option<InputSummary>,
    /// Number of values of the output, if the model could be read.
    pub outputs: Option<usize>,
    /// Trained parameters after folding, if the model could be read.
    pub parameters: Option<usize>,
    /// Multiply-accumulate operations a sample, if the model could be read.
    pub macs: Option<u64>,
    /// Whether all of it converts.
    pub converts: bool,
    /// Why not, where no single node is to blame.
    pub reason: Option<String>,
    /// Counts.
    pub totals: CheckTotals,
    /// All nodes of the file, in its order.
    pub nodes: Vec<NodeVerdict>,
}

/// Says for each node of a model's file what becomes of it. A model that does not convert is an answer, not an error.
///
/// # Errors
/// When the file is no readable ONNX model.
pub fn check(path: &Path, input_shape: Option<Vec<usize>>) -> Result<CheckReport> {
    let options = ImportOptions { input_shape, ..ImportOptions::default() };
    let import = spikeconverter_onnx::import(path, &options)?;
    let graph = import.graph.as_ref().map(normalise).transpose();
    let graph = graph.map_err(|source| Error::Graph { file: path.to_owned(), source })?;
    let placed = graph.as_ref().map(spikeconverter_convert::check);
    let nodes = verdicts(&import, placed.as_ref());
    let reason = placed.as_ref().and_then(|placed| placed.as_ref().err()).map(ToString::to_string);
    Ok(CheckReport {
        file: path.display().to_string(),
        sha256: sha256(path)?,
        opset: import.opset,
        producer: import.producer.clone(),
        input: graph.as_ref().and_then(input_of),
        outputs: graph.as_ref().map(classes),
        parameters: graph.as_ref().map(parameters),
        macs: graph.as_ref().map(Graph::macs),
        converts: matches!(placed, Some(Ok(Findings::Converts(_)))),
        reason,
        totals: totals(&nodes),
        nodes,
    })
}

fn input_of(graph: &Graph) -> Option<InputSummary> {
    input_node(graph).map(|node| InputSummary { name: node.name.clone(), shape: node.shape.clone() })
}

type Placed = std::result::Result<Findings, ConvertError>;

/// What placement says of nodes, by their names.
struct Judgement<'a> {
    placements: HashMap<&'a str, &'a Placement>,
    refused: HashMap<&'a str, &'a Refusal>,
    /// Whether everything is placed.
    decided: bool,
}

fn verdicts(import: &Import, placed: Option<&Placed>) -> Vec<NodeVerdict> {
    let mut judgement = Judgement { placements: HashMap::new(), refused: HashMap::new(), decided: false };
    let mut refusals: &[Refusal] = &[];
    match placed {
        Some(Ok(Findings::Converts(placements))) => {
            judgement.placements = placements.iter().map(|p| (p.name.as_str(), p)).collect();
            judgement.decided = true;
        }
        Some(Ok(Findings::Refused(refused))) => {
            judgement.refused = refused.iter().map(|r| (r.name.as_str(), r)).collect();
            refusals = refused;
        }
        Some(Err(_)) | None => {}
    }
    let mut nodes: Vec<NodeVerdict> = import.nodes.iter().map(|node| verdict(node, &judgement)).collect();
    // a node that the passes made, or renamed, is listed all the same
    for Refusal { name, op, reason } in refusals {
        if !nodes.iter().any(|node| node.name == *name) {
            nodes.push(NodeVerdict {
                name: name.clone(),
                op: (*op).into(),
                verdict: Verdict::Unsupported,
                becomes: None,
                note: Some((*reason).into()),
                remedy: None,
            });
        }
    }
    nodes
}

fn verdict(node: &NodeReport, judgement: &Judgement<'_>) -> NodeVerdict {
    let told = |verdict, note: Option<String>| NodeVerdict {
        name: node.name.clone(),
        op: node.op_type.clone(),
        verdict,
        becomes: None,
        note,
        remedy: None,
    };
    match &node.status {
        NodeStatus::Imported => {
            let name = node.name.as_str();
            match (judgement.refused.get(name), judgement.placements.get(name)) {
                (Some(refusal), _) => told(Verdict::Unsupported, Some(refusal.reason.into())),
                (None, Some(placement)) => NodeVerdict {
                    becomes: Some(placement.becomes.into()),
                    ..told(Verdict::Converts, placement.note.map(Into::into))
                },
                (None, None) if judgement.decided => {
                    NodeVerdict { becomes: Some("part of its neighbours".into()), ..told(Verdict::Folded, None) }
                }
                (None, None) => told(Verdict::Open, None),
            }
        }
        NodeStatus::Folded => NodeVerdict { becomes: Some("a constant".into()), ..told(Verdict::Folded, None) },
        NodeStatus::Removed => {
            NodeVerdict { becomes: Some("nothing: it changes nothing".into()), ..told(Verdict::Folded, None) }
        }
        NodeStatus::Unused => told(Verdict::Unused, Some("no output depends on it".into())),
        NodeStatus::Unsupported { reason, remedy } => {
            NodeVerdict { remedy: remedy.clone(), ..told(Verdict::Unsupported, Some(reason.clone())) }
        }
        NodeStatus::Invalid { reason } => told(Verdict::Invalid, Some(reason.clone())),
        NodeStatus::Blocked { by } => {
            told(Verdict::Blocked, Some(format!("reads from `{by}`, which does not convert")))
        }
    }
}

fn totals(nodes: &[NodeVerdict]) -> CheckTotals {
    let count = |f: &dyn Fn(&NodeVerdict) -> bool| nodes.iter().filter(|node| f(node)).count();
    CheckTotals {
        nodes: nodes.len(),
        converts: count(&|n| n.verdict == Verdict::Converts),
        with_note: count(&|n| n.verdict == Verdict::Converts && n.note.is_some()),
        folded: count(&|n| matches!(n.verdict, Verdict::Folded | Verdict::Unused)),
        unsupported: count(&|n| matches!(n.verdict, Verdict::Unsupported | Verdict::Invalid)),
        blocked: count(&|n| n.verdict == Verdict::Blocked),
        open: count(&|n| n.verdict == Verdict::Open),
    }
}
