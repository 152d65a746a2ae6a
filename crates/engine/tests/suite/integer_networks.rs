//! Random small networks of integers.

use proptest::prelude::*;
use spikeconverter_engine::Batch;
use spikeconverter_graph::ops::{
    Affine, Conv, ConvTranspose, Linear, MaxPool, Pad, Reshape, Select, Transpose, Window,
};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{Encoding, NodeKind, Population, Readout, SpikingNetwork, Transfer};

use crate::generator::Dice;
use crate::harness::{Net, batch, concat, sum};

#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    steps: u32,
    shape: [usize; 3],
    images: usize,
    blocks: Vec<Block>,
    seed: u64,
}

#[derive(Debug, Clone, Copy)]
enum Block {
    Conv,
    Depthwise,
    Grouped,
    Residual,
    Projection,
    Pool,
    TrainPool,
    Concat,
    Bottleneck,
    Shortcut,
    Turn,
    Transposed,
    Multiplied,
    Direct,
    Sums,
}

/// Recipes; all shrink towards few blocks.
pub(crate) fn recipes() -> impl Strategy<Value = Recipe> {
    #[allow(clippy::enum_glob_use)] // a list of nearly all of them
    use Block::*;
    let block = prop::sample::select(vec![
        Conv, Conv, Depthwise, Grouped, Residual, Projection, Pool, TrainPool, Concat, Bottleneck, Shortcut, Turn,
        Transposed, Multiplied, Direct, Sums,
    ]);
    let shape = (1usize..=5, 1usize..=9, 2usize..=7).prop_map(|(c, h, w)| [c, h, w]);
    // two in three have codes of a byte
    let steps = prop_oneof![1u32..=8, Just(8u32), 9u32..=16];
    (steps, shape, 1usize..=4, prop::collection::vec(block, 1..=4), any::<u64>())
        .prop_map(|(steps, shape, images, blocks, seed)| Recipe { steps, shape, images, blocks, seed })
}

struct Garden {
    net: Net,
    dice: Dice,
    steps: u32,
    at: NodeId,
}

impl Garden {
    fn channels(&self, id: NodeId) -> usize {
        self.net.shape(id)[0]
    }

    fn integer(&mut self, most: usize) -> f32 {
        self.dice.below(2 * most + 1) as f32 - most as f32
    }

    fn integers(&mut self, n: usize, most: usize) -> Vec<f32> {
        (0..n).map(|_| self.integer(most)).collect()
    }

    fn synapse(&mut self, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        self.net.0.add("synapse", NodeKind::Synapse(op), inputs).ok()
    }

    fn window(&mut self) -> Window {
        let kernel = 1 + self.dice.below(3);
        let kernel = [kernel, if self.dice.coin() { kernel } else { 1 + self.dice.below(3) }];
        Window {
            kernel: kernel.to_vec(),
            stride: vec![1 + self.dice.below(2); 2],
            dilation: vec![1 + self.dice.below(2); 2],
            pad_begin: kernel.iter().map(|k| self.dice.below(*k)).collect(),
            pad_end: kernel.iter().map(|k| self.dice.below(*k)).collect(),
        }
    }

    /// A convolution that keeps the extents.
    fn same(&mut self, input: NodeId, out: usize) -> Option<NodeId> {
        let kernel = 1 + 2 * self.dice.below(2);
        self.conv(input, out, Window::new(vec![kernel; 2]).padded(kernel / 2), 1)
    }

    fn conv(&mut self, input: NodeId, out: usize, window: Window, groups: usize) -> Option<NodeId> {
        let mut shape = vec![out, self.channels(input) / groups];
        shape.extend(&window.kernel);
        // now and then the largest weights
        let most = [3, 40, 127][self.dice.below(3)];
        let weight = Tensor::new(shape.clone(), self.integers(volume(&shape), most)).ok()?;
        let bias = self.dice.coin().then(|| Tensor::vector(self.integers(out, 9000)));
        self.synapse(Op::Conv(Conv { weight, bias, window, groups }), &[input])
    }

    fn transfer(&mut self, channels: usize, monotone: bool) -> Transfer {
        match self.dice.below(7) {
            0..=2 => Transfer::Relu,
            3 => Transfer::Clip { low: Some(0.0), high: Some(self.dice.below(5000) as f32) },
            4 => Transfer::Clip { low: self.dice.coin().then_some(-700.0), high: Some(self.dice.below(5000) as f32) },
            5 => Transfer::linear(),
            _ => {
                let slopes = (0..if self.dice.coin() { 1 } else { channels }).map(|_| {
                    let slope = [0.0, 0.25, 0.5, 1.0][self.dice.below(4)];
                    if monotone || self.dice.coin() { slope } else { -slope }
                });
                Transfer::Leaky { slope: slopes.collect() }
            }
        }
    }

    fn population(&mut self, input: NodeId, transfer: Option<Transfer>, pool: Option<MaxPool>) -> Option<NodeId> {
        let channels = self.channels(input);
        let first = (1u32 << (self.steps - 1)) as f32;
        let count = if self.dice.coin() { 1 } else { channels };
        // small units, usual ones, and such that need more than 32-bit floats
        let most = [9, 900, 20_000][self.dice.below(3)];
        let threshold = (0..count).map(|_| first * (1 + self.dice.below(most)) as f32).collect();
        let transfer = transfer.unwrap_or_else(|| self.transfer(channels, pool.is_some()));
        // rarely ones that only f32 beyond 2^24 holds
        let largest = [500, 500, 500, 1 << 26][self.dice.below(4)];
        let population = Population {
            transfer,
            threshold,
            half_step: self.dice.coin(),
            initial: if self.dice.coin() { Vec::new() } else { self.integers(channels, largest) },
            pool,
            amplitude: Some(first),
            ..Population::default()
        };
        self.net.0.add("population", NodeKind::Population(population), &[input]).ok()
    }

    fn pool(&mut self) -> MaxPool {
        let window = Window::new(vec![2, 2]).strided(1 + self.dice.below(2)).padded(self.dice.below(2));
        MaxPool { window, ceil: self.dice.coin() }
    }

    /// A value times a factor a channel.
    fn scaled(&mut self, input: NodeId, most: usize) -> Option<NodeId> {
        let channels = self.channels(input);
        let scale = (0..channels).map(|_| self.dice.below(most) as f32).collect();
        let scale = Tensor::new(vec![channels, 1, 1], scale).ok();
        self.synapse(Op::Affine(Affine { scale, shift: None }), &[input])
    }

    fn plant(&mut self, block: Block) -> Option<NodeId> {
        let channels = self.channels(self.at);
        let out = [1 + self.dice.below(6), 16, 15 + self.dice.below(6), 30 + self.dice.below(50)][self.dice.below(4)];
        match block {
            Block::Conv => {
                let window = self.window();
                let conv = self.conv(self.at, out, window, 1)?;
                self.population(conv, None, None)
            }
            Block::Depthwise => {
                let window = self.window();
                let conv = self.conv(self.at, channels, window, channels)?;
                self.population(conv, None, None)
            }
            Block::Grouped => {
                let conv = self.conv(self.at, 2 * channels, Window::new(vec![1, 1]), channels)?;
                let many = self.population(conv, None, None)?;
                let window = self.window();
                let conv = self.conv(many, 2 * out, window, 2)?;
                self.population(conv, None, None)
            }
            Block::Residual => {
                let first = self.same(self.at, out)?;
                let inner = self.population(first, None, None)?;
                let second = self.same(inner, channels)?;
                let skip = self.scaled(self.at, 400)?;
                let total = self.synapse(sum(2), &[second, skip])?;
                self.population(total, None, None)
            }
            Block::Projection => {
                let first = self.same(self.at, out)?;
                let inner = self.population(first, None, None)?;
                let (a, b) = (self.same(inner, out)?, self.same(self.at, out)?);
                let total = self.synapse(sum(2), &[a, b])?;
                self.population(total, None, None)
            }
            Block::Pool => {
                let conv = self.same(self.at, out)?;
                let pool = self.pool();
                self.population(conv, None, Some(pool))
            }
            Block::TrainPool => {
                let pool = self.pool();
                self.net.0.add("gate", NodeKind::MaxPool(pool), &[self.at]).ok()
            }
            Block::Concat => {
                let near = self.same(self.at, out)?;
                let near = self.population(near, None, None)?;
                self.synapse(concat(0), &[self.at, near])
            }
            Block::Bottleneck => {
                let narrow = self.conv(self.at, 2, Window::new(vec![1, 1]), 1)?;
                let signed = self.population(narrow, Some(Transfer::linear()), None)?;
                let wide = self.same(signed, out)?;
                let wide = self.population(wide, None, None)?;
                let again = self.conv(wide, 2, Window::new(vec![1, 1]), 1)?;
                let skip = self.scaled(signed, 90)?;
                let total = self.synapse(sum(2), &[again, skip])?;
                self.population(total, Some(Transfer::linear()), None)
            }
            Block::Shortcut => {
                let rows = self.net.shape(self.at)[1];
                let maps = vec![None, Some((0..rows).step_by(2).collect()), None];
                let fewer = self.synapse(Op::Select(Select { maps }), &[self.at])?;
                let pad = Pad { before: vec![1, 0, 0], after: vec![2, 0, 0], value: 0.0 };
                let padded = self.synapse(Op::Pad(pad), &[fewer])?;
                let conv = self.same(fewer, channels + 3)?;
                let skip = self.scaled(padded, 300)?;
                let total = self.synapse(sum(2), &[conv, skip])?;
                self.population(total, None, None)
            }
            Block::Turn => {
                let turned = self.synapse(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[self.at])?;
                let conv = self.same(turned, out)?;
                let shape = self.net.shape(conv);
                let shift = Tensor::new(shape.clone(), self.integers(volume(&shape), 3000)).ok();
                let shifted = self.synapse(Op::Affine(Affine { scale: None, shift }), &[conv])?;
                self.population(shifted, None, None)
            }
            Block::Transposed => {
                let shape = vec![channels, out, 2, 2];
                let weight = Tensor::new(shape.clone(), self.integers(volume(&shape), 60)).ok()?;
                let window = Window::new(vec![2, 2]).strided(2);
                let op = ConvTranspose { weight, bias: None, window, output_padding: vec![0, 0], groups: 1 };
                let conv = self.synapse(Op::ConvTranspose(op), &[self.at])?;
                self.population(conv, None, None)
            }
            Block::Multiplied => self.multiplied(out),
            Block::Direct => {
                let scaled = self.scaled(self.at, 30)?;
                self.population(scaled, None, None)
            }
            Block::Sums => {
                let sums = self.sums(self.at, vec![2, 2])?;
                let conv = self.same(sums, out)?;
                self.population(conv, None, None)
            }
        }
    }

    /// A convolution whose sums are multiplied and moved, a channel each.
    fn multiplied(&mut self, out: usize) -> Option<NodeId> {
        let conv = self.same(self.at, out)?;
        let scale = Tensor::new(vec![out, 1, 1], (0..out).map(|_| self.dice.below(90) as f32).collect()).ok();
        let shift = Tensor::new(vec![out, 1, 1], self.integers(out, 90_000)).ok();
        let scaled = self.synapse(Op::Affine(Affine { scale, shift }), &[conv])?;
        self.population(scaled, None, None)
    }

    /// Sums over windows side by side.
    fn sums(&mut self, input: NodeId, kernel: Vec<usize>) -> Option<NodeId> {
        let channels = self.channels(input);
        let mut shape = vec![channels, 1];
        shape.extend(&kernel);
        let window = Window { stride: kernel.clone(), ..Window::new(kernel) };
        self.synapse(
            Op::Conv(Conv { weight: Tensor::full(shape, 1.0), bias: None, window, groups: channels }),
            &[input],
        )
    }
}

impl Recipe {
    /// The network and samples for it.
    pub(crate) fn grow(&self) -> (SpikingNetwork, Batch) {
        let net = Net::new(self.steps, &self.shape, Encoding::Pixels);
        let at = net.input();
        let mut garden = Garden { net, dice: Dice::new(self.seed, true), steps: self.steps, at };
        for &block in &self.blocks {
            garden.at = garden.plant(block).unwrap_or(garden.at);
        }
        let extents = garden.net.shape(garden.at)[1..].to_vec();
        if garden.dice.coin() {
            garden.at = garden.sums(garden.at, extents).expect("a window fits");
        }
        let features = volume(&garden.net.shape(garden.at));
        let flat = garden.net.synapse(Op::Reshape(Reshape { shape: vec![features] }), &[garden.at]);
        let weight = Tensor::new(vec![3, features], garden.integers(3 * features, 127)).expect("a matrix");
        let bias = Some(Tensor::vector(garden.integers(3, 1000)));
        let logits = garden.net.synapse(Op::Linear(Linear { weight, bias }), &[flat]);
        let initial = if garden.dice.coin() { Vec::new() } else { garden.integers(3, 1000) };
        let mut output = garden.net.add("out", NodeKind::Readout(Readout { initial, ..Readout::default() }), &[logits]);
        if garden.dice.coin() {
            // into the trained network's units
            let scale = Some(Tensor::vector(vec![0.37]));
            output = garden.net.add("scale", NodeKind::Head(Op::Affine(Affine { scale, shift: None })), &[output]);
        }
        let network = garden.net.finish(output);
        let data = (0..self.images * volume(network.input_shape())).map(|_| garden.dice.below(256) as f32).collect();
        let samples = batch(&network, data);
        (network, samples)
    }
}
