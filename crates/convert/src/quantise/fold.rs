//! Weighted operations whose weights are products with the units of what they read and of what they give.

use std::ops::Range;

use spikeconverter_graph::ops::{Conv, ConvTranspose, Linear};
use spikeconverter_graph::{Op, Tensor};

use super::units::Units;

/// The operation on integers of the given units, its outputs times `gain`: one factor, or one a channel of its result.
/// `None` where units vary among elements that share a weight.
pub(super) fn folded(op: &Op, units: &Units, shape: &[usize], gain: &[f32]) -> Option<Op> {
    let by_last = matches!(op, Op::Linear(_));
    let inputs = if by_last { units.by_last_axis()? } else { units.by_channel()?.to_vec() };
    let unit = |i: usize| if inputs[i].is_nan() { 0.0 } else { inputs[i] };
    if by_last && shape.len() > 1 && gain.iter().any(|g| *g != gain[0]) {
        return None;
    }
    let factor = |o: usize| if let [only] = gain { *only } else { gain.get(o).copied().unwrap_or(gain[0]) };
    let (Op::Conv(Conv { weight, bias, .. })
    | Op::ConvTranspose(ConvTranspose { weight, bias, .. })
    | Op::Linear(Linear { weight, bias })) = op
    else {
        return None;
    };
    let mut weights = weight.data().to_vec();
    let inner = weight.shape().iter().skip(2).product::<usize>().max(1);
    match op {
        Op::Conv(conv) => {
            let per_group = weight.shape()[1];
            let outputs = weight.shape()[0] / conv.groups;
            for (row, taps) in weights.chunks_mut(inner).enumerate() {
                let (o, c) = (row / per_group, row % per_group);
                let product = unit(o / outputs * per_group + c) * factor(o);
                for w in taps {
                    *w *= product;
                }
            }
        }
        Op::ConvTranspose(conv) => {
            let per_group = weight.shape()[1];
            let group = weight.shape()[0] / conv.groups;
            for (row, taps) in weights.chunks_mut(inner).enumerate() {
                let (c, o) = (row / per_group, row % per_group);
                let product = unit(c) * factor(c / group * per_group + o);
                for w in taps {
                    *w *= product;
                }
            }
        }
        _ => {
            let count = weight.shape()[1];
            for (i, w) in weights.iter_mut().enumerate() {
                *w *= unit(i % count) * factor(i / count);
            }
        }
    }
    let bias =
        bias.as_ref().map(|bias| Tensor::vector(bias.data().iter().enumerate().map(|(o, b)| b * factor(o)).collect()));
    Some(with_constants(op, Tensor::new(weight.shape().to_vec(), weights).ok()?, bias))
}

/// Where the weights of output `o` lie.
pub(super) fn output_rows(op: &Op, o: usize) -> Vec<Range<usize>> {
    match op {
        Op::ConvTranspose(conv) => {
            let shape = conv.weight.shape();
            let (per_group, group) = (shape[1], shape[0] / conv.groups);
            let inner: usize = shape[2..].iter().product();
            let inputs = o / per_group * group..(o / per_group + 1) * group;
            inputs.map(|c| (c * per_group + o % per_group) * inner).map(|start| start..start + inner).collect()
        }
        Op::Conv(Conv { weight, .. }) | Op::Linear(Linear { weight, .. }) => {
            let count: usize = weight.shape()[1..].iter().product();
            std::iter::once(o * count..(o + 1) * count).collect()
        }
        _ => Vec::new(),
    }
}

/// The same operation with other constants; any operation without weights stays what it is.
pub(super) fn with_constants(op: &Op, weight: Tensor, bias: Option<Tensor>) -> Op {
    match op {
        Op::Conv(conv) => Op::Conv(Conv { weight, bias, ..conv.clone() }),
        Op::ConvTranspose(conv) => Op::ConvTranspose(ConvTranspose { weight, bias, ..conv.clone() }),
        Op::Linear(_) => Op::Linear(Linear { weight, bias }),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_engine::Batch;
    use spikeconverter_engine::kernels::compile;
    use spikeconverter_graph::ops::Window;

    use super::*;

    fn numbers(n: usize) -> Vec<f32> {
        (0..n).map(|i| ((i * 37 + 11) % 23) as f32 - 11.0).collect()
    }

    fn run(op: &Op, x: Vec<f32>, shape: &[usize]) -> Batch {
        let x = Batch::new(1, shape.to_vec(), x).unwrap();
        compile(op, &[x.shape()]).unwrap().run(&[&x]).unwrap()
    }

    /// `f(units · x) · gain` is the folded operation of `x`.
    #[test]
    fn folding_keeps_the_result() {
        let tensor = |shape: &[usize]| Tensor::new(shape.to_vec(), numbers(shape.iter().product())).unwrap();
        let window = || Window::new(vec![2]).strided(2);
        let bias = || Some(tensor(&[6]));
        let ops = [
            Op::Conv(Conv { weight: tensor(&[6, 4, 2]), bias: bias(), window: window(), groups: 1 }),
            Op::Conv(Conv { weight: tensor(&[6, 2, 2]), bias: bias(), window: window(), groups: 2 }),
            Op::ConvTranspose(ConvTranspose {
                weight: tensor(&[4, 3, 2]),
                bias: bias(),
                window: window(),
                output_padding: vec![0],
                groups: 2,
            }),
            Op::Linear(Linear { weight: tensor(&[6, 4]), bias: bias() }),
        ];
        for op in ops {
            let shape: &[usize] = if matches!(op, Op::Linear(_)) { &[4] } else { &[4, 6] };
            let x = numbers(shape.iter().product());
            let per_channel = vec![1.0, 0.5, 4.0, 0.25];
            let units = Units::new(shape, per_channel);
            let gain = [1.0, -2.0, 0.5, 0.0, 1.0, 8.0];
            let real = x.iter().zip(units.elements()).map(|(x, u)| x * u).collect();
            let wanted = run(&op, real, shape);
            let found = run(&folded(&op, &units, wanted.shape(), &gain).unwrap(), x, shape);
            let inner = wanted.volume() / 6;
            for (i, (w, f)) in wanted.data().iter().zip(found.data()).enumerate() {
                assert_eq!(w * gain[i / inner], *f, "{op:?} at {i}");
            }
        }
    }

    #[test]
    fn rows_cover_all_weights_once() {
        let op = Op::ConvTranspose(ConvTranspose {
            weight: Tensor::full(vec![4, 3, 2], 0.0),
            bias: None,
            window: Window::new(vec![2]),
            output_padding: vec![0],
            groups: 2,
        });
        let mut seen: Vec<usize> = (0..6).flat_map(|o| output_rows(&op, o)).flatten().collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..24));
    }
}
