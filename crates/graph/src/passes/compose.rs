//! Affine maps in a row become one.

use super::field::Field;
use super::rewrite::{Rewrite, View};
use crate::ops::Affine;
use crate::{NodeId, Op};

/// The map `x ↦ scale · x + shift` with both constants expanded.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub(super) scale: Field,
    pub(super) shift: Field,
}

impl Map {
    /// The map that an affine operation on `shape` is.
    pub(super) fn of(affine: &Affine, shape: &[usize]) -> Option<Self> {
        Some(Self {
            scale: Field::expand(affine.scale.as_ref(), 1.0, shape)?,
            shift: Field::expand(affine.shift.as_ref(), 0.0, shape)?,
        })
    }

    /// The map that changes nothing.
    pub(super) fn identity(shape: &[usize]) -> Self {
        Self { scale: Field::full(shape, 1.0), shift: Field::full(shape, 0.0) }
    }

    /// This map, then `outer`.
    pub(super) fn then(&self, outer: &Self) -> Option<Self> {
        let scale = self.scale.zip(&outer.scale, |a, b| a * b)?;
        let shift = self.shift.zip(&outer.scale, |t, s| t * s)?.zip(&outer.shift, |a, b| a + b)?;
        Some(Self { scale, shift })
    }

    /// Both constants moved alike.
    pub(super) fn map(&self, route: impl Fn(&Field) -> Option<Field>) -> Option<Self> {
        Some(Self { scale: route(&self.scale)?, shift: route(&self.shift)? })
    }

    /// As an operation.
    pub(super) fn op(&self) -> Option<Op> {
        let constant = |field: &Field, absent| if field.is(absent) { Some(None) } else { Some(Some(field.tensor()?)) };
        Some(Op::Affine(Affine { scale: constant(&self.scale, 1.0)?, shift: constant(&self.shift, 0.0)? }))
    }
}

/// Composes an affine map with the one before it, where nothing else reads that one.
pub(super) fn merge(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let Op::Affine(outer) = view.op(id) else { return None };
    let input = view.input(id)?;
    let Op::Affine(inner) = view.op(input) else { return None };
    if !view.sole(input) {
        return None;
    }
    let shape = view.shape(input);
    let composed = Map::of(inner, shape)?.then(&Map::of(outer, shape)?)?;
    let mut sketch = view.sketch();
    let result = sketch.add(view.name(input), composed.op()?, &[view.input(input)?])?;
    Some(sketch.finish(result))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, story};
    use super::*;
    use crate::Tensor;

    #[test]
    fn maps_compose() {
        let graph = Chain::new(&[2, 2])
            .then("a", Op::Affine(Affine { scale: Some(Tensor::vector(vec![2.0])), shift: None }))
            .then("b", Op::Affine(Affine { scale: None, shift: Some(Tensor::vector(vec![1.0, 3.0])) }))
            .then("c", Op::Affine(Affine { scale: Some(Tensor::full(vec![2, 1], 2.0)), shift: None }))
            .normal();
        assert_eq!(story(&graph), "Affine:a");
        let Op::Affine(Affine { scale: Some(scale), shift: Some(shift) }) = &graph.nodes()[1].op else { panic!() };
        assert_eq!((scale.shape(), scale.data()), (&[1, 1][..], &[4.0][..]));
        assert_eq!((shift.shape(), shift.data()), (&[1, 2][..], &[2.0, 6.0][..]));
    }
}
