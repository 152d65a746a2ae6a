//! Random small streaming networks: every engine against the reference, spike by spike and membrane by membrane.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use spikeconverter_engine::{Batch, SpikeCount, Stopped, UntilStable};
use spikeconverter_graph::ops::{Add, Affine, AvgPool, Mean, Pad, Reshape, Transpose, Window};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{
    Encoding, Negative, NetworkBuilder, NodeKind, Readout, SpikingNetwork, StreamingPool, StreamingPopulation,
};
use spikeconverter_neuron::{
    Comparison, Emission, Margin, MemoryGate, Phases, PoolRule, Rehearsal, Reset, StreamCoding,
};

use crate::generator::Dice;
use crate::harness::{Net, affine, batch, concat, dense, sum};
use crate::streaming::{Make, Run, STREAMING_ENGINES, code_of, run};

/// What a random network is made of; its numbers come from `seed`. All are small multiples of powers of two, so that `f32`
/// arithmetic on them is exact.
#[derive(Debug, Clone)]
struct Recipe {
    steps: u32,
    shape: [usize; 3],
    samples: usize,
    encoding: Encoding,
    coding: StreamCoding,
    rehearsal: Option<Rehearsal>,
    blocks: Vec<Block>,
    seed: u64,
}

/// A piece of network; one that does not fit what it follows is left out.
#[derive(Debug, Clone, Copy)]
enum Block {
    Conv {
        kernel: usize,
        stride: usize,
        out: usize,
    },
    Depthwise,
    Residual,
    Concat,
    AvgPool,
    Direct,
    Constants,
    Sample,
    Branches,
    Turn,
    /// A maximum of trains, or of the currents of a population.
    Pool {
        rule: PoolRule,
        currents: bool,
    },
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let conv = (1usize..=3, 1usize..=2, prop_oneof![1usize..=4, 15usize..=40]);
    let rule = prop_oneof![Just(PoolRule::Gate), Just(PoolRule::LateralInhibition), Just(PoolRule::Instantaneous)];
    let block = prop_oneof![
        conv.prop_map(|(kernel, stride, out)| Block::Conv { kernel, stride, out }),
        Just(Block::Depthwise),
        Just(Block::Residual),
        Just(Block::Concat),
        Just(Block::AvgPool),
        Just(Block::Direct),
        Just(Block::Constants),
        Just(Block::Sample),
        Just(Block::Branches),
        Just(Block::Turn),
        (rule, any::<bool>()).prop_map(|(rule, currents)| Block::Pool { rule, currents }),
    ];
    let shape = (1usize..=3, 3usize..=4, 3usize..=5).prop_map(|(c, h, w)| [c, h, w]);
    // blocks of steps are longer than some of these and shorter than others
    let steps = prop_oneof![1u32..=6, 30u32..=70];
    let encoding = prop_oneof![
        3 => Just(Encoding::Analog),
        1 => Just(Encoding::Pixels),
        1 => any::<u64>().prop_map(|seed| Encoding::Poisson { seed }),
    ];
    let coding = prop_oneof![
        3 => Just(StreamCoding::Rate),
        1 => Just(StreamCoding::Switch),
        1 => Just(StreamCoding::Differential),
    ];
    let rehearsal = prop_oneof![
        4 => Just(None),
        1 => (1u32..=40).prop_map(|steps| Some(Rehearsal::Residual { steps, least: 0.125 })),
        1 => (1u32..=40).prop_map(|steps| Some(Rehearsal::OffsetSpikes { steps })),
    ];
    (steps, shape, 1usize..=3, (encoding, coding, rehearsal), prop::collection::vec(block, 1..=5), any::<u64>())
        .prop_map(|(steps, shape, samples, (encoding, coding, rehearsal), blocks, seed)| {
            let coding = if encoding == Encoding::Analog { coding } else { StreamCoding::Rate };
            let plain = encoding == Encoding::Analog && coding == StreamCoding::Rate;
            let rehearsal = rehearsal.filter(|_| plain);
            Recipe { steps, shape, samples, encoding, coding, rehearsal, blocks, seed }
        })
}

struct Garden {
    net: Net,
    dice: Dice,
    at: NodeId,
    /// The samples after preprocessing.
    sample: NodeId,
    coding: StreamCoding,
    steps: u32,
    /// Whether offset spikes are corrected, which takes the simplest neurons.
    offsets: bool,
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

    fn neurons(&mut self, input: NodeId) -> Option<NodeId> {
        let shape = self.net.shape(input);
        let lists = [1, shape[0], volume(&shape)];
        let count = lists[self.dice.below(if self.offsets { 2 } else { 3 })];
        let initial = lists[self.dice.below(3)];
        let plain = self.dice.coin() && self.coding != StreamCoding::Differential;
        let population = StreamingPopulation {
            threshold: (0..count).map(|_| self.dice.threshold()).collect(),
            reset: [Reset::Subtract, Reset::Subtract, Reset::Zero, Reset::Modulo]
                [self.dice.below(if plain { 3 } else { 4 })],
            initial: if self.dice.coin() { Vec::new() } else { self.dice.numbers(initial, -0.5, 0.5, 0.125) },
            ..StreamingPopulation::default()
        };
        let reset = if self.offsets { Reset::Subtract } else { population.reset };
        let population = StreamingPopulation { reset, ..population };
        let population = if plain || self.offsets { population } else { self.vary(population, shape[0]) };
        self.net.0.add("neurons", NodeKind::Streaming(population), &[input]).ok()
    }

    /// A population of any kind. What does not go together is left out with its block.
    fn vary(&mut self, population: StreamingPopulation, channels: usize) -> StreamingPopulation {
        let dice = &mut self.dice;
        let margin = [Margin::Share(1.0), Margin::Share(0.75), Margin::HalfQuantum][dice.below(3)];
        let emission = match dice.below(5) {
            0 | 1 => Emission::Binary,
            2 => Emission::Burst { most: 1 + dice.below(4) as u32 },
            3 => Emission::Group { members: 1 << dice.below(3) },
            _ => Emission::Ladder { levels: 1 + dice.below(3) as u32, margin },
        };
        let ladder = matches!(emission, Emission::Ladder { .. });
        let comparison = |dice: &mut Dice| if dice.coin() { Comparison::AtLeast } else { Comparison::Above };
        let differential = self.coding == StreamCoding::Differential;
        let count = if dice.coin() { 1 } else { channels };
        let negative = match dice.below(4) {
            0 if !differential => Negative::Never,
            1 if !differential => {
                Negative::Slope { slope: (0..count).map(|_| [0.0, 0.25, 0.5, 1.0, 2.0, -0.5][dice.below(6)]).collect() }
            }
            0 | 1 => Negative::linear(),
            _ => Negative::Memory(MemoryGate {
                share: if ladder { 1.0 } else { [0.0, 0.5, 1.0][dice.below(3)] },
                comparison: comparison(dice),
                low: [0, 0, -2][dice.below(3)],
                high: dice.coin().then(|| 1 + dice.below(6) as i32),
            }),
        };
        let weighted = self.coding == StreamCoding::Rate && !matches!(negative, Negative::Memory(_)) && dice.coin();
        let reset = if ladder && population.reset == Reset::Modulo { Reset::Subtract } else { population.reset };
        StreamingPopulation {
            reset,
            comparison: comparison(dice),
            emission,
            negative,
            phases: weighted.then(|| Phases { period: 1 + dice.below(3) as u32 }),
            ..population
        }
    }

    /// Adds a block; the node to go on from.
    fn plant(&mut self, block: Block) -> Option<NodeId> {
        let channels = self.net.shape(self.at)[0];
        match block {
            Block::Conv { kernel, stride, out } => {
                let conv = self.conv(self.at, out, kernel, stride, false)?;
                self.neurons(conv)
            }
            Block::Depthwise => {
                let conv = self.conv(self.at, channels, 3, 1, true)?;
                self.neurons(conv)
            }
            Block::Residual => {
                let first = self.conv(self.at, 5, 3, 1, false)?;
                let inner = self.neurons(first)?;
                let second = self.conv(inner, channels, 3, 1, false)?;
                let coefficients = vec![1.0, if self.dice.coin() { 1.0 } else { -0.5 }];
                let total = self.synapse(Op::Add(Add { coefficients }), &[second, self.at])?;
                self.neurons(total)
            }
            Block::Concat => {
                let near = self.conv(self.at, 3, 1, 1, false)?;
                let near = self.neurons(near)?;
                self.synapse(concat(0), &[near, self.at])
            }
            Block::AvgPool => {
                let window = Window::new(vec![2, 2]).strided(2);
                self.synapse(Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: true }), &[self.at])
            }
            Block::Direct => self.neurons(self.at),
            Block::Constants => {
                let shift = Tensor::new(vec![channels, 1, 1], self.dice.numbers(channels, -0.5, 0.5, 0.25)).ok();
                let affine = Affine { scale: Some(Tensor::vector(vec![0.5])), shift };
                let shifted = self.synapse(Op::Affine(affine), &[self.at])?;
                let pad = Pad { before: vec![0, 1, 0], after: vec![0, 0, 1], value: 0.25 };
                let padded = self.synapse(Op::Pad(pad), &[shifted])?;
                self.neurons(padded)
            }
            Block::Sample => {
                let again = self.conv(self.sample, channels, 1, 1, false)?;
                let total = self.synapse(sum(2), &[self.at, again])?;
                self.neurons(total)
            }
            // a current that two populations read, and their sum
            Block::Branches => {
                let current = self.conv(self.at, 3, 3, 1, false)?;
                let one = self.neurons(current)?;
                let other = self.neurons(current)?;
                self.synapse(sum(3), &[one, other, current])
            }
            // thirds are not exact in `f32`
            Block::Pool { .. } if self.coding == StreamCoding::Differential && self.steps > 2 => None,
            Block::Pool { rule, currents } => {
                let input = if currents { self.conv(self.at, 3, 3, 1, false)? } else { self.at };
                let pool = NodeKind::StreamingPool(StreamingPool { pool: self.dice.pool(), rule });
                let pooled = self.net.0.add("maximum", pool, &[input]).ok()?;
                if currents { self.neurons(pooled) } else { Some(pooled) }
            }
            Block::Turn => {
                let turned = self.synapse(Op::Transpose(Transpose { perm: vec![0, 2, 1] }), &[self.at])?;
                self.neurons(turned)
            }
        }
    }
}

impl Recipe {
    fn grow(&self) -> (SpikingNetwork, Batch) {
        let builder = NetworkBuilder::stream(self.steps, "x", self.shape.to_vec(), self.encoding);
        let builder = builder.and_then(|builder| builder.coded(self.coding)?.rehearsed(self.rehearsal));
        let mut net = Net(builder.expect("a network"));
        let sample = match self.encoding {
            Encoding::Analog => net.input(),
            _ => net.synapse(affine(1.0 / 64.0, -1.5), &[net.input()]),
        };
        let (coding, steps) = (self.coding, self.steps);
        let offsets = matches!(self.rehearsal, Some(Rehearsal::OffsetSpikes { .. }));
        let mut garden = Garden { net, dice: Dice::new(self.seed, true), at: sample, sample, coding, steps, offsets };
        for &block in &self.blocks {
            garden.at = garden.plant(block).unwrap_or(garden.at);
        }
        let Garden { mut net, mut dice, at, .. } = garden;
        let shape = net.shape(at);
        let flat = if dice.coin() && volume(&shape[1..]).is_power_of_two() {
            Op::Mean(Mean { axes: vec![1, 2], keep: false })
        } else {
            Op::Reshape(Reshape { shape: vec![volume(&shape)] })
        };
        let flat = net.synapse(flat, &[at]);
        let features = net.shape(flat)[0];
        let rows: Vec<Vec<f32>> = (0..3).map(|_| dice.numbers(features, -1.0, 1.0, 0.25)).collect();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let logits = net.synapse(dense(&rows, &dice.numbers(3, -1.0, 1.0, 0.125)), &[flat]);
        let initial = if dice.coin() { Vec::new() } else { dice.numbers(3, -1.0, 1.0, 0.125) };
        let late = self.coding != StreamCoding::Differential && dice.coin();
        let skip = if late { dice.below(self.steps as usize) as u32 } else { 0 };
        let output = net.add("out", NodeKind::Readout(Readout { initial, skip }), &[logits]);
        let network = net.finish(output);
        let values = self.samples * volume(network.input_shape());
        let data = match self.encoding {
            Encoding::Analog => dice.numbers(values, -1.0, 1.5, 0.125),
            _ => (0..values).map(|_| dice.below(256) as f32).collect(),
        };
        let samples = batch(&network, data);
        (network, samples)
    }
}

fn compare(network: &SpikingNetwork, reference: &Run, other: &Run) -> Result<(), String> {
    for ((id, sample), wanted) in &reference.records {
        let found = &other.records[&(*id, *sample)];
        if found != wanted {
            let at = wanted.membranes.iter().zip(&found.membranes).position(|(a, b)| a != b);
            return Err(format!("`{}` {id:?}, sample {sample}, differs from {at:?} on", network.node(*id).name));
        }
    }
    if reference.counts != other.counts {
        return Err("numbers of spikes differ".into());
    }
    let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
    if other.output.data().iter().zip(reference.output.data()).all(close) {
        Ok(())
    } else {
        Err(format!("the result is {:?}, not {:?}", other.output, reference.output))
    }
}

#[test]
fn dyadic_streaming_networks_agree_in_every_spike_and_membrane() {
    let config = Config { cases: 400, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(&recipes(), |recipe| {
        let (network, samples) = recipe.grow();
        let reference = run(&network, STREAMING_ENGINES[0], &samples);
        for &make in &STREAMING_ENGINES[1..] {
            compare(&network, &reference, &run(&network, make, &samples)).map_err(TestCaseError::fail)?;
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// A number for each neuron of all samples.
type ByPopulation<T> = BTreeMap<NodeId, Vec<T>>;

/// What an engine gives when samples stop as they settle, with the codes of each population, and the spikes of those whose
/// codes do not count them.
fn stop(
    network: &SpikingNetwork,
    make: Make,
    samples: &Batch,
    rule: UntilStable,
) -> (Stopped, ByPopulation<i32>, ByPopulation<SpikeCount>) {
    let mut spikes: ByPopulation<SpikeCount> = BTreeMap::new();
    let mut counts: ByPopulation<i32> = BTreeMap::new();
    let mut told: BTreeMap<NodeId, Vec<u32>> = BTreeMap::new();
    let stopped = make(network)
        .run_until_stable(
            samples,
            rule,
            &mut |id, codes, steps| {
                counts.entry(id).or_default().extend(codes.data());
                told.entry(id).or_default().extend(steps);
            },
            &mut |id, counted| spikes.entry(id).or_default().extend(counted.data()),
        )
        .expect("one read-out");
    assert!(told.values().all(|steps| *steps == stopped.steps), "steps of each group");
    (stopped, counts, spikes)
}

/// Samples stop after the same steps in every engine, with the spikes that these steps had in a run through all.
#[test]
fn samples_stop_when_they_settle() {
    let config = Config { cases: 200, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let early = std::cell::Cell::new((0, 0));
    let result = runner.run(&recipes(), |recipe| {
        let (network, samples) = recipe.grow();
        let rule = UntilStable { steps: (recipe.seed % 12) as u32 };
        let whole = run(&network, STREAMING_ENGINES[0], &samples);
        let (wanted, codes, spikes) = stop(&network, STREAMING_ENGINES[0], &samples, rule);
        for id in network.spiking() {
            let NodeKind::Streaming(population) = &network.node(id).kind else { unreachable!("a streaming network") };
            let size = volume(&network.node(id).shape);
            for (sample, (found, steps)) in codes[&id].chunks(size).zip(&wanted.steps).enumerate() {
                let fired = &whole.records[&(id, sample)].spikes[..size * *steps as usize];
                for (n, code) in found.iter().enumerate() {
                    let train: Vec<i32> = fired.iter().skip(n).step_by(size).copied().collect();
                    prop_assert_eq!(*code, code_of(population, network.coding(), &train));
                }
            }
        }
        for &make in &STREAMING_ENGINES[1..] {
            let (found, of_engine, counts) = stop(&network, make, &samples, rule);
            prop_assert_eq!(&found.steps, &wanted.steps);
            prop_assert_eq!(&of_engine, &codes);
            prop_assert_eq!(&counts, &spikes);
            let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
            prop_assert!(found.output.data().iter().zip(wanted.output.data()).all(close));
        }
        let stopped = wanted.steps.iter().filter(|steps| **steps < network.time_steps()).count();
        early.set((early.get().0 + stopped, early.get().1 + wanted.steps.len() - stopped));
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    let (stopped, whole) = early.get();
    assert!(stopped > 50 && whole > 50, "{stopped} samples stopped, {whole} did not");
}
