//! From sums to codes: what a layer's neurons make of their membranes, a vector of channels at a time.
#![allow(clippy::needless_range_loop)] // loops over lanes; what iterators call is not always compiled for the same vectors

use super::layout::{LANES, Layout, Planes};
use super::neuron::{FastRule, Neuron};
use crate::kernels::vectors::{truncated_wide, vectorised};

/// A factor and a summand a channel that make membranes of sums.
#[derive(Debug, Clone)]
pub(super) struct Scale {
    factor: Vec<[f64; LANES]>,
    summand: Vec<[f64; LANES]>,
}

impl Scale {
    pub(super) fn new(factors: &[i64], summands: &[i64]) -> Self {
        let pack = |values: &[i64]| {
            let mut packed = vec![[0.0; LANES]; values.len().div_ceil(LANES)];
            for (channel, &value) in values.iter().enumerate() {
                packed[channel / LANES][channel % LANES] = value as f64;
            }
            packed
        };
        Self { factor: pack(factors), summand: pack(summands) }
    }

    /// The membrane of a channel.
    pub(super) fn of(&self, channel: usize, sum: f64) -> f64 {
        let (vector, lane) = (channel / LANES, channel % LANES);
        sum * self.factor[vector][lane] + self.summand[vector][lane]
    }
}

/// The sums of some samples over each pass, positions and then channels.
#[derive(Clone, Copy)]
pub(super) struct Sums<'a> {
    pub(super) passes: &'a [Vec<i32>],
    /// By how many bits a pass counts more than the one before.
    pub(super) shift: u32,
}

impl Sums<'_> {
    /// The sum over all passes at an element.
    pub(super) fn total(self, at: usize) -> i64 {
        let passes = self.passes.iter().zip(0..);
        passes.map(|(sums, pass)| i64::from(sums[at]) << (self.shift * pass)).sum()
    }
}

/// How a layer's membranes become codes.
#[derive(Debug, Clone)]
pub(super) enum Rule {
    /// In `f32`, which kernels do themselves.
    Fast(FastRule),
    /// In `f64`.
    Wide(WideRule),
    /// Neuron by neuron.
    Each(Vec<Neuron>),
}

impl Rule {
    pub(super) fn new(neurons: Vec<Neuron>) -> Self {
        match (FastRule::new(&neurons), WideRule::new(&neurons)) {
            // sums of several passes can leave the 32 bits in which a correction would be found
            (Some(rule), _) if rule.correction.is_none() => Self::Fast(rule),
            (_, Some(rule)) => Self::Wide(rule),
            _ => Self::Each(neurons),
        }
    }

    /// Codes of whole samples from their sums.
    pub(super) fn finish(&self, sums: Sums<'_>, scale: Option<&Scale>, to: &Layout, planes: Planes, codes: &mut [u8]) {
        let Sums { passes, shift } = sums;
        vectorised(
            #[inline(always)]
            || {
                let row = to.extents[1] * to.stored;
                for (sample, codes) in codes.chunks_exact_mut(planes.count() * to.bytes()).enumerate() {
                    for y in 0..to.extents[0] {
                        for x in 0..to.extents[1] {
                            let from = (sample * to.extents[0] + y) * row + x * to.stored;
                            for vector in 0..to.stored / LANES {
                                // exact: sums have 31 bits, and are two bytes' or not many
                                let mut membranes = [0f64; LANES];
                                for (sums, pass) in passes.iter().zip(0..) {
                                    let weight = f64::from(1 << (shift * pass));
                                    let sums = &sums[from + vector * LANES..][..LANES];
                                    for lane in 0..LANES {
                                        membranes[lane] += f64::from(sums[lane]) * weight;
                                    }
                                }
                                if let Some(scale) = scale {
                                    let (factor, summand) = (&scale.factor[vector], &scale.summand[vector]);
                                    for lane in 0..LANES {
                                        membranes[lane] = membranes[lane] * factor[lane] + summand[lane];
                                    }
                                }
                                let found = self.codes(vector, &membranes);
                                store(&found, to.at(y, x) + vector * LANES, to, planes, codes);
                            }
                        }
                    }
                }
            },
        );
    }

    #[allow(clippy::inline_always)] // belongs into a vectorised loop
    #[inline(always)]
    fn codes(&self, vector: usize, membranes: &[f64; LANES]) -> [i32; LANES] {
        // loops over lanes, which the compiler turns into vectors
        let mut codes = [0; LANES];
        match self {
            Self::Fast(rule) => {
                let (inverse, offset, largest) = (&rule.inverse[vector], &rule.offset[vector], &rule.largest[vector]);
                for lane in 0..LANES {
                    // what leaves 32 bits is beyond the largest code as well
                    let membrane = membranes[lane] as i32;
                    let magnitude = if rule.signed { membrane.saturating_abs() } else { membrane };
                    let code = FastRule::magnitude(inverse[lane], offset[lane], largest[lane], magnitude);
                    codes[lane] = if membrane < 0 { -code } else { code };
                }
            }
            Self::Wide(rule) => {
                let (inverse, offset, largest) = (&rule.inverse[vector], &rule.offset[vector], &rule.largest[vector]);
                for lane in 0..LANES {
                    let membrane = membranes[lane];
                    let magnitude = if rule.signed { membrane.abs() } else { membrane };
                    let code = magnitude * inverse[lane] + offset[lane];
                    let code = truncated_wide(code, largest[lane]);
                    codes[lane] = if membrane < 0.0 { -code } else { code };
                }
            }
            Self::Each(neurons) => {
                let neurons = neurons.iter().skip(vector * LANES);
                for ((code, neuron), &membrane) in codes.iter_mut().zip(neurons).zip(membranes) {
                    // the bias has gone into the sums
                    *code = neuron.without_initial().code(membrane as i64) as i32;
                }
            }
        }
        codes
    }
}

/// Writes the codes of a vector of channels into their planes.
#[allow(clippy::inline_always)] // belongs into a vectorised loop
#[inline(always)]
pub(super) fn store(found: &[i32; LANES], at: usize, to: &Layout, planes: Planes, codes: &mut [u8]) {
    for plane in 0..planes.count() {
        let bytes = &mut codes[plane * to.bytes() + at..][..LANES];
        let shift = 8 * (plane % planes.bytes);
        for lane in 0..LANES {
            let magnitude = if plane < planes.bytes { found[lane].max(0) } else { (-found[lane]).max(0) };
            bytes[lane] = (magnitude >> shift) as u8;
        }
    }
}

/// [`FastRule`] in `f64`: for windows of more than 8 steps, and for larger units.
#[derive(Debug, Clone)]
pub(super) struct WideRule {
    inverse: Vec<[f64; LANES]>,
    offset: Vec<[f64; LANES]>,
    largest: Vec<[f64; LANES]>,
    signed: bool,
}

impl WideRule {
    /// Units must leave `1/(2u)` well above the rounding of a code below 2^16, `2^16 · 2^-51`.
    const LARGEST_UNIT: i64 = 1 << 32;

    fn new(neurons: &[Neuron]) -> Option<Self> {
        let linear = neurons.iter().map(Neuron::linear).collect::<Option<Vec<_>>>()?;
        let signed = linear.first()?.signed;
        let vectors = neurons.len().div_ceil(LANES);
        let zero = vec![[0.0; LANES]; vectors];
        let mut rule = Self { inverse: zero.clone(), offset: zero.clone(), largest: zero, signed };
        for (c, neuron) in linear.iter().enumerate() {
            if neuron.signed != signed || neuron.unit > Self::LARGEST_UNIT {
                return None;
            }
            let at = (c / LANES, c % LANES);
            rule.inverse[at.0][at.1] = 1.0 / neuron.unit as f64;
            rule.offset[at.0][at.1] = (neuron.half as f64 + 0.5) / neuron.unit as f64;
            rule.largest[at.0][at.1] = neuron.largest as f64 + 0.5;
        }
        Some(rule)
    }
}
