use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use spikeconverter_graph::{Graph, NodeId, Op, Role, volume};
use spikeconverter_network::{Encoding, NodeKind, Simulation, SpikingNetwork, StreamingPool};

use super::tally::{saturated, tally, tally_counts, tally_signed, tally_spikes};
use super::{Evaluation, LayerRecord};
use crate::fan_out::structural_fan_out;
use crate::stream_input::StreamInput;
use crate::{Ann, Batch, Engine, EngineError, SpikeCount, StreamingEngine, UntilStable};

/// Runs a trained network and the spiking network made from it on the same samples and counts.
///
/// # Synaptic operations
/// One for each connection that a spike crosses: in an operation with weights, each result that the neuron is connected to
/// (taps in the padding are no connections, zero weights are); without weights on the way, each neuron that it reaches.
/// Operations that only move or sum spikes hand them on. A [maximum of trains](NodeKind::MaxPool), of either kind, is counted as if it passed
/// every spike to all that its results reach, an upper bound: what it holds back is not known here. A spike crosses the first
/// weights that it meets; weights behind these, without a population between, are not counted.
pub struct Evaluator<'a> {
    network: &'a SpikingNetwork,
    engine: &'a dyn Engine,
    /// Where samples are stopped early.
    until: Option<(&'a dyn StreamingEngine, UntilStable)>,
    ann: Ann,
    ann_macs: u64,
    input_macs: u64,
    /// For each neuron of the input where it spikes, its synaptic operations a spike.
    input_fan_out: Vec<u32>,
    /// The same for each population, with its place among them.
    fan_out: BTreeMap<NodeId, (usize, Vec<u32>)>,
    /// Whether the results are classes, not scores of classes.
    ann_gives_class: bool,
    snn_gives_class: bool,
}

/// What the trained network said of some samples.
#[derive(Debug, Clone)]
pub struct TrainedResults {
    values: Batch,
    /// Time that it took.
    nanoseconds: u64,
}

impl<'a> Evaluator<'a> {
    /// Prepares the evaluation of `network`, run by `engine`, beside `ann`, whose first result it stands for.
    ///
    /// # Errors
    /// When a node of either network does not fit its inputs, or the trained network has no result.
    pub fn new(network: &'a SpikingNetwork, ann: &Graph, engine: &'a dyn Engine) -> Result<Self, EngineError> {
        let output = *ann.outputs().first().ok_or(EngineError::NoNode { nodes: ann.nodes().len(), id: 0 })?;
        let mut reach = reach(network)?;
        let populations = network.spiking().enumerate();
        let fan_out = populations.map(|(i, id)| (id, (i, std::mem::take(&mut reach[id.0])))).collect();
        let analog = network.encoding() == Encoding::Analog;
        Ok(Self {
            network,
            engine,
            until: None,
            ann: Ann::new(ann)?,
            ann_macs: ann.macs(),
            input_macs: if analog { input_macs(network) } else { 0 },
            input_fan_out: if analog { Vec::new() } else { std::mem::take(&mut reach[0]) },
            fan_out,
            ann_gives_class: graph_gives_class(ann, output),
            snn_gives_class: network_gives_class(network),
        })
    }

    /// The same for a streaming network whose samples are stopped when their class is stable.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn until_stable(
        network: &'a SpikingNetwork,
        ann: &Graph,
        engine: &'a dyn StreamingEngine,
        rule: UntilStable,
    ) -> Result<Self, EngineError> {
        Ok(Self { until: Some((engine, rule)), ..Self::new(network, ann, engine)? })
    }

    /// Runs both networks on the same samples, each as it takes them: preprocessed, and encoded as the spiking network
    /// wants. The class of a result is its largest entry, the first of several (or, where the network ends in
    /// [`Op::ArgMax`], the result itself). A label is right when it is the class less `label_offset`.
    ///
    /// # Errors
    /// When the samples do not fit the networks, or the batches and labels differ in number.
    pub fn evaluate_batch(
        &self,
        ann_inputs: &Batch,
        snn_inputs: &Batch,
        labels: Option<&[u32]>,
        label_offset: i64,
    ) -> Result<Evaluation, EngineError> {
        self.evaluate_beside(&self.run_trained(ann_inputs)?, snn_inputs, labels, label_offset)
    }

    /// Runs the trained network alone, for [`Evaluator::evaluate_beside`].
    ///
    /// # Errors
    /// When the samples do not fit the trained network.
    pub fn run_trained(&self, inputs: &Batch) -> Result<TrainedResults, EngineError> {
        let started = Instant::now();
        let results = self.ann.run(std::slice::from_ref(inputs))?;
        let nanoseconds = nanoseconds(started.elapsed());
        let missing = || EngineError::NoNode { nodes: 0, id: 0 };
        Ok(TrainedResults { values: results.into_iter().next().ok_or_else(missing)?, nanoseconds })
    }

    /// [`Evaluator::evaluate_batch`] beside what the trained network said of the same samples before, so that it runs once
    /// for many spiking networks.
    ///
    /// # Errors
    /// As [`Evaluator::evaluate_batch`].
    pub fn evaluate_beside(
        &self,
        trained: &TrainedResults,
        snn_inputs: &Batch,
        labels: Option<&[u32]>,
        label_offset: i64,
    ) -> Result<Evaluation, EngineError> {
        let count = trained.values.count();
        for (what, other) in [("the evaluation", Some(snn_inputs.count())), ("the labels", labels.map(<[u32]>::len))] {
            if let Some(other) = other.filter(|&other| other != count) {
                return Err(EngineError::SampleCount { what: what.into(), first: count, other });
            }
        }
        let mut evaluation = self.empty();
        evaluation.ann_nanoseconds = trained.nanoseconds;
        let spiking = self.simulate(snn_inputs, &mut evaluation)?;

        let images = count as u64;
        evaluation.images = images;
        evaluation.labelled = if labels.is_some() { images } else { 0 };
        evaluation.ann_macs = self.ann_macs.saturating_mul(images);
        evaluation.input_macs = self.input_macs.saturating_mul(images);
        for (i, (a, s)) in trained.values.samples().zip(spiking.samples()).enumerate() {
            let (of_ann, of_snn) = (class(a, self.ann_gives_class), class(s, self.snn_gives_class));
            evaluation.agree += u64::from(of_ann.is_some() && of_ann == of_snn);
            if let Some(labels) = labels {
                let right = Some(i64::from(labels[i]).saturating_add(label_offset));
                evaluation.ann_correct += u64::from(of_ann == right);
                evaluation.snn_correct += u64::from(of_snn == right);
                evaluation.both_correct += u64::from(of_ann == right && of_snn == right);
            }
            let differences = a.iter().zip(s).map(|(a, s)| f64::from((a - s).abs())).filter(|d| d.is_finite());
            evaluation.max_difference = differences.fold(evaluation.max_difference, f64::max);
        }
        Ok(evaluation)
    }

    /// A record of no images of this network.
    pub fn empty(&self) -> Evaluation {
        let layers = self.network.spiking().map(|id| {
            let node = self.network.node(id);
            LayerRecord { name: node.name.clone(), neurons: volume(&node.shape) as u64, ..LayerRecord::default() }
        });
        Evaluation { layers: layers.collect(), ..Evaluation::default() }
    }

    /// Runs the spiking network and counts its spikes.
    fn simulate(&self, inputs: &Batch, evaluation: &mut Evaluation) -> Result<Batch, EngineError> {
        let steps = self.network.time_steps();
        let mut counting = Duration::ZERO;
        let started = Instant::now();
        // what the two watchers add to
        let shared = RefCell::new((&mut evaluation.layers, &mut counting));
        let add = |id: NodeId, tally: &dyn Fn(&[u32]) -> LayerRecord| {
            let started = Instant::now();
            let (layers, counting) = &mut *shared.borrow_mut();
            if let Some((layer, fan_out)) = self.fan_out.get(&id) {
                layers[*layer].add(&tally(fan_out));
            }
            **counting += started.elapsed();
        };
        let mut watch = |id: NodeId, codes: &Batch<i32>, taken: &[u32]| {
            add(id, &|fan_out| match &self.network.node(id).kind {
                NodeKind::Streaming(population) => {
                    let largest = |sample: usize| population.largest_code(*taken.get(sample).unwrap_or(&steps));
                    if crate::codes_count_spikes(self.network, id) {
                        tally_counts(codes, fan_out, largest)
                    } else {
                        LayerRecord { saturated: saturated(codes, largest), ..LayerRecord::default() }
                    }
                }
                kind => {
                    let tally = if self.network.has_signed_trains() { tally_signed } else { tally };
                    tally(codes, fan_out, kind.window(steps))
                }
            });
        };
        let mut count = |id: NodeId, counts: &Batch<SpikeCount>| add(id, &|fan_out| tally_spikes(counts, fan_out));
        let (output, taken) = match self.until {
            None => {
                let output = self.engine.run_counting(inputs, &mut |id, codes| watch(id, codes, &[]), &mut count)?;
                (output, Vec::new())
            }
            Some((engine, rule)) => {
                let stopped = engine.run_until_stable(inputs, rule, &mut watch, &mut count)?;
                (stopped.output, stopped.steps)
            }
        };
        evaluation.snn_nanoseconds = nanoseconds(started.elapsed().saturating_sub(counting));
        for &steps in &taken {
            *evaluation.steps_used.entry(steps).or_default() += 1;
        }
        if !self.input_fan_out.is_empty() {
            let input = match self.network.simulation() {
                Simulation::Window => tally(&inputs.map(|&x| x as i32), &self.input_fan_out, Encoding::PIXEL_STEPS),
                Simulation::Stream => self.tally_input(inputs, |sample| *taken.get(sample).unwrap_or(&steps)),
            };
            (evaluation.input_spikes, evaluation.input_synops) = (input.spikes, input.synops);
        }
        Ok(output)
    }

    /// Counts what samples send into a streaming network.
    fn tally_input(&self, inputs: &Batch, steps: impl Fn(usize) -> u32 + Sync) -> LayerRecord {
        let samples: Vec<&[f32]> = inputs.samples().collect();
        let of_sample = |(number, sample): (usize, &&[f32])| {
            let mut record = LayerRecord::default();
            let spikes = StreamInput::new(self.network, sample).spikes(sample, steps(number));
            for (&spikes, &fan_out) in spikes.iter().zip(&self.input_fan_out) {
                record.spikes += u64::from(spikes);
                record.synops += u64::from(spikes) * u64::from(fan_out);
            }
            record
        };
        samples.par_iter().enumerate().map(of_sample).reduce(LayerRecord::default, |mut sum, record| {
            sum.add(&record);
            sum
        })
    }
}

/// For each node that sends spikes or currents, the synaptic operations that one spike at each element causes.
fn reach(network: &SpikingNetwork) -> Result<Vec<Vec<u32>>, EngineError> {
    let mut reach: Vec<Vec<u32>> = network.nodes().iter().map(|node| vec![0; volume(&node.shape)]).collect();
    for id in network.ids().rev() {
        let node = network.node(id);
        let gate;
        let op = match &node.kind {
            NodeKind::Synapse(op) => op,
            NodeKind::MaxPool(pool) | NodeKind::StreamingPool(StreamingPool { pool, .. }) => {
                gate = Op::MaxPool(pool.clone());
                &gate
            }
            NodeKind::Population(_) | NodeKind::Streaming(_) | NodeKind::Readout(_) => {
                reach[node.inputs[0].0].iter_mut().for_each(|n| *n = n.saturating_add(1));
                continue;
            }
            NodeKind::Input(_) | NodeKind::Head(_) => continue,
        };
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| network.node(*i).shape.as_slice()).collect();
        let behind: Vec<f64> = reach[id.0].iter().map(|&n| f64::from(n)).collect();
        for (input, counts) in node.inputs.iter().zip(structural_fan_out(op, &shapes, &behind)?) {
            for (n, more) in reach[input.0].iter_mut().zip(counts) {
                *n = n.saturating_add(more as u32);
            }
        }
    }
    Ok(reach)
}

/// Multiply-accumulates on a sample that enters as a current: those of all weights between it and the first neurons. They
/// are counted once, also where the current then acts in every step of a streaming network.
fn input_macs(network: &SpikingNetwork) -> u64 {
    let mut analog = vec![false; network.nodes().len()];
    let mut macs = 0u64;
    for id in network.ids() {
        let node = network.node(id);
        analog[id.0] = match &node.kind {
            NodeKind::Input(_) => true,
            NodeKind::Synapse(op) if node.inputs.iter().any(|i| analog[i.0]) => {
                if op.role() == Role::Weighted {
                    let shapes: Vec<&[usize]> = node.inputs.iter().map(|i| network.node(*i).shape.as_slice()).collect();
                    macs = macs.saturating_add(op.macs(&shapes, &node.shape));
                }
                true
            }
            _ => false,
        };
    }
    macs
}

/// Whether a result is the index of a maximum, perhaps under another shape.
fn gives_class<'o>(mut id: NodeId, look: impl Fn(NodeId) -> (Option<&'o Op>, &'o [NodeId])) -> bool {
    loop {
        match look(id) {
            (Some(Op::ArgMax(_)), _) => return true,
            (Some(Op::Reshape(_)), [input]) => id = *input,
            _ => return false,
        }
    }
}

fn graph_gives_class(graph: &Graph, output: NodeId) -> bool {
    gives_class(output, |id| (Some(&graph.node(id).op), graph.node(id).inputs.as_slice()))
}

fn network_gives_class(network: &SpikingNetwork) -> bool {
    gives_class(network.output(), |id| {
        let node = network.node(id);
        let op = if let NodeKind::Head(op) = &node.kind { Some(op) } else { None };
        (op, node.inputs.as_slice())
    })
}

/// The classes that results of a trained network's first output stand for; `None` where no entry is a number, or a result is
/// several classes.
pub fn graph_classes(graph: &Graph, results: &Batch) -> Vec<Option<i64>> {
    let is_class = graph.outputs().first().is_some_and(|&output| graph_gives_class(graph, output));
    results.samples().map(|result| class(result, is_class)).collect()
}

/// The same for results of a spiking network.
pub fn network_classes(network: &SpikingNetwork, results: &Batch) -> Vec<Option<i64>> {
    let is_class = network_gives_class(network);
    results.samples().map(|result| class(result, is_class)).collect()
}

/// The class that a result stands for; `None` where no entry is a number, or a result is several classes.
fn class(result: &[f32], is_class: bool) -> Option<i64> {
    if is_class {
        return match result {
            [class] if class.is_finite() => Some(*class as i64),
            _ => None,
        };
    }
    largest(result).map(|i| i as i64)
}

/// Where the largest of some values is, the first of equals; `None` where none is a number.
pub fn largest<T: PartialOrd + Copy>(values: &[T]) -> Option<usize> {
    let mut best: Option<(usize, T)> = None;
    for (i, &x) in values.iter().enumerate() {
        // what does not order with itself is no number
        if x.partial_cmp(&x).is_some() && best.is_none_or(|(_, largest)| x > largest) {
            best = Some((i, x));
        }
    }
    best.map(|(i, _)| i)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
