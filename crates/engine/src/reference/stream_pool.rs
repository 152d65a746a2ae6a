use spikeconverter_network::StreamingPool;
use spikeconverter_neuron::{PoolRule, StreamCoding};

use super::gate::windows;

/// A maximum of what goes on from step to step.
pub(super) struct Pool {
    rule: PoolRule,
    /// For each result, the inputs of its window.
    windows: Vec<Vec<usize>>,
    /// What each input has sent so far, and what is expected of it next.
    sums: Vec<f64>,
    expected: Vec<f64>,
    /// The largest sum of each window in the step before, and what its readers expect next.
    largest: Vec<f64>,
    sent: Vec<f64>,
}

impl Pool {
    pub(super) fn new(pool: &StreamingPool, shape: &[usize]) -> Self {
        let windows = windows(&pool.pool, shape);
        let (inputs, results) = (shape.iter().product(), windows.len());
        Self {
            rule: pool.rule,
            windows,
            sums: vec![0.0; inputs],
            expected: vec![0.0; inputs],
            largest: vec![0.0; results],
            sent: vec![0.0; results],
        }
    }

    /// Back to before the first step.
    pub(super) fn restart(&mut self) {
        for values in [&mut self.sums, &mut self.expected, &mut self.largest, &mut self.sent] {
            values.fill(0.0);
        }
    }

    pub(super) fn step(&mut self, coding: StreamCoding, arriving: &[f64], step: u32) -> Vec<f64> {
        let decoded = arriving.iter().zip(&mut self.expected).map(|(&x, expected)| coding.decode(expected, x, step));
        let signal: Vec<f64> = decoded.collect();
        self.sums.iter_mut().zip(&signal).for_each(|(sum, x)| *sum += x);
        let results = self.windows.iter().zip(&mut self.largest).zip(&mut self.sent);
        let result = |((window, largest), sent): ((&Vec<usize>, &mut f64), &mut f64)| {
            let pooled = self.rule.pool(window, &signal, &self.sums, largest);
            coding.encode(sent, pooled, step)
        };
        results.map(result).collect()
    }
}
