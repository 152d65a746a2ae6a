//! One sample through the program.

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::SpikingNetwork;

use super::graded::{Graded, GradedState, GradedSteps};
use super::layout::Layout;
use super::pool::PoolState;
use super::program::{BLOCK, Constant, End, Operation, Program, Source, Stage, Term, Work};
use crate::kernels::Threads;
use crate::kernels::events::{EventList, Scratch};
use crate::kernels::fire::Steps;
use crate::kernels::tile::LANES;
use crate::kernels::vectors::vectorised;
use crate::stream_input::StreamInput;
use crate::{SpikeCount, StepRecord};

/// A thread's memory; its size does not depend on the number of steps.
#[derive(Default)]
pub(super) struct Workspace {
    /// What does not change with the steps, by node: in row-major order, and channels last.
    plain: Vec<Vec<f32>>,
    constants: Vec<Vec<f32>>,
    /// A block of spikes, by node.
    trains: Vec<Vec<u16>>,
    /// A block of currents that several stages read, or of trains that are no bits, by node.
    shared: Vec<Vec<f32>>,
    /// What neurons and maxima of such trains remember, by node.
    graded: Vec<GradedState>,
    pools: Vec<PoolState>,
    /// What read-outs of coded trains add up, and what they expect to receive next, by node.
    decoded: Vec<Vec<(f64, f64)>>,
    /// Zeros: what is constant, where it does not act.
    silence: Vec<f32>,
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

impl Range {
    /// The number of a step of the range, counted from 1.
    fn number(self, step: usize) -> u32 {
        (self.before + self.first + step + 1) as u32
    }
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
        let input = StreamInput::new(network, sample);
        if let Some(rehearsal) = network.rehearsal() {
            let levels = network.levels();
            let deepest = levels.iter().copied().max().unwrap_or(0);
            let turns = if rehearsal.is_sequential() { 1..=deepest } else { deepest..=deepest };
            for turn in turns {
                let plays = |stage: &Stage| levels[stage.node.0] <= turn;
                self.pass(network, program, (&input, sample), rehearsal.steps(), &plays, None);
                for stage in &program.stages {
                    if let End::Graded(neurons) = &stage.end {
                        let state = &mut self.graded[stage.node.0];
                        neurons.learn(state, rehearsal, turn);
                        state.restart();
                    }
                    self.restart(stage);
                }
            }
        }
        self.pass(network, program, (&input, sample), network.time_steps(), &|_| true, recorder.as_mut());
    }

    /// Runs the stages that play through some steps.
    fn pass(
        &mut self,
        network: &SpikingNetwork,
        program: &Program,
        (input, sample): (&StreamInput, &[f32]),
        steps: u32,
        plays: &dyn Fn(&Stage) -> bool,
        mut recorder: Option<&mut Recorder<'_>>,
    ) {
        let steps = steps as usize;
        for before in (0..steps).step_by(BLOCK) {
            let block = BLOCK.min(steps - before);
            if program.changes[0] {
                self.encode(network, input, sample, before, block);
            }
            for stage in program.stages.iter().filter(|stage| plays(stage)) {
                for first in (0..block).step_by(stage.steps) {
                    let range = Range { before, first, count: stage.steps.min(block - first) };
                    for (number, operation) in stage.operations.iter().enumerate() {
                        self.operate(network, operation, number, range);
                    }
                    self.finish(network, stage, range, recorder.as_deref_mut());
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

    /// Back to before the first step, for all but neurons.
    fn restart(&mut self, stage: &Stage) {
        match &stage.end {
            End::Pool(pool) => pool.prepare(&mut self.pools[stage.node.0]),
            End::Read { initial, .. } => self.membranes[stage.node.0].clone_from(initial),
            End::Fire { .. } | End::Graded(_) | End::Share => {}
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
        // where constants act once, synapses are without them, and they are added in the first step
        let repeats = network.coding().repeats_constants();
        let first_step = !repeats && range.before + range.first == 0;
        match &operation.work {
            Work::Sum { constant, terms } => {
                let constants = std::mem::take(&mut self.constants[operation.node.0]);
                let constant = match constant {
                    Constant::Fixed(values) => values,
                    Constant::OfSample => &constants,
                };
                let mut terms = terms.as_slice();
                if let [(Source::Own(first), Term::Same), rest @ ..] = terms {
                    // nothing else reads it
                    std::mem::swap(&mut own, &mut self.own[*first]);
                    terms = rest;
                } else {
                    let output = &mut own[..range.count * size];
                    if repeats {
                        output.chunks_exact_mut(size).for_each(|y| y.copy_from_slice(constant));
                    } else {
                        output.fill(0.0);
                    }
                }
                let output = &mut own[..range.count * size];
                for (source, term) in terms {
                    self.add(*source, term, output, size, range);
                }
                if first_step {
                    output.iter_mut().zip(constant).for_each(|(y, x)| *y += x);
                }
                self.constants[operation.node.0] = constants;
            }
            Work::Kernel { kernel, inputs, first } => {
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
                if let (Some(first), true) = (first, first_step) {
                    output.iter_mut().zip(first).for_each(|(y, x)| *y += x);
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
            Source::Constant(_) if !self.silence.is_empty() && range.before + range.first + step > 0 => &self.silence,
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
                        record(recorder, network, stage, range.number(step), spikes, &membranes);
                    }
                }
                (self.trains[node], self.counts[node]) = (trains, counts);
            }
            End::Graded(neurons) => self.fire_graded(neurons, stage, range, recorder),
            End::Pool(pool) => {
                let (mut state, mut output) =
                    (std::mem::take(&mut self.pools[node]), std::mem::take(&mut self.shared[node]));
                for step in 0..range.count {
                    let at = (range.first + step) * size;
                    let values = self.values(stage.source, range, step);
                    pool.step(&mut state, values, range.number(step), &mut output[at..at + size]);
                }
                (self.pools[node], self.shared[node]) = (state, output);
            }
            End::Read { skip, .. } if !self.decoded[node].is_empty() => {
                let mut decoded = std::mem::take(&mut self.decoded[node]);
                for step in 0..range.count {
                    let t = range.number(step);
                    for ((u, expected), &x) in decoded.iter_mut().zip(self.values(stage.source, range, step)) {
                        let current = network.coding().decode(expected, x.into(), t);
                        *u += if t > *skip { current } else { 0.0 };
                    }
                }
                self.decoded[node] = decoded;
            }
            End::Read { skip, .. } => {
                for step in (0..range.count).filter(|&step| range.number(step) > *skip) {
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

    /// Neurons without a kernel.
    fn fire_graded(&mut self, neurons: &Graded, stage: &Stage, range: Range, mut recorder: Option<&mut Recorder<'_>>) {
        let (node, layout) = (stage.node.0, stage.layout);
        let (size, words) = (layout.volume(), if neurons.bits { layout.words() } else { 0 });
        let mut state = std::mem::take(&mut self.graded[node]);
        let (mut trains, mut shared) = (std::mem::take(&mut self.trains[node]), std::mem::take(&mut self.shared[node]));
        let size = if neurons.bits { 0 } else { size };
        // all steps at once, or one by one where each is shown
        let together = if recorder.is_some() { 1 } else { range.count };
        for step in (0..range.count).step_by(together) {
            let at = range.first + step;
            let mut steps = GradedSteps {
                first: range.number(step),
                currents: (step..step + together).map(|step| self.values(stage.source, range, step)).collect(),
                values: &mut shared[at * size..][..together * size],
                spikes: &mut trains[at * words..][..together * words],
            };
            neurons.run(&mut state, &mut steps);
            if let Some(recorder) = recorder.as_mut() {
                let (sample, step) = (recorder.sample, range.number(step));
                let membranes = state.membranes();
                let record =
                    StepRecord { node: stage.node, sample, step, spikes: &state.quanta, membranes: &membranes };
                (recorder.show)(&record);
            }
        }
        self.graded[node] = state;
        (self.trains[node], self.shared[node]) = (trains, shared);
    }

    /// What each neuron of a population sent, in row-major order.
    pub(super) fn codes(&self, id: NodeId, shape: &[usize], plain: &mut [i32]) {
        if self.graded[id.0].codes.is_empty() {
            Layout::new(shape).give(&self.counts[id.0], plain);
        } else {
            plain.copy_from_slice(&self.graded[id.0].codes);
        }
    }

    /// The spikes of each neuron of a population whose trains are no bits, in row-major order.
    pub(super) fn counts(&self, id: NodeId) -> &[SpikeCount] {
        &self.graded[id.0].counts
    }

    /// The network's result.
    pub(super) fn result(&self, network: &SpikingNetwork, program: &Program) -> Vec<f32> {
        let mut values: Vec<Vec<f32>> = vec![Vec::new(); network.nodes().len()];
        for stage in &program.stages {
            let End::Read { skip, .. } = stage.end else { continue };
            let steps = network.time_steps() - skip;
            let mut plain = vec![0.0; volume(&network.node(stage.node).shape)];
            let decoded = &self.decoded[stage.node.0];
            if decoded.is_empty() {
                stage.layout.give(&self.membranes[stage.node.0], &mut plain);
                for x in &mut plain {
                    *x /= steps as f32;
                }
            } else {
                let means: Vec<f32> = decoded.iter().map(|(u, _)| (u / f64::from(steps)) as f32).collect();
                stage.layout.give(&means, &mut plain);
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
    let spikes: Vec<i32> = places().map(|at| i32::from(words[at / LANES] >> (at % LANES) & 1)).collect();
    let membranes: Vec<f64> = places().map(|at| f64::from(membranes[at])).collect();
    let sample = recorder.sample;
    (recorder.show)(&StepRecord { node: stage.node, sample, step, spikes: &spikes, membranes: &membranes });
}
