//! Streaming networks, simulated literally: in each step every node acts once, in topological order, on what the nodes
//! before it sent in the same step.

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{Node, NodeKind, Readout, SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::{StreamCoding, StreamingNeuron, StreamingState};

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
    /// Membranes, and what each expects to receive next.
    Readout(Vec<f64>, Vec<f64>),
}

struct Population {
    neurons: Vec<StreamingNeuron>,
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
    let coding = network.coding();
    let encoder = StreamInput::new(network, values);
    let mut states: Vec<State> = network.ids().map(|id| State::new(network, id)).collect();
    let mut sent: Vec<Vec<f64>> = vec![Vec::new(); network.nodes().len()];
    let mut stability = until.map(|(rule, listener)| (Stability::new(rule, listener), listener));
    let mut steps = 0;
    for step in 1..=network.time_steps() {
        for id in network.ids() {
            let node = network.node(id);
            let arriving = || node.inputs.iter().map(|i| (network.node(*i).shape.as_slice(), sent[i.0].as_slice()));
            sent[id.0] = match (&node.kind, &mut states[id.0]) {
                (NodeKind::Input(_), _) => {
                    values.iter().enumerate().map(|(i, &x)| f64::from(encoder.value(i, x, step))).collect()
                }
                (NodeKind::Synapse(op), _) => {
                    let constants = step == 1 || coding.repeats_constants();
                    literal::apply(op, &arriving().collect::<Vec<_>>(), constants)?
                }
                (NodeKind::Streaming(population), State::Population(neurons)) => {
                    let quanta = neurons.step(population, &sent[node.inputs[0].0], step);
                    let membranes: Vec<f64> = neurons.states.iter().map(|state| state.membrane).collect();
                    show(&StepRecord { node: id, sample, step, spikes: &quanta, membranes: &membranes });
                    let amplitude = |(neuron, &n): (&StreamingNeuron, &i32)| f64::from(n) * neuron.amplitude(step);
                    neurons.neurons.iter().zip(&quanta).map(amplitude).collect()
                }
                (NodeKind::StreamingPool(_), State::Pool(pool)) => pool.step(coding, &sent[node.inputs[0].0], step),
                (NodeKind::Readout(readout), State::Readout(membranes, expected)) => {
                    let input = &sent[node.inputs[0].0];
                    for ((u, expected), &received) in membranes.iter_mut().zip(expected).zip(input) {
                        let current = coding.decode(expected, received, step);
                        *u += if step > readout.skip { current } else { 0.0 };
                    }
                    Vec::new()
                }
                // heads act on the result; the builder lets no others into a streaming network
                _ => Vec::new(),
            };
        }
        steps = step;
        if let Some((stability, listener)) = &mut stability
            && let NodeKind::Readout(readout) = &network.node(listener.readout).kind
            && let State::Readout(membranes, _) = &states[listener.readout.0]
            && step > readout.skip
        {
            let spikes = listener.hears.iter().any(|id| sent[id.0].iter().any(|&amplitude| amplitude != 0.0));
            if stability.step(membranes, spikes) {
                break;
            }
        }
    }
    Ok(Outcome::new(network, states, steps))
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
                Self::Readout((0..neurons).map(of).collect(), vec![0.0; neurons])
            }
            _ => Self::Nothing,
        }
    }
}

impl Population {
    fn new(population: &StreamingPopulation, node: &Node, coding: StreamCoding) -> Self {
        let neurons = || 0..volume(&node.shape);
        Self {
            neurons: neurons().map(|n| population.neuron(n, &node.shape, coding)).collect(),
            states: neurons().map(|n| StreamingState::new(population.initial(n, &node.shape).into())).collect(),
            codes: vec![0; neurons().len()],
            counts: vec![SpikeCount::default(); neurons().len()],
        }
    }

    /// The quanta that each neuron sends.
    fn step(&mut self, population: &StreamingPopulation, input: &[f64], step: u32) -> Vec<i32> {
        let mut quanta = Vec::with_capacity(self.neurons.len());
        for (n, neuron) in self.neurons.iter().enumerate() {
            let before = self.states[n].fired;
            let sent = neuron.step(&mut self.states[n], input[n], step);
            self.codes[n] += (self.states[n].fired - before) * population.code_weight(step);
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
                (NodeKind::Readout(readout), State::Readout(membranes, _)) => {
                    let steps = f64::from(taken - readout.skip);
                    readouts[i] = Some(membranes.into_iter().map(|u| u / steps).collect());
                }
                (_, State::Population(population)) => (codes[i], counts[i]) = (population.codes, population.counts),
                _ => {}
            }
        }
        Self { readouts, codes, counts, steps: taken }
    }
}
