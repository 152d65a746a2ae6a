//! Steps of streaming neurons of every kind, sixteen at a time: the equations of [`StreamingNeuron`], with what does not
//! change computed once. In `f64` and operation by operation as there, so that results are the same.
//!
//! Here are a population's neurons, what they remember, and what becomes of what they send; [`equations`] has a step.
#![allow(clippy::inline_always, clippy::needless_range_loop)] // belongs into a vectorised loop; arrays side by side

mod equations;

use spikeconverter_neuron::{Emission, NegativeSpikes, Rehearsed, StreamingNeuron};

use self::equations::{Block, Lanes, lanes};
use super::tile::LANES;
use super::vectors::{vectorised, whole};

/// The neurons of a population, channels last and padded to whole vectors. Neurons of padding never fire.
#[derive(Debug, Clone)]
pub(crate) struct GradedNeurons {
    /// What is the same for all.
    kind: StreamingNeuron,
    /// A quantum as a share of the threshold.
    share: f64,
    /// Thresholds, slopes of negative membranes (0: they do not fire) and the most quanta of a step: of a position's
    /// channels, or of all neurons.
    thresholds: Vec<f64>,
    slopes: Vec<f64>,
    most: Vec<f64>,
    /// Levels of a ladder as shares of the threshold, the smallest first, with their quanta.
    levels: Vec<(f64, f64)>,
    /// What a quantum counts in the codes, for each step of a period.
    code_weights: Vec<i32>,
}

/// What the neurons of a population remember, channels last with padding.
#[derive(Debug, Default)]
pub(crate) struct GradedMemory {
    /// Membrane potentials.
    pub(crate) membranes: Vec<f64>,
    /// Whether what is fired is sent: 1 or 0.
    pub(crate) heard: Vec<f64>,
    /// Quanta fired so far, positive less negative ones.
    fired: Vec<f64>,
    /// What is expected to arrive next, and what listeners expect; see [`StreamCoding`].
    received: Vec<f64>,
    sent: Vec<f64>,
    /// What was sent, as codes of windows count it.
    pub(crate) codes: Vec<i32>,
    /// Spikes sent, and negative ones among these.
    pub(crate) spikes: Vec<u32>,
    pub(crate) negative: Vec<u32>,
    /// The quanta that each sent last.
    pub(crate) quanta: Vec<i32>,
    /// What a rehearsal observes; empty where there is none.
    pub(crate) rehearsed: Vec<Rehearsed>,
}

/// Currents of some steps, and where what is sent goes.
pub(crate) struct GradedSteps<'a> {
    /// The first step, counted from 1.
    pub(crate) first: u32,
    /// For each step the currents of all neurons, channels last.
    pub(crate) currents: Vec<&'a [f32]>,
    /// The values of each step, or nothing.
    pub(crate) values: &'a mut [f32],
    /// The bits of each step, where there are no values.
    pub(crate) spikes: &'a mut [u16],
}

impl GradedMemory {
    /// Before the first step, from potentials and from who is heard; spikes stay counted.
    pub(crate) fn restart(&mut self, beginnings: &[(f64, bool)], rehearses: bool) {
        let count = beginnings.len();
        self.membranes.clear();
        self.membranes.extend(beginnings.iter().map(|(membrane, _)| membrane));
        self.heard.clear();
        self.heard.extend(beginnings.iter().map(|(_, heard)| f64::from(u8::from(*heard))));
        for values in [&mut self.fired, &mut self.received, &mut self.sent] {
            values.clear();
            values.resize(count, 0.0);
        }
        self.codes.clear();
        self.codes.resize(count, 0);
        self.quanta.resize(count, 0);
        self.rehearsed.clear();
        self.rehearsed.resize(if rehearses { count } else { 0 }, Rehearsed::default());
    }

    /// Forgets the spikes that were counted.
    pub(crate) fn forget(&mut self, count: usize) {
        for values in [&mut self.spikes, &mut self.negative] {
            values.clear();
            values.resize(count, 0);
        }
    }
}

impl GradedNeurons {
    /// Neurons by their place, `None` in padding: those of a position's channels where all positions are alike, or all; and what
    /// a quantum counts in the codes, for each step of a period. `None` where there are no neurons.
    pub(crate) fn new(neurons: &[Option<StreamingNeuron>], code_weights: Vec<i32>) -> Option<Self> {
        let mut kind = *neurons.iter().flatten().next()?;
        if let Some(sloped) = neurons.iter().flatten().find(|n| matches!(n.negative, NegativeSpikes::Slope(_))) {
            // channels without a slope are among those with one
            kind.negative = sloped.negative;
        }
        let slope = |neuron: &StreamingNeuron| match neuron.negative {
            NegativeSpikes::Slope(slope) => slope,
            NegativeSpikes::Never | NegativeSpikes::Memory(_) => 0.0,
        };
        let each = |of: &dyn Fn(&StreamingNeuron) -> f64, padding: f64| {
            neurons.iter().map(|neuron| neuron.as_ref().map_or(padding, of)).collect::<Vec<f64>>()
        };
        let levels = match kind.emission {
            Emission::Ladder { levels, .. } => (0..levels).rev().map(|i| 0.5f64.powi(i as i32)).collect(),
            _ => Vec::new(),
        };
        let sizes = (0..levels.len()).map(|i| f64::from(1u32 << i));
        Some(Self {
            thresholds: each(&|neuron| neuron.threshold, f64::INFINITY),
            slopes: each(&slope, 0.0),
            most: each(&|neuron| f64::from(neuron.emission.largest()), 0.0),
            levels: levels.iter().copied().zip(sizes).collect(),
            share: kind.emission.quantum(),
            code_weights,
            kind,
        })
    }

    /// Runs some steps.
    ///
    /// # Panics
    /// When slices are not as long as they should be.
    pub(crate) fn run(&self, memory: &mut GradedMemory, steps: &mut GradedSteps<'_>) {
        vectorised(
            #[inline(always)]
            || self.all(memory, steps),
        );
    }

    #[inline(always)]
    fn all(&self, memory: &mut GradedMemory, steps: &mut GradedSteps<'_>) {
        let (count, row) = (memory.membranes.len(), self.thresholds.len());
        for at in (0..count).step_by(LANES) {
            let entry = at % row;
            let mut block = Block {
                membrane: lanes(&memory.membranes, at),
                fired: lanes(&memory.fired, at),
                received: lanes(&memory.received, at),
                sent: lanes(&memory.sent, at),
                threshold: lanes(&self.thresholds, entry),
                slope: lanes(&self.slopes, entry),
                most: lanes(&self.most, entry),
            };
            let heard = lanes(&memory.heard, at);
            for step in 0..steps.currents.len() {
                let t = steps.first + step as u32;
                let currents = &steps.currents[step][at..at + LANES];
                let fired = self.step(&mut block, currents, t);
                let quanta = self.sent(&mut block, &fired, &heard, t);
                if let Some(rehearsed) = memory.rehearsed.get_mut(at..at + LANES) {
                    self.observe(&block, &fired, rehearsed);
                }
                self.count(memory, at, (&fired, &heard, &quanta), t);
                self.send(&block, &quanta, t, (steps, count, step, at));
            }
            memory.membranes[at..at + LANES].copy_from_slice(&block.membrane);
            memory.fired[at..at + LANES].copy_from_slice(&block.fired);
            memory.received[at..at + LANES].copy_from_slice(&block.received);
            memory.sent[at..at + LANES].copy_from_slice(&block.sent);
        }
    }

    fn observe(&self, block: &Block, fired: &Lanes, rehearsed: &mut [Rehearsed]) {
        let share = self.share;
        for (i, rehearsed) in rehearsed.iter_mut().enumerate() {
            let back = if fired[i] == 0.0 { 0.0 } else { fired[i] * (block.threshold[i] * share) };
            rehearsed.observe(block.membrane[i] + back, fired[i] != 0.0);
        }
    }

    /// Counts what was fired and sent.
    #[inline(always)]
    fn count(&self, memory: &mut GradedMemory, at: usize, (fired, heard, sent): (&Lanes, &Lanes, &Lanes), t: u32) {
        let weight = self.code_weights[(t - 1) as usize % self.code_weights.len()];
        let ladder = matches!(self.kind.emission, Emission::Ladder { .. });
        let codes = &mut memory.codes[at..at + LANES];
        let quanta = &mut memory.quanta[at..at + LANES];
        let spikes = &mut memory.spikes[at..at + LANES];
        let negative = &mut memory.negative[at..at + LANES];
        for i in 0..LANES {
            codes[i] += whole(fired[i] * heard[i]) * weight;
            quanta[i] = whole(sent[i]);
            let of_step = quanta[i].unsigned_abs();
            let of_step = if ladder { of_step.min(1) } else { of_step };
            spikes[i] += of_step;
            negative[i] += if quanta[i] < 0 { of_step } else { 0 };
        }
    }

    /// Writes the values or bits of a step.
    #[inline(always)]
    fn send(
        &self,
        block: &Block,
        quanta: &Lanes,
        t: u32,
        (steps, count, step, at): (&mut GradedSteps<'_>, usize, usize, usize),
    ) {
        let share = self.share;
        if steps.values.is_empty() {
            let mut word = 0;
            for (i, quanta) in quanta.iter().enumerate() {
                word |= u16::from(*quanta != 0.0) << i;
            }
            steps.spikes[step * (count / LANES) + at / LANES] = word;
            return;
        }
        let weight = self.kind.phases.map_or(1.0, |phases| phases.weight(t));
        let values = &mut steps.values[step * count + at..][..LANES];
        for i in 0..LANES {
            let value = quanta[i] * (block.threshold[i] * share * weight);
            values[i] = if quanta[i] == 0.0 { 0.0 } else { value as f32 };
        }
    }
}

#[cfg(test)]
mod tests;
