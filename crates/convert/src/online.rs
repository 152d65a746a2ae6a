//! Networks whose populations generate while they listen, from networks whose populations hear all first.
//!
//! Weights, thresholds and potentials are those of temporal separation: an online neuron sends the same number as soon as it
//! has heard everything early enough. What it needs on top is room to take back what it fired too early, and large activations
//! have none: one that fires in every step can be no larger than it looks. So thresholds may be raised, which gives room and
//! costs resolution; how far is tried on calibration samples, without labels.

use std::collections::BTreeMap;

use spikeconverter_engine::{Batch, ClockedEngine, Engine, EngineError};
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{NodeKind, Population, SpikingNetwork};
use spikeconverter_neuron::WindowCode;

use crate::calibrate::ann::AnnValues;
use crate::calibrate::report_of;
use crate::copies::{self, Member};
use crate::hasten::{Way, hasten};
use crate::lower::Lowered;
use crate::trial::Trial;
use crate::{Base, Conversion, ConvertError, Options, Weights};

/// Samples on which networks are tried.
const SAMPLES: usize = 64;
/// Multiply-accumulate operations for trying a layer: deep networks are tried on fewer samples.
const TRIAL_OPERATIONS: u64 = 20_000_000_000;
/// Samples that a layer is tried on at least.
const FEWEST_SAMPLES: usize = 16;
/// Factors of all thresholds that are tried.
const HEADROOM: [f32; 3] = [1.0, 1.4, 2.0];
/// Base for a delay of one step. The rest that a neuron did not hear when it first fires is `k^-δ` of its input, and what later
/// spikes can take back grows as `k` falls: with `k = 2` neither is enough for one step (docs, "Below the window").
const BASE_OF_ONE_STEP: f32 = 1.5;

impl Options {
    /// The delay, where populations do not hear all first.
    pub(crate) fn online_delay(&self) -> Option<u32> {
        self.delay.filter(|&delay| delay < self.time_steps)
    }

    /// Checks the delay.
    ///
    /// # Errors
    /// [`ConvertError::Option`] where it is out of range, or what it does not combine with is asked for.
    pub(crate) fn check_delay(&self) -> Result<(), ConvertError> {
        let refused = |reason: String| Err(ConvertError::Option { option: "--delay", reason });
        match self.delay {
            Some(delay) if !(1..=self.time_steps).contains(&delay) => refused(format!(
                "{delay} steps; populations with windows of {steps} steps fire after 1 to {steps}",
                steps = self.time_steps
            )),
            _ if self.online_delay().is_none() => Ok(()),
            _ if self.weights == Weights::I8 => {
                refused("integer networks hear all before they fire; leave --delay out or choose --weights f32".into())
            }
            _ if !self.half_step => refused(
                "a neuron that fires before it heard all rounds to the nearest; leave --no-half-step out".into(),
            ),
            _ => Ok(()),
        }
    }

    /// Refuses a delay, for methods whose neurons have none.
    ///
    /// # Errors
    /// [`ConvertError::Option`] where there is one.
    pub(crate) fn check_no_delay(&self) -> Result<(), ConvertError> {
        let option = match (self.delay, self.max_latency) {
            (None, None) => return Ok(()),
            (Some(_), _) => "--delay",
            (None, Some(_)) => "--max-latency",
        };
        let reason = "is of the windows of --method spikeconverter; leave it out".to_owned();
        Err(ConvertError::Option { option, reason })
    }

    /// Checks that the base suits maxima of trains, before anything is calibrated.
    ///
    /// # Errors
    /// [`ConvertError::Option`] with the node and the bases there are.
    pub(crate) fn check_maxima(&self, lowered: &Lowered) -> Result<(), ConvertError> {
        let Base::Fixed(base) = self.implied_base() else { return Ok(()) };
        let fits = base == 2.0 || (self.online_delay().is_none() && (base < 2.0 || base == WindowCode::LARGEST_BASE));
        let nodes = lowered.network.nodes();
        let Some(maximum) = nodes.iter().find(|node| matches!(node.kind, NodeKind::MaxPool(_)) && !fits) else {
            return Ok(());
        };
        let bases = if self.online_delay().is_some() { "--base 2" } else { "--base up to 2, or 3" };
        let reason = format!("{base} has no maximum of spike trains, which node `{}` is; choose {bases}", maximum.name);
        Err(ConvertError::Option { option: "--base", reason })
    }

    /// How many networks are tried, or parts of one, of so many populations, to make one with a delay.
    pub(crate) fn online_turns(&self, populations: usize) -> usize {
        match (self.online_delay(), self.max_latency) {
            (None, _) => 0,
            (Some(_), None) => HEADROOM.len(),
            (Some(_), Some(_)) => HEADROOM.len() + populations,
        }
    }

    /// The base where an online network was asked for and none was named.
    pub(crate) fn online_base(&self) -> Option<Base> {
        self.online_delay().map(|delay| Base::Fixed(if delay == 1 { BASE_OF_ONE_STEP } else { 2.0 }))
    }
}

/// The converted network with populations that fire after the options' delay, some of them earlier where a latency is asked
/// for. `progress` is told of each trial, and whether it is one of those that [`Options::online_turns`] counts.
pub(crate) fn online(
    conversion: Conversion,
    lowered: &Lowered,
    graph: &Graph,
    samples: &Batch,
    delay: u32,
    options: &Options,
    progress: &mut dyn FnMut(bool) -> Result<(), ConvertError>,
) -> Result<Conversion, ConvertError> {
    let samples = samples.first(SAMPLES);
    let output = conversion.network.output();
    let wanted = AnnValues::new(graph, &[lowered.targets[output.0]], &samples)?.take(lowered.targets[output.0])?;
    let trial = Trial { samples: &samples, wanted: &wanted, correct: options.bias_correction, run: clocked };
    let mut best: Option<(f64, SpikingNetwork)> = None;
    for factor in HEADROOM {
        let network = raised(&conversion.network, lowered, factor)?.with_delay(Some(delay))?;
        let (error, network) = trial.run(&network)?;
        if best.as_ref().is_none_or(|(least, _)| error < *least) {
            best = Some((error, network));
        }
        progress(true)?;
    }
    let mut network = best.map_or(conversion.network, |(_, network)| network);
    if let Some(most) = options.max_latency {
        let operations = graph.macs().saturating_mul(u64::from(options.time_steps)).max(1);
        let count = usize::try_from(TRIAL_OPERATIONS / operations).unwrap_or(SAMPLES).clamp(FEWEST_SAMPLES, SAMPLES);
        let few = Trial { samples: &samples.first(count), wanted: &wanted.first(count), ..trial };
        let way = Earlier { delay, steps: options.time_steps };
        network = hasten(network, &lowered.copies, &way, &few, most, &mut *progress)?;
        (_, network) = trial.run(&network)?;
    }
    survey(network, lowered, graph, &samples, conversion.samples)
}

/// A layer takes a step less by firing a step earlier, which wants more room for corrections.
struct Earlier {
    /// Of populations that have none of their own.
    delay: u32,
    steps: u32,
}

impl Earlier {
    fn delay(&self, population: &Population) -> u32 {
        population.delay.unwrap_or(self.delay)
    }
}

impl Way for Earlier {
    fn factors(&self) -> &[f32] {
        &HEADROOM
    }

    fn is_open(&self, population: &Population) -> bool {
        self.delay(population) > 1
    }

    fn changed(&self, population: &Population, copy: Option<Member>, factor: f32) -> Population {
        let delay = self.delay(population).saturating_sub(1).max(1);
        Population { delay: Some(delay), ..copies::raised(population, copy, factor, self.steps) }
    }
}

fn clocked(network: &SpikingNetwork, samples: &Batch) -> Result<Batch, EngineError> {
    ClockedEngine::new(network)?.infer(samples)
}

/// The network with thresholds times a factor. A bound that the code could not reach may now be needed again.
fn raised(network: &SpikingNetwork, lowered: &Lowered, factor: f32) -> Result<SpikingNetwork, ConvertError> {
    Ok(network.with_kinds(|id, kind| match (kind, &lowered.network.node(id).kind) {
        (NodeKind::Population(population), NodeKind::Population(plain)) => NodeKind::Population(Population {
            transfer: plain.transfer.clone(),
            ..copies::raised(population, lowered.copies.of(id), factor, network.time_steps())
        }),
        _ => kind.clone(),
    })?)
}

/// Reports on what the populations really send.
fn survey(
    network: SpikingNetwork,
    lowered: &Lowered,
    graph: &Graph,
    samples: &Batch,
    used: usize,
) -> Result<Conversion, ConvertError> {
    let steps = network.time_steps();
    let mut sent: BTreeMap<NodeId, Vec<f32>> = BTreeMap::new();
    let decode = |id: NodeId, codes: &Batch<i32>| {
        let NodeKind::Population(population) = &network.node(id).kind else { return Vec::new() };
        let inner = codes.volume() / codes.shape().first().copied().unwrap_or(1).max(1);
        let value = |(n, code): (usize, &i32)| population.decode_signed(*code, n / inner.max(1), steps) as f32;
        codes.samples().flat_map(|codes| codes.iter().enumerate().map(value)).collect::<Vec<f32>>()
    };
    ClockedEngine::new(&network)?
        .run(samples, &mut |id, codes| sent.entry(id).or_default().extend(decode(id, codes)))?;
    let targets: Vec<NodeId> = network.populations().map(|(id, _)| lowered.targets[id.0]).collect();
    let mut ann = AnnValues::new(graph, &targets, samples)?;
    let mut layers = Vec::new();
    let mut of_copies: Option<Batch> = None;
    for (id, population) in network.populations() {
        let data = sent.remove(&id).unwrap_or_default();
        let mut sent = Batch::new(samples.count(), network.node(id).shape.clone(), data)?;
        let wanted = ann.take(lowered.targets[id.0])?;
        let mut named = id;
        if let Some(copy) = lowered.copies.of(id) {
            let Some(all) = copy.joined(sent, &mut of_copies) else { continue };
            (sent, named) = (all, copy.first);
        }
        let mut layer = report_of(lowered, named, population, &sent, &wanted);
        layer.signed = true;
        layers.push(layer);
    }
    Ok(Conversion { network, layers, samples: used })
}
