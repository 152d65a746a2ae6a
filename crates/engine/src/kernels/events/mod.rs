//! Synapses driven by events: convolutions and matrix products whose inputs are mostly zero.
//!
//! Values lie channels last, channels padded to whole vectors, so that an event adds to a result a contiguous vector of
//! weights for many result channels. Weights lie `[block of result channels][ky][kx][input channel][result channel]`: the
//! events that a result reads through neighbouring taps of a row are neighbours in the list of events, and their weights
//! are found by adding a number to theirs. Taps and blocks are chosen so small that their weights stay in a core's caches
//! while positions and steps pass. Every result adds its terms in the order of the input's positions and then channels,
//! whether events are visited one by one or, where they are many, by the dense product: a term of 0 adds nothing, so that
//! both give the same sums to the last bit.

mod gather;
mod list;
mod scatter;
mod table;
#[cfg(test)]
mod tests;
mod tiling;

use std::ops::Range;

use spikeconverter_graph::ops::{Conv, Linear};

use self::gather::{Places, Visit};
pub(crate) use self::list::EventList;
use self::scatter::Scatter;
use self::table::Tables;
pub(crate) use self::table::Words;
use self::tiling::{Column, MOST_RUNS, Run, Tiling, tiles};
use super::phase::plane;
use super::product::{Position, Product};
use super::tile::{Instructions, LANES, Offsets};

/// Share of an input's elements that are events from which on the dense product is cheaper: an event costs a load and an
/// addition, a dense term a fused multiplication, at which machines are about as fast; what is left is the overhead of
/// lists.
const DENSE_SHARE: f64 = 0.6;

/// Weights of neighbouring result channels; aligned, since a vector that straddles two lines of a cache takes two loads.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Vector([f32; LANES]);

/// Bytes of a vector.
const VECTOR: u32 = size_of::<Vector>() as u32;

/// Bytes of the weights of a tap and input channel in a block, by which the elements of lists are multiplied beforehand.
fn scale(vectors: usize) -> u32 {
    vectors as u32 * VECTOR
}

/// A convolution or matrix product on one step's values.
pub(crate) struct EventSynapses {
    instructions: Instructions,
    /// Input positions.
    positions: usize,
    channels: usize,
    input: [usize; 2],
    output: [usize; 2],
    stride: [usize; 2],
    pad: [usize; 2],
    /// Results of a step, and of a position, padding included.
    results: usize,
    padded_out: usize,
    /// Vectors of result channels in a block.
    vectors: usize,
    /// Rows of weights in a block: one a tap and input channel.
    depth: usize,
    /// By block.
    weights: Vec<Vec<Vector>>,
    /// Taps that are visited together, in order.
    tiles: Vec<Vec<Run>>,
    /// For each first tap and number of taps, by column of results.
    columns: Vec<Vec<Column>>,
    /// Groups that input channels are divided into, where a tap's weights alone are too many.
    groups: usize,
    scatter: Option<Scatter>,
    /// Where channels are so few that spikes are not even listed.
    tables: Option<Tables>,
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
    /// Whether inputs are values, of which more are not 0 than neurons spike: most weights of a tile are used at every
    /// position.
    graded: bool,
    weight: &'a dyn Fn(usize, usize, [usize; 2]) -> f32,
    bias: &'a dyn Fn(usize) -> f32,
}

impl EventSynapses {
    /// A convolution without groups. `amplitude` multiplies the weights of each input channel; `graded`: its inputs are
    /// values, not spikes.
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn conv(
        op: &Conv,
        shape: &[usize],
        output: &[usize],
        amplitude: impl Fn(usize) -> f32,
        graded: bool,
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
            graded,
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
            graded: false,
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
        let Tiling { vectors, tiles, columns, groups } = tiles(spec, padded_out / LANES);
        // places of weights are signed numbers of bytes
        let elements = channels.checked_mul(spec.input[0] * spec.input[1]).map(|n| n.max(taps));
        let bytes = elements.and_then(|n| n.checked_mul(scale(vectors) as usize));
        bytes.filter(|&n| i32::try_from(n).is_ok()).ok_or_else(too_large)?;
        let weights = (0..padded_out / LANES / vectors).map(|block| {
            let first = block * vectors * LANES;
            let mut weights = Vec::with_capacity(taps * vectors);
            for tap in 0..height * width {
                for c in 0..channels {
                    let weight = |o: usize| (spec.weight)(o, c, [tap / width, tap % width]);
                    weights.extend((0..vectors).map(|vector| {
                        let first = first + vector * LANES;
                        Vector(std::array::from_fn(
                            |lane| if first + lane < results { weight(first + lane) } else { 0.0 },
                        ))
                    }));
                }
            }
            weights
        });
        let weights: Vec<Vec<Vector>> = weights.collect();
        if weights.iter().flatten().flat_map(|vector| vector.0).any(|w| !w.is_finite()) {
            return Err("a weight times its input's threshold is too large a number".into());
        }
        Ok(Self {
            instructions: Instructions::available()[0],
            positions: spec.input[0] * spec.input[1],
            channels,
            input: spec.input,
            output: spec.output,
            stride: spec.stride,
            pad: spec.pad,
            results: spec.output[0] * spec.output[1] * padded_out,
            padded_out,
            vectors,
            depth: taps,
            weights,
            tiles,
            columns,
            groups,
            scatter: Scatter::new(spec, padded_out),
            tables: Tables::new(spec, padded_out, vectors),
            dense: Dense::new(spec, padded_in, padded_out).ok_or_else(too_large)?,
        })
    }

    /// Whether spikes are taken as they are, by [`Self::add_words`], and not listed.
    pub(crate) fn takes_words(&self) -> bool {
        self.tables.is_some()
    }

    /// Adds the currents of some steps' spikes to `output`, which holds the biases, as [`Self::add`] does.
    pub(crate) fn add_words(&self, words: Words<'_>, output: &mut [f32]) {
        let places = Places { position: self.padded_out, step: self.results };
        for block in 0..self.weights.len() {
            if let Some(tables) = &self.tables {
                let positions = 0..self.output[0] * self.output[1];
                tables.add(block, positions, words, &mut output[block * self.width()..], places);
            }
        }
    }

    /// The same for a block of channels at some positions, as [`Self::add_to`] does.
    pub(crate) fn add_words_to(&self, block: usize, positions: Range<usize>, words: Words<'_>, output: &mut [f32]) {
        let places = Places { position: words.steps * self.width(), step: self.width() };
        if let Some(tables) = &self.tables {
            tables.add(block, positions, words, output, places);
        }
    }

    /// Lists a step's spikes: a bit for each input channel of a position and its padding.
    pub(crate) fn list_spikes(&self, words: &[u16], events: &mut EventList) {
        events.take_spikes(self.instructions, words, self.channels, self.groups, scale(self.vectors));
    }

    /// Lists a step's values that are not 0, input channels with their padding.
    pub(crate) fn list_values(&self, values: &[f32], events: &mut EventList) {
        events.take_values(self.instructions, values, self.channels, self.groups, scale(self.vectors));
    }

    /// Adds the synapses' currents of some steps to `output`, which holds the biases: `inputs` has the events of each
    /// step, `scratch` is for the dense product.
    pub(crate) fn add(&self, inputs: &[EventList], output: &mut [f32], scratch: &mut Scratch) {
        let mut steps = std::mem::take(&mut scratch.steps);
        steps.clear();
        steps.extend((0..inputs.len()).filter(|&s| !self.is_dense(&inputs[s]) && self.scattered(&inputs[s]).is_none()));
        let positions = self.output[0] * self.output[1];
        let places = Places { position: self.padded_out, step: self.results };
        for block in 0..self.weights.len() {
            let output = &mut output[block * self.width()..];
            self.visit(block, 0..positions, inputs, &steps, output, places, &mut scratch.rows);
        }
        scratch.steps = steps;
        for (events, output) in inputs.iter().zip(output.chunks_exact_mut(self.results)) {
            if self.is_dense(events) {
                self.product(events, output, &mut scratch.dense);
            } else if let Some(scatter) = self.scattered(events) {
                scatter.add(events, output, &mut scratch.margin);
            }
        }
    }

    /// Number of blocks of result channels.
    pub(crate) fn blocks(&self) -> usize {
        self.weights.len()
    }

    /// Channels of a block, padding included.
    pub(crate) fn width(&self) -> usize {
        self.vectors * LANES
    }

    /// Bytes of the weights of a block.
    pub(crate) fn bytes_of_block(&self) -> usize {
        self.depth * self.vectors * size_of::<Vector>()
    }

    /// Whether all of these events are best visited one by one, so that [`Self::add_to`] serves.
    pub(crate) fn are_few(&self, inputs: &[EventList]) -> bool {
        inputs.iter().all(|events| !self.is_dense(events) && self.scattered(events).is_none())
    }

    /// Adds the currents of a block of channels at some positions to `output`, which has a row of [`Self::width`] for each
    /// position and, within it, each step. The sums are those of [`Self::add`].
    pub(crate) fn add_to(
        &self,
        block: usize,
        positions: Range<usize>,
        inputs: &[EventList],
        output: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let places = Places { position: inputs.len() * self.width(), step: self.width() };
        let mut steps = std::mem::take(&mut scratch.steps);
        steps.clear();
        steps.extend(0..inputs.len());
        self.visit(block, positions, inputs, &steps, output, places, &mut scratch.rows);
        scratch.steps = steps;
    }

    /// Events through the tiles of a block.
    #[allow(clippy::too_many_arguments)] // what a visit is made of
    fn visit(
        &self,
        block: usize,
        positions: Range<usize>,
        events: &[EventList],
        steps: &[usize],
        output: &mut [f32],
        places: Places,
        rows: &mut Vec<u32>,
    ) {
        // values would have to be brought together as well
        let graded = steps.iter().any(|&step| !events[step].parts().1.is_empty());
        for tile in &self.tiles {
            for runs in tile.chunks(if graded { 1 } else { tile.len() }) {
                let (positions, output) = (positions.clone(), &mut *output);
                self.gather(Visit { block, runs, positions, events, steps, output, places, rows });
            }
        }
    }

    /// The way that starts from events, where it is the cheaper.
    fn scattered(&self, events: &EventList) -> Option<&Scatter> {
        self.scatter.as_ref().filter(|scatter| scatter.serves(events))
    }

    /// Whether the dense product is the cheaper.
    fn is_dense(&self, events: &EventList) -> bool {
        events.len() as f64 > DENSE_SHARE * (self.positions * self.channels) as f64
    }
}

/// Memory to be used again.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    dense: Vec<f32>,
    steps: Vec<usize>,
    rows: Vec<u32>,
    margin: Vec<Vector>,
}

impl Scratch {
    /// Bytes that it holds.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> usize {
        let words = self.dense.capacity() + self.rows.capacity() + self.steps.capacity() * size_of::<usize>() / 4;
        4 * words + self.margin.capacity() * size_of::<Vector>()
    }
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
        let padded_in = self.channels.next_multiple_of(LANES);
        scratch.resize(dense.rows * dense.columns * padded_in, 0.0);
        for y in 0..dense.input[0] {
            for x in 0..dense.input[1] {
                let at = ((y + dense.before[0]) * dense.columns + x + dense.before[1]) * padded_in;
                events.for_each_at(y * dense.input[1] + x, |channel, value| scratch[at + channel] = value);
            }
        }
        dense.product.run(0..dense.product.panels(), scratch, &dense.places, output, 1);
    }
}
