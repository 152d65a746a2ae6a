//! Neurons of every kind in the clocked engine: those of no plain integrate-and-fire population. Their trains are values, or bits
//! where spikes are all alike.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::{Rehearsal, StreamingNeuron};

use super::layout::Layout;
use crate::SpikeCount;
use crate::kernels::graded::{GradedMemory, GradedNeurons, GradedSteps};

/// The neurons of a population.
pub(super) struct Graded {
    layout: Layout,
    /// By their place in a position, or in all of the layout; `None` in padding.
    neurons: Vec<Option<StreamingNeuron>>,
    kernel: Option<GradedNeurons>,
    /// Channels last.
    initial: Vec<f32>,
    /// The populations on the longest path to this one, itself included.
    level: u32,
    rehearses: bool,
    /// Whether trains are bits.
    pub(super) bits: bool,
}

/// What neurons remember, channels last.
#[derive(Default)]
pub(super) struct GradedState {
    memory: GradedMemory,
    /// What each begins with, and whether it is heard.
    beginnings: Vec<(f64, bool)>,
}

impl Graded {
    pub(super) fn new(network: &SpikingNetwork, id: NodeId, population: &StreamingPopulation) -> Self {
        let (node, coding) = (network.node(id), network.coding());
        let layout = Layout::new(&node.shape);
        let each = population.threshold.len() > layout.channels;
        let neuron = |place: usize| {
            let (position, channel) = (place / layout.padded, place % layout.padded);
            let number = channel * layout.inner + position;
            (channel < layout.channels).then(|| population.neuron(number, &node.shape, coding))
        };
        let entries = if each { layout.volume() } else { layout.padded };
        let neurons: Vec<_> = (0..entries).map(neuron).collect();
        let period = population.phases.map_or(1, |phases| phases.period);
        let code_weights = (1..=period).map(|t| population.code_weight(t)).collect();
        let plain: Vec<f32> = (0..layout.channels * layout.inner).map(|n| population.initial(n, &node.shape)).collect();
        let mut initial = vec![0.0; layout.volume()];
        layout.take(&plain, &mut initial);
        Self {
            layout,
            kernel: GradedNeurons::new(&neurons, code_weights),
            neurons,
            initial,
            level: network.levels()[id.0],
            rehearses: network.rehearsal().is_some(),
            bits: population.is_binary(&node.shape, coding),
        }
    }

    /// Before a sample.
    pub(super) fn prepare(&self, state: &mut GradedState) {
        state.beginnings.clear();
        state.beginnings.extend(self.initial.iter().map(|&u| (f64::from(u), true)));
        state.memory.forget(self.initial.len());
        self.restart(state);
    }

    /// Back to before the first step; spikes stay counted.
    pub(super) fn restart(&self, state: &mut GradedState) {
        state.memory.restart(&state.beginnings, self.rehearses);
    }

    /// What a rehearsal teaches, when it was this population's turn.
    pub(super) fn learn(&self, state: &mut GradedState, rehearsal: Rehearsal, turn: u32) {
        if rehearsal.is_sequential() && self.level != turn {
            return;
        }
        let GradedState { memory, beginnings } = state;
        for (place, beginning) in beginnings.iter_mut().enumerate() {
            let neuron = self.neurons[place % self.neurons.len()].filter(StreamingNeuron::learns);
            if let Some(neuron) = neuron {
                let (membrane, rehearsed) = (memory.membranes[place], memory.rehearsed[place]);
                *beginning = rehearsal.outcome(neuron.threshold, beginning.0, membrane, rehearsed);
            }
        }
    }

    pub(super) fn run(&self, state: &mut GradedState, steps: &mut GradedSteps<'_>) {
        if let Some(kernel) = &self.kernel {
            kernel.run(&mut state.memory, steps);
        }
    }

    /// What each neuron sent, in row-major order.
    pub(super) fn codes(&self, state: &GradedState, plain: &mut [i32]) {
        self.layout.give(&state.memory.codes, plain);
    }

    /// The spikes of each neuron, in row-major order.
    pub(super) fn counts(&self, state: &GradedState, plain: &mut [SpikeCount]) {
        for (n, count) in plain.iter_mut().enumerate() {
            let place = self.layout.place(n);
            *count = SpikeCount { spikes: state.memory.spikes[place], negative: state.memory.negative[place] };
        }
    }

    /// The quanta that each sent last, and its membrane, in row-major order.
    pub(super) fn last(&self, state: &GradedState) -> (Vec<i32>, Vec<f64>) {
        (self.layout.plain(&state.memory.quanta), self.layout.plain(&state.memory.membranes))
    }
}
