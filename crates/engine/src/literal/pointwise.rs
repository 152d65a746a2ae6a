//! Operations element by element.

use spikeconverter_graph::ops::{Activation, Add, Affine};

use super::shape::{broadcast_position, indices};

/// `y = scale · x + shift`.
pub(super) fn affine(op: &Affine, shape: &[usize], x: &[f64], constants: bool) -> Vec<f64> {
    let mut y = Vec::new();
    for (index, &x) in indices(shape).zip(x) {
        let at = |t: &spikeconverter_graph::Tensor| f64::from(t.data()[broadcast_position(t.shape(), &index)]);
        let scale = op.scale.as_ref().map_or(1.0, at);
        let shift = op.shift.as_ref().filter(|_| constants).map_or(0.0, at);
        y.push(scale * x + shift);
    }
    y
}

/// `y = Σ_i coefficient_i · x_i`.
pub(super) fn add(op: &Add, inputs: &[(&[usize], &[f64])], out: &[usize]) -> Vec<f64> {
    let mut y = Vec::new();
    for index in indices(out) {
        let mut sum = 0.0;
        for (&coefficient, (shape, x)) in op.coefficients.iter().zip(inputs) {
            sum += f64::from(coefficient) * x[broadcast_position(shape, &index)];
        }
        y.push(sum);
    }
    y
}

/// The pointwise nonlinearity. NaN stays NaN, so that it is seen at the end.
pub(super) fn activation(op: &Activation, shape: &[usize], x: &[f64]) -> Vec<f64> {
    let mut y = Vec::new();
    for (index, &x) in indices(shape).zip(x) {
        y.push(match op {
            Activation::Relu => {
                if x < 0.0 {
                    0.0
                } else {
                    x
                }
            }
            Activation::Clip { low, high } => {
                if x < f64::from(*low) {
                    f64::from(*low)
                } else if x > f64::from(*high) {
                    f64::from(*high)
                } else {
                    x
                }
            }
            Activation::Leaky { slope } => {
                if x < 0.0 {
                    f64::from(slope.data()[broadcast_position(slope.shape(), &index)]) * x
                } else {
                    x
                }
            }
        });
    }
    y
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::{Op, Tensor};

    use super::*;
    use crate::literal::apply;

    #[test]
    fn affine_broadcasts_its_constants() {
        let op = Op::Affine(Affine {
            scale: Some(Tensor::new(vec![2, 1], vec![2.0, 3.0]).unwrap()),
            shift: Some(Tensor::vector(vec![0.0, 10.0])),
        });
        let x = [1., 2., 3., 4.];
        assert_eq!(apply(&op, &[(&[2, 2], &x)], true).unwrap(), [2., 14., 9., 22.]);
        assert_eq!(apply(&op, &[(&[2, 2], &x)], false).unwrap(), [2., 4., 9., 12.]);
        let op = Op::Affine(Affine { scale: None, shift: None });
        assert_eq!(apply(&op, &[(&[2, 2], &x)], true).unwrap(), x);
    }

    #[test]
    fn branches_broadcast_and_are_weighted() {
        let op = Op::Add(Add { coefficients: vec![1.0, -2.0] });
        let inputs: [(&[usize], &[f64]); 2] = [(&[2, 1], &[1., 2.]), (&[3], &[1., 2., 3.])];
        assert_eq!(apply(&op, &inputs, true).unwrap(), [-1., -3., -5., 0., -2., -4.]);
    }

    #[test]
    fn activations_by_hand() {
        let x = [-2., 0.5, 9.];
        let run = |op| apply(&Op::Activation(op), &[(&[3], &x)], true).unwrap();
        assert_eq!(run(Activation::Relu), [0., 0.5, 9.]);
        assert_eq!(run(Activation::Clip { low: -1.0, high: 6.0 }), [-1., 0.5, 6.]);
        assert_eq!(run(Activation::Clip { low: 0.0, high: f32::INFINITY }), [0., 0.5, 9.]);
        assert_eq!(run(Activation::Leaky { slope: Tensor::vector(vec![0.5]) }), [-1., 0.5, 9.]);
    }
}
