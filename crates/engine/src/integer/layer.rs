//! A layer of an integer network, ready to run: synapses, neurons and pooling in one.

use std::ops::Range;

use spikeconverter_graph::ops::MaxPool;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use super::columns::Columns;
use super::dense::{Dense, Geometry, Terms as DenseTerms};
use super::depthwise::Depthwise;
use super::layout::{LANES, Layout, Planes};
use super::neuron::Neuron;
use super::places::{Grid, Place};
use super::pool::Maximum;
use super::rule::{Rule, Scale};
use super::terms::{Planar, Terms, integer, is_depthwise};
use super::tile::{Sink, Skip};

/// Where planar nodes lie.
pub(super) type Maps = [Option<Map>];

/// The layout of a node's codes, and the planes that it repeats.
pub(super) type Map = (Layout, Planes);

/// Is given the sums of some samples, for each byte of the input's codes.
type Each<'a> = &'a mut dyn FnMut(Range<usize>, &[Vec<i32>]);

/// Samples and positions whose sums are kept at a time, where kernels do not make codes themselves.
const SUMS: usize = 1 << 16;

/// The synapses of a layer.
#[derive(Debug)]
enum Synapse {
    Dense(Dense),
    Depthwise(Depthwise),
}

/// Neurons, and where their codes go.
#[derive(Debug)]
struct Neurons {
    rule: Rule,
    to: Layout,
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
    second: Option<(Dense, NodeId, Grid)>,
    /// Factors a vector of channels, what they multiply, and where it lies.
    skip: Option<(Vec<[i32; LANES]>, NodeId, Layout, Planes)>,
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
}

/// What a layer gives.
pub(super) enum Output<'a> {
    /// Codes in the node's layout.
    Codes(&'a mut [u8]),
    /// Membranes, channels first.
    Membranes(&'a mut [f64]),
}

impl Layer {
    /// The layer of a population, or of the read-out. `None` where sums could be too large for 32 bits, or a structure is
    /// too rare to have a kernel.
    pub(super) fn new(
        network: &SpikingNetwork,
        maps: &Maps,
        planar: &[Option<Planar>],
        id: NodeId,
        terms: &Terms,
    ) -> Option<Self> {
        let node = network.node(id);
        let membranes = &network.node(node.inputs[0]).shape;
        let channels = terms.bias.len();
        let (neurons, pool): (Option<Vec<Neuron>>, Option<&MaxPool>) = match &node.kind {
            NodeKind::Population(population) => {
                let neurons = (0..channels).map(|c| Neuron::new(population, c, network.time_steps()));
                (Some(neurons.collect::<Option<_>>()?), population.pool.as_ref())
            }
            _ => (None, None),
        };
        let mut bias = terms.bias.clone();
        match (&neurons, &node.kind) {
            (Some(neurons), _) => bias.iter_mut().zip(neurons).for_each(|(bias, n)| *bias += n.initial),
            (None, NodeKind::Readout(readout)) => {
                for (bias, &initial) in bias.iter_mut().zip(&readout.initial) {
                    *bias += integer(initial)?;
                }
            }
            _ => return None,
        }
        let scale = terms.scale.as_ref().map(|factors| Scale::new(factors, &bias));
        if scale.is_some() {
            bias.fill(0);
        }
        bounded(network, planar, terms, &bias)?;
        let bias: Vec<i32> = bias.into_iter().map(|b| b as i32).collect();
        let results = match neurons {
            None => Use::Membranes { channels, positions: volume(membranes) / channels },
            Some(neurons) => {
                let (to, planes) = maps[id.0].clone()?;
                let (to, pool) = match pool {
                    None => (to, None),
                    Some(pool) => {
                        let before = Layout::new(membranes, [0; 2], [0; 2]);
                        let maximum = Maximum::new(pool, &before, &to, planes)?;
                        (before, Some(Box::new(maximum)))
                    }
                };
                Use::Codes { neurons: Neurons { rule: Rule::new(neurons), to, planes }, pool }
            }
        };
        let vectors = channels.div_ceil(LANES);
        let positions = volume(membranes) / channels;
        let first = network.node(terms.weighted[0]);
        let source = first.inputs[0];
        let synapse = synapse(network, maps, terms.weighted[0], &bias)?;
        let source_planes = maps[source.0].as_ref()?.1;
        let second = match terms.weighted.get(1) {
            None => None,
            Some(&second) => match self::synapse(network, maps, second, &vec![0; channels])? {
                Synapse::Dense(dense) if dense.input_bytes() == source_planes.bytes => {
                    let grid = dense.grid(None, None, None);
                    Some((dense, network.node(second).inputs[0], grid))
                }
                _ => return None,
            },
        };
        let skip = match &terms.skip {
            None => None,
            Some((from, factors)) => {
                let (layout, planes) = maps[from.0].clone()?;
                if planes.bytes != source_planes.bytes || factors.iter().any(|f| !(0..1 << 15).contains(f)) {
                    return None;
                }
                let mut packed = vec![[0; LANES]; vectors];
                for (channel, &factor) in factors.iter().enumerate() {
                    packed[channel / LANES][channel % LANES] = factor as i32;
                }
                Some((packed, *from, layout, planes))
            }
        };
        let map = terms.map.as_deref().map(|map| channels_last(map, positions, vectors * LANES));
        if matches!(synapse, Synapse::Depthwise(_)) && (skip.is_some() || map.is_some() || second.is_some()) {
            return None;
        }
        if second.is_some() && map.is_some() {
            return None;
        }
        let from = skip.as_ref().map(|(_, _, layout, planes)| (layout, planes.count()));
        let first_skip = from.map_or(0, |(layout, _)| layout.at(0, 0));
        let (to, first_write) = match &results {
            Use::Codes { neurons: Neurons { to, planes, .. }, .. } => (Some((to, planes.count())), to.at(0, 0)),
            _ => (None, 0),
        };
        let grids = match &synapse {
            Synapse::Depthwise(_) => None,
            Synapse::Dense(dense) => {
                let map = if second.is_some() { Some(true) } else { map.as_ref().map(|_| false) };
                Some([dense.grid(to, map, from), dense.grid(None, map, from)])
            }
        };
        let columns = match (&synapse, &results) {
            (
                Synapse::Depthwise(depthwise),
                Use::Codes { neurons: Neurons { rule: Rule::Fast(rule), planes, .. }, .. },
            ) if planes.count() == 1 && scale.is_none() => depthwise.columns(rule),
            _ => None,
        };
        let first = Place { write: first_write, skip: first_skip, ..Place::default() };
        Some(Self { synapse, source, second, skip, map, scale, results, grids, columns, first, vectors, positions })
    }

    /// The layer that sums over windows of a planar node.
    pub(super) fn window_sum(network: &SpikingNetwork, maps: &Maps, id: NodeId) -> Option<Self> {
        let node = network.node(id);
        let channels = node.shape[0];
        Some(Self {
            synapse: synapse(network, maps, id, &[])?,
            source: node.inputs[0],
            second: None,
            skip: None,
            map: None,
            scale: None,
            results: Use::Bytes { to: maps[id.0].as_ref()?.0.clone() },
            grids: None,
            columns: None,
            first: Place::default(),
            vectors: channels.div_ceil(LANES),
            positions: volume(&node.shape) / channels,
        })
    }

    /// The planar nodes that it reads.
    pub(super) fn reads(&self) -> Vec<NodeId> {
        let second = self.second.as_ref().map(|(_, id, _)| *id);
        let skip = self.skip.as_ref().map(|(_, id, _, _)| *id);
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
                    let each: Vec<&[i32]> = sums.iter().map(Vec::as_slice).collect();
                    copy_sums(each[0], to, planes, &mut codes[range.start * sample..range.end * sample]);
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
                        let total: i64 = sums.iter().enumerate().map(|(b, sums)| i64::from(sums[at]) << (8 * b)).sum();
                        *out = self.scale.as_ref().map_or(total as f64, |scale| scale.of(channel, total as f64));
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
        let Neurons { rule, to, planes } = neurons;
        if let (Synapse::Dense(dense), Rule::Fast(fast), None, Some([grid, _])) =
            (&self.synapse, rule, &self.second, &self.grids)
            && dense.input_bytes() == 1
            && self.scale.is_none()
            && fast.signed == planes.signed
            && planes.bytes == 1
        {
            let terms = self.terms_of(0, |id| read(id));
            let mut sink = Sink::Codes { codes, negative: to.bytes(), rule: fast };
            dense.run(0, read(self.source), terms, grid, self.first, &mut sink);
            return;
        }
        if let Some(columns) = &self.columns {
            columns.run(read(self.source), codes, to);
            return;
        }
        self.blocks(read, samples, scratch, &mut |range, sums| {
            let sample = planes.count() * to.bytes();
            let each: Vec<&[i32]> = sums.iter().map(Vec::as_slice).collect();
            rule.finish(&each, self.scale.as_ref(), to, *planes, &mut codes[range.start * sample..range.end * sample]);
        });
    }

    /// The constant terms and the shortcut, for a byte of the codes.
    fn terms_of<'r>(&'r self, byte: usize, codes: impl Fn(NodeId) -> &'r [u8]) -> DenseTerms<'r> {
        DenseTerms {
            map: self.map.as_deref().filter(|_| byte == 0),
            skip: self.skip.as_ref().map(|(factors, from, layout, planes)| Skip {
                codes: &codes(*from)[byte * layout.bytes()..],
                negative: planes.signed.then(|| planes.bytes * layout.bytes()),
                factors,
            }),
        }
    }

    /// Computes the sums of a few samples at a time, for each byte of the codes.
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
            let bytes = match &self.synapse {
                Synapse::Dense(dense) => dense.input_bytes(),
                Synapse::Depthwise(depthwise) => depthwise.input_bytes(),
            };
            sums.resize(bytes, Vec::new());
            for (byte, sums) in sums.iter_mut().enumerate() {
                sums.resize(range.len() * size, 0);
                let x = of(self.source, &range);
                match &self.synapse {
                    Synapse::Depthwise(depthwise) => depthwise.sums(byte, x, sums),
                    Synapse::Dense(dense) => {
                        let mut terms = self.terms_of(byte, |id| of(id, &range));
                        if let Some((second, from, grid)) = &self.second {
                            scratch.second.resize(range.len() * size, 0);
                            let none = DenseTerms { map: None, skip: None };
                            let mut sink = Sink::Sums(&mut scratch.second);
                            second.run(byte, of(*from, &range), none, grid, Place::default(), &mut sink);
                            terms.map = Some(&scratch.second);
                        }
                        if let Some([_, grid]) = &self.grids {
                            let first = Place { write: 0, ..self.first };
                            dense.run(byte, x, terms, grid, first, &mut Sink::Sums(sums));
                        }
                    }
                }
            }
            each(range, &sums);
            scratch.sums = sums;
        }
    }
}

/// Packs the weights of a node.
fn synapse(network: &SpikingNetwork, maps: &Maps, id: NodeId, bias: &[i32]) -> Option<Synapse> {
    let node = network.node(id);
    let from = *node.inputs.first()?;
    let (layout, planes) = maps[from.0].as_ref()?;
    let NodeKind::Synapse(op) = &node.kind else { return None };
    let small = |weights: &[f32]| weights.iter().all(|w| w.fract() == 0.0 && w.abs() <= 127.0);
    Some(match op {
        Op::Conv(conv) => {
            let shape = &network.node(from).shape;
            let geometry = Geometry::conv(conv, shape, &node.shape);
            let weights = conv.weight.data();
            if !small(weights) {
                return None;
            }
            let (inputs, [height, width]) = (conv.weight.shape()[1], geometry.kernel);
            let at =
                |o: usize, i: usize, [y, x]: [usize; 2]| weights[((o * inputs + i) * height + y) * width + x] as i8;
            if is_depthwise(conv, shape[0]) {
                Synapse::Depthwise(Depthwise::new(geometry, layout, *planes, |c, tap| at(c, 0, tap), bias))
            } else {
                Synapse::Dense(Dense::new(geometry, layout, *planes, at, bias))
            }
        }
        Op::Linear(linear) => {
            let weights = linear.weight.data();
            if !small(weights) {
                return None;
            }
            let geometry = Geometry::linear(linear);
            let inputs = geometry.channels[0];
            Synapse::Dense(Dense::new(geometry, layout, *planes, |o, i, _| weights[o * inputs + i] as i8, bias))
        }
        _ => return None,
    })
}

/// A map of constants with its channels last.
fn channels_last(map: &[i64], positions: usize, stored: usize) -> Vec<i32> {
    let mut packed = vec![0; positions * stored];
    for (i, &value) in map.iter().enumerate() {
        packed[i % positions * stored + i / positions] = value as i32;
    }
    packed
}

/// Checks that no sum can leave 31 bits.
fn bounded(network: &SpikingNetwork, planar: &[Option<Planar>], terms: &Terms, bias: &[i64]) -> Option<()> {
    let channels = bias.len();
    let mut largest: Vec<i64> = bias.iter().map(|b| b.abs()).collect();
    for &id in &terms.weighted {
        let node = network.node(id);
        let NodeKind::Synapse(op) = &node.kind else { return None };
        let weight = match op {
            Op::Conv(conv) => &conv.weight,
            Op::Linear(linear) => &linear.weight,
            _ => return None,
        };
        let codes = planar[node.inputs[0].0]?.largest.min(255);
        let rows = weight.data().chunks_exact(weight.data().len() / channels);
        for (total, row) in largest.iter_mut().zip(rows) {
            *total += codes * row.iter().map(|w| w.abs() as i64).sum::<i64>();
        }
    }
    if let Some((id, factors)) = &terms.skip {
        let codes = planar[id.0]?.largest.min(255);
        largest.iter_mut().zip(factors).for_each(|(total, factor)| *total += codes * factor.abs());
    }
    if let Some(map) = &terms.map {
        let inner = map.len() / channels;
        for (total, map) in largest.iter_mut().zip(map.chunks_exact(inner)) {
            *total += map.iter().map(|x| x.abs()).max().unwrap_or(0);
        }
    }
    largest.iter().all(|&total| total < 1 << 31).then_some(())
}

/// Sums of windows, which are not negative, as two bytes each.
fn copy_sums(sums: &[i32], to: &Layout, planes: Planes, codes: &mut [u8]) {
    let mut sums = sums.chunks_exact(LANES);
    for codes in codes.chunks_exact_mut(planes.count() * to.bytes()) {
        for y in 0..to.extents[0] {
            for x in 0..to.extents[1] {
                for vector in (0..to.stored).step_by(LANES) {
                    let found: [i32; LANES] = sums.next().and_then(|s| s.try_into().ok()).unwrap_or([0; LANES]);
                    super::rule::store(&found, to.at(y, x) + vector, to, planes, codes);
                }
            }
        }
    }
}
