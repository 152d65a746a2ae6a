//! The generation window of integer neurons: membranes become codes.

use spikeconverter_network::{Population, Transfer};

use super::layout::LANES;
use crate::kernels::vectors::truncated;

/// The neurons of a channel, all in membrane units: what they send for a membrane `M`, exactly as steps of
/// [`Ilif`](spikeconverter_neuron::Ilif) with integers give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neuron {
    pub(super) initial: i64,
    low: i64,
    high: i64,
    /// Membrane of one code.
    unit: i64,
    /// The same on the negative side, and the sign of what is sent; `None` where negative membranes never fire.
    negative: Option<(i64, i64)>,
    half_step: bool,
    /// Largest code of the window.
    largest: i64,
}

impl Neuron {
    /// `None` when a parameter is no integer.
    pub(super) fn new(population: &Population, channel: usize, steps: u32) -> Option<Self> {
        let integer = |x: f32| (x.fract() == 0.0 && x.abs() < 1e15).then_some(x as i64);
        let unit = |threshold: f32| {
            let threshold = integer(threshold)?;
            let codes = 1i64 << (steps - 1);
            (threshold % codes == 0 && threshold > 0).then_some(threshold / codes)
        };
        let bound = |x: Option<f32>, absent: i64| x.map_or(Some(absent), integer);
        let (low, high) = match &population.transfer {
            Transfer::Clip { low, high } => (bound(*low, i64::MIN)?, bound(*high, i64::MAX)?),
            _ => (i64::MIN, i64::MAX),
        };
        let slope = population.transfer.slope(channel);
        let negative = if slope == 0.0 {
            None
        } else {
            Some((unit(population.negative_threshold(channel))?, if slope > 0.0 { -1 } else { 1 }))
        };
        Some(Self {
            initial: integer(population.initial(channel))?,
            low,
            high,
            unit: unit(population.threshold(channel))?,
            negative,
            half_step: population.half_step,
            largest: (1 << steps) - 1,
        })
    }

    /// The same for membranes that hold the initial potential already.
    pub(super) fn without_initial(self) -> Self {
        Self { initial: 0, ..self }
    }

    /// Neurons that send their membranes, with sign or only positive ones, in windows of 8 steps.
    #[cfg(test)]
    pub(super) fn for_tests(unit: i64, signed: bool) -> Self {
        let (low, high, negative) = (i64::MIN, i64::MAX, signed.then_some((unit, -1)));
        Self { initial: 0, low, high, unit, negative, half_step: true, largest: 255 }
    }

    /// Its parts, if the code is a linear function of the membrane but for rounding and bounds on it.
    pub(super) fn linear(&self) -> Option<Linear> {
        let &Self { low, high, unit, negative, half_step, .. } = self;
        let signed = negative.is_some();
        let fits = match negative {
            None => low <= 0,
            Some(negative) => negative == (unit, -1) && low == i64::MIN && high == i64::MAX,
        };
        let largest = self.without_initial().code(high.min(1 << 60));
        fits.then_some(Linear { unit, half: if half_step { unit / 2 } else { 0 }, largest, signed })
    }

    /// The code of a membrane without the initial potential.
    pub(super) fn code(&self, membrane: i64) -> i64 {
        let v = membrane.saturating_add(self.initial).max(self.low).min(self.high);
        let digits = |unit: i64| {
            let half = if self.half_step { unit / 2 } else { 0 };
            (v.unsigned_abs().saturating_add(half as u64) / unit as u64).min(self.largest as u64) as i64
        };
        match self.negative {
            _ if v > 0 => digits(self.unit),
            Some((unit, sign)) if v < 0 => sign * digits(unit),
            _ => 0,
        }
    }
}

/// A neuron whose code is `⌊(|M| + half)/unit⌋`, at most `largest`, with the sign of `M` or, where it is not signed, 0 for
/// negative ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Linear {
    pub(super) unit: i64,
    pub(super) half: i64,
    pub(super) largest: i64,
    pub(super) signed: bool,
}

/// The neurons of a layer whose codes are one product and one sum of `f32` away from the membrane.
///
/// A code is `⌊(M + h)/u⌋` with integers `M`, `h = ⌊u/2⌋` and `u`. Since `(M + h + ½)/u` lies at least `1/(2u)` from an
/// integer, rounding does no harm as long as all errors together stay below that. The rounded inverse, the product and
/// the sum (fused or not) leave less than `2·256·2^-24 + 2^-16 < 5e-5` for codes up to 255, so that units up to 2^13
/// are safe. Membranes beyond 2^24, which `f32` rounds, are beyond the largest code then.
#[derive(Debug, Clone)]
pub(super) struct FastRule {
    /// `1/u`, a vector of channels each.
    pub(super) inverse: Vec<[f32; LANES]>,
    /// `(h + ½)/u`.
    pub(super) offset: Vec<[f32; LANES]>,
    /// Largest code, as a number just below the next.
    pub(super) largest: Vec<[f32; LANES]>,
    pub(super) signed: bool,
}

impl FastRule {
    const LARGEST_UNIT: i64 = 1 << 13;

    /// `None` when the layer needs [`Neuron::code`].
    pub(super) fn new(neurons: &[Neuron]) -> Option<Self> {
        let linear = neurons.iter().map(Neuron::linear).collect::<Option<Vec<_>>>()?;
        let signed = linear.first()?.signed;
        let vectors = neurons.len().div_ceil(LANES);
        let zero = vec![[0.0; LANES]; vectors];
        let mut rule = Self { inverse: zero.clone(), offset: zero.clone(), largest: zero, signed };
        for (c, neuron) in linear.iter().enumerate() {
            if neuron.signed != signed || neuron.unit > Self::LARGEST_UNIT || neuron.largest > 255 {
                return None;
            }
            let at = (c / LANES, c % LANES);
            rule.inverse[at.0][at.1] = 1.0 / neuron.unit as f32;
            rule.offset[at.0][at.1] = ((neuron.half as f64 + 0.5) / neuron.unit as f64) as f32;
            rule.largest[at.0][at.1] = neuron.largest as f32 + 0.5;
        }
        Some(rule)
    }

    /// The magnitude of the code of a membrane, and for unsigned neurons 0 for negative ones.
    #[allow(clippy::inline_always)] // belongs into vectorised loops
    #[inline(always)]
    pub(super) fn magnitude(inverse: f32, offset: f32, largest: f32, membrane: i32) -> i32 {
        truncated(membrane as f32 * inverse + offset, largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neuron(unit: i64, half_step: bool) -> Neuron {
        Neuron { initial: 0, low: i64::MIN, high: i64::MAX, unit, negative: None, half_step, largest: 255 }
    }

    /// Every multiple of a unit, and its neighbours, for every unit that the fast rule takes.
    #[test]
    fn the_fast_rule_is_exact() {
        for half_step in [false, true] {
            for unit in (1..300).chain((300..FastRule::LARGEST_UNIT).step_by(37)).chain([FastRule::LARGEST_UNIT]) {
                let neuron = neuron(unit, half_step);
                let rule = FastRule::new(&[neuron]).unwrap();
                let (inverse, offset, largest) = (rule.inverse[0][0], rule.offset[0][0], rule.largest[0][0]);
                for code in -1..258 {
                    for membrane in [code * unit - unit / 2, code * unit].into_iter().flat_map(|m| m - 2..=m + 2) {
                        let fast = FastRule::magnitude(inverse, offset, largest, membrane as i32);
                        assert_eq!(i64::from(fast), neuron.code(membrane), "unit {unit}, membrane {membrane}");
                    }
                }
                for membrane in [i32::MIN + 1, -(1 << 24) - 1, (1 << 24) + 1, i32::MAX] {
                    let fast = FastRule::magnitude(inverse, offset, largest, membrane);
                    assert_eq!(i64::from(fast), neuron.code(membrane.into()), "unit {unit}, membrane {membrane}");
                }
            }
        }
    }

    #[test]
    fn units_too_large_for_it_are_refused() {
        assert!(FastRule::new(&[neuron(FastRule::LARGEST_UNIT + 1, true)]).is_none());
    }
}
