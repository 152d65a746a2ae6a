//! Maxima that go on from step to step.

use spikeconverter_graph::volume;
use spikeconverter_network::StreamingPool;
use spikeconverter_neuron::{PoolRule, StreamCoding};

use super::layout::Layout;
use crate::literal::pool_elements;
use crate::literal::shape::indices;

/// The windows of a maximum, by places in the layout of its input and its result.
pub(super) struct Pool {
    rule: PoolRule,
    coding: StreamCoding,
    /// Values of an input and of a result, padding included.
    sizes: [usize; 2],
    /// Where each result lies, and where its inputs begin in `inputs`; they end where the next one's begin.
    results: Vec<(usize, usize)>,
    inputs: Vec<usize>,
}

/// What a maximum remembers.
#[derive(Default)]
pub(super) struct PoolState {
    signal: Vec<f64>,
    sums: Vec<f64>,
    expected: Vec<f64>,
    largest: Vec<f64>,
    sent: Vec<f64>,
}

impl Pool {
    pub(super) fn new(pool: &StreamingPool, input: &[usize], output: &[usize], coding: StreamCoding) -> Self {
        let (from, to) = (Layout::new(input), Layout::new(output));
        let mut results = Vec::with_capacity(volume(output));
        let mut inputs = Vec::new();
        for (n, index) in indices(output).enumerate() {
            results.push((to.place(n), inputs.len()));
            inputs
                .extend(pool_elements(&pool.pool.window, input, &index).into_iter().map(|element| from.place(element)));
        }
        Self { rule: pool.rule, coding, sizes: [from.volume(), to.volume()], results, inputs }
    }

    /// Before the first step.
    pub(super) fn prepare(&self, state: &mut PoolState) {
        let [inputs, _] = self.sizes;
        let restart = |values: &mut Vec<f64>, count: usize| {
            values.clear();
            values.resize(count, 0.0);
        };
        restart(&mut state.signal, inputs);
        restart(&mut state.sums, inputs);
        restart(&mut state.expected, inputs);
        restart(&mut state.largest, self.results.len());
        restart(&mut state.sent, self.results.len());
    }

    /// Step `t`, counted from 1.
    pub(super) fn step(&self, state: &mut PoolState, values: &[f32], t: u32, output: &mut [f32]) {
        let PoolState { signal, sums, expected, largest, sent } = state;
        for (((x, sum), expected), &value) in signal.iter_mut().zip(sums.iter_mut()).zip(expected).zip(values) {
            *x = self.coding.decode(expected, value.into(), t);
            *sum += *x;
        }
        let ends = self.results.iter().skip(1).map(|(_, begin)| *begin).chain([self.inputs.len()]);
        for ((&(place, begin), end), (largest, sent)) in self.results.iter().zip(ends).zip(largest.iter_mut().zip(sent))
        {
            let pooled = self.rule.pool(&self.inputs[begin..end], signal, sums, largest);
            output[place] = self.coding.encode(sent, pooled, t) as f32;
        }
    }
}
