//! Where accuracy went: the error of every layer in parts, and what each layer costs.
//!
//! Trained and spiking network see the same samples. Of a population, let `a` be the trained network's activation, `v` the
//! membranes that the spiking layers before deliver (initial potentials included), `f` the activation function, `[·]` what
//! the code's range leaves of a value, and `q` the decoded train. The difference telescopes:
//!
//! ```text
//! d = q − a = (f(ṽ) − a) + (f(v) − f(ṽ)) + ([f(v)] − f(v)) + (q° − [f(v)]) + (q − q°)
//!               inherited   weight rounding       clipping      quantisation    unevenness
//! ```
//!
//! * **inherited**: the error already in what the layer reads, passed through it. In networks of integers `ṽ` are the
//!   membranes that the trained weights make of the decoded trains before; in others `ṽ = v`, since there calibrated weights
//!   and initial potentials are what takes inherited error back.
//! * **weight rounding**: what integer weights and potentials do, with all that calibration changed before they were rounded.
//! * **clipping**: what lies above the range of the code.
//! * **quantisation**: what the code cannot tell apart. `q°` is the train had all input come before the first spike.
//! * **unevenness**: what the order of spikes changed. In a window all input comes first, and it is exactly 0.
//!
//! A part's share is `⟨part, d⟩ / ‖a‖²` over all neurons and samples: shares add up to `‖d‖² / ‖a‖²`, and one that is negative
//! takes error of the others back.
//!
//! What a layer costs is measured twice: on the trained network with only this layer spiking, and on the spiking network with
//! only this layer analog (it sends `f(v)`). Where samples have no labels, agreement with the trained network stands for
//! accuracy.

mod layer;
mod report;
mod split;

use std::collections::BTreeMap;

use spikeconverter_engine::evaluation::{graph_classes, network_classes};
use spikeconverter_engine::{Ann, Batch, EngineError, Tracer, ann_result_with};
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{NodeKind, Simulation, SpikingNetwork};

use self::layer::{Layer, Tally};
pub use self::report::{ErrorParts, Explanation, FiringRates, LayerExplanation, Sample};
use crate::ConvertError;
use crate::lower::lower;

/// Compares a spiking network with the trained network it came from, batch by batch.
pub struct Explainer<'a> {
    network: &'a SpikingNetwork,
    graph: &'a Graph,
    tracer: Tracer<'a>,
    ann: Ann,
    layers: Vec<Layer>,
    tallies: Vec<Tally>,
    samples: Vec<Sample>,
}

impl<'a> Explainer<'a> {
    /// Prepares the comparison of `network` with `graph`, in normal form and on the same samples. The units of integer
    /// networks, channel by channel, are those in which decoded trains are nearest to the trained activations of `samples`.
    ///
    /// # Errors
    /// [`ConvertError::Network`] when the network is streaming or does not stand for the graph.
    pub fn new(network: &'a SpikingNetwork, graph: &'a Graph, samples: &Batch) -> Result<Self, ConvertError> {
        if network.simulation() == Simulation::Stream {
            let reason = "its layers run in every step; explain splits the error of networks with windows only";
            return Err(ConvertError::Network(reason.into()));
        }
        let lowered = lower(graph, network.time_steps(), network.encoding())?;
        let places: BTreeMap<&str, NodeId> =
            lowered.network.populations().map(|(id, _)| (lowered.network.node(id).name.as_str(), id)).collect();
        let (tracer, ann) = (Tracer::new(network)?, Ann::new(graph)?);
        let mut layers = Vec::new();
        for (id, population) in network.populations() {
            let name = &network.node(id).name;
            let foreign = || {
                let reason = format!("its population `{name}` stands for no node of the trained network beside it");
                ConvertError::Network(reason)
            };
            let place = *places.get(name.as_str()).ok_or_else(foreign)?;
            let NodeKind::Population(placed) = &lowered.network.node(place).kind else { return Err(foreign()) };
            let membrane = lowered.targets[lowered.network.node(place).inputs[0].0];
            let shapes = [graph.node(membrane).shape.as_slice()];
            let target = lowered.targets[place.0];
            if graph.node(target).shape != network.node(id).shape {
                return Err(foreign());
            }
            layers.push(Layer::new(name.clone(), id, target, membrane, population, placed, &shapes)?);
        }
        let tallies = layers.iter().map(|layer| Tally::new(&network.node(layer.id).shape)).collect();
        let mut explainer = Self { network, graph, tracer, ann, layers, tallies, samples: Vec::new() };
        if network.is_integer() {
            explainer.find_units(samples)?;
        }
        Ok(explainer)
    }

    /// Number of layers, each of which costs two partial runs a batch.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    fn find_units(&mut self, samples: &Batch) -> Result<(), ConvertError> {
        let trained = self.trained(samples, &BTreeMap::new())?;
        let trace = self.tracer.run(samples)?;
        for layer in &mut self.layers {
            if let Some(wanted) = &trained[layer.target.0] {
                layer.find_units(wanted, trace.sent(layer.id));
            }
        }
        Ok(())
    }

    /// The trained network's values, by node, where some nodes have others instead.
    fn trained(&self, samples: &Batch, others: &BTreeMap<NodeId, Batch>) -> Result<Vec<Option<Batch>>, EngineError> {
        let mut values: Vec<Option<Batch>> = Vec::with_capacity(self.graph.nodes().len());
        for id in self.graph.ids() {
            let inputs: Vec<&Batch> = self.graph.node(id).inputs.iter().filter_map(|i| values[i.0].as_ref()).collect();
            let value = match others.get(&id) {
                Some(other) => other.clone(),
                None if inputs.is_empty() => self.ann.run_node(id, &[samples])?,
                None => self.ann.run_node(id, &inputs)?,
            };
            values.push(Some(value));
        }
        Ok(values)
    }

    /// Adds a batch. A label is right when it is the class less `label_offset`. `progress` is told that a layer is done.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the networks or are not as many as the labels.
    pub fn add(
        &mut self,
        samples: &Batch,
        labels: Option<&[u32]>,
        label_offset: i64,
        progress: &mut dyn FnMut(),
    ) -> Result<(), ConvertError> {
        if let Some(labels) = labels.filter(|labels| labels.len() != samples.count()) {
            let (first, other) = (samples.count(), labels.len());
            return Err(EngineError::SampleCount { what: "the labels".into(), first, other }.into());
        }
        let trained = self.trained(samples, &BTreeMap::new())?;
        let trace = self.tracer.run(samples)?;
        let missing = |id: NodeId| EngineError::NoNode { nodes: trained.len(), id: id.0 };
        let value = |id: NodeId| trained[id.0].as_ref().ok_or_else(|| missing(id));
        let output = *self.graph.outputs().first().ok_or_else(|| missing(NodeId(0)))?;
        let of_ann = graph_classes(self.graph, value(output)?);
        let result = trace.sent(self.network.output());
        let of_snn = network_classes(self.network, result);
        let right = labels.map(|labels| {
            labels.iter().map(|&label| Some(i64::from(label).saturating_add(label_offset))).collect::<Vec<_>>()
        });
        let first = self.samples.len();
        for (i, (wanted, found)) in value(output)?.samples().zip(result.samples()).enumerate() {
            let label = right.as_ref().and_then(|right| right[i]);
            self.samples.push(Sample {
                index: first + i,
                label: label.map(|label| label - label_offset),
                ann: of_ann[i].map(|class| class - label_offset),
                snn: of_snn[i].map(|class| class - label_offset),
                difference: relative_difference(wanted, found),
            });
        }
        // with trained weights on decoded trains
        let passed_on = if self.network.is_integer() {
            let decoded: BTreeMap<NodeId, Batch> =
                self.layers.iter().map(|layer| (layer.target, layer.decoded(trace.sent(layer.id)))).collect();
            Some(self.passed_on(samples, &decoded)?)
        } else {
            None
        };
        let reference = right.as_ref().unwrap_or(&of_ann);
        for (i, (layer, tally)) in self.layers.iter().zip(&mut self.tallies).enumerate() {
            let wanted = value(layer.target)?;
            let (Some(membranes), Some(codes)) = (trace.membranes(layer.id), trace.codes(layer.id)) else { continue };
            let membranes = layer.membranes(membranes);
            let sent = layer.decoded(trace.sent(layer.id));
            let real = passed_on.as_ref().map(|values| &values[i]);
            tally.add_error(layer, self.network.time_steps(), wanted, &membranes, &sent, real);
            tally.add_codes(codes, self.network.time_steps());

            let alone = layer.spiking(value(layer.membrane)?, self.network.time_steps())?;
            let alone = ann_result_with(self.graph, &self.ann, &trained, layer.target, alone)?;
            tally.alone += matches(&graph_classes(self.graph, &alone), reference);
            let analog = self.tracer.result_with(&trace, layer.id, layer.analog(&membranes))?;
            tally.analog += matches(&network_classes(self.network, &analog), reference);
            progress();
        }
        Ok(())
    }

    /// The activations that the trained weights give of decoded trains: by layer, those of the layers before being decoded.
    fn passed_on(&self, samples: &Batch, decoded: &BTreeMap<NodeId, Batch>) -> Result<Vec<Batch>, EngineError> {
        let values = self.trained(samples, decoded)?;
        let of_layer = |layer: &Layer| {
            let membranes = values[layer.membrane.0].as_ref();
            layer.activation(membranes.ok_or(EngineError::NoNode { nodes: values.len(), id: layer.membrane.0 })?)
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// What was found on all batches.
    pub fn explanation(&self) -> Explanation {
        report::explanation(self.network, &self.layers, &self.tallies, &self.samples)
    }
}

/// How many classes are those of the reference.
fn matches(classes: &[Option<i64>], reference: &[Option<i64>]) -> u64 {
    classes.iter().zip(reference).filter(|(class, right)| class.is_some() && class == right).count() as u64
}

/// `‖found − wanted‖ / ‖wanted‖`.
fn relative_difference(wanted: &[f32], found: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let power: f64 = wanted.iter().map(|&w| square(w)).sum();
    let error: f64 = wanted.iter().zip(found).map(|(w, f)| square(f - w)).sum();
    if power > 0.0 { (error / power).sqrt() } else { 0.0 }
}
