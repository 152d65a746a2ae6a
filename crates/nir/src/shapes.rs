use std::collections::HashMap;

use crate::array::volume;
use crate::flat::Flat;
use crate::{Array, Conv, Graph, GraphError, Node, Padding, Pool};

/// What each node sends, found from the inputs on and from the parameters of neurons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes {
    of: HashMap<String, Vec<usize>>,
}

/// The largest value that travels along an edge: 2^28 numbers.
const LARGEST: usize = 1 << 28;

impl Shapes {
    /// Finds and checks the shapes of a graph.
    ///
    /// # Errors
    /// When the graph does not [check](Graph::check), parameters of a node do not fit each other or what reaches it, or a
    /// node cannot be reached from any input.
    pub fn of(graph: &Graph) -> Result<Self, GraphError> {
        let flat = Flat::new(graph)?;
        let shapes = of_flat(&flat)?;
        Ok(Self { of: flat.names.into_iter().zip(shapes).collect() })
    }

    /// Shape of what a node sends; nodes of inner graphs are `outer.inner`.
    pub fn get(&self, node: &str) -> Option<&[usize]> {
        self.of.get(node).map(Vec::as_slice)
    }
}

/// For each node the shape of what it sends.
pub(crate) fn of_flat(flat: &Flat<'_>) -> Result<Vec<Vec<usize>>, GraphError> {
    let count = flat.nodes.len();
    let mut listeners = vec![Vec::new(); count];
    for (to, hears) in flat.hears.iter().enumerate() {
        for &from in hears {
            listeners[from].push(to);
        }
    }
    let mut shapes: Vec<Option<Vec<usize>>> = Vec::with_capacity(count);
    for (name, node) in flat.names.iter().zip(&flat.nodes) {
        shapes.push(own_shape(node).map_err(|reason| GraphError::node(name, reason))?);
    }
    let mut waiting: Vec<usize> = (0..count).filter(|&at| shapes[at].is_some()).collect();
    while let Some(at) = waiting.pop() {
        for &to in &listeners[at] {
            if shapes[to].is_none() {
                let Some(arriving) = shapes[at].clone() else { continue };
                let found = sent(flat.nodes[to], &arriving);
                shapes[to] = Some(found.map_err(|reason| GraphError::node(&flat.names[to], reason))?);
                waiting.push(to);
            }
        }
    }
    let mut found = Vec::with_capacity(count);
    for (at, shape) in shapes.into_iter().enumerate() {
        found.push(shape.ok_or_else(|| GraphError::node(&flat.names[at], "no input reaches it"))?);
    }
    for (to, hears) in flat.hears.iter().enumerate() {
        for &from in hears {
            let fits = sent(flat.nodes[to], &found[from]).and_then(|shape| {
                let wanted = &found[to];
                if shape == *wanted { Ok(()) } else { Err(format!("gives {shape:?} where {wanted:?} is wanted")) }
            });
            fits.map_err(|reason| {
                let reason = format!("of `{}` it receives {:?}: {reason}", flat.names[from], found[from]);
                GraphError::node(&flat.names[to], reason)
            })?;
        }
    }
    Ok(found)
}

/// The shape that a node's parameters say, where they do.
fn own_shape(node: &Node) -> Result<Option<Vec<usize>>, String> {
    check(node)?;
    Ok(match node {
        Node::Input(shape) | Node::Output(shape) => Some(bounded(shape.clone())?),
        node => elementwise(node).map(<[usize]>::to_vec),
    })
}

/// The shape that all parameters of a node share which acts on each value by itself.
fn elementwise(node: &Node) -> Option<&[usize]> {
    match node {
        Node::Scale(array) | Node::Delay(array) | Node::Integrator(array) | Node::Threshold(array) => {
            Some(array.shape())
        }
        Node::LeakyIntegrator(leaky) => Some(leaky.r.shape()),
        Node::SynapticIntegrator(synaptic) => Some(synaptic.r.shape()),
        node => node.threshold().map(|(v_threshold, _)| v_threshold.shape()),
    }
}

/// Checks what the parameters of a node have to be among themselves.
fn check(node: &Node) -> Result<(), String> {
    for (name, array) in node.arrays() {
        if array.data().is_empty() {
            return Err(format!("`{name}` is empty"));
        }
        if let Some(position) = array.data().iter().position(|x| !x.is_finite()) {
            return Err(format!("`{name}` is {} at position {position}", array.data()[position]));
        }
        // a scalar w_in stands for all
        if let Some(shape) = elementwise(node)
            && array.shape() != shape
            && !(name == "w_in" && array.data().len() == 1)
        {
            return Err(format!("`{name}` has shape {:?}, other parameters have {shape:?}", array.shape()));
        }
        if name.starts_with("tau") && array.data().iter().any(|&tau| tau <= 0.0) {
            return Err(format!("`{name}` is not positive everywhere"));
        }
        if name == "delay" && array.data().iter().any(|&delay| delay < 0.0) {
            return Err("`delay` is negative somewhere".into());
        }
    }
    match node {
        Node::Affine { weight, bias } => {
            let out = matrix(weight)?.0;
            of_length("bias", bias, out)
        }
        Node::Linear(weight) => matrix(weight).map(|_| ()),
        Node::Conv1d(conv) => check_conv(conv, 1),
        Node::Conv2d(conv) => check_conv(conv, 2),
        Node::AvgPool2d(pool) | Node::SumPool2d(pool) => {
            if pool.kernel.iter().chain(&pool.stride).any(|&n| n == 0) {
                return Err("kernel and stride must be at least 1".into());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn matrix(weight: &Array) -> Result<(usize, usize), String> {
    match weight.shape() {
        &[out, input] => Ok((out, input)),
        shape => Err(format!("`weight` has shape {shape:?}; two axes are supported")),
    }
}

fn of_length(name: &str, array: &Array, length: usize) -> Result<(), String> {
    if array.shape() == [length] {
        return Ok(());
    }
    Err(format!("`{name}` has shape {:?}, [{length}] is wanted", array.shape()))
}

fn check_conv(conv: &Conv, axes: usize) -> Result<(), String> {
    let [out, _, kernel @ ..] = conv.weight.shape() else {
        return Err(format!("`weight` has shape {:?}", conv.weight.shape()));
    };
    if kernel.len() != axes {
        return Err(format!("`weight` has shape {:?}; {} axes are wanted", conv.weight.shape(), axes + 2));
    }
    of_length("bias", &conv.bias, *out)?;
    let padding = if let Padding::Both(padding) = &conv.padding { Some(padding) } else { None };
    for (name, values) in [("stride", Some(&conv.stride)), ("dilation", Some(&conv.dilation)), ("padding", padding)] {
        let Some(values) = values else { continue };
        if values.len() != axes {
            return Err(format!("`{name}` has {} entries for {axes} axes", values.len()));
        }
        if name != "padding" && values.contains(&0) {
            return Err(format!("`{name}` must be at least 1"));
        }
    }
    if conv.groups == 0 || !out.is_multiple_of(conv.groups) {
        return Err(format!("{out} channels do not divide into {} groups", conv.groups));
    }
    if conv.padding == Padding::Same && conv.stride.iter().any(|&n| n != 1) {
        return Err("`padding` \"same\" wants stride 1".into());
    }
    Ok(())
}

/// Shape of what a node sends, given what reaches it.
fn sent(node: &Node, arriving: &[usize]) -> Result<Vec<usize>, String> {
    let shape = match node {
        Node::Input(shape) | Node::Output(shape) => {
            if arriving != shape {
                return Err(format!("{shape:?} is wanted"));
            }
            shape.clone()
        }
        Node::Affine { weight, .. } | Node::Linear(weight) => {
            let (out, input) = matrix(weight)?;
            match arriving {
                [outer @ .., last] if *last == input => outer.iter().copied().chain([out]).collect(),
                _ => return Err(format!("the last axis should be {input}")),
            }
        }
        Node::Conv1d(conv) | Node::Conv2d(conv) => convolved(conv, arriving)?,
        Node::AvgPool2d(pool) | Node::SumPool2d(pool) => pooled(pool, arriving)?,
        Node::Flatten { input, start, end } => {
            if let Some(input) = input
                && input != arriving
            {
                return Err(format!("`input_type` says {input:?}"));
            }
            let (start, end) = flattened(*start, *end, arriving.len())?;
            let whole = volume(&arriving[start..=end]).ok_or("overflows")?;
            [&arriving[..start], &[whole], &arriving[end + 1..]].concat()
        }
        node => match elementwise(node) {
            Some(shape) if shape == arriving => shape.to_vec(),
            Some(shape) => return Err(format!("its parameters have shape {shape:?}")),
            // graphs have been taken apart
            None => return Err("is not a node by itself".into()),
        },
    };
    bounded(shape)
}

fn bounded(shape: Vec<usize>) -> Result<Vec<usize>, String> {
    match volume(&shape) {
        Some(1..=LARGEST) => Ok(shape),
        _ => Err(format!("a value of shape {shape:?}; 1 to 2^28 numbers are supported")),
    }
}

/// First and last axis that a `Flatten` makes one.
pub(crate) fn flattened(start: i64, end: i64, axes: usize) -> Result<(usize, usize), String> {
    let axis = |axis: i64| usize::try_from(if axis < 0 { axis.checked_add(axes as i64)? } else { axis }).ok();
    match (axis(start), axis(end)) {
        (Some(start), Some(end)) if start <= end && end < axes => Ok((start, end)),
        _ => Err(format!("flattens axes {start} to {end} of {axes}")),
    }
}

/// Zeros in front of the first element of each axis, and in all.
pub(crate) fn padding(conv: &Conv) -> Vec<(usize, usize)> {
    let kernel = &conv.weight.shape()[2..];
    match &conv.padding {
        Padding::Both(padding) => padding.iter().map(|&p| (p, p.saturating_mul(2))).collect(),
        Padding::Valid => vec![(0, 0); kernel.len()],
        Padding::Same => {
            let whole = kernel.iter().zip(&conv.dilation).map(|(&k, &d)| (k.saturating_sub(1)).saturating_mul(d));
            // as PyTorch has it: the odd one at the end
            whole.map(|all| (all / 2, all)).collect()
        }
    }
}

fn convolved(conv: &Conv, arriving: &[usize]) -> Result<Vec<usize>, String> {
    let [channels, spatial @ ..] = arriving else { return Err("channels and extents are wanted".into()) };
    let [out, reads, kernel @ ..] = conv.weight.shape() else { return Err("has no weights".into()) };
    let reads = reads.checked_mul(conv.groups).ok_or("overflows")?;
    if *channels != reads || spatial.len() != kernel.len() {
        return Err(format!("{reads} channels with {} extents are wanted", kernel.len()));
    }
    if let Some(input) = &conv.input
        && input != spatial
    {
        return Err(format!("`input_shape` says {input:?}"));
    }
    let mut shape = vec![*out];
    for (axis, (_, padding)) in padding(conv).into_iter().enumerate() {
        let reach = (kernel[axis].saturating_sub(1)).saturating_mul(conv.dilation[axis]).saturating_add(1);
        shape.push(positions(spatial[axis], padding, reach, conv.stride[axis])?);
    }
    Ok(shape)
}

fn pooled(pool: &Pool, arriving: &[usize]) -> Result<Vec<usize>, String> {
    let &[channels, height, width] = arriving else { return Err("three axes are wanted".into()) };
    let mut shape = vec![channels];
    for (axis, extent) in [height, width].into_iter().enumerate() {
        let padding = pool.padding[axis].saturating_mul(2);
        shape.push(positions(extent, padding, pool.kernel[axis], pool.stride[axis])?);
    }
    Ok(shape)
}

fn positions(extent: usize, padding: usize, reach: usize, stride: usize) -> Result<usize, String> {
    let padded = extent.saturating_add(padding);
    match padded.checked_sub(reach) {
        Some(span) => Ok(span / stride + 1),
        None => Err(format!("its window reaches {reach} over an extent of {padded}, padding included")),
    }
}
