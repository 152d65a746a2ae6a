//! Integer networks: a calibrated network in base 2 with its constants rounded to integers, for which
//! [`SpikingNetwork::is_integer`] holds.
//!
//! Every population gets the amplitude `2^(T-1)`, so that a train stands for its code, and a threshold of `2^(T-1)` times
//! an integer number of membrane units. The membrane unit of a channel is chosen so that its weights, folded with what
//! the codes they read stand for, fit into signed bytes with the least error; the read-out has one unit for all results,
//! which a head multiplies back. Rounding is per output channel and symmetric. The construction is ours; the paper has no
//! integer networks.

mod fold;
mod scale;
mod sources;
mod sums;
mod terms;
mod units;

use std::collections::BTreeMap;

use rayon::prelude::*;
use spikeconverter_graph::ops::Affine;
use spikeconverter_graph::{NodeId, Op, Role, Tensor};
use spikeconverter_network::{NetworkBuilder, NodeKind, Population, Readout, SpikingNetwork, Transfer};

pub(crate) use self::scale::quantised_potential;
use self::scale::{common_step, exact_slope, membrane_units, natural, quantised_constant};
use self::sources::Source;
use self::terms::Terms;
use self::units::{Units, channels};
use crate::ConvertError;

/// More membrane units than this in a unit of the code are not needed.
const MOST_UNITS: f32 = (1 << 20) as f32;

/// An integer network.
#[derive(Debug)]
pub(crate) struct Quantised {
    pub(crate) network: SpikingNetwork,
    /// For each node, the node of the trained network whose value it stands for.
    pub(crate) targets: Vec<NodeId>,
    /// What a membrane unit of each listener is in units of the activation: one, or one a channel.
    pub(crate) steps: BTreeMap<NodeId, Vec<f32>>,
}

/// Rounds a calibrated network in base 2 that reads pixels. `targets` says for each node which node of the trained network
/// it stands for.
pub(crate) fn quantise(network: &SpikingNetwork, targets: &[NodeId]) -> Result<Quantised, ConvertError> {
    let input = &network.nodes()[0];
    let builder =
        NetworkBuilder::new(network.time_steps(), input.name.clone(), input.shape.clone(), network.encoding())?;
    let mut sources: Vec<Option<Source>> = vec![None; network.nodes().len()];
    sources[0] = Some(Source { id: builder.input(), units: Units::new(&input.shape, vec![1.0]), magnitude: 1.0 });
    let mut weighted = vec![false; network.nodes().len()];
    for id in network.ids() {
        let node = network.node(id);
        if let NodeKind::Synapse(op) = &node.kind {
            weighted[id.0] = op.role() == Role::Weighted || node.inputs.iter().any(|i| weighted[i.0]);
        }
    }
    let built_targets = vec![targets[0]];
    let mut quantiser =
        Quantiser { network, targets, weighted, builder, built_targets, sources, steps: BTreeMap::new() };
    let mut values: Vec<Option<NodeId>> = vec![None; network.nodes().len()];
    for id in network.ids() {
        let node = network.node(id);
        match &node.kind {
            // built when a listener asks for them
            NodeKind::Input(_) | NodeKind::Synapse(_) | NodeKind::MaxPool(_) => {}
            NodeKind::Population(population) => quantiser.population(id, population)?,
            NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                return Err(quantiser.refused(id, "streaming networks have no integer form yet"));
            }
            NodeKind::Readout(readout) => values[id.0] = Some(quantiser.readout(id, readout)?),
            NodeKind::Head(_) => {
                let inputs: Vec<NodeId> = node.inputs.iter().filter_map(|i| values[i.0]).collect();
                values[id.0] = Some(quantiser.add(id, node.kind.clone(), &inputs)?);
            }
        }
    }
    let output = values[network.output().0].ok_or_else(|| ConvertError::Network("the result has no place".into()))?;
    let Quantiser { builder, built_targets, steps, .. } = quantiser;
    Ok(Quantised { network: builder.finish(output)?, targets: built_targets, steps })
}

struct Quantiser<'a> {
    network: &'a SpikingNetwork,
    targets: &'a [NodeId],
    /// Whether a node has passed weights since the last population.
    weighted: Vec<bool>,
    builder: NetworkBuilder,
    built_targets: Vec<NodeId>,
    /// For each node of the network, the node that carries its integers.
    sources: Vec<Option<Source>>,
    steps: BTreeMap<NodeId, Vec<f32>>,
}

impl Quantiser<'_> {
    /// Adds a node that stands for `id`.
    fn add(&mut self, id: NodeId, kind: NodeKind, inputs: &[NodeId]) -> Result<NodeId, ConvertError> {
        let built = self.builder.add(self.network.node(id).name.clone(), kind, inputs)?;
        self.built_targets.push(self.targets[id.0]);
        Ok(built)
    }

    fn population(&mut self, id: NodeId, population: &Population) -> Result<(), ConvertError> {
        let node = self.network.node(id);
        let count = channels(&node.shape);
        let steps = self.network.time_steps();
        let first_spike = (1u32 << (steps - 1)) as f32;
        let terms = self.terms(node.inputs[0])?;
        let code_units: Vec<f32> = (0..count).map(|c| population.threshold(c) / first_spike).collect();
        let Membranes { units, step, transfer } = membranes(population, &code_units, &terms, steps);
        let (units, transfer) = match transfer {
            Transfer::Leaky { slope } => {
                let exact: Option<Vec<(f32, f32)>> = (0..count)
                    .map(|c| exact_slope(if let [only] = slope.as_slice() { *only } else { slope[c] }, units[c]))
                    .collect();
                let exact = exact.ok_or_else(|| self.refused(id, "a slope is too steep for integers"))?;
                let (units, mut slope): (Vec<f32>, Vec<f32>) = exact.into_iter().unzip();
                if slope.iter().all(|s| *s == slope[0]) {
                    slope.truncate(1);
                }
                (units, Transfer::Leaky { slope })
            }
            other => (units, other),
        };
        let step_of = |c: usize| if let [only] = step.as_slice() { *only } else { step[c] };
        let initial = (0..count).map(|c| quantised_potential(population.initial(c), step_of(c)));
        let rounded = Population {
            transfer,
            base: 2.0,
            threshold: units.iter().map(|unit| unit * first_spike).collect(),
            half_step: population.half_step,
            initial: if population.initial.is_empty() { Vec::new() } else { initial.collect() },
            pool: population.pool.clone(),
            amplitude: Some(first_spike),
            comparison: population.comparison,
            steps: population.steps,
            delay: population.delay,
        };
        let value = units.iter().enumerate().map(|(c, unit)| unit * step_of(c)).collect();
        let input = self.build(&terms, &step)?;
        let built = self.add(id, NodeKind::Population(rounded), &[input])?;
        self.sources[id.0] = Some(Source { id: built, units: Units::new(&node.shape, value), magnitude: 1.0 });
        self.steps.insert(built, step);
        Ok(())
    }

    /// One step for all results, so that they compare; a head puts it back.
    fn readout(&mut self, id: NodeId, readout: &Readout) -> Result<NodeId, ConvertError> {
        let terms = self.terms(self.network.node(id).inputs[0])?;
        let step = common_step(&terms.rows(None));
        let input = self.build(&terms, &[step])?;
        let initial = readout.initial.iter().map(|&v| quantised_potential(v, step)).collect();
        let built = self.add(id, NodeKind::Readout(Readout { initial, ..Readout::default() }), &[input])?;
        self.steps.insert(built, vec![step]);
        let scale = Affine { scale: Some(Tensor::full(Vec::new(), step)), shift: None };
        self.add(id, NodeKind::Head(Op::Affine(scale)), &[built])
    }
}

/// How a population's membranes are counted.
struct Membranes {
    /// Membrane units in a unit of each channel's code.
    units: Vec<f32>,
    /// Size of a membrane unit: one, or one a channel.
    step: Vec<f32>,
    /// With bounds in membrane units.
    transfer: Transfer,
}

fn membranes(population: &Population, code_units: &[f32], terms: &Terms, steps: u32) -> Membranes {
    let largest = ((1u32 << steps) - 1) as f32;
    let saturating = saturation(&population.transfer);
    if terms.by_channel()
        && let Some((bound, transfer)) = saturating
    {
        let fits: Option<Vec<(f32, f32)>> = code_units
            .par_iter()
            .enumerate()
            .map(|(c, &code_unit)| {
                let rows = terms.rows(Some(c));
                // a code that saturates at the bound needs no bound
                let code_unit = code_unit.min(bound / largest);
                (bound.is_infinite() || natural(&rows) <= code_unit).then(|| membrane_units(code_unit, &rows))
            })
            .collect();
        if let Some(fits) = fits {
            let (units, step) = fits.into_iter().unzip();
            return Membranes { units, step, transfer };
        }
    }
    let reach = code_units.iter().fold(0.0f32, |m, u| m.max(*u));
    let step = common_step(&terms.rows(None)).max(reach / MOST_UNITS);
    let units = code_units.iter().map(|u| (u / step).round().clamp(1.0, MOST_UNITS)).collect();
    let transfer = match &population.transfer {
        Transfer::Clip { low, high } => {
            let rounded = |bound: Option<f32>| bound.map(|bound| quantised_constant(bound, step));
            Transfer::Clip { low: rounded(*low), high: rounded(*high) }
        }
        other => other.clone(),
    };
    Membranes { units, step: vec![step], transfer }
}

/// The transfer that is left of one whose bound the code's saturation takes over, with that bound. `None` where it cannot.
fn saturation(transfer: &Transfer) -> Option<(f32, Transfer)> {
    match *transfer {
        Transfer::Clip { low: Some(0.0), high } if high.is_none_or(|high| high > 0.0) => {
            Some((high.unwrap_or(f32::INFINITY), Transfer::Relu))
        }
        Transfer::Clip { low: None, high: None } => Some((f32::INFINITY, Transfer::linear())),
        Transfer::Clip { low: Some(low), high: Some(high) } if high > 0.0 && low == -high => {
            Some((high, Transfer::linear()))
        }
        Transfer::Clip { .. } => None,
        Transfer::Relu | Transfer::Leaky { .. } => Some((f32::INFINITY, transfer.clone())),
    }
}
