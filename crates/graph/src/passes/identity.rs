//! Operations that change nothing, and routing that is done twice.

use super::rewrite::{Rewrite, View};
use crate::ops::{Affine, Window};
use crate::{NodeId, Op, Role, Tensor};

/// Drops an operation whose result is its input.
pub(super) fn remove(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let input = view.input(id)?;
    let shape = view.shape(input);
    let changes_nothing = match view.op(id) {
        Op::Reshape(reshape) => reshape.shape == shape,
        Op::Transpose(transpose) => transpose.perm.iter().copied().eq(0..shape.len()),
        Op::Select(select) => select.maps.iter().zip(shape).all(|(map, &extent)| match map {
            None => true,
            Some(map) => map.iter().copied().eq(0..extent),
        }),
        Op::Affine(Affine { scale, shift }) => all(scale.as_ref(), 1.0) && all(shift.as_ref(), 0.0),
        Op::Pad(pad) => pad.before.iter().chain(&pad.after).all(|&n| n == 0),
        Op::MaxPool(pool) => single(&pool.window),
        Op::AvgPool(pool) => single(&pool.window),
        Op::Mean(mean) => mean.keep && mean.axes.iter().all(|&axis| shape[axis] == 1),
        Op::Add(add) => add.coefficients == [1.0],
        Op::Concat(_) => true,
        _ => false,
    };
    if changes_nothing { Some(Rewrite::alias(view, input)) } else { None }
}

/// Takes an earlier node that routes the same values in the same way.
pub(super) fn share(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let node = view.node(id);
    if node.op.role() != Role::Routing {
        return None;
    }
    let same = |&&other: &&NodeId| {
        let other_node = view.node(other);
        other < id && other_node.inputs == node.inputs && other_node.op == node.op
    };
    let first = view.consumers(*node.inputs.first()?).iter().find(same)?;
    Some(Rewrite::alias(view, *first))
}

/// Whether a window is one element, each taken once.
fn single(window: &Window) -> bool {
    window.taps() == 1 && window.stride.iter().all(|&s| s == 1) && !window.is_padded()
}

/// Whether an optional constant is absent or `value` everywhere.
fn all(constant: Option<&Tensor>, value: f32) -> bool {
    constant.is_none_or(|constant| constant.data().iter().all(|&x| x == value))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, conv, relu, story, transpose};
    use super::*;
    use crate::ops::{Add, AvgPool, Concat, MaxPool, Mean, Pad, Reshape, Select};

    #[test]
    fn nothing_stays_of_what_does_nothing() {
        let graph = Chain::new(&[2, 1, 3])
            .then("a", Op::Reshape(Reshape { shape: vec![2, 1, 3] }))
            .then("b", transpose(&[0, 1, 2]))
            .then("c", Op::Select(Select { maps: vec![None, Some(vec![0]), Some(vec![0, 1, 2])] }))
            .then("d", Op::Affine(Affine { scale: Some(Tensor::vector(vec![1.0])), shift: None }))
            .then("e", Op::Pad(Pad { before: vec![0; 3], after: vec![0; 3], value: 7.0 }))
            .then("f", Op::MaxPool(MaxPool { window: Window::new(vec![1, 1]), ceil: true }))
            .then("g", Op::AvgPool(AvgPool { window: Window::new(vec![1, 1]), ceil: false, count_include_pad: true }))
            .then("h", Op::Add(Add::plain(1)))
            .then("i", Op::Concat(Concat { axis: 0 }))
            .then("j", Op::Mean(Mean { axes: vec![1], keep: true }))
            .then("k", relu());
        assert_eq!(story(&graph.normal()), "Relu:k");
    }

    #[test]
    fn a_graph_may_end_in_its_input() {
        let graph = Chain::new(&[2]).then("a", Op::Add(Add::plain(1))).normal();
        assert_eq!(graph.nodes().len(), 1);
        assert_eq!(graph.outputs(), [NodeId(0)]);
    }

    #[test]
    fn what_does_something_stays() {
        let graph = Chain::new(&[2, 3, 3])
            .then("a", Op::Add(Add { coefficients: vec![2.0] }))
            .then("b", Op::MaxPool(MaxPool { window: Window::new(vec![1, 1]).strided(2), ceil: false }))
            .then("c", Op::Select(Select { maps: vec![Some(vec![1, 0]), None, None] }));
        assert_eq!(story(&graph.normal()), "Add:a MaxPool:b Select:c");
    }

    #[test]
    fn the_same_routing_is_done_once() {
        let mut chain = Chain::new(&[3, 3, 2]);
        let x = chain.last();
        let a = chain.on("a", transpose(&[2, 0, 1]), &[x]);
        let b = chain.on("b", transpose(&[2, 0, 1]), &[x]);
        let c = chain.on("c", conv(2, 2, 1, 0), &[a]);
        let d = chain.on("d", conv(2, 2, 1, 0), &[b]);
        chain.on("e", Op::Add(Add::plain(2)), &[c, d]);
        assert_eq!(story(&chain.normal()), "Transpose:a Conv:c Conv:d Add:e");
    }
}
