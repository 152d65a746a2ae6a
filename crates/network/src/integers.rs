//! Networks that integers can run.

use spikeconverter_graph::ops::{Add, Affine, Conv, ConvTranspose, Linear, Pad};
use spikeconverter_graph::{Op, Tensor};
use spikeconverter_neuron::Comparison;

use crate::{Encoding, NodeKind, Population, SpikingNetwork, Transfer};

/// Integers up to this are exact in `f32`: the bound of constants in units of the membrane.
const LARGEST_CONSTANT: f32 = (1 << 24) as f32;
/// Bound of initial potentials, which are added once; every number of `f32` beyond 2^24 is an integer.
const LARGEST_INITIAL: f32 = (1 << 28) as f32;
/// Bound of the weights: a symmetric signed byte.
const LARGEST_WEIGHT: f32 = 127.0;

impl SpikingNetwork {
    /// Whether all numbers of the network, from the pixels' bits to the read-out's membrane, are integers, so that
    /// integer arithmetic runs it exactly:
    ///
    /// * populations hear all before they fire;
    /// * samples enter as pixels ([`Encoding::Pixels`]);
    /// * populations fire at their thresholds, have base 2 and amplitude `2^(T-1)`, so that a train stands for its code;
    /// * thresholds (of positive and of negative membranes) are `2^(T-1)` times a unit, an integer of 1..=2^24: the
    ///   membrane that one unit of the code stands for;
    /// * weights of convolutions and linear layers are integers of −127..=127;
    /// * bounds, biases, scales, shifts, coefficients and padding are integers within ±2^24, initial potentials within
    ///   ±2^28;
    /// * there are no means, which are sums in such a network.
    ///
    /// Heads, which run on the result without spikes, may hold any numbers.
    pub fn is_integer(&self) -> bool {
        !self.is_online()
            && self.encoding() == Encoding::Pixels
            && self.nodes().iter().all(|node| match &node.kind {
                NodeKind::Input(_) | NodeKind::MaxPool(_) | NodeKind::Head(_) => true,
                NodeKind::Synapse(op) => synapse(op),
                // streams are not windows of a code
                NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => false,
                NodeKind::Population(p) => population(p, node.shape.first().copied().unwrap_or(1), self.time_steps()),
                NodeKind::Readout(readout) => readout.initial.iter().all(|&v| is_initial(v)),
            })
    }
}

fn is_constant(x: f32) -> bool {
    x.fract() == 0.0 && x.abs() <= LARGEST_CONSTANT
}

fn is_initial(x: f32) -> bool {
    x.fract() == 0.0 && x.abs() <= LARGEST_INITIAL
}

fn synapse(op: &Op) -> bool {
    let constants = |tensor: &Option<Tensor>| tensor.iter().all(|t| t.data().iter().all(|&x| is_constant(x)));
    let weights = |tensor: &Tensor| tensor.data().iter().all(|&w| w.fract() == 0.0 && w.abs() <= LARGEST_WEIGHT);
    match op {
        Op::Conv(Conv { weight, bias, .. })
        | Op::ConvTranspose(ConvTranspose { weight, bias, .. })
        | Op::Linear(Linear { weight, bias }) => weights(weight) && constants(bias),
        Op::Affine(Affine { scale, shift }) => constants(scale) && constants(shift),
        Op::Add(Add { coefficients }) => coefficients.iter().all(|&c| is_constant(c)),
        Op::Pad(Pad { value, .. }) => is_constant(*value),
        Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) => true,
        Op::Input
        | Op::Activation(_)
        | Op::MaxPool(_)
        | Op::AvgPool(_)
        | Op::Mean(_)
        | Op::Softmax(_)
        | Op::Sigmoid
        | Op::ArgMax(_) => false,
    }
}

fn population(population: &Population, channels: usize, steps: u32) -> bool {
    let first = (1u32 << (steps - 1)) as f32;
    // dividing by a power of two is exact
    let is_unit = |threshold: f32| threshold >= first && is_constant(threshold / first);
    let bounds = match &population.transfer {
        Transfer::Clip { low, high } => low.iter().chain(high).all(|&bound| is_constant(bound)),
        Transfer::Relu | Transfer::Leaky { .. } => true,
    };
    let negative = |c: usize| {
        let threshold = population.negative_threshold(c);
        threshold == f32::INFINITY || is_unit(threshold)
    };
    population.base == 2.0
        && population.steps.is_none()
        && population.comparison == Comparison::AtLeast
        && population.amplitude == Some(first)
        && bounds
        && population.threshold.iter().all(|&t| is_unit(t))
        && population.initial.iter().all(|&v| is_initial(v))
        && (0..channels).all(negative)
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::ops::AvgPool;

    use super::*;
    use crate::{NetworkBuilder, Readout};

    fn network(weight: f32, changed: impl Fn(&mut Population)) -> SpikingNetwork {
        let mut builder = NetworkBuilder::new(4, "x", vec![1], Encoding::Pixels).unwrap();
        let op = Linear {
            weight: Tensor::new(vec![2, 1], vec![weight, 3.0]).unwrap(),
            bias: Some(Tensor::vector(vec![5.0, -900.0])),
        };
        let id = builder.add("fc", NodeKind::Synapse(Op::Linear(op)), &[builder.input()]).unwrap();
        let mut population = Population {
            threshold: vec![8.0, 24.0],
            initial: vec![-7.0, 0.0],
            amplitude: Some(8.0),
            ..Population::default()
        };
        changed(&mut population);
        let id = builder.add("relu", NodeKind::Population(population), &[id]).unwrap();
        let id = builder
            .add("result", NodeKind::Readout(Readout { initial: vec![4.0, 4.0], ..Readout::default() }), &[id])
            .unwrap();
        builder.finish(id).unwrap()
    }

    #[test]
    fn integers_everywhere() {
        assert!(network(-127.0, |_| ()).is_integer());
        assert!(network(127.0, |p| p.transfer = Transfer::linear()).is_integer());
        // thresholds 8 and 24 over slopes 0.5 and 0.25 are 16 and 96
        assert!(network(127.0, |p| p.transfer = Transfer::Leaky { slope: vec![0.5, -0.25] }).is_integer());
    }

    #[test]
    fn one_number_that_is_none_is_enough() {
        assert!(!network(-128.0, |_| ()).is_integer());
        assert!(!network(0.5, |_| ()).is_integer());
        assert!(!network(1.0, |p| p.amplitude = None).is_integer());
        assert!(!network(1.0, |p| p.base = 1.5).is_integer());
        assert!(!network(1.0, |p| p.comparison = Comparison::Above).is_integer());
        assert!(!network(1.0, |p| p.threshold = vec![12.0]).is_integer());
        assert!(!network(1.0, |p| p.threshold = vec![4.0]).is_integer());
        assert!(!network(1.0, |p| p.initial = vec![0.25]).is_integer());
        assert!(network(1.0, |p| p.initial = vec![-(1 << 28) as f32]).is_integer());
        assert!(!network(1.0, |p| p.initial = vec![(1 << 29) as f32]).is_integer());
        assert!(!network(1.0, |p| p.transfer = Transfer::Leaky { slope: vec![0.3] }).is_integer());
        assert!(!network(1.0, |p| p.transfer = Transfer::Clip { low: Some(0.0), high: Some(6.5) }).is_integer());
    }

    #[test]
    fn means_and_analog_inputs_are_no_integers() {
        let build = |encoding, kernel: usize| {
            let mut builder = NetworkBuilder::new(4, "x", vec![1, 4], encoding).unwrap();
            let window = spikeconverter_graph::ops::Window::new(vec![kernel]);
            let pool = AvgPool { window, ceil: false, count_include_pad: true };
            let mut id = builder.input();
            if kernel > 1 {
                id = builder.add("mean", NodeKind::Synapse(Op::AvgPool(pool)), &[id]).unwrap();
            }
            let id = builder.add("result", NodeKind::Readout(Readout::default()), &[id]).unwrap();
            builder.finish(id).unwrap()
        };
        assert!(build(Encoding::Pixels, 1).is_integer());
        assert!(!build(Encoding::Analog, 1).is_integer());
        assert!(!build(Encoding::Pixels, 2).is_integer());
    }
}
