//! The positions of a layer's result, in blocks: where each is read and written.

use std::ops::Range;

/// How positions are divided into blocks: part of a row, some rows of a sample, or several samples.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    extents: [usize; 2],
    /// Samples, rows and columns of the largest block. Where a number is not 1, those behind it are whole.
    largest: [usize; 3],
}

/// Neighbouring positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) samples: Range<usize>,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

impl Block {
    /// Number of positions.
    pub(super) fn count(&self) -> usize {
        self.samples.len() * self.rows.len() * self.columns.len()
    }
}

impl Blocks {
    /// Blocks of about `most` positions.
    pub(super) fn new(extents: [usize; 2], most: usize) -> Self {
        let [height, width] = extents;
        let columns = width.min(most.max(1));
        let rows = if columns < width { 1 } else { (most / width).clamp(1, height) };
        let samples = if rows < height || columns < width { 1 } else { (most / (height * width)).max(1) };
        Self { extents, largest: [samples, rows, columns] }
    }

    /// Whether a block holds whole samples.
    pub(super) fn are_whole(&self) -> bool {
        self.largest[1..] == self.extents
    }

    /// Positions of the largest block.
    pub(super) fn most(&self) -> usize {
        self.largest.iter().product()
    }

    /// The positions of the largest block, as sample, row and column.
    pub(super) fn positions(&self) -> impl Iterator<Item = [usize; 3]> {
        let [samples, rows, columns] = self.largest;
        (0..samples).flat_map(move |i| (0..rows).flat_map(move |y| (0..columns).map(move |x| [i, y, x])))
    }

    /// The blocks of so many samples, in order.
    pub(super) fn of(&self, samples: usize) -> impl Iterator<Item = Block> {
        let [height, width] = self.extents;
        let [together, rows, columns] = self.largest;
        let part = |start: usize, step: usize, end: usize| start..(start + step).min(end);
        (0..samples).step_by(together).flat_map(move |sample| {
            (0..height).step_by(rows).flat_map(move |row| {
                (0..width).step_by(columns).map(move |column| Block {
                    samples: part(sample, together, samples),
                    rows: part(row, rows, height),
                    columns: part(column, columns, width),
                })
            })
        })
    }
}

/// Where the positions of blocks lie in a map: offsets for the positions of the largest block, and what a block adds.
#[derive(Debug, Clone)]
pub(super) struct Offsets {
    table: Vec<usize>,
    /// Offset of the first position of all.
    first: usize,
    /// What the next sample, row and column add.
    strides: [usize; 3],
}

impl Offsets {
    pub(super) fn new(blocks: &Blocks, first: usize, strides: [usize; 3]) -> Self {
        let at = |[sample, row, column]: [usize; 3]| sample * strides[0] + row * strides[1] + column * strides[2];
        let table = blocks.positions().map(at).collect();
        Self { table, first, strides }
    }

    /// Offset of a block's first position.
    pub(super) fn origin(&self, block: &Block) -> usize {
        let [sample, row, column] = self.strides;
        self.first + block.samples.start * sample + block.rows.start * row + block.columns.start * column
    }

    /// Offsets of a block's positions, relative to its first.
    pub(super) fn of(&self, block: &Block) -> &[usize] {
        &self.table[..block.count()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_of_every_sample_once() {
        for extents in [[1, 1], [2, 3], [19, 40], [1, 900]] {
            let [height, width] = extents;
            for most in [1, 6, 100, 400] {
                let blocks = Blocks::new(extents, most);
                let offsets = Offsets::new(&blocks, 5, [height * width, width, 1]);
                for samples in [1, 7] {
                    let mut seen = Vec::new();
                    for block in blocks.of(samples) {
                        assert!(block.count() <= blocks.most());
                        let origin = offsets.origin(&block);
                        seen.extend(offsets.of(&block).iter().map(|offset| origin + offset));
                    }
                    assert_eq!(seen, (5..5 + samples * height * width).collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn blocks_are_whole_where_samples_are_small() {
        assert!(Blocks::new([8, 8], 200).are_whole());
        assert!(!Blocks::new([32, 32], 200).are_whole());
        assert_eq!(Blocks::new([8, 8], 200).most(), 192);
    }
}
