//! Neurons whose equations have no kernel: those of the reference engine, as they stand, in `f64`. Their trains are values,
//! or bits where spikes are all alike.

use spikeconverter_network::{Node, StreamingPopulation};
use spikeconverter_neuron::{Emission, StreamCoding, StreamingNeuron, StreamingState};

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
    /// Whether trains are bits.
    pub(super) bits: bool,
}

/// What neurons remember, in row-major order.
#[derive(Default)]
pub(super) struct GradedState {
    states: Vec<StreamingState>,
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
    pub(super) fn new(population: &StreamingPopulation, node: &Node, coding: StreamCoding) -> Self {
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
            bits: population.is_binary(&node.shape, coding),
        }
    }

    /// Before the first step.
    pub(super) fn prepare(&self, state: &mut GradedState) {
        let count = self.initial.len();
        state.states.clear();
        state.states.extend(self.initial.iter().map(|&u| StreamingState::new(u.into())));
        state.codes.clear();
        state.codes.resize(count, 0);
        state.counts.clear();
        state.counts.resize(count, SpikeCount::default());
        state.quanta.resize(count, 0);
    }

    pub(super) fn run(&self, state: &mut GradedState, steps: &mut GradedSteps<'_>) {
        let (size, words) = (self.layout.volume(), self.layout.words());
        if self.bits {
            steps.spikes.fill(0);
        }
        for n in 0..self.initial.len() {
            let channel = n / self.layout.inner;
            let neuron = &self.neurons[if self.neurons.len() > self.layout.channels { n } else { channel }];
            let at = self.layout.place(n);
            let mut of_neuron = state.states[n];
            for (step, (currents, t)) in steps.currents.iter().zip(steps.first..).enumerate() {
                let before = of_neuron.fired;
                let quanta = neuron.step(&mut of_neuron, f64::from(currents[at]), t);
                let weight = self.code_weights[(t - 1) as usize % self.code_weights.len()];
                state.codes[n] += (of_neuron.fired - before) * weight;
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
    /// The membranes, in row-major order.
    pub(super) fn membranes(&self) -> Vec<f64> {
        self.states.iter().map(|state| state.membrane).collect()
    }
}
