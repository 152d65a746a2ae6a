//! A streaming network under construction: the populations decided so far, and the network up to any point.

use std::sync::Mutex;

use spikeconverter_engine::{Batch, ShowStep, StepRecord};
use spikeconverter_graph::ops::{Affine, Conv, ConvTranspose, Linear, MaxPool};
use spikeconverter_graph::{NodeId, Op, Tensor};
use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Population, Readout, SpikingNetwork};

use super::neuron::{max_pool, probe, streaming};
use super::tapes::{Run, Tapes};
use super::{Recipe, undecided};
use crate::{ConvertError, Granularity, Options};

/// What is decided of a population.
#[derive(Debug, Clone)]
pub(super) struct Decision {
    /// Thresholds: one, one a channel, or one a neuron.
    pub(super) threshold: Vec<f32>,
    /// Membrane potentials before the first step: none, or as the thresholds, or one a channel or neuron.
    pub(super) initial: Vec<f32>,
    /// Current that is added in each step: none, one a channel, or one a neuron.
    pub(super) shift: Vec<f32>,
    /// What the population's current is multiplied by, before the shift.
    pub(super) gain: f32,
}

/// The network without thresholds, and what is decided.
pub(super) struct Draft<'a> {
    recipe: Recipe,
    network: &'a SpikingNetwork,
    time_steps: u32,
    encoding: Encoding,
    decisions: Vec<Option<Decision>>,
    /// Synapses with weights of their own.
    reweighed: Vec<Option<Op>>,
    /// The read-out's membrane before the first step.
    readout: Vec<f32>,
    /// For each node, those that read it.
    consumers: Vec<Vec<NodeId>>,
    /// Samples that are simulated, and what decided populations send on them.
    samples: Batch,
    tapes: Tapes,
}

impl<'a> Draft<'a> {
    pub(super) fn new(network: &'a SpikingNetwork, recipe: Recipe, options: &Options, samples: Batch) -> Self {
        let count = network.nodes().len();
        Self {
            recipe,
            network,
            time_steps: options.time_steps,
            encoding: options.encoding,
            decisions: vec![None; count],
            reweighed: vec![None; count],
            readout: Vec::new(),
            consumers: network.consumers(),
            samples,
            tapes: Tapes::default(),
        }
    }

    /// The network without thresholds.
    pub(super) fn network(&self) -> &'a SpikingNetwork {
        self.network
    }

    /// The recipe.
    pub(super) fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The samples that are simulated.
    pub(super) fn samples(&self) -> &Batch {
        &self.samples
    }

    /// `T`.
    pub(super) fn time_steps(&self) -> u32 {
        self.time_steps
    }

    /// The steps that the read-out reads.
    pub(super) fn steps_read(&self) -> u32 {
        self.time_steps - self.recipe.skip_steps
    }

    /// Decides a population.
    pub(super) fn decide(&mut self, id: NodeId, decision: Decision) {
        self.decisions[id.0] = Some(decision);
        self.tapes.forget(id);
    }

    /// What is decided of a population.
    pub(super) fn decision(&self, id: NodeId) -> Option<&Decision> {
        self.decisions[id.0].as_ref()
    }

    /// The same, to be corrected.
    pub(super) fn decision_mut(&mut self, id: NodeId) -> Option<&mut Decision> {
        self.tapes.forget(id);
        self.decisions[id.0].as_mut()
    }

    /// Gives a synapse other weights.
    pub(super) fn reweigh(&mut self, id: NodeId, op: Op) {
        self.reweighed[id.0] = Some(op);
    }

    /// A synapse's operation with the weights it has by now.
    pub(super) fn weighed<'o>(&'o self, id: NodeId, op: &'o Op) -> &'o Op {
        self.reweighed[id.0].as_ref().unwrap_or(op)
    }

    /// Sets the read-out's membrane before the first step.
    pub(super) fn start_readout(&mut self, initial: Vec<f32>) {
        self.readout = initial;
    }

    /// The streaming network, with all populations decided.
    pub(super) fn finish(&self) -> Result<SpikingNetwork, ConvertError> {
        let mut builder = self.builder(self.time_steps)?;
        let mut places = Places::new(self.network);
        for id in self.network.ids().skip(1) {
            self.place(&mut builder, &mut places, id)?;
        }
        Ok(builder.finish(places.of(self.network.output())?)?)
    }

    /// The mean over all steps of what a population's neurons send, before their maximum, for each sample. It is decided and may
    /// still change; what comes before is settled.
    pub(super) fn mean(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        let (builder, places) = self.up_to(id, self.time_steps)?;
        let sent = places.trains[id.0].ok_or_else(|| undecided(self.network.node(id)))?;
        self.run(builder, &places, (sent, 0), Some(id), None)
    }

    /// The mean of what a node sends over the steps that the read-out reads; all that comes before is settled.
    pub(super) fn read(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        let (builder, places) = self.up_to(id, self.time_steps)?;
        let place = places.of(id)?;
        self.run(builder, &places, (place, self.recipe.skip_steps), None, None)
    }

    /// The mean over all steps of what a node's readers receive (a population's maximum, where it has one), for each sample.
    /// All that comes before is settled.
    pub(super) fn delivered(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        if id.0 == 0 {
            // however samples enter, they stand for themselves
            return Ok(self.samples.clone());
        }
        let (builder, places) = self.up_to(id, self.time_steps)?;
        let place = places.of(id)?;
        self.run(builder, &places, (place, 0), None, None)
    }

    /// The mean at a place of a network under construction, after some steps. Trains of populations that are settled are kept,
    /// and not simulated again.
    fn run(
        &mut self,
        mut builder: NetworkBuilder,
        places: &Places,
        (place, skip): (NodeId, u32),
        unsettled: Option<NodeId>,
        show: Option<(NodeId, &ShowStep<'_>)>,
    ) -> Result<Batch, ConvertError> {
        let end = builder.add("mean", NodeKind::Readout(Readout { skip, ..Readout::default() }), &[place])?;
        let network = builder.finish(end)?;
        let run = Run { network: &network, trains: &places.trains, unsettled, show };
        let output = self.tapes.run(&run, &self.samples)?;
        self.tapes.trim(self.network, &self.consumers);
        Ok(output)
    }

    /// The largest value in any of `steps` steps of a current, over the samples, for each group of neurons.
    pub(super) fn largest_input(
        &mut self,
        id: NodeId,
        granularity: Granularity,
        steps: u32,
    ) -> Result<Vec<f32>, ConvertError> {
        let current = self.network.node(id).inputs[0];
        let (mut builder, places) = self.up_to(current, steps)?;
        let mut place = places.of(current)?;
        if let NodeKind::Population(population) = &self.network.node(id).kind
            && let Some(pool) = self.pool_in_front(population)
        {
            place = builder.add("max", max_pool(pool, self.recipe.pool.rule()), &[place])?;
        }
        // never fires, so that its membrane is the sum of all inputs so far
        let probe = builder.add("probe", NodeKind::Streaming(probe()), &[place])?;
        let count = super::threshold::groups(&builder.node(probe).shape, granularity);
        // of each sample, the largest so far and the membranes of the step before
        let samples: Vec<Mutex<(Vec<f64>, Vec<f64>)>> =
            (0..self.samples.count()).map(|_| Mutex::new((vec![0.0; count], Vec::new()))).collect();
        let show = |step: &StepRecord<'_>| {
            // steps of a sample are shown by one thread
            let Ok(mut of_sample) = samples[step.sample].lock() else { return };
            let (largest, before) = &mut *of_sample;
            before.resize(step.membranes.len(), 0.0);
            let inner = step.membranes.len() / count;
            for (n, (now, before)) in step.membranes.iter().zip(before.iter()).enumerate() {
                largest[n / inner] = largest[n / inner].max(now - before);
            }
            before.copy_from_slice(step.membranes);
        };
        self.run(builder, &places, (probe, 0), None, Some((probe, &show)))?;
        let of_samples = samples.into_iter().filter_map(|sample| sample.into_inner().ok());
        let largest = of_samples.fold(vec![0.0f64; count], |largest, (of_sample, _)| {
            largest.into_iter().zip(of_sample).map(|(a, b)| a.max(b)).collect()
        });
        Ok(largest.into_iter().map(|x| x as f32).collect())
    }

    fn builder(&self, steps: u32) -> Result<NetworkBuilder, ConvertError> {
        let input = &self.network.nodes()[0];
        let builder = NetworkBuilder::stream(steps, input.name.clone(), input.shape.clone(), self.encoding)?;
        Ok(builder.coded(self.recipe.coding())?.rehearsed(self.recipe.rehearsal())?)
    }

    /// The network with a node and all that it depends on, and their places in it.
    fn up_to(&self, last: NodeId, steps: u32) -> Result<(NetworkBuilder, Places), ConvertError> {
        let mut builder = self.builder(steps)?;
        let mut places = Places::new(self.network);
        let mut needed = vec![false; last.0 + 1];
        needed[last.0] = true;
        for id in (0..=last.0).rev().filter(|&i| i > 0).map(NodeId) {
            if needed[id.0] {
                self.network.node(id).inputs.iter().for_each(|input| needed[input.0] = true);
            }
        }
        for id in (1..=last.0).filter(|&i| needed[i]).map(NodeId) {
            self.place(&mut builder, &mut places, id)?;
        }
        Ok((builder, places))
    }

    /// Adds a node, and what goes with it.
    fn place(&self, builder: &mut NetworkBuilder, places: &mut Places, id: NodeId) -> Result<(), ConvertError> {
        let node = self.network.node(id);
        let inputs = node.inputs.iter().map(|&input| places.of(input)).collect::<Result<Vec<_>, _>>()?;
        let kind = match &node.kind {
            NodeKind::Population(population) => return self.populate(builder, places, id, population, inputs[0]),
            NodeKind::MaxPool(pool) => max_pool(pool, self.recipe.pool.of_trains()),
            NodeKind::Synapse(op) => NodeKind::Synapse(self.listener_op(id, op)),
            NodeKind::Readout(_) => {
                NodeKind::Readout(Readout { initial: self.readout.clone(), skip: self.recipe.skip_steps })
            }
            other => other.clone(),
        };
        places.values[id.0] = Some(builder.add(node.name.clone(), kind, &inputs)?);
        Ok(())
    }

    /// Adds a population: its shift where no operation before it takes it, its neurons, and its maximum.
    fn populate(
        &self,
        builder: &mut NetworkBuilder,
        places: &mut Places,
        id: NodeId,
        population: &Population,
        mut current: NodeId,
    ) -> Result<(), ConvertError> {
        let node = self.network.node(id);
        let decision = self.decision(id).ok_or_else(|| undecided(node))?;
        let before = self.pool_in_front(population);
        if let Some(pool) = before {
            current = builder.add(format!("{}/max", node.name), max_pool(pool, self.recipe.pool.rule()), &[current])?;
        }
        if !decision.is_plain() && !self.takes_shift(node.inputs[0], decision) {
            let affine = Op::Affine(decision.affine(&builder.node(current).shape));
            current = builder.add(format!("{}/current", node.name), NodeKind::Synapse(affine), &[current])?;
        }
        let neurons = streaming(&self.recipe, &node.name, population, decision)?;
        let train = builder.add(node.name.clone(), NodeKind::Streaming(neurons), &[current])?;
        places.trains[id.0] = Some(train);
        places.values[id.0] = Some(match &population.pool {
            Some(pool) if before.is_none() => {
                builder.add(format!("{}/max", node.name), max_pool(pool, self.recipe.pool.rule()), &[train])?
            }
            _ => train,
        });
        Ok(())
    }

    /// The maximum of a population's currents, where it is taken in front of the neurons.
    pub(super) fn pool_in_front<'p>(&self, population: &'p Population) -> Option<&'p MaxPool> {
        population.pool.as_ref().filter(|_| self.recipe.pool.in_front())
    }

    /// Whether a node's own operation takes the shift and gain of the population that reads it: its biases are those of
    /// the channels, and nothing else reads it.
    fn takes_shift(&self, id: NodeId, decision: &Decision) -> bool {
        let node = self.network.node(id);
        let shape = &node.shape;
        let biased = match &node.kind {
            NodeKind::Synapse(Op::Conv(_) | Op::ConvTranspose(_)) => true,
            NodeKind::Synapse(Op::Linear(_)) => shape.len() == 1,
            _ => false,
        };
        let of_channels = decision.shift.is_empty() || Some(&decision.shift.len()) == shape.first();
        biased && of_channels && self.consumers[id.0].len() == 1
    }

    /// The operation of a synapse with the shift and gain of the population that reads it.
    fn listener_op(&self, id: NodeId, op: &Op) -> Op {
        let op = self.weighed(id, op);
        let [reader] = self.consumers[id.0][..] else { return op.clone() };
        match &self.decisions[reader.0] {
            Some(decision) if !decision.is_plain() && self.takes_shift(id, decision) => decision.folded(op.clone()),
            _ => op.clone(),
        }
    }
}

impl Decision {
    /// Thresholds, and nothing else.
    pub(super) fn thresholds(threshold: Vec<f32>) -> Self {
        Self { threshold, initial: Vec::new(), shift: Vec::new(), gain: 1.0 }
    }

    /// Whether currents stay as they are.
    fn is_plain(&self) -> bool {
        self.gain == 1.0 && self.shift.iter().all(|&x| x == 0.0)
    }

    /// Gain and shift as an operation on currents of a shape.
    fn affine(&self, shape: &[usize]) -> Affine {
        let constant = |values: &[f32]| {
            // one a neuron, or one for each entry of the first axis
            let mut extents = shape.to_vec();
            if values.len() != shape.iter().product::<usize>() {
                extents.fill(1);
                extents[0] = values.len();
            }
            Tensor::new(extents, values.to_vec()).ok()
        };
        let scale = (self.gain != 1.0).then(|| Tensor::full(vec![1; shape.len()], self.gain));
        let shift = (!self.shift.is_empty()).then(|| constant(&self.shift)).flatten();
        Affine { scale, shift }
    }

    /// An operation with gain and shift in its weights and biases.
    fn folded(&self, op: Op) -> Op {
        let weight = |tensor: &Tensor| tensor.map(|w| w * self.gain);
        let bias = |bias: &Option<Tensor>| {
            if self.shift.is_empty() {
                return bias.as_ref().map(weight);
            }
            let of = |c: usize| bias.as_ref().map_or(0.0, |bias| bias.data()[c]);
            Some(Tensor::vector(self.shift.iter().enumerate().map(|(c, shift)| of(c) * self.gain + shift).collect()))
        };
        match op {
            Op::Conv(c) => Op::Conv(Conv { weight: weight(&c.weight), bias: bias(&c.bias), ..c }),
            Op::ConvTranspose(c) => {
                Op::ConvTranspose(ConvTranspose { weight: weight(&c.weight), bias: bias(&c.bias), ..c })
            }
            Op::Linear(l) => Op::Linear(Linear { weight: weight(&l.weight), bias: bias(&l.bias) }),
            other => other,
        }
    }
}

/// For each node of the network without thresholds, its places in the network built of it.
struct Places {
    /// What carries its value.
    values: Vec<Option<NodeId>>,
    /// A population's trains, before its maximum.
    trains: Vec<Option<NodeId>>,
}

impl Places {
    fn new(network: &SpikingNetwork) -> Self {
        let none = vec![None; network.nodes().len()];
        let mut values = none.clone();
        values[0] = Some(NodeId(0));
        Self { values, trains: none }
    }

    /// What carries the value of a node.
    fn of(&self, id: NodeId) -> Result<NodeId, ConvertError> {
        self.values[id.0].ok_or_else(|| ConvertError::Network(format!("node number {} has no place", id.0)))
    }
}
