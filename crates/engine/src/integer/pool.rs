//! Maximum over windows of codes. It is the maximum of the neurons' membranes, since codes keep their order.

use spikeconverter_graph::ops::MaxPool;

use super::layout::{LANES, Layout, Planes};
use crate::kernels::phase::plane;
use crate::kernels::vectors::vectorised;

/// A maximum over windows.
#[derive(Debug, Clone)]
pub(super) struct Maximum {
    input: Layout,
    output: Layout,
    signed: bool,
    /// For each row of the result the first row and the number of rows that its windows read (without padding), and
    /// likewise for each column; and the distance between them.
    windows: [Vec<(usize, usize)>; 2],
    dilation: [usize; 2],
}

impl Maximum {
    /// `None` where a window holds nothing but padding, or codes have several bytes.
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
        (whole && planes.bytes == 1).then(|| Self {
            input: input.clone(),
            output: output.clone(),
            signed: planes.signed,
            windows,
            dilation,
        })
    }

    /// Codes of whole samples in and out, the halo with them.
    pub(super) fn run(&self, x: &[u8], y: &mut [u8]) {
        let planes = if self.signed { 2 } else { 1 };
        let planes_in = x.chunks_exact(self.input.bytes());
        for (i, (x, y)) in planes_in.zip(y.chunks_exact_mut(self.output.bytes())).enumerate() {
            self.output.clear_halo(y);
            // of negative magnitudes the smallest stands for the largest code
            if i % planes == 0 {
                self.plane(x, y, 0, u8::max);
            } else {
                self.plane(x, y, u8::MAX, u8::min);
            }
        }
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
