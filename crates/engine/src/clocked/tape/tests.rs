use std::sync::Mutex;

use spikeconverter_graph::ops::{Add, Conv, Linear, MaxPool, Reshape, Window};
use spikeconverter_graph::{Op, Tensor};
use spikeconverter_network::{Encoding, Negative, NetworkBuilder, Readout, StreamingPool, StreamingPopulation};
use spikeconverter_neuron::{Emission, PoolRule, Rehearsal, Reset};

use super::*;
use crate::testing::Dice;
use crate::{ClockedEngine, Engine, StreamingEngine};

const STEPS: u32 = 40;

/// Plain neurons, bursts behind a shortcut, a maximum, signed ones, a dense layer.
fn network(encoding: Encoding) -> (SpikingNetwork, Vec<NodeId>) {
    let mut dice = Dice(5);
    let mut builder = NetworkBuilder::stream(STEPS, "x", vec![2, 6, 6], encoding).unwrap();
    let population = |emission, negative| {
        NodeKind::Streaming(StreamingPopulation {
            threshold: vec![0.75],
            reset: Reset::Subtract,
            emission,
            negative,
            ..StreamingPopulation::default()
        })
    };
    let mut conv = |results: usize, channels: usize| {
        let weight = Tensor::new(vec![results, channels, 3, 3], dice.values(results * channels * 9)).unwrap();
        NodeKind::Synapse(Op::Conv(Conv { weight, bias: None, window: Window::new(vec![3, 3]).padded(1), groups: 1 }))
    };
    let (first, second, third) = (conv(5, 2), conv(5, 5), conv(4, 5));
    let add = NodeKind::Synapse(Op::Add(Add { coefficients: vec![1.0, 0.5] }));
    let a = builder.add("a/conv", first, &[builder.input()]).unwrap();
    let a = builder.add("a", population(Emission::Binary, Negative::Never), &[a]).unwrap();
    let b = builder.add("b/conv", second, &[a]).unwrap();
    let b = builder.add("b/add", add, &[b, a]).unwrap();
    let b = builder.add("b", population(Emission::Burst { most: 3 }, Negative::Never), &[b]).unwrap();
    let window = Window::new(vec![2, 2]).strided(2);
    let pool = StreamingPool { pool: MaxPool { window, ceil: false }, rule: PoolRule::LateralInhibition };
    let max = builder.add("max", NodeKind::StreamingPool(pool), &[b]).unwrap();
    let c = builder.add("c/conv", third, &[max]).unwrap();
    let c = builder.add("c", population(Emission::Binary, Negative::linear()), &[c]).unwrap();
    let flat = builder.add("flat", NodeKind::Synapse(Op::Reshape(Reshape { shape: vec![36] })), &[c]).unwrap();
    let weight = Tensor::new(vec![3, 36], dice.values(108)).unwrap();
    let dense = NodeKind::Synapse(Op::Linear(Linear { weight, bias: Some(Tensor::vector(vec![0.1, 0.2, 0.3])) }));
    let dense = builder.add("dense", dense, &[flat]).unwrap();
    let end = builder.add("end", NodeKind::Readout(Readout::default()), &[dense]).unwrap();
    (builder.finish(end).unwrap(), vec![a, b, c])
}

/// Behind any populations whose trains are known, the others send what they send in a run of the whole network.
#[test]
fn what_lies_behind_known_trains_is_the_same() {
    for encoding in [Encoding::Analog, Encoding::Poisson { seed: 3 }] {
        let (network, populations) = network(encoding);
        let pixels = encoding.takes_pixels();
        let values: Vec<f32> =
            Dice(7).values(3 * 72).into_iter().map(|x| if pixels { (x.abs() * 255.0).round() } else { x }).collect();
        let samples = Batch::new(3, vec![2, 6, 6], values).unwrap();
        let whole = ClockedEngine::new(&network).unwrap().infer(&samples).unwrap();
        let (output, tapes) =
            TapedEngine::new(&network, Vec::new()).unwrap().run(&samples, &populations, None).unwrap();
        assert_eq!(output, whole);
        let tapes: Vec<Arc<Tape>> = tapes.into_iter().map(Arc::new).collect();
        let engine = TapedEngine::new(&network, Vec::new()).unwrap();
        for (id, tape) in populations.iter().zip(&tapes) {
            assert_eq!(tape.bytes(), 3 * engine.tape_bytes(*id));
        }
        for known in 0..1usize << populations.len() {
            let is_known = |n: usize| known >> n & 1 == 1;
            let played = |(n, id): (usize, &NodeId)| is_known(n).then(|| (*id, Arc::clone(&tapes[n])));
            let engine =
                TapedEngine::new(&network, populations.iter().enumerate().filter_map(played).collect()).unwrap();
            // what lies behind the last known one runs, what lies before only where it is read
            let runs: Vec<usize> = (0..populations.len()).filter(|&n| engine.runs(populations[n])).collect();
            assert!(runs.iter().all(|&n| !is_known(n)));
            let kept: Vec<NodeId> = runs.iter().map(|&n| populations[n]).collect();
            let (output, found) = engine.run(&samples, &kept, None).unwrap();
            assert_eq!(output, whole);
            for (n, tape) in runs.iter().zip(found) {
                assert_eq!(tape, *tapes[*n]);
            }
        }
    }
}

/// One population's steps are shown as they are when all are.
#[test]
fn a_population_is_shown_alone() {
    let (network, populations) = network(Encoding::Analog);
    let samples = Batch::new(2, vec![2, 6, 6], Dice(7).values(2 * 72)).unwrap();
    let mut wanted = Vec::new();
    ClockedEngine::new(&network)
        .unwrap()
        .record(&samples, &mut |step| {
            if step.node == populations[2] {
                wanted.push((step.sample, step.step, step.spikes.to_vec(), step.membranes.to_vec()));
            }
        })
        .unwrap();
    let (_, tapes) = TapedEngine::new(&network, Vec::new()).unwrap().run(&samples, &populations[..2], None).unwrap();
    let known = populations.iter().copied().zip(tapes.into_iter().map(Arc::new)).collect();
    let found = Mutex::new(Vec::new());
    let show = |step: &StepRecord<'_>| {
        assert_eq!(step.node, populations[2]);
        let record = (step.sample, step.step, step.spikes.to_vec(), step.membranes.to_vec());
        found.lock().unwrap().push(record);
    };
    TapedEngine::new(&network, known).unwrap().run(&samples, &[], Some((populations[2], &show))).unwrap();
    let mut found = found.into_inner().unwrap();
    found.sort_by_key(|(sample, step, ..)| (*sample, *step));
    assert_eq!(found, wanted);
}

#[test]
fn other_tapes_are_refused() {
    let (network, populations) = network(Encoding::Analog);
    let samples = |count| Batch::new(count, vec![2, 6, 6], vec![0.5; count * 72]).unwrap();
    let engine = TapedEngine::new(&network, Vec::new()).unwrap();
    let (_, mut tapes) = engine.run(&samples(2), &populations, None).unwrap();
    let (c, b) = (Arc::new(tapes.remove(2)), Arc::new(tapes.remove(1)));
    let refused = |known| TapedEngine::new(&network, known).err().map(|error| error.to_string());
    let of_another = refused(vec![(populations[0], Arc::clone(&b))]).unwrap();
    assert!(of_another.contains("`a`") && of_another.contains("another population"), "{of_another}");
    assert!(refused(vec![(network.output(), Arc::clone(&b))]).unwrap().contains("`end`"));
    let engine = TapedEngine::new(&network, vec![(populations[2], c)]).unwrap();
    let error = engine.run(&samples(3), &[], None).unwrap_err().to_string();
    assert!(error.contains("2 samples"), "{error}");
    let error = engine.run(&samples(2), &[populations[1]], None).unwrap_err().to_string();
    assert!(error.contains("`b`") && error.contains("does not run"), "{error}");
    let error = engine.run(&samples(2), &[NodeId(99)], None).unwrap_err().to_string();
    assert!(error.contains("99"), "{error}");
    let builder = NetworkBuilder::streaming(3, "x", vec![1]).unwrap();
    let mut builder = builder.rehearsed(Some(Rehearsal::Residual { steps: 2, least: 1e-3 })).unwrap();
    let neurons = NodeKind::Streaming(StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() });
    let p = builder.add("p", neurons, &[builder.input()]).unwrap();
    let end = builder.add("end", NodeKind::Readout(Readout::default()), &[p]).unwrap();
    let rehearsing = builder.finish(end).unwrap();
    // alone it runs as in the clocked engine, and there is no tape to begin with
    let samples = Batch::new(1, vec![1], vec![0.75]).unwrap();
    let engine = TapedEngine::new(&rehearsing, Vec::new()).unwrap();
    let (output, mut tapes) = engine.run(&samples, &[p], None).unwrap();
    assert_eq!(output, ClockedEngine::new(&rehearsing).unwrap().infer(&samples).unwrap());
    assert!(TapedEngine::new(&rehearsing, vec![(p, Arc::new(tapes.remove(0)))]).is_err());
}
