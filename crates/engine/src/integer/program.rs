//! Running a whole integer network, node by node.

use std::ops::Range;

use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Node, NodeKind, SpikingNetwork};

use super::codes::Codes;
use super::compile::{Step, compile, plan};
use super::isa::Isa;
use super::layer::{Map, Output, Scratch};
use super::layout::{Layout, Planes};
use super::neuron::Neuron;
use super::phases::{Phases, Place};
use super::whole;
use crate::EngineError;
use crate::clock::Clock;
use crate::kernels::add_initial;
use crate::kernels::vectors::{truncated, vectorised};
use crate::literal;

/// A network ready to run.
pub(crate) struct Program<'a> {
    network: &'a SpikingNetwork,
    steps: Vec<Step>,
    /// Where each planar node lies.
    maps: Vec<Option<Map>>,
    phases: Phases,
}

/// Memory of a thread for some samples.
#[derive(Default)]
pub(crate) struct Memory {
    /// Samples that it is large enough for.
    samples: usize,
    buffers: Vec<Vec<u8>>,
    /// Values of nodes that are computed literally.
    values: Vec<Vec<f64>>,
    scratch: Scratch,
}

/// Who is shown the codes of each population, of consecutive samples from one on: of all samples of a run, in parts.
pub(crate) type Seen<'a> = &'a mut dyn FnMut(NodeId, usize, &Codes<'_>);

impl<'a> Program<'a> {
    /// `None` for networks that are not made of integers, or too large. A thread works on about `cache` bytes at a time.
    pub(crate) fn new(network: &'a SpikingNetwork, isa: Isa, cache: usize) -> Option<Self> {
        if !network.is_integer() {
            return None;
        }
        let (maps, steps) = compile(network, isa)?;
        let phases = plan(network, &maps, &steps, isa, cache);
        Some(Self { network, steps, maps, phases })
    }

    /// The nodes that run together.
    pub(crate) fn phases(&self) -> impl Iterator<Item = Range<usize>> {
        self.phases.list.iter().map(|phase| phase.nodes.clone())
    }

    /// Samples that a thread takes at a time, at most `most`, of `count` for `threads` threads.
    pub(crate) fn chunk(&self, count: usize, threads: usize, most: usize) -> usize {
        let chunk = self.phases.samples().min(most).min(count.div_ceil(threads)).max(1);
        // as many chunks for each thread
        count.div_ceil(count.div_ceil(chunk).next_multiple_of(threads)).max(1)
    }

    /// Runs samples. `seen` is shown the codes of each population, and a clock when a node has ended.
    pub(crate) fn run(
        &self,
        inputs: &[f32],
        samples: usize,
        output: &mut [f32],
        memory: &mut Memory,
        seen: Seen<'_>,
        mut clock: Option<&mut Clock>,
    ) -> Result<(), EngineError> {
        if memory.samples < samples || memory.buffers.is_empty() {
            memory.buffers = self.phases.allocate(samples);
            memory.samples = samples;
        }
        memory.values.resize(self.steps.len(), Vec::new());
        let volume = inputs.len() / samples.max(1);
        let results = output.len() / samples.max(1);
        for phase in &self.phases.list {
            // parts of the same size, as far as that goes
            let parts = samples.div_ceil(phase.samples).max(1);
            let size = samples.div_ceil(parts).max(1);
            for first in (0..samples).step_by(size) {
                let part = first..samples.min(first + size);
                let inputs = &inputs[part.start * volume..part.end * volume];
                memory.values.iter_mut().for_each(Vec::clear);
                for node in phase.nodes.clone() {
                    self.step(NodeId(node), inputs, part.clone(), memory)?;
                    if let Some(clock) = &mut clock {
                        clock.end(NodeId(node));
                    }
                    if let NodeKind::Population(_) = &self.network.node(NodeId(node)).kind {
                        let (layout, planes) = self.map(NodeId(node));
                        let bytes = self.read(NodeId(node), &part, &memory.buffers);
                        seen(NodeId(node), first, &Codes { layout, planes: *planes, bytes });
                    }
                }
                // there are some in the last phase only
                let result = &memory.values[self.network.output().0];
                let output = &mut output[part.start * results..part.end * results];
                output.iter_mut().zip(result).for_each(|(output, &value)| *output = value as f32);
            }
        }
        Ok(())
    }

    /// Computes a node for some of a run's samples.
    fn step(&self, id: NodeId, inputs: &[f32], part: Range<usize>, memory: &mut Memory) -> Result<(), EngineError> {
        let Memory { buffers, values, scratch, .. } = memory;
        let (buffer, own) = self.place(id, &part);
        let mut taken = std::mem::take(&mut buffers[buffer]);
        let codes = &mut taken[own];
        let read = |from: NodeId| self.read(from, &part, buffers);
        let samples = part.len();
        let node = self.network.node(id);
        match &self.steps[id.0] {
            Step::Skip => {}
            Step::Input => self.pixels(inputs, codes),
            Step::Route(route) => {
                let inputs: Vec<&[u8]> = node.inputs.iter().map(|&input| read(input)).collect();
                route.run(&inputs, codes);
            }
            Step::Maximum(maximum) => maximum.run(read(node.inputs[0]), codes),
            Step::Layer(layer) => {
                if matches!(node.kind, NodeKind::Readout(_)) {
                    let mut membranes = vec![0.0; volume(&node.shape) * samples];
                    layer.run(&read, samples, Output::Membranes(&mut membranes), scratch);
                    values[id.0] = membranes;
                } else {
                    layer.run(&read, samples, Output::Codes(codes), scratch);
                }
            }
            Step::Literal(op) => {
                let found = self.literal(node, op, values, &read, samples)?;
                self.encode(id, &found, codes);
                values[id.0] = found;
            }
            Step::Generate(neurons, pool) => {
                let membranes = self.value(node.inputs[0], values, &read, samples);
                self.generate(id, neurons, pool.as_ref(), &membranes, codes)?;
            }
            Step::Readout(initial) => {
                let mut membranes = self.value(node.inputs[0], values, &read, samples);
                add_initial(initial, &mut membranes, volume(&node.shape));
                values[id.0] = membranes;
            }
        }
        buffers[buffer] = taken;
        Ok(())
    }

    /// Where the codes of a node lie for some of a run's samples: which buffer, and what of it.
    fn place(&self, id: NodeId, part: &Range<usize>) -> (usize, Range<usize>) {
        let Place { buffer, kept } = self.phases.places[id.0];
        let first = if kept { part.start } else { 0 };
        let bytes = self.maps[id.0].as_ref().map_or(0, |(layout, planes)| planes.count() * layout.bytes());
        (buffer, first * bytes..(first + part.len()) * bytes)
    }

    /// The codes of a node for some of a run's samples.
    fn read<'b>(&self, id: NodeId, part: &Range<usize>, buffers: &'b [Vec<u8>]) -> &'b [u8] {
        let (buffer, range) = self.place(id, part);
        &buffers[buffer][range]
    }

    fn map(&self, id: NodeId) -> (&Layout, &Planes) {
        // only asked of nodes that have one
        self.maps[id.0]
            .as_ref()
            .map_or_else(|| unreachable!("a node without codes"), |(layout, planes)| (layout, planes))
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
        if let ([input], [values]) = (&node.inputs[..], &inputs[..]) {
            let shape = &self.network.node(*input).shape;
            // heads may have weights that are no integers
            let sums = (!matches!(node.kind, NodeKind::Head(_))).then(|| whole::sums(op, shape, values)).flatten();
            if let Some(found) = sums.or_else(|| whole::pointwise(op, shape, values)) {
                return Ok(found);
            }
        }
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
