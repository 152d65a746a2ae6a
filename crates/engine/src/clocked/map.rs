use spikeconverter_graph::ops::{Add, Affine};
use spikeconverter_graph::{Op, volume};

use super::layout::Layout;
use crate::fan_out::for_each_reading;
use crate::kernels::tile::LANES;
use crate::literal::shape::{broadcast_position, multi_index};

/// Connections that a map may have (256 MiB).
const MOST_CONNECTIONS: usize = 1 << 25;

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
        let factor: Box<dyn Fn(usize) -> f64> = match op {
            Op::Add(Add { coefficients }) => {
                let coefficient = f64::from(*coefficients.get(input)?);
                Box::new(move |_| coefficient)
            }
            Op::Affine(Affine { scale, .. }) => {
                let scale = scale.clone();
                let output = output.to_vec();
                Box::new(move |to| {
                    let of = |scale: &spikeconverter_graph::Tensor| {
                        scale.data()[broadcast_position(scale.shape(), &multi_index(&output, to))]
                    };
                    f64::from(scale.as_ref().map_or(1.0, of))
                })
            }
            Op::AvgPool(pool) => {
                let (pool, output, input) = (pool.clone(), output.to_vec(), shapes[0].to_vec());
                Box::new(move |to| 1.0 / f64::from(pool.divisor(&multi_index(&output, to)[1..], &input[1..])))
            }
            Op::Mean(_) => {
                let count = volume(shapes[0]) / volume(output).max(1);
                Box::new(move |_| 1.0 / count as f64)
            }
            Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) | Op::Pad(_) => Box::new(|_| 1.0),
            _ => return None,
        };
        let (from, to) = (Layout::new(shapes[input]), Layout::new(output));
        u32::try_from(from.volume().max(to.volume())).ok()?;
        let mut found: Vec<(u32, u32)> = Vec::new();
        let mut few = true;
        for_each_reading(op, shapes, output, |of, element, result| {
            few &= found.len() < MOST_CONNECTIONS;
            if of == input && few {
                found.push((element as u32, result as u32));
            }
        });
        if !few {
            return None;
        }
        let channel = |element: u32| element as usize / from.inner;
        let mut connections: Vec<(u32, (u32, f32))> = found
            .into_iter()
            .map(|(element, result)| {
                let weight = factor(result as usize) * f64::from(amplitude(channel(element)));
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
