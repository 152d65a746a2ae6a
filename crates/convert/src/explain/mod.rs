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
//! * **unevenness**: what the order of spikes changed. In a window all input comes first, and it is exactly 0. In a streaming
//!   network `q°` is what the neuron would send in `T` steps had the first brought all of its input, `q` what it sent; values
//!   are means of a step, and `v` is the mean current. Potentials that a streaming population starts with round, and belong to
//!   quantisation; a reset to zero throws away what the order decides, and belongs here.
//!
//! A part's share is `⟨part, d⟩ / ‖a‖²` over all neurons and samples: shares add up to `‖d‖² / ‖a‖²`, and one that is negative
//! takes error of the others back.
//!
//! What a layer costs is measured twice: on the trained network with only this layer spiking, and on the spiking network with
//! only this layer analog (it sends `f(v)`; in a streaming network groups of 4,096 small spikes that correct themselves from step
//! to step, which comes near it). Where samples have no labels, agreement with the trained network stands for
//! accuracy.

mod layer;
mod report;
mod split;
mod stream;

use std::collections::BTreeMap;

use spikeconverter_engine::evaluation::{graph_classes, network_classes};
use spikeconverter_engine::{Ann, Batch, EngineError, Tracer, ann_result_with};
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{Encoding, Node, NodeKind, Population, Simulation, SpikingNetwork};

use self::layer::{Layer, Tally};
pub use self::report::{ErrorParts, Explanation, FiringRates, LayerExplanation, Sample};
use self::stream::{StreamLayer, StreamTrace, result_with_analog};
use crate::ConvertError;
use crate::copies::original;
use crate::lower::{Lowered, lower};

/// Compares a spiking network with the trained network it came from, batch by batch.
pub struct Explainer<'a> {
    network: &'a SpikingNetwork,
    graph: &'a Graph,
    ann: Ann,
    way: Way<'a>,
    tallies: Vec<Tally>,
    samples: Vec<Sample>,
}

/// How a network is looked into.
enum Way<'a> {
    /// Windows are folded, and every value is kept.
    Windows { tracer: Tracer<'a>, layers: Vec<Layer> },
    /// All steps are simulated, and means are read out.
    Stream(Vec<StreamLayer>),
}

impl<'a> Explainer<'a> {
    /// Prepares the comparison of `network` with `graph`, in normal form and on the same samples. The units of integer
    /// networks, channel by channel, are those in which decoded trains are nearest to the trained activations of `samples`.
    ///
    /// # Errors
    /// [`ConvertError::Network`] when the network does not stand for the graph.
    pub fn new(network: &'a SpikingNetwork, graph: &'a Graph, samples: &Batch) -> Result<Self, ConvertError> {
        let ann = Ann::new(graph)?;
        let way = match network.simulation() {
            Simulation::Window => {
                let lowered = lower(graph, network.time_steps(), network.encoding())?;
                let layers = window_layers(network, graph, &lowered)?;
                Way::Windows { tracer: Tracer::new(network)?, layers }
            }
            Simulation::Stream => Way::Stream(stream_layers(network, graph)?),
        };
        let tallies = layer_ids(network).iter().map(|id| Tally::new(&network.node(*id).shape)).collect();
        let mut explainer = Self { network, graph, ann, way, tallies, samples: Vec::new() };
        if network.is_integer() {
            explainer.find_units(samples)?;
        }
        Ok(explainer)
    }

    /// Number of layers, each of which costs two partial runs a batch.
    pub fn layers(&self) -> usize {
        self.tallies.len()
    }

    fn find_units(&mut self, samples: &Batch) -> Result<(), ConvertError> {
        let trained = self.trained(samples, &BTreeMap::new())?;
        let Way::Windows { tracer, layers } = &mut self.way else { return Ok(()) };
        let trace = tracer.run(samples)?;
        for layer in layers {
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

    /// Adds a batch. A label is right when it is the class less `label_offset`. `progress` is told that a layer is done;
    /// its error ends the work.
    ///
    /// # Errors
    /// [`EngineError`] when the samples do not fit the networks or are not as many as the labels.
    pub fn add(
        &mut self,
        samples: &Batch,
        labels: Option<&[u32]>,
        label_offset: i64,
        progress: &mut dyn FnMut() -> Result<(), ConvertError>,
    ) -> Result<(), ConvertError> {
        if let Some(labels) = labels.filter(|labels| labels.len() != samples.count()) {
            let (first, other) = (samples.count(), labels.len());
            return Err(EngineError::SampleCount { what: "the labels".into(), first, other }.into());
        }
        let trained = Trained { values: self.trained(samples, &BTreeMap::new())? };
        let of_ann = graph_classes(self.graph, trained.result(self.graph)?);
        let right = labels.map(|labels| {
            labels.iter().map(|&label| Some(i64::from(label).saturating_add(label_offset))).collect::<Vec<_>>()
        });
        let reference = right.as_ref().unwrap_or(&of_ann);
        let mut tallies = std::mem::take(&mut self.tallies);
        let result = match &self.way {
            Way::Windows { tracer, layers } => {
                self.add_windows((tracer, layers), samples, &trained, reference, &mut tallies, progress)
            }
            Way::Stream(layers) => self.add_stream(layers, samples, &trained, reference, &mut tallies, progress),
        };
        self.tallies = tallies;
        let result = result?;
        let of_snn = network_classes(self.network, &result);
        let first = self.samples.len();
        for (i, (wanted, found)) in trained.result(self.graph)?.samples().zip(result.samples()).enumerate() {
            let label = right.as_ref().and_then(|right| right[i]);
            self.samples.push(Sample {
                index: first + i,
                label: label.map(|label| label - label_offset),
                ann: of_ann[i].map(|class| class - label_offset),
                snn: of_snn[i].map(|class| class - label_offset),
                difference: relative_difference(wanted, found),
            });
        }
        Ok(())
    }

    /// Adds what the layers of a windowed network did; the network's result.
    fn add_windows(
        &self,
        (tracer, layers): (&Tracer<'_>, &[Layer]),
        samples: &Batch,
        trained: &Trained,
        reference: &[Option<i64>],
        tallies: &mut [Tally],
        progress: &mut dyn FnMut() -> Result<(), ConvertError>,
    ) -> Result<Batch, ConvertError> {
        let trace = tracer.run(samples)?;
        let steps = self.network.time_steps();
        // with trained weights on decoded trains
        let passed_on = if self.network.is_integer() {
            let decoded: BTreeMap<NodeId, Batch> =
                layers.iter().map(|layer| (layer.target, layer.decoded(trace.sent(layer.id)))).collect();
            Some(self.passed_on(layers, samples, &decoded)?)
        } else {
            None
        };
        for (i, (layer, tally)) in layers.iter().zip(tallies).enumerate() {
            let wanted = trained.value(layer.target)?;
            let Some(membranes) = trace.membranes(layer.id) else { continue };
            let membranes = layer.membranes(membranes);
            let sent = layer.decoded(trace.sent(layer.sends));
            let real = passed_on.as_ref().map(|values| &values[i]);
            tally.add_error(layer, steps, wanted, &membranes, &sent, real);
            for (id, population) in layer.populations() {
                if let Some(codes) = trace.codes(id) {
                    tally.add_codes(population, codes, steps);
                }
            }

            let alone = layer.spiking(trained.value(layer.membrane)?, steps)?;
            let alone = ann_result_with(self.graph, &self.ann, &trained.values, layer.target, alone)?;
            tally.alone += matches(&graph_classes(self.graph, &alone), reference);
            let analog = tracer.result_with(&trace, layer.sends, layer.analog(&membranes))?;
            tally.analog += matches(&network_classes(self.network, &analog), reference);
            progress()?;
        }
        Ok(trace.sent(self.network.output()).clone())
    }

    /// The same for a streaming network.
    fn add_stream(
        &self,
        layers: &[StreamLayer],
        samples: &Batch,
        trained: &Trained,
        reference: &[Option<i64>],
        tallies: &mut [Tally],
        progress: &mut dyn FnMut() -> Result<(), ConvertError>,
    ) -> Result<Batch, ConvertError> {
        let mut trace = StreamTrace::new(self.network, samples)?;
        let steps = self.network.time_steps();
        for (layer, tally) in layers.iter().zip(tallies) {
            let membranes = trained.value(layer.membrane)?;
            let wanted = layer.activations(membranes)?;
            let (currents, sent) = trace.means(self.network, samples, layer)?;
            layer.add_error(tally, steps, &wanted, &currents, &sent);
            trace.count(layer, steps, tally);

            let alone = layer.spiking(membranes, steps)?;
            let alone = ann_result_with(self.graph, &self.ann, &trained.values, layer.target, alone)?;
            tally.alone += matches(&graph_classes(self.graph, &alone), reference);
            let reach = wanted.data().iter().fold(0.0f32, |most, a| most.max(a.abs()));
            match result_with_analog(self.network, samples, layer, reach)? {
                Some(analog) => tally.analog += matches(&network_classes(self.network, &analog), reference),
                None => tally.analog_known = false,
            }
            progress()?;
        }
        Ok(trace.result)
    }

    /// The activations that the trained weights give of decoded trains: by layer, those of the layers before being decoded.
    fn passed_on(
        &self,
        layers: &[Layer],
        samples: &Batch,
        decoded: &BTreeMap<NodeId, Batch>,
    ) -> Result<Vec<Batch>, EngineError> {
        let values = self.trained(samples, decoded)?;
        let of_layer = |layer: &Layer| {
            let membranes = values[layer.membrane.0].as_ref();
            layer.activation(membranes.ok_or(EngineError::NoNode { nodes: values.len(), id: layer.membrane.0 })?)
        };
        layers.iter().map(of_layer).collect()
    }

    /// What was found on all batches.
    pub fn explanation(&self) -> Explanation {
        report::explanation(self.network, &layer_ids(self.network), &self.tallies, &self.samples)
    }
}

/// The trained network's values on some samples, by node.
struct Trained {
    values: Vec<Option<Batch>>,
}

impl Trained {
    fn value(&self, id: NodeId) -> Result<&Batch, EngineError> {
        self.values[id.0].as_ref().ok_or(EngineError::NoNode { nodes: self.values.len(), id: id.0 })
    }

    fn result(&self, graph: &Graph) -> Result<&Batch, EngineError> {
        self.value(*graph.outputs().first().ok_or(EngineError::NoNode { nodes: self.values.len(), id: 0 })?)
    }
}

/// The populations that stand for activations, without their copies.
fn layer_ids(network: &SpikingNetwork) -> Vec<NodeId> {
    let consumers = network.consumers();
    network.spiking().filter(|id| original(network, &consumers, *id).is_none()).collect()
}

/// The populations of a windowed network.
fn window_layers(network: &SpikingNetwork, graph: &Graph, lowered: &Lowered) -> Result<Vec<Layer>, ConvertError> {
    let places = places(lowered);
    let consumers = network.consumers();
    let mut layers = Vec::new();
    for (id, population) in network.populations() {
        let node = network.node(id);
        if let Some((first, mean)) = original(network, &consumers, id) {
            let first = layers.iter_mut().find(|layer: &&mut Layer| layer.id == first);
            first.ok_or_else(|| foreign(node))?.join(id, population, mean);
            continue;
        }
        let (placed, [membrane, target]) = place(node, lowered, &places)?;
        if graph.node(target).shape != node.shape {
            return Err(foreign(node));
        }
        let shapes = [graph.node(membrane).shape.as_slice()];
        layers.push(Layer::new(id, target, membrane, population, placed, &shapes)?);
    }
    Ok(layers)
}

/// The populations of a streaming network.
fn stream_layers(network: &SpikingNetwork, graph: &Graph) -> Result<Vec<StreamLayer>, ConvertError> {
    // where populations stand does not depend on what pixels are sent as
    let pixels = network.encoding().takes_pixels();
    let lowered = lower(graph, 1, if pixels { Encoding::Pixels } else { Encoding::Analog })?;
    let places = places(&lowered);
    let mut layers = Vec::new();
    for id in network.spiking() {
        let node = network.node(id);
        let NodeKind::Streaming(population) = &node.kind else { return Err(foreign(node)) };
        let (placed, [membrane, target]) = place(node, &lowered, &places)?;
        // its neurons are those of what it listens to, or of the maximum in front of them
        let front = placed.pool.is_some() && graph.node(target).shape == node.shape;
        if !front && graph.node(membrane).shape != node.shape {
            return Err(foreign(node));
        }
        layers.push(StreamLayer::new(network, id, population, placed, [membrane, target], front));
    }
    Ok(layers)
}

/// Where placement put the populations, by their names.
fn places(lowered: &Lowered) -> BTreeMap<&str, NodeId> {
    lowered.network.populations().map(|(id, _)| (lowered.network.node(id).name.as_str(), id)).collect()
}

/// The population that placement made of a node's name, with the trained network's nodes whose values are its membrane and what
/// it transmits.
fn place<'l>(
    node: &Node,
    lowered: &'l Lowered,
    places: &BTreeMap<&str, NodeId>,
) -> Result<(&'l Population, [NodeId; 2]), ConvertError> {
    let place = *places.get(node.name.as_str()).ok_or_else(|| foreign(node))?;
    let placed = lowered.network.node(place);
    let NodeKind::Population(population) = &placed.kind else { return Err(foreign(node)) };
    Ok((population, [lowered.targets[placed.inputs[0].0], lowered.targets[place.0]]))
}

fn foreign(node: &Node) -> ConvertError {
    let reason = format!("its population `{}` stands for no node of the trained network beside it", node.name);
    ConvertError::Network(reason)
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
