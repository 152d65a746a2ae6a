//! Convolution and linear layers on codes: direct, on maps that carry their padding.

use spikeconverter_graph::ops::{Conv, Linear};

use super::layout::{LANES, Layout, Planes};
use super::places::{Grid, Place};
use super::tile::{Group, Job, Line, Run, Sink, Skip, Start, has_vnni, tiles};
use crate::kernels::phase::plane;

/// What the weights are, apart from the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) before: [usize; 2],
    pub(super) groups: usize,
    /// Channels of the input and of the result.
    pub(super) channels: [usize; 2],
    pub(super) output: [usize; 2],
}

impl Geometry {
    /// That of a convolution of an input of this shape.
    pub(super) fn conv(op: &Conv, input: &[usize], output: &[usize]) -> Self {
        let [kernel, stride, dilation, before] = plane::window(&op.window);
        let channels = [input[0], output[0]];
        Self { kernel, stride, dilation, before, groups: op.groups, channels, output: plane::extents(output) }
    }

    /// That of a linear layer on a vector.
    pub(super) fn linear(op: &Linear) -> Self {
        let channels = [op.weight.shape()[1], op.weight.shape()[0]];
        let one = [1; 2];
        Self { kernel: one, stride: one, dilation: one, before: [0; 2], groups: 1, channels, output: one }
    }

    /// Rows and columns beyond the input's last that are read, for each axis.
    pub(super) fn after(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|a| {
            let last = (self.output[a] - 1).saturating_mul(self.stride[a]);
            let read = last.saturating_add((self.kernel[a] - 1).saturating_mul(self.dilation[a])).saturating_add(1);
            read.saturating_sub(self.before[a].saturating_add(input[a]))
        })
    }
}

/// A convolution with packed weights.
#[derive(Debug, Clone)]
pub(super) struct Dense {
    vnni: bool,
    input: Layout,
    planes: Planes,
    geometry: Geometry,
    /// For each byte of the input's codes, the weights of its planes.
    bytes: Vec<Vec<Group>>,
    /// Of the result, a vector of channels each.
    bias: Vec<[i32; LANES]>,
}

/// What is added to a convolution's sums.
#[derive(Clone, Copy)]
pub(super) struct Terms<'a> {
    /// A map of channels.
    pub(super) map: Option<&'a [i32]>,
    pub(super) skip: Option<Skip<'a>>,
}

impl Dense {
    /// Packs weights: `weight(o, i, tap)` for channels of the result and of the input, counted within their group.
    pub(super) fn new(
        geometry: Geometry,
        input: &Layout,
        planes: Planes,
        weight: impl Fn(usize, usize, [usize; 2]) -> i8,
        bias: &[i32],
    ) -> Self {
        let vectors = geometry.channels[1].div_ceil(LANES);
        let mut packed = vec![[0; LANES]; vectors];
        for (channel, &bias) in bias.iter().enumerate() {
            packed[channel / LANES][channel % LANES] = bias;
        }
        let signs: &[i8] = if planes.signed { &[1, -1] } else { &[1] };
        let bytes = (0..planes.bytes)
            .map(|byte| {
                // groups of channels have inputs of their own, so that their vectors go one by one
                let most = if geometry.groups == 1 { 4 } else { 1 };
                let parts = vectors.div_ceil(most);
                (0..parts)
                    .map(|part| {
                        let (first, end) = (part * vectors / parts, (part + 1) * vectors / parts);
                        let planes: Vec<(usize, i8)> = signs
                            .iter()
                            .enumerate()
                            .map(|(i, &sign)| ((i * planes.bytes + byte) * input.bytes(), sign))
                            .collect();
                        group(&geometry, input, &planes, first..end, &weight)
                    })
                    .collect()
            })
            .collect();
        Self { vnni: has_vnni(), input: input.clone(), planes, geometry, bytes, bias: packed }
    }

    /// Vectors of channels of the result.
    pub(super) fn vectors(&self) -> usize {
        self.bias.len()
    }

    /// Bytes of an input sample.
    fn sample(&self) -> usize {
        self.planes.count() * self.input.bytes()
    }

    /// Number of bytes of the input's codes: how many sums there are for each result.
    pub(super) fn input_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Where positions are read and written: in codes of the layout `to` with so many planes or, without, in sums. A map of
    /// further terms is one for all samples, or each has its own; a shortcut has a layout and a number of planes, too.
    pub(super) fn grid(
        &self,
        to: Option<(&Layout, usize)>,
        map_each: Option<bool>,
        skip: Option<(&Layout, usize)>,
    ) -> Grid {
        let [rows, columns] = self.geometry.output;
        let stored = self.vectors() * LANES;
        let in_layout = |of: Option<(&Layout, usize)>| {
            of.map_or([0; 3], |(layout, planes)| [planes * layout.bytes(), layout.row(), layout.stored])
        };
        let sums = [rows * columns * stored, columns * stored, stored];
        let write = if to.is_some() { in_layout(to) } else { sums };
        let map = match map_each {
            None => [0; 3],
            Some(false) => [0, sums[1], sums[2]],
            Some(true) => sums,
        };
        let skip = in_layout(skip);
        let [down, right] = self.geometry.stride;
        let read = [self.sample(), down * self.input.row(), right * self.input.stored];
        let [sample, row, column] =
            [0, 1, 2].map(|i| Place { read: read[i], write: write[i], map: map[i], skip: skip[i] });
        Grid::new(self.geometry.output, sample, row, column)
    }

    /// Computes all results of the samples in `x`, which lie as `grid` says from `first` on: the sums over one byte of the
    /// input's codes or, for inputs of single bytes, the codes of the neurons behind. Bias and terms belong to byte 0.
    pub(super) fn run(&self, byte: usize, x: &[u8], terms: Terms<'_>, grid: &Grid, first: Place, sink: &mut Sink<'_>) {
        let none = vec![[0; LANES]; if byte == 0 { 0 } else { self.vectors() }];
        let bias = if byte == 0 { &self.bias } else { &none };
        let job = Job { vnni: self.vnni, codes: x, start: Start { bias, map: terms.map, skip: terms.skip } };
        grid.blocks(x.len() / self.sample(), |places, count, origin| {
            for group in &self.bytes[byte] {
                tiles(job, group, places, count, origin.plus(first), sink);
            }
        });
    }
}

/// Packs the weights of some vectors of result channels. `planes` are where the planes begin, with their signs.
fn group(
    geometry: &Geometry,
    input: &Layout,
    planes: &[(usize, i8)],
    vectors: std::ops::Range<usize>,
    weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
) -> Group {
    let [inputs, outputs] = geometry.channels.map(|n| n / geometry.groups);
    let last = (vectors.end * LANES).min(geometry.channels[1]) - 1;
    // the input channels of the groups that these results belong to, in fours
    let from = vectors.start * LANES / outputs * inputs / 4 * 4;
    let to = ((last / outputs + 1) * inputs).next_multiple_of(4).min(input.stored);
    // a row of the kernel is one run where its taps are neighbours and all their channels count
    let joined = geometry.dilation[1] == 1 && to - from == input.stored;
    let mut runs = Vec::new();
    let mut lines = Vec::new();
    for &(plane, sign) in planes {
        for ky in 0..geometry.kernel[0] {
            for kx in 0..geometry.kernel[1] {
                let [y, x] = [0, 1].map(|a| input.before[a] - geometry.before[a] + [ky, kx][a] * geometry.dilation[a]);
                let offset = plane + y * input.row() + x * input.stored + from;
                match runs.last_mut() {
                    Some(Run { quads, .. }) if joined && kx > 0 => *quads += (to - from) / 4,
                    _ => runs.push(Run { offset, quads: (to - from) / 4 }),
                }
                for channel in (from..to).step_by(4) {
                    for vector in vectors.clone() {
                        lines.push(Line(std::array::from_fn(|lane| {
                            let result = vector * LANES + lane;
                            std::array::from_fn(|i| {
                                let own = result / outputs * inputs;
                                match (channel + i).checked_sub(own) {
                                    Some(c) if c < inputs && result < geometry.channels[1] => {
                                        sign * weight(result, c, [ky, kx])
                                    }
                                    _ => 0,
                                }
                            })
                        })));
                    }
                }
            }
        }
    }
    Group { first: vectors.start, vectors: vectors.len(), runs, lines }
}
