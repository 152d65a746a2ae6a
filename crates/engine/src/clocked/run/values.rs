//! What operations read: spikes as bits and as events, and values.

use spikeconverter_graph::NodeId;
use spikeconverter_network::SpikingNetwork;

use super::super::layout::Layout;
use super::super::program::{BLOCK, Source};
use super::{Range, Workspace};
use crate::kernels::events::{EventList, EventSynapses, Words};
use crate::kernels::tile::LANES;

impl Workspace {
    /// Lists the events of a step of a range.
    pub(in crate::clocked) fn list(
        &self,
        synapses: &EventSynapses,
        source: Source,
        range: Range,
        step: usize,
        events: &mut EventList,
    ) {
        match source {
            Source::Train(id) => synapses.list_spikes(self.spikes(id, range.first + step), events),
            _ => synapses.list_values(self.values(source, range, step), events),
        }
    }

    /// The spikes of a step of the block.
    pub(in crate::clocked) fn spikes(&self, id: NodeId, step: usize) -> &[u16] {
        let words = self.trains[id.0].len() / BLOCK;
        &self.trains[id.0][step * words..][..words]
    }

    /// Whether any of a node's neurons sends something in a step of the block.
    pub(super) fn sends(&self, id: NodeId, step: usize) -> bool {
        if self.trains[id.0].is_empty() {
            let size = self.shared[id.0].len() / BLOCK;
            self.shared[id.0][step * size..][..size].iter().any(|x| *x != 0.0)
        } else {
            self.spikes(id, step).iter().any(|word| *word != 0)
        }
    }

    /// The spikes of some steps of the block.
    pub(in crate::clocked) fn words(&self, id: NodeId, first: usize, steps: usize) -> Words<'_> {
        let stride = self.trains[id.0].len() / BLOCK;
        Words { spikes: &self.trains[id.0][first * stride..], stride, steps }
    }

    /// The values that a source other than a train has in a step of a range.
    pub(super) fn values(&self, source: Source, range: Range, step: usize) -> &[f32] {
        match source {
            Source::Constant(_) if !self.silence.is_empty() && range.before + range.first + step > 0 => &self.silence,
            Source::Constant(id) => &self.constants[id.0],
            Source::Shared(id) => {
                let size = self.shared[id.0].len() / BLOCK;
                &self.shared[id.0][(range.first + step) * size..][..size]
            }
            Source::Own(number) => {
                let size = self.sizes[number];
                &self.own[number][step * size..][..size]
            }
            Source::Train(_) => &[],
        }
    }

    /// The values of a source in row-major order, for all steps of a range; spikes carry their threshold.
    pub(super) fn gather(
        &self,
        network: &SpikingNetwork,
        source: Source,
        layout: Layout,
        plain: &mut Vec<f32>,
        range: Range,
    ) {
        let size = layout.channels * layout.inner;
        plain.clear();
        plain.resize(range.count * size, 0.0);
        for (step, plain) in plain.chunks_exact_mut(size).enumerate() {
            let Source::Train(id) = source else {
                layout.give(self.values(source, range, step), plain);
                continue;
            };
            let spikes = self.spikes(id, range.first + step);
            let thresholds = network.node(id).kind.thresholds().unwrap_or(&[]);
            for (i, x) in plain.iter_mut().enumerate() {
                let (place, channel) = (layout.place(i), i / layout.inner);
                if spikes[place / LANES] >> (place % LANES) & 1 == 1 {
                    *x = thresholds.get(channel).or(thresholds.first()).copied().unwrap_or(0.0);
                }
            }
        }
    }
}
