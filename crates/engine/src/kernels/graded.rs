//! Steps of streaming neurons of every kind, sixteen at a time: the equations of [`StreamingNeuron`], with what does not
//! change computed once. In `f64` and operation by operation as there, so that results are the same.
//!
//! Each equation is a loop over sixteen neurons, chosen by a branch that all of them take alike, which the compiler writes
//! in vectors.
#![allow(clippy::inline_always, clippy::needless_range_loop)] // belongs into a vectorised loop; arrays side by side

use spikeconverter_neuron::{
    Comparison, Emission, Margin, NegativeSpikes, Rehearsed, Reset, StreamCoding, StreamingNeuron,
};

use super::tile::LANES;
use super::vectors::{vectorised, whole};

/// A value for each of sixteen neurons.
type Lanes = [f64; LANES];

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

/// Sixteen neurons between two steps.
struct Block {
    membrane: Lanes,
    fired: Lanes,
    received: Lanes,
    sent: Lanes,
    threshold: Lanes,
    slope: Lanes,
    most: Lanes,
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
    /// Neurons by their place, `None` in padding: those of a position's channels where all positions are alike, or all.
    pub(crate) fn new(neurons: &[Option<StreamingNeuron>]) -> Option<Self> {
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
        let period = kind.phases.map_or(1, |phases| phases.period);
        Some(Self {
            thresholds: each(&|neuron| neuron.threshold, f64::INFINITY),
            slopes: each(&slope, 0.0),
            most: each(&|neuron| f64::from(neuron.emission.largest()), 0.0),
            levels: levels.iter().copied().zip(sizes).collect(),
            share: kind.emission.quantum(),
            code_weights: (1..=period).map(|t| kind.phases.map_or(1, |phases| 1 << phases.digit(t))).collect(),
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

    /// Listens, charges, fires and resets; the quanta that are fired.
    #[inline(always)]
    fn step(&self, block: &mut Block, currents: &[f32], t: u32) -> Lanes {
        let Block { membrane, fired, received, sent, threshold, slope, most } = block;
        let time = f64::from(t);
        let share = self.share;
        let mut u = *membrane;
        // `quanta`: what was sent so far, in quanta of a rate code
        let mut quanta = *fired;
        match self.kind.coding {
            StreamCoding::Rate => {
                for i in 0..LANES {
                    u[i] += f64::from(currents[i]);
                }
            }
            StreamCoding::Switch => {
                for i in 0..LANES {
                    received[i] += f64::from(currents[i]);
                    u[i] += received[i];
                }
            }
            StreamCoding::Differential => {
                for i in 0..LANES {
                    let x = f64::from(currents[i]);
                    u[i] = u[i] + (received[i] + x) - sent[i];
                    received[i] += x / time;
                    quanta[i] = time * sent[i] / (threshold[i] * share) + 1e-9;
                }
            }
        }
        let weight = self.kind.phases.map_or(1.0, |phases| phases.weight(t));
        let mut at = *threshold;
        for at in &mut at {
            *at *= weight;
        }
        let mut limit = *most;
        if let NegativeSpikes::Memory(gate) = self.kind.negative
            && let Some(high) = gate.high
        {
            for i in 0..LANES {
                limit[i] = limit[i].min((f64::from(high) - quanta[i]).floor().max(0.0));
            }
        }
        let up = self.multiplicity(&u, &at, self.kind.comparison, 1.0, &limit);
        let after_up = self.after(&u, &up, &at);
        let mut n = up;
        match self.kind.negative {
            NegativeSpikes::Never => {
                for i in 0..LANES {
                    membrane[i] = if up[i] > 0.0 { after_up[i] } else { u[i] };
                }
            }
            NegativeSpikes::Slope(_) | NegativeSpikes::Memory(_) => {
                let (mut limit, mut comparison, mut first) = (*most, self.kind.comparison, 1.0);
                let (mut sign, mut down_at) = ([-1.0; LANES], at);
                if let NegativeSpikes::Memory(gate) = self.kind.negative {
                    // the threshold is a share of θ, quanta above are counted from there
                    (comparison, first) = (gate.comparison, 1.0 - (1.0 - gate.share) / share);
                    for i in 0..LANES {
                        limit[i] = limit[i].min((quanta[i] - f64::from(gate.low)).floor().max(0.0));
                    }
                } else {
                    for i in 0..LANES {
                        // without a slope no membrane reaches it
                        down_at[i] /= slope[i].abs();
                        sign[i] = if slope[i] > 0.0 { -1.0 } else { 1.0 };
                        limit[i] = if slope[i] == 0.0 { 0.0 } else { limit[i] };
                    }
                }
                let below = u.map(|u| -u);
                let down = self.multiplicity(&below, &down_at, comparison, first, &limit);
                let after_down = self.after(&below, &down, &down_at);
                for i in 0..LANES {
                    let fires_down = up[i] == 0.0 && down[i] > 0.0;
                    membrane[i] = if fires_down { -after_down[i] } else { u[i] };
                    membrane[i] = if up[i] > 0.0 { after_up[i] } else { membrane[i] };
                    n[i] = if fires_down { sign[i] * down[i] } else { up[i] };
                }
            }
        }
        for i in 0..LANES {
            fired[i] += n[i];
        }
        n
    }

    /// The multiplicities of membranes, see [`Emission`].
    #[inline(always)]
    fn multiplicity(&self, u: &Lanes, threshold: &Lanes, comparison: Comparison, first: f64, limit: &Lanes) -> Lanes {
        let share = self.share;
        let mut n = [0.0; LANES];
        let above = comparison == Comparison::Above;
        match self.kind.emission {
            Emission::Binary => {
                for i in 0..LANES {
                    let at = threshold[i] * first;
                    let reached = if above { u[i] > at } else { u[i] >= at };
                    n[i] = if reached { limit[i].min(1.0) } else { 0.0 };
                }
            }
            Emission::Burst { .. } | Emission::Group { .. } => {
                for i in 0..LANES {
                    let quanta = u[i] / (threshold[i] * share) + (1.0 - first);
                    let whole = if above { quanta.ceil() - 1.0 } else { quanta.floor() };
                    n[i] = whole.max(0.0).min(limit[i]);
                }
            }
            Emission::Ladder { margin, .. } => {
                for &(level, size) in &self.levels {
                    for i in 0..LANES {
                        let at = match margin {
                            Margin::Share(share) => threshold[i] * level * f64::from(share),
                            Margin::HalfQuantum => threshold[i] * level - 0.5 * (threshold[i] * share),
                        };
                        let reached = if above { u[i] > at } else { u[i] >= at };
                        n[i] = if reached && size <= limit[i] { size } else { n[i] };
                    }
                }
            }
        }
        n
    }

    /// Membranes that fired `n` quanta of their thresholds, all taken as positive.
    #[inline(always)]
    fn after(&self, u: &Lanes, n: &Lanes, threshold: &Lanes) -> Lanes {
        let share = self.share;
        let mut after = [0.0; LANES];
        match self.kind.reset {
            Reset::Subtract => {
                for i in 0..LANES {
                    after[i] = u[i] - n[i] * (threshold[i] * share);
                }
            }
            Reset::Zero => {}
            Reset::Modulo => {
                for i in 0..LANES {
                    after[i] = u[i] % (threshold[i] * share);
                }
            }
        }
        after
    }

    /// The quanta that are sent of those fired.
    #[inline(always)]
    fn sent(&self, block: &mut Block, n: &Lanes, heard: &Lanes, t: u32) -> Lanes {
        let share = self.share;
        let mut quanta = *n;
        match self.kind.coding {
            StreamCoding::Rate => {
                for i in 0..LANES {
                    quanta[i] *= heard[i];
                }
            }
            StreamCoding::Switch => {
                for i in 0..LANES {
                    quanta[i] -= block.sent[i];
                }
                block.sent = *n;
            }
            StreamCoding::Differential => {
                // padding has no threshold to multiply
                for i in 0..LANES {
                    let mean = n[i] * (block.threshold[i] * share) / f64::from(t);
                    block.sent[i] += if n[i] == 0.0 { 0.0 } else { mean };
                }
            }
        }
        quanta
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

/// Sixteen values.
#[inline(always)]
fn lanes(values: &[f64], at: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[at..at + LANES]);
    lanes
}

#[cfg(test)]
mod tests;
