//! The reference engine: the network simulated literally, step by step and spike by spike, on one global clock.
//!
//! Images enter one after the other, one every [`Schedule::period`] steps. In each step, every population that is in a
//! generation window sends its spikes, and every population that is in an accumulation window adds what arrives; both
//! can be true at once, for two different images. Trains that a later stage needs wait in a queue. Membranes are `f64`.
//! Online populations do both for one image as well: each step of accumulation tells the generating half what was heard.
//! Streaming networks have a simpler clock, see [`streaming`]: all layers act in every step.
//!
//! This engine is the definition of what the others must do; it is clear before it is fast.

mod gate;
mod input;
mod population;
mod signed_gate;
mod stream_pool;
mod streaming;

use std::collections::VecDeque;

use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{NodeKind, Schedule, Simulation, SpikingNetwork, Timing};
use spikeconverter_neuron::WindowCode;

use self::gate::Gate;
use self::input::{encode, inject_initial};
use self::population::{Accumulator, Generator};
use self::signed_gate::SignedGate;
use crate::stability::Listener;
use crate::{
    Batch, Engine, EngineError, SpikeCount, StepRecord, Stopped, StreamingEngine, UntilStable, WatchStopped, literal,
};

/// The literal simulation of a network.
#[derive(Debug)]
pub struct ReferenceEngine<'a> {
    network: &'a SpikingNetwork,
    schedule: Schedule,
}

/// What a node sends in one step: an amplitude `θ·s` for each neuron, by the code of the trains.
type Emission = Vec<(WindowCode, Vec<f64>)>;

/// Is told population, image, step (counted from 1), and the generating half after it.
type Show<'a> = &'a mut dyn FnMut(NodeId, usize, u32, &Generator);

/// What a node remembers between steps.
#[derive(Default)]
struct State {
    /// What it sent, the latest first; as far back as a reader needs.
    sent: VecDeque<Emission>,
    accumulator: Option<Accumulator>,
    generator: Option<Generator>,
    gate: Option<Gate>,
    signed_gate: Option<SignedGate>,
}

impl<'a> ReferenceEngine<'a> {
    /// An engine for `network`.
    pub fn new(network: &'a SpikingNetwork) -> Self {
        Self { network, schedule: Schedule::new(network) }
    }

    /// The image that a window starting at `start` is at in step `tick`, and the step within the window.
    fn window(&self, start: u32, length: u32, tick: u64) -> Option<(usize, u32)> {
        let since = tick.checked_sub(u64::from(start))?;
        let (image, step) = (since / u64::from(self.schedule.period), (since % u64::from(self.schedule.period)) as u32);
        (step < length).then_some((image as usize, step))
    }

    /// What arrives at a listener in trains of one code: the synapses between it and the nodes that spike, applied to
    /// what those sent when this window's step was theirs.
    fn current(
        &self,
        id: NodeId,
        listener: &Timing,
        code: WindowCode,
        constants: bool,
        states: &[State],
    ) -> Result<Vec<f64>, EngineError> {
        let node = self.network.node(id);
        if let NodeKind::Synapse(op) = &node.kind {
            let inputs = node
                .inputs
                .iter()
                .map(|&input| self.current(input, listener, code, constants, states))
                .collect::<Result<Vec<_>, _>>()?;
            let shaped: Vec<(&[usize], &[f64])> = node
                .inputs
                .iter()
                .zip(&inputs)
                .map(|(&input, values)| (self.network.node(input).shape.as_slice(), values.as_slice()))
                .collect();
            return literal::apply(op, &shaped, constants);
        }
        let delay = (listener.listens_at - self.schedule.timing(id).emits_at) as usize;
        let sent = states[id.0].sent.get(delay).and_then(|emission| emission.iter().find(|(c, _)| *c == code));
        Ok(sent.map_or_else(|| vec![0.0; volume(&node.shape)], |(_, amplitudes)| amplitudes.clone()))
    }

    /// What a node sends in step `tick`, if it is one that sends.
    fn emit(
        &self,
        id: NodeId,
        tick: u64,
        images: &[Vec<f64>],
        states: &mut [State],
        show: Show<'_>,
    ) -> Result<Option<Emission>, EngineError> {
        let node = self.network.node(id);
        let timing = self.schedule.timing(id);
        let length = timing.codes.iter().map(|c| c.steps).max().unwrap_or(0);
        let now = self.window(timing.emits_at, length, tick).filter(|(image, _)| *image < images.len());
        Ok(match (&node.kind, now) {
            (
                NodeKind::Synapse(_)
                | NodeKind::Readout(_)
                | NodeKind::Head(_)
                | NodeKind::Streaming(_)
                | NodeKind::StreamingPool(_),
                _,
            ) => None,
            (_, None) => Some(Vec::new()),
            (NodeKind::Input(encoding), Some((image, step))) => {
                Some(vec![(timing.codes[0], encode(*encoding, &images[image], step))])
            }
            (NodeKind::Population(_), Some((image, step))) => {
                let Some(generator) = states[id.0].generator.as_mut() else { return Ok(Some(Vec::new())) };
                let amplitudes = generator.step(image, step);
                show(id, image, step + 1, generator);
                Some(vec![(timing.codes[0], amplitudes)])
            }
            (NodeKind::MaxPool(_), Some((_, step))) => {
                let mut emission = Vec::new();
                for (slot, &code) in timing.codes_in.iter().enumerate() {
                    let arriving = self.current(node.inputs[0], timing, code, false, states)?;
                    let state = &mut states[id.0];
                    if let Some(gate) = &mut state.gate {
                        emission.push((code, gate.step(slot, step, &arriving)));
                    } else if let Some(gate) = &mut state.signed_gate {
                        emission.push((code, gate.step(slot, step, &arriving)));
                    }
                }
                Some(emission)
            }
        })
    }

    /// One step of accumulation of a listening node, which may be enough for it to speak; returns the read-out's membranes at
    /// the end of its window.
    fn listen(
        &self,
        id: NodeId,
        tick: u64,
        count: usize,
        states: &mut [State],
    ) -> Result<Option<(usize, Vec<f64>)>, EngineError> {
        let node = self.network.node(id);
        let timing = self.schedule.timing(id);
        if !matches!(node.kind, NodeKind::Population(_) | NodeKind::Readout(_)) {
            return Ok(None);
        }
        let Some((image, step)) =
            self.window(timing.listens_at, timing.listens_for, tick).filter(|(image, _)| *image < count)
        else {
            return Ok(None);
        };
        for (slot, &code) in timing.codes_in.iter().enumerate() {
            if step < code.steps {
                let first = step == 0 && slot == 0;
                let mut arriving = self.current(node.inputs[0], timing, code, first, states)?;
                if first {
                    inject_initial(node, &self.network.node(node.inputs[0]).shape, &mut arriving);
                }
                if let Some(accumulator) = states[id.0].accumulator.as_mut() {
                    accumulator.step(slot, code, step, &arriving);
                }
            }
        }
        let heard = step + 1;
        if heard < timing.emits_at - timing.listens_at {
            return Ok(None);
        }
        let accumulator = states[id.0].accumulator.as_ref();
        let membranes = accumulator.map(|a| a.hand_over(&timing.codes_in, heard)).unwrap_or_default();
        if let (NodeKind::Population(population), Some(generator)) = (&node.kind, states[id.0].generator.as_mut()) {
            let shape = &self.network.node(node.inputs[0]).shape;
            let pooled = match &population.pool {
                Some(pool) => literal::apply(&Op::MaxPool(pool.clone()), &[(shape, &membranes)], true)?,
                None => membranes,
            };
            generator.load(pooled);
            return Ok(None);
        }
        Ok(Some((image, membranes)))
    }

    /// The network's result for one image, from its read-outs' membranes: what follows them is computed without spikes.
    fn result(&self, mut values: Vec<Option<Vec<f64>>>) -> Result<Vec<f64>, EngineError> {
        for id in self.network.ids() {
            let node = self.network.node(id);
            if let NodeKind::Head(op) = &node.kind {
                let inputs: Option<Vec<(&[usize], &[f64])>> = node
                    .inputs
                    .iter()
                    .map(|i| Some((self.network.node(*i).shape.as_slice(), values[i.0].as_deref()?)))
                    .collect();
                if let Some(inputs) = inputs {
                    values[id.0] = Some(literal::apply(op, &inputs, true)?);
                }
            }
        }
        Ok(values[self.network.output().0].take().unwrap_or_default())
    }

    /// Steps that an image is in the network: until its result is there and the last population has fallen silent.
    fn duration(&self) -> u32 {
        let end = |id| {
            let timing = self.schedule.timing(id);
            timing.emits_at + timing.codes.iter().map(|code| code.steps).max().unwrap_or(0)
        };
        self.network.populations().map(|(id, _)| end(id)).max().unwrap_or(0).max(self.schedule.latency_steps)
    }
}

impl Engine for ReferenceEngine<'_> {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn run(&self, inputs: &Batch, watch: &mut dyn FnMut(NodeId, &Batch<i32>)) -> Result<Batch, EngineError> {
        if self.network.simulation() == Simulation::Stream {
            return self.run_counting(inputs, watch, &mut |_, _| ());
        }
        self.windows(inputs, watch, &mut |_, _, _, _| ())
    }

    fn run_counting(
        &self,
        inputs: &Batch,
        watch: &mut dyn FnMut(NodeId, &Batch<i32>),
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Batch, EngineError> {
        if self.network.simulation() == Simulation::Stream {
            let watch = &mut |id, codes: &Batch<i32>, _: &[u32]| watch(id, codes);
            return Ok(self.stream(inputs, None, watch, count, &mut |_| ())?.output);
        }
        self.run(inputs, watch)
    }
}

impl StreamingEngine for ReferenceEngine<'_> {
    fn record(&self, inputs: &Batch, show: &mut dyn FnMut(&StepRecord<'_>)) -> Result<Batch, EngineError> {
        match self.network.simulation() {
            Simulation::Stream => Ok(self.stream(inputs, None, &mut |_, _, _| (), &mut |_, _| (), show)?.output),
            Simulation::Window => self.windows(inputs, &mut |_, _| (), &mut |node, sample, step, generator| {
                let (spikes, membranes) = (generator.spikes(), &generator.rest());
                show(&StepRecord { node, sample, step, spikes, membranes });
            }),
        }
    }

    fn run_until_stable(
        &self,
        inputs: &Batch,
        rule: UntilStable,
        watch: &mut WatchStopped<'_>,
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Stopped, EngineError> {
        let listener = Listener::of(self.name(), self.network)?;
        self.stream(inputs, Some((rule, &listener)), watch, count, &mut |_| ())
    }
}

impl ReferenceEngine<'_> {
    /// Runs a network with windows.
    fn windows(
        &self,
        inputs: &Batch,
        watch: &mut dyn FnMut(NodeId, &Batch<i32>),
        show: Show<'_>,
    ) -> Result<Batch, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let images: Vec<Vec<f64>> = inputs.samples().map(|s| s.iter().map(|&x| f64::from(x)).collect()).collect();
        let count = images.len();
        let mut readouts: Vec<Vec<Option<Vec<f64>>>> = vec![vec![None; self.network.nodes().len()]; count];
        let mut states: Vec<State> = self.network.ids().map(|id| self.state(id, count)).collect();
        let memory = self.queue_lengths();
        let ticks = (count as u64).saturating_sub(1) * u64::from(self.schedule.period) + u64::from(self.duration());
        for tick in 0..if count == 0 { 0 } else { ticks } {
            for id in self.network.ids() {
                if let Some(emission) = self.emit(id, tick, &images, &mut states, show)? {
                    let sent = &mut states[id.0].sent;
                    sent.push_front(emission);
                    sent.truncate(memory[id.0]);
                }
            }
            for id in self.network.ids() {
                if let Some((image, membranes)) = self.listen(id, tick, count, &mut states)? {
                    readouts[image][id.0] = Some(membranes);
                }
            }
        }
        for id in self.network.ids() {
            if let Some(generator) = states[id.0].generator.take() {
                watch(id, &Batch::new(count, self.network.node(id).shape.clone(), generator.into_codes())?);
            }
        }
        let mut outputs = Vec::new();
        for values in readouts {
            outputs.extend(self.result(values)?.iter().map(|&value| value as f32));
        }
        Batch::new(count, self.network.node(self.network.output()).shape.clone(), outputs)
    }

    /// Runs a streaming network.
    fn stream(
        &self,
        inputs: &Batch,
        until: Option<(UntilStable, &Listener)>,
        watch: &mut WatchStopped<'_>,
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
        show: &mut dyn FnMut(&StepRecord<'_>),
    ) -> Result<Stopped, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let nodes = self.network.nodes().len();
        let mut codes: Vec<Vec<i32>> = vec![Vec::new(); nodes];
        let mut counts: Vec<Vec<SpikeCount>> = vec![Vec::new(); nodes];
        let mut outputs = Vec::new();
        let mut steps = Vec::new();
        for (sample, values) in inputs.samples().enumerate() {
            let outcome = streaming::simulate(self.network, sample, values, until, show)?;
            steps.push(outcome.steps);
            codes.iter_mut().zip(outcome.codes).for_each(|(all, of_sample)| all.extend(of_sample));
            counts.iter_mut().zip(outcome.counts).for_each(|(all, of_sample)| all.extend(of_sample));
            outputs.extend(self.result(outcome.readouts)?.iter().map(|&value| value as f32));
        }
        for id in self.network.spiking() {
            let shape = || self.network.node(id).shape.clone();
            watch(id, &Batch::new(inputs.count(), shape(), std::mem::take(&mut codes[id.0]))?, &steps);
            if !crate::codes_count_spikes(self.network, id) {
                count(id, &Batch::new(inputs.count(), shape(), std::mem::take(&mut counts[id.0]))?);
            }
        }
        let shape = self.network.node(self.network.output()).shape.clone();
        Ok(Stopped { output: Batch::new(inputs.count(), shape, outputs)?, steps })
    }

    fn state(&self, id: NodeId, count: usize) -> State {
        let node = self.network.node(id);
        let listening = || volume(&self.network.node(node.inputs[0]).shape);
        let slots = self.schedule.timing(id).codes_in.len();
        let (steps, signed) = (self.network.time_steps(), self.network.has_signed_trains());
        let mut state = State::default();
        match &node.kind {
            NodeKind::Population(population) => {
                state.accumulator = Some(Accumulator::new(slots, listening()));
                state.generator = Some(Generator::new(population, &node.shape, steps, signed, count));
            }
            NodeKind::Readout(_) => state.accumulator = Some(Accumulator::new(slots, listening())),
            NodeKind::MaxPool(pool) if self.network.is_online() => {
                state.signed_gate = Some(SignedGate::new(pool, &self.network.node(node.inputs[0]).shape, slots));
            }
            NodeKind::MaxPool(pool) => {
                state.gate = Some(Gate::new(pool, &self.network.node(node.inputs[0]).shape, slots));
            }
            NodeKind::Input(_)
            | NodeKind::Synapse(_)
            | NodeKind::Head(_)
            | NodeKind::Streaming(_)
            | NodeKind::StreamingPool(_) => {}
        }
        state
    }

    /// How many steps back each node's spikes are read, plus one.
    fn queue_lengths(&self) -> Vec<usize> {
        let mut lengths = vec![1; self.network.nodes().len()];
        for id in self.network.ids() {
            let node = self.network.node(id);
            if matches!(node.kind, NodeKind::Population(_) | NodeKind::Readout(_) | NodeKind::MaxPool(_)) {
                let listens_at = self.schedule.timing(id).listens_at;
                self.lengthen(node.inputs[0], listens_at, &mut lengths);
            }
        }
        lengths
    }

    fn lengthen(&self, id: NodeId, listens_at: u32, lengths: &mut [usize]) {
        let node = self.network.node(id);
        if matches!(node.kind, NodeKind::Synapse(_)) {
            for &input in &node.inputs {
                self.lengthen(input, listens_at, lengths);
            }
        } else {
            let delay = (listens_at - self.schedule.timing(id).emits_at) as usize;
            lengths[id.0] = lengths[id.0].max(delay + 1);
        }
    }
}
