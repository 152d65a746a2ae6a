//! Synapses from few channels: the sums of all sets of eight channels' weights are computed beforehand, so that a tap costs
//! two additions whatever its position's neurons do, and nothing has to be listed or decided.

use super::super::tile::LANES;
use super::super::vectors::vectorised;
use super::{Places, Spec};

/// Channels of a set.
const SET: usize = 8;
/// Sets of channels.
const SETS: usize = LANES / SET;
/// Largest size of the tables of a block of result channels, in vectors (512 KiB).
const MOST_VECTORS: usize = 1 << 13;
/// Taps, at most.
const MOST_TAPS: usize = 25;

/// Spikes of some steps: a word for the sixteen channels of each position.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    /// From the first step on.
    pub(crate) spikes: &'a [u16],
    /// Words from a step to the next.
    pub(crate) stride: usize,
    /// Number of steps.
    pub(crate) steps: usize,
}

/// The sums of a convolution from at most sixteen channels.
pub(super) struct Tables {
    /// Vectors of a block of result channels.
    vectors: usize,
    /// By block: `[set of channels][which of them spike][tap][result channel]`.
    blocks: Vec<Vec<[f32; LANES]>>,
    taps: usize,
    /// What each result reads: the number of the position and that of the tap, in order.
    reads: Vec<(u32, u32)>,
    /// Where each result's reads begin, and the end.
    starts: Vec<u32>,
    /// Positions of the input.
    positions: usize,
}

impl Tables {
    /// Tables for blocks of `vectors`; `None` where there are too many channels, or they would be too large.
    pub(super) fn new(spec: &Spec<'_>, padded_out: usize, vectors: usize) -> Option<Self> {
        let ([height, width], [channels, results]) = (spec.kernel, spec.channels);
        let taps = height * width;
        if channels > LANES || taps > MOST_TAPS || (SETS * taps * vectors) << SET > MOST_VECTORS {
            return None;
        }
        let blocks = (0..padded_out / LANES / vectors).map(|block| {
            let mut table = Vec::with_capacity((SETS * taps * vectors) << SET);
            for set in 0..SETS {
                for spikes in 0..1usize << SET {
                    for tap in 0..taps {
                        for vector in 0..vectors {
                            let first = (block * vectors + vector) * LANES;
                            let weight = |o: usize, lane: usize| {
                                let c = set * SET + lane;
                                let exists = o < results && c < channels && spikes >> lane & 1 == 1;
                                if exists { (spec.weight)(o, c, [tap / width, tap % width]) } else { 0.0 }
                            };
                            table.push(std::array::from_fn(|lane| {
                                (0..SET).fold(0.0, |sum, c| sum + weight(first + lane, c))
                            }));
                        }
                    }
                }
            }
            table
        });
        let (mut reads, mut starts) = (Vec::new(), vec![0]);
        let read = |a: usize, at: usize, tap: usize| {
            let padded = at * spec.stride[a] + tap * spec.dilation[a];
            padded.checked_sub(spec.pad[a]).filter(|&i| i < spec.input[a])
        };
        for result in 0..spec.output[0] * spec.output[1] {
            let (y, x) = (result / spec.output[1], result % spec.output[1]);
            for tap in 0..taps {
                if let (Some(y), Some(x)) = (read(0, y, tap / width), read(1, x, tap % width)) {
                    reads.push(((y * spec.input[1] + x) as u32, tap as u32));
                }
            }
            starts.push(reads.len() as u32);
        }
        let positions = spec.input[0] * spec.input[1];
        Some(Self { vectors, blocks: blocks.collect(), taps, reads, starts, positions })
    }

    /// Adds the currents of a block of channels at some positions in all steps to `output`, from the block's first channel
    /// at the first of the positions on.
    pub(super) fn add(
        &self,
        block: usize,
        positions: std::ops::Range<usize>,
        words: Words<'_>,
        output: &mut [f32],
        places: Places,
    ) {
        assert!(words.steps == 0 || words.spikes.len() >= (words.steps - 1) * words.stride + self.positions);
        vectorised(
            #[inline(always)]
            || match self.vectors {
                1 => self.walk::<1>(block, positions, words, output, places),
                2 => self.walk::<2>(block, positions, words, output, places),
                3 => self.walk::<3>(block, positions, words, output, places),
                _ => self.walk::<4>(block, positions, words, output, places),
            },
        );
    }

    #[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
    #[inline(always)]
    fn walk<const N: usize>(
        &self,
        block: usize,
        positions: std::ops::Range<usize>,
        words: Words<'_>,
        output: &mut [f32],
        places: Places,
    ) {
        let (table, _) = self.blocks[block].as_chunks::<N>();
        let (low, high) = table.split_at(table.len() / SETS);
        for (number, result) in positions.enumerate() {
            let reads = &self.reads[self.starts[result] as usize..self.starts[result + 1] as usize];
            for step in 0..words.steps {
                let spikes = &words.spikes[step * words.stride..][..self.positions];
                let place = number * places.position + step * places.step;
                let (output, _) = output[place..][..N * LANES].as_chunks_mut::<LANES>();
                let mut sums = [[0.0f32; LANES]; N];
                sums.copy_from_slice(output);
                for &(position, tap) in reads {
                    let word = usize::from(spikes[position as usize]);
                    for row in [
                        &low[(word & 0xff) * self.taps + tap as usize],
                        &high[(word >> SET) * self.taps + tap as usize],
                    ] {
                        let mut vector = 0;
                        while vector < N {
                            let mut lane = 0;
                            while lane < LANES {
                                sums[vector][lane] += row[vector][lane];
                                lane += 1;
                            }
                            vector += 1;
                        }
                    }
                }
                output.copy_from_slice(&sums);
            }
        }
    }
}
