//! Where the positions of a layer are read and written.

/// Offsets of a position: in what is multiplied, in the result, in the map of constants and in the shortcut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) read: usize,
    pub(super) write: usize,
    pub(super) map: usize,
    pub(super) skip: usize,
}

impl Place {
    #[inline]
    pub(super) fn plus(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            write: self.write + other.write,
            map: self.map + other.map,
            skip: self.skip + other.skip,
        }
    }

    #[inline]
    pub(super) fn times(self, n: usize) -> Self {
        Self { read: self.read * n, write: self.write * n, map: self.map * n, skip: self.skip * n }
    }

    /// Whether no offset is smaller than another one's.
    fn reaches(self, other: Self) -> bool {
        self.read >= other.read && self.write >= other.write && self.map >= other.map && self.skip >= other.skip
    }
}

/// Places in order: no offset is smaller than one before it.
#[derive(Debug, Clone)]
pub(super) struct Places(Vec<Place>);

impl Places {
    pub(super) fn first(&self, count: usize) -> &[Place] {
        &self.0[..count]
    }
}

/// All positions of some samples, in blocks: a few rows of a sample or, where samples are small, several samples.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    /// The places of the largest block.
    places: Places,
    /// What the next sample, row and column add.
    sample: Place,
    row: Place,
    column: Place,
    extents: [usize; 2],
    /// Rows or, if those of a sample are not enough, samples in a block.
    rows: usize,
    samples: usize,
}

/// Positions of a block: their inputs stay in the cache while all weights pass, and the last tile of a block, which is not
/// full, costs little.
const BLOCK: usize = 360;

impl Grid {
    pub(super) fn new(extents: [usize; 2], sample: Place, row: Place, column: Place) -> Self {
        let [height, width] = extents;
        let rows = BLOCK.div_ceil(width).min(height);
        // a map that all samples share begins again with each
        let shared = sample.map == 0 && row.plus(column).map > 0;
        let samples = if rows < height || shared { 1 } else { BLOCK.div_ceil(height * width) };
        let mut places = Vec::with_capacity(samples * rows * width);
        for i in 0..samples {
            for y in 0..rows {
                places.extend((0..width).map(|x| sample.times(i).plus(row.times(y)).plus(column.times(x))));
            }
        }
        assert!(places.windows(2).all(|pair| pair[1].reaches(pair[0])), "places come in order");
        Self { places: Places(places), sample, row, column, extents, rows, samples }
    }

    /// A single position.
    #[inline]
    pub(super) fn place(&self, sample: usize, row: usize, column: usize) -> Place {
        self.sample.times(sample).plus(self.row.times(row)).plus(self.column.times(column))
    }

    /// Calls `f(places, origin)` for each block of so many samples.
    pub(super) fn blocks(&self, samples: usize, mut f: impl FnMut(&Places, usize, Place)) {
        let [height, width] = self.extents;
        for sample in (0..samples).step_by(self.samples) {
            let together = self.samples.min(samples - sample);
            for row in (0..height).step_by(self.rows) {
                let rows = self.rows.min(height - row);
                let origin = self.sample.times(sample).plus(self.row.times(row));
                f(&self.places, together * rows * width, origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_of_every_sample_once() {
        for extents in [[1, 1], [2, 3], [19, 40], [1, 900]] {
            let [height, width] = extents;
            let read = |n| Place { read: n, ..Place::default() };
            let grid = Grid::new(extents, read(height * width), read(width), read(1));
            for samples in [1, 7, 1000 / (height * width) + 1] {
                let mut seen = Vec::new();
                grid.blocks(samples, |places, count, origin| {
                    seen.extend(places.first(count).iter().map(|place| place.plus(origin).read));
                });
                assert_eq!(seen, (0..samples * height * width).collect::<Vec<_>>());
            }
        }
    }
}
