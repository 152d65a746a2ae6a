//! An affine map before weights goes into them, exactly also where zero padding meets the shift.

use super::compose::Map;
use super::field::Field;
use super::peel::peel;
use super::rewrite::{Rewrite, View};
use super::synapses::Synapses;
use crate::NodeId;

/// Folds the affine maps before a convolution or matrix product into it, through operations that move values or take
/// means. The scale must be one number an input channel. What the shift contributes is constant: a bias where it is
/// the same all over an output channel; else (padding pads zeros after the shift, so the contribution is smaller at
/// the border) an affine map behind the operation.
pub(super) fn fold(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let synapses = Synapses::of(view.op(id))?;
    let mut sketch = view.sketch();
    let peeled = peel(view, &mut sketch, view.input(id)?)?;
    let output = view.shape(id);
    let Map { scale, shift } = peeled.map;
    let scale = scale.along(synapses.channel_axis(shift.shape().len()))?;
    let response = synapses.response(&shift, output)?;

    let mut biases = synapses.biases();
    let everywhere = response.along(synapses.channel_axis(output.len()));
    if let Some(more) = &everywhere {
        biases.iter_mut().zip(more).for_each(|(bias, more)| *bias += more);
    }
    let op = synapses.with(&synapses.scaled_inputs(&scale), &biases)?;
    let mut result = sketch.add(view.name(id), op, &[peeled.core])?;
    if everywhere.is_none() {
        let map = Map { scale: Field::full(output, 1.0), shift: response };
        result = sketch.add(&peeled.name, map.op()?, &[result])?;
    }
    Some(sketch.finish(result))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NCHW, affine, conv, counting, relu, story, transpose};
    use crate::Op;
    use crate::ops::{Add, Affine, AvgPool, Concat, Linear, MaxPool, Pad, Reshape, Select, Window};

    #[test]
    fn without_padding_into_the_bias() {
        let graph = Chain::new(&[2, 3, 3]).then("bn", affine(&[2, 1, 1])).then("conv", conv(1, 2, 3, 0)).normal();
        assert_eq!(story(&graph), "Conv:conv");
        let Op::Conv(conv) = &graph.nodes()[1].op else { panic!() };
        // taps (1 + … + 9) / 4 · 1/4 + (10 + … + 18) / 4 · 1/2 + 1/4
        assert_eq!(conv.bias.as_ref().unwrap().data(), [45.0 / 16.0 + 126.0 / 8.0 + 0.25]);
    }

    #[test]
    fn with_padding_a_map_of_its_own() {
        let graph = Chain::new(&[2, 4, 4]).then("bn", affine(&[2, 1, 1])).then("conv", conv(3, 2, 3, 1)).normal();
        assert_eq!(story(&graph), "Conv:conv Affine:bn");
        let Op::Affine(Affine { scale: None, shift: Some(shift) }) = &graph.nodes()[2].op else { panic!() };
        assert_eq!(shift.shape(), [3, 4, 4]);
        let scaled = Affine { scale: Some(counting(&[2, 1, 1])), shift: None };
        let graph = Chain::new(&[2, 4, 4]).then("s", Op::Affine(scaled)).then("conv", conv(3, 2, 3, 1)).normal();
        assert_eq!(story(&graph), "Conv:conv");
    }

    #[test]
    fn a_vector_of_factors_into_a_matrix_product() {
        let linear = Op::Linear(Linear { weight: counting(&[3, 18]), bias: None });
        let graph = Chain::new(&[2, 3, 3])
            .then("relu", relu())
            .then("bn", affine(&[2, 1, 1]))
            .then("flat", Op::Reshape(Reshape { shape: vec![18] }))
            .then("bn2", affine(&[18]))
            .then("fc", linear)
            .normal();
        assert_eq!(story(&graph), "Relu:relu Reshape:flat Linear:fc");
    }

    #[test]
    fn through_routing() {
        let graph = Chain::new(&[4, 4, 2])
            .then("bn", affine(&[2]))
            .then("pad", Op::Pad(Pad { before: vec![0, 0, 0], after: vec![1, 0, 0], value: 0.0 }))
            .then("nchw", transpose(&TO_NCHW))
            .then("conv", conv(1, 2, 2, 0))
            .normal();
        assert_eq!(story(&graph), "Transpose:nchw Conv:conv Affine:bn");
    }

    #[test]
    fn through_space_to_depth() {
        let mut chain = Chain::new(&[3, 4, 4]).then("bn", affine(&[3, 1, 1]));
        let x = chain.last();
        let rows = |start: usize| Some(vec![start, start + 2]);
        let even = chain.on("even", Op::Select(Select { maps: vec![None, rows(0), None] }), &[x]);
        let odd = chain.on("odd", Op::Select(Select { maps: vec![None, rows(1), None] }), &[x]);
        let joined = chain.on("joined", Op::Concat(Concat { axis: 0 }), &[even, odd]);
        chain.on("conv", conv(2, 6, 2, 0), &[joined]);
        assert_eq!(story(&chain.normal()), "Select:even Select:odd Concat:joined Conv:conv");
    }

    #[test]
    fn through_a_mean() {
        let pool = AvgPool { window: Window::new(vec![2, 2]), ceil: false, count_include_pad: false };
        let graph = Chain::new(&[2, 4, 4])
            .then("relu", relu())
            .then("bn", affine(&[2, 1, 1]))
            .then("pool", Op::AvgPool(pool))
            .then("conv", conv(2, 2, 1, 0))
            .normal();
        assert_eq!(story(&graph), "Relu:relu AveragePool:pool Conv:conv");
    }

    #[test]
    fn what_can_go_into_the_weights_before_does() {
        let mut chain = Chain::new(&[2, 4, 4]).then("c1", conv(2, 2, 1, 0)).then("bn", affine(&[2, 1, 1]));
        let bn = chain.last();
        let c2 = chain.on("c2", conv(2, 2, 3, 1), &[bn]);
        chain.on("sum", Op::Add(Add::plain(2)), &[bn, c2]);
        assert_eq!(story(&chain.normal()), "Conv:c1 Conv:c2 Add:sum");
    }

    #[test]
    fn a_map_that_others_read_goes_into_each_that_can_take_it() {
        let pool = Op::MaxPool(MaxPool { window: Window::new(vec![2, 2]), ceil: false });
        let mut chain = Chain::new(&[2, 4, 4]).then("pool", pool).then("bn", affine(&[2, 1, 1]));
        let bn = chain.last();
        let c1 = chain.on("c1", conv(2, 2, 1, 0), &[bn]);
        let c2 = chain.on("c2", conv(2, 2, 1, 0), &[bn]);
        let r = chain.on("r", relu(), &[bn]);
        chain.on("sum", Op::Add(Add::plain(3)), &[c1, c2, r]);
        assert_eq!(story(&chain.normal()), "MaxPool:pool Affine:bn Conv:c1 Conv:c2 Relu:r Add:sum");
    }

    #[test]
    fn a_scale_that_varies_over_space_stays() {
        let graph = Chain::new(&[1, 3, 3]).then("mask", affine(&[3, 3])).then("conv", conv(1, 1, 2, 0)).normal();
        assert_eq!(story(&graph), "Affine:mask Conv:conv");
    }
}
