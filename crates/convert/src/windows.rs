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

    /// Checks that a latency can be reached, before anything is calibrated.
    ///
    /// # Errors
    /// [`ConvertError::Option`] with the least latency there is.
    pub(crate) fn check_latency(&self, lowered: &Lowered) -> Result<(), ConvertError> {
        let Some(most) = self.max_latency else { return Ok(()) };
        let (least, how) = if self.online_delay().is_some() {
            let earliest = lowered.network.with_delay(Some(1))?;
            (Schedule::new(&earliest).latency_steps, "every layer fires after one")
        } else {
            (least_latency(&lowered.network)?, "every layer has a window of one")
        };
        if least <= most {
            return Ok(());
        }
        let reason = format!("{most} steps; {least} are the least, where {how}");
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

/// The fewest steps to the result that windows of the layers' own can give.
///
/// # Errors
/// As [`window_latency`].
pub fn least_window_latency(graph: &Graph, options: &Options) -> Result<u32, ConvertError> {
    least_latency(&lower(graph, options.time_steps, options.encoding)?.network)
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
        let mut shorter = Population { steps: Some(steps), ..population.clone() };
        let ranges = population.code(self.steps).range() / shorter.code(self.steps).range();
        shorter.threshold.iter_mut().for_each(|threshold| *threshold *= factor * ranges as f32);
        copies::restaggered(population, shorter, copy, self.steps)
    }
}

fn folded(network: &SpikingNetwork, samples: &Batch) -> Result<Batch, EngineError> {
    FoldedEngine::new(network)?.infer(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copies::{Copies, copied, staggered};

    /// A copy whose window lost a step is the copy of a population that lost it.
    #[test]
    fn copies_keep_their_stagger() {
        let mut builder = spikeconverter_graph::GraphBuilder::new();
        let x = builder.input("x", vec![2]).unwrap();
        let relu = spikeconverter_graph::Op::Activation(spikeconverter_graph::ops::Activation::Relu);
        let y = builder.add("relu", relu, &[x]).unwrap();
        let graph = builder.finish(vec![y]).unwrap();
        let lowered = copied(lower(&graph, 4, crate::Options::default().encoding).unwrap(), 2).unwrap();
        let copies: &Copies = &lowered.copies;
        let plain = Population { threshold: vec![1.5, 0.5], ..Population::default() };
        let way = Shorter { steps: 4 };
        for (id, _) in lowered.network.populations() {
            let copy = copies.of(id).unwrap();
            let found = way.changed(&staggered(&plain, copy, 2, 4), Some(copy), 0.85);
            let wanted = staggered(&way.changed(&plain, None, 0.85), copy, 2, 4);
            assert_eq!((found.steps, &found.threshold), (Some(3), &wanted.threshold));
            let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
            assert!(found.initial.iter().zip(&wanted.initial).all(close), "{found:?} {wanted:?}");
        }
    }
}
