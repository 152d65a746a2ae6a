//! Streaming networks: what their layers receive and send in the mean, and what they would send in another order.

use rayon::prelude::*;
use spikeconverter_engine::kernels::compile;
use spikeconverter_engine::{Batch, ClockedEngine, Engine, EngineError, SpikeCount};
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{
    Encoding, Negative, NetworkBuilder, NodeKind, Population, Readout, SpikingNetwork, StreamingPopulation, Transfer,
};
use spikeconverter_neuron::{Comparison, Emission, MemoryGate, Reset, StreamCoding, StreamingNeuron, StreamingState};

use super::layer::Tally;
use crate::ConvertError;

/// A streaming population and what it stands for.
pub(super) struct StreamLayer {
    pub(super) id: NodeId,
    /// The node whose value its neurons listen to, and the trained network's node that this is.
    input: NodeId,
    pub(super) membrane: NodeId,
    /// The trained network's node whose value it transmits, a maximum behind it included.
    pub(super) target: NodeId,
    population: StreamingPopulation,
    transfer: Transfer,
    /// The maximum in front of its neurons, and the one behind.
    front: Option<Op>,
    behind: Option<Op>,
}

impl StreamLayer {
    /// `placed` is the population as placement made it, whose transfer is the activation function itself. `front` says whether
    /// its maximum is taken before its neurons.
    pub(super) fn new(
        network: &SpikingNetwork,
        id: NodeId,
        population: &StreamingPopulation,
        placed: &Population,
        [membrane, target]: [NodeId; 2],
        front: bool,
    ) -> Self {
        let node = network.node(id);
        let pool = placed.pool.clone().map(Op::MaxPool);
        let (front, behind) = if front { (pool, None) } else { (None, pool) };
        let input = node.inputs[0];
        let (population, transfer) = (population.clone(), placed.transfer.clone());
        Self { id, input, membrane, target, population, transfer, front, behind }
    }

    /// The activations of its neurons, from the trained network's value of what they listen to.
    pub(super) fn activations(&self, membranes: &Batch) -> Result<Batch, EngineError> {
        let mut values = pooled(self.front.as_ref(), membranes)?;
        self.activate(&mut values);
        Ok(values)
    }

    fn activate(&self, values: &mut Batch) {
        let channels = values.shape().first().copied().unwrap_or(1);
        let inner = (values.volume() / channels).max(1);
        for (row, values) in values.data_mut().chunks_mut(inner).enumerate() {
            for v in values {
                *v = self.transfer.apply(f64::from(*v), row % channels) as f32;
            }
        }
    }

    /// What reaches its readers, from what its neurons send.
    pub(super) fn sent_on(&self, sent: &Batch) -> Result<Batch, EngineError> {
        pooled(self.behind.as_ref(), sent)
    }

    /// What its neurons send in the mean of membranes of the trained network, were these constant currents.
    pub(super) fn spiking(&self, membranes: &Batch, steps: u32) -> Result<Batch, EngineError> {
        let currents = pooled(self.front.as_ref(), membranes)?;
        self.sent_on(&self.simulate(&currents, steps, |neuron| neuron, |current, _| current))
    }

    /// What its neurons would send in the mean, had all their input come in the first step. What a reset to zero throws away
    /// depends on when it happens, so that these neurons are reset by subtraction.
    pub(super) fn all_input_first(&self, currents: &Batch, steps: u32) -> Batch {
        let all = f64::from(steps);
        self.simulate(
            currents,
            steps,
            |neuron| StreamingNeuron { reset: Reset::Subtract, ..neuron },
            |current, step| if step == 1 { all * current } else { 0.0 },
        )
    }

    /// Runs every neuron by itself on the input that `input` makes of its mean current in each step.
    fn simulate(
        &self,
        currents: &Batch,
        steps: u32,
        change: impl Fn(StreamingNeuron) -> StreamingNeuron + Sync,
        input: impl Fn(f64, u32) -> f64 + Sync,
    ) -> Batch {
        let shape = currents.shape();
        let neurons: Vec<(StreamingNeuron, f64)> = (0..currents.volume())
            .map(|n| {
                let neuron = change(self.population.neuron(n, shape, StreamCoding::Rate));
                (neuron, f64::from(self.population.initial(n, shape)))
            })
            .collect();
        let mut sent = currents.clone();
        sent.data_mut().par_chunks_mut(neurons.len().max(1)).for_each(|sample| {
            for (value, (neuron, initial)) in sample.iter_mut().zip(&neurons) {
                let current = f64::from(*value);
                let mut state = StreamingState::new(*initial);
                let step = |step: u32, state: &mut StreamingState| {
                    f64::from(neuron.step(state, input(current, step), step)) * neuron.amplitude(step)
                };
                let sum: f64 = (1..=steps).map(|t| step(t, &mut state)).sum();
                *value = (sum / f64::from(steps)) as f32;
            }
        });
        sent
    }

    /// Adds the parts of a batch's error: of activations, mean currents, and what was sent.
    pub(super) fn add_error(&self, tally: &mut Tally, steps: u32, wanted: &Batch, currents: &Batch, sent: &Batch) {
        let first = self.all_input_first(currents, steps);
        let shape = wanted.shape();
        let channels = shape.first().copied().unwrap_or(1);
        let (inner, each) = ((wanted.volume() / channels).max(1), wanted.volume().max(1));
        let most = self.population.largest_code(steps) as f64;
        let full: Vec<f64> = (0..each).map(|n| most * self.population.unit(n, shape, steps)).collect();
        for at in 0..wanted.data().len() {
            let channel = at / inner % channels;
            let passed = self.transfer.apply(f64::from(currents.data()[at]), channel);
            let bound = full[at % each];
            let wanted = f64::from(wanted.data()[at]);
            let values = [wanted, passed, passed, passed.clamp(-bound, bound), f64::from(first.data()[at])];
            tally.split.add(channel, values, f64::from(sent.data()[at]));
        }
    }

    /// A population that transmits the activation of its mean current to within a small part of its largest, `reach`: groups
    /// of many small spikes that are taken back where they turn out to be too many.
    fn analog(&self, reach: f32) -> StreamingPopulation {
        let members = StreamingPopulation::MOST_QUANTA;
        let threshold = if reach > 0.0 { 2.0 * reach } else { 1.0 };
        let negative = match &self.population.negative {
            Negative::Never | Negative::Memory(_) => {
                Negative::Memory(MemoryGate { share: 1.0, comparison: Comparison::AtLeast, low: 0, high: None })
            }
            slope @ Negative::Slope { .. } => slope.clone(),
        };
        StreamingPopulation {
            threshold: vec![threshold],
            emission: Emission::Group { members },
            negative,
            ..StreamingPopulation::default()
        }
    }
}

fn pooled(pool: Option<&Op>, values: &Batch) -> Result<Batch, EngineError> {
    pool.map_or_else(|| Ok(values.clone()), |pool| compile(pool, &[values.shape()])?.run(&[values]))
}

/// What a streaming network did on some samples.
pub(super) struct StreamTrace {
    pub(super) result: Batch,
    /// By node, of populations: codes, and numbers of spikes where these are others.
    codes: Vec<Option<Batch<i32>>>,
    spikes: Vec<Option<Batch<SpikeCount>>>,
    /// By node: mean values of a step, as far as they were needed.
    means: Vec<Option<Batch>>,
}

impl StreamTrace {
    /// Runs samples through a network.
    pub(super) fn new(network: &SpikingNetwork, samples: &Batch) -> Result<Self, EngineError> {
        let count = network.nodes().len();
        let (mut codes, mut spikes) = (vec![Vec::new(); count], vec![Vec::new(); count]);
        let result = ClockedEngine::new(network)?.run_counting(
            samples,
            &mut |id, batch| codes[id.0].extend_from_slice(batch.data()),
            &mut |id, batch| spikes[id.0].extend_from_slice(batch.data()),
        )?;
        let mut trace = Self { result, codes: Vec::new(), spikes: Vec::new(), means: vec![None; count] };
        for ((node, codes), spikes) in network.nodes().iter().zip(codes).zip(spikes) {
            let all = samples.count() * volume(&node.shape);
            trace.codes.push(whole(samples.count(), &node.shape, codes, all)?);
            trace.spikes.push(whole(samples.count(), &node.shape, spikes, all)?);
        }
        Ok(trace)
    }

    /// Mean values of a layer: its neurons' currents, and what they send.
    pub(super) fn means(
        &mut self,
        network: &SpikingNetwork,
        samples: &Batch,
        layer: &StreamLayer,
    ) -> Result<(Batch, Batch), ConvertError> {
        Ok((self.mean(network, samples, layer.input)?, self.mean(network, samples, layer.id)?))
    }

    /// The mean over all steps of a node's value. In rate coding operations are affine in it and trains are their codes;
    /// whatever is not so simple is read out of the network up to there.
    fn mean(&mut self, network: &SpikingNetwork, samples: &Batch, id: NodeId) -> Result<Batch, ConvertError> {
        if let Some(known) = &self.means[id.0] {
            return Ok(known.clone());
        }
        let node = network.node(id);
        let plain = network.coding() == StreamCoding::Rate;
        let value = match &node.kind {
            NodeKind::Input(_) if network.encoding() == Encoding::Analog => samples.clone(),
            NodeKind::Synapse(op) if plain => {
                let read = |&input: &NodeId| self.mean(network, samples, input);
                let inputs = node.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?;
                let shapes: Vec<&[usize]> = inputs.iter().map(Batch::shape).collect();
                compile(op, &shapes)?.run(&inputs.iter().collect::<Vec<_>>())?
            }
            NodeKind::Streaming(population) if plain && self.codes[id.0].is_some() => {
                let unit: Vec<f64> =
                    (0..volume(&node.shape)).map(|n| population.unit(n, &node.shape, network.time_steps())).collect();
                let codes = self.codes[id.0].iter().flat_map(|codes| codes.data().chunks(unit.len()));
                let values =
                    codes.flat_map(|sample| sample.iter().zip(&unit).map(|(&n, unit)| (f64::from(n) * unit) as f32));
                Batch::new(samples.count(), node.shape.clone(), values.collect())?
            }
            _ => ClockedEngine::new(&up_to(network, id)?)?.infer(samples)?,
        };
        self.means[id.0] = Some(value.clone());
        Ok(value)
    }

    /// Counts a layer's spikes.
    pub(super) fn count(&self, layer: &StreamLayer, steps: u32, tally: &mut Tally) {
        let Some(codes) = &self.codes[layer.id.0] else { return };
        let largest = layer.population.largest_code(steps);
        tally.windows += codes.count() as u64;
        for (number, codes) in codes.samples().enumerate() {
            let counts = self.spikes[layer.id.0].as_ref().map(|spikes| spikes.sample(number));
            for (n, &code) in codes.iter().enumerate() {
                tally.spikes[n] += counts.map_or(u64::from(code.unsigned_abs()), |counts| counts[n].spikes.into());
                tally.saturated[n] += u64::from(u64::from(code.unsigned_abs()) == largest);
            }
        }
    }
}

/// A batch of what a watcher was shown, if it was.
fn whole<T: Clone>(count: usize, shape: &[usize], data: Vec<T>, all: usize) -> Result<Option<Batch<T>>, EngineError> {
    if all > 0 && data.len() == all { Batch::new(count, shape.to_vec(), data).map(Some) } else { Ok(None) }
}

/// The result where a layer transmits activations instead of spikes; `None` where the network's code has no such neurons.
pub(super) fn result_with_analog(
    network: &SpikingNetwork,
    samples: &Batch,
    layer: &StreamLayer,
    reach: f32,
) -> Result<Option<Batch>, ConvertError> {
    let changed = network
        .with_kinds(|id, kind| if id == layer.id { NodeKind::Streaming(layer.analog(reach)) } else { kind.clone() });
    // what a network's wires carry, or a rehearsal, may rule such neurons out
    let Ok(changed) = changed else { return Ok(None) };
    Ok(Some(ClockedEngine::new(&changed)?.infer(samples)?))
}

/// The network up to a node, whose mean value is its result.
fn up_to(network: &SpikingNetwork, last: NodeId) -> Result<SpikingNetwork, ConvertError> {
    let input = &network.nodes()[0];
    let builder =
        NetworkBuilder::stream(network.time_steps(), input.name.clone(), input.shape.clone(), network.encoding())?;
    let mut builder = builder.coded(network.coding())?.rehearsed(network.rehearsal())?;
    let mut needed = vec![false; last.0 + 1];
    needed[last.0] = true;
    for id in (0..=last.0).rev().filter(|&i| i > 0).map(NodeId) {
        if needed[id.0] {
            network.node(id).inputs.iter().for_each(|input| needed[input.0] = true);
        }
    }
    let mut places = vec![NodeId(0); last.0 + 1];
    for id in (1..=last.0).filter(|&i| needed[i]).map(NodeId) {
        let node = network.node(id);
        let inputs: Vec<NodeId> = node.inputs.iter().map(|input| places[input.0]).collect();
        places[id.0] = builder.add(node.name.clone(), node.kind.clone(), &inputs)?;
    }
    let end = builder.add("mean", NodeKind::Readout(Readout::default()), &[places[last.0]])?;
    Ok(builder.finish(end)?)
}
