//! Streaming methods as compositions: a neuron model, a threshold rule, a start, a calibration, and how maxima are taken.
//!
//! A method's file in `methods` says which parts its paper has; options replace any of them. Here is what the parts do.

mod calibration;
mod combinations;
mod draft;
mod initial;
mod neuron;
mod parts;
mod recipe;
mod simulate;
mod tapes;
mod threshold;
mod transmission;

use spikeconverter_engine::Batch;
use spikeconverter_engine::kernels::compile;
use spikeconverter_graph::{Graph, NodeId, Op};
use spikeconverter_network::{Encoding, Node, NodeKind, Population};
use spikeconverter_neuron::StreamCoding;

use self::calibration::{Deliveries, calibrate, fit, readout};
pub use self::combinations::{Combination, combinations};
use self::draft::{Decision, Draft};
pub use self::parts::{
    CalibrationRule, InitialRule, MaxPoolRule, NeuronRule, Part, Parts, RehearsalRule, ThresholdRule,
};
pub use self::recipe::RecipeInfo;
pub(crate) use self::recipe::{Recipe, USUAL_REHEARSAL, levels};
use self::threshold::model::{Bounds, reach};
use self::threshold::{Layer, thresholds};
pub(crate) use self::transmission::Transmission;
use crate::calibrate::ann::AnnValues;
use crate::calibrate::{Route, routes, sum};
use crate::copies::Copies;
use crate::lower::{Lowered, lower};
use crate::{Conversion, ConvertError, LayerReport, Options, Weights};

/// Converts a trained network by a recipe, with the parts that the options replace.
pub(crate) fn convert(
    recipe: Recipe,
    graph: &Graph,
    calibration: &Batch,
    options: &Options,
    progress: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
) -> Result<Conversion, ConvertError> {
    options.check()?;
    options.check_no_delay()?;
    options.check_no_copies()?;
    let recipe = recipe.with(options)?;
    if options.encoding != Encoding::Analog && recipe.coding() != StreamCoding::Rate {
        let reason = format!("{} coding takes samples as analog currents; use --input analog", recipe.coding().name());
        return Err(ConvertError::Option { option: "--input", reason });
    }
    if options.encoding != Encoding::Analog && recipe.rehearsal().is_some() {
        let reason = "a rehearsal takes samples as analog currents; use --input analog, or --rehearsal none".to_owned();
        return Err(ConvertError::Option { option: "--input", reason });
    }
    if options.weights != Weights::F32 {
        let reason = "integer networks are converted by --method spikeconverter".to_owned();
        return Err(ConvertError::Option { option: "--weights", reason });
    }
    if calibration.count() == 0 {
        return Err(ConvertError::NoCalibration);
    }
    // where populations stand does not depend on what pixels are sent as
    let pixels = options.encoding.takes_pixels();
    let lowered = lower(graph, 1, if pixels { Encoding::Pixels } else { Encoding::Analog })?;
    let mut builder = Builder::new(recipe, graph, &lowered, calibration, options)?;
    let layers: Vec<NodeId> = lowered.network.spiking().collect();
    let mut reports = Vec::new();
    for id in lowered.network.ids() {
        match &lowered.network.node(id).kind {
            NodeKind::Population(population) => {
                reports.push(builder.decide(id, population)?);
                progress(reports.len(), layers.len())?;
            }
            NodeKind::Synapse(op) => builder.fit_synapse(id, op)?,
            NodeKind::Readout(_) => builder.correct_readout(id)?,
            _ => {}
        }
        builder.advance(id)?;
    }
    Ok(Conversion { network: builder.draft.finish()?, layers: reports, samples: calibration.count() })
}

/// A conversion under way.
struct Builder<'a> {
    draft: Draft<'a>,
    lowered: &'a Lowered,
    ann: AnnValues<'a>,
    options: &'a Options,
    transmission: Transmission,
    /// Bounds of all values so far, where thresholds come from weights.
    bounds: Option<Bounds>,
    /// For each node, the way to its membranes where it is a synapse whose weights are to be fitted.
    routes: Vec<Option<Route>>,
}

impl<'a> Builder<'a> {
    fn new(
        recipe: Recipe,
        graph: &'a Graph,
        lowered: &'a Lowered,
        calibration: &Batch,
        options: &'a Options,
    ) -> Result<Self, ConvertError> {
        let network = &lowered.network;
        // what a population listens to, rather than what it stands for, which may be a maximum of its neurons
        let listens = |id: &NodeId| matches!(network.node(*id).kind, NodeKind::Population(_) | NodeKind::Readout(_));
        let mut wanted: Vec<NodeId> =
            network.ids().filter(listens).map(|id| lowered.targets[network.node(id).inputs[0].0]).collect();
        let fits = recipe.calibration.fits_weights();
        let routes = if fits { routes(network, &Copies::default()) } else { vec![None; network.nodes().len()] };
        for (id, route) in network.ids().zip(&routes) {
            let Some(route) = route else { continue };
            wanted.push(lowered.targets[route.membrane.0]);
            wanted.extend(route.beside.iter().filter(|other| **other > id).map(|other| lowered.targets[other.0]));
        }
        let simulated = simulate::samples(graph, network.spiking().count(), &recipe, options.time_steps, calibration)?;
        let model = recipe.threshold == ThresholdRule::Model;
        let bounds = if model { Some(Bounds::new(network.nodes().len(), calibration)?) } else { None };
        Ok(Self {
            draft: Draft::new(network, recipe, options, simulated),
            lowered,
            ann: AnnValues::new(graph, &wanted, calibration)?,
            options,
            transmission: Transmission::new(&recipe, options.time_steps),
            bounds,
            routes,
        })
    }

    /// The trained network's value of what a node listens to.
    fn listened(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        let input = self.lowered.network.node(id).inputs[0];
        self.ann.take(self.lowered.targets[input.0])
    }

    /// Of values for all samples, those of the samples that are simulated.
    fn simulated(&self, values: &Batch) -> Result<Batch, ConvertError> {
        Ok(simulate::subset(values, self.draft.samples().count())?)
    }

    /// The trained network's value of a node on the samples that are simulated.
    fn trained(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        let values = self.ann.take(self.lowered.targets[id.0])?;
        self.simulated(&values)
    }

    /// Fits a synapse's weights, where calibration does.
    fn fit_synapse(&mut self, id: NodeId, op: &Op) -> Result<(), ConvertError> {
        let Some(route) = self.routes[id.0].take() else { return Ok(()) };
        let wanted = self.trained(route.membrane)?;
        let mut later = None;
        for &other in route.beside.iter().filter(|&&other| other > id) {
            later = Some(sum(later, &self.trained(other)?));
        }
        let deliveries = Deliveries { route: &route, wanted: &wanted, later };
        fit(&mut self.draft, id, op, deliveries)
    }

    /// Decides a population.
    fn decide(&mut self, id: NodeId, population: &Population) -> Result<LayerReport, ConvertError> {
        let mut activations = self.listened(id)?;
        activate(&mut activations, population);
        let recipe = *self.draft.recipe();
        // where the maximum comes first, the neurons are those of its result
        if let Some(pool) = self.draft.pool_in_front(population) {
            let op = Op::MaxPool(pool.clone());
            activations = compile(&op, &[activations.shape()])?.run(&[&activations])?;
        }
        let layer = Layer {
            activations: &activations,
            transfer: &population.transfer,
            transmission: self.transmission,
            percentile: self.options.percentile,
            found: self.found(id, population)?,
        };
        let threshold = thresholds(&recipe, &layer);
        let mut decision = Decision::thresholds(threshold);
        decision.start(recipe.initial, &self.transmission, activations.shape());
        self.draft.decide(id, decision);
        let wanted = self.simulated(&activations)?;
        calibrate(&mut self.draft, id, &wanted)?;
        let node = self.lowered.network.node(id);
        let decision = self.draft.decision(id).ok_or_else(|| undecided(node))?;
        Ok(report(node, population, decision, &activations, &self.transmission))
    }

    /// What a rule looks at beside activations: bounds of the currents, or the largest inputs of a step.
    fn found(&mut self, id: NodeId, population: &Population) -> Result<Option<Vec<f32>>, ConvertError> {
        let Recipe { threshold, granularity, .. } = *self.draft.recipe();
        match threshold {
            ThresholdRule::Model => {
                let input = self.lowered.network.node(id).inputs[0];
                let bounds = self.bounds.as_ref().and_then(|bounds| bounds.of(input));
                let Some(currents) = bounds else { return Ok(None) };
                Ok(Some(match self.draft.pool_in_front(population) {
                    Some(pool) => reach(&currents.pooled(pool)?, population, granularity),
                    None => reach(currents, population, granularity),
                }))
            }
            ThresholdRule::SpikeNorm | ThresholdRule::Rmp => {
                let steps = simulate::steps(self.options.time_steps);
                self.draft.largest_input(id, granularity, steps).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Corrects the read-out, where calibration corrects biases.
    fn correct_readout(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let wanted = self.listened(id)?;
        if matches!(self.draft.recipe().calibration, CalibrationRule::None | CalibrationRule::Compensation) {
            return Ok(());
        }
        let wanted = self.simulated(&wanted)?;
        readout(&mut self.draft, id, &wanted)
    }

    /// Carries bounds on through a node that is done.
    fn advance(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let Some(bounds) = &mut self.bounds else { return Ok(()) };
        let node = self.lowered.network.node(id);
        match &node.kind {
            NodeKind::Synapse(op) => bounds.synapse(id, self.draft.weighed(id, op), &node.inputs)?,
            NodeKind::MaxPool(pool) => bounds.pool(id, pool, node.inputs[0])?,
            NodeKind::Population(population) => {
                let front = self.draft.pool_in_front(population).is_some();
                let shape = if front { &node.shape } else { &self.lowered.network.node(node.inputs[0]).shape };
                let threshold = self.draft.decision(id).map_or(&[1.0][..], |decision| &decision.threshold);
                let range = self.transmission.range().min(1.0) as f32;
                bounds.population(id, population, shape, threshold, range)?;
                if let Some(pool) = population.pool.as_ref().filter(|_| !front) {
                    bounds.pool(id, pool, id)?;
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A population is read before it is decided.
fn undecided(node: &Node) -> ConvertError {
    ConvertError::Network(format!("node `{}` is read before its thresholds are known", node.name))
}

/// The channel of a neuron.
fn channel(neuron: usize, shape: &[usize]) -> usize {
    neuron / shape.get(1..).map_or(1, |rest| rest.iter().product::<usize>()).max(1)
}

/// Applies a population's activation function to what its neurons listen to.
fn activate(values: &mut Batch, population: &Population) {
    let shape = values.shape().to_vec();
    let inner = shape.get(1..).map_or(1, |rest| rest.iter().product::<usize>()).max(1);
    let channels = shape.first().copied().unwrap_or(1);
    for (row, values) in values.data_mut().chunks_mut(inner).enumerate() {
        for v in values {
            *v = population.transfer.apply(f64::from(*v), row % channels) as f32;
        }
    }
}

/// What was decided of a population, with the error of the code itself: of constant currents, one spike's rounding.
fn report(
    node: &Node,
    population: &Population,
    decision: &Decision,
    activations: &Batch,
    transmission: &Transmission,
) -> LayerReport {
    let inner = activations.volume() / decision.threshold.len().max(1);
    let (mut power, mut error) = (0.0, 0.0);
    for sample in activations.samples() {
        for (values, &threshold) in sample.chunks(inner.max(1)).zip(&decision.threshold) {
            for &a in values {
                let a = f64::from(a.abs());
                power += a * a;
                error += (transmission.transmit(a, f64::from(threshold)) - a).powi(2);
            }
        }
    }
    let range = |(low, high): (f32, f32), &t: &f32| (low.min(t), high.max(t));
    let (threshold_min, threshold_max) = decision.threshold.iter().fold((f32::INFINITY, 0.0), range);
    LayerReport {
        name: node.name.clone(),
        neurons: activations.volume(),
        base: 1.0,
        threshold_min,
        threshold_max,
        signed: population.transfer.is_signed(),
        error: if power > 0.0 { error / power } else { 0.0 },
        largest_correction: decision.initial.iter().fold(0.0, |m: f32, x| m.max(x.abs())),
    }
}
