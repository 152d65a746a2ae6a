//! Transposes sink towards the head, past everything that treats the axes alike, until they meet their inverse.
//!
//! A graph from a channels-last framework has a pair of transposes around each convolution. The first of a pair meets
//! the second one of the pair before it and both vanish; one stays at the input and one before the head.

use super::field::Field;
use super::rewrite::{Rewrite, View};
use crate::ops::{Activation, Affine, Concat, Mean, Pad, Select, Transpose};
use crate::{NodeId, Op};

/// Moves the transposes before a node behind it; two in a row become one.
pub(super) fn sink(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let node = view.node(id);
    let first = *node.inputs.first()?;
    let Op::Transpose(Transpose { perm }) = view.op(first) else { return None };
    let sources: Vec<NodeId> = node
        .inputs
        .iter()
        .map(|&input| match view.op(input) {
            Op::Transpose(other) if other.perm == *perm => view.input(input),
            _ => None,
        })
        .collect::<Option<_>>()?;
    if let Op::Transpose(outer) = &node.op {
        let merged = outer.perm.iter().map(|&axis| perm[axis]).collect();
        let mut sketch = view.sketch();
        let result = sketch.add(view.name(first), Op::Transpose(Transpose { perm: merged }), &sources)?;
        return Some(sketch.finish(result));
    }
    let (op, perm) = before_transposing(&node.op, perm, view.shape(first))?;
    let mut sketch = view.sketch();
    let moved = sketch.add(&node.name, op, &sources)?;
    let result = sketch.add(view.name(first), Op::Transpose(Transpose { perm }), &[moved])?;
    Some(sketch.finish(result))
}

/// The operation that does before a transpose by `perm` what `op` does after it, and the transpose that is then left.
/// `shape` is the transposed shape.
fn before_transposing(op: &Op, perm: &[usize], shape: &[usize]) -> Option<(Op, Vec<usize>)> {
    let inverse = inverse(perm);
    let moved = match op {
        Op::Activation(Activation::Leaky { slope }) => {
            let slope = Field::expand(Some(slope), 1.0, shape)?.permuted(&inverse).tensor()?;
            Op::Activation(Activation::Leaky { slope })
        }
        Op::Activation(_) | Op::Add(_) => op.clone(),
        Op::Affine(affine) => Op::Affine(affine_before(affine, shape, |field| Some(field.permuted(&inverse)))?),
        Op::Concat(Concat { axis }) => Op::Concat(Concat { axis: perm[*axis] }),
        Op::Pad(pad) => Op::Pad(pad_before(pad, perm)),
        Op::Select(Select { maps }) => {
            Op::Select(Select { maps: inverse.iter().map(|&axis| maps[axis].clone()).collect() })
        }
        Op::Mean(mean) => {
            let mut axes: Vec<usize> = mean.axes.iter().map(|&axis| perm[axis]).collect();
            axes.sort_unstable();
            if !mean.keep {
                let left: Vec<usize> = perm.iter().copied().filter(|axis| !axes.contains(axis)).collect();
                // Axes that stay, renumbered.
                let perm = left.iter().map(|axis| left.iter().filter(|other| *other < axis).count()).collect();
                return Some((Op::Mean(Mean { axes, keep: false }), perm));
            }
            Op::Mean(Mean { axes, keep: true })
        }
        // A matrix product is on the last axis: it allows the others to be rearranged.
        Op::Linear(_) if perm.last() == Some(&(perm.len() - 1)) => op.clone(),
        _ => return None,
    };
    Some((moved, perm.to_vec()))
}

/// An affine map on `shape` with its constants moved by `route`.
pub(super) fn affine_before(
    affine: &Affine,
    shape: &[usize],
    route: impl Fn(Field) -> Option<Field>,
) -> Option<Affine> {
    let constant = |tensor: &Option<_>| match tensor {
        Some(tensor) => Some(Some(route(Field::expand(Some(tensor), 0.0, shape)?)?.tensor()?)),
        None => Some(None),
    };
    Some(Affine { scale: constant(&affine.scale)?, shift: constant(&affine.shift)? })
}

/// The padding before a transpose that is `pad` after it.
pub(super) fn pad_before(pad: &Pad, perm: &[usize]) -> Pad {
    let inverse = inverse(perm);
    let moved = |widths: &[usize]| inverse.iter().map(|&axis| widths[axis]).collect();
    Pad { before: moved(&pad.before), after: moved(&pad.after), value: pad.value }
}

/// Where each axis goes.
pub(super) fn inverse(perm: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; perm.len()];
    for (to, &from) in perm.iter().enumerate() {
        inverse[from] = to;
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NCHW, TO_NHWC, affine, conv, counting, relu, story, transpose};
    use super::*;
    use crate::ops::Add;

    #[test]
    fn pairs_vanish_around_what_treats_axes_alike() {
        let pad = Pad { before: vec![1, 0, 0], after: vec![0, 2, 0], value: -1.0 };
        let graph = Chain::new(&[3, 4, 2])
            .then("in", transpose(&TO_NCHW))
            .then("c1", conv(2, 2, 1, 0))
            .then("out", transpose(&TO_NHWC))
            .then("bn", affine(&[2]))
            .then("relu", relu())
            .then("pad", Op::Pad(pad))
            .then("prelu", Op::Activation(Activation::Leaky { slope: counting(&[2]) }))
            .then("even", Op::Select(Select { maps: vec![Some(vec![0, 2]), None, None] }))
            .then("in2", transpose(&TO_NCHW))
            .then("c2", conv(3, 2, 1, 0))
            .normal();
        assert_eq!(story(&graph), "Transpose:in Conv:c1 Relu:relu Pad:pad LeakyRelu:prelu Select:even Conv:c2");
        let Op::Pad(pad) = &graph.nodes()[4].op else { panic!() };
        assert_eq!((&pad.before[..], &pad.after[..]), (&[0, 1, 0][..], &[0, 0, 2][..]));
        let Op::Activation(Activation::Leaky { slope }) = &graph.nodes()[5].op else { panic!() };
        assert_eq!(slope.shape(), [2, 1, 1]);
    }

    #[test]
    fn branches_join_before_the_transpose() {
        let mut chain = Chain::new(&[2, 3, 4]);
        let x = chain.last();
        let a = chain.on("a", conv(2, 2, 1, 0), &[x]);
        let at = chain.on("at", transpose(&TO_NHWC), &[a]);
        let b = chain.on("b", conv(2, 2, 1, 0), &[x]);
        let bt = chain.on("bt", transpose(&TO_NHWC), &[b]);
        let sum = chain.on("sum", Op::Add(Add::plain(2)), &[at, bt]);
        let r = chain.on("r", relu(), &[sum]);
        let joined = chain.on("joined", Op::Concat(Concat { axis: 2 }), &[r, at]);
        let back = chain.on("back", transpose(&TO_NCHW), &[joined]);
        chain.on("c", conv(1, 4, 1, 0), &[back]);
        let graph = chain.normal();
        assert_eq!(story(&graph), "Conv:a Conv:b Add:sum Relu:r Concat:joined Conv:c");
    }

    #[test]
    fn means_take_the_axes_along() {
        let tail = |axes, keep| {
            Chain::new(&[2, 3, 4]).then("t", transpose(&TO_NHWC)).then("m", Op::Mean(Mean { axes, keep })).normal()
        };
        let graph = tail(vec![0, 1], false);
        assert_eq!(story(&graph), "ReduceMean:m");
        assert_eq!(graph.nodes()[1].op, Op::Mean(Mean { axes: vec![1, 2], keep: false }));
        let graph = tail(vec![0], false);
        assert_eq!(story(&graph), "ReduceMean:m Transpose:t");
        assert_eq!(graph.nodes()[1].op, Op::Mean(Mean { axes: vec![1], keep: false }));
        assert_eq!(graph.nodes()[2].op, transpose(&[1, 0]));
    }

    #[test]
    fn different_transposes_stay() {
        let mut chain = Chain::new(&[3, 3, 3]);
        let x = chain.last();
        let a = chain.on("a", transpose(&TO_NHWC), &[x]);
        chain.on("sum", Op::Add(Add::plain(2)), &[a, x]);
        assert_eq!(story(&chain.normal()), "Transpose:a Add:sum");
    }
}
