//! A step of sixteen streaming neurons: [`StreamingNeuron::step`] operation by operation.
//!
//! Each equation is a loop over the neurons, chosen by a branch that all of them take alike, which the compiler writes in
//! vectors.
//!
//! [`StreamingNeuron::step`]: spikeconverter_neuron::StreamingNeuron::step
#![allow(clippy::inline_always, clippy::needless_range_loop)] // belongs into a vectorised loop; arrays side by side

use spikeconverter_neuron::{Comparison, Emission, Margin, NegativeSpikes, Reset, StreamCoding};

use super::GradedNeurons;
use crate::kernels::tile::LANES;

/// A value for each of sixteen neurons.
pub(super) type Lanes = [f64; LANES];

/// Sixteen neurons between two steps.
pub(super) struct Block {
    pub(super) membrane: Lanes,
    pub(super) fired: Lanes,
    pub(super) received: Lanes,
    pub(super) sent: Lanes,
    pub(super) threshold: Lanes,
    pub(super) slope: Lanes,
    pub(super) most: Lanes,
}

impl GradedNeurons {
    /// Listens, charges, fires and resets; the quanta that are fired.
    #[inline(always)]
    pub(super) fn step(&self, block: &mut Block, currents: &[f32], t: u32) -> Lanes {
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
    pub(super) fn sent(&self, block: &mut Block, n: &Lanes, heard: &Lanes, t: u32) -> Lanes {
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
}

/// Sixteen values.
#[inline(always)]
pub(super) fn lanes(values: &[f64], at: usize) -> Lanes {
    let mut lanes = [0.0; LANES];
    lanes.copy_from_slice(&values[at..at + LANES]);
    lanes
}
