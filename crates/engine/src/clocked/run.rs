//! One sample through the program.

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::SpikingNetwork;

use super::layout::Layout;
use super::program::{BLOCK, Constant, End, Operation, Program, Source, Stage, Term, Work};
use crate::StepRecord;
use crate::kernels::Threads;
use crate::kernels::events::{EventList, Scratch};
use crate::kernels::fire::Steps;
use crate::kernels::tile::LANES;
use crate::kernels::vectors::vectorised;

/// A thread's memory; its size does not depend on the number of steps.
#[derive(Default)]
pub(super) struct Workspace {
    /// What does not change with the steps, by node: in row-major order, and channels last.
    plain: Vec<Vec<f32>>,
    constants: Vec<Vec<f32>>,
    /// A block of spikes, by node.
    trains: Vec<Vec<u16>>,
    /// A block of currents that several stages read, by node.
    shared: Vec<Vec<f32>>,
    /// By node; channels last.
    membranes: Vec<Vec<f32>>,
    counts: Vec<Vec<i32>>,
    /// The operations of the stage that runs, by number.
    own: Vec<Vec<f32>>,
    /// Values of a step of each of these.
    sizes: Vec<usize>,
    events: Vec<EventList>,
    scratch: Scratch,
    /// Inputs of a kernel in row-major order, and its result.
    kernel: Vec<Vec<f32>>,
}

/// Shows the steps of a sample.
pub(super) struct Recorder<'a> {
    pub(super) sample: usize,
    pub(super) show: &'a mut dyn FnMut(&StepRecord<'_>),
}

/// A range of steps within a block, and the steps before the block.
#[derive(Clone, Copy)]
struct Range {
    before: usize,
    first: usize,
    count: usize,
}

impl Workspace {
    /// Runs a sample through all steps.
    pub(super) fn run(
        &mut self,
        network: &SpikingNetwork,
        program: &Program,
        sample: &[f32],
        mut recorder: Option<Recorder<'_>>,
    ) {
        self.prepare(network, program, sample);
        let steps = network.time_steps() as usize;
        for before in (0..steps).step_by(BLOCK) {
            let block = BLOCK.min(steps - before);
            for stage in &program.stages {
                for first in (0..block).step_by(stage.steps) {
                    let range = Range { before, first, count: stage.steps.min(block - first) };
                    for (number, operation) in stage.operations.iter().enumerate() {
                        self.operate(network, operation, number, range);
                    }
                    self.finish(network, stage, range, recorder.as_mut());
                }
            }
        }
    }

    /// Membranes before the first step, and all that is computed once.
    fn prepare(&mut self, network: &SpikingNetwork, program: &Program, sample: &[f32]) {
        let nodes = network.nodes().len();
        self.plain.resize_with(nodes, Vec::new);
        self.constants.resize_with(nodes, Vec::new);
        self.trains.resize_with(nodes, Vec::new);
        self.shared.resize_with(nodes, Vec::new);
        self.membranes.resize_with(nodes, Vec::new);
        self.counts.resize_with(nodes, Vec::new);
        self.events.resize_with(BLOCK, EventList::default);
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
                End::Read { initial } => self.membranes[node].clone_from(initial),
                End::Share => self.shared[node].resize(BLOCK * layout.volume(), 0.0),
            }
        }
    }

    /// Runs an operation of a stage.
    fn operate(&mut self, network: &SpikingNetwork, operation: &Operation, number: usize, range: Range) {
        if self.own.len() <= number {
            self.own.resize_with(number + 1, Vec::new);
            self.sizes.resize(number + 1, 0);
        }
        let size = operation.layout.volume();
        self.sizes[number] = size;
        let mut own = std::mem::take(&mut self.own[number]);
        if own.len() < range.count * size {
            own.resize(range.count * size, 0.0);
        }
        match &operation.work {
            Work::Sum { constant, terms } => {
                let constant = match constant {
                    Constant::Fixed(values) => values,
                    Constant::OfSample => &self.constants[operation.node.0],
                };
                let mut terms = terms.as_slice();
                if let [(Source::Own(first), Term::Same), rest @ ..] = terms {
                    // nothing else reads it
                    std::mem::swap(&mut own, &mut self.own[*first]);
                    terms = rest;
                } else {
                    own[..range.count * size].chunks_exact_mut(size).for_each(|y| y.copy_from_slice(constant));
                }
                let output = &mut own[..range.count * size];
                for (source, term) in terms {
                    self.add(*source, term, output, size, range);
                }
            }
            Work::Kernel { kernel, inputs } => {
                let mut kernels = std::mem::take(&mut self.kernel);
                kernels.resize_with(inputs.len() + 1, Vec::new);
                for ((source, layout), plain) in inputs.iter().zip(&mut kernels) {
                    self.gather(network, *source, *layout, plain, range);
                }
                let Some((result, inputs)) = kernels.split_last_mut() else { return };
                let plain = operation.layout.channels * operation.layout.inner;
                result.resize(range.count * plain, 0.0);
                let output = &mut own[..range.count * size];
                // padding is 0
                output.fill(0.0);
                let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                kernel.run_unchecked(&slices, result, Threads::One);
                for (plain, output) in result.chunks_exact(plain).zip(output.chunks_exact_mut(size)) {
                    operation.layout.take(plain, output);
                }
                self.kernel = kernels;
            }
        }
        self.own[number] = own;
    }

    /// Adds a term to the results of some steps.
    fn add(&mut self, source: Source, term: &Term, output: &mut [f32], size: usize, range: Range) {
        match term {
            Term::Synapses(synapses) => {
                let mut events = std::mem::take(&mut self.events);
                for (step, events) in events[..range.count].iter_mut().enumerate() {
                    match source {
                        Source::Train(id) => synapses.list_spikes(self.spikes(id, range.first + step), events),
                        _ => synapses.list_values(self.values(source, range, step), events),
                    }
                }
                synapses.add(&events[..range.count], output, &mut self.scratch);
                self.events = events;
            }
            // taken as it is, see above
            Term::Same => {}
            Term::Map(map) => {
                for (step, output) in output.chunks_exact_mut(size).enumerate() {
                    match source {
                        Source::Train(id) => map.add_spikes(self.spikes(id, range.first + step), output),
                        _ => map.add_values(self.values(source, range, step), output),
                    }
                }
            }
            Term::Scale(factors) => {
                for (step, output) in output.chunks_exact_mut(size).enumerate() {
                    if let Source::Train(id) = source {
                        add_spikes(self.spikes(id, range.first + step), factors, output);
                        continue;
                    }
                    let values = self.values(source, range, step).chunks_exact(factors.len());
                    for (output, values) in output.chunks_exact_mut(factors.len()).zip(values) {
                        for ((y, x), factor) in output.iter_mut().zip(values).zip(factors) {
                            *y += x * factor;
                        }
                    }
                }
            }
        }
    }

    /// The spikes of a step of the block.
    fn spikes(&self, id: NodeId, step: usize) -> &[u16] {
        let words = self.trains[id.0].len() / BLOCK;
        &self.trains[id.0][step * words..][..words]
    }

    /// The values that a source other than a train has in a step of a range.
    fn values(&self, source: Source, range: Range, step: usize) -> &[f32] {
        match source {
            Source::Constant(id) => &self.constants[id.0],
            Source::Shared(id) => {
                let size = self.shared[id.0].len() / BLOCK;
                &self.shared[id.0][(range.first + step) * size..][..size]
            }
            Source::Own(number) => {
                let size = self.sizes[number];
                &self.own[number][step * size..][..size]
            }
            Source::Train(_) => &[],
        }
    }

    /// The values of a source in row-major order, for all steps of a range; spikes carry their threshold.
    fn gather(&self, network: &SpikingNetwork, source: Source, layout: Layout, plain: &mut Vec<f32>, range: Range) {
        let size = layout.channels * layout.inner;
        plain.clear();
        plain.resize(range.count * size, 0.0);
        for (step, plain) in plain.chunks_exact_mut(size).enumerate() {
            let Source::Train(id) = source else {
                layout.give(self.values(source, range, step), plain);
                continue;
            };
            let spikes = self.spikes(id, range.first + step);
            let thresholds = network.node(id).kind.thresholds().unwrap_or(&[]);
            for (i, x) in plain.iter_mut().enumerate() {
                let (place, channel) = (layout.place(i), i / layout.inner);
                if spikes[place / LANES] >> (place % LANES) & 1 == 1 {
                    *x = thresholds.get(channel).or(thresholds.first()).copied().unwrap_or(0.0);
                }
            }
        }
    }

    /// What a stage does with its current.
    fn finish(
        &mut self,
        network: &SpikingNetwork,
        stage: &Stage,
        range: Range,
        mut recorder: Option<&mut Recorder<'_>>,
    ) {
        let (node, size) = (stage.node.0, stage.layout.volume());
        let mut membranes = std::mem::take(&mut self.membranes[node]);
        let constant = matches!(stage.source, Source::Constant(_));
        match &stage.end {
            End::Fire { neurons, .. } => {
                let words = stage.layout.words();
                let mut trains = std::mem::take(&mut self.trains[node]);
                let mut counts = std::mem::take(&mut self.counts[node]);
                // all steps at once, or one by one where each is shown
                let together = if recorder.is_some() { 1 } else { range.count };
                for step in (0..range.count).step_by(together) {
                    let first = match stage.source {
                        Source::Own(number) => &self.own[number][step * size..],
                        Source::Shared(id) => &self.shared[id.0][(range.first + step) * size..],
                        _ => self.values(stage.source, range, step),
                    };
                    let spikes = &mut trains[(range.first + step) * words..][..together * words];
                    let stride = if constant { 0 } else { size };
                    neurons.run(&mut membranes, Steps { currents: first, stride, spikes, counts: &mut counts });
                    if let Some(recorder) = recorder.as_mut() {
                        let step = (range.before + range.first + step + 1) as u32;
                        record(recorder, network, stage, step, spikes, &membranes);
                    }
                }
                (self.trains[node], self.counts[node]) = (trains, counts);
            }
            End::Read { .. } => {
                for step in 0..range.count {
                    for (u, current) in membranes.iter_mut().zip(self.values(stage.source, range, step)) {
                        *u += current;
                    }
                }
            }
            End::Share => {
                if let Source::Own(number) = stage.source {
                    let values = &self.own[number][..range.count * size];
                    self.shared[node][range.first * size..][..values.len()].copy_from_slice(values);
                }
            }
        }
        self.membranes[node] = membranes;
    }

    /// The spikes of each neuron of a population, in row-major order.
    pub(super) fn counts(&self, id: NodeId, shape: &[usize], plain: &mut [i32]) {
        Layout::new(shape).give(&self.counts[id.0], plain);
    }

    /// The network's result.
    pub(super) fn result(&self, network: &SpikingNetwork, program: &Program) -> Vec<f32> {
        let steps = network.time_steps() as f32;
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); network.nodes().len()];
        for stage in program.stages.iter().filter(|stage| matches!(stage.end, End::Read { .. })) {
            let mut plain = vec![0.0; volume(&network.node(stage.node).shape)];
            stage.layout.give(&self.membranes[stage.node.0], &mut plain);
            for x in &mut plain {
                *x /= steps;
            }
            values[stage.node.0] = plain;
        }
        for (i, kernel) in program.heads.iter().enumerate() {
            if let Some(kernel) = kernel {
                let node = &network.nodes()[i];
                let mut result = vec![0.0; volume(&node.shape)];
                let inputs: Vec<&[f32]> = node.inputs.iter().map(|input| values[input.0].as_slice()).collect();
                kernel.run_unchecked(&inputs, &mut result, Threads::One);
                values[i] = result;
            }
        }
        std::mem::take(&mut values[network.output().0])
    }
}

/// Adds what spikes carry: a factor for each element of a position. Where there is no spike, 0 is added: that is cheaper
/// than to ask.
fn add_spikes(words: &[u16], factors: &[f32], output: &mut [f32]) {
    vectorised(|| {
        let vectors = factors.len() / LANES;
        let ((factors, _), (output, _)) = (factors.as_chunks::<LANES>(), output.as_chunks_mut::<LANES>());
        let (mut at, mut vector) = (0, 0);
        while at < words.len().min(output.len()) {
            let (word, factors, output) = (u32::from(words[at]), &factors[vector], &mut output[at]);
            let mut lane = 0;
            while lane < LANES {
                let mask = 0u32.wrapping_sub(word >> lane & 1);
                output[lane] += f32::from_bits(factors[lane].to_bits() & mask);
                lane += 1;
            }
            at += 1;
            vector = if vector + 1 == vectors { 0 } else { vector + 1 };
        }
    });
}

fn record(
    recorder: &mut Recorder<'_>,
    network: &SpikingNetwork,
    stage: &Stage,
    step: u32,
    words: &[u16],
    membranes: &[f32],
) {
    let count = volume(&network.node(stage.node).shape);
    let places = || (0..count).map(|n| stage.layout.place(n));
    let spikes: Vec<bool> = places().map(|at| words[at / LANES] >> (at % LANES) & 1 == 1).collect();
    let membranes: Vec<f64> = places().map(|at| f64::from(membranes[at])).collect();
    let sample = recorder.sample;
    (recorder.show)(&StepRecord { node: stage.node, sample, step, spikes: &spikes, membranes: &membranes });
}
