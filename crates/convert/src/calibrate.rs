//! Calibration: layer by layer through the spiking network and the trained network side by side, on the same samples.
//!
//! A population's parameters are fitted to what the spiking layers before it really deliver, so that each layer takes
//! back what it can of the error it inherits.

pub(crate) mod ann;
mod cholesky;
mod correct;
mod fit;
pub(crate) mod fixed;
mod least_squares;
mod network;
mod route;

use spikeconverter_engine::kernels::compile;
use spikeconverter_engine::{Batch, generate};
use spikeconverter_graph::{Graph, NodeId, Op};
use spikeconverter_network::{NodeKind, Population, Readout, SpikingNetwork, Transfer};

use self::ann::AnnValues;
pub(crate) use self::correct::{correct, in_activation_units, scaled};
use self::fit::fit;
pub(crate) use self::fit::mean_difference;
use self::fixed::report_on;
pub(crate) use self::least_squares::{Aim, fit as fit_weights};
use self::network::calibrate_network;
pub(crate) use self::route::{Route, routes};
use crate::copies::{Copies, staggered};
use crate::lower::Lowered;
use crate::{Conversion, ConvertError, LayerReport, Options, WeightCalibration};

/// What is done with each listener on the way through the network.
trait Fitter {
    /// Whether synapses are changed.
    fn changes_synapses(&self) -> bool {
        false
    }

    /// A synapse with weights and biases changed so that what it reads gives the membranes aimed at, if that is better.
    fn synapse(&mut self, _op: &Op, _input: &Batch, _aim: &Aim<'_>) -> Option<Op> {
        None
    }

    /// The population with its parameters changed to suit its (pooled) membranes and the activations wanted.
    fn population(&mut self, id: NodeId, population: &Population, membranes: &Batch, wanted: &Batch) -> Population;

    /// Told what the changed population sends, decoded; of copies their mean, once all are there.
    fn sent(&mut self, id: NodeId, population: &Population, sent: &Batch, wanted: &Batch) -> Result<(), ConvertError>;

    /// The read-out that suits what it accumulates and the results wanted.
    fn readout(&mut self, id: NodeId, readout: &Readout, found: &Batch, wanted: &Batch) -> Readout;
}

/// Fits all populations and the read-out. `progress` is told the number of layers done; calibrating all together counts as much
/// as all layers one by one (see [`turns`]).
pub(crate) fn calibrate(
    lowered: &Lowered,
    graph: &Graph,
    samples: &Batch,
    options: &Options,
    progress: &mut dyn FnMut(usize) -> Result<(), ConvertError>,
) -> Result<Conversion, ConvertError> {
    let mut fitter = Calibration { lowered, options, fitted: None, layers: Vec::new(), progress };
    let whole = (&lowered.network, lowered.targets.as_slice(), &lowered.copies);
    let network = walk(whole, graph, samples, &mut fitter)?;
    let layers = fitter.layers;
    if options.implied_weight_calibration() == WeightCalibration::Network {
        let mut told = |step: usize, steps: usize| progress(layers.len() + layers.len() * step / steps.max(1));
        let network = calibrate_network(network, lowered, graph, samples, options.bias_correction, &mut told)?;
        return report_on(&network, lowered, graph, samples, &mut |_| Ok(()));
    }
    Ok(Conversion { network, layers, samples: samples.count() })
}

/// How often a calibration with these options goes through the layers, as its progress counts.
pub(crate) fn turns(options: &Options) -> usize {
    if options.implied_weight_calibration() == WeightCalibration::Network { 2 } else { 1 }
}

/// Bases, thresholds and initial potentials.
struct Calibration<'a> {
    lowered: &'a Lowered,
    options: &'a Options,
    /// The last that was fitted, for itself and its copies.
    fitted: Option<Population>,
    layers: Vec<LayerReport>,
    progress: &'a mut dyn FnMut(usize) -> Result<(), ConvertError>,
}

impl Fitter for Calibration<'_> {
    fn changes_synapses(&self) -> bool {
        self.options.implied_weight_calibration() > WeightCalibration::None
    }

    fn synapse(&mut self, op: &Op, input: &Batch, aim: &Aim<'_>) -> Option<Op> {
        fit_weights(op, input, aim)
    }

    fn population(&mut self, id: NodeId, population: &Population, membranes: &Batch, wanted: &Batch) -> Population {
        let copies = &self.lowered.copies;
        let fitted = match self.fitted.take() {
            Some(fitted) if !copies.is_first(id) => fitted,
            _ => fit(population, membranes, wanted, copies.count(id), self.options),
        };
        let Some(copy) = copies.of(id) else { return fitted };
        let channels = membranes.shape().first().copied().unwrap_or(1);
        let own = staggered(&fitted, copy, channels, self.options.time_steps);
        self.fitted = Some(fitted);
        own
    }

    fn sent(&mut self, id: NodeId, population: &Population, sent: &Batch, wanted: &Batch) -> Result<(), ConvertError> {
        // of copies what was fitted for all
        let population = self.fitted.as_ref().filter(|_| self.lowered.copies.of(id).is_some()).unwrap_or(population);
        self.layers.push(report_of(self.lowered, id, population, sent, wanted));
        (self.progress)(self.layers.len())
    }

    fn readout(&mut self, _: NodeId, _: &Readout, found: &Batch, wanted: &Batch) -> Readout {
        let initial = if self.options.bias_correction { mean_difference(wanted, found) } else { Vec::new() };
        Readout { initial, ..Readout::default() }
    }
}

/// Runs samples through the network layer by layer, and changes each listener on the way. `whole` is the network, for each node
/// which node of the trained network it stands for, and which populations are copies.
fn walk(
    (network, targets, copies): (&SpikingNetwork, &[NodeId], &Copies),
    graph: &Graph,
    samples: &Batch,
    fitter: &mut dyn Fitter,
) -> Result<SpikingNetwork, ConvertError> {
    let listens = |id: &NodeId| matches!(network.node(*id).kind, NodeKind::Population(_) | NodeKind::Readout(_));
    let mut wanted: Vec<NodeId> = network.ids().filter(listens).map(|id| targets[id.0]).collect();
    let mut routes =
        if fitter.changes_synapses() { routes(network, copies) } else { vec![None; network.nodes().len()] };
    for (id, route) in network.ids().zip(&routes) {
        let Some(route) = route else { continue };
        wanted.push(targets[route.membrane.0]);
        wanted.extend(route.beside.iter().filter(|other| **other > id).map(|other| targets[other.0]));
    }
    let mut ann = AnnValues::new(graph, &wanted, samples)?;
    let mut values: Vec<Option<Batch>> = vec![None; network.nodes().len()];
    let mut fitted: Vec<Option<NodeKind>> = vec![None; network.nodes().len()];
    let mut of_copies: Option<Batch> = None;
    let consumers = network.consumers();
    values[0] = Some(samples.clone());
    for id in network.ids().skip(1) {
        let node = network.node(id);
        if values[id.0].is_some() {
            continue; // the mean of copies, which is there since the last of them
        }
        let gone = || ConvertError::Network(format!("the input of node `{}` is gone", node.name));
        let apply = |op: &Op| {
            let inputs: Vec<&Batch> = node.inputs.iter().filter_map(|i| values[i.0].as_ref()).collect();
            let shapes: Vec<&[usize]> = inputs.iter().map(|batch| batch.shape()).collect();
            compile(op, &shapes)?.named(format!("node `{}`", node.name)).run(&inputs)
        };
        let result = match &node.kind {
            NodeKind::Input(_) | NodeKind::Head(_) => None,
            NodeKind::Synapse(op) => {
                let changed = match (routes[id.0].take(), node.inputs.as_slice()) {
                    (Some(route), &[input]) => {
                        let input = values[input.0].as_ref().ok_or_else(gone)?;
                        let wanted = ann.take(targets[route.membrane.0])?;
                        let mut beside = None;
                        for other in &route.beside {
                            // what is not there yet is taken to be right
                            let later = if *other > id { Some(ann.take(targets[other.0])?) } else { None };
                            let other = later.as_ref().or(values[other.0].as_ref()).ok_or_else(gone)?;
                            beside = Some(sum(beside, other));
                        }
                        let (low, high) = bounds(network, &route);
                        fitter.synapse(op, input, &Aim { wanted: &wanted, beside: beside.as_ref(), low, high })
                    }
                    _ => None,
                };
                let result = apply(changed.as_ref().unwrap_or(op))?;
                fitted[id.0] = changed.map(NodeKind::Synapse);
                Some(result)
            }
            NodeKind::MaxPool(pool) => Some(apply(&Op::MaxPool(pool.clone()))?),
            NodeKind::Population(population) => {
                let input = node.inputs[0];
                let membranes = match &population.pool {
                    Some(pool) => apply(&Op::MaxPool(pool.clone()))?,
                    None if consumers[input.0].last() == Some(&id) => values[input.0].take().ok_or_else(gone)?,
                    None => values[input.0].clone().ok_or_else(gone)?,
                };
                let wanted = ann.take(targets[id.0])?;
                let population = fitter.population(id, population, &membranes, &wanted);
                let (sent, _) = generate(&population, network.time_steps(), membranes)?;
                let copy = copies.of(id);
                let sent = match copy {
                    None => Some(sent),
                    Some(copy) => copy.joined(sent, &mut of_copies),
                };
                if let Some(sent) = &sent {
                    fitter.sent(copy.map_or(id, |copy| copy.first), &population, sent, &wanted)?;
                }
                fitted[id.0] = Some(NodeKind::Population(population));
                match copy {
                    None => sent,
                    Some(copy) => {
                        values[copy.mean.0] = sent;
                        None
                    }
                }
            }
            NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                return Err(ConvertError::Network("a streaming network has no windows to fit".into()));
            }
            NodeKind::Readout(readout) => {
                let wanted = ann.take(targets[id.0])?;
                let found = values[node.inputs[0].0].as_ref().ok_or_else(gone)?;
                fitted[id.0] = Some(NodeKind::Readout(fitter.readout(id, readout, found, &wanted)));
                None
            }
        };
        values[id.0] = result;
        for input in &node.inputs {
            if consumers[input.0].last() == Some(&id) {
                values[input.0] = None;
            }
        }
    }
    Ok(network.with_kinds(|id, kind| fitted[id.0].take().unwrap_or_else(|| kind.clone()))?)
}

/// The membranes beyond which a synapse's listener does not tell one from another.
pub(crate) fn bounds(network: &SpikingNetwork, route: &Route) -> (f32, f32) {
    let listener = route.listener.map(|id| &network.node(id).kind);
    let (low, high) = match listener {
        Some(NodeKind::Population(Population { transfer: Transfer::Relu, .. })) => (Some(0.0), None),
        Some(&NodeKind::Population(Population { transfer: Transfer::Clip { low, high }, .. })) => (low, high),
        _ => (None, None),
    };
    (low.unwrap_or(f32::NEG_INFINITY), high.unwrap_or(f32::INFINITY))
}

/// `sum`, if there is one, and `more`.
pub(crate) fn sum(sum: Option<Batch>, more: &Batch) -> Batch {
    let Some(mut sum) = sum else { return more.clone() };
    sum.data_mut().iter_mut().zip(more.data()).for_each(|(sum, x)| *sum += x);
    sum
}

/// [`report`] on the first of the populations for an activation, with what all send.
pub(crate) fn report_of(
    lowered: &Lowered,
    first: NodeId,
    population: &Population,
    sent: &Batch,
    wanted: &Batch,
) -> LayerReport {
    let report = report(&lowered.network, first, population, sent, wanted);
    LayerReport { neurons: report.neurons * lowered.copies.count(first) as usize, ..report }
}

fn report(network: &SpikingNetwork, id: NodeId, population: &Population, sent: &Batch, wanted: &Batch) -> LayerReport {
    let node = network.node(id);
    let pairs = || wanted.data().iter().zip(sent.data());
    let square = |x: f32| f64::from(x) * f64::from(x);
    let power: f64 = pairs().map(|(a, _)| square(*a)).sum();
    let error: f64 = pairs().map(|(a, q)| square(a - q)).sum();
    let (threshold_min, threshold_max) = population.threshold_range();
    LayerReport {
        name: node.name.clone(),
        neurons: node.shape.iter().product(),
        base: population.base,
        threshold_min,
        threshold_max,
        signed: population.is_signed(),
        error: if power > 0.0 { error / power } else { 0.0 },
        largest_correction: population.initial.iter().fold(0.0, |m, x| m.max(x.abs())),
    }
}
