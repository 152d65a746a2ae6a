//! What becomes of a sum before it is stored: an activation, or a population's window.
#![allow(unsafe_code)] // Reads of parameters in vectors, whose bounds the caller has checked.

use spikeconverter_graph::ops::Activation;
use spikeconverter_network::{Population, Transfer};
use spikeconverter_neuron::Comparison;

use super::packed::Packed;
use super::simd::Simd;

/// What becomes of a sum. Parameters of channels that only fill up a vector make it 0.
#[derive(Debug, Clone)]
pub(super) enum Finish {
    Identity,
    /// `min(max(x, low), high)`.
    Clip {
        low: f32,
        high: f32,
    },
    /// `x`, and `slope · x` below 0.
    Leaky(Packed),
    /// A window in base 2 of neurons that never send negative spikes.
    Window(Window),
    /// The same of neurons with signed spikes.
    Signed(Signed),
}

/// A window in base 2: the membrane in units of the resolution, rounded and bounded, times what a unit counts. Division, not
/// a product with the inverse, as in [`WindowGenerator`](crate::WindowGenerator): a membrane that is an exact multiple must
/// give it, and one just below must not.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// What is added for rounding: ½ or 0.
    half: f32,
    unit: Packed,
    /// Bounds of the code.
    lowest: Packed,
    largest: Packed,
    /// What a unit counts.
    sent: Packed,
}

/// A window whose negative membranes have a unit of their own.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    half: f32,
    /// Bounds of the membrane, and of the magnitude of the code.
    low: f32,
    high: f32,
    largest: f32,
    /// Units, and what one counts.
    positive: [Packed; 2],
    negative: [Packed; 2],
}

impl Finish {
    /// An activation on values of this shape; `None` where a slope belongs to more than a channel.
    pub(super) fn activation(op: &Activation, shape: &[usize], stored: usize) -> Option<Self> {
        let channels = shape.first().copied().unwrap_or(1);
        Some(match op {
            Activation::Relu => Self::Clip { low: 0.0, high: f32::INFINITY },
            Activation::Clip { low, high } => Self::Clip { low: *low, high: *high },
            Activation::Leaky { slope } => {
                let slopes = match slope.data() {
                    [only] => vec![*only; channels],
                    // along the first axis: slopes broadcast from the last
                    all if all.len() == channels
                        && slope.shape().len() == shape.len()
                        && slope.shape().first() == Some(&channels) =>
                    {
                        all.to_vec()
                    }
                    _ => return None,
                };
                Self::Leaky(Packed::copy(&slopes, stored))
            }
        })
    }

    /// The window of a population; `None` for other bases than 2, where a membrane at its threshold does not fire, and for
    /// thresholds so small that their multiples are no normal numbers.
    pub(super) fn window(population: &Population, channels: usize, stored: usize, steps: u32) -> Option<Self> {
        let steps = population.window(steps);
        let resolution = 0.5f32.powi(steps as i32 - 1);
        let unit = |c: usize| population.threshold(c) * resolution;
        let sent: Vec<f32> = sent(population, channels, steps);
        let plain = population.base == 2.0 && population.comparison == Comparison::AtLeast;
        if !plain || !(0..channels).all(|c| unit(c).is_normal() && sent[c].is_normal()) {
            return None;
        }
        let pack = |of: &dyn Fn(usize) -> f32| Packed::copy(&(0..channels).map(of).collect::<Vec<f32>>(), stored);
        let half = if population.half_step { 0.5 } else { 0.0 };
        let most = ((1u32 << steps) - 1) as f32;
        let (low, high) = match population.transfer {
            Transfer::Clip { low, high } => (low.unwrap_or(f32::NEG_INFINITY), high.unwrap_or(f32::INFINITY)),
            Transfer::Relu | Transfer::Leaky { .. } => (f32::NEG_INFINITY, f32::INFINITY),
        };
        if !population.transfer.is_signed() {
            // a bound of the membrane is one of the code
            let code = |c: usize, bound: f32| (bound / unit(c) + half).min(most).max(0.0);
            return Some(Self::Window(Window {
                half,
                unit: pack(&unit),
                lowest: pack(&|c| code(c, low)),
                largest: pack(&|c| code(c, high)),
                sent: pack(&|c| sent[c]),
            }));
        }
        let negative = |c: usize| population.negative_threshold(c) * resolution;
        let sign = |c: usize| match population.transfer.slope(c) {
            slope if slope > 0.0 => -1.0,
            slope if slope < 0.0 => 1.0,
            _ => 0.0,
        };
        Some(Self::Signed(Signed {
            half,
            low,
            high,
            largest: most,
            positive: [pack(&unit), pack(&|c| sent[c])],
            negative: [pack(&negative), pack(&|c| sign(c) * sent[c])],
        }))
    }

    /// Number of channels that it has parameters for; any, if that is `None`.
    pub(super) fn channels(&self) -> Option<usize> {
        match self {
            Self::Identity | Self::Clip { .. } => None,
            Self::Leaky(slope) => Some(slope.len()),
            Self::Window(window) => Some(window.sent.len()),
            Self::Signed(signed) => Some(signed.positive[0].len()),
        }
    }

    /// Applies it to a vector of channels from `channel` on, at several positions.
    ///
    /// # Safety
    /// There are parameters for the channels.
    #[expect(clippy::inline_always, reason = "only what is inlined is compiled for the instructions around it")]
    #[inline(always)]
    pub(super) unsafe fn apply<S: Simd, const P: usize>(&self, simd: S, channel: usize, sums: &mut [S::Vector; P]) {
        // SAFETY: as the caller promises.
        let at = |values: &Packed| unsafe { simd.load(values.as_ptr().add(channel)) };
        match self {
            Self::Identity => {}
            Self::Clip { low, high } => {
                let (low, high) = (simd.splat(*low), simd.splat(*high));
                for v in sums {
                    *v = simd.min(high, simd.max(low, *v));
                }
            }
            Self::Leaky(slope) => {
                let slope = at(slope);
                for v in sums {
                    *v = simd.where_negative(*v, simd.mul(slope, *v), *v);
                }
            }
            Self::Window(window) => {
                let (unit, half, sent) = (at(&window.unit), simd.splat(window.half), at(&window.sent));
                let (lowest, largest) = (at(&window.lowest), at(&window.largest));
                for v in sums {
                    let code = simd.min(simd.add(simd.div(*v, unit), half), largest);
                    *v = simd.mul(simd.trunc(simd.max(code, lowest)), sent);
                }
            }
            Self::Signed(signed) => {
                let [unit, sent] = [at(&signed.positive[0]), at(&signed.positive[1])];
                let [below, sent_below] = [at(&signed.negative[0]), at(&signed.negative[1])];
                let [half, low, high, largest] =
                    [signed.half, signed.low, signed.high, signed.largest].map(|x| simd.splat(x));
                for v in sums {
                    let bounded = simd.min(simd.max(*v, low), high);
                    let unit = simd.where_negative(bounded, below, unit);
                    let code = simd.add(simd.div(simd.abs(bounded), unit), half);
                    // where negative membranes never fire, −∞ gives no number here, and then `largest` times 0
                    let code = simd.trunc(simd.min(code, largest));
                    *v = simd.mul(code, simd.where_negative(bounded, sent_below, sent));
                }
            }
        }
    }
}

/// What a unit of the code counts, for each channel.
pub(super) fn sent(population: &Population, channels: usize, steps: u32) -> Vec<f32> {
    let resolution = 0.5f32.powi(population.window(steps) as i32 - 1);
    (0..channels).map(|c| population.amplitude(c) * resolution).collect()
}

#[cfg(test)]
mod tests {
    use super::super::simd::Portable;
    use super::*;

    fn population(transfer: Transfer, threshold: f32, half_step: bool) -> Population {
        let (threshold, initial) = (vec![threshold], Vec::new());
        let comparison = Comparison::AtLeast;
        Population { transfer, threshold, half_step, initial, comparison, ..Population::default() }
    }

    /// The value that a population of one channel sends for a membrane.
    fn value(finish: &Finish, membrane: f32) -> f32 {
        let mut vector = [[membrane; 8]];
        // SAFETY: parameters for a vector of channels.
        unsafe { finish.apply::<Portable, 1>(Portable, 0, &mut vector) };
        vector[0][0]
    }

    /// Every multiple of the unit, and what lies between, gives what the neuron's steps give.
    #[test]
    fn windows_are_those_of_the_neurons() {
        let clip = |low, high| Transfer::Clip { low: Some(low), high: Some(high) };
        let leaky = |slope: f32| Transfer::Leaky { slope: vec![slope] };
        let transfers = [Transfer::Relu, clip(0.3, 1.7), clip(-0.8, 0.5), leaky(1.0), leaky(0.25), leaky(-0.5)];
        for (transfer, threshold) in transfers.iter().flat_map(|t| [1.0, 0.75, 0.1, 1.3e-3].map(|x| (t, x))) {
            for (half_step, steps) in [(false, 1), (true, 4), (false, 8), (true, 16)] {
                let population = population(transfer.clone(), threshold, half_step);
                let finish = Finish::window(&population, 1, 8, steps).unwrap();
                let unit = threshold * 0.5f32.powi(steps as i32 - 1);
                let most = (1i32 << steps) + 2;
                for n in (-most..most).step_by((most as usize / 700).max(1)) {
                    for membrane in [n as f32 * unit, (n as f32 + 0.25) * unit, (n as f32 + 0.7) * unit] {
                        let code = population.encode(membrane.into(), 0, steps);
                        let found = (value(&finish, membrane) / sent(&population, 1, steps)[0]).round();
                        // what `f32` makes of a multiple may lie below it
                        let negative = f64::from(population.negative_threshold(0)) / 2f64.powi(steps as i32 - 1);
                        let of = if membrane < 0.0 { negative } else { f64::from(unit) };
                        let units = f64::from(membrane.abs()) / of + if half_step { 0.5 } else { 0.0 };
                        let near = (units - units.round()).abs() <= units * 2f64.powi(-22);
                        let exact = threshold == 1.0 || threshold == 0.75;
                        let most = if near && !exact { 1.0 } else { 0.0 };
                        assert!(
                            (code as f32 - found).abs() <= most,
                            "{transfer:?}, threshold {threshold}, {steps} steps: {membrane} gives {found}, not {code}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_comes_of_minus_infinity_where_it_never_fires() {
        for transfer in [Transfer::Relu, Transfer::Leaky { slope: vec![0.0] }] {
            let finish = Finish::window(&population(transfer, 0.5, true), 1, 8, 4).unwrap();
            assert_eq!(value(&finish, f32::NEG_INFINITY), 0.0);
        }
        let mixed = Population {
            transfer: Transfer::Leaky { slope: vec![0.0, 1.0] },
            threshold: vec![1.0, 1.0],
            ..population(Transfer::Relu, 1.0, true)
        };
        assert_eq!(value(&Finish::window(&mixed, 2, 8, 4).unwrap(), f32::NEG_INFINITY), 0.0);
    }

    #[test]
    fn other_bases_and_tiny_thresholds_are_refused() {
        let other = Population { base: 1.5, ..population(Transfer::Relu, 1.0, false) };
        assert!(Finish::window(&other, 1, 8, 4).is_none());
        assert!(Finish::window(&population(Transfer::Relu, 1e-37, false), 1, 8, 16).is_none());
    }
}
