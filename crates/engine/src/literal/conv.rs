//! Operations with weights.

use spikeconverter_graph::ops::{Conv, ConvTranspose, Linear};
use spikeconverter_graph::{Tensor, volume};

use super::shape::{Taps, plane};

/// `y[o, p] = b[o] + Σ_{c, tap} w[o, c, tap] · x[c, p · stride + tap · dilation − pad]`, `c` within the group of `o`.
pub(super) fn conv(op: &Conv, shape: &[usize], x: &[f64], out: &[usize], constants: bool) -> Vec<f64> {
    let taps = Taps::new(&op.window);
    let [kh, kw] = taps.kernel;
    let [h, w] = plane(&shape[1..], 1);
    let [out_h, out_w] = plane(&out[1..], 1);
    let channels = op.weight.shape()[1];
    let outputs_per_group = out[0] / op.groups;
    let weight = op.weight.data();

    let mut y = vec![0.0; volume(out)];
    for o in 0..out[0] {
        let group = o / outputs_per_group;
        for oy in 0..out_h {
            for ox in 0..out_w {
                let mut sum = constant(op.bias.as_ref(), o, constants);
                for c in 0..channels {
                    for ky in 0..kh {
                        for kx in 0..kw {
                            if let (Some(iy), Some(ix)) = (taps.read(0, oy, ky, h), taps.read(1, ox, kx, w)) {
                                let synapse = weight[((o * channels + c) * kh + ky) * kw + kx];
                                sum += f64::from(synapse) * x[((group * channels + c) * h + iy) * w + ix];
                            }
                        }
                    }
                }
                y[(o * out_h + oy) * out_w + ox] = sum;
            }
        }
    }
    y
}

/// Each input element adds its multiple of the kernel to the result: tap `tap` of input `p` lands on
/// `p · stride + tap · dilation − pad`.
pub(super) fn conv_transpose(
    op: &ConvTranspose,
    shape: &[usize],
    x: &[f64],
    out: &[usize],
    constants: bool,
) -> Vec<f64> {
    let taps = Taps::new(&op.window);
    let [kh, kw] = taps.kernel;
    let [h, w] = plane(&shape[1..], 1);
    let [out_h, out_w] = plane(&out[1..], 1);
    let outputs_per_group = op.weight.shape()[1];
    let inputs_per_group = shape[0] / op.groups;
    let weight = op.weight.data();

    let mut y = vec![0.0; volume(out)];
    for (position, y) in y.iter_mut().enumerate() {
        *y = constant(op.bias.as_ref(), position / (out_h * out_w), constants);
    }
    for c in 0..shape[0] {
        let group = c / inputs_per_group;
        for iy in 0..h {
            for ix in 0..w {
                for o in 0..outputs_per_group {
                    for ky in 0..kh {
                        for kx in 0..kw {
                            if let (Some(oy), Some(ox)) = (taps.read(0, iy, ky, out_h), taps.read(1, ix, kx, out_w)) {
                                let synapse = weight[((c * outputs_per_group + o) * kh + ky) * kw + kx];
                                y[((group * outputs_per_group + o) * out_h + oy) * out_w + ox] +=
                                    f64::from(synapse) * x[(c * h + iy) * w + ix];
                            }
                        }
                    }
                }
            }
        }
    }
    y
}

/// `y[row, o] = b[o] + Σ_i w[o, i] · x[row, i]`.
pub(super) fn linear(op: &Linear, x: &[f64], constants: bool) -> Vec<f64> {
    let (inputs, outputs) = (op.inputs(), op.outputs());
    let weight = op.weight.data();
    let mut y = Vec::new();
    for row in x.chunks(inputs) {
        for o in 0..outputs {
            let mut sum = constant(op.bias.as_ref(), o, constants);
            for i in 0..inputs {
                sum += f64::from(weight[o * inputs + i]) * row[i];
            }
            y.push(sum);
        }
    }
    y
}

fn constant(bias: Option<&Tensor>, channel: usize, constants: bool) -> f64 {
    match bias {
        Some(bias) if constants => f64::from(bias.data()[channel]),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;
    use spikeconverter_graph::ops::Window;

    use super::*;
    use crate::literal::apply;

    fn tensor(shape: &[usize], data: &[f32]) -> Tensor {
        Tensor::new(shape.to_vec(), data.to_vec()).unwrap()
    }

    #[test]
    fn conv_by_hand() {
        let op = Op::Conv(Conv {
            weight: tensor(&[1, 1, 2, 2], &[1., 2., 3., 4.]),
            bias: Some(tensor(&[1], &[0.5])),
            window: Window { pad_begin: vec![1, 0], ..Window::new(vec![2, 2]) },
            groups: 1,
        });
        let x = [1., 2., 3., 4., 5., 6.];
        // top row of windows: its upper taps lie in the padding
        let expected = [3. + 8., 6. + 12., 1. + 4. + 12. + 20., 2. + 6. + 15. + 24.];
        assert_eq!(apply(&op, &[(&[1, 2, 3], &x)], false).unwrap(), expected);
        assert_eq!(apply(&op, &[(&[1, 2, 3], &x)], true).unwrap(), expected.map(|y| y + 0.5));
    }

    #[test]
    fn groups_keep_to_their_channels() {
        let op = Op::Conv(Conv {
            weight: tensor(&[2, 1, 1], &[2., 3.]),
            bias: None,
            window: Window::new(vec![1]).strided(2),
            groups: 2,
        });
        assert_eq!(apply(&op, &[(&[2, 3], &[1., 2., 3., 4., 5., 6.])], true).unwrap(), [2., 6., 12., 18.]);
    }

    #[test]
    fn conv_transpose_by_hand() {
        let op = Op::ConvTranspose(ConvTranspose {
            weight: tensor(&[1, 1, 3], &[1., 2., 3.]),
            bias: Some(tensor(&[1], &[1.])),
            window: Window { pad_begin: vec![1], ..Window::new(vec![3]).strided(2) },
            output_padding: vec![1],
            groups: 1,
        });
        // full result of [10, 20]: 10, 20, 30 + 20, 40, 60, then one more; the first is cut off
        assert_eq!(apply(&op, &[(&[1, 2], &[10., 20.])], true).unwrap(), [21., 51., 41., 61., 1.]);
        assert_eq!(apply(&op, &[(&[1, 2], &[10., 20.])], false).unwrap(), [20., 50., 40., 60., 0.]);
    }

    #[test]
    fn linear_works_on_the_last_axis() {
        let op = Op::Linear(Linear { weight: tensor(&[1, 2], &[1., -1.]), bias: Some(tensor(&[1], &[10.])) });
        assert_eq!(apply(&op, &[(&[2, 2], &[5., 3., 1., 4.])], true).unwrap(), [12., 7.]);
        assert_eq!(apply(&op, &[(&[2, 2], &[5., 3., 1., 4.])], false).unwrap(), [2., -3.]);
    }

    #[test]
    fn a_wrong_shape_is_an_error() {
        let op = Op::Linear(Linear { weight: tensor(&[1, 2], &[1., -1.]), bias: None });
        assert!(apply(&op, &[(&[3], &[1., 2., 3.])], true).is_err());
        assert!(apply(&op, &[(&[2], &[1., 2., 3.])], true).is_err());
        assert!(apply(&op, &[], true).is_err());
        assert!(apply(&Op::Input, &[], true).is_err());
    }
}
