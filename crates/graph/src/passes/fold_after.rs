//! An affine map after weights (batch norm, above all) goes into them.

use super::compose::Map;
use super::field::Field;
use super::range::sees_input;
use super::rewrite::{Rewrite, View};
use super::synapses::Synapses;
use crate::{NodeId, Op};

/// Folds an affine map into the convolution or matrix product before it that nothing else reads; a mean may lie
/// between. The scale must be one number an output channel. So must the shift, or it stays behind as an affine map of
/// its own.
pub(super) fn fold(view: &View<'_>, id: NodeId) -> Option<Rewrite> {
    let Op::Affine(affine) = view.op(id) else { return None };
    let before = view.input(id)?;
    let (weighted, mean) = match view.op(before) {
        Op::AvgPool(_) | Op::Mean(_) => (view.input(before)?, Some(before)),
        _ => (before, None),
    };
    let synapses = Synapses::of(view.op(weighted))?;
    if !view.sole(before) || !view.sole(weighted) {
        return None;
    }
    let map = Map::of(affine, view.shape(before))?;
    let map = match mean {
        Some(mean) => before_mean(view, mean, &map)?,
        None => map,
    };
    let axis = synapses.channel_axis(map.shift.shape().len());
    let scale = map.scale.along(axis)?;
    let shift = map.shift.along(axis);
    if mean.is_some() && shift.is_none() || shift.is_none() && map.scale.is(1.0) {
        return None;
    }
    let weights = synapses.scaled_outputs(&scale);
    let own = synapses.biases();
    let biases: Vec<f64> = match &shift {
        Some(shift) => own.iter().zip(&scale).zip(shift).map(|((b, s), t)| b * s + t).collect(),
        None => own.iter().zip(&scale).map(|(b, s)| b * s).collect(),
    };

    let mut sketch = view.sketch();
    let mut result = sketch.add(view.name(weighted), synapses.with(&weights, &biases)?, &[view.input(weighted)?])?;
    if let Some(mean) = mean {
        result = sketch.add(view.name(mean), view.op(mean).clone(), &[result])?;
    }
    if shift.is_none() {
        let scale = Field::full(map.scale.shape(), 1.0);
        result = sketch.add(view.name(id), Map { scale, shift: map.shift }.op()?, &[result])?;
    }
    Some(sketch.finish(result))
}

/// The map before a mean that is `map` after it: one that is constant in what the mean takes together.
fn before_mean(view: &View<'_>, mean: NodeId, map: &Map) -> Option<Map> {
    let shape = view.shape(view.input(mean)?);
    match view.op(mean) {
        Op::Mean(mean) => {
            let mut kept = shape.to_vec();
            mean.axes.iter().for_each(|&axis| kept[axis] = 1);
            map.map(|field| field.reshaped(&kept)?.repeated(shape))
        }
        Op::AvgPool(pool) => {
            let window = &pool.window;
            // Zeros in the padding are not shifted.
            let whole = !window.is_padded() || !pool.count_include_pad && sees_input(window, shape, view.shape(mean));
            if !whole && !map.shift.is(0.0) {
                return None;
            }
            let spatial: Vec<usize> = (1..shape.len()).collect();
            map.map(|field| field.without(&spatial)?.repeated(shape))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, affine, conv, counting, relu, story};
    use super::*;
    use crate::Tensor;
    use crate::ops::{Add, Affine, AvgPool, ConvTranspose, Linear, Mean, Window};

    #[test]
    fn batch_norm_vanishes_and_the_convolution_keeps_its_name() {
        let graph = Chain::new(&[2, 3, 3])
            .then("conv", conv(2, 2, 3, 1))
            .then("bn", affine(&[2, 1, 1]))
            .then("relu", relu())
            .normal();
        assert_eq!(story(&graph), "Conv:conv Relu:relu");
        let Op::Conv(conv) = &graph.nodes()[1].op else { panic!() };
        // scale = shift = bias = [1/4, 1/2]
        assert_eq!(conv.bias.as_ref().unwrap().data(), [0.3125, 0.75]);
        assert_eq!((conv.weight.data()[0], conv.weight.data()[18]), (0.25 * 0.25, 19.0 / 4.0 * 0.5));
    }

    #[test]
    fn all_that_have_weights() {
        let normal =
            |op, constant: &[usize]| story(&Chain::new(&[2, 3, 3]).then("w", op).then("bn", affine(constant)).normal());
        let transposed = ConvTranspose {
            weight: counting(&[2, 3, 2, 2]),
            bias: None,
            window: Window::new(vec![2, 2]).strided(2),
            output_padding: vec![0, 0],
            groups: 1,
        };
        assert_eq!(normal(Op::ConvTranspose(transposed), &[3, 1, 1]), "ConvTranspose:w");
        let linear = Op::Linear(Linear { weight: counting(&[4, 3]), bias: None });
        assert_eq!(normal(linear.clone(), &[4]), "Linear:w");
        assert_eq!(normal(linear.clone(), &[]), "Linear:w");
        assert_eq!(normal(linear, &[3, 1]), "Linear:w Affine:bn");
    }

    #[test]
    fn a_shift_that_varies_over_space_stays_alone() {
        let op = Op::Affine(Affine { scale: Some(Tensor::vector(vec![2.0])), shift: Some(counting(&[3, 3])) });
        let graph = Chain::new(&[1, 3, 3]).then("conv", conv(2, 1, 1, 0)).then("map", op).normal();
        assert_eq!(story(&graph), "Conv:conv Affine:map");
        let Op::Affine(Affine { scale: None, shift: Some(shift) }) = &graph.nodes()[2].op else { panic!() };
        assert_eq!(shift.shape(), [1, 3, 3]);
    }

    #[test]
    fn a_convolution_that_others_read_is_left() {
        let mut chain = Chain::new(&[2, 3, 3]).then("conv", conv(2, 2, 1, 0));
        let c = chain.last();
        let bn = chain.on("bn", affine(&[2, 1, 1]), &[c]);
        chain.on("sum", Op::Add(Add::plain(2)), &[c, bn]);
        assert_eq!(story(&chain.normal()), "Conv:conv Affine:bn Add:sum");
    }

    #[test]
    fn a_mean_may_lie_between() {
        let normal = |mean, constant: &[usize]| {
            let chain = Chain::new(&[1, 4, 4]).then("conv", conv(2, 1, 1, 0)).then("mean", mean);
            story(&chain.then("bn", affine(constant)).normal())
        };
        let pool = |pad, count_include_pad| {
            Op::AvgPool(AvgPool { window: Window::new(vec![2, 2]).padded(pad), ceil: false, count_include_pad })
        };
        assert_eq!(normal(pool(0, false), &[2, 1, 1]), "Conv:conv AveragePool:mean");
        assert_eq!(normal(pool(1, false), &[2, 1, 1]), "Conv:conv AveragePool:mean");
        assert_eq!(normal(pool(1, true), &[2, 1, 1]), "Conv:conv AveragePool:mean Affine:bn");
        let mean = |keep| Op::Mean(Mean { axes: vec![1, 2], keep });
        assert_eq!(normal(mean(false), &[2]), "Conv:conv ReduceMean:mean");
        assert_eq!(normal(mean(true), &[2, 1, 1]), "Conv:conv ReduceMean:mean");
    }

    #[test]
    fn a_mean_over_padding_alone_is_not_shifted() {
        let mut window = Window::new(vec![2, 2]).padded(1);
        window.dilation = vec![2, 2];
        let graph = Chain::new(&[1, 1, 1])
            .then("conv", conv(2, 1, 1, 0))
            .then("mean", Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: false }))
            .then("bn", affine(&[2, 1, 1]))
            .normal();
        assert_eq!(story(&graph), "Conv:conv AveragePool:mean Affine:bn");
    }

    #[test]
    fn a_fold_that_leaves_f32_is_not_made() {
        let huge = Op::Affine(Affine { scale: Some(Tensor::vector(vec![f32::MAX])), shift: None });
        let graph = Chain::new(&[1, 1, 1]).then("conv", conv(8, 1, 1, 0)).then("bn", huge).normal();
        assert_eq!(story(&graph), "Conv:conv Affine:bn");
    }
}
