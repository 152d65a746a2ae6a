//! Convolution and transposed convolution, directly: no unrolled windows, only the input with its padding around it.

use std::ops::Range;

use rayon::prelude::*;
use spikeconverter_graph::Tensor;
use spikeconverter_graph::ops::{Conv, ConvTranspose};

use super::padding::Padding;
use super::phase::{Phase, plane};
use super::product::{Position, Product};
use super::tile::{LANES, Offsets};
use super::{Kernel, Threads};

/// Positions that are computed together, so that each weight that is loaded serves many of them.
const BLOCK: usize = 256;

/// A sum over neighbouring elements of all channels of a group, at every position of a plane.
pub(super) struct Direct {
    groups: usize,
    padding: Padding,
    /// Channels of a group's result.
    outputs: usize,
    /// Elements of a channel of the result.
    plane: usize,
    /// Samples that are computed together: several where planes are small.
    together: usize,
    /// What to add to a position for the next sample.
    sample: Position,
    parts: Vec<Part>,
    /// One value a channel, where the parts do not reach every element of the result.
    background: Option<Vec<f32>>,
}

/// The elements of the result that are made in the same way.
struct Part {
    /// One a group.
    products: Vec<Product>,
    /// Where each row begins to read and to write, within a group of a sample.
    rows: Vec<Position>,
    /// The same for each column, within a row.
    columns: Vec<Position>,
}

/// What the two kinds of convolution have in common.
struct Spec<'a> {
    groups: usize,
    /// Channels of the input and of the result.
    channels: [usize; 2],
    input: [usize; 2],
    output: [usize; 2],
    /// Along each axis.
    phases: [Vec<Phase>; 2],
    before: [usize; 2],
    weight: &'a Tensor,
    /// Where the weights of a result channel begin.
    start: &'a dyn Fn(usize) -> usize,
    /// How far from there the weight for an input channel of the group stands, for a tap on each axis.
    term: &'a dyn Fn(usize, [usize; 2]) -> usize,
    bias: Option<&'a Tensor>,
}

impl Direct {
    /// # Errors
    /// When the padding is beyond all bounds.
    pub(super) fn conv(op: &Conv, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        let [kernel, stride, dilation, pad] = plane::window(&op.window);
        let (input, extents) = (plane::extents(shape), plane::extents(output));
        let channels = shape[0] / op.groups;
        Self::new(&Spec {
            groups: op.groups,
            channels: [shape[0], output[0]],
            input,
            output: extents,
            phases: [0, 1].map(|a| vec![Phase::forward(kernel[a], stride[a], dilation[a], extents[a])]),
            before: pad,
            weight: &op.weight,
            start: &|o| o * channels * kernel[0] * kernel[1],
            term: &|c, [ky, kx]| (c * kernel[0] + ky) * kernel[1] + kx,
            bias: op.bias.as_ref(),
        })
    }

    /// # Errors
    /// When the padding is beyond all bounds.
    pub(super) fn transposed(op: &ConvTranspose, shape: &[usize], output: &[usize]) -> Result<Self, String> {
        let [kernel, stride, dilation, pad] = plane::window(&op.window);
        let (input, extents) = (plane::extents(shape), plane::extents(output));
        let (channels, outputs) = (shape[0] / op.groups, output[0] / op.groups);
        let axes = [0, 1].map(|a| Phase::backward(kernel[a], stride[a], dilation[a], pad[a], extents[a]));
        let before = [axes[0].1, axes[1].1];
        Self::new(&Spec {
            groups: op.groups,
            channels: [shape[0], output[0]],
            input,
            output: extents,
            phases: axes.map(|(phases, _)| phases),
            before,
            weight: &op.weight,
            start: &|o| (o / outputs * channels * outputs + o % outputs) * kernel[0] * kernel[1],
            term: &|c, [ky, kx]| (c * outputs * kernel[0] + ky) * kernel[1] + kx,
            bias: op.bias.as_ref(),
        })
    }

    fn new(spec: &Spec<'_>) -> Result<Self, String> {
        let needed = [0, 1].map(|a| spec.phases[a].iter().map(Phase::reach).max().unwrap_or(0));
        let padding = Padding::new(spec.channels[0], spec.input, spec.before, needed)?;
        let [rows, columns] = spec.output;
        let mut parts = Vec::new();
        for y in &spec.phases[0] {
            for x in &spec.phases[1] {
                parts.push(part(spec, &padding, y, x).ok_or("its padding is too wide")?);
            }
        }
        let reached = parts.iter().map(|part| part.rows.len() * part.columns.len()).sum::<usize>();
        let background = (reached < rows * columns)
            .then(|| spec.bias.map_or_else(|| vec![0.0; spec.channels[1]], |bias| bias.data().to_vec()));
        Ok(Self {
            groups: spec.groups,
            outputs: spec.channels[1] / spec.groups,
            plane: rows * columns,
            together: (BLOCK / 4).div_ceil(rows * columns),
            sample: Position { read: padding.volume(), write: spec.channels[1] * rows * columns },
            padding,
            parts,
            background,
        })
    }

    /// Some panels of a group, for as many samples as `x` and `y` hold.
    fn group(&self, group: usize, panels: Range<usize>, samples: usize, x: &[f32], y: &mut [f32]) {
        let x = &x[group * self.padding.volume() / self.groups..];
        let mut block = Vec::with_capacity(BLOCK);
        for part in &self.parts {
            let product = &part.products[group];
            let starts = (0..samples).flat_map(|i| part.rows.iter().map(move |row| self.sample * i + *row));
            for start in starts {
                for column in &part.columns {
                    block.push(start + *column);
                    if block.len() == BLOCK {
                        product.run(panels.clone(), x, &block, y, self.plane);
                        block.clear();
                    }
                }
            }
            product.run(panels.clone(), x, &block, y, self.plane);
            block.clear();
        }
    }

    /// Panels of a group's result channels.
    fn panels(&self) -> usize {
        self.outputs.div_ceil(LANES)
    }
}

impl Kernel for Direct {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], threads: Threads) {
        let group = self.outputs * self.plane;
        if let Some(background) = &self.background {
            for (y, &value) in output.chunks_exact_mut(self.plane).zip(background.iter().cycle()) {
                y.fill(value);
            }
        }
        let mut padded = Vec::new();
        if threads == Threads::Pool {
            // Few samples: each panel of result channels is a task.
            for (x, y) in inputs[0].chunks(self.padding.input()).zip(output.chunks_mut(self.groups * group)) {
                let x = self.padding.around(x, &mut padded);
                y.par_chunks_mut(group).enumerate().for_each(|(i, y)| {
                    let panels = y.par_chunks_mut(LANES * self.plane).enumerate();
                    panels.for_each(|(panel, y)| self.group(i, panel..panel + 1, 1, x, y));
                });
            }
            return;
        }
        let samples = inputs[0].chunks(self.together * self.padding.input());
        for (x, y) in samples.zip(output.chunks_mut(self.together * self.groups * group)) {
            let x = self.padding.around(x, &mut padded);
            let samples = y.len() / (self.groups * group);
            for i in 0..self.groups {
                self.group(i, 0..self.panels(), samples, x, &mut y[i * group..]);
            }
        }
    }
}

/// Packs the weights of the elements that have these phases, for all groups; `None` when an offset is beyond 2^32.
fn part(spec: &Spec<'_>, padding: &Padding, y: &Phase, x: &Phase) -> Option<Part> {
    let (channels, outputs) = (spec.channels[0] / spec.groups, spec.channels[1] / spec.groups);
    let taps = y.taps.len() * x.taps.len();
    let term = |k: usize| (k / taps, &y.taps[k % taps / x.taps.len()], &x.taps[k % x.taps.len()]);
    let offsets = Offsets::new((0..channels * taps).map(|k| {
        let (c, ky, kx) = term(k);
        c * padding.plane() + ky.offset * padding.width() + kx.offset
    }))?;
    let terms = (0..channels * taps).map(|k| {
        let (c, ky, kx) = term(k);
        (spec.term)(c, [ky.tap, kx.tap])
    });
    let terms: Vec<usize> = terms.collect();
    let product = |group: usize| {
        let weights = spec.weight.data();
        let weight = |o: usize, k: usize| weights[(spec.start)(group * outputs + o) + terms[k]];
        let bias = |o: usize| spec.bias.map_or(0.0, |bias| bias.data()[group * outputs + o]);
        Product::new(outputs, offsets.clone(), weight, bias)
    };
    let rows = y.places.iter().map(|y| Position { read: y.read * padding.width(), write: y.write * spec.output[1] });
    let columns = x.places.iter().map(|x| Position { read: x.read, write: x.write });
    Some(Part { products: (0..spec.groups).map(product).collect(), rows: rows.collect(), columns: columns.collect() })
}
