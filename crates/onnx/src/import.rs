use std::collections::HashMap;
use std::path::Path;

use bytes::Bytes;
use spikeconverter_graph::{Graph, GraphBuilder, GraphError, NodeId};

use crate::context::{Context, State, unique};
use crate::error::OnnxError;
use crate::inputs;
use crate::ops;
use crate::options::{BatchAxis, ImportOptions};
use crate::order::{Order, order};
use crate::problem::{Problem, unsupported};
use crate::proto::{GraphProto, ModelProto, NodeProto};
use crate::report::{Import, NodeReport, NodeStatus};
use crate::source::{Constants, Source};
use crate::value::{Constant, Value};

/// Elements of constants that any file may have evaluated.
const BUDGET: usize = 1 << 25;

/// How often each element that is really there may be evaluated besides (dequantised, transposed, scaled, …).
const BUDGET_PER_ELEMENT: usize = 8;

/// Imports an ONNX file. Goes on after a node that cannot be imported, so that the report covers every node.
///
/// Constants in other files are read from the model's folder only.
///
/// # Errors
/// When the file as a whole is unusable: unreadable, damaged, cyclic, without outputs, with open extents other than
/// the batch, with constants that contradict their declaration or are not finite.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Import, OnnxError> {
    let (source, content) = Source::open(path)?;
    import_from(&source, &content, options)
}

/// Imports an ONNX model from memory. `folder` is where constants in other files are looked for; without it, a model
/// that has such is refused.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(content: &[u8], folder: Option<&Path>, options: &ImportOptions) -> Result<Import, OnnxError> {
    import_from(&Source::bytes(folder), &Bytes::copy_from_slice(content), options)
}

/// Imports an ONNX file that must be supported throughout, with the default options.
///
/// # Errors
/// As [`import`], and [`OnnxError::Unsupported`] or [`OnnxError::Invalid`] for the first node that cannot be imported.
pub fn import_graph(path: &Path) -> Result<Graph, OnnxError> {
    import(path, &ImportOptions::default())?.into_graph(&path.display().to_string())
}

impl Import {
    /// The network, or the first problem as an error. `file` is the name to use in it.
    ///
    /// # Errors
    /// [`OnnxError::Unsupported`] or [`OnnxError::Invalid`] for the first node that could not be imported.
    pub fn into_graph(self, file: &str) -> Result<Graph, OnnxError> {
        if let Some(graph) = self.graph {
            return Ok(graph);
        }
        let file = file.to_owned();
        for NodeReport { name: node, op_type: op, status } in self.nodes {
            match status {
                NodeStatus::Unsupported { reason, remedy } => {
                    return Err(OnnxError::Unsupported { file, node, op, reason, remedy });
                }
                NodeStatus::Invalid { reason } => return Err(OnnxError::Invalid { file, node, op, reason }),
                _ => {}
            }
        }
        // Without a graph, some node has a problem of its own.
        Err(OnnxError::NoOutput { file })
    }
}

fn import_from(source: &Source, content: &Bytes, options: &ImportOptions) -> Result<Import, OnnxError> {
    let model = source.decode(content)?;
    let opset = opset(source, &model)?;
    let graph = model.graph.as_ref().expect("checked by decode");
    if graph.output.is_empty() {
        return Err(OnnxError::NoOutput { file: source.file.clone() });
    }
    let names = names(graph);
    let constants = Constants::of(graph);
    let inputs: HashMap<&str, usize> = inputs::free(graph, &constants)
        .enumerate()
        .map(|(position, input)| (input.name.as_deref().unwrap_or_default(), position))
        .collect();
    let known = |name: &str| inputs.contains_key(name) || constants.contains(name);
    let order = order(&source.file, graph, &names, known)?;

    let mut state = State::new(options.batch == BatchAxis::Leading, BUDGET.saturating_add(content.len()));
    let mut values: HashMap<String, Value> = HashMap::new();
    inputs::add(source, graph, &constants, options, &mut state, &mut values)?;
    let mut walk = Walk { source, model: &model, graph, opset, names: &names, constants, values, state };
    let statuses = walk.nodes(&order)?;
    let built = walk.outputs()?;
    if let Some(built) = &built {
        walk.check_finite(built)?;
    }
    let nodes = statuses
        .into_iter()
        .zip(&names)
        .zip(&graph.node)
        .map(|((status, name), node)| NodeReport {
            name: name.clone(),
            op_type: node.op_type.clone().unwrap_or_default(),
            status,
        })
        .collect();
    let outputs = graph.output.iter().map(|output| output.name.clone().unwrap_or_default()).collect();
    Ok(Import { graph: built, nodes, outputs, opset, producer: producer(&model), ir_version: model.ir_version })
}

/// Version of ONNX's own operator set.
fn opset(source: &Source, model: &ModelProto) -> Result<i64, OnnxError> {
    let own = model.opset_import.iter().filter(|set| is_onnx(set.domain.as_deref()));
    let version = own.filter_map(|set| set.version).max();
    match version {
        Some(version) if version >= 7 => Ok(version),
        Some(version) => Err(OnnxError::Opset { file: source.file.clone(), found: format!("opset {version}") }),
        None => Err(OnnxError::Opset { file: source.file.clone(), found: "no ONNX operator set".into() }),
    }
}

fn is_onnx(domain: Option<&str>) -> bool {
    matches!(domain, None | Some("" | "ai.onnx"))
}

fn producer(model: &ModelProto) -> Option<String> {
    let name = model.producer_name.clone().filter(|name| !name.is_empty())?;
    Some(match model.producer_version.as_deref() {
        Some(version) if !version.is_empty() => format!("{name} {version}"),
        _ => name,
    })
}

/// Unique names of the nodes: the file's, or that of the first output. Those of the inputs are taken.
fn names(graph: &GraphProto) -> Vec<String> {
    let mut taken = HashMap::new();
    for input in &graph.input {
        unique(&mut taken, input.name.as_deref().unwrap_or_default());
    }
    graph
        .node
        .iter()
        .map(|node| {
            let own = node.name.as_deref().filter(|name| !name.is_empty());
            let name = own.or_else(|| node.output.iter().map(String::as_str).find(|name| !name.is_empty()));
            unique(&mut taken, name.unwrap_or("node"))
        })
        .collect()
}

/// The import in progress.
struct Walk<'a> {
    source: &'a Source,
    model: &'a ModelProto,
    graph: &'a GraphProto,
    opset: i64,
    names: &'a [String],
    constants: Constants<'a>,
    values: HashMap<String, Value>,
    state: State,
}

impl Walk<'_> {
    /// Imports the needed nodes; a status for every node of the file.
    fn nodes(&mut self, order: &Order) -> Result<Vec<NodeStatus>, OnnxError> {
        // A helper must not take the name of a node that comes later.
        for &position in &order.nodes {
            self.state.unique(&self.names[position]);
        }
        let mut statuses = vec![NodeStatus::Unused; self.graph.node.len()];
        for &position in &order.nodes {
            let node = &self.graph.node[position];
            let mut inputs = Vec::with_capacity(node.input.len());
            for input in &node.input {
                inputs.push(self.value(input)?);
            }
            let blocker = inputs.iter().flatten().find_map(|value| match value {
                Value::Missing(by) => Some(by.clone()),
                _ => None,
            });
            let (outputs, status) = match blocker {
                Some(by) => (vec![Value::Missing(by.clone()); node.output.len()], NodeStatus::Blocked { by }),
                None => self.node(position, inputs, &order.needed[position])?,
            };
            for (name, value) in node.output.iter().zip(outputs) {
                self.values.insert(name.clone(), value);
            }
            statuses[position] = status;
        }
        Ok(statuses)
    }

    /// The value of a name, decoding constants on first use; `None` for an input left out.
    fn value(&mut self, name: &str) -> Result<Option<Value>, OnnxError> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(value) = self.values.get(name) {
            return Ok(Some(value.clone()));
        }
        let value = self.constants.read(name, self.source)?;
        if let Some(value) = &value {
            if let Value::Constant(constant) = value {
                self.state.allow(constant.len().saturating_mul(BUDGET_PER_ELEMENT));
            }
            self.values.insert(name.to_owned(), value.clone());
        }
        Ok(value)
    }

    fn node(
        &mut self,
        position: usize,
        inputs: Vec<Option<Value>>,
        needed: &[bool],
    ) -> Result<(Vec<Value>, NodeStatus), OnnxError> {
        let node = &self.graph.node[position];
        let name = &self.names[position];
        let outcome = if let Some(problem) = self.foreign(node) {
            Err(problem)
        } else {
            let op = node.op_type.as_deref().unwrap_or_default();
            let mut context = Context::new(node, name, self.opset, inputs, needed.to_vec(), &mut self.state);
            ops::import(op, &mut context)
        };
        let status = match outcome {
            Ok(mut done) => {
                let missing =
                    || Value::Foreign(format!("it reads an optional output of `{name}` that is not computed"));
                while done.outputs.len() < node.output.len() {
                    done.outputs.push(missing());
                }
                return Ok((done.outputs, done.status));
            }
            Err(Problem::Unsupported { reason, remedy }) => NodeStatus::Unsupported { reason, remedy },
            Err(Problem::Invalid(reason)) => NodeStatus::Invalid { reason },
            Err(Problem::TooLarge) => {
                return Err(OnnxError::TooLarge { file: self.source.file.clone(), node: name.clone(), limit: BUDGET });
            }
        };
        Ok((vec![Value::Missing(name.clone()); node.output.len()], status))
    }

    /// The problem of an operator that is not ONNX's own.
    fn foreign(&self, node: &NodeProto) -> Option<Problem> {
        if is_onnx(node.domain.as_deref()) {
            return None;
        }
        let domain = node.domain.as_deref().unwrap_or_default();
        let own =
            self.model.functions.iter().any(|function| {
                function.name == node.op_type && function.domain.as_deref().unwrap_or_default() == domain
            });
        Some(if own {
            unsupported("it calls a function of the model")
                .remedy("inline the functions, onnx.inliner.inline_local_functions(model)")
        } else {
            unsupported(format!("it belongs to `{domain}`, not to ONNX's own operators"))
                .remedy("export with ONNX's own operators")
        })
    }

    /// The finished graph, without what no output needs; `None` when an output is missing.
    fn outputs(&mut self) -> Result<Option<Graph>, OnnxError> {
        let graph = self.graph;
        let mut ids = Vec::with_capacity(graph.output.len());
        let mut complete = true;
        for output in &graph.output {
            let name = output.name.as_deref().unwrap_or_default();
            let fail = |reason: &str| {
                let (file, output) = (self.source.file.clone(), name.to_owned());
                OnnxError::Output { file, output, reason: reason.into() }
            };
            match self.values.get(name) {
                Some(Value::Data(data)) if data.batch.is_none_or(|axis| axis == 0) => ids.push(data.node),
                Some(Value::Data(data)) => {
                    let axis = data.batch.unwrap_or_default();
                    return Err(fail(&format!(
                        "has the batch as axis {axis}; transpose it to axis 0 and export again"
                    )));
                }
                Some(Value::Missing(_)) => complete = false,
                Some(Value::Foreign(reason)) => return Err(fail(&format!("cannot be computed: {reason}"))),
                Some(Value::Constant(_)) | None => {
                    return Err(fail("does not depend on the input, so there is nothing to convert"));
                }
            }
        }
        if !complete {
            return Ok(None);
        }
        let pruned = pruned(self.state.builder.graph(), &ids);
        // The nodes were accepted before, in the same order.
        Ok(Some(pruned.expect("a part of a valid graph is valid")))
    }

    /// Refuses weights that are not finite, naming the file's tensor where it can be found.
    fn check_finite(&mut self, built: &Graph) -> Result<(), OnnxError> {
        let Err(GraphError::NonFinite { node, what, value, position }) = built.check_finite() else {
            return Ok(());
        };
        // A helper node has its node's name and a suffix.
        let origin = self
            .names
            .iter()
            .position(|name| *name == node)
            .or_else(|| self.names.iter().position(|name| node.starts_with(name.as_str())));
        let mut found = (what.to_owned(), value, position);
        if let Some(origin) = origin {
            for input in &self.graph.node[origin].input {
                if let Some(Value::Constant(Constant::Floats(tensor))) = self.values.get(input)
                    && let Some((position, value)) = tensor.first_non_finite()
                {
                    found = (format!("`{input}`"), value.to_string(), position);
                    break;
                }
            }
        }
        let (what, value, position) = found;
        Err(OnnxError::NonFinite { file: self.source.file.clone(), node, what, value, position })
    }
}

/// The inputs, and the nodes that the outputs need.
fn pruned(graph: &Graph, outputs: &[NodeId]) -> Result<Graph, GraphError> {
    let mut needed = vec![false; graph.nodes().len()];
    for id in outputs.iter().copied().chain(graph.inputs()) {
        needed[id.0] = true;
    }
    for id in graph.ids().rev() {
        if needed[id.0] {
            for input in &graph.node(id).inputs {
                needed[input.0] = true;
            }
        }
    }
    let mut builder = GraphBuilder::new();
    let mut place = vec![NodeId(usize::MAX); graph.nodes().len()];
    for id in graph.ids().filter(|id| needed[id.0]) {
        let node = graph.node(id);
        place[id.0] = if node.inputs.is_empty() {
            builder.input(node.name.clone(), node.shape.clone())?
        } else {
            let inputs: Vec<NodeId> = node.inputs.iter().map(|input| place[input.0]).collect();
            builder.add(node.name.clone(), node.op.clone(), &inputs)?
        };
    }
    builder.finish(outputs.iter().map(|id| place[id.0]).collect())
}
