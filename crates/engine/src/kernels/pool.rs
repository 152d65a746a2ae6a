//! Maxima and means over windows.

use spikeconverter_graph::ops;

use super::plane::Plane;
use super::{Kernel, Threads};

/// Maximum over windows; padding never wins, NaN always does.
pub(super) struct MaxPool {
    plane: Plane,
}

impl MaxPool {
    pub(super) fn new(op: &ops::MaxPool, shape: &[usize], output: &[usize]) -> Self {
        Self { plane: Plane::new(&op.window, &shape[1..], &output[1..]) }
    }
}

impl Kernel for MaxPool {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        reduce(
            &self.plane,
            inputs[0],
            output,
            f32::NEG_INFINITY,
            |best, x| {
                if x > best || x.is_nan() { x } else { best }
            },
        );
    }
}

/// Mean over windows.
pub(super) struct AvgPool {
    plane: Plane,
    /// One divisor a window of the plane.
    divisors: Vec<f32>,
}

impl AvgPool {
    pub(super) fn new(op: &ops::AvgPool, shape: &[usize], output: &[usize]) -> Self {
        let plane = Plane::new(&op.window, &shape[1..], &output[1..]);
        let divisor = |window: usize| {
            let (y, x) = (window / plane.x.windows, window % plane.x.windows);
            let position = if op.window.rank() == 1 { vec![x] } else { vec![y, x] };
            op.divisor(&position, &shape[1..])
        };
        let divisors = (0..plane.windows()).map(divisor).collect();
        Self { plane, divisors }
    }
}

impl Kernel for AvgPool {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        reduce(&self.plane, inputs[0], output, 0.0, |sum, x| sum + x);
        for channel in output.chunks_exact_mut(self.divisors.len()) {
            for (y, divisor) in channel.iter_mut().zip(&self.divisors) {
                *y /= divisor;
            }
        }
    }
}

/// Folds the elements of each window with `f`, row of windows by row of windows, tap by tap.
fn reduce(plane: &Plane, input: &[f32], output: &mut [f32], start: f32, f: impl Fn(f32, f32) -> f32 + Copy) {
    let channels = input.chunks_exact(plane.input()).zip(output.chunks_exact_mut(plane.windows()));
    for (x, y) in channels {
        for (oy, row) in y.chunks_exact_mut(plane.x.windows).enumerate() {
            row.fill(start);
            for ky in plane.y.taps(oy) {
                let x = &x[plane.y.read(oy, ky) * plane.x.input..][..plane.x.input];
                for kx in 0..plane.x.kernel {
                    let windows = plane.x.windows_with(kx);
                    if windows.is_empty() {
                        continue;
                    }
                    let x = &x[plane.x.read(windows.start, kx)..];
                    let row = &mut row[windows];
                    match plane.x.stride {
                        1 => row.iter_mut().zip(x).for_each(|(y, &x)| *y = f(*y, x)),
                        2 => row.iter_mut().zip(x.chunks(2)).for_each(|(y, x)| *y = f(*y, x[0])),
                        n => row.iter_mut().zip(x.chunks(n)).for_each(|(y, x)| *y = f(*y, x[0])),
                    }
                }
            }
        }
    }
}
