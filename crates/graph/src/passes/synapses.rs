//! Convolutions and matrix products under one view: weights between channels, in `f64`.

use super::field::{Field, rounded};
use crate::ops::{Conv, ConvTranspose, Linear, Window};
use crate::{Op, Tensor, volume};

/// Beyond this many multiplications a shift that varies over space is not pushed through weights.
const MOST_WORK: usize = 1 << 31;

/// An operation with weights.
pub(super) struct Synapses<'g> {
    op: &'g Op,
    weight: &'g Tensor,
    bias: Option<&'g Tensor>,
    /// Output channels.
    outputs: usize,
}

/// Which channels a weight connects, and at which tap of the kernel.
struct Place {
    output: usize,
    input: usize,
    tap: usize,
}

impl<'g> Synapses<'g> {
    pub(super) fn of(op: &'g Op) -> Option<Self> {
        let (weight, bias, outputs) = match op {
            Op::Conv(conv) => (&conv.weight, &conv.bias, conv.out_channels()),
            Op::ConvTranspose(conv) => (&conv.weight, &conv.bias, conv.out_channels()),
            Op::Linear(linear) => (&linear.weight, &linear.bias, linear.outputs()),
            _ => return None,
        };
        Some(Self { op, weight, bias: bias.as_ref(), outputs })
    }

    /// The axis of the channels, in a value (input or result) of the given rank.
    pub(super) fn channel_axis(&self, rank: usize) -> usize {
        if matches!(self.op, Op::Linear(_)) { rank - 1 } else { 0 }
    }

    /// The weights as they are.
    pub(super) fn weights(&self) -> Vec<f64> {
        self.weight.data().iter().map(|&w| f64::from(w)).collect()
    }

    /// The bias of each output channel.
    pub(super) fn biases(&self) -> Vec<f64> {
        self.bias.map_or(vec![0.0; self.outputs], |bias| bias.data().iter().map(|&b| f64::from(b)).collect())
    }

    /// The weights, each with the factor of its output channel.
    pub(super) fn scaled_outputs(&self, factors: &[f64]) -> Vec<f64> {
        let weights = self.weights().into_iter().enumerate();
        weights.map(|(position, w)| w * factors[self.place(position).output]).collect()
    }

    /// The weights, each with the factor of its input channel.
    pub(super) fn scaled_inputs(&self, factors: &[f64]) -> Vec<f64> {
        let weights = self.weights().into_iter().enumerate();
        weights.map(|(position, w)| w * factors[self.place(position).input]).collect()
    }

    /// The operation with other weights and biases; `None` when a value leaves `f32`. A bias of zeros stays away where
    /// there was none.
    pub(super) fn with(&self, weights: &[f64], biases: &[f64]) -> Option<Op> {
        let weight = Tensor::new(self.weight.shape().to_vec(), rounded(weights)?).ok()?;
        let needed = self.bias.is_some() || biases.iter().any(|&b| b != 0.0);
        let bias = if needed { Some(Tensor::vector(rounded(biases)?)) } else { None };
        Some(match self.op {
            Op::Conv(conv) => Op::Conv(Conv { weight, bias, ..conv.clone() }),
            Op::ConvTranspose(conv) => Op::ConvTranspose(ConvTranspose { weight, bias, ..conv.clone() }),
            _ => Op::Linear(Linear { weight, bias }),
        })
    }

    /// What a constant input gives, without the bias: a constant of the shape `output`.
    pub(super) fn response(&self, input: &Field, output: &[usize]) -> Option<Field> {
        let lattice = match self.op {
            Op::Conv(conv) => Lattice::new(&conv.window, output, input.shape()),
            Op::ConvTranspose(conv) => Lattice::new(&conv.window, input.shape(), output),
            _ => return self.response_of_product(input, output),
        };
        let taps = lattice.taps();
        let mut response = vec![0.0; volume(output)];
        let mut connect = |place: &Place, weight: f64, input: &[f64]| {
            let plane = volume(&output[1..]);
            let result = &mut response[place.output * plane..][..plane];
            lattice.pairs(place.tap, |small, big| match self.op {
                Op::Conv(_) => result[small] += weight * input[big],
                _ => result[big] += weight * input[small],
            });
        };
        let plane = volume(&input.shape()[1..]);
        if let Some(channels) = input.along(0) {
            // The same everywhere in a channel: one sum over the channels, then what padding takes from each tap.
            let mut sums = vec![0.0; self.outputs * taps];
            for (position, w) in self.weights().into_iter().enumerate() {
                let place = self.place(position);
                sums[place.output * taps + place.tap] += w * channels[place.input];
            }
            let ones = vec![1.0; plane];
            for (position, &sum) in sums.iter().enumerate() {
                connect(&Place { output: position / taps, input: 0, tap: position % taps }, sum, &ones);
            }
        } else {
            if self.weight.len().saturating_mul(lattice.small.iter().product()) > MOST_WORK {
                return None;
            }
            let elements = input.elements()?;
            for (position, w) in self.weights().into_iter().enumerate() {
                let place = self.place(position);
                connect(&place, w, &elements[place.input * plane..][..plane]);
            }
        }
        Field::new(output.to_vec(), response)
    }

    fn response_of_product(&self, input: &Field, output: &[usize]) -> Option<Field> {
        let inputs = self.weight.shape()[1];
        let weights = self.weights();
        let product = |x: &[f64], w: &[f64]| x.iter().zip(w).map(|(x, w)| x * w).sum::<f64>();
        let elements = input.elements()?;
        let rows = elements.chunks_exact(inputs);
        let data = rows.flat_map(|x| weights.chunks_exact(inputs).map(move |w| product(x, w))).collect();
        Field::new(output.to_vec(), data)
    }

    fn place(&self, position: usize) -> Place {
        let shape = self.weight.shape();
        let taps = volume(&shape[2..]);
        let (first, second, tap) = (position / (shape[1] * taps), position / taps % shape[1], position % taps);
        match self.op {
            Op::Conv(conv) => {
                let group = first / (self.outputs / conv.groups);
                Place { output: first, input: group * shape[1] + second, tap }
            }
            Op::ConvTranspose(conv) => {
                let group = first / (shape[0] / conv.groups);
                Place { output: group * shape[1] + second, input: first, tap }
            }
            _ => Place { output: first, input: second, tap },
        }
    }
}

/// How a window's taps relate the positions of the plane that it slides over (big) and those of the windows (small);
/// a single spatial axis is taken as a plane of height 1.
struct Lattice {
    small: [usize; 2],
    big: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
}

impl Lattice {
    fn new(window: &Window, small: &[usize], big: &[usize]) -> Self {
        let plane = |extents: &[usize], missing| match *extents {
            [width] => [missing, width],
            [height, width] => [height, width],
            _ => [missing; 2],
        };
        Self {
            small: plane(&small[1..], 1),
            big: plane(&big[1..], 1),
            kernel: plane(&window.kernel, 1),
            stride: plane(&window.stride, 1),
            dilation: plane(&window.dilation, 1),
            pad: plane(&window.pad_begin, 0),
        }
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Calls `each` with the positions that one tap connects.
    fn pairs(&self, tap: usize, mut each: impl FnMut(usize, usize)) {
        let tap = [tap / self.kernel[1], tap % self.kernel[1]];
        let read = |axis: usize, at: usize| {
            (at * self.stride[axis] + tap[axis] * self.dilation[axis])
                .checked_sub(self.pad[axis])
                .filter(|&at| at < self.big[axis])
        };
        for y in 0..self.small[0] {
            let Some(from) = read(0, y) else { continue };
            for x in 0..self.small[1] {
                if let Some(at) = read(1, x) {
                    each(y * self.small[1] + x, from * self.big[1] + at);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::counting;
    use super::*;

    #[test]
    fn padding_takes_its_part_of_the_response() {
        let window = Window::new(vec![3]).padded(1);
        let op = Op::Conv(Conv { weight: Tensor::full(vec![1, 2, 3], 1.0), bias: None, window, groups: 1 });
        let synapses = Synapses::of(&op).unwrap();
        let same = Field::new(vec![2, 3], vec![1., 1., 1., 2., 2., 2.]).unwrap();
        assert_eq!(synapses.response(&same, &[1, 3]).unwrap().elements().unwrap(), [6., 9., 6.]);
        let varied = Field::new(vec![2, 3], vec![1., 1., 1., 2., 2., 0.]).unwrap();
        assert_eq!(synapses.response(&varied, &[1, 3]).unwrap().elements().unwrap(), [6., 7., 4.]);
    }

    #[test]
    fn groups_connect_their_own_channels() {
        let window = Window::new(vec![1]);
        let weight = counting(&[4, 2, 1]);
        let op = Op::Conv(Conv { weight: weight.clone(), bias: None, window: window.clone(), groups: 2 });
        let synapses = Synapses::of(&op).unwrap();
        let place = synapses.place(4);
        assert_eq!((place.output, place.input, place.tap), (2, 2, 0));
        let output_padding = vec![0];
        let op = Op::ConvTranspose(ConvTranspose { weight, bias: None, window, output_padding, groups: 2 });
        let synapses = Synapses::of(&op).unwrap();
        assert_eq!(synapses.outputs, 4);
        let place = synapses.place(5);
        assert_eq!((place.output, place.input, place.tap), (3, 2, 0));
    }
}
