//! Synapses from few channels: the sums of all sets of eight channels' weights are computed beforehand, so that a tap costs
//! two additions whatever its position's neurons do, and nothing has to be listed or decided.

use super::super::tile::LANES;
use super::super::vectors::vectorised;
use super::{Places, Spec};

/// Channels of a set.
const SET: usize = 8;
/// Sets of channels.
const SETS: usize = LANES / SET;
/// Rows of a table: one for each choice of spikes, and one that brings the first rows of tables, which are read most, to
/// different places of a cache.
const ROWS: usize = (1 << SET) + 1;
/// Taps of a row that are read together.
const TOGETHER: usize = 3;
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
    /// By block: `[tap][set of channels][which of them spike][result channel]`.
    blocks: Vec<Vec<[f32; LANES]>>,
    /// What each result reads, in order.
    reads: Vec<Read>,
    /// Where each result's reads begin, and the end.
    starts: Vec<u32>,
    /// Positions of the input.
    positions: usize,
}

/// Neighbouring positions that neighbouring taps read: the first of both, and their number, 1 or [`TOGETHER`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Read {
    position: u32,
    tap: u32,
    count: u32,
}

/// What spikes of a set of channels add to the results of a block.
type Table<const N: usize> = [[[f32; LANES]; N]; ROWS];

impl Tables {
    /// Tables for blocks of `vectors`; `None` where there are too many channels, or they would be too large.
    pub(super) fn new(spec: &Spec<'_>, padded_out: usize, vectors: usize) -> Option<Self> {
        let ([height, width], [channels, results]) = (spec.kernel, spec.channels);
        let taps = height * width;
        if channels > LANES || taps > MOST_TAPS || (SETS * taps * vectors) << SET > MOST_VECTORS {
            return None;
        }
        let blocks = (0..padded_out / LANES / vectors).map(|block| {
            let mut table = Vec::with_capacity(SETS * taps * vectors * ROWS);
            for (tap, set) in (0..taps).flat_map(|tap| (0..SETS).map(move |set| (tap, set))) {
                for (spikes, vector) in (0..ROWS).flat_map(|spikes| (0..vectors).map(move |vector| (spikes, vector))) {
                    let first = (block * vectors + vector) * LANES;
                    let weight = |o: usize, lane: usize| {
                        let c = set * SET + lane;
                        let exists = o < results && c < channels && spikes >> lane & 1 == 1;
                        if exists { (spec.weight)(o, c, [tap / width, tap % width]) } else { 0.0 }
                    };
                    table.push(std::array::from_fn(|lane| (0..SET).fold(0.0, |sum, c| sum + weight(first + lane, c))));
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
            let position = |tap: usize| {
                let (y, x) = (read(0, y, tap / width)?, read(1, x, tap % width)?);
                Some((y * spec.input[1] + x) as u32)
            };
            let mut tap = 0;
            while tap < taps {
                let row = tap..tap + TOGETHER;
                let first = position(tap);
                let joined = tap % width + TOGETHER <= width
                    && first.is_some()
                    && row.zip(0..).all(|(tap, i)| position(tap) == first.map(|first| first + i));
                let count = if joined { TOGETHER } else { 1 };
                reads.extend(first.map(|position| Read { position, tap: tap as u32, count: count as u32 }));
                tap += count;
            }
            starts.push(reads.len() as u32);
        }
        let positions = spec.input[0] * spec.input[1];
        Some(Self { vectors, blocks: blocks.collect(), reads, starts, positions })
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
        let (rows, _) = self.blocks[block].as_chunks::<N>();
        let (tables, _) = rows.as_chunks::<ROWS>();
        let (taps, _): (&[[Table<N>; SETS]], _) = tables.as_chunks();
        for (number, result) in positions.enumerate() {
            let reads = &self.reads[self.starts[result] as usize..self.starts[result + 1] as usize];
            for step in 0..words.steps {
                let spikes = &words.spikes[step * words.stride..][..self.positions];
                let place = number * places.position + step * places.step;
                let (output, _) = output[place..][..N * LANES].as_chunks_mut::<LANES>();
                let mut sums = [[0.0f32; LANES]; N];
                sums.copy_from_slice(output);
                for read in reads {
                    let (position, tap) = (read.position as usize, read.tap as usize);
                    if read.count as usize == TOGETHER {
                        let (words, taps) = (&spikes[position..][..TOGETHER], &taps[tap..][..TOGETHER]);
                        // where neurons are mostly silent, so are neighbours
                        if words.iter().fold(0, |all, word| all | word) == 0 {
                            continue;
                        }
                        let mut i = 0;
                        while i < TOGETHER {
                            add(&mut sums, &taps[i], words[i]);
                            i += 1;
                        }
                    } else {
                        add(&mut sums, &taps[tap], spikes[position]);
                    }
                }
                output.copy_from_slice(&sums);
            }
        }
    }
}

/// Adds what a tap brings.
#[allow(clippy::inline_always)] // only what is inlined gets the instructions of its surroundings
#[inline(always)]
fn add<const N: usize>(sums: &mut [[f32; LANES]; N], tap: &[Table<N>; SETS], word: u16) {
    let [first, second] = word.to_le_bytes();
    let rows = [&tap[0][usize::from(first)], &tap[1][usize::from(second)]];
    let mut set = 0;
    while set < SETS {
        let mut vector = 0;
        while vector < N {
            let mut lane = 0;
            while lane < LANES {
                sums[vector][lane] += rows[set][vector][lane];
                lane += 1;
            }
            vector += 1;
        }
        set += 1;
    }
}
