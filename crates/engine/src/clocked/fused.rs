//! Stages whose currents come from one set of synapses, perhaps beside trains that a shortcut brings: a tile of neurons runs
//! through all steps of a block before the next tile, so that currents never leave a core's own cache.

use spikeconverter_network::SpikingNetwork;

use super::program::{BLOCK, Constant, End, Operation, Source, Stage, Term, Work};
use super::run::{Range, Workspace, add_word};
use crate::kernels::events::{EventSynapses, Words};
use crate::kernels::fire::Steps;
use crate::kernels::tile::LANES;
use crate::kernels::vectors::vectorised;

/// Currents of a tile (64 KiB), which stay in a core's own cache.
const CURRENTS: usize = 1 << 14;
/// The same where the weights of a block of channels are so many that they are better read less often (256 KiB).
const CURRENTS_OF_MANY_WEIGHTS: usize = 1 << 16;
/// Bytes of weights that stay in a core's own cache.
const MANY_WEIGHTS: usize = 1 << 18;

/// Which operations of a stage are fused with its neurons.
pub(super) struct Fused {
    /// Number of the operation with the synapses; those before it run step by step.
    synapses: usize,
    /// Whether the next, and last, operation adds trains.
    shortcut: bool,
}

impl Fused {
    /// How a stage can be fused, if it can.
    pub(super) fn of(operations: &[Operation], source: Source, end: &End) -> Option<Self> {
        let last = operations.len().checked_sub(1)?;
        if source != Source::Own(last) || !matches!(end, End::Fire { .. }) {
            return None;
        }
        if synapses(&operations[last]).is_some() {
            return Some(Self { synapses: last, shortcut: false });
        }
        let before = last.checked_sub(1)?;
        let shortcut = trains(&operations[last], before)?.all(|train| train.is_some());
        (shortcut && synapses(&operations[before]).is_some()).then_some(Self { synapses: before, shortcut: true })
    }
}

/// Synapses that are all that an operation has, beside a constant, and what they read.
fn synapses(operation: &Operation) -> Option<(&Constant, Source, &EventSynapses)> {
    match &operation.work {
        Work::Sum { constant, terms } => match terms.as_slice() {
            [(source, Term::Synapses(synapses))] => Some((constant, *source, synapses)),
            _ => None,
        },
        Work::Kernel { .. } => None,
    }
}

/// What an operation adds to operation number `to`, if it takes this as it is: trains and their factors, `None` for anything
/// else.
fn trains(operation: &Operation, to: usize) -> Option<impl Iterator<Item = Option<(Source, &[f32])>>> {
    let Work::Sum { terms, .. } = &operation.work else { return None };
    let [(Source::Own(own), Term::Same), rest @ ..] = terms.as_slice() else { return None };
    (*own == to).then(|| {
        rest.iter().map(|(source, term)| match (source, term) {
            (Source::Train(_), Term::Scale(factors)) => Some((*source, factors.as_slice())),
            _ => None,
        })
    })
}

/// Neurons of a tile: a block of channels at some positions.
struct Tile {
    positions: std::ops::Range<usize>,
    /// The block's first channel, and its channels.
    channel: usize,
    width: usize,
    /// Channels of a position, padding included.
    padded: usize,
    steps: usize,
}

impl Workspace {
    /// Runs a stage through a block of steps; `false`, with nothing done, where another way is the cheaper.
    pub(super) fn run_fused(&mut self, network: &SpikingNetwork, stage: &Stage, fused: &Fused, steps: usize) -> bool {
        let operation = &stage.operations[fused.synapses];
        let (Some((constant, source, synapses)), End::Fire { neurons, .. }) = (synapses(operation), &stage.end) else {
            return false;
        };
        let unlisted = match source {
            Source::Train(id) if synapses.takes_words() => Some(id),
            _ => None,
        };
        let mut events = std::mem::take(&mut self.events);
        if unlisted.is_none() {
            for (step, events) in events[..steps].iter_mut().enumerate() {
                let range = Range { before: 0, first: step, count: 1 };
                for (number, operation) in stage.operations[..fused.synapses].iter().enumerate() {
                    self.operate(network, operation, number, range);
                }
                self.list(synapses, source, range, 0, events);
            }
            if !synapses.are_few(&events[..steps]) {
                self.events = events;
                return false;
            }
        }
        let node = stage.node.0;
        let mut membranes = std::mem::take(&mut self.membranes[node]);
        let mut counts = std::mem::take(&mut self.counts[node]);
        let mut spikes = std::mem::take(&mut self.trains[node]);
        let mut currents = std::mem::take(&mut self.tile);
        let mut scratch = std::mem::take(&mut self.scratch);
        let shortcuts: Vec<(Source, &[f32])> = match stage.operations.get(fused.synapses + 1) {
            Some(last) if fused.shortcut => trains(last, fused.synapses).into_iter().flatten().flatten().collect(),
            _ => Vec::new(),
        };
        let constant = match constant {
            Constant::Fixed(values) => values,
            Constant::OfSample => &self.constants[operation.node.0],
        };
        let (width, padded, words) = (synapses.width(), stage.layout.padded, stage.layout.words());
        let many = synapses.bytes_of_block() > MANY_WEIGHTS;
        let most = (if many { CURRENTS_OF_MANY_WEIGHTS } else { CURRENTS } / (steps * width)).max(1);
        currents.resize(currents.len().max(most * steps * width), 0.0);
        for block in 0..synapses.blocks() {
            for first in (0..stage.layout.inner).step_by(most) {
                let positions = first..stage.layout.inner.min(first + most);
                let tile = Tile { positions: positions.clone(), channel: block * width, width, padded, steps };
                let currents = &mut currents[..positions.len() * steps * width];
                tile.begin(constant, currents);
                match unlisted {
                    Some(id) => synapses.add_words_to(block, positions, self.words(id, 0, steps), currents),
                    None => synapses.add_to(block, positions, &events[..steps], currents, &mut scratch),
                }
                for (source, factors) in &shortcuts {
                    if let Source::Train(id) = source {
                        tile.add_spikes(self.words(*id, 0, steps), factors, currents);
                    }
                }
                for (number, currents) in currents.chunks_exact(steps * width).enumerate() {
                    let at = (first + number) * padded + tile.channel;
                    let part = Steps {
                        count: steps,
                        channel: tile.channel,
                        currents,
                        stride: width,
                        spikes: &mut spikes[at / LANES..],
                        words,
                        counts: &mut counts[at..][..width],
                    };
                    neurons.run(&mut membranes[at..][..width], part);
                }
            }
        }
        (self.membranes[node], self.counts[node], self.trains[node]) = (membranes, counts, spikes);
        (self.tile, self.scratch, self.events) = (currents, scratch, events);
        true
    }
}

impl Tile {
    /// The currents of each step begin with what is constant.
    fn begin(&self, constant: &[f32], currents: &mut [f32]) {
        let ((constant, _), (currents, _)) = (constant.as_chunks::<LANES>(), currents.as_chunks_mut::<LANES>());
        let vectors = self.width / LANES;
        vectorised(
            #[inline(always)]
            || {
                let mut at = 0;
                for position in self.positions.clone() {
                    let first = (position * self.padded + self.channel) / LANES;
                    let constant = &constant[first..][..vectors];
                    for _ in 0..self.steps {
                        let currents = &mut currents[at..][..vectors];
                        let mut vector = 0;
                        while vector < vectors {
                            currents[vector] = constant[vector];
                            vector += 1;
                        }
                        at += vectors;
                    }
                }
            },
        );
    }

    /// Adds what a train carries: a factor for each channel.
    fn add_spikes(&self, words: Words<'_>, factors: &[f32], currents: &mut [f32]) {
        let ((factors, _), (currents, _)) = (factors.as_chunks::<LANES>(), currents.as_chunks_mut::<LANES>());
        let vectors = self.width / LANES;
        let factors = &factors[self.channel / LANES..][..vectors];
        vectorised(
            #[inline(always)]
            || {
                let mut at = 0;
                for position in self.positions.clone() {
                    let first = (position * self.padded + self.channel) / LANES;
                    for step in 0..self.steps {
                        let spikes = &words.spikes[step * words.stride + first..][..vectors];
                        let currents = &mut currents[at..][..vectors];
                        let mut vector = 0;
                        while vector < vectors {
                            add_word(spikes[vector], &factors[vector], &mut currents[vector]);
                            vector += 1;
                        }
                        at += vectors;
                    }
                }
            },
        );
    }
}

const _: () = assert!(BLOCK <= CURRENTS / (4 * LANES), "a tile holds a block of steps of one position");
