//! Whether the sums of a step are exact in `f32`.
//!
//! In a network of integers all spikes of a step weigh the same power of two or are small multiples of one, and weights are
//! integers. So all sums of a step are whole numbers of that power, which `f32` holds while they are below 2^24.

use spikeconverter_graph::Op;

use crate::adjoint::Unfolding;

/// What a signal's values are multiples of in its first step, and how many of these it is at most; half of that in each step
/// that follows, as long as all codes have base 2.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grain {
    unit: f64,
    most: f64,
}

impl Grain {
    /// Of values that are these integers at most, or nothing.
    pub(super) fn of_integers(values: impl Iterator<Item = f32> + Clone) -> Option<Self> {
        let mut unit = f64::INFINITY;
        for value in values.clone().filter(|value| *value != 0.0) {
            let value = f64::from(value.abs());
            if value.fract() != 0.0 || value >= 2f64.powi(53) {
                return None;
            }
            unit = unit.min(2f64.powi((value as u64).trailing_zeros() as i32));
        }
        let largest = values.fold(0.0, |most: f64, value| most.max(f64::from(value.abs())));
        unit.is_finite().then(|| Self { unit, most: largest / unit })
    }

    /// Of the sum of signals, each taken a whole number of times.
    fn of_sum(parts: impl Iterator<Item = (Option<Self>, f32)> + Clone) -> Option<Self> {
        let unit = parts.clone().try_fold(f64::INFINITY, |unit, (grain, _)| Some(unit.min(grain?.unit)))?;
        let most = parts.map(|(grain, times)| {
            let whole = (times.fract() == 0.0).then_some(f64::from(times.abs()))?;
            grain.map(|grain| whole * grain.most * grain.unit / unit)
        });
        Some(Self { unit, most: most.sum::<Option<f64>>()? })
    }

    /// Of what an operation makes of signals, where that is known.
    pub(super) fn after(op: &Op, inputs: &[Option<Self>]) -> Option<Self> {
        match op {
            Op::Conv(_) | Op::Linear(_) => {
                let (weight, _) = Unfolding::parameters(op)?;
                let rows = weight.shape().first().copied().unwrap_or(1).max(1);
                let whole = weight.data().iter().all(|w| w.fract() == 0.0);
                let row = |row: &[f32]| row.iter().map(|w| f64::from(w.abs())).sum::<f64>();
                let inner = (weight.data().len() / rows).max(1);
                let sums = weight.data().chunks(inner).map(row).fold(0.0, f64::max);
                inputs[0].filter(|_| whole).map(|grain| Self { most: grain.most * sums, ..grain })
            }
            Op::Add(add) => Self::of_sum(inputs.iter().copied().zip(add.coefficients.iter().copied())),
            Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) | Op::Pad(_) => {
                Self::of_sum(inputs.iter().map(|&grain| (grain, 1.0)))
            }
            _ => None,
        }
    }

    /// Whether all sums of such values are exact in `f32`.
    pub(super) fn is_exact(self) -> bool {
        self.most < 2f64.powi(24)
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Tensor;
    use spikeconverter_graph::ops::{Add, Linear};

    use super::*;

    fn linear(weight: &[f32]) -> Op {
        let weight = Tensor::new(vec![weight.len() / 2, 2], weight.to_vec()).unwrap();
        Op::Linear(Linear { weight, bias: None })
    }

    #[test]
    fn sums_are_bounded_in_units_of_their_step() {
        // spikes of 8 in the first step are one unit each; 24 and 8 are three and one
        let one = Grain::of_integers([8.0, 8.0].into_iter()).unwrap();
        let three = Grain::of_integers([24.0, -8.0].into_iter()).unwrap();
        assert_eq!([(one.unit, one.most), (three.unit, three.most)], [(8.0, 1.0), (8.0, 3.0)]);
        assert_eq!(Grain::of_integers([0.5].into_iter()), None);
        // the largest row counts: 127 + 100
        let sum = Grain::after(&linear(&[127.0, -100.0, 3.0, 4.0]), &[Some(three)]).unwrap();
        assert_eq!((sum.unit, sum.most), (8.0, 681.0));
        assert_eq!(Grain::after(&linear(&[0.5, 1.0]), &[Some(three)]), None);
        assert_eq!(Grain::after(&linear(&[2.0, 1.0]), &[None]), None);
        // beside pixels, whose first bit counts 128: in eights
        let pixels = Grain { unit: 128.0, most: 1.0 };
        let add = Op::Add(Add { coefficients: vec![1.0, -2.0] });
        assert_eq!(Grain::after(&add, &[Some(one), Some(pixels)]), Some(Grain { unit: 8.0, most: 33.0 }));
        assert!(sum.is_exact() && !Grain { unit: 1.0, most: 2f64.powi(24) }.is_exact());
    }
}
