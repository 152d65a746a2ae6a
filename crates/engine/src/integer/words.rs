//! Codes of bytes become the 16-bit numbers that some machines multiply.
#![allow(clippy::needless_range_loop)] // loops over slices of one length, which the compiler writes in vectors

use std::ops::Range;

use super::layout::Planes;
use crate::kernels::vectors::vectorised;

/// How the planes of a map are read as numbers with sign: one instead of several bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    planes: Planes,
    /// Bytes of a plane.
    bytes: usize,
    /// Whether numbers are 2^15 less than the codes.
    shifted: bool,
}

impl Words {
    /// What is taken off the codes, where they leave 15 bits.
    const SHIFT: i64 = 1 << 15;

    /// For codes of at most this magnitude; `None` where they do not fit.
    pub(super) fn new(planes: Planes, bytes: usize, largest: i64) -> Option<Self> {
        let shifted = largest >= Self::SHIFT;
        let fits = largest < 2 * Self::SHIFT && !(shifted && planes.signed);
        fits.then_some(Self { planes, bytes, shifted })
    }

    /// How much less than the codes the numbers are.
    pub(super) fn shift(&self) -> i64 {
        if self.shifted { Self::SHIFT } else { 0 }
    }

    /// Reads a part of the samples in `x`, counted as if each were a single plane.
    pub(super) fn read<'w>(&self, x: &[u8], range: Range<usize>, words: &'w mut Vec<i16>) -> &'w [i16] {
        if words.len() < range.len() {
            words.resize(range.len(), 0);
        }
        let words = &mut words[..range.len()];
        let mut rest = &mut *words;
        let mut at = range.start;
        while at < range.end {
            let (sample, from) = (at / self.bytes, at % self.bytes);
            let length = (self.bytes - from).min(range.end - at);
            let (part, after) = rest.split_at_mut(length);
            self.part(&x[sample * self.planes.count() * self.bytes..], from, part);
            (rest, at) = (after, at + length);
        }
        words
    }

    /// Reads from one sample.
    fn part(&self, x: &[u8], from: usize, words: &mut [i16]) {
        let count = words.len();
        let plane = |plane: usize| &x[plane * self.bytes + from..][..count];
        vectorised(
            #[inline(always)]
            || match (self.planes.bytes, self.planes.signed) {
                (1, false) => words.iter_mut().zip(plane(0)).for_each(|(word, &code)| *word = code.into()),
                (1, true) => {
                    let (above, below) = (plane(0), plane(1));
                    for i in 0..count {
                        words[i] = i16::from(above[i]) - i16::from(below[i]);
                    }
                }
                (_, false) => {
                    let (low, high) = (plane(0), plane(1));
                    // 2^15 less is another highest bit
                    let flip = if self.shifted { 0x80 } else { 0 };
                    for i in 0..count {
                        words[i] = i16::from_le_bytes([low[i], high[i] ^ flip]);
                    }
                }
                (_, true) => {
                    let [low, high, less_low, less_high] = [plane(0), plane(1), plane(2), plane(3)];
                    for i in 0..count {
                        let above = i16::from_le_bytes([low[i], high[i]]);
                        words[i] = above - i16::from_le_bytes([less_low[i], less_high[i]]);
                    }
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_planes_is_read() {
        let read = |bytes: usize, signed: bool, largest: i64, x: &[u8]| {
            let planes = Planes { bytes, signed };
            let words = Words::new(planes, x.len() / planes.count(), largest).unwrap();
            words.read(x, 0..x.len() / planes.count(), &mut Vec::new()).to_vec()
        };
        assert_eq!(read(1, false, 255, &[0, 1, 255]), [0, 1, 255]);
        assert_eq!(read(1, true, 255, &[0, 255, 0, 0, 0, 255]), [0, 255, -255]);
        assert_eq!(read(2, false, 32767, &[1, 255, 0, 127]), [1, 32767]);
        assert_eq!(read(2, false, 65535, &[0, 255, 0, 255]), [-32768, 32767]);
        assert_eq!(read(2, true, 32767, &[255, 0, 127, 0, 0, 2, 0, 1]), [32767, -258]);
        assert!(Words::new(Planes { bytes: 2, signed: true }, 1, 65535).is_none());
    }

    #[test]
    fn parts_go_over_samples() {
        let words = Words::new(Planes { bytes: 1, signed: true }, 3, 255).unwrap();
        let x = [1, 2, 0, 0, 0, 3, 4, 0, 6, 0, 5, 0];
        assert_eq!(words.read(&x, 1..5, &mut Vec::new()), [2, -3, 4, -5]);
    }
}
