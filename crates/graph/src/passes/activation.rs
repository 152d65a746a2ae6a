//! One form for each activation; neighbours merge.

use super::range::Range;
use super::rewrite::{Rewrite, View};
use crate::ops::Activation;
use crate::{NodeId, Op};

/// `Clip(0, ∞)` and a leak of 0 are Relu; a leak of 1, and what the values' range makes idle, is nothing; two
/// clipping activations in a row are one.
pub(super) fn simplify(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let Op::Activation(activation) = view.op(id) else { return None };
    let input = view.input(id)?;
    let replaced_by = |name: &str, activation: Activation, input: NodeId| {
        let mut sketch = view.sketch();
        let node = sketch.add(name, Op::Activation(activation), &[input])?;
        Some(sketch.finish(node))
    };
    let idle = match activation {
        Activation::Leaky { slope } => {
            if slope.data().iter().all(|&x| x == 0.0) {
                return replaced_by(view.name(id), Activation::Relu, input);
            }
            view.range(input).low >= 0.0 || slope.data().iter().all(|&x| x == 1.0)
        }
        clipping => view.range(input).within(Range::of(clipping)?),
    };
    if idle {
        return Some(Rewrite::alias(view, input));
    }
    let outer = Range::of(activation)?;
    if let Op::Activation(inner) = view.op(input)
        && let Some(inner) = Range::of(inner)
        && view.sole(input)
    {
        return replaced_by(view.name(input), clipping(inner.clipped(outer)), view.input(input)?);
    }
    match clipping(outer) {
        Activation::Relu if *activation != Activation::Relu => replaced_by(view.name(id), Activation::Relu, input),
        _ => None,
    }
}

/// The activation that clips to `range`.
fn clipping(range: Range) -> Activation {
    match range {
        Range { low: 0.0, high: f32::INFINITY } => Activation::Relu,
        Range { low, high } => Activation::Clip { low, high },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, clip, counting, relu, story};
    use super::*;
    use crate::Tensor;
    use crate::ops::{Add, MaxPool, Window};

    fn leaky(slope: Tensor) -> Op {
        Op::Activation(Activation::Leaky { slope })
    }

    #[test]
    fn one_form() {
        let normal = |op| story(&Chain::new(&[2]).then("a", op).then("b", Op::Sigmoid).normal());
        assert_eq!(normal(clip(0.0, f32::INFINITY)), "Relu:a Sigmoid:b");
        assert_eq!(normal(clip(f32::NEG_INFINITY, f32::INFINITY)), "Sigmoid:b");
        assert_eq!(normal(clip(0.0, 6.0)), "Clip:a Sigmoid:b");
        assert_eq!(normal(leaky(Tensor::full(vec![2], 0.0))), "Relu:a Sigmoid:b");
        assert_eq!(normal(leaky(Tensor::full(vec![1], 1.0))), "Sigmoid:b");
        assert_eq!(normal(leaky(counting(&[2]))), "LeakyRelu:a Sigmoid:b");
    }

    #[test]
    fn neighbours_merge() {
        let graph = Chain::new(&[2]).then("a", clip(-1.0, 8.0)).then("b", relu()).then("c", clip(-3.0, 6.0)).normal();
        assert_eq!(story(&graph), "Clip:a");
        assert_eq!(graph.nodes()[1].op, clip(0.0, 6.0));
        let graph = Chain::new(&[2]).then("a", clip(-1.0, f32::INFINITY)).then("b", relu()).normal();
        assert_eq!(story(&graph), "Relu:a");
        let graph = Chain::new(&[2]).then("a", clip(-5.0, -1.0)).then("b", clip(0.0, 6.0)).normal();
        assert_eq!(graph.nodes()[1].op, clip(0.0, 0.0));
    }

    #[test]
    fn a_population_that_others_read_is_not_merged_but_an_idle_one_goes() {
        let mut chain = Chain::new(&[2]);
        let x = chain.last();
        let a = chain.on("a", clip(-1.0, 6.0), &[x]);
        let b = chain.on("b", relu(), &[a]);
        let c = chain.on("c", relu(), &[b]);
        chain.on("d", Op::Add(Add::plain(3)), &[a, b, c]);
        assert_eq!(story(&chain.normal()), "Clip:a Relu:b Add:d");
    }

    #[test]
    fn a_maximum_keeps_the_range() {
        let pool = Op::MaxPool(MaxPool { window: Window::new(vec![2, 2]).padded(1), ceil: false });
        let graph = Chain::new(&[1, 4, 4]).then("a", relu()).then("p", pool).then("b", relu()).normal();
        assert_eq!(story(&graph), "Relu:a MaxPool:p");
    }
}
