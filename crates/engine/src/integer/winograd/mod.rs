//! Convolution with 3×3 windows in 4/9 of the multiplications, exactly.
//!
//! Two by two results at a time are `Aᵀ[(G g Gᵀ) ⊙ (Bᵀ d B)]A`, the algorithm F(2×2, 3×3) of A. Lavin and S. Gray, "Fast
//! algorithms for convolutional neural networks", CVPR 2016 (section 4.1). Its matrices hold 0, ±1 and, in `G`, ½: with `2G`
//! instead all numbers are integers, and what comes out is four times the sums. Transformed 8-bit weights (at most 9 · 127)
//! and codes (at most 4 times the largest) fit 16 bits; sums below 2^29 are exact, since what leaves 32 bits on the way
//! comes back.
#![allow(unsafe_code)] // Calls of kernels for instructions that the machine has, with bounds checked once a tile.
#![allow(clippy::needless_range_loop)] // loops over lanes; what iterators call is not always compiled for the same vectors

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::dense::{Memory, Positions, Terms};
use super::geometry::Geometry;
use super::isa::Isa;
use super::layout::{LANES, Layout, Planes};
use super::places::{Grid, Place};
use super::tile::{Group, Job, Run, Sink, Start, WordLine, add_terms, check, store, tiles};
use crate::kernels::vectors::vectorised;

/// Products for each tile of two by two results.
const POINTS: usize = 16;

/// Tiles that are worked on together: their transforms stay in the cache while all weights pass.
const BLOCK: usize = 24;

/// Values of sixteen channels.
type Values<T> = [T; LANES];

/// A convolution with transformed weights.
#[derive(Debug, Clone)]
pub(super) struct Winograd {
    isa: Isa,
    input: Layout,
    planes: Planes,
    /// Where the window of the first position begins.
    first: usize,
    /// Rows and columns of tiles.
    tiles: [usize; 2],
    /// For each vector of result channels, the weights of each point.
    points: Vec<Vec<Group<i16>>>,
    bias: Vec<Values<i32>>,
    /// Where the tiles of a block are read and written for a point.
    grid: Grid,
}

impl Winograd {
    /// Packs weights as [`Dense::new`](super::dense::Dense::new) does. `None` for other windows, odd maps, and numbers that
    /// might not fit.
    pub(super) fn new(
        isa: Isa,
        geometry: &Geometry,
        (input, planes, largest): (&Layout, Planes, i64),
        weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
        bias: &[i32],
    ) -> Option<Self> {
        let Geometry { kernel, stride, dilation, before, groups, channels, output } = *geometry;
        let window = kernel == [3; 2] && stride == [1; 2] && dilation == [1; 2] && groups == 1;
        let whole = output.iter().all(|extent| extent % 2 == 0) && input.stored.is_multiple_of(LANES);
        if !window || !whole || planes.bytes > 1 || 4 * largest > i64::from(i16::MAX) {
            return None;
        }
        let [inputs, outputs] = channels;
        let taps = |o: usize, i: usize| [0, 1, 2].map(|y| [0, 1, 2].map(|x| i64::from(weight(o, i, [y, x]))));
        let fits = (0..outputs).all(|o| {
            let total: i64 = (0..inputs).flat_map(|i| taps(o, i)).flatten().map(i64::abs).sum();
            total * largest < 1 << 29
        });
        if !fits {
            return None;
        }
        let vectors = geometry.vectors();
        let mut points = vec![Vec::new(); vectors];
        for (vector, points) in points.iter_mut().enumerate() {
            let mut lines = vec![Vec::new(); POINTS];
            for quad in (0..input.stored).step_by(4) {
                // for each channel of the result and the input, the weights at all points
                let transformed: [[[i16; POINTS]; 4]; LANES] = std::array::from_fn(|lane| {
                    let result = vector * LANES + lane;
                    std::array::from_fn(|i| match quad + i {
                        channel if channel < inputs && result < outputs => transformed_weights(taps(result, channel)),
                        _ => [0; POINTS],
                    })
                });
                for (point, lines) in lines.iter_mut().enumerate() {
                    lines.push(WordLine::new(&transformed.map(|quad| quad.map(|points| points[point]))));
                }
            }
            let runs = vec![Run { offset: 0, quads: input.stored / 4 }];
            points.extend(lines.into_iter().map(|lines| Group { first: 0, vectors: 1, runs: runs.clone(), lines }));
        }
        let mut packed = vec![[0; LANES]; vectors];
        for (channel, &bias) in bias.iter().enumerate() {
            packed[channel / LANES][channel % LANES] = bias;
        }
        let place = Place { read: input.stored, write: LANES, ..Place::default() };
        Some(Self {
            isa,
            input: input.clone(),
            planes,
            first: (input.before[0] - before[0]) * input.row() + (input.before[1] - before[1]) * input.stored,
            tiles: output.map(|extent| extent / 2),
            points,
            bias: packed,
            grid: Grid::new([1, BLOCK], place.times(BLOCK), Place::default(), place),
        })
    }

    /// Computes the results of some samples, as [`Dense::run`](super::dense::Dense::run) does.
    pub(super) fn run(&self, at: Positions<'_>, terms: Terms<'_>, sink: &mut Sink<'_>, memory: &mut Memory) {
        let samples = at.codes.len() / (self.planes.count() * self.input.bytes());
        let count = samples * self.tiles[0] * self.tiles[1];
        let values = BLOCK * self.input.stored;
        memory.words.resize(memory.words.len().max(POINTS * values), 0);
        memory.sums.resize(memory.sums.len().max(POINTS * BLOCK * LANES), 0);
        for start in (0..count).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(count);
            self.transform(at.codes, block.clone(), &mut memory.words[..POINTS * values]);
            let none = Start { bias: &[[0; LANES]], map: None, skip: None };
            for (vector, groups) in self.points.iter().enumerate() {
                let words = memory.words.chunks_exact(values);
                let products = memory.sums.chunks_exact_mut(BLOCK * LANES);
                for ((group, codes), sums) in groups.iter().zip(words).zip(products) {
                    let job = Job { isa: self.isa, codes, start: none };
                    self.grid.blocks(1, |places, _, origin| {
                        tiles(job, group, places, block.len(), origin, &mut Sink::Sums(sums));
                    });
                }
                let start = Start { bias: &self.bias, map: terms.map, skip: terms.skip };
                self.results(vector, block.clone(), &memory.sums, (at.grid, at.first), start, sink);
            }
        }
    }

    /// Sample, row and column of a tile.
    fn position(&self, tile: usize) -> [usize; 3] {
        let [rows, columns] = self.tiles;
        [tile / (rows * columns), tile / columns % rows, tile % columns]
    }

    /// Where a tile's codes begin.
    fn start(&self, tile: usize) -> usize {
        let [sample, row, column] = self.position(tile);
        let position = self.first + 2 * row * self.input.row() + 2 * column * self.input.stored;
        sample * self.planes.count() * self.input.bytes() + position
    }

    /// `Bᵀ d B` for each channel of some tiles: for each point, tiles and then channels.
    fn transform(&self, x: &[u8], block: Range<usize>, words: &mut [i16]) {
        let (row, stored, bytes) = (self.input.row(), self.input.stored, self.input.bytes());
        #[cfg(target_arch = "x86_64")]
        if self.isa == Isa::Avx2 {
            assert!(block.len() <= BLOCK && words.len() == POINTS * BLOCK * stored, "there must be room for the block");
            let negative = self.planes.signed.then_some(bytes);
            for (i, tile) in block.enumerate() {
                let from = self.start(tile);
                assert!(
                    from + 3 * row + 4 * stored + negative.unwrap_or(0) <= x.len(),
                    "a tile must read within its input"
                );
                // SAFETY: the machine has the instructions: whoever chose them has asked. Four rows of four positions lie
                // within the input, also in the plane of negative codes, and a position for each point within the words.
                unsafe {
                    let to = words.as_mut_ptr().add(i * stored);
                    avx2::transform(x.as_ptr().add(from), [row, stored], negative, to, BLOCK * stored);
                }
            }
            return;
        }
        vectorised(
            #[inline(always)]
            || {
                for (i, tile) in block.enumerate() {
                    let from = self.start(tile);
                    for channel in (0..stored).step_by(LANES) {
                        let mut d = [[[0i16; LANES]; 4]; 4];
                        for (a, d) in d.iter_mut().enumerate() {
                            for (b, d) in d.iter_mut().enumerate() {
                                let at = from + a * row + b * stored + channel;
                                let codes = &x[at..][..LANES];
                                for lane in 0..LANES {
                                    d[lane] = i16::from(codes[lane]);
                                }
                                if self.planes.signed {
                                    let below = &x[at + bytes..][..LANES];
                                    for lane in 0..LANES {
                                        d[lane] -= i16::from(below[lane]);
                                    }
                                }
                            }
                        }
                        let mut rows = [[[0i16; LANES]; 4]; 4];
                        for b in 0..4 {
                            let found = transformed_codes([&d[0][b], &d[1][b], &d[2][b], &d[3][b]]);
                            for a in 0..4 {
                                rows[a][b] = found[a];
                            }
                        }
                        for a in 0..4 {
                            let [p, q, r, s] = &rows[a];
                            let found = transformed_codes([p, q, r, s]);
                            for b in 0..4 {
                                let to = ((4 * a + b) * BLOCK + i) * stored + channel;
                                words[to..to + LANES].copy_from_slice(&found[b]);
                            }
                        }
                    }
                }
            },
        );
    }

    /// `Aᵀ m A` for a vector of channels of some tiles, and what is made of it.
    fn results(
        &self,
        vector: usize,
        block: Range<usize>,
        products: &[i32],
        (grid, first): (&Grid, Place),
        start: Start<'_>,
        sink: &mut Sink<'_>,
    ) {
        let places = |tile: usize| {
            let [sample, row, column] = self.position(tile);
            [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[y, x]| grid.place(sample, 2 * row + y, 2 * column + x).plus(first))
        };
        #[cfg(target_arch = "x86_64")]
        if self.isa == Isa::Avx2 {
            assert!(products.len() >= POINTS * BLOCK * LANES && block.len() <= BLOCK);
            for (i, tile) in block.enumerate() {
                let places = places(tile);
                check(start, sink, vector + 1, places[3]);
                // SAFETY: the machine has the instructions: whoever chose them has asked. The products of each point have been
                // computed, and the places, of which the last is the largest, lie within what is read and written.
                unsafe {
                    let products = products.as_ptr().add(i * LANES);
                    avx2::results(products, BLOCK * LANES, start, &places, vector, sink);
                }
            }
            return;
        }
        vectorised(
            #[inline(always)]
            || {
                for (i, tile) in block.enumerate() {
                    let places = places(tile);
                    let mut halves = [[[0i32; LANES]; 4]; 2];
                    for b in 0..4 {
                        let m = |a: usize| &products[((4 * a + b) * BLOCK + i) * LANES..][..LANES];
                        let found = collected([m(0), m(1), m(2), m(3)]);
                        halves[0][b] = found[0];
                        halves[1][b] = found[1];
                    }
                    for y in 0..2 {
                        let [p, q, r, s] = &halves[y];
                        let found = collected([p, q, r, s]);
                        for x in 0..2 {
                            let place = places[2 * y + x];
                            let mut sums = [0; LANES];
                            for lane in 0..LANES {
                                sums[lane] = start.bias[vector][lane].wrapping_add(found[x][lane] >> 2);
                            }
                            add_terms(start, place, vector, &mut sums);
                            store(&sums, vector, place, sink);
                        }
                    }
                }
            },
        );
    }
}

/// `2G g (2G)ᵀ`.
fn transformed_weights(g: [[i64; 3]; 3]) -> [i16; POINTS] {
    let along = |[a, b, c]: [i64; 3]| [2 * a, a + b + c, a - b + c, 2 * c];
    let columns = [0, 1, 2].map(|x| along([g[0][x], g[1][x], g[2][x]]));
    let mut points = [0; POINTS];
    for row in 0..4 {
        for (column, value) in along([columns[0][row], columns[1][row], columns[2][row]]).into_iter().enumerate() {
            points[4 * row + column] = value as i16;
        }
    }
    points
}

/// `Bᵀ` times four values.
#[allow(clippy::inline_always)] // belongs into a vectorised loop
#[inline(always)]
fn transformed_codes(d: [&Values<i16>; 4]) -> [Values<i16>; 4] {
    let mut found = [[0; LANES]; 4];
    for lane in 0..LANES {
        let [a, b, c, d] = d.map(|d| d[lane]);
        found[0][lane] = a - c;
        found[1][lane] = b + c;
        found[2][lane] = c - b;
        found[3][lane] = b - d;
    }
    found
}

/// `Aᵀ` times four values, which may leave 32 bits on the way.
#[allow(clippy::inline_always)] // likewise
#[inline(always)]
fn collected(m: [&[i32]; 4]) -> [Values<i32>; 2] {
    let mut found = [[0; LANES]; 2];
    let m = m.map(|m| &m[..LANES]);
    for lane in 0..LANES {
        let [a, b, c, d] = m.map(|m| m[lane]);
        found[0][lane] = a.wrapping_add(b).wrapping_add(c);
        found[1][lane] = b.wrapping_sub(c).wrapping_sub(d);
    }
    found
}
