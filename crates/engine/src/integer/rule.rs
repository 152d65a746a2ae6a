//! From sums to codes: what a layer's neurons make of their membranes, a vector of channels at a time.

use super::layout::{LANES, Layout, Planes};
use super::neuron::{FastRule, Neuron};
use crate::kernels::vectors::vectorised;

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
            (Some(rule), _) => Self::Fast(rule),
            (None, Some(rule)) => Self::Wide(rule),
            (None, None) => Self::Each(neurons),
        }
    }

    /// Codes of whole samples from the sums over each byte of their inputs' codes, positions and then channels.
    pub(super) fn finish(&self, sums: &[&[i32]], to: &Layout, planes: Planes, codes: &mut [u8]) {
        vectorised(
            #[inline(always)]
            || {
                let row = to.extents[1] * to.stored;
                for (sample, codes) in codes.chunks_exact_mut(planes.count() * to.bytes()).enumerate() {
                    for y in 0..to.extents[0] {
                        for x in 0..to.extents[1] {
                            let from = (sample * to.extents[0] + y) * row + x * to.stored;
                            for vector in 0..to.stored / LANES {
                                let mut membranes = [0i64; LANES];
                                for (byte, sums) in sums.iter().enumerate() {
                                    let sums = &sums[from + vector * LANES..][..LANES];
                                    for (membrane, &sum) in membranes.iter_mut().zip(sums) {
                                        *membrane += i64::from(sum) << (8 * byte);
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
    fn codes(&self, vector: usize, membranes: &[i64; LANES]) -> [i32; LANES] {
        match self {
            Self::Fast(rule) => {
                let (inverse, offset, largest) = (&rule.inverse[vector], &rule.offset[vector], &rule.largest[vector]);
                std::array::from_fn(|lane| {
                    let code = |m: i32| i32::from(FastRule::magnitude(inverse[lane], offset[lane], largest[lane], m));
                    // bounds on the sums keep single bytes within 31 bits
                    let membrane = membranes[lane] as i32;
                    if rule.signed && membrane < 0 { -code(-membrane) } else { code(membrane) }
                })
            }
            Self::Wide(rule) => std::array::from_fn(|lane| rule.code(vector, lane, membranes[lane])),
            Self::Each(neurons) => std::array::from_fn(|lane| {
                // the bias has gone into the sums
                let neuron = neurons.get(vector * LANES + lane);
                neuron.map_or(0, |neuron| neuron.without_initial().code(membranes[lane]) as i32)
            }),
        }
    }
}

/// Writes the codes of a vector of channels into their planes.
#[allow(clippy::inline_always)] // belongs into a vectorised loop
#[inline(always)]
pub(super) fn store(found: &[i32; LANES], at: usize, to: &Layout, planes: Planes, codes: &mut [u8]) {
    for plane in 0..planes.count() {
        let bytes = &mut codes[plane * to.bytes() + at..][..LANES];
        let shift = 8 * (plane % planes.bytes);
        for (byte, &code) in bytes.iter_mut().zip(found) {
            let magnitude = if plane < planes.bytes { code.max(0) } else { (-code).max(0) };
            *byte = (magnitude >> shift) as u8;
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

    #[allow(clippy::inline_always)] // belongs into a vectorised loop
    #[inline(always)]
    fn code(&self, vector: usize, lane: usize, membrane: i64) -> i32 {
        let membrane = membrane as f64;
        let magnitude = if self.signed { membrane.abs() } else { membrane };
        let code = magnitude * self.inverse[vector][lane] + self.offset[vector][lane];
        let code = code.min(self.largest[vector][lane]).max(0.0) as i32;
        if self.signed && membrane < 0.0 { -code } else { code }
    }
}
