//! Maximum over windows of codes. It is the maximum of the neurons' membranes, since codes keep their order.
#![allow(clippy::needless_range_loop)] // loops over lanes; what iterators call is not always compiled for the same vectors

use spikeconverter_graph::ops::MaxPool;

use super::layout::{LANES, Layout, Planes};
use super::rule::store;
use crate::kernels::phase::plane;
use crate::kernels::vectors::vectorised;

/// A maximum over windows.
#[derive(Debug, Clone)]
pub(super) struct Maximum {
    input: Layout,
    output: Layout,
    planes: Planes,
    /// For each row of the result the first row and the number of rows that its windows read (without padding), and
    /// likewise for each column; and the distance between them.
    windows: [Vec<(usize, usize)>; 2],
    dilation: [usize; 2],
}

impl Maximum {
    /// `None` where a window holds nothing but padding.
    pub(super) fn new(pool: &MaxPool, input: &Layout, output: &Layout, planes: Planes) -> Option<Self> {
        let [kernel, stride, dilation, before] = plane::window(&pool.window);
        let windows = [0, 1].map(|a| {
            let window = |position: usize| {
                let taps =
                    (0..kernel[a]).filter_map(|tap| (position * stride[a] + tap * dilation[a]).checked_sub(before[a]));
                let inside: Vec<usize> = taps.filter(|&at| at < input.extents[a]).collect();
                (inside.first().copied().unwrap_or(0), inside.len())
            };
            (0..output.extents[a]).map(window).collect::<Vec<_>>()
        });
        let whole = windows.iter().flatten().all(|(_, count)| *count > 0);
        whole.then(|| Self { input: input.clone(), output: output.clone(), planes, windows, dilation })
    }

    /// Codes of whole samples in and out, the halo with them.
    pub(super) fn run(&self, x: &[u8], y: &mut [u8]) {
        if self.planes.bytes > 1 {
            let samples = x.chunks_exact(self.planes.count() * self.input.bytes());
            samples
                .zip(y.chunks_exact_mut(self.planes.count() * self.output.bytes()))
                .for_each(|(x, y)| self.wide(x, y));
            return;
        }
        let planes_in = x.chunks_exact(self.input.bytes());
        for (i, (x, y)) in planes_in.zip(y.chunks_exact_mut(self.output.bytes())).enumerate() {
            self.output.clear_halo(y);
            // of negative magnitudes the smallest stands for the largest code
            if i % self.planes.count() == 0 {
                self.plane(x, y, 0, u8::max);
            } else {
                self.plane(x, y, u8::MAX, u8::min);
            }
        }
    }

    /// Codes of several bytes, all planes of a sample.
    fn wide(&self, x: &[u8], y: &mut [u8]) {
        y.chunks_exact_mut(self.output.bytes()).for_each(|plane| self.output.clear_halo(plane));
        vectorised(
            #[inline(always)]
            || {
                for (row, &(top, height)) in self.windows[0].iter().enumerate() {
                    for (column, &(left, width)) in self.windows[1].iter().enumerate() {
                        for vector in (0..self.output.stored).step_by(LANES) {
                            let mut best = [i32::MIN; LANES];
                            for i in 0..height {
                                for j in 0..width {
                                    let from = self.input.at(top + i * self.dilation[0], left + j * self.dilation[1]);
                                    let mut codes = [0; LANES];
                                    for plane in 0..self.planes.count() {
                                        let weight = self.planes.weight(plane) as i32;
                                        let bytes = &x[plane * self.input.bytes() + from + vector..][..LANES];
                                        for lane in 0..LANES {
                                            codes[lane] += weight * i32::from(bytes[lane]);
                                        }
                                    }
                                    for lane in 0..LANES {
                                        best[lane] = best[lane].max(codes[lane]);
                                    }
                                }
                            }
                            store(&best, self.output.at(row, column) + vector, &self.output, self.planes, y);
                        }
                    }
                }
            },
        );
    }

    fn plane(&self, x: &[u8], y: &mut [u8], start: u8, f: impl Fn(u8, u8) -> u8 + Copy) {
        vectorised(
            #[inline(always)]
            || {
                for (row, &(top, height)) in self.windows[0].iter().enumerate() {
                    for (column, &(left, width)) in self.windows[1].iter().enumerate() {
                        let to = self.output.at(row, column);
                        for vector in (0..self.output.stored).step_by(LANES) {
                            let mut best = [start; LANES];
                            for i in 0..height {
                                for j in 0..width {
                                    let from = self.input.at(top + i * self.dilation[0], left + j * self.dilation[1]);
                                    let codes = &x[from + vector..][..LANES];
                                    best.iter_mut().zip(codes).for_each(|(best, &code)| *best = f(*best, code));
                                }
                            }
                            y[to + vector..][..LANES].copy_from_slice(&best);
                        }
                    }
                }
            },
        );
    }
}
