//! Numbers that begin at the edge of a cache line, so that no vector of them lies in two.
#![allow(unsafe_code)] // Lines of numbers seen as numbers.

use std::ops::{Deref, DerefMut};

/// A cache line.
#[derive(Debug, Clone, Copy, Default)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// Numbers in a cache line.
const LINE: usize = 16;

/// A slice of its own that begins at the edge of a cache line.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    lines: Vec<Line>,
    len: usize,
}

impl Packed {
    /// Zeros.
    pub(super) fn zeros(len: usize) -> Self {
        Self { lines: vec![Line::default(); len.div_ceil(LINE)], len }
    }

    /// A copy of `values`, and zeros up to `len`.
    pub(super) fn copy(values: &[f32], len: usize) -> Self {
        let mut packed = Self::zeros(len);
        packed[..values.len()].copy_from_slice(values);
        packed
    }

    /// Makes it at least so long.
    pub(super) fn reserve(&mut self, len: usize) {
        if self.len < len {
            *self = Self::zeros(len);
        }
    }
}

impl Deref for Packed {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: lines are 16 numbers each without gaps, and there are enough of them.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Packed {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_the_edge_of_a_line() {
        let mut packed = Packed::copy(&[1.0, 2.0, 3.0], 17);
        assert_eq!((packed.len(), packed[2], packed[16]), (17, 3.0, 0.0));
        assert!(packed.as_ptr().addr().is_multiple_of(64));
        packed[16] = 5.0;
        packed.reserve(3);
        assert_eq!(packed[16], 5.0);
        packed.reserve(40);
        assert_eq!((packed.len(), packed[16]), (40, 0.0));
        assert!(Packed::default().is_empty());
    }
}
