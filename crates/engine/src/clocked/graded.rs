//! Neurons whose equations have no kernel: those of the reference engine, as they stand, in `f64`. Their trains are values,
//! or bits where spikes are all alike.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::{Emission, Rehearsal, Rehearsed, StreamingNeuron, StreamingState};

use super::layout::Layout;
use crate::SpikeCount;
use crate::kernels::tile::LANES;

/// The neurons of a population.
pub(super) struct Graded {
    layout: Layout,
    /// One for all, one a channel, or one a neuron in row-major order.
    neurons: Vec<StreamingNeuron>,
    emission: Emission,
    /// What a quantum counts in the codes, for each step of a period.
    code_weights: Vec<i32>,
    /// In row-major order.
    initial: Vec<f32>,
    /// The populations on the longest path to this one, itself included.
    level: u32,
    rehearses: bool,
    /// Whether trains are bits.
    pub(super) bits: bool,
}

/// What neurons remember, in row-major order.
#[derive(Default)]
pub(super) struct GradedState {
    states: Vec<StreamingState>,
    /// What each begins with, and whether it is heard.
    beginnings: Vec<(f64, bool)>,
    rehearsed: Vec<Rehearsed>,
    pub(super) codes: Vec<i32>,
    pub(super) counts: Vec<SpikeCount>,
    /// The quanta that each sent last.
    pub(super) quanta: Vec<i32>,
}

/// Currents of some steps, and where what is sent goes.
pub(super) struct GradedSteps<'a> {
    /// The first step, counted from 1.
    pub(super) first: u32,
    /// For each step the currents of all neurons, channels last.
    pub(super) currents: Vec<&'a [f32]>,
    /// The values of each step.
    pub(super) values: &'a mut [f32],
    /// The bits of each step.
    pub(super) spikes: &'a mut [u16],
}

impl Graded {
    pub(super) fn new(network: &SpikingNetwork, id: NodeId, population: &StreamingPopulation) -> Self {
        let (node, coding) = (network.node(id), network.coding());
        let layout = Layout::new(&node.shape);
        let count = layout.channels * layout.inner;
        let each = population.threshold.len() > layout.channels;
        let first = |entry: usize| if each { entry } else { entry * layout.inner };
        let entries = if each { count } else { layout.channels };
        let period = population.phases.map_or(1, |phases| phases.period);
        Self {
            layout,
            neurons: (0..entries).map(|entry| population.neuron(first(entry), &node.shape, coding)).collect(),
            emission: population.emission,
            code_weights: (1..=period).map(|t| population.code_weight(t)).collect(),
            initial: (0..count).map(|n| population.initial(n, &node.shape)).collect(),
            level: network.levels()[id.0],
            rehearses: network.rehearsal().is_some(),
            bits: population.is_binary(&node.shape, coding),
        }
    }

    /// Before a sample.
    pub(super) fn prepare(&self, state: &mut GradedState) {
        state.beginnings.clear();
        state.beginnings.extend(self.initial.iter().map(|&u| (f64::from(u), true)));
        state.counts.clear();
        state.counts.resize(self.initial.len(), SpikeCount::default());
        state.quanta.resize(self.initial.len(), 0);
        state.restart();
    }

    /// What a rehearsal teaches, when it was this population's turn.
    pub(super) fn learn(&self, state: &mut GradedState, rehearsal: Rehearsal, turn: u32) {
        if rehearsal.is_sequential() && self.level != turn {
            return;
        }
        for (n, beginning) in state.beginnings.iter_mut().enumerate() {
            let (neuron, membrane) = (self.neuron(n), state.states[n].membrane);
            if neuron.learns() {
                *beginning = rehearsal.outcome(neuron.threshold, beginning.0, membrane, state.rehearsed[n]);
            }
        }
    }

    fn neuron(&self, n: usize) -> &StreamingNeuron {
        &self.neurons[if self.neurons.len() > self.layout.channels { n } else { n / self.layout.inner }]
    }

    pub(super) fn run(&self, state: &mut GradedState, steps: &mut GradedSteps<'_>) {
        let (size, words) = (self.layout.volume(), self.layout.words());
        if self.bits {
            steps.spikes.fill(0);
        }
        for n in 0..self.initial.len() {
            let neuron = self.neuron(n);
            let at = self.layout.place(n);
            let mut of_neuron = state.states[n];
            for (step, (currents, t)) in steps.currents.iter().zip(steps.first..).enumerate() {
                let before = of_neuron.fired;
                let quanta = neuron.step(&mut of_neuron, f64::from(currents[at]), t);
                let fired = of_neuron.fired - before;
                if self.rehearses {
                    state.rehearsed[n].observe(of_neuron.membrane + f64::from(fired) * neuron.quantum(), fired != 0);
                }
                let weight = self.code_weights[(t - 1) as usize % self.code_weights.len()];
                state.codes[n] += if of_neuron.muted { 0 } else { fired * weight };
                state.quanta[n] = quanta;
                if quanta != 0 {
                    state.counts[n].add(self.emission.spikes(quanta), quanta < 0);
                }
                if !self.bits {
                    steps.values[step * size + at] = (f64::from(quanta) * neuron.amplitude(t)) as f32;
                } else if quanta != 0 {
                    steps.spikes[step * words + at / LANES] |= 1 << (at % LANES);
                }
            }
            state.states[n] = of_neuron;
        }
    }
}

impl GradedState {
    /// Back to before the first step; spikes stay counted.
    pub(super) fn restart(&mut self) {
        self.states.clear();
        self.states.extend(self.beginnings.iter().copied().map(StreamingState::rehearsed));
        self.rehearsed.clear();
        self.rehearsed.resize(self.states.len(), Rehearsed::default());
        self.codes.clear();
        self.codes.resize(self.states.len(), 0);
    }

    /// The membranes, in row-major order.
    pub(super) fn membranes(&self) -> Vec<f64> {
        self.states.iter().map(|state| state.membrane).collect()
    }
}
