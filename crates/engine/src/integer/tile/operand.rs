//! The two forms in which codes are multiplied, and their weights in the order in which instructions take them.

#[cfg(target_arch = "x86_64")]
use super::avx2;
#[cfg(target_arch = "aarch64")]
use super::neon;
#[cfg(target_arch = "x86_64")]
use super::vnni;
use super::{Isa, Kernel, LANES};

/// A code as kernels take it: a byte, or a 16-bit number with sign.
pub(in crate::integer) trait Operand: Copy + Default + Into<i32> + 'static {
    /// Weights of sixteen result channels for four codes.
    type Line: Copy + std::fmt::Debug;

    /// Vectors of channels that a group has at most.
    const VECTORS: usize;

    /// Brings weights into order.
    fn line(weights: &[[i8; 4]; LANES]) -> Self::Line;

    /// The weights of a channel.
    fn weights(line: &Self::Line, lane: usize) -> [i32; 4];

    /// The kernel for groups of so many vectors, if there is one; `wide` when it must read shortcuts, or write codes, of two bytes.
    fn kernel(isa: Isa, vectors: usize, wide: bool) -> Option<Kernel<Self>>;
}

/// Four bytes for each of sixteen channels: what one instruction multiplies.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(in crate::integer) struct ByteLine([[i8; 4]; LANES]);

impl Operand for u8 {
    type Line = ByteLine;

    const VECTORS: usize = 4;

    fn line(weights: &[[i8; 4]; LANES]) -> ByteLine {
        ByteLine(*weights)
    }

    #[allow(clippy::inline_always)] // belongs into a vectorised loop
    #[inline(always)]
    fn weights(line: &ByteLine, lane: usize) -> [i32; 4] {
        line.0[lane].map(i32::from)
    }

    fn kernel(isa: Isa, vectors: usize, wide: bool) -> Option<Kernel<u8>> {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Vnni if !wide => Some(match vectors {
                1 => vnni::tiles::<12, 1>,
                2 => vnni::tiles::<12, 2>,
                3 => vnni::tiles::<8, 3>,
                _ => vnni::tiles::<6, 4>,
            }),
            _ => {
                let _ = (vectors, wide);
                None
            }
        }
    }
}

/// Two pairs of 16-bit numbers for each of sixteen channels: first the pairs for two codes of all channels, then those for the
/// next two.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(in crate::integer) struct WordLine([[[i16; 2]; LANES]; 2]);

impl WordLine {
    /// Brings weights of 16 bits into order.
    pub(in crate::integer) fn new(weights: &[[i16; 4]; LANES]) -> Self {
        Self([0, 1].map(|pair| weights.map(|of| [of[2 * pair], of[2 * pair + 1]])))
    }
}

impl Operand for i16 {
    type Line = WordLine;

    const VECTORS: usize = 1;

    fn line(weights: &[[i8; 4]; LANES]) -> WordLine {
        WordLine::new(&weights.map(|of| of.map(i16::from)))
    }

    #[allow(clippy::inline_always)] // belongs into a vectorised loop
    #[inline(always)]
    fn weights(line: &WordLine, lane: usize) -> [i32; 4] {
        let [[a, b], [c, d]] = line.0.map(|pairs| pairs[lane]);
        [a, b, c, d].map(i32::from)
    }

    fn kernel(isa: Isa, _vectors: usize, _wide: bool) -> Option<Kernel<i16>> {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Some(avx2::tiles),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => Some(neon::tiles),
            _ => None,
        }
    }
}
