//! The passes of the graph change no result: random networks before and after, run by the literal operations.

use proptest::prelude::*;
use spikeconverter_engine::literal;
use spikeconverter_graph::ops::{
    Activation, Add, Affine, AvgPool, Concat, Conv, ConvTranspose, Linear, MaxPool, Mean, Pad, Reshape, Select,
    Transpose, Window,
};
use spikeconverter_graph::passes::{fold_input_normalisation, normalise};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Op, Tensor, volume};

/// A stream of numbers from a seed (splitmix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// From −1 to 1.
    fn real(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    fn tensor(&mut self, shape: &[usize], spread: f64, centre: f64) -> Tensor {
        let data = (0..volume(shape)).map(|_| (centre + spread * self.real()) as f32).collect();
        Tensor::new(shape.to_vec(), data).unwrap()
    }

    /// A constant that broadcasts to `shape`: the same along some axes, leading ones left out at times.
    fn constant(&mut self, shape: &[usize], centre: f64) -> Tensor {
        let mut extents: Vec<usize> = match self.below(4) {
            // What batch norm has, in either layout.
            0 => shape.iter().enumerate().map(|(axis, &n)| if axis == 0 { n } else { 1 }).collect(),
            1 => shape.iter().enumerate().map(|(axis, &n)| if axis + 1 == shape.len() { n } else { 1 }).collect(),
            2 => vec![1; shape.len()],
            _ => shape.iter().map(|&n| if self.coin() { n } else { 1 }).collect(),
        };
        while extents.first() == Some(&1) && self.coin() {
            extents.remove(0);
        }
        self.tensor(&extents, 1.0, centre)
    }

    fn permutation(&mut self, rank: usize) -> Vec<usize> {
        if rank == 3 && self.below(3) > 0 {
            return if self.coin() { vec![2, 0, 1] } else { vec![1, 2, 0] };
        }
        let mut perm: Vec<usize> = (0..rank).collect();
        for i in (1..rank).rev() {
            perm.swap(i, self.below(i + 1));
        }
        perm
    }

    fn window(&mut self, rank: usize) -> Window {
        let mut window = Window::new((0..rank).map(|_| 1 + self.below(3)).collect());
        for axis in 0..rank {
            window.stride[axis] = 1 + self.below(3) / 2;
            window.dilation[axis] = 1 + self.below(4) / 3;
            window.pad_begin[axis] = self.below(4) / 2;
            window.pad_end[axis] = self.below(4) / 2;
        }
        window
    }
}

/// A network in the making; what does not fit is left out.
struct Draft {
    builder: GraphBuilder,
    values: Vec<NodeId>,
}

impl Draft {
    fn shape(&self, id: NodeId) -> Vec<usize> {
        self.builder.shape(id).to_vec()
    }

    fn add(&mut self, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        let name = format!("{}{}", op.kind(), self.values.len());
        let shapes: Vec<Vec<usize>> = inputs.iter().map(|&i| self.shape(i)).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        // Small values only, so that thousands of networks take seconds.
        op.output_shape(&shapes).ok().filter(|shape| volume(shape) <= 600)?;
        let id = self.builder.add(name, op, inputs).ok()?;
        self.values.push(id);
        Some(id)
    }

    fn conv(&mut self, x: NodeId, numbers: &mut Numbers) -> Option<NodeId> {
        let shape = self.shape(x);
        let (&channels, spatial) = shape.split_first()?;
        let groups = if numbers.coin() { 1 } else { channels };
        let outputs = groups * (1 + numbers.below(3));
        let window = numbers.window(spatial.len());
        let weights: Vec<usize> = [outputs, channels / groups].iter().chain(&window.kernel).copied().collect();
        let weight = numbers.tensor(&weights, 1.0, 0.0);
        let bias = numbers.coin().then(|| numbers.tensor(&[outputs], 1.0, 0.0));
        self.add(Op::Conv(Conv { weight, bias, window, groups }), &[x])
    }

    fn conv_transpose(&mut self, x: NodeId, numbers: &mut Numbers) -> Option<NodeId> {
        let shape = self.shape(x);
        let (&channels, spatial) = shape.split_first()?;
        let groups = if numbers.coin() { 1 } else { channels };
        let outputs = 1 + numbers.below(2);
        let window = numbers.window(spatial.len());
        let weights: Vec<usize> = [channels, outputs].iter().chain(&window.kernel).copied().collect();
        let weight = numbers.tensor(&weights, 1.0, 0.0);
        let bias = numbers.coin().then(|| numbers.tensor(&[outputs * groups], 1.0, 0.0));
        let output_padding = vec![numbers.below(2); spatial.len()];
        self.add(Op::ConvTranspose(ConvTranspose { weight, bias, window, output_padding, groups }), &[x])
    }

    /// Adds what `numbers` draw: an operation, or a few that stand together in real networks.
    fn step(&mut self, numbers: &mut Numbers) -> Option<()> {
        let recent = |draft: &Self, numbers: &mut Numbers| {
            let n = draft.values.len();
            draft.values[if numbers.below(3) > 0 { n - 1 } else { n - 1 - numbers.below(n.min(5)) }]
        };
        let x = recent(self, numbers);
        let shape = self.shape(x);
        let rank = shape.len();
        if rank == 0 {
            return self.add(Op::Activation(Activation::Relu), &[x]).map(|_| ());
        }
        let op = match numbers.below(20) {
            0 | 1 => return self.conv(x, numbers).map(|_| ()),
            2 => return self.conv_transpose(x, numbers).map(|_| ()),
            3 => {
                // channels last
                let inside = self.add(Op::Transpose(Transpose { perm: vec![2, 0, 1] }), &[x])?;
                let result = self.conv(inside, numbers)?;
                return self.add(Op::Transpose(Transpose { perm: vec![1, 2, 0] }), &[result]).map(|_| ());
            }
            4 => {
                let inputs = *shape.last()?;
                let outputs = 1 + numbers.below(4);
                let weight = numbers.tensor(&[outputs, inputs], 1.0, 0.0);
                let bias = numbers.coin().then(|| numbers.tensor(&[outputs], 1.0, 0.0));
                Op::Linear(Linear { weight, bias })
            }
            5..=7 => Op::Affine(Affine {
                scale: (numbers.below(4) > 0).then(|| numbers.constant(&shape, 0.5)),
                shift: (numbers.below(4) > 0).then(|| numbers.constant(&shape, 0.0)),
            }),
            8 => {
                let y = recent(self, numbers);
                let coefficients = vec![1.0, if numbers.coin() { 1.0 } else { -0.5 }];
                return self.add(Op::Add(Add { coefficients }), &[x, y]).map(|_| ());
            }
            9 => {
                let y = recent(self, numbers);
                return self.add(Op::Concat(Concat { axis: numbers.below(rank) }), &[x, y]).map(|_| ());
            }
            10 => Op::Activation(Activation::Relu),
            11 => Op::Activation(match numbers.below(4) {
                0 => Activation::Clip { low: 0.0, high: 1.5 },
                1 => Activation::Clip { low: -1.0, high: f32::INFINITY },
                2 => Activation::Clip { low: 0.0, high: f32::INFINITY },
                _ => Activation::Leaky { slope: numbers.constant(&shape, 0.5) },
            }),
            12 => {
                let mut window = numbers.window(rank.checked_sub(1)?);
                // A window of padding alone would give −∞.
                window.dilation.fill(1);
                let ceil = numbers.coin();
                Op::MaxPool(MaxPool { window, ceil })
            }
            13 => Op::AvgPool(AvgPool {
                window: numbers.window(rank.checked_sub(1)?),
                ceil: numbers.coin(),
                count_include_pad: numbers.coin(),
            }),
            14 => {
                let keep = numbers.coin() || rank == 1;
                let axes = (0..rank).filter(|_| numbers.coin()).collect();
                Op::Mean(Mean { axes, keep })
            }
            15 => {
                let flat = Op::Reshape(Reshape { shape: vec![volume(&shape)] });
                let split = |n: usize| Op::Reshape(Reshape { shape: vec![n, volume(&shape) / n] });
                match numbers.below(4) {
                    0 if volume(&shape).is_multiple_of(2) => split(2),
                    1 => Op::Reshape(Reshape { shape: [&[1], &shape[..]].concat() }),
                    _ => flat,
                }
            }
            16 | 17 => Op::Transpose(Transpose { perm: numbers.permutation(rank) }),
            18 => {
                let mut maps = vec![None; rank];
                let axis = numbers.below(rank);
                maps[axis] = Some((0..=numbers.below(3)).map(|_| numbers.below(shape[axis])).collect());
                Op::Select(Select { maps })
            }
            _ => return self.pad(x, numbers),
        };
        self.add(op, &[x]).map(|_| ())
    }

    /// Padding, with what often reads it.
    fn pad(&mut self, x: NodeId, numbers: &mut Numbers) -> Option<()> {
        let rank = self.shape(x).len();
        let mut width = || -> Vec<usize> { (0..rank).map(|axis| numbers.below(2) * usize::from(axis > 0)).collect() };
        let (mut before, after) = (width(), width());
        if numbers.below(6) == 0 {
            before[0] = 1;
        }
        let pad = |value| Op::Pad(Pad { before: before.clone(), after: after.clone(), value });
        let pool = |draft: &mut Self, x, numbers: &mut Numbers| {
            let ceil = numbers.coin();
            let window = Window::new(vec![2 + numbers.below(2); rank - 1]).strided(1 + numbers.below(2));
            draft.add(Op::MaxPool(MaxPool { window, ceil }), &[x]).map(|_| ())
        };
        match numbers.below(5) {
            0 if rank > 1 && before[0] == 0 => {
                // Pads and pools at once: nothing else may see the infinities.
                let window = Window::new(vec![3; rank - 1]);
                let shape = pad(0.0).output_shape(&[&self.shape(x)]).ok()?;
                let pool = Op::MaxPool(MaxPool { window, ceil: false });
                pool.output_shape(&[&shape]).ok()?;
                let padded = self.add(pad(f32::NEG_INFINITY), &[x])?;
                self.values.pop();
                self.add(pool, &[padded]).map(|_| ())
            }
            1 => {
                let positive = self.add(Op::Activation(Activation::Relu), &[x])?;
                let padded = self.add(pad(0.0), &[positive])?;
                pool(self, padded, numbers)
            }
            2 => {
                let padded = self.add(pad(0.0), &[x])?;
                self.conv(padded, numbers).map(|_| ())
            }
            3 => self.add(pad(-0.5), &[x]).map(|_| ()),
            _ => self.add(pad(0.0), &[x]).map(|_| ()),
        }
    }
}

/// A network of some twenty operations; its outputs are the last value and sometimes an earlier one.
fn network(seed: u64, steps: usize) -> Graph {
    let mut numbers = Numbers(seed);
    let mut builder = GraphBuilder::new();
    let shape = vec![1 + numbers.below(3), 2 + numbers.below(4), 2 + numbers.below(4)];
    let x = builder.input("x", shape).unwrap();
    let mut draft = Draft { builder, values: vec![x] };
    for _ in 0..steps {
        // A step that does not fit is left out.
        let _ = draft.step(&mut numbers);
    }
    let n = draft.values.len();
    let mut outputs = vec![draft.values[n - 1]];
    if numbers.below(3) == 0 {
        outputs.push(draft.values[numbers.below(n)]);
    }
    draft.builder.finish(outputs).unwrap()
}

/// All values of a network for one sample.
fn run(graph: &Graph, sample: &[f64]) -> Vec<Vec<f64>> {
    let mut values: Vec<Vec<f64>> = Vec::new();
    for node in graph.nodes() {
        let inputs: Vec<(&[usize], &[f64])> = (node.inputs.iter())
            .map(|input| (graph.node(*input).shape.as_slice(), values[input.0].as_slice()))
            .collect();
        values.push(match node.op {
            Op::Input => sample.to_vec(),
            _ => literal::apply(&node.op, &inputs, true).unwrap(),
        });
    }
    values
}

fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes().len()];
    graph.outputs().iter().for_each(|output| live[output.0] = true);
    for id in graph.ids().rev() {
        if live[id.0] {
            graph.node(id).inputs.iter().for_each(|input| live[input.0] = true);
        }
    }
    live
}

/// Holds two networks' outputs together; the tolerance is relative to the largest value anywhere.
fn assert_same(reference: &Graph, sample: &[f64], other: &Graph, raw: &[f64]) {
    let (expected, found) = (run(reference, sample), run(other, raw));
    let finite = expected.iter().flatten().filter(|x| x.is_finite());
    let range = finite.fold(1.0f64, |range, x| range.max(x.abs()));
    assert_eq!(reference.outputs().len(), other.outputs().len());
    for (&e, &f) in reference.outputs().iter().zip(other.outputs()) {
        assert_eq!(reference.node(e).shape, other.node(f).shape);
        for (e, f) in expected[e.0].iter().zip(&found[f.0]) {
            assert!(
                e == f || (e - f).abs() <= 1e-5 * range,
                "{e} became {f} (values up to {range}) in\n{}that became\n{}",
                listing(reference),
                listing(other)
            );
        }
    }
}

fn live_macs(graph: &Graph) -> u64 {
    let mut macs = 0;
    let live = live(graph);
    for id in graph.ids().filter(|id| live[id.0]) {
        let node = graph.node(id);
        let inputs: Vec<&[usize]> = node.inputs.iter().map(|&i| graph.node(i).shape.as_slice()).collect();
        macs += node.op.macs(&inputs, &node.shape);
    }
    macs
}

/// A graph, a node a line, for a failure's message.
fn listing(graph: &Graph) -> String {
    let lines = graph.ids().map(|id| {
        let node = graph.node(id);
        let inputs: Vec<usize> = node.inputs.iter().map(|input| input.0).collect();
        let op = node.op.try_map_tensors(|t| Ok::<_, ()>(t.shape().to_vec()));
        format!("{:>3} {} {:?} of {inputs:?}: {op:?}\n", id.0, node.name, node.shape)
    });
    lines.chain([format!("outputs {:?}\n", graph.outputs())]).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_normal_form_computes_the_same(seed: u64, steps in 1usize..24) {
        let graph = network(seed, steps);
        let normal = normalise(&graph).unwrap();
        let mut numbers = Numbers(!seed);
        let sample: Vec<f64> = (0..volume(&graph.nodes()[0].shape)).map(|_| numbers.real()).collect();
        assert_same(&graph, &sample, &normal, &sample);
        // No weights are computed twice, and nothing is left to do.
        prop_assert!(live_macs(&normal) <= live_macs(&graph), "{}became\n{}", listing(&graph), listing(&normal));
        prop_assert_eq!(normalise(&normal).unwrap(), normal.clone());
        // Names are the file's, each once.
        let mut names: Vec<&str> = normal.nodes().iter().map(|node| node.name.as_str()).collect();
        for name in &names {
            let stem = name.split(':').next().unwrap();
            prop_assert!(graph.nodes().iter().any(|node| node.name == stem), "{} is new", name);
        }
        names.sort_unstable();
        prop_assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn normalisation_of_the_input_goes_in(seed: u64, steps in 1usize..12, axis in 0usize..3) {
        let graph = network(seed, steps);
        let shape = graph.nodes()[0].shape.clone();
        let mut numbers = Numbers(!seed);
        // Numbers that f32 holds: what is compared is the folding.
        let mut eighths = |n: usize| -> Vec<f64> { (0..n).map(|_| (numbers.below(17) as f64 - 8.0) / 8.0).collect() };
        let (mul, add, raw) = (eighths(shape[axis]), eighths(shape[axis]), eighths(volume(&shape)));
        let inner = volume(&shape[axis + 1..]);
        let channel = |position: usize| position / inner % shape[axis];
        let sample: Vec<f64> =
            raw.iter().enumerate().map(|(i, x)| x * mul[channel(i)] + add[channel(i)]).collect();
        let folded = fold_input_normalisation(&graph, axis, &mul, &add).unwrap();
        assert_same(&graph, &sample, &folded, &raw);
    }
}
