//! Random small networks.

use proptest::prelude::*;
use spikeconverter_engine::Batch;
use spikeconverter_graph::ops::{Activation, Add, Affine, AvgPool, Conv, MaxPool, Mean, Pad, Reshape, Window};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{Encoding, NodeKind, Population, Readout, SpikingNetwork, Transfer};
use spikeconverter_neuron::Comparison;

use crate::harness::{Net, batch, concat, dense, sum};

/// What a random network is made of; its numbers come from `seed`.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// Whether all numbers are multiples of powers of two, so small that `f32` arithmetic on them is exact.
    pub(crate) dyadic: bool,
    pub(crate) steps: u32,
    /// Steps after which populations fire, where that is before they have heard all.
    pub(crate) delay: Option<u32>,
    /// Whether bases are above 2.
    pub(crate) signed: bool,
    /// Whether populations may have shorter windows.
    pub(crate) windows: bool,
    encoding: Encoding,
    shape: [usize; 3],
    images: usize,
    blocks: Vec<Block>,
    seed: u64,
}

/// A piece of network; one that does not fit what it follows is left out.
#[derive(Debug, Clone, Copy)]
enum Block {
    Conv { kernel: usize, stride: usize },
    Depthwise,
    Residual,
    MembranePool,
    TrainPool,
    Concat,
    AvgPool,
    Bottleneck,
    Direct,
    Constants,
    Sample,
}

/// Recipes; all shrink towards few blocks.
pub(crate) fn recipes(dyadic: bool) -> impl Strategy<Value = Recipe> {
    let block = prop_oneof![
        (prop_oneof![Just(1usize), Just(3)], 1usize..=2).prop_map(|(kernel, stride)| Block::Conv { kernel, stride }),
        Just(Block::Depthwise),
        Just(Block::Residual),
        Just(Block::MembranePool),
        Just(Block::TrainPool),
        Just(Block::Concat),
        Just(Block::AvgPool),
        Just(Block::Bottleneck),
        Just(Block::Direct),
        Just(Block::Constants),
        Just(Block::Sample),
    ];
    let encoding = prop_oneof![Just(Encoding::Analog), Just(Encoding::Pixels)];
    let steps = 1..=if dyadic { 6u32 } else { 16 };
    let shape = (1usize..=2, 3usize..=4, 3usize..=5).prop_map(|(c, h, w)| [c, h, w]);
    (steps, encoding, shape, 1usize..=3, prop::collection::vec(block, 1..=5), any::<u64>()).prop_map(
        move |(steps, encoding, shape, images, blocks, seed)| Recipe {
            dyadic,
            steps,
            delay: None,
            signed: false,
            windows: false,
            encoding,
            shape,
            images,
            blocks,
            seed,
        },
    )
}

/// Recipes of networks whose populations generate while they listen.
pub(crate) fn online_recipes(dyadic: bool) -> impl Strategy<Value = Recipe> {
    (recipes(dyadic), any::<u32>()).prop_map(|(recipe, delay)| {
        let steps = recipe.steps.max(2);
        Recipe { steps, delay: Some(1 + delay % (steps - 1)), ..recipe }
    })
}

/// Recipes of networks whose populations have windows of their own.
pub(crate) fn window_recipes(dyadic: bool) -> impl Strategy<Value = Recipe> {
    recipes(dyadic).prop_map(|recipe| Recipe { windows: true, ..recipe })
}

/// Recipes of networks of bases above 2, whose trains have spikes of both signs, half of them with windows of their own. Windows are
/// short: the `3^16` values of
/// the longest are more than `f32` tells apart.
pub(crate) fn signed_recipes() -> impl Strategy<Value = Recipe> {
    recipes(false).prop_map(|recipe| Recipe {
        signed: true,
        windows: recipe.seed % 2 == 0,
        steps: 1 + recipe.steps % 6,
        ..recipe
    })
}

/// Random numbers (SplitMix64).
pub(crate) struct Dice {
    pub(crate) state: u64,
    pub(crate) dyadic: bool,
    pub(crate) signed: bool,
    /// The longest window, where populations have windows of their own.
    pub(crate) longest: Option<u32>,
}

impl Dice {
    pub(crate) fn new(state: u64, dyadic: bool) -> Self {
        Self { state, dyadic, signed: false, longest: None }
    }

    fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    /// A number between `low` and `high`; when dyadic, a multiple of `unit`, which divides both.
    fn number(&mut self, low: f32, high: f32, unit: f32) -> f32 {
        if self.dyadic {
            low + unit * self.below(((high - low) / unit) as usize + 1) as f32
        } else {
            low + (high - low) * (self.roll() >> 40) as f32 / (1u64 << 24) as f32
        }
    }

    pub(crate) fn numbers(&mut self, n: usize, low: f32, high: f32, unit: f32) -> Vec<f32> {
        (0..n).map(|_| self.number(low, high, unit)).collect()
    }

    pub(crate) fn threshold(&mut self) -> f32 {
        if self.dyadic { [0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0][self.below(7)] } else { self.number(0.2, 1.2, 0.0) }
    }

    fn base(&mut self) -> f32 {
        if self.signed {
            [3.0, 3.0, 2.0 + self.number(0.01, 1.0, 0.0)][self.below(3)]
        } else if self.dyadic {
            [1.0, 2.0, 2.0][self.below(3)]
        } else {
            [1.0, 2.0, 2.0, 1.0 + self.number(0.0, 1.0, 0.0)][self.below(4)]
        }
    }

    fn slope(&mut self) -> f32 {
        let size = if self.dyadic { [0.0, 0.25, 0.5, 1.0, 2.0][self.below(5)] } else { self.number(0.01, 1.5, 0.0) };
        if self.coin() { size } else { -size }
    }

    fn transfer(&mut self, channels: usize, monotone: bool) -> Transfer {
        let bound = |dice: &mut Self| dice.number(0.5, 2.5, 0.25);
        match self.below(6) {
            0 | 1 => Transfer::Relu,
            2 => Transfer::Clip { low: Some(0.0), high: Some(bound(self)) },
            3 => Transfer::Clip { low: self.coin().then_some(-1.25), high: Some(bound(self)) },
            4 => Transfer::linear(),
            _ => {
                let count = if self.coin() { 1 } else { channels };
                let slope = (0..count).map(|_| self.slope());
                Transfer::Leaky { slope: slope.map(|s| if monotone { s.abs() } else { s }).collect() }
            }
        }
    }

    /// `early`: the window's steps, where populations fire within it.
    fn population(&mut self, channels: usize, pool: Option<MaxPool>, early: Option<u32>) -> Population {
        let delay = early.and_then(|steps| self.coin().then(|| 1 + self.below(steps as usize) as u32));
        let count = if self.coin() { 1 } else { channels };
        Population {
            transfer: self.transfer(channels, pool.is_some()),
            base: self.base(),
            threshold: (0..count).map(|_| self.threshold()).collect(),
            half_step: self.signed || self.coin(),
            initial: if self.coin() { Vec::new() } else { self.numbers(channels, -0.5, 0.5, 0.125) },
            pool,
            amplitude: None,
            comparison: if early.is_some() || self.signed || self.below(4) > 0 {
                Comparison::AtLeast
            } else {
                Comparison::Above
            },
            steps: self.longest.and_then(|longest| self.coin().then(|| 1 + self.below(longest as usize) as u32)),
            delay,
        }
    }

    pub(crate) fn conv(&mut self, channels: usize, out: usize, window: Window, groups: usize) -> Op {
        let mut shape = vec![out, channels / groups];
        shape.extend(&window.kernel);
        let fan_in = volume(&shape[1..]) as f32;
        let scale = if self.dyadic { 1.0 } else { 2.0 / fan_in.sqrt() };
        let weights = self.numbers(volume(&shape), -scale, scale, 0.25);
        let bias = self.coin().then(|| Tensor::vector(self.numbers(out, -0.75, 0.75, 0.125)));
        Op::Conv(Conv { weight: Tensor::new(shape, weights).expect("a kernel"), bias, window, groups })
    }

    pub(crate) fn pool(&mut self) -> MaxPool {
        let window = Window::new(vec![2, 2]).strided(1 + self.below(2)).padded(self.below(2));
        MaxPool { window, ceil: self.coin() }
    }
}

/// A network under construction, and the node that the next block reads.
struct Garden {
    net: Net,
    dice: Dice,
    at: NodeId,
    /// The samples after preprocessing.
    sample: NodeId,
    /// Whether populations fire before they have heard all.
    early: Option<u32>,
}

impl Recipe {
    /// The network and samples for it.
    pub(crate) fn grow(&self) -> (SpikingNetwork, Batch) {
        let mut net = Net::delayed(self.steps, self.delay, &self.shape, self.encoding);
        let dice = Dice {
            signed: self.signed,
            longest: self.windows.then_some(self.steps),
            ..Dice::new(self.seed, self.dyadic)
        };
        let sample = match self.encoding {
            Encoding::Analog => net.input(),
            _ => net.synapse(crate::harness::affine(1.0 / 64.0, -1.5), &[net.input()]),
        };
        let mut garden = Garden { net, dice, at: sample, sample, early: self.delay.map(|_| self.steps) };
        for &block in &self.blocks {
            garden.at = garden.plant(block).unwrap_or(garden.at);
        }
        garden.finish(self.encoding, self.images)
    }
}

impl Garden {
    fn synapse(&mut self, op: Op, inputs: &[NodeId]) -> Option<NodeId> {
        self.net.0.add("synapse", NodeKind::Synapse(op), inputs).ok()
    }

    fn conv(&mut self, input: NodeId, out: usize, kernel: usize, stride: usize, depthwise: bool) -> Option<NodeId> {
        let channels = self.net.shape(input)[0];
        let window = Window::new(vec![kernel; 2]).padded(kernel / 2).strided(stride);
        let conv = self.dice.conv(channels, out, window, if depthwise { channels } else { 1 });
        self.synapse(conv, &[input])
    }

    fn population(&mut self, input: NodeId, pool: Option<MaxPool>) -> Option<NodeId> {
        let population = self.dice.population(self.net.shape(input)[0], pool, self.early);
        self.net.0.add("population", NodeKind::Population(population), &[input]).ok()
    }

    /// Adds a block; the node to go on from.
    fn plant(&mut self, block: Block) -> Option<NodeId> {
        let channels = self.net.shape(self.at)[0];
        let out = 1 + self.dice.below(4);
        match block {
            Block::Conv { kernel, stride } => {
                let conv = self.conv(self.at, out, kernel, stride, false)?;
                self.population(conv, None)
            }
            Block::Depthwise => {
                let conv = self.conv(self.at, 2 * channels.min(3), 3, 1, channels <= 3)?;
                self.population(conv, None)
            }
            Block::Residual => {
                let first = self.conv(self.at, out, 3, 1, false)?;
                let inner = self.population(first, None)?;
                let second = self.conv(inner, channels, 3, 1, false)?;
                let coefficients = vec![1.0, if self.dice.coin() { 1.0 } else { -0.5 }];
                let total = self.synapse(Op::Add(Add { coefficients }), &[second, self.at])?;
                self.population(total, None)
            }
            Block::MembranePool => {
                let conv = self.conv(self.at, out, 3, 1, false)?;
                let pool = self.dice.pool();
                self.population(conv, Some(pool))
            }
            Block::TrainPool => {
                let pool = self.dice.pool();
                self.net.0.add("gate", NodeKind::MaxPool(pool), &[self.at]).ok()
            }
            Block::Concat => {
                let near = self.conv(self.at, out, 1, 1, false)?;
                let near = self.population(near, None)?;
                let far = self.conv(self.at, 1, 3, 1, false)?;
                let far = self.population(far, None)?;
                let far = self.population(far, None)?;
                self.synapse(concat(0), &[far, near])
            }
            Block::AvgPool => {
                let window = Window::new(vec![2, 2]).strided(2);
                let exact = self.dice.dyadic;
                let window = if exact { window } else { window.padded(self.dice.below(2)) };
                let ceil = !exact && self.dice.coin();
                let count_include_pad = self.dice.coin();
                self.synapse(Op::AvgPool(AvgPool { window, ceil, count_include_pad }), &[self.at])
            }
            Block::Bottleneck => {
                let narrow = self.conv(self.at, 2, 1, 1, false)?;
                let signed = Population { transfer: Transfer::linear(), ..self.dice.population(2, None, self.early) };
                let signed = self.net.population("bottleneck", signed, narrow);
                let wide = self.conv(signed, out, 1, 1, false)?;
                self.population(wide, None)
            }
            Block::Direct => self.population(self.at, None),
            Block::Constants => {
                let shift = Tensor::new(vec![channels, 1, 1], self.dice.numbers(channels, -0.5, 0.5, 0.25)).ok();
                let affine = Affine { scale: Some(Tensor::vector(vec![0.5])), shift };
                let shifted = self.synapse(Op::Affine(affine), &[self.at])?;
                let value = self.dice.number(-0.5, 0.5, 0.25);
                let pad = Pad { before: vec![0, 1, 0], after: vec![0, 0, 1], value };
                let padded = self.synapse(Op::Pad(pad), &[shifted])?;
                self.population(padded, None)
            }
            Block::Sample => {
                let again = self.conv(self.sample, channels, 1, 1, false)?;
                let total = self.synapse(sum(2), &[self.at, again])?;
                self.population(total, None)
            }
        }
    }

    fn finish(mut self, encoding: Encoding, images: usize) -> (SpikingNetwork, Batch) {
        let shape = self.net.shape(self.at);
        let flat = if self.dice.dyadic {
            Op::Reshape(Reshape { shape: vec![volume(&shape)] })
        } else {
            Op::Mean(Mean { axes: vec![1, 2], keep: false })
        };
        let flat = self.net.synapse(flat, &[self.at]);
        let features = self.net.shape(flat)[0];
        let rows: Vec<Vec<f32>> = (0..3).map(|_| self.dice.numbers(features, -1.0, 1.0, 0.25)).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let bias = self.dice.numbers(3, -1.0, 1.0, 0.125);
        let logits = self.net.synapse(dense(&rows, &bias), &[flat]);
        let initial = if self.dice.coin() { Vec::new() } else { self.dice.numbers(3, -1.0, 1.0, 0.125) };
        let output = self.net.add("out", NodeKind::Readout(Readout { initial, ..Readout::default() }), &[logits]);
        let network = self.net.finish(output);
        let values = images * volume(network.input_shape());
        let data = match encoding {
            Encoding::Analog => self.dice.numbers(values, -2.0, 2.0, 0.125),
            _ => (0..values).map(|_| self.dice.below(256) as f32).collect(),
        };
        let samples = batch(&network, data);
        (network, samples)
    }
}

/// The operation with every constant's magnitude in its place: applied to magnitudes, it bounds the sum of the
/// magnitudes of what the operation adds up.
pub(crate) fn magnitudes(op: &Op) -> Op {
    match op {
        Op::Add(add) => Op::Add(Add { coefficients: add.coefficients.iter().map(|c| c.abs()).collect() }),
        Op::Pad(pad) => Op::Pad(Pad { value: pad.value.abs(), ..pad.clone() }),
        Op::Activation(Activation::Leaky { .. }) => op.clone(),
        _ => op.try_map_tensors(|t| Ok::<_, std::convert::Infallible>(t.map(f32::abs))).unwrap_or_else(|e| match e {}),
    }
}
