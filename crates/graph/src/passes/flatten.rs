//! A transpose before a flattened matrix product: its columns are permuted instead.

use super::field::Field;
use super::rewrite::{Rewrite, View};
use crate::ops::{Linear, Reshape};
use crate::{NodeId, Op, Tensor, volume};

/// Matrix product of a vector that is a transposed value, flattened.
pub(super) fn permute(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let Op::Linear(linear) = view.op(id) else { return None };
    let flat = view.input(id)?;
    let Op::Reshape(Reshape { shape: vector }) = view.op(flat) else { return None };
    let moved = view.input(flat)?;
    let (1, Op::Transpose(transpose)) = (vector.len(), view.op(moved)) else { return None };
    let source = view.input(moved)?;

    let shape = view.shape(source);
    let positions = Field::new(shape.to_vec(), (0..volume(shape)).map(|i| i as f64).collect())?;
    let origin = positions.permuted(&transpose.perm).elements()?;
    let columns = linear.inputs();
    let mut weight = vec![0.0; linear.weight.len()];
    for (new, old) in weight.chunks_exact_mut(columns).zip(linear.weight.data().chunks_exact(columns)) {
        for (&from, &x) in origin.iter().zip(old) {
            new[from as usize] = x;
        }
    }
    let weight = Tensor::new(linear.weight.shape().to_vec(), weight).ok()?;

    let mut sketch = view.sketch();
    let flat = sketch.add(view.name(flat), view.op(flat).clone(), &[source])?;
    let result = sketch.add(view.name(id), Op::Linear(Linear { weight, bias: linear.bias.clone() }), &[flat])?;
    Some(sketch.finish(result))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NHWC, counting, relu, story, transpose};
    use super::*;

    #[test]
    fn columns_follow_the_axes() {
        let graph = Chain::new(&[2, 1, 2])
            .then("t", transpose(&TO_NHWC))
            .then("flat", Op::Reshape(Reshape { shape: vec![4] }))
            .then("relu", relu())
            .then("fc", Op::Linear(Linear { weight: counting(&[1, 4]), bias: None }))
            .normal();
        assert_eq!(story(&graph), "Relu:relu Reshape:flat Linear:fc");
        let Op::Linear(linear) = &graph.nodes()[3].op else { panic!() };
        // channels last: columns (x0 c0) (x0 c1) (x1 c0) (x1 c1); channels first: (c0 x0) (c0 x1) (c1 x0) (c1 x1)
        assert_eq!(linear.weight.data(), [0.25, 0.75, 0.5, 1.0]);
    }
}
