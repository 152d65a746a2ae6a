use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spikeconverter_graph::NodeId;
use spikeconverter_neuron::WindowCode;

use crate::{Encoding, NodeKind, Population, SpikingNetwork};

/// How time passes in a simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Simulation {
    /// Layers work one window behind another; results come after a window for each layer.
    #[default]
    Window,
    /// All layers work in every step; a result can be read in each.
    Stream,
}

impl Simulation {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Window => "window",
            Self::Stream => "stream",
        }
    }
}

/// When a node listens and when it speaks, in time steps from the start of an image.
///
/// For nodes that only pass signals on (synapses), all windows are empty and `codes` says what passes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Timing {
    /// First step of the accumulation window (populations, read-outs) or of the gate (max-pool of trains).
    pub listens_at: u32,
    /// Length of that window: the longest of the trains that arrive.
    pub listens_for: u32,
    /// First step of the node's own trains.
    pub emits_at: u32,
    /// Codes of the trains that arrive, one accumulator each.
    pub codes_in: Vec<WindowCode>,
    /// Codes of the trains that leave.
    pub codes: Vec<WindowCode>,
}

/// The pipeline: each population listens for one window and speaks in the next. The generation of one stage is the
/// accumulation of the following one; trains that skip stages wait in a queue. A new image can enter every `period`
/// steps, since each population holds one membrane that accumulates and one that generates.
///
/// Where populations are [online](SpikingNetwork::is_online), each speaks `δ` steps after it began to listen (of a window
/// shorter than that, when it is over; where longer trains arrive, late enough to have heard all in its own last step). A
/// stage then takes `δ` steps instead of a window; the period stays.
///
/// In a streaming network all layers listen and speak in all of the `T` steps: latency and period are `T`.
///
/// Layer-wise pipelining is our reading of the paper's temporal separation; its text is not
/// confirmed.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    timings: Vec<Timing>,
    /// Steps between one image and the next.
    pub period: u32,
    /// Steps from the first input to the result: the input's window and those of the populations on the longest path (`T_in + T·L` for `L` of length `T`), `T` and their delays where they are online, or
    /// `T` of a streaming network.
    pub latency_steps: u32,
    /// Populations on the longest path, the read-out included.
    pub stages: u32,
}

impl Schedule {
    /// The earliest schedule of a network.
    pub fn new(network: &SpikingNetwork) -> Self {
        let steps = network.time_steps();
        let mut timings: Vec<Timing> = Vec::with_capacity(network.nodes().len());
        let mut depth: Vec<u32> = Vec::with_capacity(network.nodes().len());
        let (mut period, mut latency_steps, mut stages) = (steps, 0, 0);
        for node in network.nodes() {
            let inputs = || node.inputs.iter().map(|i| &timings[i.0]);
            let arriving = merge(inputs().flat_map(|t| &t.codes));
            let ready = inputs().map(|t| t.emits_at).max().unwrap_or(0);
            let listens_for = arriving.iter().map(|c| c.steps).max().unwrap_or(0);
            let below = node.inputs.iter().map(|i| depth[i.0]).max().unwrap_or(0);
            let (timing, level) = match &node.kind {
                NodeKind::Input(encoding) => {
                    let code = match encoding {
                        _ if network.simulation() == Simulation::Stream => WindowCode { base: 1.0, steps },
                        Encoding::Pixels => WindowCode { base: 2.0, steps: Encoding::PIXEL_STEPS },
                        Encoding::Analog | Encoding::Poisson { .. } => WindowCode { base: 2.0, steps },
                    };
                    period = period.max(code.steps);
                    (Timing { codes: vec![code], ..Timing::default() }, 0)
                }
                NodeKind::Synapse(_) | NodeKind::Head(_) | NodeKind::StreamingPool(_) => {
                    (Timing { emits_at: ready, codes: arriving, ..Timing::default() }, below)
                }
                NodeKind::MaxPool(_) => (
                    Timing {
                        listens_at: ready,
                        listens_for,
                        emits_at: ready,
                        codes_in: arriving.clone(),
                        codes: arriving,
                    },
                    below,
                ),
                NodeKind::Streaming(population) => {
                    let timing = Timing {
                        listens_for: steps,
                        codes_in: arriving,
                        codes: vec![population.code(steps)],
                        ..Timing::default()
                    };
                    (timing, below + 1)
                }
                NodeKind::Population(population) => (
                    Timing {
                        listens_at: ready,
                        listens_for,
                        emits_at: ready + delay(network, population, listens_for),
                        codes_in: arriving,
                        codes: vec![population.code(steps)],
                    },
                    below + 1,
                ),
                NodeKind::Readout(_) => {
                    latency_steps = latency_steps.max(ready + listens_for);
                    stages = stages.max(below + 1);
                    (
                        Timing {
                            listens_at: ready,
                            listens_for,
                            emits_at: ready + listens_for,
                            codes_in: arriving,
                            codes: Vec::new(),
                        },
                        below + 1,
                    )
                }
            };
            timings.push(timing);
            depth.push(level);
        }
        // a rehearsal holds the whole network
        let rehearsed = network.rehearsal().map_or(0, |rehearsal| {
            let turns = if rehearsal.is_sequential() { stages.saturating_sub(1) } else { 1 };
            rehearsal.steps().saturating_mul(turns)
        });
        for timing in &mut timings {
            timing.listens_at = timing.listens_at.saturating_add(rehearsed);
            timing.emits_at = timing.emits_at.saturating_add(rehearsed);
        }
        latency_steps = latency_steps.saturating_add(rehearsed);
        period = period.saturating_add(rehearsed);
        Self { timings, period, latency_steps, stages }
    }

    /// The timing of a node.
    ///
    /// # Panics
    /// When the id is not of the network.
    pub fn timing(&self, id: NodeId) -> &Timing {
        &self.timings[id.0]
    }
}

/// Steps from the first that a population hears to the first that it sends, where trains of `listens_for` steps arrive.
fn delay(network: &SpikingNetwork, population: &Population, listens_for: u32) -> u32 {
    if !network.is_online() {
        return listens_for;
    }
    let to_hear_all = (listens_for + 1).saturating_sub(network.time_steps());
    population.delay.unwrap_or(network.delay()).max(to_hear_all).min(listens_for)
}

/// The distinct codes, ordered.
fn merge<'a>(codes: impl Iterator<Item = &'a WindowCode>) -> Vec<WindowCode> {
    // bases are positive, so that their bits order as they do
    let distinct: BTreeMap<(u32, u32), WindowCode> =
        codes.map(|code| ((code.base.to_bits(), code.steps), *code)).collect();
    distinct.into_values().collect()
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{Add, Linear, Op};
    use spikeconverter_neuron::Rehearsal;

    use super::*;
    use crate::{NetworkBuilder, Readout, StreamingPopulation};

    fn population() -> NodeKind {
        NodeKind::Population(Population { half_step: false, ..Population::default() })
    }

    fn streaming() -> NodeKind {
        NodeKind::Streaming(StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() })
    }

    fn linear() -> NodeKind {
        NodeKind::Synapse(Op::Linear(Linear { weight: Tensor::full(vec![2, 2], 1.0), bias: None }))
    }

    fn residual(encoding: Encoding, steps: u32) -> (SpikingNetwork, NodeId) {
        delayed(encoding, steps, None)
    }

    fn delayed(encoding: Encoding, steps: u32, delay: Option<u32>) -> (SpikingNetwork, NodeId) {
        let mut b = NetworkBuilder::new(steps, "x", vec![2], encoding).unwrap().delayed(delay).unwrap();
        let w1 = b.add("w1", linear(), &[b.input()]).unwrap();
        let p1 = b.add("p1", population(), &[w1]).unwrap();
        let w2 = b.add("w2", linear(), &[p1]).unwrap();
        let p2 = b.add("p2", population(), &[w2]).unwrap();
        let sum = b.add("sum", NodeKind::Synapse(Op::Add(Add::plain(2))), &[p2, p1]).unwrap();
        let p3 = b.add("p3", population(), &[sum]).unwrap();
        let out = b.add("out", NodeKind::Readout(Readout::default()), &[p3]).unwrap();
        (b.finish(out).unwrap(), p3)
    }

    #[test]
    fn latency_is_one_window_a_stage() {
        let (network, p3) = residual(Encoding::Analog, 4);
        let schedule = Schedule::new(&network);
        // three populations: (L + 1) T
        assert_eq!(schedule.latency_steps, 16);
        assert_eq!(schedule.stages, 4);
        assert_eq!(schedule.period, 4);
        assert_eq!(schedule.timing(p3).listens_at, 8);
    }

    #[test]
    fn latency_is_the_delay_a_stage_and_a_window() {
        let of = |encoding, steps, delay| {
            let (network, p3) = delayed(encoding, steps, Some(delay));
            let schedule = Schedule::new(&network);
            let Timing { listens_at, listens_for, emits_at, .. } = *schedule.timing(p3);
            assert_eq!((schedule.stages, listens_for, emits_at - listens_at), (4, steps, delay));
            (schedule.latency_steps, schedule.period)
        };
        // three populations: T + δ L
        assert_eq!([1, 2, 4].map(|delay| of(Encoding::Analog, 4, delay)), [(7, 4), (10, 4), (16, 4)]);
        // 8 steps of pixels: the first population starts where its own last step, of 4, has heard them all
        assert_eq!(of(Encoding::Pixels, 4, 1), (5 + 1 + 1 + 4, 8));
        assert_eq!(of(Encoding::Pixels, 8, 2), (3 * 2 + 8, 8));
    }

    /// Each population waits for its own delay; one of two steps in a row of one step is a step more.
    #[test]
    fn populations_have_delays_of_their_own() {
        let (network, p3) = delayed(Encoding::Analog, 4, Some(1));
        let slow = |id: NodeId, kind: &NodeKind| match kind {
            NodeKind::Population(population) if id == p3 => {
                NodeKind::Population(Population { delay: Some(2), ..population.clone() })
            }
            kind => kind.clone(),
        };
        let slower = network.with_kinds(slow).unwrap();
        let timing = Schedule::new(&slower).timing(p3).clone();
        assert_eq!((timing.emits_at - timing.listens_at, Schedule::new(&slower).latency_steps), (2, 8));
        assert_eq!((slower.least_delay(), slower.most_delay()), (1, 2));
        // one delay for all takes their own away
        assert_eq!(slower.with_delay(Some(1)).unwrap(), network);
        // and networks whose populations hear all have none
        assert!(delayed(Encoding::Analog, 4, None).0.with_kinds(slow).is_err());
        for delay in [0, 5] {
            let odd = network.with_kinds(|_, kind| match kind {
                NodeKind::Population(population) => {
                    NodeKind::Population(Population { delay: Some(delay), ..population.clone() })
                }
                kind => kind.clone(),
            });
            assert!(odd.is_err_and(|e| e.to_string().contains("1 to 4")));
        }
    }

    #[test]
    fn streaming_layers_work_at_once() {
        let schedule = |rehearsal| {
            let mut b = NetworkBuilder::streaming(100, "x", vec![2]).unwrap().rehearsed(rehearsal).unwrap();
            let mut at = b.input();
            for _ in 0..3 {
                let w = b.add("w", linear(), &[at]).unwrap();
                at = b.add("p", streaming(), &[w]).unwrap();
            }
            let out = b.add("out", NodeKind::Readout(Readout::default()), &[at]).unwrap();
            let schedule = Schedule::new(&b.finish(out).unwrap());
            (schedule.latency_steps, schedule.period, schedule.stages)
        };
        assert_eq!(schedule(None), (100, 100, 4));
        assert_eq!(schedule(Some(Rehearsal::Residual { steps: 8, least: 0.0 })), (108, 108, 4));
        // three layers in turn
        assert_eq!(schedule(Some(Rehearsal::OffsetSpikes { steps: 8 })), (124, 124, 4));
    }

    #[test]
    fn pixels_take_eight_steps() {
        let (network, _) = residual(Encoding::Pixels, 4);
        let schedule = Schedule::new(&network);
        assert_eq!(schedule.latency_steps, 8 + 3 * 4);
        assert_eq!(schedule.period, 8);
    }
}
