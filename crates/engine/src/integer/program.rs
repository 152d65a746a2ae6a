//! A whole integer network: which node is computed how, and where its codes lie.

use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Node, NodeKind, Population, SpikingNetwork};

use super::dense::Geometry;
use super::layer::{Layer, Maps, Output, Scratch};
use super::layout::{Layout, Planes};
use super::neuron::Neuron;
use super::pool::Maximum;
use super::route::Route;
use super::terms::{Planar, Terms, is_depthwise, planar, terms};
use crate::EngineError;
use crate::kernels::vectors::{truncated, vectorised};
use crate::literal;
use crate::plan::Plan;

/// A network ready to run.
pub(crate) struct Program<'a> {
    network: &'a SpikingNetwork,
    steps: Vec<Step>,
    /// Where each planar node lies.
    maps: Vec<Option<(Layout, Planes)>>,
    plan: Plan,
}

/// How a node is computed.
enum Step {
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
    Readout(Vec<f64>),
}

/// Memory of a thread for some samples.
#[derive(Default)]
pub(crate) struct Memory {
    samples: usize,
    buffers: Vec<Vec<u8>>,
    /// Values of nodes that are computed literally.
    values: Vec<Vec<f64>>,
    scratch: Scratch,
}

impl<'a> Program<'a> {
    /// `None` for networks that are not made of integers, or too large.
    pub(crate) fn new(network: &'a SpikingNetwork) -> Option<Self> {
        if !network.is_integer() {
            return None;
        }
        let planar = planar(network);
        let needs = Needs::new(network, &planar);
        let maps: Vec<Option<(Layout, Planes)>> = network.ids().map(|id| needs.map(network, &planar, id)).collect();
        if maps.iter().flatten().any(|(layout, _)| !layout.is_bounded()) {
            return None; // whoever runs it otherwise names the node
        }
        let mut steps = Vec::with_capacity(maps.len());
        for id in network.ids() {
            steps.push(step(network, &planar, &maps, &needs, id));
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
        let plan = plan(network, &maps, &steps);
        Some(Self { network, steps, maps, plan })
    }

    /// Samples that a thread takes at a time.
    pub(crate) fn chunk(&self, count: usize, threads: usize) -> usize {
        /// Bytes that a thread works on at a time, so that they stay in a core's own cache.
        const CHUNK: usize = 1 << 19;
        self.plan.chunk(CHUNK, count, threads)
    }

    /// Runs samples; `seen` is shown the codes of each population.
    pub(crate) fn run(
        &self,
        inputs: &[f32],
        samples: usize,
        output: &mut [f32],
        memory: &mut Memory,
        seen: &mut dyn FnMut(NodeId, &Codes<'_>),
    ) -> Result<(), EngineError> {
        if memory.samples != samples || memory.buffers.len() != self.plan.sizes.len() {
            memory.buffers = self.plan.allocate(samples);
            memory.samples = samples;
        }
        let Memory { buffers, values, scratch, .. } = memory;
        values.clear();
        values.resize(self.steps.len(), Vec::new());
        for (id, step) in self.network.ids().zip(&self.steps) {
            let mut own = std::mem::take(&mut buffers[self.plan.buffer[id.0]]);
            let size = self.bytes(id) * samples;
            let read = |from: NodeId| &buffers[self.plan.buffer[from.0]][..self.bytes(from) * samples];
            let node = self.network.node(id);
            match step {
                Step::Skip => {}
                Step::Input => self.pixels(inputs, &mut own[..size]),
                Step::Route(route) => {
                    let inputs: Vec<&[u8]> = node.inputs.iter().map(|&input| read(input)).collect();
                    route.run(&inputs, &mut own[..size]);
                }
                Step::Maximum(maximum) => maximum.run(read(node.inputs[0]), &mut own[..size]),
                Step::Layer(layer) => {
                    if matches!(node.kind, NodeKind::Readout(_)) {
                        let mut membranes = vec![0.0; volume(&node.shape) * samples];
                        layer.run(&read, samples, Output::Membranes(&mut membranes), scratch);
                        values[id.0] = membranes;
                    } else {
                        layer.run(&read, samples, Output::Codes(&mut own[..size]), scratch);
                    }
                }
                Step::Literal(op) => {
                    let found = self.literal(node, op, values, &read, samples)?;
                    self.encode(id, &found, &mut own[..size]);
                    values[id.0] = found;
                }
                Step::Generate(neurons, pool) => {
                    let membranes = self.value(node.inputs[0], values, &read, samples);
                    self.generate(id, neurons, pool.as_ref(), &membranes, &mut own[..size])?;
                }
                Step::Readout(initial) => {
                    let mut membranes = self.value(node.inputs[0], values, &read, samples);
                    let inner = volume(&node.shape) / initial.len().max(1);
                    for (values, initial) in membranes.chunks_mut(inner).zip(initial.iter().cycle()) {
                        for value in values {
                            *value += initial;
                        }
                    }
                    values[id.0] = membranes;
                }
            }
            if let NodeKind::Population(_) = &node.kind {
                let (layout, planes) = self.map(id);
                seen(id, &Codes { layout, planes: *planes, bytes: &own[..size] });
            }
            buffers[self.plan.buffer[id.0]] = own;
        }
        let result = &values[self.network.output().0];
        for (output, &value) in output.iter_mut().zip(result) {
            *output = value as f32;
        }
        Ok(())
    }

    fn map(&self, id: NodeId) -> (&Layout, &Planes) {
        // only asked of nodes that have one
        self.maps[id.0]
            .as_ref()
            .map_or_else(|| unreachable!("a node without codes"), |(layout, planes)| (layout, planes))
    }

    /// Bytes of a node's codes, a sample.
    fn bytes(&self, id: NodeId) -> usize {
        self.maps[id.0].as_ref().map_or(0, |(layout, planes)| planes.count() * layout.bytes())
    }

    fn pixels(&self, inputs: &[f32], codes: &mut [u8]) {
        let (layout, _) = self.map(NodeId(0));
        let positions = layout.positions();
        let samples = inputs.chunks_exact(layout.channels * positions).zip(codes.chunks_exact_mut(layout.bytes()));
        // an image's three channels become four bytes, which the compiler does in vectors
        for (pixels, codes) in samples {
            layout.clear_halo(codes);
            for y in 0..layout.extents[0] {
                let row = &mut codes[layout.at(y, 0)..][..layout.extents[1] * layout.stored];
                let pixels =
                    |channel: usize| &pixels[channel * positions + y * layout.extents[1]..][..layout.extents[1]];
                if let (3, 4) = (layout.channels, layout.stored) {
                    let (r, g, b) = (pixels(0), pixels(1), pixels(2));
                    let row = row.chunks_exact_mut(4).zip(r).zip(g).zip(b);
                    vectorised(
                        #[inline(always)]
                        || {
                            for (((code, &r), &g), &b) in row {
                                let [r, g, b] = [r, g, b].map(|x| truncated(x, 255.0));
                                code.copy_from_slice(&(r | g << 8 | b << 16).to_le_bytes());
                            }
                        },
                    );
                } else {
                    row.fill(0);
                    for channel in 0..layout.channels {
                        let places = row[channel..].iter_mut().step_by(layout.stored);
                        places.zip(pixels(channel)).for_each(|(code, &x)| *code = x as u8);
                    }
                }
            }
        }
    }

    /// The values of a node, whether they were computed literally or lie in planes.
    fn value<'b>(
        &self,
        id: NodeId,
        values: &[Vec<f64>],
        read: &dyn Fn(NodeId) -> &'b [u8],
        samples: usize,
    ) -> Vec<f64> {
        if !values[id.0].is_empty() {
            return values[id.0].clone();
        }
        let Some((layout, planes)) = &self.maps[id.0] else { return Vec::new() };
        let mut codes = vec![0; samples * layout.channels * layout.positions()];
        Codes { layout, planes: *planes, bytes: read(id) }.copy_to(&mut codes);
        codes.into_iter().map(f64::from).collect()
    }

    fn literal<'b>(
        &self,
        node: &Node,
        op: &Op,
        values: &[Vec<f64>],
        read: &dyn Fn(NodeId) -> &'b [u8],
        samples: usize,
    ) -> Result<Vec<f64>, EngineError> {
        let inputs: Vec<Vec<f64>> = node.inputs.iter().map(|&i| self.value(i, values, read, samples)).collect();
        let mut result = Vec::with_capacity(volume(&node.shape) * samples);
        for sample in 0..samples {
            let given: Vec<(&[usize], &[f64])> = (node.inputs.iter().zip(&inputs))
                .map(|(&id, values)| {
                    let shape = self.network.node(id).shape.as_slice();
                    (shape, &values[sample * volume(shape)..][..volume(shape)])
                })
                .collect();
            result.extend(literal::apply(op, &given, true)?);
        }
        Ok(result)
    }

    /// Writes values that were computed literally as codes, if they are read as such.
    fn encode(&self, id: NodeId, values: &[f64], codes: &mut [u8]) {
        let Some((layout, planes)) = &self.maps[id.0] else { return };
        let samples = values.chunks_exact(layout.channels * layout.positions());
        for (codes, values) in codes.chunks_exact_mut(planes.count() * layout.bytes()).zip(samples) {
            codes.fill(0);
            for (element, &value) in values.iter().enumerate() {
                layout.put(*planes, element, value as i64, codes);
            }
        }
    }

    fn generate(
        &self,
        id: NodeId,
        neurons: &[Neuron],
        pool: Option<&Op>,
        membranes: &[f64],
        codes: &mut [u8],
    ) -> Result<(), EngineError> {
        let node = self.network.node(id);
        let shape = &self.network.node(node.inputs[0]).shape;
        let (layout, planes) = self.map(id);
        let samples = codes.chunks_exact_mut(planes.count() * layout.bytes());
        for (codes, membranes) in samples.zip(membranes.chunks_exact(volume(shape))) {
            codes.fill(0);
            let pooled = match pool {
                Some(pool) => literal::apply(pool, &[(shape, membranes)], true)?,
                None => membranes.to_vec(),
            };
            for (element, &membrane) in pooled.iter().enumerate() {
                let code = neurons[element / layout.positions()].code(membrane as i64);
                layout.put(*planes, element, code, codes);
            }
        }
        Ok(())
    }
}

/// The codes of a population.
pub(crate) struct Codes<'a> {
    layout: &'a Layout,
    planes: Planes,
    bytes: &'a [u8],
}

impl Codes<'_> {
    /// Writes them as numbers, samples one after the other, channels first.
    pub(crate) fn copy_to(&self, codes: &mut [i32]) {
        let &Self { layout, planes, bytes } = self;
        let (positions, [rows, columns]) = (layout.positions(), layout.extents);
        let samples = codes.chunks_exact_mut(layout.channels * positions);
        for (codes, bytes) in samples.zip(bytes.chunks_exact(planes.count() * layout.bytes())) {
            codes.fill(0);
            for (plane, bytes) in bytes.chunks_exact(layout.bytes()).enumerate() {
                let weight = planes.weight(plane) as i32;
                for y in 0..rows {
                    let row = &bytes[layout.at(y, 0)..][..columns * layout.stored];
                    for channel in 0..layout.channels {
                        let to = &mut codes[channel * positions + y * columns..][..columns];
                        let from = row[channel..].iter().step_by(layout.stored);
                        to.iter_mut().zip(from).for_each(|(code, &byte)| *code += weight * i32::from(byte));
                    }
                }
            }
        }
    }
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

    fn map(&self, network: &SpikingNetwork, planar: &[Option<Planar>], id: NodeId) -> Option<(Layout, Planes)> {
        let planes = planar[id.0].filter(|_| self.planes[id.0] || id.0 == 0)?.planes;
        let layout = Layout::new(&network.node(id).shape, self.before[id.0], self.after[id.0]);
        Some((if id.0 == 0 && !self.vectors[0] { layout.narrow() } else { layout }, planes))
    }
}

fn step(network: &SpikingNetwork, planar: &[Option<Planar>], maps: &Maps, needs: &Needs, id: NodeId) -> Step {
    let node = network.node(id);
    let layer = || needs.terms[id.0].as_ref().and_then(|terms| Layer::new(network, maps, planar, id, terms));
    match &node.kind {
        NodeKind::Input(_) => Step::Input,
        NodeKind::Population(population) => match layer() {
            Some(layer) => Step::Layer(Box::new(layer)),
            None => Step::Generate(neurons(network, node, population), population.pool.clone().map(Op::MaxPool)),
        },
        NodeKind::Readout(readout) => match layer() {
            Some(layer) => Step::Layer(Box::new(layer)),
            None => Step::Readout(readout.initial.iter().map(|&x| x.into()).collect()),
        },
        NodeKind::Head(op) => Step::Literal(op.clone()),
        // no part of an integer network
        NodeKind::Streaming(_) => Step::Skip,
        NodeKind::Synapse(op) if needs.literal[id.0] && maps[id.0].is_none() => Step::Literal(op.clone()),
        NodeKind::MaxPool(pool) if needs.literal[id.0] && maps[id.0].is_none() => {
            Step::Literal(Op::MaxPool(pool.clone()))
        }
        NodeKind::Synapse(_) | NodeKind::MaxPool(_) if !needs.planes[id.0] => Step::Skip,
        NodeKind::Synapse(op @ Op::Conv(_)) => match Layer::window_sum(network, maps, id) {
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

/// Gives buffers to the nodes that have codes, for as long as they are read.
fn plan(network: &SpikingNetwork, maps: &Maps, steps: &[Step]) -> Plan {
    let mut last: Vec<usize> = (0..steps.len()).collect();
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
    let mut dead = vec![Vec::new(); steps.len()];
    for (id, &last) in network.ids().zip(&last) {
        dead[last].push(id);
    }
    let volumes: Vec<usize> =
        maps.iter().map(|map| map.as_ref().map_or(0, |(layout, planes)| planes.count() * layout.bytes())).collect();
    Plan::new(&volumes, &dead)
}
