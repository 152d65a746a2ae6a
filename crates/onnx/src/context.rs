//! What an operator's rule works with: the node, its inputs and the graph being built.

use std::collections::HashMap;

use spikeconverter_graph::{GraphBuilder, GraphError, NodeId, Op, Tensor, ops};

use crate::problem::{Problem, invalid, unsupported};
use crate::proto::{AttributeProto, NodeProto, TensorProto};
use crate::report::NodeStatus;
use crate::tensor;
use crate::value::{Constant, Data, Value, checked_volume};

/// Longest index list that a node may declare (slice, resize, tile, …).
pub(crate) const MAX_EXTENT: usize = 1 << 24;

/// What is shared by all nodes of a file.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) builder: GraphBuilder,
    /// How often each name has been given out.
    names: HashMap<String, usize>,
    /// Whether axis 0 of the inputs is the batch axis.
    pub(crate) leading: bool,
    /// Extent that the file declares for the batch axis, if it is a number.
    pub(crate) declared: Option<usize>,
    /// Elements that constants may still take.
    budget: usize,
}

impl State {
    pub(crate) fn new(leading: bool, budget: usize) -> Self {
        Self { builder: GraphBuilder::new(), names: HashMap::new(), leading, declared: None, budget }
    }

    /// Lets constants take more elements, for data that is really there.
    pub(crate) fn allow(&mut self, elements: usize) {
        self.budget = self.budget.saturating_add(elements);
    }

    /// Reserves a name, with a suffix if it is taken.
    pub(crate) fn unique(&mut self, name: &str) -> String {
        unique(&mut self.names, name)
    }
}

/// A name not given out before: `name`, or `name_1`, `name_2`, ….
pub(crate) fn unique(names: &mut HashMap<String, usize>, name: &str) -> String {
    let mut candidate = name.to_owned();
    while let Some(count) = names.get_mut(&candidate) {
        if candidate == name {
            candidate = format!("{name}_{count}");
            *count += 1;
        } else {
            // The suffixed name is itself a name of the file: go on counting.
            let next = names.get_mut(name).expect("was found above");
            candidate = format!("{name}_{next}");
            *next += 1;
        }
    }
    names.insert(candidate.clone(), 1);
    candidate
}

/// Results of a node and what became of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outputs: Vec<Value>,
    pub(crate) status: NodeStatus,
}

impl Done {
    /// The node is in the graph.
    pub(crate) fn imported(data: Data) -> Self {
        Self { outputs: vec![Value::Data(data)], status: NodeStatus::Imported }
    }

    /// The node's result is a constant.
    pub(crate) fn folded(constant: Constant) -> Self {
        Self { outputs: vec![Value::Constant(constant)], status: NodeStatus::Folded }
    }

    /// The node changes nothing.
    pub(crate) fn removed(data: Data) -> Self {
        Self { outputs: vec![Value::Data(data)], status: NodeStatus::Removed }
    }
}

/// One node during import.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) node: &'a NodeProto,
    /// Its unique name.
    pub(crate) name: &'a str,
    pub(crate) opset: i64,
    inputs: Vec<Option<Value>>,
    /// For each output whether anything reads it.
    needed: Vec<bool>,
    pub(crate) state: &'a mut State,
    /// Whether the name itself has been given to a graph node.
    named: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        node: &'a NodeProto,
        name: &'a str,
        opset: i64,
        inputs: Vec<Option<Value>>,
        needed: Vec<bool>,
        state: &'a mut State,
    ) -> Self {
        Self { node, name, opset, inputs, needed, state, named: false }
    }

    /// Number of inputs, those left out included.
    pub(crate) fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// Input `index`, unless left out.
    pub(crate) fn input(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index).and_then(Option::as_ref)
    }

    /// All inputs that are there.
    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Value> {
        self.inputs.iter().flatten()
    }

    /// Whether anything reads output `index`.
    pub(crate) fn is_needed(&self, index: usize) -> bool {
        self.needed.get(index).copied().unwrap_or(false)
    }

    /// Input `index`, which must depend on the network's input.
    pub(crate) fn data(&self, index: usize, what: &str) -> Result<Data, Problem> {
        match self.input(index) {
            Some(Value::Data(data)) => Ok(data.clone()),
            Some(_) => Err(unsupported(format!("its {what} is a constant"))
                .remedy("fold constants before the export, e.g. with onnxslim")),
            None => Err(invalid(format!("its {what} is missing"))),
        }
    }

    /// Input `index`, if there, which must be a constant.
    pub(crate) fn optional_constant(&self, index: usize, what: &str) -> Result<Option<Constant>, Problem> {
        match self.input(index) {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant.clone())),
            Some(_) => Err(unsupported(format!("its {what} is computed from the network's input"))
                .remedy("only constants are supported there")),
        }
    }

    /// Input `index`, which must be a constant.
    pub(crate) fn constant(&self, index: usize, what: &str) -> Result<Constant, Problem> {
        self.optional_constant(index, what)?.ok_or_else(|| invalid(format!("its {what} is missing")))
    }

    /// Input `index`, a constant of floats.
    pub(crate) fn tensor(&self, index: usize, what: &str) -> Result<Tensor, Problem> {
        self.constant(index, what)?.to_tensor()
    }

    fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.node.attribute.iter().find(|a| a.name.as_deref() == Some(name))
    }

    /// Whether an attribute is there.
    pub(crate) fn has_attribute(&self, name: &str) -> bool {
        self.attribute(name).is_some()
    }

    /// An integer attribute.
    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |a| a.i.unwrap_or(0))
    }

    /// An attribute that is 0 or 1.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.int(name, 0) != 0
    }

    /// A float attribute.
    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |a| a.f.unwrap_or(0.0))
    }

    /// A list of integers.
    pub(crate) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    /// A list of floats.
    pub(crate) fn floats(&self, name: &str) -> Option<&'a [f32]> {
        self.attribute(name).map(|a| a.floats.as_slice())
    }

    /// A text attribute.
    pub(crate) fn text(&self, name: &str, default: &str) -> String {
        self.attribute(name)
            .and_then(|a| a.s.as_ref())
            .map_or_else(|| default.to_owned(), |s| String::from_utf8_lossy(s).into_owned())
    }

    /// A tensor attribute.
    pub(crate) fn tensor_attribute(&self, name: &str) -> Option<Result<Constant, Problem>> {
        let tensor: &TensorProto = self.attribute(name)?.t.as_ref()?;
        Some(tensor::decode_inline(tensor))
    }

    /// An integer list that is an attribute in old operator sets and input `index` in new ones.
    pub(crate) fn ints_either(&self, name: &str, index: usize) -> Result<Option<Vec<i64>>, Problem> {
        match self.optional_constant(index, name)? {
            Some(constant) => constant.to_integers(name).map(Some),
            None => Ok(self.ints(name).map(<[i64]>::to_vec)),
        }
    }

    /// Adds the node's own operation to the graph, under its name.
    pub(crate) fn emit(&mut self, op: Op, inputs: &[NodeId]) -> Result<NodeId, Problem> {
        let name = if self.named { self.state.unique(self.name) } else { self.name.to_owned() };
        self.named = true;
        self.add(name, op, inputs)
    }

    /// Adds an operation that the node's own one needs, under its name with a suffix.
    pub(crate) fn emit_helper(&mut self, suffix: &str, op: Op, inputs: &[NodeId]) -> Result<NodeId, Problem> {
        let name = self.state.unique(&format!("{}/{suffix}", self.name));
        self.add(name, op, inputs)
    }

    fn add(&mut self, name: String, op: Op, inputs: &[NodeId]) -> Result<NodeId, Problem> {
        self.state.builder.add(name, op, inputs).map_err(|error| match error {
            GraphError::Shape { reason, .. } => Problem::Invalid(reason),
            other => Problem::Invalid(other.to_string()),
        })
    }

    /// Shape per sample of a graph node.
    pub(crate) fn shape(&self, node: NodeId) -> &[usize] {
        self.state.builder.shape(node)
    }

    /// A graph node as a value of the file.
    pub(crate) fn value(&self, node: NodeId, batch: Option<usize>) -> Data {
        Data { node, shape: self.shape(node).to_vec(), batch, integer: false }
    }

    /// The same elements under another shape; nothing is added when it has that shape.
    pub(crate) fn reshape(&mut self, node: NodeId, shape: &[usize]) -> Result<NodeId, Problem> {
        if self.shape(node) == shape {
            return Ok(node);
        }
        self.emit_helper("reshape", Op::Reshape(ops::Reshape { shape: shape.to_vec() }), &[node])
    }

    /// Axes rearranged; nothing is added when they stay.
    pub(crate) fn transpose(&mut self, node: NodeId, perm: Vec<usize>) -> Result<NodeId, Problem> {
        if perm.iter().copied().eq(0..perm.len()) {
            return Ok(node);
        }
        self.emit_helper("transpose", Op::Transpose(ops::Transpose { perm }), &[node])
    }

    /// Repeats axes of extent 1 so that the node has exactly `shape`, which it must broadcast to.
    pub(crate) fn expand(&mut self, node: NodeId, shape: &[usize]) -> Result<NodeId, Problem> {
        let own = self.shape(node).to_vec();
        let mut padded = vec![1; shape.len().saturating_sub(own.len())];
        padded.extend(&own);
        let node = self.reshape(node, &padded)?;
        let mut maps = Vec::with_capacity(shape.len());
        for (&from, &to) in padded.iter().zip(shape) {
            if from == to {
                maps.push(None);
            } else if from == 1 {
                check_extent(to)?;
                maps.push(Some(vec![0; to]));
            } else {
                return Err(invalid(format!("shape {own:?} does not broadcast to {shape:?}")));
            }
        }
        if maps.iter().all(Option::is_none) {
            return Ok(node);
        }
        self.emit_helper("expand", Op::Select(ops::Select { maps }), &[node])
    }

    /// Counts elements of a constant about to be made against the bound for the file.
    pub(crate) fn charge(&mut self, elements: usize) -> Result<(), Problem> {
        self.state.budget = self.state.budget.checked_sub(elements).ok_or(Problem::TooLarge)?;
        Ok(())
    }

    /// Counts the elements of a shape, which may be hostile, and gives their number.
    pub(crate) fn charge_shape(&mut self, shape: &[usize]) -> Result<usize, Problem> {
        let total = checked_volume(shape).ok_or(Problem::TooLarge)?;
        self.charge(total)?;
        Ok(total)
    }
}

/// Bounds an extent that a node declares before anything of that size is made.
pub(crate) fn check_extent(extent: usize) -> Result<(), Problem> {
    if extent > MAX_EXTENT {
        return Err(unsupported(format!("it makes an axis of extent {extent}; the bound is {MAX_EXTENT}")));
    }
    Ok(())
}

/// An axis that may be counted from the end.
pub(crate) fn axis(axis: i64, rank: usize) -> Result<usize, Problem> {
    let counted = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    counted
        .and_then(|a| usize::try_from(a).ok())
        .filter(|&a| a < rank)
        .ok_or_else(|| invalid(format!("axis {axis} of a tensor of {rank} axes")))
}

/// Several axes, ascending, without repetition.
pub(crate) fn axes(list: &[i64], rank: usize) -> Result<Vec<usize>, Problem> {
    let mut axes = list.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
    axes.sort_unstable();
    if axes.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid(format!("axes {list:?} name one axis twice")));
    }
    Ok(axes)
}

/// Extents, which must not be negative.
pub(crate) fn extents(list: &[i64], what: &str) -> Result<Vec<usize>, Problem> {
    list.iter()
        .map(|&n| usize::try_from(n).map_err(|_| invalid(format!("its {what} {list:?} has a negative entry"))))
        .collect()
}
