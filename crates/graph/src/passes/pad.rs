//! Padding becomes part of the window that reads it.

use super::range::sees_input;
use super::rewrite::{Rewrite, View};
use super::transpose::pad_before;
use crate::ops::{AvgPool, Conv, MaxPool, Pad, Transpose, Window};
use crate::{NodeId, Op};

/// Folds padding of spatial axes into the convolution or pooling behind it (a transpose may lie between), where the
/// window then computes the same: zeros for a convolution or a mean that counts them, for a maximum what can never
/// win. Two paddings in a row with one value become one.
pub(super) fn fold(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let input = view.input(id)?;
    let mut sketch = view.sketch();
    let (pad, source, low) = match view.op(input) {
        Op::Pad(pad) => {
            let source = view.input(input)?;
            if let Op::Pad(outer) = view.op(id) {
                let result = sketch.add(view.name(input), Op::Pad(merged(pad, outer)?), &[source])?;
                return Some(sketch.finish(result));
            }
            (pad.clone(), source, view.range(source).low)
        }
        Op::Transpose(Transpose { perm }) if windowed(view.op(id)) => {
            let padded = view.input(input)?;
            let Op::Pad(pad) = view.op(padded) else { return None };
            let source = view.input(padded)?;
            let moved = sketch.add(view.name(input), view.op(input).clone(), &[source])?;
            // Padding before the transpose, seen from behind it.
            (pad_before(pad, &super::transpose::inverse(perm)), moved, view.range(source).low)
        }
        _ => return None,
    };
    let op = match view.op(id) {
        Op::Conv(conv) if pad.value == 0.0 => Op::Conv(Conv { window: widened(&conv.window, &pad)?, ..conv.clone() }),
        Op::AvgPool(pool) if pad.value == 0.0 && (pool.count_include_pad || !pool.window.is_padded()) => {
            let window = widened(&pool.window, &pad)?;
            Op::AvgPool(AvgPool { window, ceil: pool.ceil, count_include_pad: true })
        }
        Op::MaxPool(pool) if pad.value <= low => {
            let window = widened(&pool.window, &pad)?;
            if pad.value > f32::NEG_INFINITY && !sees_input(&window, sketch.shape(source), view.shape(id)) {
                return None;
            }
            Op::MaxPool(MaxPool { window, ceil: pool.ceil })
        }
        _ => return None,
    };
    // Refused where the padding is as wide as a pooling window; a rounded-up extent may change, too.
    let result = sketch.add(view.name(id), op, &[source])?;
    if sketch.shape(result) == view.shape(id) { Some(sketch.finish(result)) } else { None }
}

fn windowed(op: &Op) -> bool {
    matches!(op, Op::Conv(_) | Op::AvgPool(_) | Op::MaxPool(_))
}

/// The window with a padding of spatial axes added to its own.
fn widened(window: &Window, pad: &Pad) -> Option<Window> {
    let ([0, before @ ..], [0, after @ ..]) = (&pad.before[..], &pad.after[..]) else { return None };
    let (pad_begin, pad_end) = (sum(&window.pad_begin, before)?, sum(&window.pad_end, after)?);
    Some(Window { pad_begin, pad_end, ..window.clone() })
}

/// Two paddings in a row.
fn merged(inner: &Pad, outer: &Pad) -> Option<Pad> {
    if inner.value != outer.value {
        return None;
    }
    let (before, after) = (sum(&inner.before, &outer.before)?, sum(&inner.after, &outer.after)?);
    Some(Pad { before, after, value: inner.value })
}

fn sum(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    a.iter().zip(b).map(|(a, b)| a.checked_add(*b)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NCHW, clip, conv, relu, story, transpose};
    use super::*;

    fn pad(before: &[usize], after: &[usize], value: f32) -> Op {
        Op::Pad(Pad { before: before.to_vec(), after: after.to_vec(), value })
    }

    fn mean_pool(pad: usize, count_include_pad: bool) -> Op {
        Op::AvgPool(AvgPool { window: Window::new(vec![3, 3]).padded(pad), ceil: false, count_include_pad })
    }

    fn max_pool(pad: usize, kernel: usize, ceil: bool) -> Op {
        Op::MaxPool(MaxPool { window: Window::new(vec![kernel, kernel]).padded(pad).strided(2), ceil })
    }

    #[test]
    fn into_a_convolution() {
        let chain = || Chain::new(&[2, 5, 5]);
        let graph = chain().then("p", pad(&[0, 1, 0], &[0, 0, 2], 0.0)).then("c", conv(1, 2, 3, 1)).normal();
        assert_eq!(story(&graph), "Conv:c");
        let Op::Conv(conv_) = &graph.nodes()[1].op else { panic!() };
        assert_eq!((&conv_.window.pad_begin[..], &conv_.window.pad_end[..]), (&[2, 1][..], &[1, 3][..]));
        let graph = chain().then("p", pad(&[1, 0, 0], &[0, 0, 0], 0.0)).then("c", conv(1, 3, 3, 1)).normal();
        assert_eq!(story(&graph), "Pad:p Conv:c");
        let graph = chain().then("p", pad(&[0, 1, 1], &[0, 1, 1], 1.0)).then("c", conv(1, 2, 3, 1)).normal();
        assert_eq!(story(&graph), "Pad:p Conv:c");
    }

    #[test]
    fn through_a_transpose_and_merged() {
        let graph = Chain::new(&[5, 5, 2])
            .then("p", pad(&[1, 0, 0], &[0, 2, 0], 0.0))
            .then("q", pad(&[1, 0, 0], &[0, 0, 0], 0.0))
            .then("t", transpose(&TO_NCHW))
            .then("c", conv(1, 2, 3, 0))
            .normal();
        assert_eq!(story(&graph), "Transpose:t Conv:c");
        let Op::Conv(conv_) = &graph.nodes()[2].op else { panic!() };
        assert_eq!((&conv_.window.pad_begin[..], &conv_.window.pad_end[..]), (&[2, 0][..], &[0, 2][..]));
    }

    #[test]
    fn into_a_mean_only_where_it_counts() {
        let normal =
            |pool| story(&Chain::new(&[1, 5, 5]).then("p", pad(&[0, 1, 1], &[0, 1, 1], 0.0)).then("m", pool).normal());
        assert_eq!(normal(mean_pool(0, false)), "AveragePool:m");
        assert_eq!(normal(mean_pool(1, true)), "AveragePool:m");
        assert_eq!(normal(mean_pool(1, false)), "Pad:p AveragePool:m");
    }

    #[test]
    fn into_a_maximum_where_it_never_wins() {
        let normal = |before: Op, value, pool| {
            let chain = Chain::new(&[1, 6, 6]).then("a", before);
            story(&chain.then("p", pad(&[0, 1, 1], &[0, 1, 1], value)).then("m", pool).normal())
        };
        assert_eq!(normal(Op::Sigmoid, f32::NEG_INFINITY, max_pool(0, 3, false)), "Sigmoid:a MaxPool:m");
        assert_eq!(normal(Op::Sigmoid, 0.0, max_pool(0, 3, false)), "Sigmoid:a Pad:p MaxPool:m");
        assert_eq!(normal(relu(), 0.0, max_pool(1, 3, false)), "Relu:a MaxPool:m");
        assert_eq!(normal(clip(1.0, 6.0), 0.5, max_pool(0, 3, false)), "Clip:a MaxPool:m");
        assert_eq!(normal(relu(), 0.5, max_pool(0, 3, false)), "Relu:a Pad:p MaxPool:m");
        // padding as wide as the window
        assert_eq!(normal(relu(), 0.0, max_pool(1, 2, false)), "Relu:a Pad:p MaxPool:m");
    }

    #[test]
    fn a_maximum_over_padding_alone_stays() {
        let mut window = Window::new(vec![2, 2]);
        window.dilation = vec![2, 2];
        let graph = Chain::new(&[1, 1, 1])
            .then("a", relu())
            .then("p", pad(&[0, 1, 1], &[0, 1, 1], 0.0))
            .then("m", Op::MaxPool(MaxPool { window, ceil: false }))
            .normal();
        assert_eq!(story(&graph), "Relu:a Pad:p MaxPool:m");
    }
}
