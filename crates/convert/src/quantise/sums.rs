//! Means as sums: integers have no division, and a divisor is part of the unit.

use spikeconverter_graph::ops::{AvgPool, Conv, Mean, Window};
use spikeconverter_graph::{Tensor, volume};

/// Beyond this many ones a mean is refused.
const MOST_TAPS: usize = 1 << 26;
/// Windows that divide by different numbers get a common divisor up to this.
const LARGEST_DIVISOR: u64 = 1 << 12;

/// A mean as `scale · Σ x / divisor`.
#[derive(Debug, Clone)]
pub(super) struct Sum {
    /// The sum: a depthwise convolution with ones.
    pub(super) conv: Conv,
    /// Integers by which windows are multiplied where they do not divide by the same number.
    pub(super) scale: Option<Tensor>,
    /// The result's shape, where the convolution's is another.
    pub(super) shape: Option<Vec<usize>>,
    /// The divisor.
    pub(super) divisor: f32,
}

impl Sum {
    /// Of an average pool; the error says why not.
    pub(super) fn of_pool(pool: &AvgPool, input: &[usize], output: &[usize]) -> Result<Self, String> {
        let mut window = pool.window.clone();
        for axis in 0..window.rank() {
            // what a window that runs over the end reads there counts as zero
            let end = (output[1 + axis] - 1) * window.stride[axis] + window.reach(axis);
            let missing = end.saturating_sub(input[1 + axis] + window.pad_begin[axis]);
            window.pad_end[axis] = missing.max(if pool.ceil { 0 } else { window.pad_end[axis] });
        }
        let spatial = Tensor::full(output[1..].to_vec(), 0.0);
        let positions = volume(spatial.shape());
        let mut index = vec![0; output.len() - 1];
        let mut divisors = Vec::with_capacity(positions);
        for position in 0..positions {
            let mut rest = position;
            for axis in (0..index.len()).rev() {
                (index[axis], rest) = (rest % output[1 + axis], rest / output[1 + axis]);
            }
            divisors.push(pool.divisor(&index, &input[1..]) as u64);
        }
        let common = divisors.iter().try_fold(1, |all, &d| common_multiple(all, d).filter(|&m| m <= LARGEST_DIVISOR));
        let uniform = divisors.iter().all(|d| *d == divisors[0]);
        let (divisor, scale) = match common {
            _ if uniform => (divisors[0], None),
            Some(common) => {
                let mut shape = vec![1];
                shape.extend(&output[1..]);
                let scale = divisors.iter().map(|d| (common / d) as f32).collect();
                (common, Some(Tensor::new(shape, scale).map_err(|e| e.to_string())?))
            }
            None => return Err("its windows hold numbers of elements without a small common multiple".into()),
        };
        Ok(Self { conv: ones(input[0], window)?, scale, shape: None, divisor: divisor as f32 })
    }

    /// Of a mean over axes other than the first.
    pub(super) fn of_mean(mean: &Mean, input: &[usize], output: &[usize]) -> Result<Self, String> {
        if !(2..=3).contains(&input.len()) || mean.axes.contains(&0) {
            return Err(format!("it is a mean over axes {:?} of {input:?}, not over positions", mean.axes));
        }
        let kernel: Vec<usize> =
            (1..input.len()).map(|axis| if mean.axes.contains(&axis) { input[axis] } else { 1 }).collect();
        let divisor = volume(&kernel) as f32;
        let conv = ones(input[0], Window::new(kernel))?;
        let shape = (!mean.keep).then(|| output.to_vec());
        Ok(Self { conv, scale: None, shape, divisor })
    }
}

fn ones(channels: usize, window: Window) -> Result<Conv, String> {
    let mut shape = vec![channels, 1];
    shape.extend(&window.kernel);
    match shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)) {
        Some(n) if n <= MOST_TAPS => {
            Ok(Conv { weight: Tensor::full(shape, 1.0), bias: None, window, groups: channels })
        }
        _ => Err("its windows are too large".into()),
    }
}

fn common_multiple(a: u64, b: u64) -> Option<u64> {
    let (mut x, mut y) = (a, b);
    while y != 0 {
        (x, y) = (y, x % y);
    }
    (a / x.max(1)).checked_mul(b)
}

#[cfg(test)]
mod tests {
    use spikeconverter_engine::Batch;
    use spikeconverter_engine::kernels::compile;
    use spikeconverter_graph::Op;
    use spikeconverter_graph::ops::Affine;

    use super::*;

    fn run(op: &Op, x: &Batch) -> Batch {
        compile(op, &[x.shape()]).unwrap().run(&[x]).unwrap()
    }

    #[track_caller]
    fn check(op: &Op, sum: &Sum, x: &Batch) {
        let wanted = run(op, x);
        let mut found = run(&Op::Conv(sum.conv.clone()), x);
        if let Some(scale) = &sum.scale {
            found = run(&Op::Affine(Affine { scale: Some(scale.clone()), shift: None }), &found);
        }
        assert_eq!(sum.shape.as_deref().unwrap_or(found.shape()), wanted.shape());
        for (w, f) in wanted.data().iter().zip(found.data()) {
            assert!((w - f / sum.divisor).abs() < 1e-5, "{op:?}: {w} and {f}");
        }
    }

    #[test]
    fn sums_are_means() {
        let x = Batch::new(1, vec![2, 5, 6], (0..60).map(|i| (i * i % 17) as f32).collect()).unwrap();
        for (count_include_pad, ceil, pad, stride) in
            [(true, false, 1, 1), (false, false, 1, 1), (true, true, 0, 2), (false, true, 1, 2), (true, true, 1, 2)]
        {
            let window = Window::new(vec![3, 3]).padded(pad).strided(stride);
            let pool = AvgPool { window, ceil, count_include_pad };
            let output = pool.output_shape(x.shape()).unwrap();
            check(&Op::AvgPool(pool.clone()), &Sum::of_pool(&pool, x.shape(), &output).unwrap(), &x);
        }
        for (axes, keep) in [(vec![1, 2], false), (vec![1, 2], true), (vec![2], false)] {
            let mean = Mean { axes, keep };
            let output = mean.output_shape(x.shape()).unwrap();
            check(&Op::Mean(mean.clone()), &Sum::of_mean(&mean, x.shape(), &output).unwrap(), &x);
        }
        let across = Mean { axes: vec![0], keep: true };
        assert!(Sum::of_mean(&across, &[2, 5, 6], &[1, 5, 6]).is_err());
    }
}
