//! Which node of an integer network is computed how, and where its codes lie.

use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{Node, NodeKind, Population, SpikingNetwork};

use super::geometry::Geometry;
use super::isa::Isa;
use super::layer::{Build, Layer, Map, Maps};
use super::layout::Layout;
use super::neuron::Neuron;
use super::phases::{Nodes, Phases};
use super::pool::Maximum;
use super::route::Route;
use super::terms::{Planar, Terms, is_depthwise, planar, terms};
use crate::adjoint::Unfolding;

/// How a node is computed.
pub(super) enum Step {
    /// Not by itself: it is part of what reads it, or nothing reads it.
    Skip,
    /// Pixels become codes.
    Input,
    Route(Box<Route>),
    Maximum(Box<Maximum>),
    Layer(Box<Layer>),
    /// As the reference engine computes it.
    Literal(Op),
    /// Neurons on literal membranes.
    Generate(Vec<Neuron>, Option<Op>),
    /// Literal membranes are the result.
    Readout(Vec<f32>),
}

/// Decides for every node; `None` for networks whose maps are too large.
pub(super) fn compile(network: &SpikingNetwork, isa: Isa) -> Option<(Vec<Option<Map>>, Vec<Step>)> {
    let planar = planar(network);
    let needs = Needs::new(network, &planar);
    let maps: Vec<Option<Map>> = network.ids().map(|id| needs.map(network, &planar, id)).collect();
    if maps.iter().flatten().any(|(layout, _)| !layout.is_bounded()) {
        return None; // whoever runs it otherwise names the node
    }
    let mut steps = Vec::with_capacity(maps.len());
    let build = Build { isa, network, maps: &maps, planar: &planar };
    for id in network.ids() {
        steps.push(step(build, &needs, id));
    }
    // a layer that found no kernel is computed literally, with all that it reads
    for id in network.ids().rev() {
        if matches!(steps[id.0], Step::Generate(..) | Step::Readout(_) | Step::Literal(_)) {
            for &input in &network.node(id).inputs {
                let literal = match &network.node(input).kind {
                    NodeKind::Synapse(op) => op.clone(),
                    NodeKind::MaxPool(pool) => Op::MaxPool(pool.clone()),
                    _ => continue,
                };
                if maps[input.0].is_none() {
                    steps[input.0] = Step::Literal(literal);
                }
            }
        }
    }
    Some((maps, steps))
}

/// What must be there for what reads it.
struct Needs {
    /// For each listener that may have a kernel, what reaches it.
    terms: Vec<Option<Terms>>,
    /// Nodes whose codes are read.
    planes: Vec<bool>,
    /// Nodes whose values are computed literally.
    literal: Vec<bool>,
    /// Nodes whose channels are read in whole vectors.
    vectors: Vec<bool>,
    /// Halo: rows and columns before and after.
    before: Vec<[usize; 2]>,
    after: Vec<[usize; 2]>,
}

impl Needs {
    fn new(network: &SpikingNetwork, planar: &[Option<Planar>]) -> Self {
        let count = network.nodes().len();
        let mut needs = Self {
            terms: vec![None; count],
            planes: vec![false; count],
            literal: vec![false; count],
            vectors: vec![false; count],
            before: vec![[0; 2]; count],
            after: vec![[0; 2]; count],
        };
        for id in network.ids().rev() {
            let node = network.node(id);
            match &node.kind {
                NodeKind::Population(_) | NodeKind::Readout(_) => {
                    needs.planes[id.0] = matches!(node.kind, NodeKind::Population(_));
                    match terms(network, planar, node.inputs[0]) {
                        Some(terms) => {
                            for &weighted in &terms.weighted {
                                needs.convolution(network, weighted);
                            }
                            if let Some((from, _)) = &terms.skip {
                                needs.planes[from.0] = true;
                                needs.vectors[from.0] = true;
                            }
                            needs.terms[id.0] = Some(terms);
                        }
                        None => needs.value(planar, node.inputs[0]),
                    }
                }
                NodeKind::MaxPool(_) | NodeKind::Synapse(_) if needs.planes[id.0] => {
                    if matches!(node.kind, NodeKind::Synapse(Op::Conv(_))) {
                        needs.convolution(network, id);
                    } else {
                        for input in &node.inputs {
                            needs.planes[input.0] = true;
                            needs.vectors[input.0] = true;
                        }
                    }
                }
                NodeKind::MaxPool(_) | NodeKind::Synapse(_) if needs.literal[id.0] => {
                    node.inputs.iter().for_each(|&input| needs.value(planar, input));
                }
                _ => {}
            }
        }
        needs
    }

    /// A node's values are read literally: from its codes, where it has some.
    fn value(&mut self, planar: &[Option<Planar>], id: NodeId) {
        if planar[id.0].is_some() {
            self.planes[id.0] = true;
        } else {
            self.literal[id.0] = true;
        }
    }

    /// The input of a weighted node is read, with padding around it.
    fn convolution(&mut self, network: &SpikingNetwork, id: NodeId) {
        let node = network.node(id);
        let from = node.inputs[0];
        self.planes[from.0] = true;
        if let NodeKind::Synapse(Op::Conv(conv)) = &node.kind {
            let shape = &network.node(from).shape;
            let geometry = Geometry::conv(conv, shape, &node.shape);
            self.vectors[from.0] |= is_depthwise(conv, shape[0]);
            let after = geometry.after(Layout::new(shape, [0; 2], [0; 2]).extents);
            let widen = |halo: &mut [usize; 2], by: [usize; 2]| *halo = [halo[0].max(by[0]), halo[1].max(by[1])];
            widen(&mut self.before[from.0], geometry.before);
            widen(&mut self.after[from.0], after);
        }
    }

    fn map(&self, network: &SpikingNetwork, planar: &[Option<Planar>], id: NodeId) -> Option<Map> {
        let planes = planar[id.0].filter(|_| self.planes[id.0] || id.0 == 0)?.planes;
        let layout = Layout::new(&network.node(id).shape, self.before[id.0], self.after[id.0]);
        Some((if id.0 == 0 && !self.vectors[0] { layout.narrow() } else { layout }, planes))
    }
}

fn step(build: Build<'_>, needs: &Needs, id: NodeId) -> Step {
    let Build { network, maps, .. } = build;
    let node = network.node(id);
    let layer = || needs.terms[id.0].as_ref().and_then(|terms| build.layer(id, terms));
    match &node.kind {
        NodeKind::Input(_) => Step::Input,
        NodeKind::Population(population) => match layer() {
            Some(layer) => Step::Layer(Box::new(layer)),
            None => Step::Generate(neurons(network, node, population), population.pool.clone().map(Op::MaxPool)),
        },
        NodeKind::Readout(readout) => match layer() {
            Some(layer) => Step::Layer(Box::new(layer)),
            None => Step::Readout(readout.initial.clone()),
        },
        NodeKind::Head(op) => Step::Literal(op.clone()),
        // no part of an integer network
        NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => Step::Skip,
        NodeKind::Synapse(op) if needs.literal[id.0] && maps[id.0].is_none() => Step::Literal(op.clone()),
        NodeKind::MaxPool(pool) if needs.literal[id.0] && maps[id.0].is_none() => {
            Step::Literal(Op::MaxPool(pool.clone()))
        }
        NodeKind::Synapse(_) | NodeKind::MaxPool(_) if !needs.planes[id.0] => Step::Skip,
        NodeKind::Synapse(op @ Op::Conv(_)) => match build.window_sum(id) {
            Some(layer) => Step::Layer(Box::new(layer)),
            None => Step::Literal(op.clone()),
        },
        NodeKind::Synapse(op) => {
            let inputs: Option<Vec<_>> = node.inputs.iter().map(|input| maps[input.0].clone()).collect();
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            let route = inputs
                .zip(maps[id.0].as_ref())
                .and_then(|(inputs, (layout, planes))| Route::new(op, &shapes, inputs, &node.shape, layout, *planes));
            route.map_or_else(|| Step::Literal(op.clone()), |route| Step::Route(Box::new(route)))
        }
        NodeKind::MaxPool(pool) => {
            let maximum = maps[node.inputs[0].0]
                .as_ref()
                .zip(maps[id.0].as_ref())
                .and_then(|((input, planes), (output, _))| Maximum::new(pool, input, output, *planes));
            maximum.map_or_else(|| Step::Literal(Op::MaxPool(pool.clone())), |maximum| Step::Maximum(Box::new(maximum)))
        }
    }
}

fn neurons(network: &SpikingNetwork, node: &Node, population: &Population) -> Vec<Neuron> {
    let channels = node.shape.first().copied().unwrap_or(1);
    // the network is one of integers
    (0..channels).filter_map(|c| Neuron::new(population, c, network.time_steps())).collect()
}

/// Divides the network into phases, and gives buffers to the nodes that have codes for as long as they are read. `cache`
/// is how many bytes a thread may work on, of all nodes alive together.
pub(super) fn plan(network: &SpikingNetwork, maps: &Maps, steps: &[Step], isa: Isa, cache: usize) -> Phases {
    let count = steps.len();
    let mut last: Vec<usize> = (0..count).collect();
    for (id, step) in network.ids().zip(steps) {
        let reads = match step {
            Step::Layer(layer) => layer.reads(),
            Step::Skip | Step::Input => Vec::new(),
            _ => network.node(id).inputs.clone(),
        };
        for read in reads {
            last[read.0] = last[read.0].max(id.0);
        }
    }
    last[network.output().0] = count;
    let bytes: Vec<usize> =
        maps.iter().map(|map| map.as_ref().map_or(0, |(layout, planes)| planes.count() * layout.bytes())).collect();
    let weights: Vec<usize> = network
        .nodes()
        .iter()
        .map(|node| match &node.kind {
            NodeKind::Synapse(op) | NodeKind::Head(op) => Unfolding::parameters(op).map_or(0, |(w, _)| w.data().len()),
            _ => 0,
        })
        .map(|weights| if isa.multiplies_words() { 2 * weights } else { weights })
        .collect();
    // synapses are loaded by what listens to them
    let starts: Vec<bool> = (0..count).map(|id| id > 0 && !matches!(steps[id - 1], Step::Skip)).collect();
    Phases::new(&Nodes { bytes: &bytes, weights: &weights, last: &last, starts: &starts }, cache)
}
