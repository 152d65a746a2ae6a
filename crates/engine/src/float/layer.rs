//! A layer, ready to run: a sum of convolutions, shortcuts and constants, and what becomes of it.

use rayon::prelude::*;
use spikeconverter_graph::NodeId;

use super::channelwise::Channelwise;
use super::dense::{Convolution, Group, pack};
use super::finish::Finish;
use super::packed::Packed;
use super::positions::{Block, Blocks, Offsets};
use super::simd::lanes;
use super::tile::{ADDED, Added, Products, Read, SOURCES, Slots, Start, Store};
use crate::channels_last::Layout;
use crate::kernels::Threads;
use crate::kernels::tile::Instructions;

/// A layer.
#[derive(Debug)]
pub(super) struct Layer {
    instructions: Instructions,
    blocks: Blocks,
    synapse: Synapse,
    /// What the synapse reads.
    sources: Vec<(NodeId, Offsets)>,
    bias: Packed,
    added: Vec<AddedMap>,
    finish: Finish,
    to: Layout,
    write: Offsets,
}

/// How channels of the result depend on those of the input.
#[derive(Debug)]
enum Synapse {
    Dense(Vec<Group>),
    /// Each on its own.
    Depthwise {
        taps: Vec<usize>,
        weights: Packed,
    },
}

/// A map that is added.
#[derive(Debug)]
struct AddedMap {
    from: Origin,
    factors: Packed,
    offsets: Offsets,
}

/// Where an added map comes from.
#[derive(Debug)]
enum Origin {
    Node(NodeId),
    /// One for all samples.
    Constant(Packed),
}

/// What a sum is made of, apart from its synapses.
pub(super) struct Sum<'a> {
    pub(super) bias: &'a [f32],
    /// Nodes with a factor a channel.
    pub(super) nodes: Vec<(NodeId, &'a Layout, &'a [f32])>,
    /// A value for each element, channels first.
    pub(super) constant: Option<&'a [f32]>,
}

/// Values of the inputs of a block's positions that stay in a core's cache while all weights pass (256 KiB), and bounds for
/// the number of positions.
const BLOCK: usize = 1 << 16;
const POSITIONS: [usize; 2] = [96, 384];

/// Reads a node's values for all samples of a run.
pub(super) type ReadNode<'a, 'b> = &'b (dyn Fn(NodeId) -> &'a [f32] + Sync);

impl Layer {
    /// A layer of convolutions, or of none.
    pub(super) fn dense(
        instructions: Instructions,
        convolutions: &[Convolution<'_>],
        sources: &[NodeId],
        sum: &Sum<'_>,
        finish: Finish,
        to: &Layout,
    ) -> Self {
        let inputs = convolutions.iter().map(|c| c.geometry.channels[0]).max().unwrap_or(to.channels);
        let blocks = Blocks::new(to.extents, (BLOCK / inputs.max(1)).clamp(POSITIONS[0], POSITIONS[1]));
        let groups = pack(convolutions, to.channels, to.stored, lanes(instructions), &blocks);
        let sources = (sources.iter().zip(convolutions))
            .map(|(&from, c)| (from, Offsets::new(&blocks, 0, strides(&c.input, c.geometry.stride))))
            .collect();
        Self::new(instructions, blocks, Synapse::Dense(groups), sources, sum, finish, to)
    }

    /// A layer of a depthwise convolution.
    pub(super) fn depthwise(
        instructions: Instructions,
        convolution: &Convolution<'_>,
        from: NodeId,
        sum: &Sum<'_>,
        finish: Finish,
        to: &Layout,
    ) -> Self {
        let lanes = lanes(instructions);
        let blocks = Blocks::new(to.extents, POSITIONS[1]);
        let taps: Vec<[usize; 2]> = convolution.taps().collect();
        let mut weights = Vec::with_capacity(to.stored * taps.len());
        for vector in (0..to.stored).step_by(lanes) {
            for &tap in &taps {
                let weight = |c: usize| if c < to.channels { (convolution.weight)(c, 0, tap) } else { 0.0 };
                weights.extend((vector..vector + lanes).map(weight));
            }
        }
        let weights = Packed::copy(&weights, weights.len());
        let taps = taps.into_iter().map(|tap| convolution.offset(tap)).collect();
        let offsets = Offsets::new(&blocks, 0, strides(&convolution.input, convolution.geometry.stride));
        Self::new(instructions, blocks, Synapse::Depthwise { taps, weights }, vec![(from, offsets)], sum, finish, to)
    }

    fn new(
        instructions: Instructions,
        blocks: Blocks,
        synapse: Synapse,
        sources: Vec<(NodeId, Offsets)>,
        sum: &Sum<'_>,
        finish: Finish,
        to: &Layout,
    ) -> Self {
        let nodes = sum.nodes.iter().map(|&(node, layout, factors)| AddedMap {
            from: Origin::Node(node),
            factors: Packed::copy(factors, to.stored),
            offsets: Offsets::new(&blocks, layout.at(0, 0), strides(layout, [1; 2])),
        });
        let constant = sum.constant.map(|values| {
            let [_, width] = to.extents;
            AddedMap {
                from: Origin::Constant(channels_last(values, to.positions(), to.stored)),
                factors: Packed::copy(&vec![1.0; to.channels], to.stored),
                offsets: Offsets::new(&blocks, 0, [0, width * to.stored, to.stored]),
            }
        });
        let added: Vec<AddedMap> = nodes.chain(constant).collect();
        assert!(added.len() <= ADDED && sources.len() <= SOURCES, "a sum of more terms has no kernel");
        let write = Offsets::new(&blocks, to.at(0, 0), strides(to, [1; 2]));
        let bias = Packed::copy(sum.bias, to.stored);
        Self { instructions, blocks, synapse, sources, bias, added, finish, to: to.clone(), write }
    }

    /// The nodes that it reads.
    pub(super) fn reads(&self) -> impl Iterator<Item = NodeId> {
        let added = self.added.iter().filter_map(|added| match added.from {
            Origin::Node(node) => Some(node),
            Origin::Constant(_) => None,
        });
        self.sources.iter().map(|(node, _)| *node).chain(added)
    }

    /// Room for the sums of a block.
    pub(super) fn sums(&self) -> usize {
        match &self.synapse {
            Synapse::Dense(groups) if groups.iter().any(|group| group.stages.len() > 1) => {
                let vectors = groups.iter().map(|group| group.vectors).max().unwrap_or(0);
                self.blocks.most() * vectors * lanes(self.instructions)
            }
            _ => 0,
        }
    }

    /// Number of its weights.
    pub(super) fn weights(&self) -> usize {
        match &self.synapse {
            Synapse::Dense(groups) => {
                groups.iter().flat_map(|group| &group.stages).map(|stage| stage.weights.len()).sum()
            }
            Synapse::Depthwise { weights, .. } => weights.len(),
        }
    }

    /// Runs some samples; `sums` has room for those of a block.
    pub(super) fn run(
        &self,
        read: ReadNode<'_, '_>,
        samples: usize,
        y: &mut [f32],
        sums: &mut Packed,
        threads: Threads,
    ) {
        y.chunks_exact_mut(self.to.volume()).for_each(|map| self.to.clear_halo(map));
        if threads == Threads::One {
            for block in self.blocks.of(samples) {
                let origin = self.write.origin(&block);
                self.block(&block, read, &mut y[origin..], sums);
            }
            return;
        }
        // each block writes what lies between its first position and that of the next
        let mut rest = y;
        let mut at = 0;
        let mut parts = Vec::new();
        let mut blocks = self.blocks.of(samples).peekable();
        while let Some(block) = blocks.next() {
            let origin = self.write.origin(&block);
            let end = blocks.peek().map_or(at + rest.len(), |next| self.write.origin(next));
            let (part, after) = rest.split_at_mut(end - at);
            parts.push((block, &mut part[origin - at..]));
            (rest, at) = (after, end);
        }
        parts
            .into_par_iter()
            .for_each_init(|| Packed::zeros(self.sums()), |sums, (block, y)| self.block(&block, read, y, sums));
    }

    /// Computes a block; `y` begins with its first position.
    fn block(&self, block: &Block, read: ReadNode<'_, '_>, y: &mut [f32], sums: &mut [f32]) {
        let count = block.count();
        let at = |node: NodeId, offsets: &Offsets| &read(node)[offsets.origin(block)..];
        let mut reads = [Read::default(); SOURCES];
        for (slot, (node, offsets)) in reads.iter_mut().zip(&self.sources) {
            *slot = Read { x: at(*node, offsets), slots: Slots::new(offsets.of(block)) };
        }
        let mut added = [None; ADDED];
        for (slot, map) in added.iter_mut().zip(&self.added) {
            let x = match &map.from {
                Origin::Node(node) => at(*node, &map.offsets),
                Origin::Constant(values) => &values[map.offsets.origin(block)..],
            };
            *slot = Some(Added { read: Read { x, slots: Slots::new(map.offsets.of(block)) }, factors: &map.factors });
        }
        let start = Start { bias: &self.bias, added };
        let slots = Slots::new(self.write.of(block));
        match &self.synapse {
            Synapse::Depthwise { taps, weights } => {
                let vectors = self.to.stored / lanes(self.instructions);
                let store = Store { finish: &self.finish, y, slots };
                Channelwise { taps, weights, read: reads[0], count, vectors, start, store }.run(self.instructions);
            }
            Synapse::Dense(groups) => {
                for group in groups {
                    let last = group.stages.len() - 1;
                    for (i, stage) in group.stages.iter().enumerate() {
                        let store = Store { finish: &self.finish, y: &mut *y, slots };
                        let mut products = Products {
                            channel: group.channel,
                            vectors: group.vectors,
                            parts: &stage.parts,
                            weights: &stage.weights,
                            reads,
                            positions: stage.positions.as_deref(),
                            count,
                            start: (i == 0).then_some(start),
                            store: (i == last).then_some(store),
                            sums,
                        };
                        products.run(self.instructions);
                    }
                }
            }
        }
    }
}

/// What the next sample, row and column add, of a map that is read in steps of `stride`.
fn strides(layout: &Layout, stride: [usize; 2]) -> [usize; 3] {
    [layout.volume(), stride[0] * layout.row(), stride[1] * layout.stored]
}

/// A value for each element with its channels last.
fn channels_last(values: &[f32], positions: usize, stored: usize) -> Packed {
    let mut packed = Packed::zeros(positions * stored);
    for (i, &value) in values.iter().enumerate() {
        packed[i % positions * stored + i / positions] = value;
    }
    packed
}
