//! Every kind of streaming neuron, coding and maximum, worked by hand: quanta and membranes of every step. All engines.

use spikeconverter_graph::NodeId;
use spikeconverter_graph::ops::{MaxPool, Window};
use spikeconverter_network::{
    Encoding, Negative, NetworkBuilder, NodeKind, Readout, SpikingNetwork, StreamingPool, StreamingPopulation,
};
use spikeconverter_neuron::{
    Comparison, Emission, Margin, MemoryGate, Phases, PoolRule, Rehearsal, Reset, StreamCoding,
};

use crate::harness::{Net, affine, batch, dense};
use crate::streaming::{Record, STREAMING_ENGINES, run, streaming};

/// Quanta and membranes of a population of one neuron.
type Steps<'a> = (&'a [i32], &'a [f64]);

fn one(changed: impl FnOnce(&mut StreamingPopulation)) -> StreamingPopulation {
    let mut population = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
    changed(&mut population);
    population
}

/// Runs one sample on every engine; the populations named have one neuron each.
fn expect(network: &SpikingNetwork, sample: &[f32], populations: &[(NodeId, Steps<'_>)], output: &[f32]) {
    for &make in STREAMING_ENGINES {
        let run = run(network, make, &batch(network, sample.to_vec()));
        for (id, (quanta, membranes)) in populations {
            let wanted = Record { spikes: quanta.to_vec(), membranes: membranes.to_vec() };
            assert_eq!(run.records[&(*id, 0)], wanted, "{}", make(network).name());
        }
        assert_eq!(run.output.data(), output, "{}", make(network).name());
    }
}

/// One neuron that gets `input` in each step.
fn alone(population: StreamingPopulation, input: f32, steps: Steps<'_>, output: f32) {
    let mut net = streaming(steps.0.len() as u32, &[1]);
    let p = net.add("p", NodeKind::Streaming(population), &[net.input()]);
    let network = net.read(p);
    expect(&network, &[input], &[(p, steps)], &[output]);
}

/// As [`alternating`], after a rehearsal of 4 steps; the clock keeps a quarter of its threshold.
fn rehearsed(rehearsal: Rehearsal, [odd, even]: [f32; 2], steps: Steps<'_>, output: f32) {
    let net = NetworkBuilder::streaming(steps.0.len() as u32, "x", vec![1]);
    let mut net = Net(net.and_then(|net| net.rehearsed(Some(rehearsal))).expect("a network"));
    let clock = net.add("clock", NodeKind::Streaming(one(|p| p.initial = vec![0.25])), &[net.input()]);
    let w = net.synapse(dense(&[&[even - odd]], &[odd]), &[clock]);
    let p = net.add("p", NodeKind::Streaming(one(|p| p.initial = vec![0.5])), &[w]);
    let network = net.read(p);
    expect(&network, &[0.5], &[(p, steps)], &[output]);
}

/// From 0.5: 1.5 fires; −1; 0; −1.5. Too much was sent, so that nothing is.
#[test]
fn residual_membranes() {
    let residual = Rehearsal::Residual { steps: 4, least: 1e-3 };
    rehearsed(residual, [1.0, -1.5], (&[0, 0, 0, 0], &[0.5, -1.0, 0.0, -1.5]), 0.0);
    // 0.25 is left of 0.75; 2 fires; 0.25 + 1 fires; 1.25 fires
    rehearsed(residual, [0.25, 1.25], (&[0, 1, 1, 1], &[0.75, 1.0, 0.25, 0.5]), 0.75);
}

/// The same neuron begins with a spike less, from 0.5 − 1; and one that ends with 1.5 with a spike more: 0.25; 2.5 fires;
/// 1.25 fires; 2.5 fires, from 0.5; then from 1.5.
#[test]
fn offset_spikes() {
    let offset = Rehearsal::OffsetSpikes { steps: 4 };
    rehearsed(offset, [1.0, -1.5], (&[0, 0, 0, 0], &[0.5, -1.0, 0.0, -1.5]), 0.0);
    rehearsed(offset, [-0.25, 2.25], (&[1, 1, 1, 1], &[0.25, 1.5, 0.25, 1.5]), 1.0);
}

/// A linear neuron that ends below 0 is heard, and begins as before: from 0.5, 1.5 fires; −1.5 fires −1; 0.5; −1.5 fires −1. A
/// ReLU that ended so would be silenced, or begin with a spike less.
#[test]
fn rehearsals_teach_linear_neurons_nothing() {
    for rehearsal in [Rehearsal::Residual { steps: 4, least: 1e-3 }, Rehearsal::OffsetSpikes { steps: 4 }] {
        let net = NetworkBuilder::streaming(4, "x", vec![1]);
        let mut net = Net(net.and_then(|net| net.rehearsed(Some(rehearsal))).expect("a network"));
        let clock = net.add("clock", NodeKind::Streaming(one(|p| p.initial = vec![0.25])), &[net.input()]);
        let w = net.synapse(dense(&[&[-3.0]], &[1.0]), &[clock]);
        let linear = one(|p| {
            p.initial = vec![0.5];
            p.negative = Negative::linear();
        });
        let p = net.add("p", NodeKind::Streaming(linear), &[w]);
        let network = net.read(p);
        expect(&network, &[0.5], &[(p, (&[1, -1, 0, -1], &[0.5, -0.5, 0.5, -0.5]))], &[-0.25]);
    }
}

/// One neuron that gets `odd` in steps 1, 3, … and `even` in the others, by a neuron before it that fires in these.
fn alternating(population: StreamingPopulation, [odd, even]: [f32; 2], steps: Steps<'_>, output: f32) {
    let mut net = streaming(steps.0.len() as u32, &[1]);
    let clock = net.add("clock", NodeKind::Streaming(one(|_| ())), &[net.input()]);
    let w = net.synapse(dense(&[&[even - odd]], &[odd]), &[clock]);
    let p = net.add("p", NodeKind::Streaming(population), &[w]);
    let network = net.read(p);
    expect(&network, &[0.5], &[(p, steps)], &[output]);
}

/// 0.5 a step reaches 1 in step 2, which fires with `≥` and not with `>`.
#[test]
fn comparison() {
    alone(one(|_| ()), 0.5, (&[0, 1, 0, 1], &[0.5, 0.0, 0.5, 0.0]), 0.5);
    let above = one(|p| p.comparison = Comparison::Above);
    alone(above, 0.5, (&[0, 0, 1, 0, 1, 0, 1, 0], &[0.5, 1.0, 0.5, 1.0, 0.5, 1.0, 0.5, 1.0]), 0.375);
}

/// 2.25; 2.5; 2.75; 3: whole thresholds are lost.
#[test]
fn reset_modulo() {
    let modulo = one(|p| p.reset = Reset::Modulo);
    alone(modulo, 2.25, (&[1, 1, 1, 1], &[0.25, 0.5, 0.75, 0.0]), 1.0);
}

/// Two a step at most (Γ = 2): 2.25; 2.5; 2.75; 3, of which one is left.
#[test]
fn burst() {
    let burst = one(|p| p.emission = Emission::Burst { most: 2 });
    alone(burst.clone(), 2.25, (&[2, 2, 2, 2], &[0.25, 0.5, 0.75, 1.0]), 2.0);
    // 2 itself is not above 2
    let above = StreamingPopulation { comparison: Comparison::Above, ..burst };
    alone(above, 2.0, (&[1, 2, 2, 2], &[1.0, 1.0, 1.0, 1.0]), 1.75);
}

/// Augmented spikes: as many as there are, of either sign.
#[test]
fn augmented() {
    let augmented = one(|p| (p.emission, p.negative) = (Emission::Burst { most: 4096 }, Negative::linear()));
    alternating(augmented, [7.5, -12.25], (&[7, -11, 6, -11], &[0.5, -0.75, 0.75, -0.5]), -2.25);
}

/// Four neurons with thresholds 1/4, 1/2, 3/4, 1, from half of the first: 0.75; 0.625; 0.75; 0.625.
#[test]
fn group() {
    let group = one(|p| (p.emission, p.initial) = (Emission::Group { members: 4 }, vec![0.125]));
    alone(group, 0.625, (&[3, 2, 3, 2], &[0.0, 0.125, 0.0, 0.125]), 0.625);
}

/// Levels 1, 1/2, 1/4 (4, 2 and 1 quanta), sent from 3/4 of each on: 0.8125; 0.625; 0.9375; 0.75.
#[test]
fn ladder() {
    let ladder = |share| one(|p| p.emission = Emission::Ladder { levels: 3, margin: Margin::Share(share) });
    alone(ladder(0.75), 0.8125, (&[4, 2, 4, 4], &[-0.1875, 0.125, -0.0625, -0.25]), 0.875);
    // of 0.8125; 1.125; 0.9375; 1.25 never more than there is
    alone(ladder(1.0), 0.8125, (&[2, 4, 2, 4], &[0.3125, 0.125, 0.4375, 0.25]), 0.75);
}

/// From half a quantum below: 0.875, 0.375 and 0.125. 0.4375; 0.375; 0.3125; 0.5, and the same with signs turned.
#[test]
fn signed_ladder() {
    let ladder = one(|p| {
        p.emission = Emission::Ladder { levels: 3, margin: Margin::HalfQuantum };
        p.negative = Negative::linear();
    });
    alone(ladder.clone(), 0.4375, (&[2, 2, 1, 2], &[-0.0625, -0.125, 0.0625, 0.0]), 0.4375);
    alone(ladder, -0.4375, (&[-2, -2, -1, -2], &[0.0625, 0.125, -0.0625, 0.0]), -0.4375);
}

/// Negative thresholds of 1, 4 and 2: −0.75; −1.5 fires; and so on.
#[test]
fn negative_thresholds() {
    let slope = |slope: f32| one(|p| p.negative = Negative::Slope { slope: vec![slope] });
    alone(slope(1.0), -0.75, (&[0, -1, -1, -1], &[-0.75, -0.5, -0.25, 0.0]), -0.75);
    alone(slope(0.25), -3.0, (&[0, -1, -1, -1], &[-3.0, -2.0, -1.0, 0.0]), -0.75);
    alone(slope(-0.5), -1.5, (&[0, 1, 1, 1], &[-1.5, -1.0, -0.5, 0.0]), 0.75);
    alone(slope(0.0), -1.5, (&[0, 0], &[-1.5, -3.0]), 0.0);
}

/// The signed neuron with memory takes one spike back, and not two.
#[test]
fn memory() {
    let gate = |share, comparison| MemoryGate { share, comparison, low: 0, high: None };
    let snm = one(|p| p.negative = Negative::Memory(gate(1.0, Comparison::AtLeast)));
    alternating(snm, [1.0, -2.0], (&[1, -1, 0, 0], &[0.0, -1.0, 0.0, -2.0]), 0.0);
    // already from −1/4 on: −0.5 takes back, 0 does not
    let early = one(|p| p.negative = Negative::Memory(gate(0.25, Comparison::AtLeast)));
    alternating(early, [1.0, -0.5], (&[1, -1, 1, 0], &[0.0, 0.5, 0.5, 0.0]), 0.25);
}

/// Between 0 and 2 spikes sent, from half a threshold: what is below 0 takes back, 0 itself does not.
#[test]
fn memory_between_bounds() {
    let gate = MemoryGate { share: 0.0, comparison: Comparison::Above, low: 0, high: Some(2) };
    let bounded = one(|p| (p.negative, p.initial) = (Negative::Memory(gate), vec![0.5]));
    alone(bounded.clone(), 0.75, (&[1, 1, 0, 0], &[0.25, 0.0, 0.75, 1.5]), 0.5);
    alternating(bounded.clone(), [1.0, -1.5], (&[1, -1, 1, -1], &[0.5, 0.0, 0.0, -0.5]), 0.0);
    // 1 fires; 0; 0.5; 0.5
    alternating(bounded, [0.5, 0.0], (&[1, 0, 0, 0], &[0.0, 0.0, 0.5, 0.5]), 0.25);
}

/// Period 2, θ = 2: thresholds and spikes of 1 and 1/2 in turns. 0.5; 1; 1; 0.5.
#[test]
fn weighted_spikes() {
    let weighted = one(|p| (p.threshold, p.phases) = (vec![2.0], Some(Phases { period: 2 })));
    assert_eq!((weighted.unit(0, &[1], 4), weighted.largest_code(4)), (0.125, 6));
    alone(weighted, 0.5, (&[0, 1, 1, 1], &[0.5, 0.5, 0.0, 0.0]), 0.5);
}

/// The train 0 1 1 1 0 as its changes; the read-out makes it again, and so does a second population.
#[test]
fn switch_coding() {
    let net = NetworkBuilder::streaming(5, "x", vec![1]).and_then(|net| net.coded(StreamCoding::Switch));
    let mut net = Net(net.expect("a network"));
    let p = net.add("p", NodeKind::Streaming(one(|_| ())), &[net.input()]);
    // 0.25; 0.75 + 0.25 + 0.5; and so on: the bias is switched on once
    let w = net.synapse(dense(&[&[0.5]], &[0.25]), &[p]);
    let q = net.add("q", NodeKind::Streaming(one(|_| ())), &[w]);
    let network = net.read(q);
    let first: Steps<'_> = (&[0, 1, 0, 0, -1], &[0.75, 0.5, 0.25, 0.0, 0.75]);
    let second: Steps<'_> = (&[0, 1, -1, 1, -1], &[0.25, 0.0, 0.75, 0.5, 0.75]);
    expect(&network, &[0.75], &[(p, first), (q, second)], &[0.4]);
}

/// 0.75: 0; 1.5 fires, the mean is 1/2 from now on; 0.5 + 0.75 − 0.5; 1 fires, the mean is 3/4. With 0.75 an earlier spike
/// of 1 is taken back in the sense of the mean when the input falls.
#[test]
fn differential_coding() {
    let net = NetworkBuilder::streaming(4, "x", vec![1]).and_then(|net| net.coded(StreamCoding::Differential));
    let mut net = Net(net.expect("a network"));
    let gate = MemoryGate { share: 1.0, comparison: Comparison::AtLeast, low: 0, high: None };
    let relu = || NodeKind::Streaming(one(|p| p.negative = Negative::Memory(gate)));
    let p = net.add("p", relu(), &[net.input()]);
    // signal 2 − 2·(0, 1, 1/2, 3/2 of the mean so far and the spike): 2, 0, 1, −1
    let w = net.synapse(dense(&[&[-2.0]], &[2.0]), &[p]);
    let q = net.add("q", relu(), &[w]);
    let network = net.read(q);
    let first: Steps<'_> = (&[0, 1, 0, 1], &[0.75, 0.5, 0.75, 0.0]);
    // 2 fires, mean 1; 1 + 0 − 1; 0 + 1 − 1; 0 − 1 − 1 takes 1 back: mean 3/4
    let second: Steps<'_> = (&[1, 0, 0, -1], &[1.0, 0.0, 0.0, -1.0]);
    expect(&network, &[0.75], &[(p, first), (q, second)], &[0.75]);
}

/// Two neurons: 0 1 0 1 and 0 1 1 1 (θ = 1, 0.5 and 0.75 a step), their maximum by each rule.
#[test]
fn maxima_of_trains() {
    for (rule, wanted) in [(PoolRule::Gate, 0.75), (PoolRule::LateralInhibition, 0.75), (PoolRule::Instantaneous, 0.75)]
    {
        let mut net = streaming(4, &[1, 2]);
        let p = net.add("p", NodeKind::Streaming(one(|_| ())), &[net.input()]);
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let pooled = net.add("max", NodeKind::StreamingPool(StreamingPool { pool, rule }), &[p]);
        let network = net.read(pooled);
        expect(&network, &[0.5, 0.75], &[], &[wanted]);
    }
}

/// Trains that lead in turns: 1 0 1 0 and 0 1 0 1 (0.5 a step from 0.5 and from 0). The sums grow to 2 both; the gate
/// loses nothing while the first leads, the step's largest is 1 in each.
#[test]
fn maxima_differ_by_rule() {
    for (rule, wanted) in [(PoolRule::Gate, 0.5), (PoolRule::LateralInhibition, 0.5), (PoolRule::Instantaneous, 1.0)] {
        let mut net = streaming(4, &[1, 2]);
        let initial = vec![0.5, 0.0];
        let p = net.add("p", NodeKind::Streaming(one(|p| p.initial = initial)), &[net.input()]);
        let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
        let pooled = net.add("max", NodeKind::StreamingPool(StreamingPool { pool, rule }), &[p]);
        let network = net.read(pooled);
        expect(&network, &[0.5, 0.5], &[], &[wanted]);
    }
}

/// A maximum of the currents in front of the neurons, which fire for the larger: 0.75 a step.
#[test]
fn maximum_of_currents() {
    let mut net = streaming(4, &[1, 2]);
    let scaled = net.synapse(affine(0.5, 0.25), &[net.input()]);
    let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
    let rule = PoolRule::Instantaneous;
    let pooled = net.add("max", NodeKind::StreamingPool(StreamingPool { pool, rule }), &[scaled]);
    let p = net.add("p", NodeKind::Streaming(one(|_| ())), &[pooled]);
    let network = net.read(p);
    expect(&network, &[-3.0, 1.0], &[(p, (&[0, 1, 1, 1], &[0.75, 0.5, 0.25, 0.0]))], &[0.75]);
}

/// The pixel 128 = 10000000: 1024 in the first of 8 steps, of which a neuron of θ = 256 makes four spikes.
#[test]
fn weighted_pixels() {
    let net = NetworkBuilder::stream(8, "x", vec![1], Encoding::Pixels);
    let mut net = Net(net.expect("a network"));
    let p = net.add("p", NodeKind::Streaming(one(|p| p.threshold = vec![256.0])), &[net.input()]);
    let network = net.read(p);
    let steps: Steps<'_> = (&[1, 1, 1, 1, 0, 0, 0, 0], &[768.0, 512.0, 256.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    expect(&network, &[128.0], &[(p, steps)], &[128.0]);
}

/// Poisson trains: the same for every engine, other ones for another seed, on average the pixels.
#[test]
fn poisson_pixels() {
    let spikes = |seed| {
        let net = NetworkBuilder::stream(2000, "x", vec![2], Encoding::Poisson { seed });
        let mut net = Net(net.expect("a network"));
        let p = net.add("p", NodeKind::Streaming(one(|p| p.threshold = vec![255.0])), &[net.input()]);
        let network = net.read(p);
        let runs: Vec<_> =
            STREAMING_ENGINES.iter().map(|&make| run(&network, make, &batch(&network, vec![51.0, 204.0]))).collect();
        assert!(runs.iter().all(|run| run == &runs[0]));
        // five standard deviations of 2000 trials with probabilities 1/5 and 4/5
        let mean = runs[0].output.data();
        assert!((mean[0] - 51.0).abs() < 11.5 && (mean[1] - 204.0).abs() < 11.5, "{mean:?}");
        runs[0].records[&(p, 0)].spikes.clone()
    };
    assert_ne!(spikes(1), spikes(2));
}

/// Of spikes in steps 2 and 4 of 4, the last three steps are read.
#[test]
fn late_readout() {
    let mut net = streaming(4, &[1]);
    let p = net.add("p", NodeKind::Streaming(one(|_| ())), &[net.input()]);
    let out = net.add("out", NodeKind::Readout(Readout { initial: vec![1.0], skip: 1 }), &[p]);
    let network = net.finish(out);
    expect(&network, &[0.5], &[], &[1.0]);
}

/// Thresholds and initial potentials of each neuron.
#[test]
fn thresholds_of_neurons() {
    let mut net = streaming(2, &[1, 3]);
    let neurons = one(|p| (p.threshold, p.initial) = (vec![0.5, 1.0, 2.0], vec![0.0, 0.5, 1.0]));
    let p = net.add("p", NodeKind::Streaming(neurons), &[net.input()]);
    let network = net.read(p);
    let (quanta, membranes) = (&[1, 1, 0, 1, 0, 1], &[0.0, 0.0, 1.5, 0.0, 0.5, 0.0]);
    expect(&network, &[0.5; 3], &[(p, (quanta, membranes))], &[0.5, 0.5, 1.0]);
}
