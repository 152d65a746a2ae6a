//! A layer of an integer network, ready to run: synapses, neurons and pooling in one.

mod build;

use std::ops::Range;

use spikeconverter_graph::NodeId;

pub(super) use self::build::Build;
use super::columns::Columns;
use super::dense::{Dense, Memory, Positions, Terms as DenseTerms};
use super::depthwise::Depthwise;
use super::layout::{LANES, Layout, Planes};
use super::neuron::FastRule;
use super::places::{Grid, Place};
use super::pool::Maximum;
use super::rule::{Rule, Scale, Sums, store};
use super::tile::{Sink, Skip};

/// Where planar nodes lie.
pub(super) type Maps = [Option<Map>];

/// The layout of a node's codes, and the planes that it repeats.
pub(super) type Map = (Layout, Planes);

/// Is given the sums of some samples.
type Each<'a> = &'a mut dyn FnMut(Range<usize>, Sums<'_>);

/// Samples and positions whose sums are kept at a time, where kernels do not make codes themselves.
const SUMS: usize = 1 << 16;

/// The synapses of a layer.
#[derive(Debug)]
enum Synapse {
    Dense(Box<Dense>),
    Depthwise(Box<Depthwise>),
}

impl Synapse {
    /// How many sums there are for each result.
    fn passes(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.passes(),
            Self::Depthwise(depthwise) => depthwise.input_bytes(),
        }
    }

    /// By how many bits each of them counts more than the one before.
    fn shift(&self) -> u32 {
        match self {
            Self::Dense(dense) => dense.shift(),
            Self::Depthwise(_) => 8,
        }
    }
}

/// Neurons, and where their codes go.
#[derive(Debug)]
struct Neurons {
    rule: Rule,
    /// The same as kernels compute it themselves, where they can.
    fused: Option<Box<FastRule>>,
    to: Layout,
    planes: Planes,
}

/// Another convolution, what it reads, and where its results lie.
type Second = (Box<Dense>, NodeId, Grid);

/// Codes that are added, with a factor a channel.
#[derive(Debug)]
struct Shortcut {
    factors: Vec<[i32; LANES]>,
    from: NodeId,
    layout: Layout,
    planes: Planes,
}

/// What the sums are for.
#[derive(Debug)]
enum Use {
    /// Codes of neurons, and the maximum over windows of them.
    Codes { neurons: Neurons, pool: Option<Box<Maximum>> },
    /// The result.
    Membranes { channels: usize, positions: usize },
    /// The sums themselves, in two bytes.
    Bytes { to: Layout },
}

/// A layer.
#[derive(Debug)]
pub(super) struct Layer {
    synapse: Synapse,
    pub(super) source: NodeId,
    /// A second convolution, added to the first.
    second: Option<Second>,
    skip: Option<Shortcut>,
    /// Positions and then channels.
    map: Option<Vec<i32>>,
    /// What sums are multiplied with and what is then added, for each channel.
    scale: Option<Scale>,
    results: Use,
    /// Where positions are read and written, if codes are made at once and if sums are kept, and where the first is in the
    /// former.
    grids: Option<[Grid; 2]>,
    /// The kernel for depthwise layers that are like most.
    columns: Option<Columns>,
    first: Place,
    /// Vectors of channels and positions of the sums of a sample.
    vectors: usize,
    positions: usize,
}

/// Memory of a thread.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    sums: Vec<Vec<i32>>,
    second: Vec<i32>,
    codes: Vec<u8>,
    dense: Memory,
}

/// What a layer gives.
pub(super) enum Output<'a> {
    /// Codes in the node's layout.
    Codes(&'a mut [u8]),
    /// Membranes, channels first.
    Membranes(&'a mut [f64]),
}

impl Layer {
    /// The planar nodes that it reads.
    pub(super) fn reads(&self) -> Vec<NodeId> {
        let second = self.second.as_ref().map(|(_, id, _)| *id);
        let skip = self.skip.as_ref().map(|skip| skip.from);
        std::iter::once(self.source).chain(second).chain(skip).collect()
    }

    /// Runs some samples. `read` are the codes of a planar node for these samples.
    pub(super) fn run<'a>(
        &self,
        read: &dyn Fn(NodeId) -> &'a [u8],
        samples: usize,
        output: Output<'_>,
        scratch: &mut Scratch,
    ) {
        match (&self.results, output) {
            (Use::Codes { neurons, pool }, Output::Codes(codes)) => match pool {
                None => {
                    codes.chunks_exact_mut(neurons.to.bytes()).for_each(|plane| neurons.to.clear_halo(plane));
                    self.codes(read, samples, neurons, codes, scratch);
                }
                Some(pool) => {
                    let mut unpooled = std::mem::take(&mut scratch.codes);
                    // no halo and nothing between positions: all of it will be written
                    unpooled.resize(samples * neurons.planes.count() * neurons.to.bytes(), 0);
                    self.codes(read, samples, neurons, &mut unpooled, scratch);
                    pool.run(&unpooled, codes);
                    scratch.codes = unpooled;
                }
            },
            (Use::Bytes { to }, Output::Codes(codes)) => {
                codes.chunks_exact_mut(to.bytes()).for_each(|plane| to.clear_halo(plane));
                self.blocks(read, samples, scratch, &mut |range, sums| {
                    let planes = Planes { bytes: 2, signed: false };
                    let sample = planes.count() * to.bytes();
                    copy_sums(&sums.passes[0], to, planes, &mut codes[range.start * sample..range.end * sample]);
                });
            }
            (Use::Membranes { channels, positions }, Output::Membranes(out)) => {
                let stored = self.vectors * LANES;
                self.blocks(read, samples, scratch, &mut |range, sums| {
                    let out = &mut out[range.start * channels * positions..range.end * channels * positions];
                    for (i, out) in out.iter_mut().enumerate() {
                        let (sample, element) = (i / (channels * positions), i % (channels * positions));
                        let (channel, position) = (element / positions, element % positions);
                        let at = (sample * positions + position) * stored + channel;
                        let total = sums.total(at) as f64;
                        *out = self.scale.as_ref().map_or(total, |scale| scale.of(channel, total));
                    }
                });
            }
            _ => {}
        }
    }

    fn codes<'a>(
        &self,
        read: &dyn Fn(NodeId) -> &'a [u8],
        samples: usize,
        neurons: &Neurons,
        codes: &mut [u8],
        scratch: &mut Scratch,
    ) {
        let Neurons { rule, fused, to, planes } = neurons;
        if let (Synapse::Dense(dense), Some(fused), None, Some([grid, _])) =
            (&self.synapse, fused, &self.second, &self.grids)
            && dense.passes() == 1
            && self.scale.is_none()
            && fused.signed == planes.signed
        {
            let terms = self.terms_of(0, |id| read(id));
            let high = (planes.bytes == 2).then(|| to.bytes());
            let mut sink = Sink::Codes { codes, negative: planes.bytes * to.bytes(), high, rule: fused };
            let at = Positions { codes: read(self.source), grid, first: self.first };
            dense.run(0, at, terms, &mut sink, &mut scratch.dense);
            return;
        }
        if let Some(columns) = &self.columns {
            columns.run(read(self.source), codes, to, *planes);
            return;
        }
        self.blocks(read, samples, scratch, &mut |range, sums| {
            let sample = planes.count() * to.bytes();
            rule.finish(sums, self.scale.as_ref(), to, *planes, &mut codes[range.start * sample..range.end * sample]);
        });
    }

    /// The constant terms and the shortcut, for a pass.
    fn terms_of<'r>(&'r self, pass: usize, codes: impl Fn(NodeId) -> &'r [u8]) -> DenseTerms<'r> {
        let bytewise = self.synapse.shift() > 0;
        let skip = self.skip.as_ref().filter(|_| bytewise || pass == 0);
        DenseTerms {
            map: self.map.as_deref().filter(|_| pass == 0),
            skip: skip.map(|Shortcut { factors, from, layout, planes }| Skip {
                codes: &codes(*from)[if bytewise { pass * layout.bytes() } else { 0 }..],
                negative: planes.signed.then(|| planes.bytes * layout.bytes()),
                high: (!bytewise && planes.bytes == 2).then(|| layout.bytes()),
                factors,
            }),
        }
    }

    /// Computes the sums of a few samples at a time.
    fn blocks<'a>(&self, read: &dyn Fn(NodeId) -> &'a [u8], samples: usize, scratch: &mut Scratch, each: Each<'_>) {
        let size = self.positions * self.vectors * LANES;
        let together = (SUMS / size).clamp(1, samples.max(1));
        let of = |id: NodeId, range: &Range<usize>| {
            let codes = read(id);
            let sample = codes.len() / samples;
            &codes[range.start * sample..range.end * sample]
        };
        for start in (0..samples).step_by(together) {
            let range = start..(start + together).min(samples);
            let mut sums = std::mem::take(&mut scratch.sums);
            sums.resize(self.synapse.passes(), Vec::new());
            for (pass, sums) in sums.iter_mut().enumerate() {
                sums.resize(range.len() * size, 0);
                let codes = of(self.source, &range);
                match &self.synapse {
                    Synapse::Depthwise(depthwise) => depthwise.sums(pass, codes, sums),
                    Synapse::Dense(dense) => {
                        let mut terms = self.terms_of(pass, |id| of(id, &range));
                        if let Some((second, from, grid)) = &self.second {
                            scratch.second.resize(range.len() * size, 0);
                            let none = DenseTerms { map: None, skip: None };
                            let mut sink = Sink::Sums(&mut scratch.second);
                            let at = Positions { codes: of(*from, &range), grid, first: Place::default() };
                            second.run(pass, at, none, &mut sink, &mut scratch.dense);
                            terms.map = Some(&scratch.second);
                        }
                        if let Some([_, grid]) = &self.grids {
                            let at = Positions { codes, grid, first: Place { write: 0, ..self.first } };
                            dense.run(pass, at, terms, &mut Sink::Sums(sums), &mut scratch.dense);
                        }
                    }
                }
            }
            each(range, Sums { passes: &sums, shift: self.synapse.shift() });
            scratch.sums = sums;
        }
    }
}

/// Sums of windows, which are not negative, as two bytes each.
fn copy_sums(sums: &[i32], to: &Layout, planes: Planes, codes: &mut [u8]) {
    let mut sums = sums.chunks_exact(LANES);
    for codes in codes.chunks_exact_mut(planes.count() * to.bytes()) {
        for y in 0..to.extents[0] {
            for x in 0..to.extents[1] {
                for vector in (0..to.stored).step_by(LANES) {
                    let found: [i32; LANES] = sums.next().and_then(|s| s.try_into().ok()).unwrap_or([0; LANES]);
                    store(&found, to.at(y, x) + vector, to, planes, codes);
                }
            }
        }
    }
}
