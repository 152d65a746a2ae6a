//! The other way round, where a result has few events: each event adds its weights to all results that it reaches.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on memory whose size is checked once a step.

use super::super::tile::LANES;
use super::{EventList, Spec, Vector};

/// Vectors of weights that an event adds, by event and position, up to which this is cheaper than visiting results.
const MOST_ADDITIONS: f64 = 8.0;

/// A convolution without strides, of few channels.
pub(super) struct Scatter {
    positions: usize,
    channels: usize,
    /// Rows of taps, and vectors that a row of taps adds: those of neighbouring results.
    taps: usize,
    vectors: usize,
    /// `[input channel][row of taps][tap][result channel]`, taps from the last to the first, as results follow.
    weights: Vec<Vector>,
    /// For each input position, the first result that it reaches, among results with a margin around them.
    first: Vec<u32>,
    /// Vectors in a row of results with margin, and how many rows there are.
    row: usize,
    rows: usize,
    /// Where the results lie: the first row, the first vector in it, rows, and vectors in each.
    inside: [usize; 4],
}

impl Scatter {
    /// `None` where it does not serve: the machine lacks AVX-512F, the convolution has strides or many channels.
    pub(super) fn new(spec: &Spec<'_>, padded_out: usize) -> Option<Self> {
        let ([height, width], [channels, results]) = (spec.kernel, spec.channels);
        let vectors = padded_out / LANES;
        let simple = spec.stride == [1, 1] && spec.dilation == [1, 1] && width == 3 && vectors <= 2;
        let margin = [0, 1].map(|a| (spec.kernel[a] - 1).checked_sub(spec.pad[a]));
        let ([Some(above), Some(before)], true, true) = (margin, simple, supported()) else { return None };
        let extents = [0, 1].map(|a| spec.input[a] + spec.kernel[a] - 1);
        if spec.output[0] + above > extents[0] || spec.output[1] + before > extents[1] {
            return None;
        }
        let row = extents[1] * vectors;
        let mut weights = Vec::with_capacity(channels * height * width * vectors);
        for c in 0..channels {
            for tap in (0..height * width).rev() {
                weights.extend((0..vectors).map(|vector| {
                    Vector(std::array::from_fn(|lane| {
                        let o = vector * LANES + lane;
                        if o < results { (spec.weight)(o, c, [tap / width, tap % width]) } else { 0.0 }
                    }))
                }));
            }
        }
        let first = (0..spec.input[0]).flat_map(|y| (0..spec.input[1]).map(move |x| (y * row + x * vectors) as u32));
        Some(Self {
            positions: spec.input[0] * spec.input[1],
            channels,
            taps: height,
            vectors: width * vectors,
            weights,
            first: first.collect(),
            row,
            rows: extents[0],
            inside: [above, before * vectors, spec.output[0], spec.output[1] * vectors],
        })
    }

    /// Whether it is the cheaper for these events.
    pub(super) fn serves(&self, events: &EventList) -> bool {
        let additions = events.len() * self.vectors / 3;
        events.parts().1.is_empty() && (additions as f64) < MOST_ADDITIONS * self.positions as f64
    }

    /// Adds the currents of a step to `output`.
    pub(super) fn add(&self, events: &EventList, output: &mut [f32], margin: &mut Vec<Vector>) {
        let [above, before, rows, vectors] = self.inside;
        margin.clear();
        margin.resize(self.rows * self.row, Vector([0.0; LANES]));
        let places = || (0..rows).map(|y| (above + y) * self.row + before);
        let (results, _) = output.as_chunks_mut::<LANES>();
        for (place, results) in places().zip(results.chunks_exact(vectors)) {
            for (sum, result) in margin[place..][..vectors].iter_mut().zip(results) {
                sum.0 = *result;
            }
        }
        assert!(events.channels() == self.channels && self.first.len() == self.positions, "events of the input");
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the machine has AVX-512F, or `new` would have made nothing. A list of events of as many channels and
        // positions holds none beyond them, so that each has its weights; the last position's last row of taps ends with
        // the margin.
        unsafe {
            match self.vectors {
                3 => self.avx512::<3>(events, margin),
                _ => self.avx512::<6>(events, margin),
            }
        }
        for (place, results) in places().zip(results.chunks_exact_mut(vectors)) {
            for (sum, result) in margin[place..][..vectors].iter().zip(results) {
                *result = sum.0;
            }
        }
    }

    /// # Safety
    /// The machine has AVX-512F; events are of this input; `margin` holds the results with their margin; `N` is `vectors`.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f")]
    unsafe fn avx512<const N: usize>(&self, events: &EventList, margin: &mut [Vector]) {
        use std::arch::x86_64::{_mm512_add_ps, _mm512_load_ps, _mm512_store_ps};
        let (elements, _, _) = events.parts();
        let (scale, channels) = (events.scale(), self.channels as u32);
        let mut i = 0;
        while i < events.len() {
            // SAFETY: this function's contract.
            unsafe {
                let element = elements.get_unchecked(i) / scale;
                let (position, channel) = (element / channels, element % channels);
                let mut sums = margin.as_mut_ptr().add(*self.first.get_unchecked(position as usize) as usize);
                let mut weights = self.weights.as_ptr().add(channel as usize * self.taps * N);
                let mut tap = 0;
                while tap < self.taps {
                    let mut n = 0;
                    while n < N {
                        let sum = sums.add(n).cast();
                        _mm512_store_ps(sum, _mm512_add_ps(_mm512_load_ps(sum), _mm512_load_ps(weights.add(n).cast())));
                        n += 1;
                    }
                    sums = sums.add(self.row);
                    weights = weights.add(N);
                    tap += 1;
                }
            }
            i += 1;
        }
    }
}

/// Whether the machine has the instructions.
fn supported() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
