//! Programs on odd shapes beside plain loops.

use proptest::prelude::*;
use spikeconverter_graph::ops::{Add, Conv, Window};
use spikeconverter_graph::{NodeId, Op, volume};

use super::*;
use crate::kernels::Threads;
use crate::kernels::tile::Instructions;
use crate::literal;
use crate::testing::{Dice, assert_close};

/// A network of one input whose nodes are these operations, each with what it reads.
struct Chain {
    shapes: Vec<Vec<usize>>,
    ops: Vec<(Op, Vec<NodeId>)>,
}

impl Chain {
    fn new(shape: Vec<usize>) -> Self {
        Self { shapes: vec![shape], ops: Vec::new() }
    }

    /// Adds an operation; `None` where it does not fit.
    fn add(&mut self, op: Op, inputs: &[usize]) -> Option<usize> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|&i| self.shapes[i].as_slice()).collect();
        self.shapes.push(op.output_shape(&shapes).ok()?);
        self.ops.push((op, inputs.iter().copied().map(NodeId).collect()));
        Some(self.ops.len())
    }

    /// Runs it on some samples, and holds the last node's result to the literal operations.
    fn check(&self, dice: &mut Dice) {
        let mut nodes = vec![Node { name: "input", kind: Kind::Input, inputs: &[], shape: &self.shapes[0] }];
        for ((op, inputs), shape) in self.ops.iter().zip(&self.shapes[1..]) {
            nodes.push(Node { name: op.kind(), kind: Kind::Op(op), inputs, shape });
        }
        let last = nodes.len() - 1;
        let count = dice.pick(1, 9);
        let (size, results) = (volume(&self.shapes[0]), volume(&self.shapes[last]));
        let samples = dice.values(count * size);
        for instructions in Instructions::available() {
            let program = Program::with(instructions, &nodes, &[NodeId(last)], 0).unwrap();
            let mut memory = Memory::default();
            let mut run = |threads| {
                let mut found = vec![f32::NAN; count * results];
                let (inputs, outputs) = (vec![samples.as_slice()], vec![found.as_mut_slice()]);
                let mut part = Part { samples: count, inputs, outputs, codes: Vec::new() };
                program.run(&mut part, &mut memory, threads, None);
                found
            };
            let found = run(Threads::One);
            assert_eq!(found, run(Threads::Pool), "threads change the result");
            self.compare(&samples, &found);
        }
    }

    /// Holds results to those of the literal operations.
    fn compare(&self, samples: &[f32], found: &[f32]) {
        let last = self.ops.len();
        let (size, results) = (volume(&self.shapes[0]), volume(&self.shapes[last]));
        for (sample, found) in samples.chunks_exact(size).zip(found.chunks_exact(results)) {
            let mut values: Vec<Vec<f64>> = vec![sample.iter().map(|&x| x.into()).collect()];
            for (op, inputs) in &self.ops {
                let read = |i: &NodeId| (self.shapes[i.0].as_slice(), values[i.0].as_slice());
                values.push(literal::apply(op, &inputs.iter().map(read).collect::<Vec<_>>(), true).unwrap());
            }
            assert_close(
                found,
                &values[last],
                1e-5,
                &(&self.shapes, self.ops.iter().map(|op| &op.0).collect::<Vec<_>>()),
            );
        }
    }
}

fn conv(dice: &mut Dice, channels: [usize; 2], kernel: [usize; 2], groups: usize) -> Conv {
    let [inputs, outputs] = channels;
    let weight = dice.tensor(vec![outputs, inputs / groups, kernel[0], kernel[1]]);
    let axis = |dice: &mut Dice, most| vec![dice.pick(1, most), dice.pick(1, most)];
    let window = Window {
        kernel: kernel.to_vec(),
        stride: axis(dice, 2),
        dilation: axis(dice, 2),
        pad_begin: vec![dice.pick(0, 2), dice.pick(0, 2)],
        pad_end: vec![dice.pick(0, 2), dice.pick(0, 2)],
    };
    Conv { weight, bias: dice.bias(outputs), window, groups }
}

/// A convolution, a second one beside it, and a shortcut, all in one sum.
fn block(seed: u64) -> Option<()> {
    let mut dice = Dice(seed);
    let channels = dice.pick(1, 40);
    let outputs = dice.pick(1, 60);
    let mut chain = Chain::new(vec![channels, dice.pick(1, 14), dice.pick(1, 14)]);
    let kernel = [dice.pick(1, 3), dice.pick(1, 3)];
    let depthwise = dice.pick(0, 2) == 0;
    let first = if depthwise {
        conv(&mut dice, [channels; 2], kernel, channels)
    } else {
        conv(&mut dice, [channels, outputs], kernel, 1)
    };
    let window = first.window.clone();
    let outputs = first.out_channels();
    let mut sum = vec![chain.add(Op::Conv(first), &[0])?];
    let shape = chain.shapes[sum[0]].clone();
    if dice.pick(0, 1) == 0 {
        let weight = dice.tensor(vec![outputs, channels, kernel[0], kernel[1]]);
        sum.push(chain.add(Op::Conv(Conv { weight, bias: None, window, groups: 1 }), &[0])?);
    }
    if shape == chain.shapes[0] {
        sum.push(0);
    }
    let coefficients = sum.iter().map(|_| dice.value()).collect();
    chain.add(Op::Add(Add { coefficients }), &sum)?;
    chain.check(&mut dice);
    Some(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 200 }))]
    #[test]
    fn sums_are_those_of_plain_loops(seed: u64) {
        block(seed);
    }
}

/// Deep layers on small maps, whose weights pass in stages and by taps.
#[test]
fn stages_and_taps_lose_nothing() {
    let mut dice = Dice(3);
    let shapes = if cfg!(miri) { vec![(40, 9, 3)] } else { vec![(300, 17, 2), (130, 40, 4), (64, 64, 8), (520, 8, 1)] };
    for (channels, outputs, extent) in shapes {
        let mut chain = Chain::new(vec![channels, extent, extent]);
        let weight = dice.tensor(vec![outputs, channels, 3, 3]);
        let bias = dice.bias(outputs);
        let op = Conv { weight, bias, window: Window::new(vec![3, 3]).padded(1), groups: 1 };
        chain.add(Op::Conv(op), &[0]).unwrap();
        chain.check(&mut dice);
    }
}

#[test]
fn padding_beyond_all_bounds_is_an_error() {
    let window = Window { pad_begin: vec![1 << 20, 1 << 20], ..Window::new(vec![1, 1]).strided(1 << 20) };
    let weight = spikeconverter_graph::Tensor::new(vec![1, 1, 1, 1], vec![1.0]).unwrap();
    let mut chain = Chain::new(vec![1, 2, 2]);
    let at = chain.add(Op::Conv(Conv { weight, bias: None, window, groups: 1 }), &[0]).unwrap();
    let nodes = [
        Node { name: "input", kind: Kind::Input, inputs: &[], shape: &chain.shapes[0] },
        Node { name: "conv", kind: Kind::Op(&chain.ops[0].0), inputs: &[NodeId(0)], shape: &chain.shapes[at] },
    ];
    let error = Program::new(&nodes, &[NodeId(1)], 0).err().unwrap().to_string();
    assert!(error.contains("too large"), "{error}");
}
