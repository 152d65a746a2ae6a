//! Model-based normalisation (P. U. Diehl et al., IJCNN 2015): the threshold of a layer is the largest activation its
//! weights allow, so that no neuron is ever driven beyond one spike a step and no data are needed:
//!
//! ```text
//! θ_l = max_i Σ_j max(0, w_ij) θ_{l-1}
//! ```
//!
//! The paper has layers without biases, on inputs in [0, 1]. Ours is the same bound for any layer: interval arithmetic over
//! the currents, with biases, with samples between their extremes on the calibration samples, and with spike trains between
//! 0 (or `−θ` where neurons send negative spikes) and `θ`.

use spikeconverter_engine::kernels::compile;
use spikeconverter_engine::{Batch, EngineError};
use spikeconverter_graph::ops::{Add, Affine, Conv, ConvTranspose, Linear, MaxPool};
use spikeconverter_graph::{NodeId, Op, Tensor};
use spikeconverter_network::Population;

use super::groups;
use crate::Granularity;
use crate::streaming::channel;

/// Bounds of the values of a network's nodes, as far as they are known.
pub(in crate::streaming) struct Bounds(Vec<Option<Interval>>);

impl Bounds {
    /// Those of the samples, in a network of `nodes` nodes.
    pub(in crate::streaming) fn new(nodes: usize, samples: &Batch) -> Result<Self, EngineError> {
        let mut all = vec![None; nodes];
        all[0] = Some(Interval::of_samples(samples)?);
        Ok(Self(all))
    }

    /// Those of a node.
    pub(in crate::streaming) fn of(&self, id: NodeId) -> Option<&Interval> {
        self.0[id.0].as_ref()
    }

    /// Carries them on through a synapse.
    pub(in crate::streaming) fn synapse(&mut self, id: NodeId, op: &Op, inputs: &[NodeId]) -> Result<(), EngineError> {
        let inputs: Vec<&Interval> = inputs.iter().filter_map(|&input| self.of(input)).collect();
        self.0[id.0] = Some(Interval::through(op, &inputs)?);
        Ok(())
    }

    /// Carries them on through a maximum.
    pub(in crate::streaming) fn pool(&mut self, id: NodeId, pool: &MaxPool, input: NodeId) -> Result<(), EngineError> {
        self.0[id.0] = self.of(input).map(|interval| interval.pooled(pool)).transpose()?;
        Ok(())
    }

    /// Sets those of spike trains: up to `range` times the threshold, from 0 or the negative of that.
    pub(in crate::streaming) fn population(
        &mut self,
        id: NodeId,
        population: &Population,
        shape: &[usize],
        threshold: &[f32],
        range: f32,
    ) -> Result<(), EngineError> {
        let neurons = 0..shape.iter().product::<usize>();
        let inner = neurons.len() / threshold.len().max(1);
        let high: Vec<f32> = neurons.clone().map(|n| threshold[n / inner] * range).collect();
        let signed = |n: usize| population.transfer.slope(channel(n, shape)) != 0.0;
        let low = neurons.map(|n| if signed(n) { -high[n] } else { 0.0 }).collect();
        let batch = |values| Batch::new(1, shape.to_vec(), values);
        self.0[id.0] = Some(Interval { low: batch(low)?, high: batch(high)? });
        Ok(())
    }
}

/// The largest magnitude that a population's activations can have, for each group.
pub(in crate::streaming) fn reach(currents: &Interval, population: &Population, granularity: Granularity) -> Vec<f32> {
    let shape = currents.high.shape();
    let groups = groups(shape, granularity);
    let inner = currents.high.volume() / groups;
    let of = |n: usize| {
        let activation = |v: f32| population.transfer.apply(f64::from(v), channel(n, shape)).abs() as f32;
        activation(currents.low.data()[n]).max(activation(currents.high.data()[n]))
    };
    (0..groups).map(|group| (group * inner..(group + 1) * inner).map(of).fold(0.0, f32::max)).collect()
}

/// Least and largest value of each element, as batches of one sample.
#[derive(Debug, Clone)]
pub(in crate::streaming) struct Interval {
    pub(in crate::streaming) low: Batch,
    pub(in crate::streaming) high: Batch,
}

impl Interval {
    /// Between the extremes of all elements of `samples`.
    pub(in crate::streaming) fn of_samples(samples: &Batch) -> Result<Self, EngineError> {
        let shape = || samples.shape().to_vec();
        let (low, high) = samples.data().iter().fold((f32::MAX, f32::MIN), |(l, h), &x| (l.min(x), h.max(x)));
        Ok(Self { low: Batch::full(1, shape(), low)?, high: Batch::full(1, shape(), high)? })
    }

    /// Their maximum over windows.
    pub(in crate::streaming) fn pooled(&self, pool: &MaxPool) -> Result<Self, EngineError> {
        Self::through(&Op::MaxPool(pool.clone()), &[self])
    }

    /// What `op` makes of intervals.
    pub(in crate::streaming) fn through(op: &Op, inputs: &[&Self]) -> Result<Self, EngineError> {
        let lows: Vec<&Batch> = inputs.iter().map(|i| &i.low).collect();
        let highs: Vec<&Batch> = inputs.iter().map(|i| &i.high).collect();
        let Some((positive, negative)) = parts(op) else {
            return Ok(Self { low: run(op, &lows)?, high: run(op, &highs)? });
        };
        let sum = |mut a: Batch, b: &Batch| {
            a.data_mut().iter_mut().zip(b.data()).for_each(|(a, b)| *a += b);
            a
        };
        Ok(Self {
            low: sum(run(&positive, &lows)?, &run(&negative, &highs)?),
            high: sum(run(&positive, &highs)?, &run(&negative, &lows)?),
        })
    }
}

fn run(op: &Op, inputs: &[&Batch]) -> Result<Batch, EngineError> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|batch| batch.shape()).collect();
    compile(op, &shapes)?.run(inputs)
}

/// The operation with its positive factors and its constants, and the one with its negative factors; `None` where no
/// factor can be negative.
fn parts(op: &Op) -> Option<(Op, Op)> {
    let positive = |tensor: &Tensor| tensor.map(|w| w.max(0.0));
    let negative = |tensor: &Tensor| tensor.map(|w| w.min(0.0));
    Some(match op {
        Op::Conv(c) => (
            Op::Conv(Conv { weight: positive(&c.weight), ..c.clone() }),
            Op::Conv(Conv { weight: negative(&c.weight), bias: None, ..c.clone() }),
        ),
        Op::ConvTranspose(c) => (
            Op::ConvTranspose(ConvTranspose { weight: positive(&c.weight), ..c.clone() }),
            Op::ConvTranspose(ConvTranspose { weight: negative(&c.weight), bias: None, ..c.clone() }),
        ),
        Op::Linear(l) => (
            Op::Linear(Linear { weight: positive(&l.weight), bias: l.bias.clone() }),
            Op::Linear(Linear { weight: negative(&l.weight), bias: None }),
        ),
        Op::Affine(Affine { scale: Some(scale), shift }) => (
            Op::Affine(Affine { scale: Some(positive(scale)), shift: shift.clone() }),
            Op::Affine(Affine { scale: Some(negative(scale)), shift: None }),
        ),
        Op::Add(add) => {
            let keep =
                |f: fn(f32) -> f32| Op::Add(Add { coefficients: add.coefficients.iter().map(|&c| f(c)).collect() });
            (keep(|c| c.max(0.0)), keep(|c| c.min(0.0)))
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Inputs between −1 and 2, weights 3 and −4, bias 0.5: from −3 − 8 + 0.5 to 6 + 4 + 0.5.
    #[test]
    fn intervals_take_the_worst_of_each_weight() {
        let input =
            Interval { low: Batch::full(1, vec![2], -1.0).unwrap(), high: Batch::full(1, vec![2], 2.0).unwrap() };
        let weight = Tensor::new(vec![1, 2], vec![3.0, -4.0]).unwrap();
        let op = Op::Linear(Linear { weight, bias: Some(Tensor::vector(vec![0.5])) });
        let result = Interval::through(&op, &[&input]).unwrap();
        assert_eq!((result.low.data(), result.high.data()), ([-10.5].as_slice(), [10.5].as_slice()));
        let difference = Op::Add(Add { coefficients: vec![1.0, -1.0] });
        let result = Interval::through(&difference, &[&input, &input]).unwrap();
        assert_eq!((result.low.data()[0], result.high.data()[0]), (-3.0, 3.0));
    }
}
