//! Running a whole network, node by node.

use spikeconverter_graph::{NodeId, volume};

use super::Node;
use super::compile::{Compiler, Step};
use super::packed::Packed;
use crate::EngineError;
use crate::channels_last::Layout;
use crate::clock::Clock;
use crate::kernels::Threads;
use crate::kernels::tile::Instructions;
use crate::plan::Plan;

/// A network ready to run: weights packed, buffers planned.
pub(crate) struct Program {
    instructions: Instructions,
    nodes: Vec<Item>,
    plan: Plan,
    outputs: Vec<NodeId>,
    /// Sums of a block, and elements of a sample that a kernel on channels first reads or writes, at most.
    sums: usize,
    plain: usize,
    /// Samples that a thread takes at a time, where there are enough.
    together: usize,
}

/// A node with all that it needs to run.
struct Item {
    step: Step,
    inputs: Vec<NodeId>,
    volume: usize,
    /// Where its values lie, if they are stored.
    layout: Option<Layout>,
    /// Whether it is a population, and what a unit of its codes counts in each channel, where codes follow from values.
    population: bool,
    sent: Option<Vec<f32>>,
}

/// Some samples, channels first: a slice for each input and each result, and one for the codes of each population in
/// topological order, or none where nobody watches.
pub(crate) struct Part<'a> {
    pub(crate) samples: usize,
    pub(crate) inputs: Vec<&'a [f32]>,
    pub(crate) outputs: Vec<&'a mut [f32]>,
    pub(crate) codes: Vec<&'a mut [i32]>,
}

/// Memory of a thread for some samples.
#[derive(Default)]
pub(crate) struct Memory {
    /// Samples that it is large enough for.
    samples: usize,
    buffers: Vec<Packed>,
    sums: Packed,
    /// Values with channels first: what kernels read, and what they write.
    plain: Vec<Vec<f32>>,
}

/// Values that a thread works on at a time, for all nodes alive together, where weights are few (2 MiB): fewer samples at a
/// time would stay in a core's own cache, but load the weights of deep layers too often. Where weights are many, as many
/// values as weights, up to 16 MiB.
const VALUES: [usize; 2] = [1 << 19, 1 << 22];

impl Program {
    /// A network, or a part of one, with these results, and windows of `steps` steps.
    ///
    /// # Errors
    /// [`EngineError::Op`] when a node does not fit its inputs, or is padded beyond all bounds.
    pub(crate) fn new(nodes: &[Node<'_>], outputs: &[NodeId], steps: u32) -> Result<Self, EngineError> {
        Self::with(Instructions::available()[0], nodes, outputs, steps)
    }

    /// The same for some of the machine's instructions.
    pub(super) fn with(
        instructions: Instructions,
        nodes: &[Node<'_>],
        outputs: &[NodeId],
        steps: u32,
    ) -> Result<Self, EngineError> {
        let compiler = Compiler::new(instructions, nodes, outputs, steps);
        let mut layouts = compiler.layouts()?;
        let sent = compiler.sent();
        let steps = compiler.steps(&layouts)?;
        let mut dead = vec![Vec::new(); nodes.len()];
        for (i, &last) in compiler.last_reads(&steps).iter().enumerate() {
            dead[last].push(NodeId(i));
        }
        let plain = compiler.plain_volume(&steps);
        let volumes: Vec<usize> = layouts.iter().map(|layout| layout.as_ref().map_or(0, Layout::volume)).collect();
        let plan = Plan::new(&volumes, &dead);
        let layer = |step: &Step| match step {
            Step::Layer(layer) => Some((layer.sums(), layer.weights())),
            _ => None,
        };
        let sums = steps.iter().filter_map(layer).map(|(sums, _)| sums).max().unwrap_or(0);
        let weights: usize = steps.iter().filter_map(layer).map(|(_, weights)| weights).sum();
        let together = plan.chunk(weights.clamp(VALUES[0], VALUES[1]), usize::MAX, 1);
        let nodes = (steps.into_iter().zip(nodes).zip(sent).enumerate())
            .map(|(i, ((step, node), sent))| Item {
                step,
                inputs: node.inputs.to_vec(),
                volume: volume(node.shape),
                layout: layouts[i].take(),
                population: matches!(node.kind, super::Kind::Population(_)),
                sent,
            })
            .collect();
        Ok(Self { instructions, nodes, plan, outputs: outputs.to_vec(), sums, plain, together })
    }

    /// Samples that each of some threads takes at a time, of `count`.
    pub(crate) fn chunk(&self, count: usize, threads: usize) -> usize {
        self.together.min(count.div_ceil(threads)).max(1)
    }

    /// Runs samples; the clock is told when each node ends.
    pub(crate) fn run(
        &self,
        part: &mut Part<'_>,
        memory: &mut Memory,
        threads: Threads,
        mut clock: Option<&mut Clock>,
    ) {
        let Part { inputs, samples, outputs, codes } = part;
        let samples = *samples;
        memory.fit(self, samples);
        let (mut inputs, mut codes) = (inputs.iter(), codes.iter_mut());
        for (i, node) in self.nodes.iter().enumerate() {
            let Some(layout) = &node.layout else { continue };
            let mut own = std::mem::take(&mut memory.buffers[self.plan.buffer[i]]);
            let y = &mut own[..samples * layout.volume()];
            let mut codes = if node.population { codes.next() } else { None };
            match &node.step {
                Step::Skip => {}
                Step::Input => {
                    if let Some(input) = inputs.next() {
                        layout.put_all(input, y);
                    }
                }
                Step::Layer(layer) => {
                    let buffers = &memory.buffers;
                    layer.run(&|id| self.values(buffers, id, samples), samples, y, &mut memory.sums, threads);
                }
                Step::Pool(pool) => {
                    pool.run(self.instructions, self.values(&memory.buffers, node.inputs[0], samples), y);
                }
                Step::Plain(kernel) => {
                    let Memory { buffers, plain, .. } = memory;
                    let result = self.apply(node, buffers, plain, samples, |inputs, result| {
                        kernel.run_unchecked(inputs, result, threads);
                    });
                    layout.put_all(result, y);
                }
                Step::Generate { pool, generator } => {
                    let Memory { buffers, plain, .. } = memory;
                    let result = self.apply(node, buffers, plain, samples, |inputs, result| match pool {
                        Some(pool) => pool.run_unchecked(inputs, result, threads),
                        None => result.copy_from_slice(inputs[0]),
                    });
                    generator.run(result, codes.take().map(|codes| &mut **codes));
                    layout.put_all(result, y);
                }
            }
            if let (Some(codes), Some(sent)) = (codes, &node.sent) {
                layout.each_row(y.len() / layout.volume(), |channel, from, to, columns| {
                    let values = y[from..].iter().step_by(layout.stored);
                    let row = &mut codes[to..][..columns];
                    row.iter_mut().zip(values).for_each(|(code, value)| *code = (value / sent[channel]).round() as i32);
                });
            }
            memory.buffers[self.plan.buffer[i]] = own;
            for (output, id) in outputs.iter_mut().zip(&self.outputs) {
                if id.0 == i {
                    layout.take_all(self.values(&memory.buffers, *id, samples), output);
                }
            }
            if let Some(clock) = &mut clock {
                clock.end(NodeId(i));
            }
        }
    }

    /// The values of a node that is stored.
    fn values<'b>(&self, buffers: &'b [Packed], id: NodeId, samples: usize) -> &'b [f32] {
        let size = self.nodes[id.0].layout.as_ref().map_or(0, Layout::volume);
        &buffers[self.plan.buffer[id.0]][..samples * size]
    }

    /// Applies `f` to a node's inputs and its result, channels first.
    fn apply<'p>(
        &self,
        node: &Item,
        buffers: &[Packed],
        plain: &'p mut Vec<Vec<f32>>,
        samples: usize,
        f: impl FnOnce(&[&[f32]], &mut [f32]),
    ) -> &'p mut [f32] {
        while plain.len() <= node.inputs.len() {
            plain.push(Vec::new());
        }
        for values in plain.iter_mut() {
            values.resize(values.len().max(samples * self.plain), 0.0);
        }
        let [result, read @ ..] = plain.as_mut_slice() else {
            unreachable!("there are as many as inputs and one more")
        };
        let mut inputs = Vec::with_capacity(node.inputs.len());
        for (id, values) in node.inputs.iter().zip(read) {
            let input = &self.nodes[id.0];
            let values = &mut values[..samples * input.volume];
            if let Some(layout) = &input.layout {
                layout.take_all(self.values(buffers, *id, samples), values);
            }
            inputs.push(&*values);
        }
        let result = &mut result[..samples * node.volume];
        f(&inputs, result);
        result
    }
}

impl Memory {
    /// Makes it large enough.
    fn fit(&mut self, program: &Program, samples: usize) {
        if self.samples < samples || self.buffers.len() != program.plan.sizes.len() {
            self.buffers = program.plan.sizes.iter().map(|&size| Packed::zeros(size * samples)).collect();
            self.samples = samples;
        }
        self.sums.reserve(program.sums);
    }
}

impl Layout {
    /// Calls `f(channel, at, element, columns)` for each row of each channel of some samples: where its first value lies
    /// here, and where with channels first.
    fn each_row(&self, samples: usize, mut f: impl FnMut(usize, usize, usize, usize)) {
        let [rows, columns] = self.extents;
        for sample in 0..samples {
            for y in 0..rows {
                for channel in 0..self.channels {
                    let element = ((sample * self.channels + channel) * rows + y) * columns;
                    f(channel, sample * self.volume() + self.at(y, 0) + channel, element, columns);
                }
            }
        }
    }

    /// Writes samples whose channels come first.
    fn put_all(&self, from: &[f32], to: &mut [f32]) {
        to.fill(0.0);
        self.each_row(to.len() / self.volume(), |_, at, element, columns| {
            let places = to[at..].iter_mut().step_by(self.stored);
            places.zip(&from[element..][..columns]).for_each(|(place, &value)| *place = value);
        });
    }

    /// Reads samples, channels first.
    fn take_all(&self, from: &[f32], to: &mut [f32]) {
        self.each_row(from.len() / self.volume(), |_, at, element, columns| {
            let values = from[at..].iter().step_by(self.stored);
            to[element..][..columns].iter_mut().zip(values).for_each(|(place, &value)| *place = value);
        });
    }
}
