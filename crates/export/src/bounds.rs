//! How large the values of an integer network can become, so that each gets a number type that holds it exactly.

use spikeconverter_graph::ops::{Add, Affine, Conv, ConvTranspose, Linear, Pad};
use spikeconverter_graph::{Op, Tensor};
use spikeconverter_network::{Encoding, NodeKind, SpikingNetwork};
use spikeconverter_neuron::StreamCoding;

/// Values between `low` and `high`, all of them multiples of `2^shift`. Bounds saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) low: i128,
    pub(crate) high: i128,
    pub(crate) shift: u32,
}

impl Range {
    pub(crate) fn new(low: i128, high: i128) -> Self {
        Self { low, high, shift: 0 }
    }

    /// Largest magnitude.
    pub(crate) fn magnitude(&self) -> i128 {
        self.low.saturating_abs().max(self.high.saturating_abs())
    }

    /// The smallest range that holds both.
    pub(crate) fn union(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high), shift: self.shift.min(other.shift) }
    }

    /// The same with 0 in it, which padding adds.
    pub(crate) fn with_zero(self) -> Self {
        Self { low: self.low.min(0), high: self.high.max(0), ..self }
    }

    fn scaled(self, factor: i128) -> Self {
        let (a, b) = (self.low.saturating_mul(factor), self.high.saturating_mul(factor));
        Self { low: a.min(b), high: a.max(b), ..self }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            low: self.low.saturating_add(other.low),
            high: self.high.saturating_add(other.high),
            shift: self.shift.min(other.shift),
        }
    }

    /// The same moved by constants between these.
    pub(crate) fn moved(self, constants: Self) -> Self {
        if (constants.low, constants.high) == (0, 0) { self } else { self.plus(Self { shift: 0, ..constants }) }
    }
}

/// The range of constants.
pub(crate) fn of_constants(values: &[f32]) -> Range {
    values.iter().fold(Range::new(0, 0), |range, &x| range.union(Range::new(x as i128, x as i128)))
}

/// The range of a population's codes.
pub(crate) fn of_codes(kind: &NodeKind, steps: u32) -> Range {
    let largest = (1 << steps) - 1;
    Range::new(if kind.is_signed(StreamCoding::Rate) { -largest } else { 0 }, largest)
}

/// What a node that spikes sends: its whole code, or in one step a spike of this weight.
pub(crate) fn of_source(network: &SpikingNetwork, kind: &NodeKind, step: bool) -> Range {
    let steps = if matches!(kind, NodeKind::Input(_)) { Encoding::PIXEL_STEPS } else { network.time_steps() };
    let codes = of_codes(kind, steps);
    if step {
        let weight = 1 << (steps - 1);
        Range { low: if codes.low < 0 { -weight } else { 0 }, high: weight, shift: steps - 1 }
    } else {
        codes
    }
}

/// Sums of the positive and of the negative weights of each result channel, and what they bound together.
struct Weights {
    positive: i128,
    negative: i128,
}

impl Weights {
    fn of<'a>(weights: impl Iterator<Item = &'a f32>) -> Self {
        weights.fold(Self { positive: 0, negative: 0 }, |sums, &w| {
            let w = w as i128;
            Self { positive: sums.positive + w.max(0), negative: sums.negative + w.min(0) }
        })
    }

    fn absolute(&self) -> i128 {
        self.positive - self.negative
    }
}

/// The sums of an operation's weights, a result channel each.
fn channels(op: &Op) -> Vec<Weights> {
    let rows = |weight: &Tensor| {
        let outputs = weight.shape()[0];
        weight.data().chunks(weight.len() / outputs).map(|row| Weights::of(row.iter())).collect()
    };
    match op {
        Op::Conv(Conv { weight, .. }) | Op::Linear(Linear { weight, .. }) => rows(weight),
        Op::ConvTranspose(ConvTranspose { weight, groups, .. }) => {
            // [C_in, C_out / groups, taps]: each result reads some of the taps of the inputs in its group
            let (inputs, outputs) = (weight.shape()[0], weight.shape()[1]);
            let taps = weight.len() / (inputs * outputs);
            let of_group = inputs / groups;
            let tap = move |c: usize, o: usize| &weight.data()[(c * outputs + o) * taps..][..taps];
            (0..groups * outputs)
                .map(|channel| {
                    let (group, o) = (channel / outputs, channel % outputs);
                    Weights::of((group * of_group..(group + 1) * of_group).flat_map(|c| tap(c, o)))
                })
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Largest sum of the magnitudes of the weights that one result of a weighted operation reads.
pub(crate) fn largest_weights(op: &Op) -> i128 {
    channels(op).iter().map(Weights::absolute).max().unwrap_or(0)
}

/// The constants that a weighted operation adds.
pub(crate) fn bias(op: &Op) -> Option<&Tensor> {
    match op {
        Op::Conv(Conv { bias, .. })
        | Op::ConvTranspose(ConvTranspose { bias, .. })
        | Op::Linear(Linear { bias, .. }) => bias.as_ref(),
        _ => None,
    }
}

/// The range of what a synaptic operation gives for inputs of these ranges, with or without its constants.
pub(crate) fn of_op(op: &Op, inputs: &[Range], constants: bool) -> Range {
    let all = || inputs.iter().copied().reduce(Range::union).unwrap_or(Range::new(0, 0));
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear(_) => {
            let input = all().with_zero();
            let sums = channels(op).into_iter().map(|w| Range {
                low: w.positive.saturating_mul(input.low).saturating_add(w.negative.saturating_mul(input.high)),
                high: w.positive.saturating_mul(input.high).saturating_add(w.negative.saturating_mul(input.low)),
                shift: input.shift,
            });
            let sums = sums.reduce(Range::union).unwrap_or(input);
            match bias(op) {
                Some(bias) if constants => sums.moved(of_constants(bias.data())),
                _ => sums,
            }
        }
        Op::Affine(Affine { scale, shift }) => {
            let scaled = match scale {
                Some(scale) => scale.data().iter().map(|&s| all().scaled(s as i128)).reduce(Range::union),
                None => None,
            };
            let scaled = scaled.unwrap_or_else(all);
            match shift {
                Some(shift) if constants => scaled.moved(of_constants(shift.data())),
                _ => scaled,
            }
        }
        Op::Add(Add { coefficients }) => {
            let scaled = inputs.iter().zip(coefficients).map(|(range, &c)| range.scaled(c as i128));
            scaled.reduce(Range::plus).unwrap_or_else(all)
        }
        Op::Pad(Pad { value, .. }) if constants && *value != 0.0 => all().union(of_constants(&[*value])),
        Op::Pad(_) => all().with_zero(),
        _ => all(),
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::Window;

    use super::*;

    fn linear(rows: &[&[f32]], bias: &[f32]) -> Op {
        let weight = Tensor::new(vec![rows.len(), rows[0].len()], rows.concat()).unwrap();
        Op::Linear(Linear { weight, bias: Some(Tensor::vector(bias.to_vec())) })
    }

    #[test]
    fn a_matrix_product_is_bounded_row_by_row() {
        let op = linear(&[&[2.0, -3.0], &[1.0, 1.0]], &[10.0, -1.0]);
        let codes = Range::new(0, 15);
        // −45..30 and 0..30 without the constants, which lie between −1 and 10
        assert_eq!(of_op(&op, &[codes], false), Range::new(-45, 30));
        assert_eq!(of_op(&op, &[codes], true), Range::new(-46, 40));
        assert_eq!(largest_weights(&op), 5);
    }

    #[test]
    fn multiples_stay_multiples_until_a_constant_is_added() {
        let spikes = Range { low: 0, high: 8, shift: 3 };
        let op = linear(&[&[2.0, -3.0]], &[1.0]);
        assert_eq!(of_op(&op, &[spikes], false), Range { low: -24, high: 16, shift: 3 });
        assert_eq!(of_op(&op, &[spikes], true), Range { low: -24, high: 17, shift: 0 });
    }

    #[test]
    fn a_transposed_convolution_reads_the_inputs_of_its_group() {
        let weight = Tensor::new(vec![2, 1, 3], vec![1.0, -2.0, 3.0, 10.0, 10.0, 10.0]).unwrap();
        let op = Op::ConvTranspose(ConvTranspose {
            weight,
            bias: None,
            window: Window::new(vec![3]),
            output_padding: vec![0],
            groups: 2,
        });
        assert_eq!(of_op(&op, &[Range::new(0, 1)], true), Range::new(-2, 30));
    }

    #[test]
    fn bounds_saturate() {
        let op = linear(&[&[127.0; 8]], &[0.0]);
        let mut range = Range::new(0, 255);
        for _ in 0..40 {
            range = of_op(&op, &[range], true);
        }
        assert_eq!(range.high, i128::MAX);
    }
}
