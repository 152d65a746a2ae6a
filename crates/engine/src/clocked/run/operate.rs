//! The operations of a stage.

use spikeconverter_network::SpikingNetwork;

use super::super::program::{Constant, Operation, Source, Term, Work};
use super::{Range, Workspace};
use crate::kernels::Threads;
use crate::kernels::tile::LANES;
use crate::kernels::vectors::vectorised;

impl Workspace {
    /// Runs an operation of a stage.
    pub(in crate::clocked) fn operate(
        &mut self,
        network: &SpikingNetwork,
        operation: &Operation,
        number: usize,
        range: Range,
    ) {
        if self.own.len() <= number {
            self.own.resize_with(number + 1, Vec::new);
            self.sizes.resize(number + 1, 0);
        }
        let size = operation.layout.volume();
        self.sizes[number] = size;
        let mut own = std::mem::take(&mut self.own[number]);
        if own.len() < range.count * size {
            own.resize(range.count * size, 0.0);
        }
        // where constants act once, synapses are without them, and they are added in the first step
        let repeats = network.coding().repeats_constants();
        let first_step = !repeats && range.before + range.first == 0;
        match &operation.work {
            Work::Sum { constant, terms } => {
                let constants = std::mem::take(&mut self.constants[operation.node.0]);
                let constant = match constant {
                    Constant::Fixed(values) => values,
                    Constant::OfSample => &constants,
                };
                let mut terms = terms.as_slice();
                if let [(Source::Own(first), Term::Same), rest @ ..] = terms {
                    // nothing else reads it
                    std::mem::swap(&mut own, &mut self.own[*first]);
                    terms = rest;
                } else {
                    let output = &mut own[..range.count * size];
                    if repeats {
                        output.chunks_exact_mut(size).for_each(|y| y.copy_from_slice(constant));
                    } else {
                        output.fill(0.0);
                    }
                }
                let output = &mut own[..range.count * size];
                for (source, term) in terms {
                    self.add(*source, term, output, size, range);
                }
                if first_step {
                    output.iter_mut().zip(constant).for_each(|(y, x)| *y += x);
                }
                self.constants[operation.node.0] = constants;
            }
            Work::Kernel { kernel, inputs, first } => {
                let mut kernels = std::mem::take(&mut self.kernel);
                kernels.resize_with(inputs.len() + 1, Vec::new);
                for ((source, layout), plain) in inputs.iter().zip(&mut kernels) {
                    self.gather(network, *source, *layout, plain, range);
                }
                let Some((result, inputs)) = kernels.split_last_mut() else { return };
                let plain = operation.layout.channels * operation.layout.inner;
                result.resize(range.count * plain, 0.0);
                let output = &mut own[..range.count * size];
                // padding is 0
                output.fill(0.0);
                let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
                kernel.run_unchecked(&slices, result, Threads::One);
                for (plain, output) in result.chunks_exact(plain).zip(output.chunks_exact_mut(size)) {
                    operation.layout.take(plain, output);
                }
                if let (Some(first), true) = (first, first_step) {
                    output.iter_mut().zip(first).for_each(|(y, x)| *y += x);
                }
                self.kernel = kernels;
            }
        }
        self.own[number] = own;
    }

    /// Adds a term to the results of some steps.
    fn add(&mut self, source: Source, term: &Term, output: &mut [f32], size: usize, range: Range) {
        match term {
            Term::Synapses(synapses) => {
                if let (Source::Train(id), true) = (source, synapses.takes_words()) {
                    synapses.add_words(self.words(id, range.first, range.count), output);
                    return;
                }
                let mut events = std::mem::take(&mut self.events);
                for (step, events) in events[..range.count].iter_mut().enumerate() {
                    self.list(synapses, source, range, step, events);
                }
                synapses.add(&events[..range.count], output, &mut self.scratch);
                self.events = events;
            }
            // taken as it is, see above
            Term::Same => {}
            Term::Positions(map) => {
                for (step, output) in output.chunks_exact_mut(size).enumerate() {
                    match source {
                        Source::Train(id) => map.add_spikes(self.spikes(id, range.first + step), output),
                        _ => map.add_values(self.values(source, range, step), output),
                    }
                }
            }
            Term::Map(map) => {
                for (step, output) in output.chunks_exact_mut(size).enumerate() {
                    match source {
                        Source::Train(id) => map.add_spikes(self.spikes(id, range.first + step), output),
                        _ => map.add_values(self.values(source, range, step), output),
                    }
                }
            }
            Term::Scale(factors) => {
                for (step, output) in output.chunks_exact_mut(size).enumerate() {
                    if let Source::Train(id) = source {
                        add_spikes(self.spikes(id, range.first + step), factors, output);
                        continue;
                    }
                    let values = self.values(source, range, step).chunks_exact(factors.len());
                    for (output, values) in output.chunks_exact_mut(factors.len()).zip(values) {
                        for ((y, x), factor) in output.iter_mut().zip(values).zip(factors) {
                            *y += x * factor;
                        }
                    }
                }
            }
        }
    }
}

/// Adds what spikes carry: a factor for each element of a position. Where there is no spike, 0 is added: that is cheaper
/// than to ask.
fn add_spikes(words: &[u16], factors: &[f32], output: &mut [f32]) {
    vectorised(|| {
        let vectors = factors.len() / LANES;
        let ((factors, _), (output, _)) = (factors.as_chunks::<LANES>(), output.as_chunks_mut::<LANES>());
        let (mut at, mut vector) = (0, 0);
        while at < words.len().min(output.len()) {
            add_word(words[at], &factors[vector], &mut output[at]);
            at += 1;
            vector = if vector + 1 == vectors { 0 } else { vector + 1 };
        }
    });
}

/// Adds what the spikes of a vector carry.
#[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
#[inline(always)]
pub(in crate::clocked) fn add_word(word: u16, factors: &[f32; LANES], output: &mut [f32; LANES]) {
    let word = u32::from(word);
    let mut lane = 0;
    while lane < LANES {
        let mask = 0u32.wrapping_sub(word >> lane & 1);
        output[lane] += f32::from_bits(factors[lane].to_bits() & mask);
        lane += 1;
    }
}
