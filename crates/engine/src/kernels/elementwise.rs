//! Scaling, shifting and summing.

use spikeconverter_graph::ops;
use spikeconverter_graph::{Tensor, volume};

use super::walk::Walk;
use super::{Kernel, Threads};

/// `N` constants broadcast to a sample, kept no larger than they must be: each value serves a run of `inner`
/// neighbouring elements (a channel's plane, say).
pub(super) struct Spread<const N: usize> {
    values: Vec<[f32; N]>,
    inner: usize,
}

impl<const N: usize> Spread<N> {
    /// The constants broadcast to `shape`, as their shape rule has checked.
    pub(super) fn new(constants: &[&Tensor; N], shape: &[usize]) -> Self {
        let varies = |axis: usize| {
            let from_right = shape.len() - axis;
            constants.iter().any(|c| c.shape().len() >= from_right && c.shape()[c.shape().len() - from_right] != 1)
        };
        let kept = (0..shape.len()).rev().find(|&axis| varies(axis)).map_or(0, |axis| axis + 1);
        let inner = volume(&shape[kept..]);
        let mut leading = shape.to_vec();
        leading[kept..].fill(1);
        let positions = constants.map(|c| Walk::broadcast(c.shape(), &leading).positions());
        let values = (0..volume(&leading)).map(|i| std::array::from_fn(|n| constants[n].data()[positions[n][i]]));
        Self { values: values.collect(), inner }
    }

    /// `y = f(x, constants)` for each element of each sample.
    pub(super) fn each(&self, x: &[f32], y: &mut [f32], f: impl Fn(f32, [f32; N]) -> f32) {
        if self.inner == 1 {
            let samples = x.chunks_exact(self.values.len()).zip(y.chunks_exact_mut(self.values.len()));
            for (x, y) in samples {
                for ((y, &x), &constants) in y.iter_mut().zip(x).zip(&self.values) {
                    *y = f(x, constants);
                }
            }
            return;
        }
        let runs = x.chunks_exact(self.inner).zip(y.chunks_exact_mut(self.inner));
        for ((x, y), &constants) in runs.zip(self.values.iter().cycle()) {
            for (y, &x) in y.iter_mut().zip(x) {
                *y = f(x, constants);
            }
        }
    }
}

/// `y = scale · x + shift`.
pub(super) struct Affine {
    constants: Spread<2>,
}

impl Affine {
    pub(super) fn new(op: &ops::Affine, shape: &[usize]) -> Self {
        let (one, zero) = (Tensor::full(vec![], 1.0), Tensor::full(vec![], 0.0));
        let constants = [op.scale.as_ref().unwrap_or(&one), op.shift.as_ref().unwrap_or(&zero)];
        Self { constants: Spread::new(&constants, shape) }
    }
}

impl Kernel for Affine {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        self.constants.each(inputs[0], output, |x, [scale, shift]| scale * x + shift);
    }
}

/// `y = Σ_i coefficient_i · x_i`.
pub(super) struct Add {
    branches: Vec<Branch>,
    volume: usize,
}

struct Branch {
    coefficient: f32,
    volume: usize,
    /// How to read a branch that is smaller than the result.
    walk: Option<Walk>,
}

impl Add {
    pub(super) fn new(op: &ops::Add, inputs: &[&[usize]], output: &[usize]) -> Self {
        let branches = op.coefficients.iter().zip(inputs).map(|(&coefficient, &shape)| Branch {
            coefficient,
            volume: volume(shape),
            walk: (volume(shape) != volume(output)).then(|| Walk::broadcast(shape, output)),
        });
        Self { branches: branches.collect(), volume: volume(output) }
    }
}

impl Kernel for Add {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        if let ([a, b], [x, z]) = (&self.branches[..], inputs)
            && a.walk.is_none()
            && b.walk.is_none()
        {
            for ((y, &x), &z) in output.iter_mut().zip(*x).zip(*z) {
                *y = a.coefficient * x + b.coefficient * z;
            }
            return;
        }
        for (i, y) in output.chunks_exact_mut(self.volume).enumerate() {
            y.fill(0.0);
            for (branch, x) in self.branches.iter().zip(inputs) {
                branch.add(&x[i * branch.volume..][..branch.volume], y);
            }
        }
    }
}

impl Branch {
    fn add(&self, x: &[f32], y: &mut [f32]) {
        let Some(walk) = &self.walk else {
            for (y, &x) in y.iter_mut().zip(x) {
                *y += self.coefficient * x;
            }
            return;
        };
        let mut rows = y.chunks_exact_mut(walk.inner().len());
        walk.rows(|base| {
            for (y, offset) in rows.next().into_iter().flatten().zip(walk.inner()) {
                *y += self.coefficient * x[base + offset];
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_kept_small() {
        let spread = Spread::new(&[&Tensor::new(vec![2, 1, 1], vec![2.0, 3.0]).unwrap()], &[2, 1, 3]);
        assert_eq!((spread.values.len(), spread.inner), (2, 3));
        let mut y = [0.0; 12];
        spread.each(&[1.0; 12], &mut y, |x, [c]| x * c);
        assert_eq!(y, [2., 2., 2., 3., 3., 3., 2., 2., 2., 3., 3., 3.]);
        let spread = Spread::new(&[&Tensor::full(vec![], 2.0)], &[2, 3]);
        assert_eq!((spread.values.len(), spread.inner), (1, 6));
    }
}
