//! Every step of a window, as the reference engine shows it.

use std::collections::BTreeMap;

use spikeconverter_engine::{Engine, ReferenceEngine, StreamingEngine};
use spikeconverter_graph::NodeId;
use spikeconverter_network::Encoding;
use spikeconverter_neuron::SignedTrain;

use crate::generator::recipes;
use crate::harness::{Net, batch, linear, relu};
use crate::random::check;

/// Worked by hand: θ = 1, k = 2, T = 4. A sample of 1.625 fires at 1.625, leaving 2·0.625 = 1.25, which fires, leaving 0.5,
/// which doubles to 1 and fires. One of −0.75 fires from −1.5, the negative branch of a linear population, after one step.
#[test]
fn steps_by_hand() {
    let mut net = Net::analog(4, &[2]);
    let p = net.population("p", linear(1.0), net.input());
    let network = net.read(p);
    let mut shown = Vec::new();
    let samples = batch(&network, vec![1.625, -0.75]);
    let output = ReferenceEngine::new(&network)
        .record(&samples, &mut |step| shown.push((step.node, step.step, step.spikes.to_vec(), step.membranes.to_vec())))
        .unwrap();
    let wanted = [
        (p, 1, vec![1, 0], vec![1.25, -1.5]),
        (p, 2, vec![1, -1], vec![0.5, -1.0]),
        (p, 3, vec![0, -1], vec![1.0, 0.0]),
        (p, 4, vec![1, 0], vec![0.0, 0.0]),
    ];
    assert_eq!(shown, wanted);
    assert_eq!(output.data(), [1.625, -0.75]);
}

/// The steps are those of the codes, also where images follow one another and where populations fire early.
#[test]
fn steps_are_the_codes() {
    check(200, &recipes(false), |network, samples| {
        let engine = ReferenceEngine::new(network);
        let mut codes: BTreeMap<(NodeId, usize), Vec<i32>> = BTreeMap::new();
        let recorded = engine.record(samples, &mut |step| {
            let codes = codes.entry((step.node, step.sample)).or_insert_with(|| vec![0; step.spikes.len()]);
            codes.iter_mut().zip(step.spikes).for_each(|(code, spike)| *code = 2 * *code + spike);
        });
        let mut same = true;
        let run = engine.run(samples, &mut |id, all| {
            same &= (0..all.count()).all(|i| codes.get(&(id, i)).is_some_and(|codes| codes == all.sample(i)));
        });
        if same && recorded == run { Ok(()) } else { Err("the steps are not those of the codes".into()) }
    });
}

#[test]
fn early_spikes_are_shown_with_what_is_left() {
    let mut net = Net::delayed(4, Some(1), &[1], Encoding::Analog);
    let p = net.population("p", relu(1.0), net.input());
    let q = net.population("q", relu(1.0), p);
    let network = net.read(q);
    let engine = ReferenceEngine::new(&network);
    let samples = batch(&network, vec![1.375, 0.8]);
    let mut codes: BTreeMap<(NodeId, usize), i32> = BTreeMap::new();
    let mut last = BTreeMap::new();
    engine
        .record(&samples, &mut |step| {
            let code = codes.entry((step.node, step.sample)).or_default();
            *code = SignedTrain::push(*code, step.spikes[0] as i8);
            last.insert((step.node, step.sample), step.membranes[0]);
        })
        .unwrap();
    engine
        .run(&samples, &mut |id, all| {
            (0..2).for_each(|i| assert_eq!(codes[&(id, i)], all.sample(i)[0]));
        })
        .unwrap();
    // 1.375 is a sum of the weights 1, ½, ¼ and ⅛; of 0.8 something is left, within half of the last
    assert_eq!(last[&(p, 0)], 0.0);
    let left = last[&(p, 1)];
    assert!(left != 0.0 && left.abs() <= 0.0625 + 1e-6, "{left}");
}
