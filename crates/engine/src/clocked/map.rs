use spikeconverter_graph::Op;

use super::layout::Layout;
use crate::connections::connections;
use crate::kernels::tile::LANES;

/// A linear operation without weights (means, sums, concatenation, routing) as a list of what each element of an input
/// adds to.
pub(super) struct SparseMap {
    /// Where each element's connections begin, and the end.
    starts: Vec<u32>,
    /// Element of the result and factor.
    connections: Vec<(u32, f32)>,
}

impl SparseMap {
    /// The part of `op` that input number `input` has; `amplitude` multiplies the elements of each of its channels. `None`
    /// when it has too many connections or `op` is no such operation.
    pub(super) fn new(
        op: &Op,
        shapes: &[&[usize]],
        output: &[usize],
        input: usize,
        amplitude: impl Fn(usize) -> f32,
    ) -> Option<Self> {
        let (from, to) = (Layout::new(shapes[input]), Layout::new(output));
        u32::try_from(from.volume().max(to.volume())).ok()?;
        let found = connections(op, shapes, output, input)?;
        let channel = |element: u32| element as usize / from.inner;
        let mut connections: Vec<(u32, (u32, f32))> = found
            .into_iter()
            .map(|(element, result, factor)| {
                let weight = factor * f64::from(amplitude(channel(element)));
                (from.place(element as usize) as u32, (to.place(result as usize) as u32, weight as f32))
            })
            .collect();
        // stable: the results of an element stay in order
        connections.sort_by_key(|(element, _)| *element);
        let mut starts = Vec::with_capacity(from.volume() + 1);
        let mut at = 0;
        for element in 0..=from.volume() as u32 {
            while connections.get(at).is_some_and(|(e, _)| *e < element) {
                at += 1;
            }
            starts.push(at as u32);
        }
        Some(Self { starts, connections: connections.into_iter().map(|(_, c)| c).collect() })
    }

    fn of(&self, element: usize) -> &[(u32, f32)] {
        &self.connections[self.starts[element] as usize..self.starts[element + 1] as usize]
    }

    /// Adds what the spikes of a step cause.
    pub(super) fn add_spikes(&self, words: &[u16], output: &mut [f32]) {
        for (word, first) in words.iter().zip((0..).step_by(LANES)) {
            let mut rest = *word;
            while rest != 0 {
                for &(to, weight) in self.of(first + rest.trailing_zeros() as usize) {
                    output[to as usize] += weight;
                }
                rest &= rest - 1;
            }
        }
    }

    /// Adds what a step's values cause.
    pub(super) fn add_values(&self, values: &[f32], output: &mut [f32]) {
        for (element, &x) in values.iter().enumerate() {
            if x != 0.0 {
                for &(to, weight) in self.of(element) {
                    output[to as usize] += weight * x;
                }
            }
        }
    }
}
