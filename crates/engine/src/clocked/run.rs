//! One sample through the program.

mod ends;
mod operate;
mod rehearse;
mod values;

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::SpikingNetwork;

pub(super) use self::operate::add_word;
use super::graded::GradedState;
use super::layout::Layout;
use super::pool::PoolState;
use super::program::{BLOCK, End, Program, Stage};
use crate::kernels::Threads;
use crate::kernels::events::{EventList, Scratch};
use crate::kernels::tile::LANES;
use crate::stability::{Listener, Stability};
use crate::stream_input::StreamInput;
use crate::{StepRecord, UntilStable};

/// A thread's memory; its size does not depend on the number of steps.
#[derive(Default)]
pub(super) struct Workspace {
    /// What does not change with the steps, by node: in row-major order, and channels last.
    plain: Vec<Vec<f32>>,
    pub(super) constants: Vec<Vec<f32>>,
    /// A block of spikes, by node.
    pub(super) trains: Vec<Vec<u16>>,
    /// A block of currents that several stages read, or of trains that are no bits, by node.
    pub(super) shared: Vec<Vec<f32>>,
    /// What neurons and maxima of such trains remember, by node.
    graded: Vec<GradedState>,
    pools: Vec<PoolState>,
    /// What read-outs of coded trains add up, and what they expect to receive next, by node.
    decoded: Vec<Vec<(f64, f64)>>,
    /// Zeros: what is constant, where it does not act.
    silence: Vec<f32>,
    /// By node; channels last.
    pub(super) membranes: Vec<Vec<f32>>,
    pub(super) counts: Vec<Vec<i32>>,
    /// The operations of the stage that runs, by number.
    own: Vec<Vec<f32>>,
    /// Values of a step of each of these.
    sizes: Vec<usize>,
    pub(super) events: Vec<EventList>,
    pub(super) scratch: Scratch,
    /// Currents of a tile of neurons in all steps of a block.
    pub(super) tile: Vec<f32>,
    /// Inputs of a kernel in row-major order, and its result.
    kernel: Vec<Vec<f32>>,
}

/// Shows the steps of a sample.
pub(super) struct Recorder<'a> {
    pub(super) sample: usize,
    /// The population that is shown, where not all are.
    pub(super) only: Option<NodeId>,
    pub(super) show: &'a mut dyn FnMut(&StepRecord<'_>),
}

/// How a sample is run.
pub(super) struct Mode<'a> {
    /// Whether it ends when its class is stable.
    pub(super) until: Option<(UntilStable, &'a Listener)>,
    /// Sees every step.
    pub(super) recorder: Option<Recorder<'a>>,
}

/// What looks at the steps of a block.
#[derive(Default)]
pub(super) struct Shown<'a, 'r, 's> {
    recorder: Option<&'a mut Recorder<'r>>,
    settling: Option<&'a mut Settling<'s>>,
}

impl<'a, 'r> Shown<'a, 'r, '_> {
    /// A recorder, if any.
    pub(super) fn to(recorder: Option<&'a mut Recorder<'r>>) -> Self {
        Self { recorder, settling: None }
    }
}

/// Whether a sample's class has settled.
pub(super) struct Settling<'a> {
    stability: Stability,
    listener: &'a Listener,
    /// The steps that it took, once it has.
    steps: Option<usize>,
}

/// Steps of a block where a sample may end within it.
const SHORT_BLOCK: usize = 8;

/// A range of steps within a block, and the steps before the block.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) before: usize,
    pub(super) first: usize,
    pub(super) count: usize,
}

impl Range {
    /// The number of a step of the range, counted from 1.
    fn number(self, step: usize) -> u32 {
        (self.before + self.first + step + 1) as u32
    }
}

impl Workspace {
    /// Runs a sample; the number of steps that it took.
    pub(super) fn run(&mut self, network: &SpikingNetwork, program: &Program, sample: &[f32], mode: Mode<'_>) -> u32 {
        let Mode { until, mut recorder } = mode;
        self.prepare(network, program, sample);
        let input = StreamInput::new(network, sample);
        if let Some(rehearsal) = network.rehearsal() {
            self.rehearse(network, program, (&input, sample), rehearsal);
        }
        let mut settling =
            until.map(|(rule, listener)| Settling { stability: Stability::new(rule, listener), listener, steps: None });
        let steps = network.time_steps() as usize;
        // only bits can be forgotten
        let bits = !program.changes[0] && program.stages.iter().all(|stage| stage.end.fires_bits());
        let length = if settling.is_none() {
            BLOCK
        } else if bits {
            SHORT_BLOCK
        } else {
            1
        };
        for before in (0..steps).step_by(length) {
            let block = length.min(steps - before);
            let shown = Shown { recorder: recorder.as_mut(), settling: settling.as_mut() };
            self.run_block(network, program, (&input, sample), (before, block), shown, &|_| true);
            if let Some(taken) = settling.as_ref().and_then(|settling| settling.steps) {
                self.forget(network, taken - before..block);
                return taken as u32;
            }
        }
        steps as u32
    }

    /// Runs the stages that play through a block of steps.
    pub(super) fn run_block(
        &mut self,
        network: &SpikingNetwork,
        program: &Program,
        (input, sample): (&StreamInput, &[f32]),
        (before, block): (usize, usize),
        mut shown: Shown<'_, '_, '_>,
        plays: &dyn Fn(&Stage) -> bool,
    ) {
        if program.changes[0] {
            self.encode(network, input, sample, before, block);
        }
        for stage in program.stages.iter().filter(|stage| plays(stage)) {
            // where every step is shown, steps are taken one by one
            let mut recorder = shown.recorder.as_deref_mut().filter(|r| r.only.is_none_or(|only| only == stage.node));
            if let Some(fused) = stage.fused.as_ref().filter(|_| recorder.is_none())
                && self.run_fused(network, stage, fused, block)
            {
                continue;
            }
            for first in (0..block).step_by(stage.steps) {
                let range = Range { before, first, count: stage.steps.min(block - first) };
                for (number, operation) in stage.operations.iter().enumerate() {
                    self.operate(network, operation, number, range);
                }
                self.finish(network, stage, range, recorder.as_deref_mut(), shown.settling.as_deref_mut());
            }
        }
    }

    /// Bytes that it holds.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        let floats = [&self.plain, &self.constants, &self.shared, &self.membranes, &self.own, &self.kernel];
        let floats = floats.into_iter().flatten().map(Vec::capacity).sum::<usize>() + self.tile.capacity();
        let counts: usize = self.counts.iter().map(Vec::capacity).sum();
        let words: usize = self.trains.iter().map(Vec::capacity).sum();
        let events: usize = self.events.iter().map(EventList::bytes).sum();
        4 * (floats + counts) + 2 * words + events + self.scratch.bytes()
    }

    /// Forgets spikes of a block.
    fn forget(&mut self, network: &SpikingNetwork, steps: std::ops::Range<usize>) {
        // where trains are no bits, a block is a step, and there is nothing to forget
        for id in network.spiking().filter(|_| !steps.is_empty()) {
            let (words, counts) = (self.trains[id.0].len() / BLOCK, &mut self.counts[id.0]);
            for spikes in self.trains[id.0].chunks_exact(words).take(steps.end).skip(steps.start) {
                for (word, counts) in spikes.iter().zip(counts.chunks_exact_mut(LANES)) {
                    counts.iter_mut().enumerate().for_each(|(lane, count)| *count -= i32::from(word >> lane & 1));
                }
            }
        }
    }

    /// Membranes before the first step, and all that is computed once.
    pub(super) fn prepare(&mut self, network: &SpikingNetwork, program: &Program, sample: &[f32]) {
        let nodes = network.nodes().len();
        self.plain.resize_with(nodes, Vec::new);
        self.constants.resize_with(nodes, Vec::new);
        self.trains.resize_with(nodes, Vec::new);
        self.shared.resize_with(nodes, Vec::new);
        self.membranes.resize_with(nodes, Vec::new);
        self.counts.resize_with(nodes, Vec::new);
        self.events.resize_with(BLOCK, EventList::default);
        self.graded.resize_with(nodes, GradedState::default);
        self.pools.resize_with(nodes, PoolState::default);
        self.decoded.resize_with(nodes, Vec::new);
        self.silence.clear();
        if !network.coding().repeats_constants() {
            let largest = network.nodes().iter().map(|node| Layout::new(&node.shape).volume()).max();
            self.silence.resize(largest.unwrap_or(0), 0.0);
        }
        if program.changes[0] {
            self.shared[0].resize(BLOCK * Layout::new(network.input_shape()).volume(), 0.0);
        }
        self.plain[0].clear();
        self.plain[0].extend(sample);
        for (i, kernel) in program.constants.iter().enumerate() {
            let layout = Layout::new(&network.nodes()[i].shape);
            if let Some(kernel) = kernel {
                // an input that changes is 0 here
                for input in &network.nodes()[i].inputs {
                    let size = volume(&network.node(*input).shape);
                    self.plain[input.0].resize(size, 0.0);
                }
                let mut result = std::mem::take(&mut self.plain[i]);
                result.clear();
                result.resize(volume(&network.nodes()[i].shape), 0.0);
                let inputs: Vec<&[f32]> =
                    network.nodes()[i].inputs.iter().map(|input| self.plain[input.0].as_slice()).collect();
                kernel.run_unchecked(&inputs, &mut result, Threads::One);
                self.plain[i] = result;
            }
            if kernel.is_some() || i == 0 {
                self.constants[i].resize(layout.volume(), 0.0);
                layout.take(&self.plain[i], &mut self.constants[i]);
            }
            if program.changes[i] {
                self.plain[i].fill(0.0);
            }
        }
        for stage in &program.stages {
            let (node, layout) = (stage.node.0, stage.layout);
            match &stage.end {
                End::Fire { initial, .. } => {
                    self.membranes[node].clone_from(initial);
                    self.counts[node].clear();
                    self.counts[node].resize(layout.volume(), 0);
                    self.trains[node].resize(BLOCK * layout.words(), 0);
                }
                End::Graded(neurons) => {
                    neurons.prepare(&mut self.graded[node]);
                    if neurons.bits {
                        self.trains[node].resize(BLOCK * layout.words(), 0);
                    } else {
                        self.shared[node].resize(BLOCK * layout.volume(), 0.0);
                    }
                }
                End::Pool(pool) => {
                    pool.prepare(&mut self.pools[node]);
                    self.shared[node].resize(BLOCK * layout.volume(), 0.0);
                }
                End::Read { initial, .. } => {
                    self.membranes[node].clone_from(initial);
                    self.decoded[node].clear();
                    if !network.coding().repeats_constants() {
                        self.decoded[node].extend(initial.iter().map(|&u| (f64::from(u), 0.0)));
                    }
                }
                End::Share => self.shared[node].resize(BLOCK * layout.volume(), 0.0),
            }
        }
    }

    /// What a sample sends in the steps of a block.
    fn encode(&mut self, network: &SpikingNetwork, input: &StreamInput, sample: &[f32], before: usize, block: usize) {
        let layout = Layout::new(network.input_shape());
        for (step, values) in self.shared[0].chunks_exact_mut(layout.volume()).take(block).enumerate() {
            let t = (before + step + 1) as u32;
            for (n, &x) in sample.iter().enumerate() {
                values[layout.place(n)] = input.value(n, x, t);
            }
        }
    }
}
