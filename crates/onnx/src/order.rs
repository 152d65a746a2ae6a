//! Which nodes the outputs need, and an order in which each comes after what it reads.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use crate::error::OnnxError;
use crate::proto::{GraphProto, NodeProto};

/// The nodes of a graph and the values they define.
#[derive(Debug)]
pub(crate) struct Order {
    /// Positions of the needed nodes, in an order for evaluation (the file's own where that is one).
    pub(crate) nodes: Vec<usize>,
    /// For each node, for each of its outputs, whether a needed node or the network's output reads it.
    pub(crate) needed: Vec<Vec<bool>>,
}

/// Orders the nodes. `known` says which names are inputs or constants; `names` are the nodes' names for messages.
pub(crate) fn order(
    file: &str,
    graph: &GraphProto,
    names: &[String],
    known: impl Fn(&str) -> bool,
) -> Result<Order, OnnxError> {
    let nodes = &graph.node;
    let mut definers: HashMap<&str, (usize, usize)> = HashMap::new();
    for (position, node) in nodes.iter().enumerate() {
        for (index, output) in node.output.iter().enumerate().filter(|(_, output)| !output.is_empty()) {
            if known(output) || definers.insert(output, (position, index)).is_some() {
                return Err(OnnxError::Duplicate {
                    file: file.into(),
                    node: names[position].clone(),
                    value: output.clone(),
                });
            }
        }
    }
    let undefined =
        |reader: String, value: &str| OnnxError::Undefined { file: file.into(), reader, value: value.into() };

    // Backwards from the outputs.
    let mut needed: Vec<Vec<bool>> = nodes.iter().map(|node| vec![false; node.output.len()]).collect();
    let mut wanted = vec![false; nodes.len()];
    let mut open = Vec::new();
    let mut want = |value: &str, reader: &dyn Fn() -> String, open: &mut Vec<usize>| {
        if value.is_empty() || known(value) {
            return Ok(());
        }
        let &(position, index) = definers.get(value).ok_or_else(|| undefined(reader(), value))?;
        needed[position][index] = true;
        if !std::mem::replace(&mut wanted[position], true) {
            open.push(position);
        }
        Ok(())
    };
    for output in &graph.output {
        want(output.name.as_deref().unwrap_or_default(), &|| "the network's output".into(), &mut open)?;
    }
    while let Some(position) = open.pop() {
        for input in &nodes[position].input {
            want(input, &|| format!("node `{}`", names[position]), &mut open)?;
        }
    }

    // Forwards, always the first node of the file whose inputs are there.
    let reads = |node: &NodeProto| -> Vec<usize> {
        node.input.iter().filter_map(|input| definers.get(input.as_str()).map(|&(position, _)| position)).collect()
    };
    let mut waiting = vec![0usize; nodes.len()];
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); nodes.len()];
    let mut ready = BinaryHeap::new();
    for position in (0..nodes.len()).filter(|&position| wanted[position]) {
        let sources = reads(&nodes[position]);
        waiting[position] = sources.len();
        for source in sources {
            readers[source].push(position);
        }
        if waiting[position] == 0 {
            ready.push(Reverse(position));
        }
    }
    let mut sorted = Vec::new();
    while let Some(Reverse(position)) = ready.pop() {
        sorted.push(position);
        for &reader in &readers[position] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    if sorted.len() < wanted.iter().filter(|&&wanted| wanted).count() {
        let node = on_cycle(&waiting, |position| reads(&nodes[position]));
        return Err(OnnxError::Cycle { file: file.into(), node: names[node].clone() });
    }
    Ok(Order { nodes: sorted, needed })
}

/// A node on a cycle: going back from a node that waits, always to one that waits too, ends up on one.
fn on_cycle(waiting: &[usize], reads: impl Fn(usize) -> Vec<usize>) -> usize {
    let mut position = waiting.iter().position(|&count| count > 0).unwrap_or(0);
    let mut seen = vec![false; waiting.len()];
    while !std::mem::replace(&mut seen[position], true) {
        match reads(position).into_iter().find(|&source| waiting[source] > 0) {
            Some(source) => position = source,
            None => break,
        }
    }
    position
}
