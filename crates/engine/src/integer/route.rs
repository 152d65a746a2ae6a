//! Operations that move codes: concatenation, selection, padding, transposition, change of shape.

use spikeconverter_graph::{Op, volume};

use super::layout::{Layout, Planes};
use crate::literal;

/// Bytes copied from the inputs' planes to the result's.
#[derive(Debug, Clone)]
pub(super) struct Route {
    copies: Vec<Copy>,
    inputs: Vec<(Layout, Planes)>,
    output: Layout,
    planes: Planes,
}

/// Neighbouring bytes that stay together.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Copy {
    input: usize,
    from: usize,
    to: usize,
    length: usize,
}

/// What an input adds to the numbers of its elements, so that all differ.
const INPUT: f64 = (1u64 << 40) as f64;

impl Route {
    /// Finds out where each element comes from by sending their numbers through the operation.
    pub(super) fn new(
        op: &Op,
        shapes: &[&[usize]],
        inputs: Vec<(Layout, Planes)>,
        shape: &[usize],
        output: &Layout,
        planes: Planes,
    ) -> Option<Self> {
        let numbers: Vec<Vec<f64>> = (shapes.iter().enumerate())
            .map(|(i, shape)| (0..volume(shape)).map(|n| i as f64 * INPUT + n as f64 + 1.0).collect())
            .collect();
        let given: Vec<(&[usize], &[f64])> = shapes.iter().zip(&numbers).map(|(s, n)| (*s, n.as_slice())).collect();
        let found = literal::apply(op, &given, true).ok()?;
        let position = |layout: &Layout, element: usize| {
            let (channel, at) = (element / layout.positions(), element % layout.positions());
            layout.at(at / layout.extents[1], at % layout.extents[1]) + channel
        };
        debug_assert_eq!(found.len(), volume(shape));
        let mut copies: Vec<Copy> = (found.iter().enumerate())
            .filter(|(_, source)| **source > 0.0)
            .map(|(element, source)| {
                let (input, number) = ((source / INPUT) as usize, (source % INPUT) as usize - 1);
                Copy { input, from: position(&inputs[input].0, number), to: position(output, element), length: 1 }
            })
            .collect();
        copies.sort_by_key(|copy| copy.to);
        copies.dedup_by(|next, run| {
            let joins = next.input == run.input && next.from == run.from + run.length && next.to == run.to + run.length;
            run.length += usize::from(joins);
            joins
        });
        Some(Self { copies, inputs, output: output.clone(), planes })
    }

    /// Codes of whole samples in and out.
    pub(super) fn run(&self, inputs: &[&[u8]], y: &mut [u8]) {
        let bytes = self.output.bytes();
        for (sample, y) in y.chunks_exact_mut(self.planes.count() * bytes).enumerate() {
            y.fill(0);
            for copy in &self.copies {
                let (layout, planes) = &self.inputs[copy.input];
                for plane in 0..planes.count() {
                    // the same byte and sign, where the result has more of them
                    let target = plane % planes.bytes + plane / planes.bytes * self.planes.bytes;
                    let from = (sample * planes.count() + plane) * layout.bytes() + copy.from;
                    let source = &inputs[copy.input][from..][..copy.length];
                    y[target * bytes + copy.to..][..copy.length].copy_from_slice(source);
                }
            }
        }
    }
}
