//! Windows that slide over each plane by itself: pooling and depthwise convolution.
//!
//! A plane is first laid out with its padding, rows and columns of each phase of the stride apart from the others. Then
//! what one tap reads in neighbouring windows lies side by side, whatever the stride, and the windows of the whole plane
//! are computed sixteen at a time, over the ends of rows.

use rayon::prelude::*;
use spikeconverter_graph::ops::Window;

use super::Threads;
use super::phase::plane;
use super::tile::{Instructions, Loop};

/// Windows computed side by side.
const LANES: usize = 16;

/// Values that a plane may have with its padding (1 GiB).
const LARGEST: usize = 1 << 28;

/// A window over a plane.
pub(super) struct Sliding {
    instructions: Instructions,
    input: [usize; 2],
    output: [usize; 2],
    stride: [usize; 2],
    before: [usize; 2],
    /// Height and width of the part of the padded plane that belongs to one phase.
    extents: [usize; 2],
    /// Where each tap reads for the first window.
    offsets: Vec<usize>,
}

/// Memory that is used again for each plane.
#[derive(Default)]
pub(super) struct Scratch {
    planes: Vec<f32>,
    windows: Vec<f32>,
}

impl Sliding {
    /// # Errors
    /// When the padded plane is beyond all bounds.
    pub(super) fn new(window: &Window, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        let [kernel, stride, dilation, before] = plane::window(window);
        let (input, output) = (plane::extents(shape), plane::extents(output));
        let extents = [0, 1].map(|a| {
            let read = (kernel[a] - 1) * dilation[a] / stride[a] + output[a];
            read.max(before[a].saturating_add(input[a]).div_ceil(stride[a]))
        });
        let volume = [extents[0], extents[1], stride[0], stride[1]].into_iter().try_fold(1, usize::checked_mul);
        if volume.is_none_or(|n| n > LARGEST) {
            return Err(format!("its padding and stride make a plane of {} × {} too large", input[0], input[1]));
        }
        let mut offsets = Vec::with_capacity(kernel[0] * kernel[1]);
        for ky in 0..kernel[0] {
            for kx in 0..kernel[1] {
                let (y, x) = (ky * dilation[0], kx * dilation[1]);
                let phase = y % stride[0] * stride[1] + x % stride[1];
                offsets.push((phase * extents[0] + y / stride[0]) * extents[1] + x / stride[1]);
            }
        }
        let instructions = Instructions::available()[0];
        Ok(Self { instructions, input, output, stride, before, extents, offsets })
    }

    /// Number of windows.
    pub(super) fn windows(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Number of taps.
    pub(super) fn taps(&self) -> usize {
        self.offsets.len()
    }

    /// Calls `f(scratch, i, x, y)` for each plane `x` of the input and the planes `y` that come of it, `results` of them
    /// one after the other.
    pub(super) fn each_plane(
        &self,
        x: &[f32],
        y: &mut [f32],
        results: usize,
        threads: Threads,
        f: impl Fn(&mut Scratch, usize, &[f32], &mut [f32]) + Sync,
    ) {
        let (input, output) = (self.input[0] * self.input[1], results * self.windows());
        if threads == Threads::Pool {
            let planes = x.par_chunks_exact(input).zip(y.par_chunks_exact_mut(output)).enumerate();
            planes.for_each_init(Scratch::default, |scratch, (i, (x, y))| f(scratch, i, x, y));
            return;
        }
        let mut scratch = Scratch::default();
        for (i, (x, y)) in x.chunks_exact(input).zip(y.chunks_exact_mut(output)).enumerate() {
            f(&mut scratch, i, x, y);
        }
    }

    /// Lays out a plane, with `outside` around it. A scratch must always be used with the same value.
    pub(super) fn lay_out(&self, x: &[f32], outside: f32, scratch: &mut Scratch) {
        let [height, width] = self.extents;
        let [sy, sx] = self.stride;
        // Windows beyond the last, which fill up the last sixteen, read a little further.
        let len = sy * sx * height * width + LANES;
        if scratch.planes.len() != len {
            scratch.planes.clear();
            scratch.planes.resize(len, outside);
        }
        for (y, row) in (self.before[0]..).zip(x.chunks_exact(self.input[1])) {
            for phase in 0..sx.min(self.before[1] + self.input[1]) {
                // The first column of the padded plane that has this phase and is not padding.
                let column = (self.before[1].saturating_sub(phase)).div_ceil(sx);
                let from = column * sx + phase - self.before[1];
                let to = ((y % sy * sx + phase) * height + y / sy) * width + column;
                let read = row.get(from..).unwrap_or_default();
                let place = &mut scratch.planes[to..];
                match sx {
                    1 => place[..read.len()].copy_from_slice(read),
                    2 => place.iter_mut().zip(read.chunks(2)).for_each(|(y, x)| *y = x[0]),
                    n => place.iter_mut().zip(read.chunks(n)).for_each(|(y, x)| *y = x[0]),
                }
            }
        }
    }

    /// Folds the windows of the plane that was laid out last: each begins with `start` and goes on with
    /// `f(folded, read, tap)` for each of its taps.
    pub(super) fn fold(&self, scratch: &mut Scratch, y: &mut [f32], start: f32, f: impl Fn(f32, f32, usize) -> f32) {
        self.instructions.with(Fold { sliding: self, scratch, y, start, f });
    }
}

struct Fold<'a, F> {
    sliding: &'a Sliding,
    scratch: &'a mut Scratch,
    y: &'a mut [f32],
    start: f32,
    f: F,
}

impl<F: Fn(f32, f32, usize) -> f32> Loop for Fold<'_, F> {
    #[expect(clippy::inline_always, reason = "only what is inlined is compiled for the instructions around it")]
    #[inline(always)]
    fn run(self) {
        let [rows, columns] = self.sliding.output;
        let width = self.sliding.extents[1];
        let Scratch { planes, windows } = self.scratch;
        windows.resize(((rows - 1) * width + columns).next_multiple_of(LANES), 0.0);
        for (block, windows) in windows.chunks_exact_mut(LANES).enumerate() {
            let planes = &planes[block * LANES..];
            let mut folded = [self.start; LANES];
            for (tap, &offset) in self.sliding.offsets.iter().enumerate() {
                let read = &planes[offset..][..LANES];
                for (folded, &read) in folded.iter_mut().zip(read) {
                    *folded = (self.f)(*folded, read, tap);
                }
            }
            windows.copy_from_slice(&folded);
        }
        for (y, windows) in self.y.chunks_exact_mut(columns).zip(windows.chunks(width)) {
            y.copy_from_slice(&windows[..columns]);
        }
    }
}
