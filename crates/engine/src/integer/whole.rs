//! What the definition computes, the same to the last bit and faster: weighted sums over whole maps, of all channels (classifiers)
//! or of each by itself (global means), whose integers `f64` adds up exactly in any order; and factors of results.

use spikeconverter_graph::ops::{Affine, Conv, Linear};
use spikeconverter_graph::{Op, Tensor, volume};

use crate::kernels::vectors::vectorised;

/// Sums that the compiler keeps side by side.
const LANES: usize = 8;

/// The largest weight of an integer network.
const LARGEST_WEIGHT: f64 = 127.0;

/// The results of a layer of weights that reads whole maps for each of them, for samples of this shape; `None` for other
/// operations, and where sums could leave the 53 bits in which all integers are numbers.
pub(super) fn sums(op: &Op, shape: &[usize], samples: &[f64]) -> Option<Vec<f64>> {
    let (weight, bias, groups) = match op {
        Op::Linear(Linear { weight, bias }) => (weight, bias.as_ref(), 1),
        Op::Conv(Conv { weight, bias, window, groups }) => {
            let padded = window.pad_begin.iter().chain(&window.pad_end).any(|&pad| pad > 0);
            (!padded && shape.get(1..) == Some(&weight.shape()[2..])).then_some((weight, bias.as_ref(), *groups))?
        }
        _ => return None,
    };
    let inputs = volume(shape);
    let of_all = inputs * weight.shape()[0] == weight.data().len() * groups && inputs > 0;
    let largest = |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |most: f64, x| most.max(x.abs()));
    let bound = largest(&mut samples.iter().copied()) * LARGEST_WEIGHT * inputs as f64
        + bias.map_or(0.0, |bias| largest(&mut bias.data().iter().map(|&b| b.into())));
    (of_all && bound < (1u64 << 53) as f64).then(|| rows(weight, bias, groups, samples, inputs))
}

/// The results of an operation that treats the elements of samples of this shape one by one and in their order; `None` for others.
pub(super) fn pointwise(op: &Op, shape: &[usize], samples: &[f64]) -> Option<Vec<f64>> {
    let Affine { scale, shift } = match op {
        Op::Reshape(_) => return Some(samples.to_vec()),
        Op::Affine(affine) => affine,
        _ => return None,
    };
    let volume = volume(shape);
    let constants = |tensor: &Option<Tensor>, otherwise: f64| match tensor.as_ref().map(Tensor::data) {
        None => Some(vec![otherwise; volume]),
        Some([all]) => Some(vec![f64::from(*all); volume]),
        Some(each) => (each.len() == volume).then(|| each.iter().map(|&x| f64::from(x)).collect()),
    };
    let (scale, shift) = (constants(scale, 1.0)?, constants(shift, 0.0)?);
    let constants = scale.iter().zip(&shift).cycle();
    Some(samples.iter().zip(constants).map(|(x, (scale, shift))| scale * x + shift).collect())
}

fn rows(weight: &Tensor, bias: Option<&Tensor>, groups: usize, samples: &[f64], volume: usize) -> Vec<f64> {
    let (outputs, inputs) = (weight.shape()[0], volume / groups);
    let mut results = vec![0.0; samples.len() / volume * outputs];
    vectorised(
        #[inline(always)]
        || {
            // a row of weights serves all samples while it is in cache
            for (row, weights) in weight.data().chunks_exact(inputs).enumerate() {
                let bias = bias.map_or(0.0, |bias| f64::from(bias.data()[row]));
                let results = results[row..].iter_mut().step_by(outputs);
                for (result, x) in results.zip(samples.chunks_exact(volume)) {
                    let x = &x[row / (outputs / groups) * inputs..][..inputs];
                    let mut sums = [0.0; LANES];
                    let (blocks, rest) = (weights.chunks_exact(LANES), weights.chunks_exact(LANES).remainder());
                    for (weights, x) in blocks.zip(x.chunks_exact(LANES)) {
                        for lane in 0..LANES {
                            sums[lane] += f64::from(weights[lane]) * x[lane];
                        }
                    }
                    let rest = rest.iter().zip(&x[x.len() - rest.len()..]).map(|(&w, x)| f64::from(w) * x);
                    *result = bias + sums.iter().sum::<f64>() + rest.sum::<f64>();
                }
            }
        },
    );
    results
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::Window;

    use super::*;
    use crate::literal;

    /// Integers without a pattern, up to `most`.
    fn integers(n: usize, most: i64) -> Vec<f64> {
        (0..n as i64).map(|i| ((i * 7919 + 13) * (i + 5) % (2 * most + 1) - most) as f64).collect()
    }

    fn tensor(shape: &[usize], most: i64) -> Tensor {
        let data = integers(shape.iter().product(), most).into_iter().map(|x| x as f32).collect();
        Tensor::new(shape.to_vec(), data).unwrap()
    }

    #[test]
    fn factors_are_the_literal_ones() {
        let x: Vec<f64> = integers(12, 1000);
        let affine = |scale: &[usize], shift: Option<&[usize]>| {
            Op::Affine(Affine { scale: Some(tensor(scale, 7)), shift: shift.map(|shape| tensor(shape, 9)) })
        };
        for op in [affine(&[6], None), affine(&[1], Some(&[6])), affine(&[6], Some(&[1]))] {
            let expected = x.chunks(6).flat_map(|x| literal::apply(&op, &[(&[6], x)], true).unwrap()).collect();
            assert_eq!(pointwise(&op, &[6], &x), Some(expected));
        }
        assert_eq!(pointwise(&affine(&[3, 1], None), &[3, 2], &x), None, "a factor a channel");
        assert_eq!(pointwise(&Op::Sigmoid, &[6], &x), None);
    }

    #[test]
    fn sums_are_the_literal_ones() {
        for inputs in [1, 7, 8, 21] {
            let linear = Op::Linear(Linear { weight: tensor(&[5, inputs], 127), bias: Some(tensor(&[5], 1 << 20)) });
            let x = integers(inputs, 1 << 22);
            let expected = literal::apply(&linear, &[(&[inputs], &x)], true).unwrap();
            assert_eq!(sums(&linear, &[inputs], &x), Some(expected.clone()));
            let other: Vec<f64> = x.iter().map(|x| 3.0 - x).collect();
            let of_other = literal::apply(&linear, &[(&[inputs], &other)], true).unwrap();
            let both = sums(&linear, &[inputs], &[x, other].concat());
            assert_eq!(both, Some([expected, of_other].concat()), "two samples");
            assert_eq!(sums(&linear, &[inputs], &vec![2f64.powi(53); inputs]), None, "too large");
        }
        let mean = Conv { weight: tensor(&[6, 1, 3, 3], 1), bias: None, window: Window::new(vec![3, 3]), groups: 6 };
        let x = integers(54, 1 << 22);
        let expected = literal::apply(&Op::Conv(mean.clone()), &[(&[6, 3, 3], &x)], true).unwrap();
        assert_eq!(sums(&Op::Conv(mean), &[6, 3, 3], &x), Some(expected));
        let window = Window::new(vec![1, 1]);
        let conv =
            |window: Window| Op::Conv(Conv { weight: tensor(&[3, 4, 1, 1], 127), bias: None, window, groups: 1 });
        let x = integers(4, 1000);
        let expected = literal::apply(&conv(window.clone()), &[(&[4, 1, 1], &x)], true).unwrap();
        assert_eq!(sums(&conv(window.clone()), &[4, 1, 1], &x), Some(expected));
        assert_eq!(sums(&conv(window.clone()), &[4, 2, 1], &integers(8, 9)), None, "several positions");
        let padded = Window { pad_begin: vec![1, 0], ..window };
        assert_eq!(sums(&conv(padded), &[4, 1, 1], &x), None, "padding");
    }
}
