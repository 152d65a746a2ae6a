//! Streaming networks, simulated literally: in each step every node acts once, in topological order, on what the nodes
//! before it sent in the same step.

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{Node, NodeKind, Readout, SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::{Rehearsal, Rehearsed, StreamCoding, StreamingNeuron, StreamingState};

use super::stream_pool::Pool;
use crate::stability::{Listener, Stability};
use crate::stream_input::StreamInput;
use crate::{EngineError, SpikeCount, StepRecord, UntilStable, literal};

/// What one sample left behind.
pub(super) struct Outcome {
    /// For each read-out its membranes divided by the number of steps that were read.
    pub(super) readouts: Vec<Option<Vec<f64>>>,
    /// For each population the code of each neuron: what it sent in all.
    pub(super) codes: Vec<Vec<i32>>,
    /// For each population the spikes of each neuron.
    pub(super) counts: Vec<Vec<SpikeCount>>,
    /// Steps that it took.
    pub(super) steps: u32,
}

/// What a node remembers between steps.
enum State {
    Nothing,
    Population(Population),
    Pool(Pool),
    Readout(Integrators),
}

/// Membranes that never fire.
struct Integrators {
    initial: Vec<f64>,
    potentials: Vec<f64>,
    /// What each expects to receive next.
    expected: Vec<f64>,
}

struct Population {
    neurons: Vec<StreamingNeuron>,
    /// What each begins with, and whether it is heard.
    beginnings: Vec<(f64, bool)>,
    rehearsed: Vec<Rehearsed>,
    states: Vec<StreamingState>,
    codes: Vec<i32>,
    counts: Vec<SpikeCount>,
}

/// Simulates sample number `sample`, through all steps or until its class is stable; `show` sees every population in every
/// step.
pub(super) fn simulate(
    network: &SpikingNetwork,
    sample: usize,
    values: &[f32],
    until: Option<(UntilStable, &Listener)>,
    show: &mut dyn FnMut(&StepRecord<'_>),
) -> Result<Outcome, EngineError> {
    let states = network.ids().map(|id| State::new(network, id)).collect();
    let mut simulation = Simulation { network, values, encoder: StreamInput::new(network, values), states };
    if let Some(rehearsal) = network.rehearsal() {
        simulation.rehearse(rehearsal)?;
    }
    let mut stability = until.map(|(rule, listener)| (Stability::new(rule, listener), listener));
    let steps =
        simulation.run(network.time_steps(), u32::MAX, stability.as_mut(), &mut |id, step, quanta, membranes| {
            show(&StepRecord { node: id, sample, step, spikes: quanta, membranes });
        })?;
    Ok(Outcome::new(network, simulation.states, steps))
}

/// Is told population, step, quanta and membranes.
type Show<'a> = &'a mut dyn FnMut(NodeId, u32, &[i32], &[f64]);

struct Simulation<'a> {
    network: &'a SpikingNetwork,
    values: &'a [f32],
    encoder: StreamInput,
    states: Vec<State>,
}

impl Simulation<'_> {
    /// Tries the sample, all at once or level by level, and keeps what the populations learnt from it.
    fn rehearse(&mut self, rehearsal: Rehearsal) -> Result<(), EngineError> {
        let levels = self.network.levels();
        let deepest = levels.iter().copied().max().unwrap_or(0);
        let turns = if rehearsal.is_sequential() { 1..=deepest } else { deepest..=deepest };
        for turn in turns {
            self.run(rehearsal.steps(), turn, None, &mut |_, _, _, _| ())?;
            for (state, &level) in self.states.iter_mut().zip(&levels) {
                if let State::Population(population) = state
                    && (level == turn || !rehearsal.is_sequential())
                {
                    population.learn(rehearsal);
                }
            }
            for state in &mut self.states {
                state.restart();
            }
        }
        Ok(())
    }

    /// Runs the nodes of levels up to `deepest` for some steps, or until the class is stable; the steps that it took.
    fn run(
        &mut self,
        steps: u32,
        deepest: u32,
        mut stability: Option<&mut (Stability, &Listener)>,
        show: Show<'_>,
    ) -> Result<u32, EngineError> {
        let (network, coding) = (self.network, self.network.coding());
        let levels = network.levels();
        let mut sent: Vec<Vec<f64>> = vec![Vec::new(); network.nodes().len()];
        for step in 1..=steps {
            for id in network.ids().filter(|id| levels[id.0] <= deepest) {
                let node = network.node(id);
                let arriving = || node.inputs.iter().map(|i| (network.node(*i).shape.as_slice(), sent[i.0].as_slice()));
                sent[id.0] = match (&node.kind, &mut self.states[id.0]) {
                    (NodeKind::Input(_), _) => {
                        let values = self.values.iter().enumerate();
                        values.map(|(i, &x)| f64::from(self.encoder.value(i, x, step))).collect()
                    }
                    (NodeKind::Synapse(op), _) => {
                        let constants = step == 1 || coding.repeats_constants();
                        literal::apply(op, &arriving().collect::<Vec<_>>(), constants)?
                    }
                    (NodeKind::Streaming(population), State::Population(neurons)) => {
                        let quanta = neurons.step(population, &sent[node.inputs[0].0], step);
                        let membranes: Vec<f64> = neurons.states.iter().map(|state| state.membrane).collect();
                        show(id, step, &quanta, &membranes);
                        let amplitude = |(neuron, &n): (&StreamingNeuron, &i32)| f64::from(n) * neuron.amplitude(step);
                        neurons.neurons.iter().zip(&quanta).map(amplitude).collect()
                    }
                    (NodeKind::StreamingPool(_), State::Pool(pool)) => pool.step(coding, &sent[node.inputs[0].0], step),
                    (NodeKind::Readout(readout), State::Readout(readouts)) => {
                        readouts.step(coding, &sent[node.inputs[0].0], step, readout.skip);
                        Vec::new()
                    }
                    // heads act on the result; the builder lets no others into a streaming network
                    _ => Vec::new(),
                };
            }
            if let Some((stability, listener)) = &mut stability
                && let NodeKind::Readout(readout) = &network.node(listener.readout).kind
                && let State::Readout(readouts) = &self.states[listener.readout.0]
                && step > readout.skip
            {
                let spikes = listener.hears.iter().any(|id| sent[id.0].iter().any(|&amplitude| amplitude != 0.0));
                if stability.step(&readouts.potentials, spikes) {
                    return Ok(step);
                }
            }
        }
        Ok(steps)
    }
}

impl State {
    fn new(network: &SpikingNetwork, id: NodeId) -> Self {
        let node = network.node(id);
        match &node.kind {
            NodeKind::Streaming(population) => Self::Population(Population::new(population, node, network.coding())),
            NodeKind::StreamingPool(pool) => Self::Pool(Pool::new(pool, &network.node(node.inputs[0]).shape)),
            NodeKind::Readout(Readout { initial, .. }) => {
                let inner = node.shape.get(1..).map_or(1, volume).max(1);
                let of = |n: usize| f64::from(initial.get(n / inner).copied().unwrap_or(0.0));
                let neurons = volume(&node.shape);
                let initial: Vec<f64> = (0..neurons).map(of).collect();
                Self::Readout(Integrators { potentials: initial.clone(), initial, expected: vec![0.0; neurons] })
            }
            _ => Self::Nothing,
        }
    }

    /// Back to before the first step.
    fn restart(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Population(population) => population.restart(),
            Self::Pool(pool) => pool.restart(),
            Self::Readout(readout) => {
                readout.potentials.clone_from(&readout.initial);
                readout.expected.fill(0.0);
            }
        }
    }
}

impl Integrators {
    fn step(&mut self, coding: StreamCoding, input: &[f64], step: u32, skip: u32) {
        for ((u, expected), &received) in self.potentials.iter_mut().zip(&mut self.expected).zip(input) {
            let current = coding.decode(expected, received, step);
            *u += if step > skip { current } else { 0.0 };
        }
    }
}

impl Population {
    fn new(population: &StreamingPopulation, node: &Node, coding: StreamCoding) -> Self {
        let neurons = || 0..volume(&node.shape);
        let count = neurons().len();
        let mut made = Self {
            neurons: neurons().map(|n| population.neuron(n, &node.shape, coding)).collect(),
            beginnings: neurons().map(|n| (population.initial(n, &node.shape).into(), true)).collect(),
            rehearsed: Vec::new(),
            states: Vec::new(),
            codes: Vec::new(),
            counts: vec![SpikeCount::default(); count],
        };
        made.restart();
        made
    }

    /// Back to before the first step; spikes stay counted.
    fn restart(&mut self) {
        self.states = self.beginnings.iter().copied().map(StreamingState::rehearsed).collect();
        self.rehearsed = vec![Rehearsed::default(); self.states.len()];
        self.codes = vec![0; self.states.len()];
    }

    /// What a rehearsal teaches.
    fn learn(&mut self, rehearsal: Rehearsal) {
        for (n, beginning) in self.beginnings.iter_mut().enumerate() {
            let (neuron, membrane) = (&self.neurons[n], self.states[n].membrane);
            if neuron.learns() {
                *beginning = rehearsal.outcome(neuron.threshold, beginning.0, membrane, self.rehearsed[n]);
            }
        }
    }

    /// The quanta that each neuron sends.
    fn step(&mut self, population: &StreamingPopulation, input: &[f64], step: u32) -> Vec<i32> {
        let mut quanta = Vec::with_capacity(self.neurons.len());
        for (n, neuron) in self.neurons.iter().enumerate() {
            let state = &mut self.states[n];
            let before = state.fired;
            let sent = neuron.step(state, input[n], step);
            let fired = state.fired - before;
            self.rehearsed[n].observe(state.membrane + f64::from(fired) * neuron.quantum(), fired != 0);
            self.codes[n] += if state.muted { 0 } else { fired * population.code_weight(step) };
            self.counts[n].add(population.emission.spikes(sent), sent < 0);
            quanta.push(sent);
        }
        quanta
    }
}

impl Outcome {
    fn new(network: &SpikingNetwork, states: Vec<State>, taken: u32) -> Self {
        let nodes = states.len();
        let (mut readouts, mut codes, mut counts) =
            (vec![None; nodes], vec![Vec::new(); nodes], vec![Vec::new(); nodes]);
        for (i, (node, state)) in network.nodes().iter().zip(states).enumerate() {
            match (&node.kind, state) {
                (NodeKind::Readout(readout), State::Readout(Integrators { potentials, .. })) => {
                    let steps = f64::from(taken - readout.skip);
                    readouts[i] = Some(potentials.into_iter().map(|u| u / steps).collect());
                }
                (_, State::Population(population)) => (codes[i], counts[i]) = (population.codes, population.counts),
                _ => {}
            }
        }
        Self { readouts, codes, counts, steps: taken }
    }
}
