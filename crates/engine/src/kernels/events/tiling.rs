//! Which taps and result channels are visited together, so that their weights stay in a core's caches.

use super::super::tile::LANES;
use super::{Spec, scale};

/// Vectors of weights of the taps that are visited together (128 KiB). They stay in a core's caches while positions and
/// steps pass; with less there would be fewer vectors for each event, and the time is that of visiting events.
const CACHED: usize = 2048;
/// Vectors of weights of a single tap's channels that are visited together (64 KiB).
const CACHED_OF_TAP: usize = CACHED / 2;
/// Runs that are visited together.
pub(super) const MOST_RUNS: usize = 16;
/// Vectors of results that are held in registers.
const MOST_VECTORS: usize = 4;
/// Neighbouring taps of a row, for a group of input channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// The row that the taps read, before padding is taken off.
    pub(super) offset: usize,
    /// Number of the first tap of the row of taps.
    pub(super) row: usize,
    /// Which list of columns is theirs.
    pub(super) columns: usize,
    /// The group; where there are several, there is one tap.
    pub(super) group: usize,
}

/// What a column of results reads through a run: positions within a row of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) low: u32,
    pub(super) high: u32,
    /// What to add to an element for the place of its weights, beside what the row adds; may wrap.
    pub(super) offset: u32,
}

/// How weights are divided so that they stay in cache.
pub(super) struct Tiling {
    pub(super) vectors: usize,
    pub(super) tiles: Vec<Vec<Run>>,
    pub(super) columns: Vec<Vec<Column>>,
    pub(super) groups: usize,
}

/// Vectors of result channels in a block (a divisor of all `of`), and the taps that are visited together: all of them,
/// those of a row, each, or a tap's input channels group by group. Terms stay in order.
pub(super) fn tiles(spec: &Spec<'_>, of: usize) -> Tiling {
    let [height, width] = spec.kernel;
    let channels = spec.channels[0];
    // taps with gaps between them read elements that are no neighbours
    let together = spec.dilation[1] == 1;
    // the most vectors that divide all, and those of so many rows
    let divisor = |most: usize| (1..=most.max(1)).rev().find(|n| of.is_multiple_of(*n)).unwrap_or(1);
    let vectors = |rows: usize| divisor((CACHED / rows).min(MOST_VECTORS));
    let all = height * width * channels * divisor(MOST_VECTORS) <= CACHED && height * width <= MOST_RUNS;
    let several = divisor(MOST_VECTORS);
    let [row, tap] = [CACHED, CACHED_OF_TAP].map(|cached| if spec.graded { cached / 2 } else { cached });
    let taps = if together && (all || width * channels * several <= row) { width } else { 1 };
    let whole = |groups: &usize| channels.is_multiple_of(groups * LANES) && channels / groups * several <= tap;
    let groups = if taps == 1 && channels * several > tap { (1..=channels).find(whole).unwrap_or(1) } else { 1 };
    let mut runs = Vec::new();
    for ky in 0..height {
        for kx in (0..width).step_by(taps) {
            for group in 0..groups {
                runs.push(Run { offset: ky * spec.dilation[0], row: ky * width, columns: kx / taps, group });
            }
        }
    }
    let all = all && groups == 1;
    let vectors = vectors(if all { height * width * channels } else { taps * channels / groups });
    let tiles = if all { vec![runs] } else { runs.into_iter().map(|run| vec![run]).collect() };
    let column = |kx: usize, x: usize| {
        // as numbers of the input with its padding
        let begin = x * spec.stride[1] + kx * spec.dilation[1];
        let (pad, end) = (spec.pad[1], spec.pad[1] + spec.input[1]);
        let low = begin.clamp(pad, end);
        let high = (begin + taps).clamp(low, end);
        let row = ((kx + low - begin.min(low)) * channels).wrapping_sub((low - pad) * channels);
        let offset = (row as u32).wrapping_mul(scale(vectors));
        Column { low: (low - pad) as u32, high: (high - pad) as u32, offset }
    };
    let columns = (0..width).step_by(taps).map(|kx| (0..spec.output[1]).map(|x| column(kx, x)).collect()).collect();
    Tiling { vectors, tiles, columns, groups }
}
