//! How a layer is put together from the nodes that reach a listener.

use spikeconverter_graph::ops::MaxPool;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use super::{Layer, Maps, Neurons, Second, Shortcut, Synapse, Use};
use crate::integer::bound::Magnitudes;
use crate::integer::dense::{Dense, Form};
use crate::integer::depthwise::Depthwise;
use crate::integer::geometry::Geometry;
use crate::integer::isa::Isa;
use crate::integer::layout::{LANES, Layout};
use crate::integer::neuron::{FastRule, Neuron};
use crate::integer::places::Place;
use crate::integer::pool::Maximum;
use crate::integer::rule::{Rule, Scale};
use crate::integer::terms::{Planar, Terms, integer, is_depthwise};

/// What layers are made from.
#[derive(Clone, Copy)]
pub(in crate::integer) struct Build<'a> {
    pub(in crate::integer) isa: Isa,
    pub(in crate::integer) network: &'a SpikingNetwork,
    pub(in crate::integer) maps: &'a Maps,
    pub(in crate::integer) planar: &'a [Option<Planar>],
}

impl Build<'_> {
    /// The layer of a population, or of the read-out. `None` where sums could be too large for 32 bits, or a structure is
    /// too rare to have a kernel.
    pub(in crate::integer) fn layer(self, id: NodeId, terms: &Terms) -> Option<Layer> {
        let node = self.network.node(id);
        let membranes = &self.network.node(node.inputs[0]).shape;
        let channels = terms.bias.len();
        let positions = volume(membranes) / channels;
        let (neurons, pool): (Option<Vec<Neuron>>, Option<&MaxPool>) = match &node.kind {
            NodeKind::Population(population) => {
                let neurons = (0..channels).map(|c| Neuron::new(population, c, self.network.time_steps()));
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
        let folded = self.folded(terms, &bias);
        let scale = match (&terms.scale, &folded) {
            (Some(factors), None) => Some(Scale::new(factors, &bias)),
            _ => None,
        };
        if scale.is_some() {
            bias.fill(0);
        }
        let mut magnitudes = Magnitudes::new(self.network, self.planar, terms, &bias)?;
        if let Some(factors) = &folded {
            magnitudes = magnitudes.scaled(factors);
        }
        if !magnitudes.fit_bytes() {
            return None;
        }
        let bias: Vec<i32> = bias.into_iter().map(|b| b as i32).collect();
        let mut layer = None;
        if self.isa.multiplies_words() {
            layer = magnitudes.words().and_then(|form| self.synapses(terms, &form, folded.as_deref(), &bias));
        }
        let (synapse, second, skip) = layer.or_else(|| self.synapses(terms, &Form::Bytes, folded.as_deref(), &bias))?;
        let results = match neurons {
            None => Use::Membranes { channels, positions },
            Some(neurons) => self.codes(id, membranes, neurons, pool)?,
        };
        let vectors = channels.div_ceil(LANES);
        let map = terms.map.as_deref().map(|map| channels_last(map, positions, vectors * LANES));
        if matches!(synapse, Synapse::Depthwise(_)) && (skip.is_some() || map.is_some() || second.is_some()) {
            return None;
        }
        if second.is_some() && map.is_some() {
            return None;
        }
        let from = skip.as_ref().map(|skip| (&skip.layout, skip.planes.count()));
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
            (Synapse::Depthwise(depthwise), Use::Codes { neurons: Neurons { fused: Some(rule), planes, .. }, .. })
                if !planes.signed && scale.is_none() =>
            {
                depthwise.columns(self.isa, rule)
            }
            _ => None,
        };
        let source = self.network.node(terms.weighted[0]).inputs[0];
        let first = Place { write: first_write, skip: first_skip, ..Place::default() };
        Some(Layer { synapse, source, second, skip, map, scale, results, grids, columns, first, vectors, positions })
    }

    /// The layer that sums over windows of a planar node.
    pub(in crate::integer) fn window_sum(self, id: NodeId) -> Option<Layer> {
        let node = self.network.node(id);
        let channels = node.shape[0];
        Some(Layer {
            synapse: self.synapse(id, &Form::Bytes, None, &[])?,
            source: node.inputs[0],
            second: None,
            skip: None,
            map: None,
            scale: None,
            results: Use::Bytes { to: self.maps[id.0].as_ref()?.0.clone() },
            grids: None,
            columns: None,
            first: Place::default(),
            vectors: channels.div_ceil(LANES),
            positions: volume(&node.shape) / channels,
        })
    }

    /// The factors of a depthwise layer's sums, where its weights can be multiplied by them instead: its kernels take weights of
    /// 16 bits.
    fn folded(self, terms: &Terms, bias: &[i64]) -> Option<Vec<i64>> {
        let factors = terms.scale.clone()?;
        let [weighted] = terms.weighted.as_slice() else { return None };
        let node = self.network.node(*weighted);
        let NodeKind::Synapse(Op::Conv(conv)) = &node.kind else { return None };
        let depthwise = is_depthwise(conv, self.network.node(node.inputs[0]).shape[0]);
        let small = factors.iter().all(|factor| factor.abs() <= i64::from(i16::MAX / 127));
        let fits = || {
            let magnitudes = Magnitudes::new(self.network, self.planar, terms, bias);
            magnitudes.is_some_and(|magnitudes| magnitudes.scaled(&factors).fit_words())
        };
        (depthwise && small && fits()).then_some(factors)
    }

    /// What a population makes of its membranes.
    fn codes(self, id: NodeId, membranes: &[usize], neurons: Vec<Neuron>, pool: Option<&MaxPool>) -> Option<Use> {
        let (to, planes) = self.maps[id.0].clone()?;
        let (to, pool) = match pool {
            None => (to, None),
            Some(pool) => {
                let before = Layout::new(membranes, [0; 2], [0; 2]);
                let maximum = Maximum::new(pool, &before, &to, planes)?;
                (before, Some(Box::new(maximum)))
            }
        };
        let fused = FastRule::new(&neurons).filter(|_| self.isa.fuses(planes.bytes)).map(Box::new);
        Some(Use::Codes { neurons: Neurons { rule: Rule::new(neurons), fused, to, planes }, pool })
    }

    /// The synapses and the shortcut, all in the same form.
    fn synapses(
        self,
        terms: &Terms,
        form: &Form,
        factors: Option<&[i64]>,
        bias: &[i32],
    ) -> Option<(Synapse, Option<Second>, Option<Shortcut>)> {
        let synapse = self.synapse(terms.weighted[0], form, factors, bias)?;
        let source = self.network.node(terms.weighted[0]).inputs[0];
        let bytes = self.maps[source.0].as_ref()?.1.bytes;
        let second = match terms.weighted.get(1) {
            None => None,
            Some(&second) => match self.synapse(second, form, None, &vec![0; bias.len()])? {
                Synapse::Dense(dense) if dense.passes() == synapse.passes() => {
                    let grid = dense.grid(None, None, None);
                    Some((dense, self.network.node(second).inputs[0], grid))
                }
                _ => return None,
            },
        };
        let skip = match &terms.skip {
            None => None,
            Some((from, factors)) => {
                let (layout, planes) = self.maps[from.0].clone()?;
                let alike = matches!(form, Form::Words(_)) || planes.bytes == bytes;
                if !alike || factors.iter().any(|f| !(0..1 << 15).contains(f)) {
                    return None;
                }
                let mut packed = vec![[0; LANES]; bias.len().div_ceil(LANES)];
                for (channel, &factor) in factors.iter().enumerate() {
                    packed[channel / LANES][channel % LANES] = factor as i32;
                }
                Some(Shortcut { factors: packed, from: *from, layout, planes })
            }
        };
        Some((synapse, second, skip))
    }

    /// Packs the weights of a node, those of depthwise layers multiplied by factors.
    fn synapse(self, id: NodeId, form: &Form, factors: Option<&[i64]>, bias: &[i32]) -> Option<Synapse> {
        let node = self.network.node(id);
        let from = *node.inputs.first()?;
        let (layout, planes) = self.maps[from.0].as_ref()?;
        let input = (layout, *planes, self.planar[from.0]?.largest);
        let NodeKind::Synapse(op) = &node.kind else { return None };
        let small = |weights: &[f32]| weights.iter().all(|w| w.fract() == 0.0 && w.abs() <= 127.0);
        match op {
            Op::Conv(conv) => {
                let shape = &self.network.node(from).shape;
                let geometry = Geometry::conv(conv, shape, &node.shape);
                let weights = conv.weight.data();
                if !small(weights) {
                    return None;
                }
                let (inputs, [height, width]) = (conv.weight.shape()[1], geometry.kernel);
                let at =
                    |o: usize, i: usize, [y, x]: [usize; 2]| weights[((o * inputs + i) * height + y) * width + x] as i8;
                if is_depthwise(conv, shape[0]) {
                    let factor = |channel: usize| factors.map_or(1, |factors| factors[channel] as i16);
                    let weight = |channel, tap| factor(channel) * i16::from(at(channel, 0, tap));
                    return Some(Synapse::Depthwise(Box::new(Depthwise::new(geometry, layout, *planes, weight, bias))));
                }
                Dense::new((self.isa, form), geometry, input, at, bias).map(Box::new).map(Synapse::Dense)
            }
            Op::Linear(linear) => {
                let weights = linear.weight.data();
                if !small(weights) {
                    return None;
                }
                let geometry = Geometry::linear(linear);
                let inputs = geometry.channels[0];
                let at = |o: usize, i: usize, _| weights[o * inputs + i] as i8;
                Dense::new((self.isa, form), geometry, input, at, bias).map(Box::new).map(Synapse::Dense)
            }
            _ => None,
        }
    }
}

/// A map of constants with its channels last.
fn channels_last(map: &[i64], positions: usize, stored: usize) -> Vec<i32> {
    let mut packed = vec![0; positions * stored];
    for (i, &value) in map.iter().enumerate() {
        packed[i % positions * stored + i / positions] = value as i32;
    }
    packed
}
