//! Reshapes merge, and sink below pointwise operations towards the matrix product that wants them.

use super::field::Field;
use super::rewrite::{Rewrite, View};
use super::transpose::affine_before;
use crate::ops::{Activation, Reshape};
use crate::{NodeId, Op};

/// Of reshapes in a row only the last counts; a transpose before a reshape that only moves axes of extent 1 does not
/// count either; a mean that only drops such axes is a reshape.
pub(super) fn simplify(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let input = view.input(id)?;
    let source = match (view.op(id), view.op(input)) {
        (Op::Reshape(_), Op::Reshape(_)) => view.input(input)?,
        (Op::Reshape(_), Op::Transpose(transpose)) if keeps_order(&transpose.perm, view.shape(input)) => {
            view.input(input)?
        }
        (Op::Mean(mean), _) if !mean.keep && mean.axes.iter().all(|&axis| view.shape(input)[axis] == 1) => input,
        _ => return None,
    };
    let mut sketch = view.sketch();
    let result = sketch.add(view.name(id), Op::Reshape(Reshape { shape: view.shape(id).to_vec() }), &[source])?;
    Some(sketch.finish(result))
}

/// Moves a reshape behind the activation or affine map that reads it.
pub(super) fn sink(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let input = view.input(id)?;
    let Op::Reshape(reshape) = view.op(input) else { return None };
    let source = view.input(input)?;
    let shape = view.shape(source);
    let op = match view.op(id) {
        Op::Activation(Activation::Leaky { slope }) => {
            let slope = Field::expand(Some(slope), 1.0, view.shape(input))?.reshaped(shape)?.tensor()?;
            Op::Activation(Activation::Leaky { slope })
        }
        op @ Op::Activation(_) => op.clone(),
        Op::Affine(affine) => Op::Affine(affine_before(affine, view.shape(input), |field| field.reshaped(shape))?),
        _ => return None,
    };
    let mut sketch = view.sketch();
    let moved = sketch.add(view.name(id), op, &[source])?;
    let result = sketch.add(view.name(input), Op::Reshape(reshape.clone()), &[moved])?;
    Some(sketch.finish(result))
}

/// Whether a transpose to `shape` leaves the elements in their order: it only moves axes of extent 1.
fn keeps_order(perm: &[usize], shape: &[usize]) -> bool {
    let moved: Vec<usize> = perm.iter().zip(shape).filter(|&(_, &n)| n > 1).map(|(&axis, _)| axis).collect();
    moved.is_sorted()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NHWC, affine, conv, relu, story, transpose};
    use super::*;
    use crate::ops::{Mean, Window};

    fn reshape(shape: &[usize]) -> Op {
        Op::Reshape(Reshape { shape: shape.to_vec() })
    }

    #[test]
    fn reshapes_merge_and_cancel() {
        let graph = Chain::new(&[4, 1, 3]).then("a", reshape(&[3, 4])).then("b", reshape(&[12])).normal();
        assert_eq!(story(&graph), "Reshape:b");
        let graph = Chain::new(&[4, 3]).then("a", reshape(&[12])).then("b", reshape(&[4, 3])).normal();
        assert_eq!(story(&graph), "");
    }

    #[test]
    fn axes_of_extent_one_need_no_transpose() {
        let pool = crate::ops::MaxPool { window: Window::new(vec![2, 2]), ceil: false };
        let graph = Chain::new(&[3, 2, 2])
            .then("p", Op::MaxPool(pool))
            .then("t", transpose(&TO_NHWC))
            .then("r", reshape(&[3]))
            .normal();
        assert_eq!(story(&graph), "MaxPool:p Reshape:r");
        let graph = Chain::new(&[3, 1, 1]).then("m", Op::Mean(Mean { axes: vec![1, 2], keep: false })).normal();
        assert_eq!(story(&graph), "Reshape:m");
    }

    #[test]
    fn an_affine_map_behind_a_reshape_reaches_the_weights_before_it() {
        let graph = Chain::new(&[2, 1, 1])
            .then("c", conv(6, 2, 1, 0))
            .then("flat", reshape(&[6]))
            .then("bn", affine(&[6]))
            .then("relu", relu())
            .normal();
        assert_eq!(story(&graph), "Conv:c Relu:relu Reshape:flat");
    }
}
