//! From a streaming network to nodes and edges. Nodes are made when they are asked for, with the factor on their result that
//! the reader wants, so that thresholds end up in weights.

use std::collections::HashMap;

use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{NodeKind, SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::Reset;
use spikeconverter_nir::{Array, Graph, Node};

use super::Pooling;
use super::convolution::{Dense, single};
use crate::ExportError;

/// A graph without its metadata.
pub(super) struct Lowered {
    pub(super) graph: Graph,
    /// Names of nodes with those that they had in the network.
    pub(super) names: Vec<(String, String)>,
    /// Shape of a sample of the network, and for each value of the file's input its position there; nothing where they are
    /// the same.
    pub(super) sample: Option<(Vec<usize>, Vec<usize>)>,
    /// Names of the populations' nodes, in the order of the network.
    pub(super) populations: Vec<(NodeId, String)>,
    /// Initial membranes of those that have some, in thresholds.
    pub(super) initial: Vec<(String, Array)>,
    pub(super) readout: NodeId,
}

/// Numbers by entries of a first axis; one alone stands for all.
pub(super) type Each = Vec<f64>;

/// Names of nodes whose sum is what was wanted.
pub(super) type Made = Result<Vec<String>, ExportError>;

/// What a reader wants of a node's values: `factor` times them plus `bias`.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) factor: &'a [f64],
    pub(super) bias: Option<&'a [f64]>,
}

pub(super) struct Lowering<'a> {
    pub(super) network: &'a SpikingNetwork,
    pub(super) pooling: Pooling,
    /// The node whose values the file's input takes.
    pub(super) entry: NodeId,
    graph: Graph,
    /// Names of nodes with those that they had in the network.
    names: Vec<(String, String)>,
    populations: HashMap<NodeId, String>,
    /// What was made for readers that want the same.
    made: HashMap<(NodeId, Vec<u64>), Vec<String>>,
}

const INPUT: &str = "input";
const OUTPUT: &str = "output";

pub(super) fn lower(network: &SpikingNetwork, pooling: Pooling) -> Result<Lowered, ExportError> {
    let (entry, order) = entry(network);
    let mut lowering = Lowering {
        network,
        pooling,
        entry,
        graph: Graph::default(),
        names: Vec::new(),
        populations: HashMap::new(),
        made: HashMap::new(),
    };
    lowering.graph.add(INPUT, Node::Input(network.node(entry).shape.clone()));
    let (mut populations, mut initial, mut readouts) = (Vec::new(), Vec::new(), Vec::new());
    for id in network.ids() {
        let node = network.node(id);
        match &node.kind {
            NodeKind::Streaming(population) => {
                let name = lowering.population(id, population)?;
                initial.extend(potentials(population, &node.shape).map(|array| (name.clone(), array)));
                populations.push((id, name));
            }
            NodeKind::Readout(_) => readouts.push(id),
            NodeKind::StreamingPool(_) => {
                let reason = "NIR has no maximum; train or convert the network with average pooling";
                return Err(ExportError::node(&node.name, reason));
            }
            _ => {}
        }
    }
    let &[readout] = readouts.as_slice() else {
        let reason = format!("it has {} results; NIR files of networks with one can be written", readouts.len());
        return Err(ExportError::Network(reason));
    };
    lowering.readout(readout)?;
    let sample = order.map(|order| (network.input_shape().to_vec(), order));
    Ok(Lowered { graph: lowering.graph, names: lowering.names, sample, populations, initial, readout })
}

/// The node behind the input up to which values only change places, and where each of its values lies in a sample; nothing
/// where that is where it was. A file's input takes what it gives: NIR has no transpose.
fn entry(network: &SpikingNetwork) -> (NodeId, Option<Vec<usize>>) {
    let consumers = network.consumers();
    let places: Vec<f32> = (0..volume(network.input_shape())).map(|place| place as f32).collect();
    let mut entry = NodeId(0);
    let mut changed = false;
    // positions are exact in f32 below 2^24
    let Ok(mut places) = Tensor::new(network.input_shape().to_vec(), places) else { return (entry, None) };
    while let &[next] = consumers[entry.0].as_slice()
        && places.len() < 1 << 24
    {
        places = match &network.node(next).kind {
            NodeKind::Synapse(Op::Transpose(transpose)) => places.transposed(&transpose.perm),
            NodeKind::Synapse(Op::Reshape(_)) => match places.reshaped(network.node(next).shape.clone()) {
                Ok(places) => places,
                Err(_) => break,
            },
            _ => break,
        };
        (entry, changed) = (next, true);
    }
    (entry, changed.then(|| places.data().iter().map(|&place| place as usize).collect()))
}

/// Initial membranes in thresholds; nothing where all are 0.
fn potentials(population: &StreamingPopulation, shape: &[usize]) -> Option<Array> {
    let each = |n| f64::from(population.initial(n, shape)) / f64::from(population.threshold(n, shape));
    let all: Vec<f64> = (0..volume(shape)).map(each).collect();
    all.iter().any(|&v| v != 0.0).then(|| single(shape.to_vec(), &all))
}

impl Lowering<'_> {
    /// A name that no other node has and that every framework takes: modules of PyTorch have no dots. By their names nodes
    /// stand in the order in which values pass, and between `input` and `output`: files keep nodes sorted, and importers
    /// that are given a node before those that it hears fail.
    fn unique(&self, name: &str) -> String {
        let plain: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        format!("n{:04}_{plain}", self.graph.nodes.len())
    }

    /// Adds a node that hears `sources`; its name.
    pub(super) fn add(&mut self, name: &str, node: Node, sources: &[String]) -> String {
        let own = self.unique(name);
        self.graph.add(own.clone(), node);
        self.names.push((own.clone(), name.to_owned()));
        for source in sources {
            self.graph.connect(source, &own);
        }
        own
    }

    fn population(&mut self, id: NodeId, population: &StreamingPopulation) -> Result<String, ExportError> {
        let node = self.network.node(id);
        let refuse = |reason: String| Err(ExportError::node(&node.name, reason));
        if !population.is_binary(&node.shape, self.network.coding()) || population.reset == Reset::Modulo {
            let kind = population.describe(self.network.coding());
            return refuse(format!(
                "NIR has no neurons of this kind ({kind}); it has those that send one spike or none in a step and are reset \
                 by subtraction or to zero"
            ));
        }
        let inverse: Each = population.threshold.iter().map(|&t| 1.0 / f64::from(t)).collect();
        let sources = self.make(node.inputs[0], &inverse, None)?;
        let sources = self.distinct(&node.name, sources, &node.shape)?;
        let of = |value| Array::full(node.shape.clone(), value);
        // version 1.0.4 of the package, which sinabs asks for, refuses a v_reset; none is 0
        let neuron = Node::IntegrateFire { r: of(1.0), v_threshold: of(1.0), v_reset: None };
        let name = self.add(&node.name, neuron, &sources);
        self.populations.insert(id, name.clone());
        Ok(name)
    }

    /// The result's current, with what the read-out begins with in equal parts.
    fn readout(&mut self, id: NodeId) -> Result<(), ExportError> {
        let node = self.network.node(id);
        let NodeKind::Readout(readout) = &node.kind else { return Ok(()) };
        let steps = f64::from(self.network.time_steps() - readout.skip);
        let start = (!readout.initial.is_empty())
            .then(|| readout.initial.iter().map(|&v| f64::from(v) / steps).collect::<Each>());
        let sources = self.make(node.inputs[0], &[1.0], start.as_deref())?;
        let sources = self.distinct(&node.name, sources, &node.shape)?;
        self.graph.add(OUTPUT, Node::Output(node.shape.clone()));
        for source in sources {
            self.graph.connect(source, OUTPUT);
        }
        Ok(())
    }

    /// No source twice, which NIR does not allow: a repeated one comes through a node that doubles nothing.
    pub(super) fn distinct(&mut self, name: &str, sources: Vec<String>, shape: &[usize]) -> Made {
        let mut distinct: Vec<String> = Vec::new();
        for source in sources {
            if distinct.contains(&source) {
                let again = self.scaled(name, &[source], &[1.0], None, shape)?;
                distinct.push(again);
            } else {
                distinct.push(source);
            }
        }
        Ok(distinct)
    }

    /// A node that scales its sources entry by entry of the first axis and adds `bias`.
    pub(super) fn scaled(
        &mut self,
        name: &str,
        sources: &[String],
        factor: &[f64],
        bias: Option<&[f64]>,
        shape: &[usize],
    ) -> Result<String, ExportError> {
        let channels = shape.first().copied().unwrap_or(1);
        let factors = spread(factor, channels);
        let bias = bias.map_or_else(|| vec![0.0; channels], |bias| spread(bias, channels));
        let node = match shape {
            [_] => {
                let weight = Dense::diagonal(&factors, Vec::new(), 0).weight;
                Node::Affine { weight: single(vec![channels, channels], &weight), bias: single(vec![channels], &bias) }
            }
            [_, spatial @ ..] if spatial.len() <= 2 => {
                convolution(Dense::diagonal(&factors, bias, spatial.len()), spatial, spatial)
                    .map_err(|reason| ExportError::node(name, reason))?
            }
            _ => return Err(ExportError::node(name, format!("values of shape {shape:?} have no form in NIR"))),
        };
        Ok(self.add(&format!("{name}_scale"), node, sources))
    }

    /// The factor that costs nothing: with it, a node of NIR gives what the network's node gives.
    pub(super) fn natural(&self, id: NodeId) -> Each {
        let node = self.network.node(id);
        match &node.kind {
            _ if id == self.entry => vec![1.0],
            NodeKind::Streaming(population) => population.threshold.iter().map(|&t| 1.0 / f64::from(t)).collect(),
            NodeKind::Synapse(Op::AvgPool(_) | Op::Mean(_)) => {
                let mut natural = self.natural(node.inputs[0]);
                if self.pooling == Pooling::Sum
                    && let Some(count) = self.count(id)
                {
                    for factor in &mut natural {
                        *factor *= count;
                    }
                }
                natural
            }
            NodeKind::Synapse(Op::Reshape(_)) => {
                let natural = self.natural(node.inputs[0]);
                let channels = self.network.node(node.inputs[0]).shape.first().copied().unwrap_or(1);
                let inner = volume(&node.shape) / channels.max(1);
                if natural.len() == 1 {
                    return natural;
                }
                natural.iter().flat_map(|&factor| std::iter::repeat_n(factor, inner)).collect()
            }
            NodeKind::Synapse(Op::Add(_)) => self.natural(node.inputs[0]),
            _ => vec![1.0],
        }
    }

    /// Nodes whose sum is `factor` times what a node of the network gives, plus `bias`.
    pub(super) fn make(&mut self, id: NodeId, factor: &[f64], bias: Option<&[f64]>) -> Made {
        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let key = (id, [bits(factor), bits(bias.unwrap_or_default())].concat());
        if let Some(made) = self.made.get(&key) {
            return Ok(made.clone());
        }
        let made = self.make_new(id, Wanted { factor, bias })?;
        self.made.insert(key, made.clone());
        Ok(made)
    }

    fn make_new(&mut self, id: NodeId, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        let node = self.network.node(id);
        let refuse = |reason: String| ExportError::node(&node.name, reason);
        if id == self.entry {
            return self.leaf(id, INPUT.to_owned(), wanted);
        }
        let op = match &node.kind {
            NodeKind::Streaming(population) => {
                let name = self.populations.get(&id).cloned().unwrap_or_default();
                let channels = node.shape.first().copied().unwrap_or(1);
                let (factors, thresholds) = if factor.len() == 1 && population.threshold.len() == 1 {
                    (factor.to_vec(), vec![f64::from(population.threshold[0])])
                } else {
                    let thresholds: Each = population.threshold.iter().map(|&t| f64::from(t)).collect();
                    (spread(factor, channels), spread(&thresholds, channels))
                };
                let product: Each = factors.iter().zip(&thresholds).map(|(f, t)| f * t).collect();
                return self.leaf(id, name, Wanted { factor: &product, bias });
            }
            NodeKind::Synapse(op) => op,
            _ => return Err(refuse("has no form in NIR".into())),
        };
        match op {
            Op::Conv(conv) => self.conv(id, conv, wanted),
            Op::Linear(linear) => self.linear(id, linear, wanted),
            Op::Add(add) => self.sum(id, add, wanted),
            Op::Affine(affine) => self.affine(id, affine, wanted),
            Op::AvgPool(_) | Op::Mean(_) => self.mean(id, wanted),
            Op::Reshape(_) => self.flatten(id, wanted),
            Op::Select(select) => self.select(id, select, wanted),
            Op::Pad(pad) if pad.value == 0.0 => self.pad(id, pad, wanted),
            other => Err(refuse(format!("NIR has no `{}`", other.kind()))),
        }
    }

    /// A node that is there already, through a node that scales where it has to be.
    fn leaf(&mut self, id: NodeId, name: String, wanted: Wanted<'_>) -> Made {
        let Wanted { factor, bias } = wanted;
        // a threshold times its inverse is 1 to within rounding
        if bias.is_none() && factor.iter().all(|f| (f - 1.0).abs() < 1e-12) {
            return Ok(vec![name]);
        }
        let node = self.network.node(id);
        Ok(vec![self.scaled(&node.name, &[name], factor, bias, &node.shape)?])
    }
}

pub(super) fn convolution(dense: Dense, spatial: &[usize], result: &[usize]) -> Result<Node, String> {
    let conv = dense.node(spatial, result)?;
    Ok(if spatial.len() == 1 { Node::Conv1d(conv) } else { Node::Conv2d(conv) })
}

/// One number for each of `count` entries.
pub(super) fn spread(values: &[f64], count: usize) -> Each {
    if let &[only] = values { vec![only; count] } else { values.to_vec() }
}
