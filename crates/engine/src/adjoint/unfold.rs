use std::ops::Range;

use spikeconverter_graph::ops::Window;
use spikeconverter_graph::{Op, Tensor, volume};

use crate::literal::shape::{Taps, multi_index, plane};

/// Where a tap reads nothing but padding.
const PADDING: u32 = u32::MAX;

/// A weighted operation as matrix products: for each group of channels, `y[o, p] = b[o] + Σ_k w[o, k] · x[k, p]` over the
/// positions `p` of the result, where the columns of `x` are what the operation reads there (zeros in the padding).
#[derive(Debug, Clone)]
pub struct Unfolding {
    groups: usize,
    outputs: usize,
    /// Channels of the input that a group reads.
    channels: usize,
    /// Elements of a channel of the input.
    plane: usize,
    positions: usize,
    /// `[taps, positions]`: the element of a channel that a tap reads.
    reads: Vec<u32>,
    /// The same for each tap as stretches of neighbouring positions that read neighbours: first position, what it reads, and
    /// their number.
    runs: Vec<Vec<(usize, usize, usize)>>,
    /// How far apart the result's channels and positions lie.
    strides: (usize, usize),
}

impl Unfolding {
    /// Of a convolution or matrix product on inputs of this shape; `None` for other operations, and where the input does not
    /// fit.
    pub fn new(op: &Op, shape: &[usize]) -> Option<Self> {
        let output = op.output_shape(&[shape]).ok()?;
        match op {
            Op::Conv(conv) => {
                let (inner, positions) = (&shape[1..], volume(&output[1..]));
                let reads = reads(&conv.window, inner, &output[1..])?;
                Some(Self {
                    groups: conv.groups,
                    outputs: conv.out_channels() / conv.groups,
                    channels: conv.weight.shape()[1],
                    plane: volume(inner),
                    positions,
                    runs: reads.chunks(positions).map(runs).collect(),
                    reads,
                    strides: (positions, 1),
                })
            }
            Op::Linear(linear) => {
                let (inputs, positions) = (linear.inputs(), volume(shape) / linear.inputs().max(1));
                let element = |k: usize, p: usize| u32::try_from(p * inputs + k).ok();
                let reads: Vec<u32> =
                    (0..inputs).flat_map(|k| (0..positions).map(move |p| element(k, p))).collect::<Option<_>>()?;
                Some(Self {
                    groups: 1,
                    outputs: linear.outputs(),
                    channels: 1,
                    plane: volume(shape),
                    positions,
                    runs: reads.chunks(positions).map(runs).collect(),
                    reads,
                    strides: (1, linear.outputs()),
                })
            }
            _ => None,
        }
    }

    /// Weights and bias of an operation that has an unfolding. Rows of the weights, a result channel each, are those of the
    /// groups one after the other.
    pub fn parameters(op: &Op) -> Option<(&Tensor, Option<&Tensor>)> {
        match op {
            Op::Conv(conv) => Some((&conv.weight, conv.bias.as_ref())),
            Op::Linear(linear) => Some((&linear.weight, linear.bias.as_ref())),
            _ => None,
        }
    }

    /// The same operation with other weights (as many) and this bias; `None` when it has no unfolding or the weights are not
    /// as many.
    pub fn with_parameters(op: &Op, weight: Vec<f32>, bias: Option<Tensor>) -> Option<Op> {
        let mut op = op.clone();
        let (old, new) = match &mut op {
            Op::Conv(conv) => (&mut conv.weight, &mut conv.bias),
            Op::Linear(linear) => (&mut linear.weight, &mut linear.bias),
            _ => return None,
        };
        *old = Tensor::new(old.shape().to_vec(), weight).ok()?;
        *new = bias;
        Some(op)
    }

    /// Groups of channels, each a product of its own.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Result channels of a group.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Terms of a sum.
    pub fn depth(&self) -> usize {
        self.channels * self.taps()
    }

    /// Positions of the result.
    pub fn positions(&self) -> usize {
        self.positions
    }

    fn taps(&self) -> usize {
        self.reads.len() / self.positions.max(1)
    }

    /// How far apart channels and positions of the result lie in a sample.
    pub fn strides(&self) -> (usize, usize) {
        self.strides
    }

    /// The place in a sample of the result of channel `output` of a group at a position.
    pub fn place(&self, group: usize, output: usize, position: usize) -> usize {
        (group * self.outputs + output) * self.strides.0 + position * self.strides.1
    }

    /// Writes the columns of some positions of a sample; column `j` of row `k` goes to `columns[k·stride + j]`.
    pub fn unfold(&self, sample: &[f32], group: usize, positions: &[usize], columns: &mut [f32], stride: usize) {
        for (k, row) in columns.chunks_mut(stride).take(self.depth()).enumerate() {
            let plane = &sample[self.plane_of(group, k)];
            let reads = &self.reads[k % self.taps() * self.positions..][..self.positions];
            for (value, &p) in row.iter_mut().zip(positions) {
                *value = plane.get(reads[p] as usize).copied().unwrap_or(0.0);
            }
        }
    }

    /// Writes the columns of all positions, `[depth, positions]`.
    pub fn unfold_all(&self, sample: &[f32], group: usize, columns: &mut [f32]) {
        for (k, row) in columns.chunks_mut(self.positions).take(self.depth()).enumerate() {
            let plane = &sample[self.plane_of(group, k)];
            row.fill(0.0);
            for &(position, read, count) in &self.runs[k % self.taps()] {
                row[position..position + count].copy_from_slice(&plane[read..read + count]);
            }
        }
    }

    /// The adjoint of [`unfold_all`](Self::unfold_all): adds each column to what it was read from.
    pub fn fold(&self, columns: &[f32], group: usize, sample: &mut [f32]) {
        for (k, row) in columns.chunks(self.positions).take(self.depth()).enumerate() {
            let plane = &mut sample[self.plane_of(group, k)];
            for &(position, read, count) in &self.runs[k % self.taps()] {
                let sums = plane[read..read + count].iter_mut().zip(&row[position..position + count]);
                sums.for_each(|(sum, x)| *sum += x);
            }
        }
    }

    /// The channel that row `k` of a group's columns reads.
    fn plane_of(&self, group: usize, k: usize) -> Range<usize> {
        let channel = group * self.channels + k / self.taps();
        channel * self.plane..(channel + 1) * self.plane
    }
}

/// Stretches of positions that read neighbours.
fn runs(reads: &[u32]) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (position, &read) in reads.iter().enumerate().filter(|(_, read)| **read != PADDING) {
        let read = read as usize;
        match runs.last_mut() {
            Some((first, start, count)) if *first + *count == position && *start + *count == read => *count += 1,
            _ => runs.push((position, read, 1)),
        }
    }
    runs
}

fn reads(window: &Window, input: &[usize], output: &[usize]) -> Option<Vec<u32>> {
    let taps = Taps::new(window);
    let [height, width] = plane(input, 1);
    let kernel = taps.kernel;
    u32::try_from(height * width).ok().filter(|&n| n < PADDING)?;
    let positions = plane(output, 1);
    let read = |tap: usize, position: usize| {
        let (tap, at) = (multi_index(&kernel, tap), multi_index(&positions, position));
        let y = taps.read(0, at[0], tap[0], height)?;
        let x = taps.read(1, at[1], tap[1], width)?;
        Some((y * width + x) as u32)
    };
    let all = (0..kernel[0] * kernel[1])
        .flat_map(|tap| (0..positions[0] * positions[1]).map(move |position| (tap, position)));
    Some(all.map(|(tap, position)| read(tap, position).unwrap_or(PADDING)).collect())
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::{Conv, Linear};

    use super::*;
    use crate::literal;

    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|i| ((i * 7919 + 13) % 101) as f32 / 50.0 - 1.0).collect()
    }

    fn tensor(shape: &[usize]) -> Tensor {
        Tensor::new(shape.to_vec(), numbers(volume(shape))).unwrap()
    }

    /// The product with the unfolded input is the operation, and folding is the adjoint of unfolding.
    #[test]
    fn products_of_columns_are_the_operation() {
        let conv = |weight: &[usize], window: Window, groups| {
            Op::Conv(Conv { weight: tensor(weight), bias: Some(tensor(&[weight[0]])), window, groups })
        };
        let linear = Op::Linear(Linear { weight: tensor(&[3, 5]), bias: Some(tensor(&[3])) });
        for (op, shape) in [
            (conv(&[6, 2, 3, 3], Window::new(vec![3, 3]).padded(1).strided(2), 2), vec![4, 5, 6]),
            (conv(&[4, 1, 3], Window { dilation: vec![2], ..Window::new(vec![3]) }, 4), vec![4, 9]),
            (linear, vec![2, 5]),
        ] {
            let unfolding = Unfolding::new(&op, &shape).unwrap();
            let (weight, bias) = Unfolding::parameters(&op).unwrap();
            let x = numbers(volume(&shape));
            let all: Vec<usize> = (0..unfolding.positions()).collect();
            let exact: Vec<f64> = x.iter().map(|&x| f64::from(x)).collect();
            let wanted = literal::apply(&op, &[(shape.as_slice(), exact.as_slice())], true).unwrap();
            let (depth, positions) = (unfolding.depth(), unfolding.positions());
            let (mut twice, mut inner) = (vec![0.0; x.len()], 0.0);
            for group in 0..unfolding.groups() {
                let mut columns = vec![0.0; depth * positions];
                unfolding.unfold(&x, group, &all, &mut columns, positions);
                let mut same = vec![9.0; depth * positions];
                unfolding.unfold_all(&x, group, &mut same);
                assert_eq!(columns, same);
                inner += columns.iter().map(|v| f64::from(v * v)).sum::<f64>();
                unfolding.fold(&columns, group, &mut twice);
                for output in 0..unfolding.outputs() {
                    let channel = group * unfolding.outputs() + output;
                    for position in 0..positions {
                        let terms =
                            (0..depth).map(|k| weight.data()[channel * depth + k] * columns[k * positions + position]);
                        let found = bias.unwrap().data()[channel] + terms.sum::<f32>();
                        let wanted = wanted[unfolding.place(group, output, position)];
                        assert!((f64::from(found) - wanted).abs() < 1e-4, "{op:?}");
                    }
                }
            }
            // ⟨x, foldᵀ unfold x⟩ = ⟨unfold x, unfold x⟩
            let outer: f64 = x.iter().zip(&twice).map(|(a, b)| f64::from(a * b)).sum();
            assert!((outer - inner).abs() < 1e-3 * inner, "{outer} and {inner}");
        }
    }

    #[test]
    fn other_operations_have_no_unfolding() {
        assert!(Unfolding::new(&Op::Sigmoid, &[3]).is_none());
        assert!(Unfolding::parameters(&Op::Sigmoid).is_none());
        let op = Op::Linear(Linear { weight: tensor(&[2, 2]), bias: None });
        assert!(Unfolding::new(&op, &[3]).is_none());
        assert!(Unfolding::with_parameters(&op, vec![0.0; 3], None).is_none());
        let changed = Unfolding::with_parameters(&op, vec![1.0; 4], Some(Tensor::full(vec![2], 2.0))).unwrap();
        assert_eq!(Unfolding::parameters(&changed).unwrap().1.unwrap().data(), [2.0; 2]);
    }
}
