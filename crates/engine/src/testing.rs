//! Random operations and networks, for tests.

use spikeconverter_graph::ops::{
    Activation, Add, Affine, ArgMax, AvgPool, Concat, Conv, ConvTranspose, Linear, MaxPool, Mean, Pad, Reshape, Select,
    Softmax, Transpose, Window,
};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Op, Tensor, volume};

/// A source of made-up numbers (splitmix64), so that a case is its seed.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number of `low..=high`.
    pub(crate) fn pick(&mut self, low: usize, high: usize) -> usize {
        low + (self.next() % (high - low + 1) as u64) as usize
    }

    /// A number from −1 to 1.
    pub(crate) fn value(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    fn coin(&mut self) -> bool {
        self.pick(0, 1) == 1
    }

    /// Values from −1 to 1.
    pub(crate) fn values(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.value()).collect()
    }

    pub(crate) fn tensor(&mut self, shape: Vec<usize>) -> Tensor {
        let values = self.values(volume(&shape));
        Tensor::new(shape, values).unwrap()
    }

    pub(crate) fn bias(&mut self, n: usize) -> Option<Tensor> {
        self.coin().then(|| self.tensor(vec![n]))
    }

    /// A shape of `rank` axes.
    pub(crate) fn shape(&mut self, rank: usize) -> Vec<usize> {
        (0..rank).map(|axis| if axis == 0 { self.pick(1, 24) } else { self.pick(1, 20) }).collect()
    }

    /// A window over the spatial extents, often larger than fits.
    fn window(&mut self, spatial: &[usize]) -> Window {
        let rank = spatial.len();
        let mut axes = |high| (0..rank).map(|_| self.pick(1, high)).collect::<Vec<_>>();
        let (kernel, stride, dilation) = (axes(4), axes(3), axes(2));
        let mut pads = || (0..rank).map(|_| self.pick(0, 2)).collect::<Vec<_>>();
        let (pad_begin, pad_end) = (pads(), pads());
        if self.pick(0, 3) == 0 {
            return Window::new(vec![1; rank]);
        }
        Window { kernel, stride, dilation, pad_begin, pad_end }
    }

    /// A divisor of `n`.
    fn divisor(&mut self, n: usize) -> usize {
        let divisors: Vec<usize> = (1..=n).filter(|d| n.is_multiple_of(*d)).collect();
        divisors[self.pick(0, divisors.len() - 1)]
    }

    /// A shape that broadcasts to `shape`.
    fn broadcastable(&mut self, shape: &[usize]) -> Vec<usize> {
        let skip = self.pick(0, shape.len());
        shape[skip..].iter().map(|&n| if self.coin() { n } else { 1 }).collect()
    }

    /// An operation of kind `kind % 18` on an input of shape `shape`, with the shapes of its other inputs. It need not
    /// fit.
    pub(crate) fn op(&mut self, kind: usize, shape: &[usize]) -> (Op, Vec<Vec<usize>>) {
        let spatial = shape.get(1..).unwrap_or_default();
        let channels = shape.first().copied().unwrap_or(1);
        let axis = self.pick(0, shape.len().saturating_sub(1));
        let axes = |dice: &mut Self| (0..shape.len()).filter(|_| dice.coin()).collect::<Vec<_>>();
        let mut others = Vec::new();
        let op = match kind % 18 {
            0 | 1 => {
                let window = self.window(spatial);
                let groups = if self.coin() { 1 } else { self.divisor(channels) };
                let outputs = groups * self.pick(1, 40usize.div_ceil(groups));
                let mut weight = vec![outputs, channels / groups];
                weight.extend(&window.kernel);
                Op::Conv(Conv { weight: self.tensor(weight), bias: self.bias(outputs), window, groups })
            }
            2 => {
                let window = self.window(spatial);
                let multiplier = self.pick(1, 3);
                let mut weight = vec![channels * multiplier, 1];
                weight.extend(&window.kernel);
                let bias = self.bias(channels * multiplier);
                Op::Conv(Conv { weight: self.tensor(weight), bias, window, groups: channels })
            }
            3 => {
                let window = self.window(spatial);
                let groups = self.divisor(channels);
                let outputs = self.pick(1, 4);
                let mut weight = vec![channels, outputs];
                weight.extend(&window.kernel);
                let output_padding = spatial.iter().map(|_| self.pick(0, 1)).collect();
                let bias = self.bias(outputs * groups);
                Op::ConvTranspose(ConvTranspose { weight: self.tensor(weight), bias, window, output_padding, groups })
            }
            4 => {
                let (outputs, inputs) = (self.pick(1, 40), shape.last().copied().unwrap_or(1));
                Op::Linear(Linear { weight: self.tensor(vec![outputs, inputs]), bias: self.bias(outputs) })
            }
            5 => {
                let mut constant = || self.coin().then(|| self.broadcastable(shape)).map(|shape| self.tensor(shape));
                Op::Affine(Affine { scale: constant(), shift: constant() })
            }
            6 => {
                others = (0..self.pick(0, 2)).map(|_| self.broadcastable(shape)).collect();
                Op::Add(Add { coefficients: self.values(1 + others.len()) })
            }
            7 => Op::Activation(match self.pick(0, 2) {
                0 => Activation::Relu,
                1 => Activation::Clip { low: -0.5, high: self.value().abs() },
                _ => {
                    let slope = self.broadcastable(shape);
                    Activation::Leaky { slope: self.tensor(slope) }
                }
            }),
            8 => Op::MaxPool(MaxPool { window: self.window(spatial), ceil: self.coin() }),
            9 => {
                Op::AvgPool(AvgPool { window: self.window(spatial), ceil: self.coin(), count_include_pad: self.coin() })
            }
            10 => Op::Mean(Mean { axes: axes(self), keep: self.coin() }),
            11 => {
                for _ in 0..self.pick(0, 2) {
                    let mut other = shape.to_vec();
                    if let Some(extent) = other.get_mut(axis) {
                        *extent = self.pick(1, 5);
                    }
                    others.push(other);
                }
                Op::Concat(Concat { axis })
            }
            12 => {
                let n = volume(shape);
                let split = self.divisor(n);
                Op::Reshape(Reshape { shape: vec![split, n / split] })
            }
            13 => {
                let mut perm: Vec<usize> = (0..shape.len()).collect();
                for i in (1..perm.len()).rev() {
                    perm.swap(i, self.pick(0, i));
                }
                Op::Transpose(Transpose { perm })
            }
            14 => {
                let map = |&extent: &usize| {
                    self.coin().then(|| (0..self.pick(1, 6)).map(|_| self.pick(0, extent - 1)).collect())
                };
                Op::Select(Select { maps: shape.iter().map(map).collect() })
            }
            15 => {
                let mut pads = || shape.iter().map(|_| self.pick(0, 2)).collect::<Vec<_>>();
                let (before, after) = (pads(), pads());
                Op::Pad(Pad { before, after, value: self.value() })
            }
            16 => {
                if self.coin() {
                    Op::Softmax(Softmax { axes: axes(self), log: self.coin() })
                } else {
                    Op::Sigmoid
                }
            }
            _ => Op::ArgMax(ArgMax { axis, keep: self.coin(), select_last: self.coin() }),
        };
        (op, others)
    }

    /// A network of up to `nodes` operations with two inputs, and up to three results.
    pub(crate) fn graph(&mut self, nodes: usize) -> Graph {
        let mut builder = GraphBuilder::new();
        for input in ["left", "right"] {
            let shape = vec![self.pick(1, 6), self.pick(4, 9), self.pick(4, 9)];
            builder.input(input, shape).unwrap();
        }
        while builder.graph().nodes().len() < nodes {
            let last = builder.graph().nodes().len() - 1;
            let from = NodeId(if self.coin() { last } else { self.pick(0, last) });
            // All kinds but the read-out's, whose steps and ties make errors grow.
            let kind = self.pick(0, 15);
            let shape = builder.shape(from).to_vec();
            let (op, others) = self.op(kind, &shape);
            let mut inputs = vec![from];
            for other in others {
                let fits = builder.graph().ids().find(|&id| builder.shape(id) == other).unwrap_or(from);
                inputs.push(fits);
            }
            let small = op.output_shape(&inputs.iter().map(|&i| builder.shape(i)).collect::<Vec<_>>());
            if small.is_ok_and(|shape| volume(&shape) < 2000) {
                builder.add(format!("node {last}"), op, &inputs).unwrap();
            }
        }
        let last = builder.graph().nodes().len() - 1;
        let outputs = [last, self.pick(0, last), self.pick(0, last)].map(NodeId);
        builder.finish(outputs[..self.pick(1, 3)].to_vec()).unwrap()
    }
}

/// Asserts that two results agree up to `tolerance` times the range of the expected one.
#[track_caller]
pub(crate) fn assert_close(found: &[f32], expected: &[f64], tolerance: f64, what: &dyn std::fmt::Debug) {
    assert_eq!(found.len(), expected.len(), "{what:?}");
    let range = expected.iter().filter(|y| y.is_finite()).fold(1e-3, |range: f64, y| range.max(y.abs()));
    for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let same = f64::from(found) == expected || (found.is_nan() && expected.is_nan());
        let close = (f64::from(found) - expected).abs() <= tolerance * range;
        assert!(same || close, "value {i}: {found} instead of {expected}, range {range}: {what:?}");
    }
}
