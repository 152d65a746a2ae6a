//! Operations that move values.

use spikeconverter_graph::ops::{Concat, Pad, Select, Transpose};

use super::shape::{indices, position};

/// The inputs one after the other along an axis.
pub(super) fn concat(op: &Concat, inputs: &[(&[usize], &[f64])], out: &[usize]) -> Vec<f64> {
    let mut y = Vec::new();
    for mut index in indices(out) {
        for (shape, x) in inputs {
            if index[op.axis] < shape[op.axis] {
                y.push(x[position(shape, &index)]);
                break;
            }
            index[op.axis] -= shape[op.axis];
        }
    }
    y
}

/// Axis `i` of the result is axis `perm[i]` of the input.
pub(super) fn transpose(op: &Transpose, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    let mut y = Vec::new();
    for index in indices(out) {
        let mut read = vec![0; index.len()];
        for (axis, &from) in op.perm.iter().enumerate() {
            read[from] = index[axis];
        }
        y.push(x[position(shape, &read)]);
    }
    y
}

/// `y[o_0, o_1, …] = x[maps[0][o_0], maps[1][o_1], …]`.
pub(super) fn select(op: &Select, shape: &[usize], x: &[f64], out: &[usize]) -> Vec<f64> {
    let mut y = Vec::new();
    for index in indices(out) {
        let mut read = index.clone();
        for (axis, map) in op.maps.iter().enumerate() {
            if let Some(map) = map {
                read[axis] = map[index[axis]];
            }
        }
        y.push(x[position(shape, &read)]);
    }
    y
}

/// The input with a constant around it (0 when constants are left out).
pub(super) fn pad(op: &Pad, shape: &[usize], x: &[f64], out: &[usize], constants: bool) -> Vec<f64> {
    let mut y = vec![if constants { f64::from(op.value) } else { 0.0 }; out.iter().product()];
    for (mut index, &x) in indices(shape).zip(x) {
        for (i, before) in index.iter_mut().zip(&op.before) {
            *i += before;
        }
        y[position(out, &index)] = x;
    }
    y
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;

    use super::*;
    use crate::literal::apply;

    #[test]
    fn concat_by_hand() {
        let inputs: [(&[usize], &[f64]); 2] = [(&[2, 1], &[1., 2.]), (&[2, 2], &[3., 4., 5., 6.])];
        assert_eq!(apply(&Op::Concat(Concat { axis: 1 }), &inputs, true).unwrap(), [1., 3., 4., 2., 5., 6.]);
    }

    #[test]
    fn transpose_by_hand() {
        let x = [1., 2., 3., 4., 5., 6.];
        let op = Op::Transpose(Transpose { perm: vec![1, 0] });
        assert_eq!(apply(&op, &[(&[2, 3], &x)], true).unwrap(), [1., 4., 2., 5., 3., 6.]);
        let op = Op::Transpose(Transpose { perm: vec![1, 2, 0] });
        assert_eq!(apply(&op, &[(&[1, 2, 3], &x)], true).unwrap(), x);
    }

    #[test]
    fn select_by_hand() {
        let x = [1., 2., 3., 4.];
        let op = Op::Select(Select { maps: vec![None, Some(vec![1, 1, 0])] });
        assert_eq!(apply(&op, &[(&[2, 2], &x)], true).unwrap(), [2., 2., 1., 4., 4., 3.]);
    }

    #[test]
    fn pad_by_hand() {
        let op = Op::Pad(Pad { before: vec![0, 1], after: vec![1, 0], value: 7.0 });
        assert_eq!(apply(&op, &[(&[1, 2], &[1., 2.])], true).unwrap(), [7., 1., 2., 7., 7., 7.]);
        assert_eq!(apply(&op, &[(&[1, 2], &[1., 2.])], false).unwrap(), [0., 1., 2., 0., 0., 0.]);
    }
}
