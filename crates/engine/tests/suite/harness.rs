//! The engines, small networks, and the comparison of what an engine does with what it should do.

use std::collections::BTreeMap;

use spikeconverter_engine::{Batch, ClockedEngine, Engine, FoldedEngine, Isa, ReferenceEngine};
use spikeconverter_graph::ops::{Add, Affine, Concat, Conv, Linear, MaxPool, Window};
use spikeconverter_graph::{NodeId, Op, Tensor, volume};
use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Population, Readout, SpikingNetwork, Transfer};

/// Makes an engine for a network.
pub(crate) type Make = for<'a> fn(&'a SpikingNetwork) -> Box<dyn Engine + 'a>;

/// Every engine of whole windows; the reference comes first.
pub(crate) const ENGINES: &[Make] = &[
    |n| Box::new(ReferenceEngine::new(n)),
    |n| Box::new(FoldedEngine::new(n).expect("the builder checked it")),
    |n| Box::new(FoldedEngine::with_isa(n, Isa::Portable).expect("the builder checked it")),
    |n| Box::new(ClockedEngine::new(n).expect("the builder checked it")),
    // so little that networks of integers run in several phases
    |n| Box::new(FoldedEngine::with_cache(n, Isa::detect(), SMALL_CACHE).expect("the builder checked it")),
];

/// Bytes, fewer than two samples of most of the small networks.
pub(crate) const SMALL_CACHE: usize = 2000;

/// Every engine of networks whose populations generate while they listen; the reference comes first.
pub(crate) const ONLINE_ENGINES: &[Make] =
    &[|n| Box::new(ReferenceEngine::new(n)), |n| Box::new(ClockedEngine::new(n).expect("the builder checked it"))];

/// What an engine did.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    /// The result for each sample.
    pub(crate) output: Batch,
    /// The codes of each population.
    pub(crate) codes: BTreeMap<NodeId, Batch<i32>>,
}

/// Runs samples, and checks that in each group of samples each population is shown once, in topological order, in its own
/// shape.
pub(crate) fn run(network: &SpikingNetwork, make: Make, inputs: &Batch) -> Run {
    let engine = make(network);
    let mut shown: Vec<(NodeId, Batch<i32>)> = Vec::new();
    let output = engine.run(inputs, &mut |id, batch| shown.push((id, batch.clone()))).expect("samples fit");
    assert_eq!(output.shape(), network.node(network.output()).shape);
    let populations: Vec<NodeId> = network.populations().map(|(id, _)| id).collect();
    let mut codes: BTreeMap<NodeId, Vec<i32>> = populations.iter().map(|&id| (id, Vec::new())).collect();
    for group in shown.chunks(populations.len().max(1)) {
        let order: Vec<NodeId> = group.iter().map(|(id, _)| *id).collect();
        assert_eq!(order, populations, "{} shows every population once, in order", engine.name());
        for (id, batch) in group {
            assert_eq!((batch.shape(), batch.count()), (network.node(*id).shape.as_slice(), group[0].1.count()));
            codes.entry(*id).or_default().extend(batch.data());
        }
    }
    let codes = codes.into_iter().map(|(id, data)| {
        (id, Batch::new(inputs.count(), network.node(id).shape.clone(), data).expect("all samples are shown"))
    });
    Run { output, codes: codes.collect() }
}

/// A batch of the network's input shape.
pub(crate) fn batch(network: &SpikingNetwork, data: Vec<f32>) -> Batch {
    let shape = network.input_shape().to_vec();
    Batch::new(data.len() / volume(&shape), shape, data).expect("whole samples")
}

/// Checks every engine on one sample: the trains of some populations, each neuron's as its spikes from the first step to
/// the last, with a minus sign where they are negative; and the result.
pub(crate) fn expect(network: &SpikingNetwork, sample: &[f32], trains: &[(NodeId, &[&str])], output: &[f32]) {
    for &make in ENGINES {
        let name = make(network).name();
        let run = run(network, make, &batch(network, sample.to_vec()));
        for (id, wanted) in trains {
            let found: Vec<String> = run.codes[id].data().iter().map(|&c| train(c, network.time_steps())).collect();
            assert_eq!(&found, wanted, "{name}: trains of `{}`", network.node(*id).name);
        }
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        let found = run.output.data();
        assert!(
            found.len() == output.len() && found.iter().zip(output).all(close),
            "{name}: the result is {found:?}, not {output:?}"
        );
    }
}

fn train(code: i32, steps: u32) -> String {
    let sign = if code < 0 { "-" } else { "" };
    format!("{sign}{:0width$b}", code.unsigned_abs(), width = steps as usize)
}

/// A network under construction; names count up.
pub(crate) struct Net(pub(crate) NetworkBuilder);

impl Net {
    pub(crate) fn new(steps: u32, shape: &[usize], encoding: Encoding) -> Self {
        Self::delayed(steps, None, shape, encoding)
    }

    pub(crate) fn delayed(steps: u32, delay: Option<u32>, shape: &[usize], encoding: Encoding) -> Self {
        let builder = NetworkBuilder::new(steps, "x", shape.to_vec(), encoding).expect("a network");
        Self(builder.delayed(delay).expect("a delay"))
    }

    pub(crate) fn analog(steps: u32, shape: &[usize]) -> Self {
        Self::new(steps, shape, Encoding::Analog)
    }

    pub(crate) fn pixels(steps: u32, shape: &[usize]) -> Self {
        Self::new(steps, shape, Encoding::Pixels)
    }

    pub(crate) fn input(&self) -> NodeId {
        self.0.input()
    }

    pub(crate) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.0.node(id).shape.clone()
    }

    pub(crate) fn add(&mut self, name: &str, kind: NodeKind, inputs: &[NodeId]) -> NodeId {
        self.0.add(name, kind, inputs).expect("a well-formed node")
    }

    pub(crate) fn synapse(&mut self, op: Op, inputs: &[NodeId]) -> NodeId {
        self.add("synapse", NodeKind::Synapse(op), inputs)
    }

    pub(crate) fn population(&mut self, name: &str, population: Population, input: NodeId) -> NodeId {
        self.add(name, NodeKind::Population(population), &[input])
    }

    pub(crate) fn gate(&mut self, pool: MaxPool, input: NodeId) -> NodeId {
        self.add("gate", NodeKind::MaxPool(pool), &[input])
    }

    pub(crate) fn readout(&mut self, input: NodeId) -> NodeId {
        self.add("readout", NodeKind::Readout(Readout::default()), &[input])
    }

    /// Finishes with a read-out of `input`.
    pub(crate) fn read(mut self, input: NodeId) -> SpikingNetwork {
        let output = self.readout(input);
        self.finish(output)
    }

    pub(crate) fn finish(self, output: NodeId) -> SpikingNetwork {
        self.0.finish(output).expect("a result")
    }
}

/// A population of base 2.
pub(crate) fn population(transfer: Transfer, threshold: &[f32]) -> Population {
    Population { transfer, threshold: threshold.to_vec(), half_step: false, ..Population::default() }
}

/// A ReLU population of base 2 with one threshold.
pub(crate) fn relu(threshold: f32) -> Population {
    population(Transfer::Relu, &[threshold])
}

/// A signed population without nonlinearity.
pub(crate) fn linear(threshold: f32) -> Population {
    population(Transfer::linear(), &[threshold])
}

/// A matrix product; no bias where `bias` is empty.
pub(crate) fn dense(rows: &[&[f32]], bias: &[f32]) -> Op {
    let weight = Tensor::new(vec![rows.len(), rows[0].len()], rows.concat()).expect("a matrix");
    Op::Linear(Linear { weight, bias: (!bias.is_empty()).then(|| Tensor::vector(bias.to_vec())) })
}

/// A zero-padded convolution of one channel along one axis.
pub(crate) fn conv1d(taps: &[f32], bias: f32) -> Op {
    Op::Conv(Conv {
        weight: Tensor::new(vec![1, 1, taps.len()], taps.to_vec()).expect("taps"),
        bias: Some(Tensor::vector(vec![bias])),
        window: Window::new(vec![taps.len()]).padded(taps.len() / 2),
        groups: 1,
    })
}

/// Scale and shift by one number each.
pub(crate) fn affine(scale: f32, shift: f32) -> Op {
    Op::Affine(Affine { scale: Some(Tensor::vector(vec![scale])), shift: Some(Tensor::vector(vec![shift])) })
}

/// A plain sum.
pub(crate) fn sum(branches: usize) -> Op {
    Op::Add(Add::plain(branches))
}

/// Concatenation along an axis.
pub(crate) fn concat(axis: usize) -> Op {
    Op::Concat(Concat { axis })
}

/// Maximum over neighbours along one axis, without overlap.
pub(crate) fn pairs() -> MaxPool {
    MaxPool { window: Window::new(vec![2]).strided(2), ceil: false }
}
