//! How many synapses a spike crosses.

use spikeconverter_graph::ops::{Conv, ConvTranspose, Window};
use spikeconverter_graph::{Op, volume};

use crate::EngineError;
use crate::literal::shape::{Taps, broadcast_position, indices, multi_index, plane, position, reduced_position};

/// For each element of each input of `op`, the number of synaptic operations that one spike there causes.
///
/// An operation with weights has synapses of its own: the count is that of the result elements the input element is
/// connected to, by structure (a tap in the padding is no synapse; a weight of zero is one), whatever lies behind.
/// Any other operation hands the spike on: the count is the sum of `behind` over the result elements that read it,
/// where `behind` holds the counts for each element of the result.
///
/// # Errors
/// [`EngineError::Op`] when the operation does not accept inputs of these shapes, [`EngineError::Length`] when `behind`
/// does not fill the result's shape.
pub fn structural_fan_out(op: &Op, inputs: &[&[usize]], behind: &[f64]) -> Result<Vec<Vec<f64>>, EngineError> {
    let out = op.output_shape(inputs).map_err(|reason| EngineError::Op { what: op.kind().to_string(), reason })?;
    if volume(&out) != behind.len() {
        return Err(EngineError::Length { count: 1, expected: volume(&out), found: behind.len(), shape: out });
    }
    Ok(match op {
        Op::Conv(op) => vec![conv(op, inputs[0], &out)],
        Op::ConvTranspose(op) => vec![conv_transpose(op, inputs[0], &out)],
        Op::Linear(op) => vec![vec![op.outputs() as f64; volume(inputs[0])]],
        _ => {
            let mut counts: Vec<Vec<f64>> = inputs.iter().map(|shape| vec![0.0; volume(shape)]).collect();
            for_each_reading(op, inputs, &out, |input, from, to| counts[input][from] += behind[to]);
            counts
        }
    })
}

/// Windows that read each element of a plane, times the result channels of a group.
fn conv(op: &Conv, shape: &[usize], out: &[usize]) -> Vec<f64> {
    let outputs = out[0] / op.groups;
    let readers = readers(&op.window, &shape[1..], &out[1..]);
    let plane = readers.iter().map(|&n| (n * outputs) as f64);
    plane.cycle().take(volume(shape)).collect()
}

/// Taps of each element that land within the result, times the result channels of a group.
fn conv_transpose(op: &ConvTranspose, shape: &[usize], out: &[usize]) -> Vec<f64> {
    let outputs = op.weight.shape()[1];
    let taps = Taps::new(&op.window);
    let [out_h, out_w] = plane(&out[1..], 1);
    let [h, w] = plane(&shape[1..], 1);
    let inside = |axis: usize, at: usize, extent: usize| {
        (0..taps.kernel[axis]).filter(|&tap| taps.read(axis, at, tap, extent).is_some()).count()
    };
    let mut counts = Vec::new();
    for _channel in 0..shape[0] {
        for iy in 0..h {
            for ix in 0..w {
                counts.push((inside(0, iy, out_h) * inside(1, ix, out_w) * outputs) as f64);
            }
        }
    }
    counts
}

/// For each element of the plane `input`, the number of windows that read it.
fn readers(window: &Window, input: &[usize], windows: &[usize]) -> Vec<usize> {
    let taps = Taps::new(window);
    let (input, windows) = (plane(input, 1), plane(windows, 1));
    let along = |axis: usize| {
        let mut readers = vec![0; input[axis]];
        for at in 0..windows[axis] {
            for tap in 0..taps.kernel[axis] {
                if let Some(element) = taps.read(axis, at, tap, input[axis]) {
                    readers[element] += 1;
                }
            }
        }
        readers
    };
    let (rows, columns) = (along(0), along(1));
    rows.iter().flat_map(|y| columns.iter().map(move |x| x * y)).collect()
}

/// Calls `f(input, from, to)` for each element `to` of the result and each element `from` of an input that it reads,
/// for an operation without weights.
pub(crate) fn for_each_reading(op: &Op, inputs: &[&[usize]], out: &[usize], mut f: impl FnMut(usize, usize, usize)) {
    let shape = inputs[0];
    match op {
        Op::Input | Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => {}
        Op::Affine(_) | Op::Activation(_) | Op::Reshape(_) | Op::Sigmoid => {
            (0..volume(shape)).for_each(|i| f(0, i, i));
        }
        Op::Add(_) => {
            for (to, index) in indices(out).enumerate() {
                for (input, shape) in inputs.iter().enumerate() {
                    f(input, broadcast_position(shape, &index), to);
                }
            }
        }
        Op::MaxPool(ops) => pool(&ops.window, shape, out, f),
        Op::AvgPool(ops) => pool(&ops.window, shape, out, f),
        Op::Mean(op) => {
            for (from, index) in indices(shape).enumerate() {
                f(0, from, reduced_position(&op.axes, shape, &index));
            }
        }
        Op::Concat(op) => {
            for (to, mut index) in indices(out).enumerate() {
                let mut input = 0;
                while index[op.axis] >= inputs[input][op.axis] {
                    index[op.axis] -= inputs[input][op.axis];
                    input += 1;
                }
                f(input, position(inputs[input], &index), to);
            }
        }
        Op::Transpose(op) => {
            for (to, index) in indices(out).enumerate() {
                let mut read = vec![0; index.len()];
                op.perm.iter().zip(&index).for_each(|(&axis, &i)| read[axis] = i);
                f(0, position(shape, &read), to);
            }
        }
        Op::Select(op) => {
            for (to, mut index) in indices(out).enumerate() {
                for (i, map) in index.iter_mut().zip(&op.maps) {
                    *i = map.as_ref().map_or(*i, |map| map[*i]);
                }
                f(0, position(shape, &index), to);
            }
        }
        Op::Pad(op) => {
            for (from, mut index) in indices(shape).enumerate() {
                index.iter_mut().zip(&op.before).for_each(|(i, before)| *i += before);
                f(0, from, position(out, &index));
            }
        }
        Op::Softmax(op) => {
            let group = |position: usize| reduced_position(&op.axes, shape, &multi_index(shape, position));
            let mut members = vec![Vec::new(); volume(shape)];
            (0..volume(shape)).for_each(|to| members[group(to)].push(to));
            for from in 0..volume(shape) {
                members[group(from)].iter().for_each(|&to| f(0, from, to));
            }
        }
        Op::ArgMax(op) => {
            for (from, index) in indices(shape).enumerate() {
                f(0, from, reduced_position(&[op.axis], shape, &index));
            }
        }
    }
}

fn pool(window: &Window, shape: &[usize], out: &[usize], mut f: impl FnMut(usize, usize, usize)) {
    for (to, index) in indices(out).enumerate() {
        for from in crate::literal::pool_elements(window, shape, &index) {
            f(0, from, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{Add, AvgPool, Concat, Linear, Mean, Pad, Select, Softmax, Transpose};

    use super::*;

    fn one(op: &Op, shape: &[usize], behind: &[f64]) -> Vec<f64> {
        structural_fan_out(op, &[shape], behind).unwrap().remove(0)
    }

    #[test]
    fn convolution_counts_connected_results() {
        let conv = Op::Conv(Conv {
            weight: Tensor::full(vec![4, 1, 3], 0.0),
            bias: None,
            window: Window::new(vec![3]).padded(1).strided(2),
            groups: 2,
        });
        // extent 4: windows −1..=1 and 1..=3, for two result channels a group
        assert_eq!(one(&conv, &[2, 4], &[9.0; 8]), [2., 4., 2., 2., 2., 4., 2., 2.]);
    }

    #[test]
    fn transposed_convolution_counts_taps_that_land() {
        let conv = Op::ConvTranspose(ConvTranspose {
            weight: Tensor::full(vec![1, 2, 3], 1.0),
            bias: None,
            window: Window { pad_begin: vec![1], ..Window::new(vec![3]) },
            output_padding: vec![0],
            groups: 1,
        });
        assert_eq!(one(&conv, &[1, 3], &[0.0; 8]), [4., 6., 6.]);
    }

    #[test]
    fn a_matrix_product_reaches_all_outputs() {
        let op = Op::Linear(Linear { weight: Tensor::full(vec![5, 2], 1.0), bias: None });
        assert_eq!(one(&op, &[2], &[0.0; 5]), [5., 5.]);
    }

    #[test]
    fn other_operations_hand_spikes_on() {
        let window = Window::new(vec![2]);
        let pool = Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: true });
        assert_eq!(one(&pool, &[1, 3], &[1., 10.]), [1., 11., 10.]);
        assert_eq!(one(&Op::Mean(Mean { axes: vec![1], keep: false }), &[2, 2], &[3., 4.]), [3., 3., 4., 4.]);
        assert_eq!(one(&Op::Transpose(Transpose { perm: vec![1, 0] }), &[2, 2], &[1., 2., 3., 4.]), [1., 3., 2., 4.]);
        assert_eq!(one(&Op::Select(Select { maps: vec![Some(vec![1, 1])] }), &[2], &[1., 2.]), [0., 3.]);
        let pad = Op::Pad(Pad { before: vec![1], after: vec![1], value: 0.0 });
        assert_eq!(one(&pad, &[2], &[1., 2., 3., 4.]), [2., 3.]);
        assert_eq!(
            one(&Op::Softmax(Softmax { axes: vec![1], log: false }), &[2, 2], &[1., 2., 3., 4.]),
            [3., 3., 7., 7.]
        );
    }

    #[test]
    fn several_inputs() {
        let add = structural_fan_out(&Op::Add(Add::plain(2)), &[&[2, 1], &[2]], &[1., 2., 3., 4.]).unwrap();
        assert_eq!(add, [[3., 7.], [4., 6.]]);
        let concat = structural_fan_out(&Op::Concat(Concat { axis: 0 }), &[&[1], &[2]], &[1., 2., 3.]).unwrap();
        assert_eq!(concat, [vec![1.], vec![2., 3.]]);
    }

    #[test]
    fn wrong_lengths_are_errors() {
        assert!(structural_fan_out(&Op::Sigmoid, &[&[2]], &[1.0]).is_err());
        assert!(structural_fan_out(&Op::Sigmoid, &[], &[1.0]).is_err());
    }
}
