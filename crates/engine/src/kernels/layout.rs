//! Operations that move values; for elements of any type.

use spikeconverter_graph::ops;
use spikeconverter_graph::volume;

use super::walk::{Walk, strides};
use super::{Kernel, Threads};

/// The same values (reshaping).
pub(super) struct Copy;

impl<T: std::marker::Copy + Send + Sync> Kernel<T, T> for Copy {
    fn run(&self, inputs: &[&[T]], output: &mut [T], _: Threads) {
        output.copy_from_slice(inputs[0]);
    }
}

/// The inputs one after the other along an axis.
pub(super) struct Concat {
    /// For each input, the length of a run that is copied whole.
    runs: Vec<usize>,
}

impl Concat {
    pub(super) fn new(op: &ops::Concat, inputs: &[&[usize]]) -> Self {
        Self { runs: inputs.iter().map(|shape| volume(&shape[op.axis..])).collect() }
    }
}

impl<T: std::marker::Copy + Send + Sync> Kernel<T, T> for Concat {
    fn run(&self, inputs: &[&[T]], output: &mut [T], _: Threads) {
        let whole: usize = self.runs.iter().sum();
        for (i, mut rest) in output.chunks_exact_mut(whole).enumerate() {
            for (x, &run) in inputs.iter().zip(&self.runs) {
                let (part, others) = rest.split_at_mut(run);
                part.copy_from_slice(&x[i * run..][..run]);
                rest = others;
            }
        }
    }
}

/// Each element of the result is one of the input: transposition, selection.
pub(super) struct Gather {
    walk: Walk,
    input: usize,
}

impl Gather {
    pub(super) fn transpose(op: &ops::Transpose, shape: &[usize]) -> Self {
        let strides = strides(shape);
        let tables = op.perm.iter().map(|&axis| (0..shape[axis]).map(|i| i * strides[axis]).collect());
        Self { walk: Walk::new(tables.collect()), input: volume(shape) }
    }

    pub(super) fn select(op: &ops::Select, shape: &[usize]) -> Self {
        let strides = strides(shape);
        let tables = op.maps.iter().enumerate().map(|(axis, map)| match map {
            Some(map) => map.iter().map(|i| i * strides[axis]).collect(),
            None => (0..shape[axis]).map(|i| i * strides[axis]).collect(),
        });
        Self { walk: Walk::new(tables.collect()), input: volume(shape) }
    }
}

impl<T: std::marker::Copy + Send + Sync> Kernel<T, T> for Gather {
    fn run(&self, inputs: &[&[T]], output: &mut [T], _: Threads) {
        let inner = self.walk.inner();
        let contiguous = self.walk.contiguous();
        let mut rows = output.chunks_exact_mut(inner.len());
        for x in inputs[0].chunks_exact(self.input) {
            self.walk.rows(|base| {
                let Some(row) = rows.next() else { return };
                if let Some(first) = contiguous {
                    row.copy_from_slice(&x[base + first..][..row.len()]);
                } else {
                    for (y, offset) in row.iter_mut().zip(inner) {
                        *y = x[base + offset];
                    }
                }
            });
        }
    }
}

/// The input with a constant around it.
pub(super) struct Pad<T> {
    /// Where each row of the input goes.
    walk: Walk,
    input: usize,
    output: usize,
    value: T,
}

impl Pad<f32> {
    pub(super) fn new(op: &ops::Pad, shape: &[usize], output: &[usize]) -> Self {
        let strides = strides(output);
        let tables = shape
            .iter()
            .enumerate()
            .map(|(axis, &extent)| (0..extent).map(|i| (i + op.before[axis]) * strides[axis]).collect());
        Self { walk: Walk::new(tables.collect()), input: volume(shape), output: volume(output), value: op.value }
    }
}

impl<T: std::marker::Copy + Send + Sync> Kernel<T, T> for Pad<T> {
    fn run(&self, inputs: &[&[T]], output: &mut [T], _: Threads) {
        output.fill(self.value);
        let (row, first) = (self.walk.inner().len(), self.walk.inner()[0]);
        for (x, y) in inputs[0].chunks_exact(self.input).zip(output.chunks_exact_mut(self.output)) {
            let mut rows = x.chunks_exact(row);
            self.walk.rows(|base| {
                if let Some(x) = rows.next() {
                    y[base + first..][..row].copy_from_slice(x);
                }
            });
        }
    }
}
