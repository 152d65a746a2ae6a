//! Synapses driven by events: convolutions and matrix products whose inputs are mostly zero.
//!
//! Values lie channels last, channels padded to whole vectors, so that one input event adds, for each kernel tap, a
//! contiguous vector of the weights to all result channels. Weights lie `[block of result channels][input channel][ky]
//! [kx][result channel]`. Every result adds its terms in the order of the input's positions and then channels, whether
//! events are visited one by one or, where they are many, by the dense product: a term of 0 adds nothing, so that both
//! give the same sums to the last bit.

mod list;
mod scatter;
#[cfg(test)]
mod tests;

use spikeconverter_graph::ops::{Conv, Linear};

pub(crate) use self::list::EventList;
use super::phase::plane;
use super::product::{Position, Product};
use super::tile::{Instructions, LANES, Offsets};

/// Weights of a block of result channels that stay in a core's own cache while steps pass (640 KiB).
const BLOCK_WEIGHTS: usize = 160 << 10;
/// Vectors of results that are held in registers.
const MOST_VECTORS: usize = 16;
/// Share of an input's elements that are events from which on the dense product is cheaper: an event costs a load and an
/// addition, a dense term a fused multiplication, at which machines are about as fast; what is left is the overhead of
/// lists.
const DENSE_SHARE: f64 = 0.6;

/// Where a run of taps adds its weights.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// First result, without the block of channels.
    result: u32,
    /// First weight within an input channel's.
    weight: u32,
    /// Neighbouring taps and results.
    taps: u32,
}

/// A convolution or matrix product on one step's values.
pub(crate) struct EventSynapses {
    instructions: Instructions,
    /// Input positions, and their values with padding.
    positions: usize,
    channels: usize,
    padded_in: usize,
    results: usize,
    padded_out: usize,
    /// Vectors of result channels in a block.
    vectors: usize,
    /// Weights of an input channel in a block.
    row: usize,
    /// By block.
    weights: Vec<Vec<f32>>,
    pieces: Vec<Piece>,
    /// Where each position's pieces begin, and the end.
    starts: Vec<u32>,
    dense: Dense,
}

/// The same sums without events.
struct Dense {
    product: Product,
    /// Rows, columns and values a position of the input with zeros around it.
    rows: usize,
    columns: usize,
    before: [usize; 2],
    input: [usize; 2],
    places: Vec<Position>,
}

/// What convolutions and matrix products have in common.
struct Spec<'a> {
    input: [usize; 2],
    output: [usize; 2],
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
    weight: &'a dyn Fn(usize, usize, [usize; 2]) -> f32,
    bias: &'a dyn Fn(usize) -> f32,
}

impl EventSynapses {
    /// A convolution without groups. `amplitude` multiplies the weights of each input channel.
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn conv(
        op: &Conv,
        shape: &[usize],
        output: &[usize],
        amplitude: impl Fn(usize) -> f32,
    ) -> Result<Self, String> {
        let [kernel, stride, dilation, pad] = plane::window(&op.window);
        let (weights, channels) = (op.weight.data(), shape[0]);
        Self::new(&Spec {
            input: plane::extents(shape),
            output: plane::extents(output),
            channels: [channels, output[0]],
            kernel,
            stride,
            dilation,
            pad,
            weight: &|o, c, [ky, kx]| weights[((o * channels + c) * kernel[0] + ky) * kernel[1] + kx] * amplitude(c),
            bias: &|o| op.bias.as_ref().map_or(0.0, |bias| bias.data()[o]),
        })
    }

    /// A matrix product with a vector.
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn linear(op: &Linear, amplitude: impl Fn(usize) -> f32) -> Result<Self, String> {
        let (inputs, weights) = (op.inputs(), op.weight.data());
        Self::new(&Spec {
            input: [1, 1],
            output: [1, 1],
            channels: [inputs, op.outputs()],
            kernel: [1, 1],
            stride: [1, 1],
            dilation: [1, 1],
            pad: [0, 0],
            weight: &|o, c, _| weights[o * inputs + c] * amplitude(c),
            bias: &|o| op.bias.as_ref().map_or(0.0, |bias| bias.data()[o]),
        })
    }

    fn new(spec: &Spec<'_>) -> Result<Self, String> {
        let [channels, results] = spec.channels;
        let [height, width] = spec.kernel;
        let padded_out = results.next_multiple_of(LANES);
        let too_large = || "it is too large".to_owned();
        let fits = |n: Option<usize>| n.filter(|&n| u32::try_from(n).is_ok()).ok_or_else(too_large);
        let padded_in = channels.next_multiple_of(LANES);
        fits(padded_out.checked_mul(spec.output[0] * spec.output[1]))?;
        let taps = fits(height.checked_mul(width).and_then(|n| n.checked_mul(channels)))?;
        fits(taps.checked_mul(padded_out))?;
        let vectors = vectors(padded_out / LANES, taps, width.min(3));
        let row = height * width * vectors * LANES;
        let weights = (0..padded_out / LANES / vectors).map(|block| {
            let mut weights = Vec::with_capacity(channels * row);
            for c in 0..channels {
                for tap in 0..height * width {
                    // columns from the last to the first, so that results follow one another
                    let tap = [tap / width, width - 1 - tap % width];
                    let channel = (0..vectors * LANES).map(|lane| block * vectors * LANES + lane);
                    weights.extend(channel.map(|o| if o < results { (spec.weight)(o, c, tap) } else { 0.0 }));
                }
            }
            weights
        });
        let weights: Vec<Vec<f32>> = weights.collect();
        if weights.iter().flatten().any(|w| !w.is_finite()) {
            return Err("a weight times its input's threshold is too large a number".into());
        }
        let (pieces, starts) = pieces(spec, padded_out, vectors);
        Ok(Self {
            instructions: Instructions::available()[0],
            positions: spec.input[0] * spec.input[1],
            channels,
            padded_in,
            results: spec.output[0] * spec.output[1] * padded_out,
            padded_out,
            vectors,
            row,
            weights,
            pieces,
            starts,
            dense: Dense::new(spec, padded_in, padded_out).ok_or_else(too_large)?,
        })
    }

    /// Adds the synapses' currents of some steps to `output`, which holds the biases: `inputs` has the events of each
    /// step, `scratch` is for the dense product.
    pub(crate) fn add(&self, inputs: &[EventList], output: &mut [f32], scratch: &mut Vec<f32>) {
        for (block, weights) in self.weights.iter().enumerate() {
            for (events, output) in inputs.iter().zip(output.chunks_exact_mut(self.results)) {
                if !self.is_dense(events) {
                    self.scatter(block, weights, events, output);
                }
            }
        }
        for (events, output) in inputs.iter().zip(output.chunks_exact_mut(self.results)) {
            if self.is_dense(events) {
                self.product(events, output, scratch);
            }
        }
    }

    /// Whether the dense product is the cheaper.
    fn is_dense(&self, events: &EventList) -> bool {
        events.len() as f64 > DENSE_SHARE * (self.positions * self.channels) as f64
    }

    /// Input positions, and the channels of each, padding included.
    pub(crate) fn input(&self) -> (usize, usize) {
        (self.positions, self.padded_in)
    }
}

/// Vectors of result channels in a block: a divisor of all `of`, such that the block's weights stay in cache and the
/// results of `width` neighbouring taps in registers.
fn vectors(of: usize, taps: usize, width: usize) -> usize {
    let most = (BLOCK_WEIGHTS / (taps * LANES)).clamp(1, MOST_VECTORS / width);
    (1..=most).rev().find(|n| of.is_multiple_of(*n)).unwrap_or(1)
}

/// For each result coordinate on an axis that input coordinate `at` adds to: the result and the tap, both ascending in
/// the result.
fn reached(spec: &Spec<'_>, axis: usize, at: usize) -> Vec<(usize, usize)> {
    let mut taps: Vec<(usize, usize)> = (0..spec.kernel[axis])
        .filter_map(|tap| {
            let offset = (at + spec.pad[axis]).checked_sub(tap * spec.dilation[axis])?;
            let result = offset / spec.stride[axis];
            (offset.is_multiple_of(spec.stride[axis]) && result < spec.output[axis]).then_some((result, tap))
        })
        .collect();
    taps.sort_unstable();
    taps
}

fn pieces(spec: &Spec<'_>, padded_out: usize, vectors: usize) -> (Vec<Piece>, Vec<u32>) {
    let width = spec.kernel[1];
    let most = MOST_VECTORS / vectors;
    let columns: Vec<Vec<(usize, usize)>> = (0..spec.input[1]).map(|x| reached(spec, 1, x)).collect();
    let (mut pieces, mut starts) = (Vec::<Piece>::new(), vec![0]);
    for y in 0..spec.input[0] {
        let rows = reached(spec, 0, y);
        for columns in &columns {
            for &(row, ky) in &rows {
                let mut last: Option<(usize, usize)> = None;
                for &(column, kx) in columns {
                    let (at, tap) = (row * spec.output[1] + column, ky * width + width - 1 - kx);
                    let follows = last == Some((at.wrapping_sub(1), tap.wrapping_sub(1)));
                    last = Some((at, tap));
                    match pieces.last_mut() {
                        Some(piece) if follows && (piece.taps as usize) < most => piece.taps += 1,
                        _ => pieces.push(Piece {
                            result: (at * padded_out) as u32,
                            weight: (tap * vectors * LANES) as u32,
                            taps: 1,
                        }),
                    }
                }
            }
            starts.push(pieces.len() as u32);
        }
    }
    (pieces, starts)
}

impl Dense {
    fn new(spec: &Spec<'_>, padded_in: usize, padded_out: usize) -> Option<Self> {
        let reach = |a: usize| (spec.output[a] - 1) * spec.stride[a] + (spec.kernel[a] - 1) * spec.dilation[a] + 1;
        let extent = |a: usize| reach(a).max(spec.input[a] + spec.pad[a]);
        let (rows, columns) = (extent(0), extent(1));
        rows.checked_mul(columns)?.checked_mul(padded_in).filter(|&n| u32::try_from(n).is_ok())?;
        let [channels, results] = spec.channels;
        let tap = |k: usize| [k / channels / spec.kernel[1], k / channels % spec.kernel[1]];
        let terms = 0..spec.kernel[0] * spec.kernel[1] * channels;
        let offsets = Offsets::new(terms.map(|k| {
            let [ky, kx] = tap(k);
            (ky * spec.dilation[0] * columns + kx * spec.dilation[1]) * padded_in + k % channels
        }))?;
        let weight = |o: usize, k: usize| (spec.weight)(o, k % channels, tap(k));
        let product = Product::new(results, offsets, weight, spec.bias);
        let places =
            (0..spec.output[0]).flat_map(|y| (0..spec.output[1]).map(move |x| (y, x))).map(|(y, x)| Position {
                read: (y * spec.stride[0] * columns + x * spec.stride[1]) * padded_in,
                write: (y * spec.output[1] + x) * padded_out,
            });
        Some(Self { product, rows, columns, before: spec.pad, input: spec.input, places: places.collect() })
    }
}

impl EventSynapses {
    /// The dense product, which begins with the biases that `output` holds already.
    fn product(&self, events: &EventList, output: &mut [f32], scratch: &mut Vec<f32>) {
        let dense = &self.dense;
        scratch.clear();
        scratch.resize(dense.rows * dense.columns * self.padded_in, 0.0);
        for y in 0..dense.input[0] {
            for x in 0..dense.input[1] {
                let at = ((y + dense.before[0]) * dense.columns + x + dense.before[1]) * self.padded_in;
                events.for_each_at(y * dense.input[1] + x, |channel, value| scratch[at + channel] = value);
            }
        }
        dense.product.run(0..dense.product.panels(), scratch, &dense.places, output, 1);
    }
}
