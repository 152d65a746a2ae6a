//! The generation window of integer neurons: membranes become codes.
#![allow(clippy::needless_range_loop)] // loops over lanes; what iterators call is not always compiled for the same vectors

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

    /// Neurons that send their membranes, with sign or only positive ones, in codes up to `largest`.
    #[cfg(test)]
    pub(super) fn for_tests(unit: i64, signed: bool, largest: i64) -> Self {
        let (low, high, negative) = (i64::MIN, i64::MAX, signed.then_some((unit, -1)));
        Self { initial: 0, low, high, unit, negative, half_step: true, largest }
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

/// The neurons of a layer as kernels compute them: codes are one product and one sum of `f32` away from the membrane, or near
/// enough for a correction.
///
/// A code is `⌊(M + h)/u⌋` with integers `M`, `h = ⌊u/2⌋` and `u`. Since `(M + h + ½)/u` lies at least `1/(2u)` from an
/// integer, rounding does no harm as long as all errors together stay below that. The rounded inverse, the product and
/// the sum (fused or not) leave less than `2·256·2^-24 + 2^-16 < 5e-5` for codes up to 255, so that units up to 2^13
/// are safe. Membranes beyond 2^24, which `f32` rounds, are beyond the largest code then. Larger units and codes have a
/// [`Correction`].
#[derive(Debug, Clone)]
pub(super) struct FastRule {
    /// `1/u`, a vector of channels each.
    pub(super) inverse: Vec<[f32; LANES]>,
    /// `(h + ½)/u`.
    pub(super) offset: Vec<[f32; LANES]>,
    /// Largest code, as a number just below the next.
    pub(super) largest: Vec<[f32; LANES]>,
    pub(super) signed: bool,
    pub(super) correction: Option<Correction>,
}

/// Makes a code exact that `f32` has found within one of what it should be, by what it leaves of the membrane in integers:
/// `M − c·u` lies from `−h` to `u − h`. For codes up to 2^16, `f32` leaves less than `2^16 · 2^-22`. What a code within one
/// leaves has less than 32 bits, so that it does not matter if `c·u` has more; so has what a code leaves that was bounded.
#[derive(Debug, Clone)]
pub(super) struct Correction {
    /// `u`, a vector of channels each.
    pub(super) unit: Vec<[i32; LANES]>,
    /// `−h`: below, the code is one less.
    pub(super) low: Vec<[i32; LANES]>,
    /// `u − h`: from there on, it is one more.
    pub(super) high: Vec<[i32; LANES]>,
}

impl FastRule {
    /// Up to which the product alone is exact, for codes of a byte.
    const LARGEST_UNIT: i64 = 1 << 13;
    /// Up to which a correction is possible.
    const LARGEST_CORRECTED: i64 = 1 << 28;

    /// `None` when the layer needs [`Neuron::code`].
    pub(super) fn new(neurons: &[Neuron]) -> Option<Self> {
        let linear = neurons.iter().map(Neuron::linear).collect::<Option<Vec<_>>>()?;
        let signed = linear.first()?.signed;
        let vectors = neurons.len().div_ceil(LANES);
        let zero = vec![[0.0; LANES]; vectors];
        let mut rule = Self { inverse: zero.clone(), offset: zero.clone(), largest: zero, signed, correction: None };
        let mut correction = Correction {
            unit: vec![[1; LANES]; vectors],
            low: vec![[0; LANES]; vectors],
            high: vec![[1; LANES]; vectors],
        };
        let mut exact = true;
        for (c, neuron) in linear.iter().enumerate() {
            if neuron.signed != signed || neuron.unit > Self::LARGEST_CORRECTED || neuron.largest >= 1 << 16 {
                return None;
            }
            exact &= neuron.unit <= Self::LARGEST_UNIT && neuron.largest <= 255;
            let at = (c / LANES, c % LANES);
            let (unit, half) = (neuron.unit as i32, neuron.half as i32);
            correction.unit[at.0][at.1] = unit;
            correction.low[at.0][at.1] = -half;
            correction.high[at.0][at.1] = unit - half;
            rule.inverse[at.0][at.1] = 1.0 / neuron.unit as f32;
            rule.offset[at.0][at.1] = ((neuron.half as f64 + 0.5) / neuron.unit as f64) as f32;
            rule.largest[at.0][at.1] = neuron.largest as f32 + 0.5;
        }
        rule.correction = (!exact).then_some(correction);
        Some(rule)
    }

    /// The magnitude of the code of a membrane, and for unsigned neurons 0 for negative ones; where there is a correction, within
    /// one of it.
    #[allow(clippy::inline_always)] // belongs into vectorised loops
    #[inline(always)]
    pub(super) fn magnitude(inverse: f32, offset: f32, largest: f32, membrane: i32) -> i32 {
        truncated(membrane as f32 * inverse + offset, largest)
    }

    /// The codes of a vector of membranes likewise, exactly.
    #[allow(clippy::inline_always)] // likewise
    #[inline(always)]
    pub(super) fn magnitudes(&self, vector: usize, membranes: &[i32; LANES]) -> [i32; LANES] {
        let (inverse, offset, largest) = (&self.inverse[vector], &self.offset[vector], &self.largest[vector]);
        let mut codes = [0; LANES];
        for lane in 0..LANES {
            codes[lane] = Self::magnitude(inverse[lane], offset[lane], largest[lane], membranes[lane]);
        }
        if let Some(Correction { unit, low, high }) = &self.correction {
            let (unit, low, high) = (&unit[vector], &low[vector], &high[vector]);
            for lane in 0..LANES {
                let rest = membranes[lane].wrapping_sub(codes[lane].wrapping_mul(unit[lane]));
                let code = codes[lane] + i32::from(rest >= high[lane]) - i32::from(rest < low[lane]);
                codes[lane] = code.max(0).min(largest[lane] as i32);
            }
        }
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn neuron(unit: i64, half_step: bool, largest: i64) -> Neuron {
        Neuron { initial: 0, low: i64::MIN, high: i64::MAX, unit, negative: None, half_step, largest }
    }

    /// The neighbours of membranes at which codes change, for some codes, and of what 24 and 32 bits hold.
    fn compare(neuron: Neuron, codes: impl Iterator<Item = i64>) -> FastRule {
        let rule = FastRule::new(&[neuron]).unwrap();
        let unit = neuron.unit;
        let changes = codes.flat_map(|code| [code * unit - unit / 2, code * unit]);
        for change in changes.chain([1 << 24, -(1 << 24), i64::from(i32::MAX) - 2, i64::from(i32::MIN) + 3]) {
            for membrane in (change - 2..=change + 2).filter_map(|m| i32::try_from(m).ok()) {
                let fast = rule.magnitudes(0, &[membrane; LANES])[0];
                assert_eq!(i64::from(fast), neuron.code(membrane.into()), "{neuron:?}, membrane {membrane}");
            }
        }
        rule
    }

    /// Every multiple of a unit, and its neighbours, for every unit that the fast rule takes.
    #[test]
    fn the_fast_rule_is_exact() {
        for half_step in [false, true] {
            for unit in (1..300).chain((300..FastRule::LARGEST_UNIT).step_by(37)).chain([FastRule::LARGEST_UNIT]) {
                assert!(compare(neuron(unit, half_step, 255), -1..258).correction.is_none());
            }
        }
    }

    #[test]
    fn larger_units_and_codes_are_corrected() {
        let units = [1, 2, 3, 7, 255, 1021, 8192, 8193, 12_345, 1 << 15, 100_003, 1 << 20, 33_333_333];
        for (half_step, largest) in [(false, 255), (true, 255), (false, 4095), (true, 65_535), (true, 40_000)] {
            for unit in units.into_iter().chain([FastRule::LARGEST_CORRECTED]) {
                let codes = (-2..300).chain((300..=largest + 3).step_by(61)).chain(largest - 2..largest + 3);
                let rule = compare(neuron(unit, half_step, largest), codes);
                assert_eq!(rule.correction.is_some(), unit > FastRule::LARGEST_UNIT || largest > 255);
            }
        }
        assert!(FastRule::new(&[neuron(FastRule::LARGEST_CORRECTED + 1, true, 255)]).is_none());
        assert!(FastRule::new(&[neuron(1, true, 1 << 16)]).is_none());
    }
}
