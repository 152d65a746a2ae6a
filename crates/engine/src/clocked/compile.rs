//! A network made into the stages of a [`Program`].

use spikeconverter_graph::ops::{Affine, Conv, ConvTranspose, Linear, Pad};
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{Encoding, NodeKind, Readout, SpikingNetwork};
use spikeconverter_neuron::Reset;

use super::fused::Fused;
use super::graded::Graded;
use super::layout::Layout;
use super::map::SparseMap;
use super::pool::Pool;
use super::positions::PositionMap;
use super::program::{BLOCK, Constant, End, Operation, Program, Source, Stage, Term, Work};
use crate::EngineError;
use crate::kernels::events::EventSynapses;
use crate::kernels::fire::Neurons;
use crate::kernels::{Compiled, compile};

/// Currents that are computed before the neurons take them (256 KiB), so that they stay in a core's own cache.
const CURRENTS: usize = 1 << 16;
/// The same where weights are so many that reading them costs more (2 MiB).
const CURRENTS_OF_MANY_WEIGHTS: usize = 1 << 19;
/// Weights that do not stay in a core's own cache (1 MiB).
const MANY_WEIGHTS: usize = 1 << 18;

struct Compiler<'a> {
    network: &'a SpikingNetwork,
    constant: Vec<bool>,
    shared: Vec<bool>,
    constants: Vec<Option<Compiled>>,
}

impl Program {
    pub(super) fn new(network: &SpikingNetwork) -> Result<Self, EngineError> {
        Self::of(network, &vec![true; network.nodes().len()])
    }

    /// The part that the network's result needs behind populations whose trains are known.
    pub(super) fn behind(network: &SpikingNetwork, known: &[NodeId]) -> Result<Self, EngineError> {
        let mut needed = vec![false; network.nodes().len()];
        needed[network.output().0] = true;
        for i in (0..needed.len()).rev().filter(|i| !known.contains(&NodeId(*i))) {
            if needed[i] {
                network.nodes()[i].inputs.iter().for_each(|input| needed[input.0] = true);
            }
        }
        for id in known {
            needed[id.0] = false;
        }
        Self::of(network, &needed)
    }

    fn of(network: &SpikingNetwork, needed: &[bool]) -> Result<Self, EngineError> {
        let count = network.nodes().len();
        let mut constant = vec![false; count];
        for id in network.ids() {
            let node = network.node(id);
            constant[id.0] = match node.kind {
                NodeKind::Input(encoding) => encoding == Encoding::Analog,
                NodeKind::Synapse(_) => node.inputs.iter().all(|i| constant[i.0]),
                _ => false,
            };
        }
        let readers = network.consumers();
        let shared = network.ids().map(|id| {
            let synapse = matches!(network.node(id).kind, NodeKind::Synapse(_));
            synapse && !constant[id.0] && readers[id.0].len() > 1
        });
        let shared = shared.collect();
        let mut compiler = Compiler { network, constant, shared, constants: (0..count).map(|_| None).collect() };
        let mut stages = Vec::new();
        let mut heads: Vec<Option<Compiled>> = (0..count).map(|_| None).collect();
        for id in network.ids().filter(|id| needed[id.0]) {
            match &network.node(id).kind {
                NodeKind::Synapse(op) if compiler.constant[id.0] => {
                    compiler.constants[id.0] = Some(compiler.kernel(op, id)?);
                }
                NodeKind::Synapse(_) if !compiler.shared[id.0] => {}
                NodeKind::Synapse(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) | NodeKind::Readout(_) => {
                    stages.push(compiler.stage(id)?);
                }
                NodeKind::Head(op) => heads[id.0] = Some(compiler.kernel(op, id)?),
                NodeKind::Input(_) => {}
                NodeKind::Population(_) | NodeKind::MaxPool(_) => {
                    let reason = "it has no place in a streaming network".to_owned();
                    return Err(EngineError::Op { what: compiler.name(id), reason });
                }
            }
        }
        let changes = compiler.constant.iter().zip(needed).map(|(constant, needed)| !constant && *needed).collect();
        Ok(Self { constants: compiler.constants, changes, stages, heads })
    }
}

impl Compiler<'_> {
    fn name(&self, id: NodeId) -> String {
        format!("node `{}`", self.network.node(id).name)
    }

    fn shapes(&self, id: NodeId) -> Vec<&[usize]> {
        self.network.node(id).inputs.iter().map(|&i| self.network.node(i).shape.as_slice()).collect()
    }

    fn kernel(&self, op: &Op, id: NodeId) -> Result<Compiled, EngineError> {
        Ok(compile(op, &self.shapes(id))?.named(self.name(id)))
    }

    fn layout(&self, id: NodeId) -> Layout {
        Layout::new(&self.network.node(id).shape)
    }

    /// The stage that ends at a population, a read-out or a synapse that is shared.
    fn stage(&mut self, id: NodeId) -> Result<Stage, EngineError> {
        let node = self.network.node(id);
        let layout = self.layout(id);
        let end = match &node.kind {
            NodeKind::Streaming(_) => self.fire(id),
            NodeKind::StreamingPool(pool) => {
                let input = &self.network.node(node.inputs[0]).shape;
                End::Pool(Pool::new(pool, input, &node.shape, self.network.coding()))
            }
            NodeKind::Readout(Readout { initial, skip }) => {
                End::Read { initial: layout.spread(|c| initial.get(c).copied().unwrap_or(0.0)), skip: *skip }
            }
            _ => End::Share,
        };
        let root = if matches!(end, End::Share) { id } else { node.inputs[0] };
        let own = self.own(root, id);
        let mut operations = Vec::new();
        for &id in &own {
            operations.push(self.operation(id, &own)?);
        }
        let mut source = self.source(root, &own);
        if let Source::Train(train) = source {
            let scale = self.amplitudes(train, 1.0);
            let layout = self.layout(train);
            let work = Work::Sum {
                constant: Constant::Fixed(vec![0.0; layout.volume()]),
                terms: vec![(source, Term::Scale(scale))],
            };
            operations.push(Operation { node: id, layout, work });
            source = Source::Own(0);
        }
        let largest = operations.iter().map(|o| o.layout.volume()).max().unwrap_or(0).max(1);
        let weights = |id: &NodeId| match &self.network.node(*id).kind {
            NodeKind::Synapse(op) => op.tensors().iter().map(|(_, tensor)| tensor.len()).sum(),
            _ => 0,
        };
        let many = own.iter().map(weights).max().unwrap_or(0) > MANY_WEIGHTS;
        let steps = (if many { CURRENTS_OF_MANY_WEIGHTS } else { CURRENTS } / largest).clamp(1, BLOCK);
        let steps = if operations.is_empty() { BLOCK } else { steps };
        // where constants act once, they are added apart
        let repeats = self.network.coding().repeats_constants();
        let fused = if repeats { Fused::of(&operations, source, &end) } else { None };
        Ok(Stage { node: id, operations, source, layout, end, steps, fused })
    }

    /// The operations of the stage that ends at `end`, from what it reads (`root`) down to what other stages compute.
    fn own(&self, root: NodeId, end: NodeId) -> Vec<NodeId> {
        let mut read = vec![false; root.0 + 1];
        read[root.0] = true;
        let mut own = Vec::new();
        for i in (0..=root.0).rev().filter(|&i| !self.constant[i]) {
            let node = self.network.node(NodeId(i));
            if read[i] && matches!(node.kind, NodeKind::Synapse(_)) && (!self.shared[i] || i == end.0) {
                node.inputs.iter().for_each(|input| read[input.0] = true);
                own.push(NodeId(i));
            }
        }
        own.reverse();
        own
    }

    fn source(&self, id: NodeId, own: &[NodeId]) -> Source {
        if self.constant[id.0] {
            return Source::Constant(id);
        }
        if let Some(number) = own.iter().position(|&o| o == id) {
            return Source::Own(number);
        }
        if crate::is_binary(self.network, id) { Source::Train(id) } else { Source::Shared(id) }
    }

    /// What a spike of a node carries in a channel; 1 where values are no spikes.
    fn amplitude(&self, id: NodeId, channel: usize) -> f32 {
        let node = self.network.node(id);
        match &node.kind {
            NodeKind::Streaming(population) if crate::is_binary(self.network, id) => {
                population.threshold(channel * self.layout(id).inner, &node.shape)
            }
            _ => 1.0,
        }
    }

    /// `factor` times what spikes carry, for each element of a position.
    fn amplitudes(&self, id: NodeId, factor: f32) -> Vec<f32> {
        let layout = self.layout(id);
        let of = |c: usize| if c < layout.channels { factor * self.amplitude(id, c) } else { 0.0 };
        (0..layout.padded).map(of).collect()
    }

    fn operation(&mut self, id: NodeId, own: &[NodeId]) -> Result<Operation, EngineError> {
        let node = self.network.node(id);
        let layout = self.layout(id);
        let NodeKind::Synapse(op) = &node.kind else {
            return Err(EngineError::Op { what: self.name(id), reason: "it is no synapse".into() });
        };
        let sources: Vec<Source> = node.inputs.iter().map(|&i| self.source(i, own)).collect();
        let changing = || (0..).zip(&sources).filter(|(_, s)| !matches!(s, Source::Constant(_)));
        let mut terms = Vec::new();
        for (input, source) in changing() {
            let Some(term) = self.term(op, id, input)? else {
                let inputs = node.inputs.iter().zip(sources).map(|(&i, source)| (source, self.layout(i)));
                let inputs = inputs.collect();
                let (kernel, first) = if self.network.coding().repeats_constants() {
                    (self.kernel(op, id)?, None)
                } else {
                    (self.kernel(&without_constants(op), id)?, Some(self.at_rest(op, id)?))
                };
                return Ok(Operation { node: id, layout, work: Work::Kernel { kernel, inputs, first } });
            };
            terms.push((*source, term));
        }
        let constant = if terms.len() < sources.len() {
            self.constants[id.0] = Some(self.kernel(op, id)?);
            Constant::OfSample
        } else {
            Constant::Fixed(self.at_rest(op, id)?)
        };
        let plain = matches!(op, Op::Add(add) if add.coefficients.first() == Some(&1.0));
        let nothing = matches!(&constant, Constant::Fixed(values) if values.iter().all(|&x| x == 0.0));
        if let Some((Source::Own(_), term @ Term::Scale(_))) = terms.first_mut()
            && plain
            && nothing
            && !node.inputs[1..].contains(&node.inputs[0])
        {
            *term = Term::Same;
        }
        Ok(Operation { node: id, layout, work: Work::Sum { constant, terms } })
    }

    /// What input number `input` of a node adds; `None` where only a kernel can say.
    fn term(&self, op: &Op, id: NodeId, input: usize) -> Result<Option<Term>, EngineError> {
        let node = self.network.node(id);
        let from = node.inputs[input];
        let shapes = self.shapes(id);
        let amplitude = |channel: usize| self.amplitude(from, channel);
        let refuse = |reason: String| EngineError::Op { what: self.name(id), reason };
        // dense products begin with biases
        let op = if self.network.coding().repeats_constants() { op } else { &without_constants(op) };
        Ok(match op {
            Op::Conv(conv) if conv.groups == 1 => {
                let graded = !crate::is_binary(self.network, from);
                let synapses = EventSynapses::conv(conv, shapes[0], &node.shape, amplitude, graded).map_err(refuse)?;
                Some(Term::Synapses(Box::new(synapses)))
            }
            Op::Linear(linear) if shapes[0].len() == 1 => {
                Some(Term::Synapses(Box::new(EventSynapses::linear(linear, amplitude).map_err(refuse)?)))
            }
            Op::Add(add) if shapes[input] == node.shape.as_slice() => {
                let coefficient = add.coefficients.get(input).copied().unwrap_or(1.0);
                Some(Term::Scale(self.amplitudes(from, coefficient)))
            }
            _ => match PositionMap::new(op, shapes[input], &node.shape, amplitude).map_err(refuse)? {
                Some(map) => Some(Term::Positions(map)),
                None => SparseMap::new(op, &shapes, &node.shape, input, amplitude).map(Term::Map),
            },
        })
    }

    /// What an operation gives when its inputs are 0.
    fn at_rest(&self, op: &Op, id: NodeId) -> Result<Vec<f32>, EngineError> {
        let layout = self.layout(id);
        let bias = match op {
            Op::Conv(conv) => conv.bias.as_ref(),
            Op::Linear(linear) => linear.bias.as_ref(),
            _ => {
                let shapes = self.shapes(id);
                let zeros: Vec<Vec<f64>> = shapes.iter().map(|s| vec![0.0; s.iter().product()]).collect();
                let inputs: Vec<(&[usize], &[f64])> =
                    shapes.iter().zip(&zeros).map(|(s, z)| (*s, z.as_slice())).collect();
                let plain: Vec<f32> = crate::literal::apply(op, &inputs, true)?.iter().map(|&x| x as f32).collect();
                let mut values = vec![0.0; layout.volume()];
                layout.take(&plain, &mut values);
                return Ok(values);
            }
        };
        Ok(layout.spread(|c| bias.map_or(0.0, |bias| bias.data()[c])))
    }
}

impl Compiler<'_> {
    /// The neurons of a population: those whose trains are bits, with a kernel of their own, or any.
    fn fire(&self, id: NodeId) -> End {
        let (node, layout, coding) = (self.network.node(id), self.layout(id), self.network.coding());
        let NodeKind::Streaming(population) = &node.kind else { return End::Share };
        let kernel = population.reset != Reset::Modulo && self.network.rehearsal().is_none();
        if !(kernel && population.is_binary(&node.shape, coding)) {
            return End::Graded(Box::new(Graded::new(self.network, id, population)));
        }
        let threshold = |c: usize| population.threshold(c * layout.inner, &node.shape);
        let plain: Vec<f32> = (0..layout.channels * layout.inner).map(|n| population.initial(n, &node.shape)).collect();
        let mut initial = vec![0.0; layout.volume()];
        layout.take(&plain, &mut initial);
        End::Fire {
            neurons: Neurons::new(threshold, layout.channels, population.comparison, population.reset),
            initial,
        }
    }
}

/// An operation whose result is 0 when its inputs are.
pub(super) fn without_constants(op: &Op) -> Op {
    match op.clone() {
        Op::Conv(conv) => Op::Conv(Conv { bias: None, ..conv }),
        Op::ConvTranspose(conv) => Op::ConvTranspose(ConvTranspose { bias: None, ..conv }),
        Op::Linear(linear) => Op::Linear(Linear { bias: None, ..linear }),
        Op::Affine(affine) => Op::Affine(Affine { shift: None, ..affine }),
        Op::Pad(pad) => Op::Pad(Pad { value: 0.0, ..pad }),
        op => op,
    }
}
