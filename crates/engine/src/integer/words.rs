//! Codes of bytes become the 16-bit numbers that some machines multiply.
#![allow(clippy::needless_range_loop)] // loops over slices of one length, which the compiler writes in vectors

use std::ops::Range;

use super::layout::{Layout, Planes};
use crate::kernels::vectors::vectorised;

/// How the planes of a map are read as numbers with sign: one instead of several bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words {
    planes: Planes,
    /// Bytes of a plane.
    bytes: usize,
    /// Whether numbers are 2^15 less than the codes.
    shifted: bool,
    /// Where they are numbers of 17 bits: how many channels are stored at a position. The magnitudes of positive codes then lie
    /// beside those of negative ones.
    beside: Option<usize>,
}

impl Words {
    /// What is taken off the codes, where they leave 15 bits.
    const SHIFT: i64 = 1 << 15;

    /// For codes of at most this magnitude; `None` where they do not fit.
    pub(super) fn new(planes: Planes, input: &Layout, largest: i64) -> Option<Self> {
        let shifted = largest >= Self::SHIFT;
        let beside = (shifted && planes.signed).then_some(input.stored);
        (largest < 2 * Self::SHIFT).then(|| Self { planes, bytes: input.bytes(), shifted, beside })
    }

    /// Stored channels of a position whose magnitudes lie beside each other.
    pub(super) fn beside(&self) -> Option<usize> {
        self.beside
    }

    /// Where the numbers of a map lie.
    pub(super) fn layout(&self, input: &Layout) -> Layout {
        match self.beside {
            None => input.clone(),
            Some(stored) => Layout { channels: 2 * stored, stored: 2 * stored, ..input.clone() },
        }
    }

    /// How much less than the codes the numbers are.
    pub(super) fn shift(&self) -> i64 {
        if self.shifted { Self::SHIFT } else { 0 }
    }

    /// Reads a part of the samples in `x`, counted in numbers; it begins with a position.
    pub(super) fn read<'w>(&self, x: &[u8], range: Range<usize>, words: &'w mut Vec<i16>) -> &'w [i16] {
        if let Some(stored) = self.beside {
            return self.read_beside(x, stored, range, words);
        }
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

    /// Reads whole positions, whose positive codes come before the negative ones.
    fn read_beside<'w>(&self, x: &[u8], stored: usize, range: Range<usize>, words: &'w mut Vec<i16>) -> &'w [i16] {
        let count = range.len();
        let (first, positions) = (range.start / (2 * stored), count.div_ceil(2 * stored));
        if words.len() < positions * 2 * stored {
            words.resize(positions * 2 * stored, 0);
        }
        let sample = self.bytes / stored;
        vectorised(
            #[inline(always)]
            || {
                for (words, at) in words.chunks_exact_mut(stored).take(2 * positions).zip(2 * first..) {
                    let (position, below) = (at / 2, at % 2);
                    let (sample, position) = (position / sample, position % sample);
                    let low =
                        (sample * self.planes.count() + self.planes.bytes * below) * self.bytes + position * stored;
                    let (low, high) = (&x[low..][..stored], &x[low + self.bytes..][..stored]);
                    for i in 0..stored {
                        words[i] = i16::from_le_bytes([low[i], high[i] ^ 0x80]);
                    }
                }
            },
        );
        &words[..count]
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
            let input = Layout::new(&[1, x.len() / planes.count()], [0; 2], [0; 2]);
            let words = Words::new(planes, &Layout { stored: 1, ..input }, largest).unwrap();
            words.read(x, 0..x.len() / planes.count(), &mut Vec::new()).to_vec()
        };
        assert_eq!(read(1, false, 255, &[0, 1, 255]), [0, 1, 255]);
        assert_eq!(read(1, true, 255, &[0, 255, 0, 0, 0, 255]), [0, 255, -255]);
        assert_eq!(read(2, false, 32767, &[1, 255, 0, 127]), [1, 32767]);
        assert_eq!(read(2, false, 65535, &[0, 255, 0, 255]), [-32768, 32767]);
        assert_eq!(read(2, true, 32767, &[255, 0, 127, 0, 0, 2, 0, 1]), [32767, -258]);
    }

    #[test]
    fn numbers_of_seventeen_bits_lie_beside_each_other() {
        let planes = Planes { bytes: 2, signed: true };
        let input = Layout { stored: 2, ..Layout::new(&[2, 3], [0; 2], [0; 2]) };
        let words = Words::new(planes, &input, 65535).unwrap();
        assert_eq!(words.layout(&input).volume(), 12);
        // two samples of three positions and two channels: 1 and -65535, 0 and 256, 65535 and 0, 2 and 3
        let mut x = vec![0; 48];
        (x[0], x[13], x[19]) = (1, 255, 255);
        (x[9], x[4], x[10]) = (1, 255, 255);
        (x[24], x[25]) = (2, 3);
        let found =
            words.read(&x, 0..16, &mut Vec::new()).iter().map(|&word| i32::from(word) + (1 << 15)).collect::<Vec<_>>();
        assert_eq!(found, [1, 0, 0, 65535, 0, 256, 0, 0, 65535, 0, 0, 0, 2, 3, 0, 0]);
        let found =
            words.read(&x, 8..13, &mut Vec::new()).iter().map(|&word| i32::from(word) + (1 << 15)).collect::<Vec<_>>();
        assert_eq!(found, [65535, 0, 0, 0, 2]);
        assert!(Words::new(planes, &input, 1 << 16).is_none());
    }

    #[test]
    fn parts_go_over_samples() {
        let input = Layout { stored: 1, ..Layout::new(&[1, 3], [0; 2], [0; 2]) };
        let words = Words::new(Planes { bytes: 1, signed: true }, &input, 255).unwrap();
        let x = [1, 2, 0, 0, 0, 3, 4, 0, 6, 0, 5, 0];
        assert_eq!(words.read(&x, 1..5, &mut Vec::new()), [2, -3, 4, -5]);
    }
}
