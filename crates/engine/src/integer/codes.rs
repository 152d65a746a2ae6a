//! The codes of a population, as whoever watches a run sees them.

use super::layout::{Layout, Planes};

/// The codes of a population.
pub(crate) struct Codes<'a> {
    pub(super) layout: &'a Layout,
    pub(super) planes: Planes,
    pub(super) bytes: &'a [u8],
}

impl Codes<'_> {
    /// Writes them as numbers, samples one after the other, channels first.
    pub(crate) fn copy_to(&self, codes: &mut [i32]) {
        let &Self { layout, planes, bytes } = self;
        let (positions, [rows, columns]) = (layout.positions(), layout.extents);
        let samples = codes.chunks_exact_mut(layout.channels * positions);
        for (codes, bytes) in samples.zip(bytes.chunks_exact(planes.count() * layout.bytes())) {
            codes.fill(0);
            for (plane, bytes) in bytes.chunks_exact(layout.bytes()).enumerate() {
                let weight = planes.weight(plane) as i32;
                for y in 0..rows {
                    let row = &bytes[layout.at(y, 0)..][..columns * layout.stored];
                    for channel in 0..layout.channels {
                        let to = &mut codes[channel * positions + y * columns..][..columns];
                        let from = row[channel..].iter().step_by(layout.stored);
                        to.iter_mut().zip(from).for_each(|(code, &byte)| *code += weight * i32::from(byte));
                    }
                }
            }
        }
    }
}
