//! Streaming networks worked by hand, every spike and every membrane.

use std::collections::BTreeMap;

use spikeconverter_engine::{
    Batch, ClockedEngine, EngineError, FoldedEngine, ReferenceEngine, SpikeCount, StreamingEngine, UntilStable,
};
use spikeconverter_graph::ops::{AvgPool, Window};
use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{NetworkBuilder, NodeKind, Readout, SpikingNetwork, StreamingPopulation};
use spikeconverter_neuron::{Reset, StreamCoding};

use crate::harness::{Net, affine, batch, concat, conv1d, dense, relu, sum};

/// Makes an engine for a streaming network.
pub(crate) type Make = for<'a> fn(&'a SpikingNetwork) -> Box<dyn StreamingEngine + 'a>;

/// Every engine for streaming networks; the reference comes first.
pub(crate) const STREAMING_ENGINES: &[Make] =
    &[|n| Box::new(ReferenceEngine::new(n)), |n| Box::new(ClockedEngine::new(n).expect("the builder checked it"))];

/// Spikes and membranes of a population: one entry a step and neuron, step after step.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Record {
    /// In quanta.
    pub(crate) spikes: Vec<i32>,
    pub(crate) membranes: Vec<f64>,
}

/// What an engine did.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) output: Batch,
    /// By population and sample.
    pub(crate) records: BTreeMap<(NodeId, usize), Record>,
    /// Of populations whose codes are not their numbers of spikes.
    pub(crate) counts: BTreeMap<NodeId, Vec<SpikeCount>>,
}

/// Runs samples both ways and checks that they are consistent: codes count the spikes, steps come in order.
pub(crate) fn run(network: &SpikingNetwork, make: Make, inputs: &Batch) -> Run {
    let engine = make(network);
    let mut records: BTreeMap<(NodeId, usize), Record> = BTreeMap::new();
    let mut steps: BTreeMap<(NodeId, usize), u32> = BTreeMap::new();
    let output = engine
        .record(inputs, &mut |step| {
            let last = steps.entry((step.node, step.sample)).or_default();
            assert_eq!(step.step, *last + 1, "{} shows each step once, in order", engine.name());
            *last = step.step;
            let record = records.entry((step.node, step.sample)).or_default();
            record.spikes.extend(step.spikes);
            record.membranes.extend(step.membranes);
        })
        .expect("samples fit");
    assert!(steps.values().all(|&step| step == network.time_steps()));
    let mut codes: BTreeMap<NodeId, Vec<i32>> = BTreeMap::new();
    let mut counts: BTreeMap<NodeId, Vec<SpikeCount>> = BTreeMap::new();
    let watch = &mut |id, shown: &Batch<i32>| {
        assert_eq!(shown.shape(), network.node(id).shape);
        codes.entry(id).or_default().extend(shown.data());
    };
    let count = &mut |id, shown: &Batch<SpikeCount>| counts.entry(id).or_default().extend(shown.data());
    let again = engine.run_counting(inputs, watch, count).expect("samples fit");
    assert_eq!(output, again, "{}", engine.name());
    for id in network.spiking() {
        let NodeKind::Streaming(population) = &network.node(id).kind else { unreachable!("a streaming network") };
        let neurons = volume(&network.node(id).shape);
        for (n, &code) in codes[&id].iter().enumerate() {
            let spikes = &records[&(id, n / neurons)].spikes;
            let train: Vec<i32> = spikes.iter().skip(n % neurons).step_by(neurons).copied().collect();
            assert_eq!(code, code_of(population, network.coding(), &train), "{}", engine.name());
            let of = |quanta: &i32| population.emission.spikes(*quanta);
            let spikes = train.iter().map(of).sum();
            let negative = train.iter().filter(|quanta| **quanta < 0).map(of).sum();
            let counted = counts.get(&id).map_or(SpikeCount { spikes: code as u32, negative: 0 }, |counts| counts[n]);
            let fits = match network.rehearsal() {
                None => counted == SpikeCount { spikes, negative },
                // its spikes count, and are not shown
                Some(_) => counted.spikes >= spikes && counted.negative >= negative,
            };
            assert!(fits, "{}: {counted:?}, shown {spikes} and {negative}", engine.name());
        }
    }
    Run { output, records, counts }
}

/// What a train is in all, in quanta.
pub(crate) fn code_of(population: &StreamingPopulation, coding: StreamCoding, train: &[i32]) -> i32 {
    let mut last = 0;
    let fired = train.iter().map(|&sent| {
        last = if coding == StreamCoding::Switch { last + sent } else { sent };
        last
    });
    fired.zip(1..).map(|(quanta, t)| quanta * population.code_weight(t)).sum()
}

/// Each neuron of a population: its spikes from the first step to the last, and its membranes.
type Neurons<'a> = &'a [(&'a str, &'a [f64])];

fn expect(network: &SpikingNetwork, sample: &[f32], populations: &[(NodeId, Neurons<'_>)], output: &[f32]) {
    for &make in STREAMING_ENGINES {
        let name = make(network).name();
        let run = run(network, make, &batch(network, sample.to_vec()));
        for (id, wanted) in populations {
            let record = &run.records[&(*id, 0)];
            for (n, (train, membranes)) in wanted.iter().enumerate() {
                let of = |at: usize| n + at * wanted.len();
                let spikes: String = (0..train.len()).map(|t| record.spikes[of(t)].to_string()).collect();
                let found: Vec<f64> = (0..train.len()).map(|t| record.membranes[of(t)]).collect();
                let what = format!("{name}: neuron {n} of `{}`", network.node(*id).name);
                assert_eq!((spikes.as_str(), found.as_slice()), (*train, *membranes), "{what}");
            }
            assert_eq!(record.spikes.len(), wanted.len() * network.time_steps() as usize, "{name}");
        }
        assert_eq!(run.output.data(), output, "{name}");
    }
}

pub(crate) fn streaming(steps: u32, shape: &[usize]) -> Net {
    Net(NetworkBuilder::streaming(steps, "x", shape.to_vec()).expect("a network"))
}

fn neurons(threshold: &[f32], reset: Reset, initial: &[f32]) -> NodeKind {
    let (threshold, initial) = (threshold.to_vec(), initial.to_vec());
    NodeKind::Streaming(StreamingPopulation { threshold, reset, initial, ..StreamingPopulation::default() })
}

fn soft(threshold: f32) -> NodeKind {
    neurons(&[threshold], Reset::Subtract, &[])
}

/// An analog input acts in every step: 0.375 a step fires three times in eight.
#[test]
fn one_population() {
    let mut net = streaming(8, &[1]);
    let p = net.add("p", soft(1.0), &[net.input()]);
    let network = net.read(p);
    let membranes = [0.375, 0.75, 0.125, 0.5, 0.875, 0.25, 0.625, 0.0];
    expect(&network, &[0.375], &[(p, &[("00100101", &membranes)])], &[0.375]);
}

/// Biases act in every step, and a spike reaches the next layer in the step in which it is fired: currents are 0.75 and
/// 0 in the first layer, 0.25 + 0.5·s in the second, whose spikes carry 0.5; then 2·0.5·3/4 + 1.
#[test]
fn chain() {
    let mut net = streaming(4, &[1]);
    let w1 = net.synapse(dense(&[&[1.0], &[-1.0]], &[0.25, 0.5]), &[net.input()]);
    let p1 = net.add("p1", soft(1.0), &[w1]);
    let w2 = net.synapse(dense(&[&[0.5, 1.0]], &[0.25]), &[p1]);
    let p2 = net.add("p2", soft(0.5), &[w2]);
    let w3 = net.synapse(dense(&[&[2.0]], &[1.0]), &[p2]);
    let network = net.read(w3);
    let first: Neurons<'_> = &[("0111", &[0.75, 0.5, 0.25, 0.0]), ("0000", &[0.0; 4])];
    expect(&network, &[0.5], &[(p1, first), (p2, &[("0111", &[0.25, 0.5, 0.75, 1.0])])], &[1.75]);
}

/// Reset to zero loses what is beyond the threshold; channels have their own thresholds and initial potentials.
#[test]
fn reset_to_zero() {
    let mut net = streaming(4, &[2]);
    let p = net.add("p", neurons(&[1.0, 0.5], Reset::Zero, &[0.5, -0.25]), &[net.input()]);
    let sum = net.synapse(dense(&[&[1.0, 4.0]], &[]), &[p]);
    let network = net.read(sum);
    let wanted: Neurons<'_> = &[("1010", &[0.0, 0.75, 0.0, 0.75]), ("0101", &[0.125, 0.0, 0.375, 0.0])];
    expect(&network, &[0.75, 0.375], &[(p, wanted)], &[0.5 + 4.0 * 0.25]);
}

/// A neuron that fires before inhibition arrives cannot take the spike back: the mean input is 0.25·1 − 0.5·0.25 − ...,
/// yet it fires in the first step.
#[test]
fn spikes_cannot_be_taken_back() {
    let mut net = streaming(4, &[1]);
    // the slow neuron charges 0.375 a step and fires in steps 3; the fast one fires at once, then every other step
    let p1 = net.add("slow", neurons(&[1.0], Reset::Subtract, &[]), &[net.input()]);
    let w2 = net.synapse(dense(&[&[-1.0]], &[0.25]), &[p1]);
    let p2 = net.add("fast", neurons(&[0.5], Reset::Subtract, &[0.25]), &[w2]);
    let network = net.read(p2);
    let slow: Neurons<'_> = &[("0010", &[0.375, 0.75, 0.125, 0.5])];
    // 0.5 fires; 0.25; 0.5 − 1 = −0.5; −0.25
    expect(&network, &[0.375], &[(p1, slow), (p2, &[("1000", &[0.0, 0.25, -0.5, -0.25])])], &[0.125]);
}

/// A residual sum of trains with different thresholds, and of the sample itself.
#[test]
fn residual() {
    let mut net = streaming(4, &[2]);
    let p1 = net.add("p1", neurons(&[1.0, 2.0], Reset::Subtract, &[]), &[net.input()]);
    let w2 = net.synapse(dense(&[&[0.0, 0.5], &[1.0, 0.0]], &[]), &[p1]);
    let p2 = net.add("p2", soft(0.5), &[w2]);
    let total = net.synapse(sum(3), &[p1, p2, net.input()]);
    let p3 = net.add("p3", soft(2.0), &[total]);
    let network = net.read(p3);
    // θ = 1, 0.5 a step; θ = 2, 1 a step
    let first: Neurons<'_> = &[("0101", &[0.5, 0.0, 0.5, 0.0]), ("0101", &[1.0, 0.0, 1.0, 0.0])];
    // 0, 1, 0, 1 for both, θ = 0.5: spikes follow until the membrane is empty
    let second: Neurons<'_> = &[("0111", &[0.0, 0.5, 0.0, 0.5]), ("0111", &[0.0, 0.5, 0.0, 0.5])];
    // 0.5; 0.5 + 1 + 0.5; 0.5 + 0.5; 2 · and 1; 1 + 2 + 0.5; 1 + 0.5; 3.5
    let third: Neurons<'_> = &[("0101", &[0.5, 0.5, 1.5, 1.5]), ("0111", &[1.0, 2.5, 2.0, 3.5])];
    expect(&network, &[0.5, 1.0], &[(p1, first), (p2, second), (p3, third)], &[1.0, 1.5]);
}

/// A convolution with a bias in each step, means of pairs, concatenation and scaling: 1 − 0.5 + 0.5, 0.5·(1 + ...).
#[test]
fn convolution_and_means() {
    let mut net = streaming(2, &[1, 4]);
    let p1 = net.add("p1", soft(1.0), &[net.input()]);
    let conv = net.synapse(conv1d(&[0.5, 1.0, -0.5], 0.25), &[p1]);
    let p2 = net.add("p2", soft(0.5), &[conv]);
    let both = net.synapse(concat(0), &[p1, p2]);
    let window = Window::new(vec![2]).strided(2);
    let means = AvgPool { window, ceil: false, count_include_pad: false };
    let pooled = net.synapse(spikeconverter_graph::Op::AvgPool(means), &[both]);
    let scaled = net.synapse(affine(2.0, 0.25), &[pooled]);
    let network = net.read(scaled);
    // 1 and 0.5 and 0 and 2 a step, θ = 1
    let first: Neurons<'_> = &[("11", &[0.0, 0.0]), ("01", &[0.5, 0.0]), ("00", &[0.0, 0.0]), ("11", &[1.0, 2.0])];
    // step 1: trains 1 0 0 1: 1.25, 0.75, −0.25, 1.25; step 2: trains 1 1 0 1: 0.75, 1.75, 0.25, 1.25
    let second: Neurons<'_> =
        &[("11", &[0.75, 1.0]), ("11", &[0.25, 1.5]), ("00", &[-0.25, 0.0]), ("11", &[0.75, 1.5])];
    // means of pairs of θ·s a step, doubled: (1+0), (1+1); (0+1) twice; (0.5+0.5) twice; (0+0.5) twice; and 0.25
    let output = [1.5 + 0.25, 1.0 + 0.25, 1.0 + 0.25, 0.5 + 0.25];
    expect(&network, &[1.0, 0.5, 0.0, 2.0], &[(p1, first), (p2, second)], &output);
}

/// A read-out starts at its initial potential, and what follows it sees the mean.
#[test]
fn readout() {
    let mut net = streaming(4, &[2]);
    let p = net.add("p", soft(1.0), &[net.input()]);
    let out = net.add("out", NodeKind::Readout(Readout { initial: vec![2.0, -4.0], ..Readout::default() }), &[p]);
    let network = net.finish(out);
    expect(&network, &[1.0, 0.5], &[], &[1.5, -0.5]);
}

/// Currents of 0.25 and 0.5 with θ = 1: the second neuron fires in steps 2, 4, 6 and 8, the first in 4 and 8, and the
/// read-out's first entry weighs three times as much. Membranes are 0 0 until step 2, then 0 1; 0 1; 3 2 (another class);
/// 3 2; 3 3 (the first of equals).
#[test]
fn a_sample_stops_when_its_class_is_stable() {
    let mut net = streaming(8, &[2]);
    let p = net.add("p", soft(1.0), &[net.input()]);
    let w = net.synapse(dense(&[&[3.0, 0.0], &[0.0, 1.0]], &[]), &[p]);
    let network = net.read(w);
    let sample = batch(&network, vec![0.25, 0.5]);
    for &make in STREAMING_ENGINES {
        for (unchanged, steps, output, spikes) in [
            (0, 2, [0.0, 0.5], [0, 1]),
            (1, 3, [0.0, 1.0 / 3.0], [0, 1]),
            (2, 6, [0.5, 0.5], [1, 3]),
            (4, 8, [0.75, 0.5], [2, 4]),
            (9, 8, [0.75, 0.5], [2, 4]),
        ] {
            let mut counts = Vec::new();
            let mut watch = |_: NodeId, codes: &Batch<i32>, steps: &[u32]| {
                counts.push((codes.data().to_vec(), steps.to_vec()));
            };
            let stopped = make(&network)
                .run_until_stable(&sample, UntilStable { steps: unchanged }, &mut watch, &mut |_, _| ())
                .unwrap();
            assert_eq!((stopped.steps, stopped.output.data()), (vec![steps], output.as_slice()), "{unchanged}");
            assert_eq!(counts, [(spikes.to_vec(), vec![steps])], "{unchanged}");
        }
    }
}

#[test]
fn a_class_needs_one_readout_of_a_stream() {
    let mut net = streaming(4, &[1]);
    let p = net.add("p", soft(1.0), &[net.input()]);
    let a = net.readout(p);
    let b = net.readout(net.input());
    let both = net.add("both", NodeKind::Head(concat(0)), &[a, b]);
    let network = net.finish(both);
    let rule = UntilStable { steps: 2 };
    for &make in STREAMING_ENGINES {
        let refused =
            make(&network).run_until_stable(&batch(&network, vec![1.0]), rule, &mut |_, _, _| (), &mut |_, _| ());
        assert!(
            matches!(&refused, Err(EngineError::Op { reason, .. }) if reason.contains("one read-out")),
            "{refused:?}"
        );
    }
    let mut net = Net::analog(4, &[1]);
    let p = net.population("p", relu(1.0), net.input());
    let network = net.read(p);
    let refused = ReferenceEngine::new(&network).run_until_stable(
        &batch(&network, vec![1.0]),
        rule,
        &mut |_, _, _| (),
        &mut |_, _| (),
    );
    assert!(matches!(refused, Err(EngineError::Simulation { .. })));
}

#[test]
fn engines_refuse_networks_of_the_other_schedule() {
    let mut net = streaming(4, &[1]);
    let p = net.add("p", soft(1.0), &[net.input()]);
    let network = net.read(p);
    assert!(matches!(FoldedEngine::new(&network), Err(EngineError::Simulation { .. })));
    let mut net = Net::analog(4, &[1]);
    let p = net.population("p", relu(1.0), net.input());
    let network = net.read(p);
    // it runs windows, but has no single steps of theirs to show
    let engine = ClockedEngine::new(&network).expect("the builder checked it");
    let shown = engine.record(&batch(&network, vec![0.5]), &mut |_| ());
    assert!(matches!(shown, Err(EngineError::Simulation { .. })));
}
