use crate::GraphError;
use crate::flat::Flat;

/// When nodes act within a step.
pub(super) struct Order {
    /// The nodes in the order in which they act.
    pub(super) nodes: Vec<usize>,
    /// For each node and each that it hears whether it hears what that sent in the step before.
    pub(super) late: Vec<Vec<bool>>,
}

/// Finds an order in which each node acts after those that it hears. In a cycle this cannot be: there, what a neuron (or
/// whatever else remembers) sends to nodes of the same cycle arrives one step later.
pub(super) fn order(flat: &Flat<'_>) -> Result<Order, GraphError> {
    let component = components(flat);
    let is_late = |from: usize, to: usize| component[from] == component[to] && flat.nodes[from].is_stateful();
    let late: Vec<Vec<bool>> = flat
        .hears
        .iter()
        .enumerate()
        .map(|(to, hears)| hears.iter().map(|&from| is_late(from, to)).collect())
        .collect();
    let mut missing: Vec<usize> = late.iter().map(|late| late.iter().filter(|late| !**late).count()).collect();
    let mut listeners = vec![Vec::new(); flat.nodes.len()];
    for (to, hears) in flat.hears.iter().enumerate() {
        for (&from, late) in hears.iter().zip(&late[to]) {
            if !late {
                listeners[from].push(to);
            }
        }
    }
    // first in the file first, for an order that does not depend on anything else
    let mut ready: std::collections::BTreeSet<usize> = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
    let mut nodes = Vec::with_capacity(missing.len());
    while let Some(at) = ready.pop_first() {
        nodes.push(at);
        for &to in &listeners[at] {
            missing[to] -= 1;
            if missing[to] == 0 {
                ready.insert(to);
            }
        }
    }
    match missing.iter().position(|&n| n > 0) {
        None => Ok(Order { nodes, late }),
        Some(at) => Err(GraphError::node(&flat.names[at], "is in a cycle, or behind one, in which nothing takes time")),
    }
}

/// The strongly connected component of each node (Kosaraju's algorithm, without recursion).
fn components(flat: &Flat<'_>) -> Vec<usize> {
    let count = flat.nodes.len();
    let mut listeners = vec![Vec::new(); count];
    for (to, hears) in flat.hears.iter().enumerate() {
        for &from in hears {
            listeners[from].push(to);
        }
    }
    let mut finished = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for start in 0..count {
        walk(start, &listeners, &mut seen, &mut |at| finished.push(at));
    }
    let mut component = vec![0; count];
    let mut seen = vec![false; count];
    for (number, &start) in finished.iter().rev().enumerate() {
        walk(start, &flat.hears, &mut seen, &mut |at| component[at] = number);
    }
    component
}

/// Depth first from `start` through nodes not yet seen; `leave` is told each when all behind it is done.
fn walk(start: usize, next: &[Vec<usize>], seen: &mut [bool], leave: &mut dyn FnMut(usize)) {
    if std::mem::replace(&mut seen[start], true) {
        return;
    }
    let mut path = vec![(start, 0)];
    while let Some((at, tried)) = path.last_mut() {
        if let Some(&to) = next[*at].get(*tried) {
            *tried += 1;
            if !std::mem::replace(&mut seen[to], true) {
                path.push((to, 0));
            }
        } else {
            leave(*at);
            path.pop();
        }
    }
}
