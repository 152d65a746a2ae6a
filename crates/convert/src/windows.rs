//! Layers with shorter windows than others: where a result is to be there after fewer steps than windows of one length take.
//!
//! The windows are chosen on a network whose weights are as trained, calibrated with windows of `T` steps: layers lose a step one
//! after another, those first whose loss leaves the result nearest to the trained network's ([`hasten`](crate::hasten)). Then the
//! whole network is calibrated anew, each layer for the window that it has.

use spikeconverter_engine::{Batch, Engine, EngineError, FoldedEngine};
use spikeconverter_graph::Graph;
use spikeconverter_network::{NodeKind, Population, Schedule, SpikingNetwork};

use crate::calibrate::ann::AnnValues;
use crate::calibrate::calibrate;
use crate::copies::{self, Member};
use crate::hasten::{Way, hasten};
use crate::lower::{Lowered, lower};
use crate::trial::Trial;
use crate::{ConvertError, Options, WeightCalibration, Weights};

/// Samples on which networks are tried at most, and at least.
const SAMPLES: usize = 256;
const FEWEST_SAMPLES: usize = 16;
/// Multiply-accumulate operations of a trial, for deep networks.
const TRIAL_OPERATIONS: u64 = 20_000_000_000;
/// Ranges that are tried for a window that lost a step, relative to the one it had: fewer values are better spent on a smaller one.
const RANGES: [f32; 2] = [1.0, 0.85];

impl Options {
    /// The latency that layers with shorter windows are to give, if that is how it is reached.
    pub(crate) fn latency_of_windows(&self) -> Option<u32> {
        self.max_latency.filter(|_| self.online_delay().is_none())
    }

    /// Checks that a latency may be asked for.
    ///
    /// # Errors
    /// [`ConvertError::Option`] for integer networks.
    pub(crate) fn check_max_latency(&self) -> Result<(), ConvertError> {
        if self.max_latency.is_none() || self.weights == Weights::F32 {
            return Ok(());
        }
        let reason = "integer networks have windows of one length; leave it out or choose --weights f32".to_owned();
        Err(ConvertError::Option { option: "--max-latency", reason })
    }
}

/// Whether windows of one length are too long for the latency that is asked for.
pub(crate) fn are_chosen(lowered: &Lowered, options: &Options) -> bool {
    options.latency_of_windows().is_some_and(|most| Schedule::new(&lowered.network).latency_steps > most)
}

/// Steps to the result of a network converted with these options by a method with windows, where no latency is asked for.
///
/// # Errors
/// [`ConvertError`] when the trained network cannot be converted, or there is no such window or delay.
pub fn window_latency(graph: &Graph, options: &Options) -> Result<u32, ConvertError> {
    let network = lower(graph, options.time_steps, options.encoding)?.network;
    Ok(Schedule::new(&network.with_delay(options.online_delay())?).latency_steps)
}

/// The least latency that windows of their own can give: one step for every population.
pub(crate) fn least_latency(network: &SpikingNetwork) -> Result<u32, ConvertError> {
    let shortest = network.with_kinds(|_, kind| match kind {
        NodeKind::Population(population) => NodeKind::Population(Population { steps: Some(1), ..population.clone() }),
        kind => kind.clone(),
    })?;
    Ok(Schedule::new(&shortest).latency_steps)
}

/// The network to be calibrated with windows that give the latency asked for. `progress` is told of each layer that is fitted and of
/// each trial, and whether it counts: layers and populations do, once each.
pub(crate) fn chosen(
    lowered: Lowered,
    graph: &Graph,
    samples: &Batch,
    options: &Options,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<Lowered, ConvertError> {
    let Some(most) = options.latency_of_windows() else { return Ok(lowered) };
    let plain = Options { weight_calibration: Some(WeightCalibration::None), ..options.clone() };
    let whole = calibrate(&lowered, graph, samples, &plain, &mut |_| progress(true))?.network;
    let count = usize::try_from(TRIAL_OPERATIONS / graph.macs().max(1)).unwrap_or(SAMPLES);
    let few = samples.first(count.clamp(FEWEST_SAMPLES, SAMPLES));
    let target = lowered.targets[whole.output().0];
    let wanted = AnnValues::new(graph, &[target], &few)?.take(target)?;
    let trial = Trial { samples: &few, wanted: &wanted, correct: options.bias_correction, run: folded };
    let way = Shorter { steps: options.time_steps };
    let shortened = hasten(whole, &lowered.copies, &way, &trial, most, progress)?;
    let network = lowered.network.with_kinds(|id, kind| match (kind, &shortened.node(id).kind) {
        (NodeKind::Population(population), NodeKind::Population(shortened)) => {
            NodeKind::Population(Population { steps: shortened.steps, ..population.clone() })
        }
        _ => kind.clone(),
    })?;
    Ok(Lowered { network, ..lowered })
}

/// A layer takes a step less by a window that is a step shorter.
struct Shorter {
    /// Of populations that have no window of their own.
    steps: u32,
}

impl Way for Shorter {
    fn factors(&self) -> &[f32] {
        &RANGES
    }

    fn is_open(&self, population: &Population) -> bool {
        population.window(self.steps) > 1
    }

    fn changed(&self, population: &Population, copy: Option<Member>, factor: f32) -> Population {
        let steps = population.window(self.steps).saturating_sub(1).max(1);
        let shorter = Population { steps: Some(steps), ..population.clone() };
        let ranges = population.code(self.steps).range() / shorter.code(self.steps).range();
        Population { steps: Some(steps), ..copies::raised(population, copy, factor * ranges as f32, self.steps) }
    }

    fn end(&self) -> &'static str {
        "all of which have windows of one step"
    }
}

fn folded(network: &SpikingNetwork, samples: &Batch) -> Result<Batch, EngineError> {
    FoldedEngine::new(network)?.infer(samples)
}
