//! Pointwise nonlinearities. NaN stays NaN, so that it is seen at the end.

use spikeconverter_graph::ops::Activation;

use super::elementwise::Spread;
use super::{Kernel, Threads};

/// The kernel of an activation.
pub(super) fn kernel(op: &Activation, shape: &[usize]) -> Box<dyn Kernel> {
    match op {
        Activation::Relu => Box::new(Clip { low: 0.0, high: f32::INFINITY }),
        Activation::Clip { low, high } => Box::new(Clip { low: *low, high: *high }),
        Activation::Leaky { slope } => Box::new(Leaky { slope: Spread::new(&[slope], shape) }),
    }
}

/// `min(max(x, low), high)`.
struct Clip {
    low: f32,
    high: f32,
}

impl Kernel for Clip {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        for (y, &x) in output.iter_mut().zip(inputs[0]) {
            *y = clip(x, self.low, self.high);
        }
    }
}

/// `min(max(x, low), high)`, NaN for NaN.
#[inline]
pub(super) fn clip(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `x` where `x ≥ 0`, `slope · x` elsewhere.
struct Leaky {
    slope: Spread<1>,
}

impl Kernel for Leaky {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        self.slope.each(inputs[0], output, |x, [slope]| if x < 0.0 { slope * x } else { x });
    }
}
