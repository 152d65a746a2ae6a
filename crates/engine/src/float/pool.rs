//! Maxima and means over windows, and what becomes of them.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.

use spikeconverter_graph::ops::{AvgPool, Window};

use super::finish::Finish;
use super::packed::Packed;
#[cfg(target_arch = "x86_64")]
use super::simd::{Avx2, Avx512};
use super::simd::{Portable, Simd};
use crate::channels_last::Layout;
use crate::kernels::phase::plane;
use crate::kernels::tile::Instructions;

/// Pooling.
#[derive(Debug)]
pub(super) struct Pool {
    input: Layout,
    output: Layout,
    /// For each row of the result the first row and the number of rows that its windows read (without padding), and
    /// likewise for each column; and the distance between them.
    windows: [Vec<(usize, usize)>; 2],
    dilation: [usize; 2],
    /// A divisor a window; none for a maximum.
    divisors: Option<Vec<f32>>,
    /// Added to the result, one a channel.
    bias: Packed,
    finish: Finish,
}

impl Pool {
    /// The maximum over windows.
    pub(super) fn maximum(window: &Window, input: &Layout, output: &Layout, bias: &[f32], finish: Finish) -> Self {
        Self::new(window, input, output, bias, finish, None)
    }

    /// The mean over windows of an input of this shape.
    pub(super) fn mean(op: &AvgPool, shape: &[usize], input: &Layout, output: &Layout) -> Self {
        let columns = output.extents[1];
        let divisor = |window: usize| match op.window.rank() {
            1 => op.divisor(&[window], &shape[1..]),
            _ => op.divisor(&[window / columns, window % columns], &shape[1..]),
        };
        let divisors = (0..output.positions()).map(divisor).collect();
        Self::new(&op.window, input, output, &[], Finish::Identity, Some(divisors))
    }

    /// The mean over all positions.
    pub(super) fn whole_mean(input: &Layout, output: &Layout) -> Self {
        let window = Window::new(input.extents.to_vec());
        Self::new(&window, input, output, &[], Finish::Identity, Some(vec![input.positions() as f32]))
    }

    fn new(
        window: &Window,
        input: &Layout,
        output: &Layout,
        bias: &[f32],
        finish: Finish,
        divisors: Option<Vec<f32>>,
    ) -> Self {
        let [kernel, stride, dilation, before] = plane::window(window);
        let windows = [0, 1].map(|a| {
            let window = |position: usize| {
                let taps = (0..kernel[a]).map(|tap| position * stride[a] + tap * dilation[a]);
                let mut inside = taps.filter_map(|at| at.checked_sub(before[a])).filter(|&at| at < input.extents[a]);
                let first = inside.next();
                (first.unwrap_or(0), first.map_or(0, |_| 1 + inside.count()))
            };
            (0..output.extents[a]).map(window).collect::<Vec<_>>()
        });
        let reach = [0, 1].map(|a| {
            let last = |&(first, count): &(usize, usize)| first + count.max(1).saturating_sub(1) * dilation[a];
            windows[a].iter().map(last).max().unwrap_or(0)
        });
        assert!(reach[0] < input.extents[0] && reach[1] < input.extents[1], "windows lie within the input");
        assert!(input.stored == output.stored && finish.channels().is_none_or(|n| n >= output.stored));
        let bias = Packed::copy(bias, output.stored);
        Self { input: input.clone(), output: output.clone(), windows, dilation, divisors, bias, finish }
    }

    /// Whole samples in and out, with the halo.
    ///
    /// # Panics
    /// When the slices do not hold as many samples as each other.
    pub(super) fn run(&self, instructions: Instructions, x: &[f32], y: &mut [f32]) {
        let samples = x.len() / self.input.volume();
        assert!(y.len() == samples * self.output.volume(), "as many samples out as in");
        for (x, y) in x.chunks_exact(self.input.volume()).zip(y.chunks_exact_mut(self.output.volume())) {
            self.output.clear_halo(y);
            // SAFETY (all): vectors of these instructions are only used where the machine has them: the variants are
            // only made where they were detected. Windows lie within the input (`new` has checked), whose samples are whole.
            match instructions {
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx512 => unsafe { avx512(self, x, y) },
                #[cfg(target_arch = "x86_64")]
                Instructions::Avx2 => unsafe { avx2(self, x, y) },
                Instructions::Portable => unsafe { sample(Portable, self, x, y) },
            }
        }
    }
}

/// # Safety
/// The machine has AVX-512F; `x` and `y` are one sample each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(pool: &Pool, x: &[f32], y: &mut [f32]) {
    // SAFETY: as the caller promises.
    unsafe { sample(Avx512::token(), pool, x, y) }
}

/// # Safety
/// The machine has AVX2 and FMA; `x` and `y` are one sample each.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(pool: &Pool, x: &[f32], y: &mut [f32]) {
    // SAFETY: as the caller promises.
    unsafe { sample(Avx2::token(), pool, x, y) }
}

/// # Safety
/// `x` and `y` are one sample each.
#[expect(clippy::inline_always, reason = "only what is inlined is compiled for the instructions around it")]
#[inline(always)]
unsafe fn sample<S: Simd>(simd: S, pool: &Pool, x: &[f32], y: &mut [f32]) {
    let Pool { input, output, dilation, .. } = pool;
    let mean = pool.divisors.is_some();
    for (row, &(top, height)) in pool.windows[0].iter().enumerate() {
        for (column, &(left, width)) in pool.windows[1].iter().enumerate() {
            let to = output.at(row, column);
            let divisor = pool.divisors.as_ref().map_or(1.0, |divisors| divisors[row * output.extents[1] + column]);
            for channel in (0..output.stored).step_by(S::LANES) {
                let mut folded = simd.splat(if mean { 0.0 } else { f32::NEG_INFINITY });
                // SAFETY: the position lies within the sample, and so do its channels.
                unsafe {
                    for i in 0..height {
                        for j in 0..width {
                            let from = input.at(top + i * dilation[0], left + j * dilation[1]) + channel;
                            let read = simd.load(x.as_ptr().add(from));
                            folded = if mean {
                                simd.add(folded, read)
                            } else {
                                // what is no number stays
                                simd.where_nan(folded, simd.max(folded, read))
                            };
                        }
                    }
                    if mean {
                        folded = simd.div(folded, simd.splat(divisor));
                    }
                    let mut sum = [simd.add(folded, simd.load(pool.bias.as_ptr().add(channel)))];
                    pool.finish.apply(simd, channel, &mut sum);
                    simd.store(y.as_mut_ptr().add(to + channel), sum[0]);
                }
            }
        }
    }
}
