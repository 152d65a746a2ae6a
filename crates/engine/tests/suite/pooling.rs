//! Maxima: of membranes, and of trains.

use spikeconverter_graph::ops::{AvgPool, MaxPool, Pad, Window};
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{NetworkError, NodeKind, Population, SpikingNetwork, Transfer};

use crate::harness::{Net, concat, dense, expect, linear, pairs, population, relu};

/// The maximum taken at the hand-over.
fn on_membranes(steps: u32, shape: &[usize], p: Population, pool: MaxPool) -> (SpikingNetwork, NodeId) {
    let mut net = Net::analog(steps, shape);
    let p = net.population("p", Population { pool: Some(pool), ..p }, net.input());
    (net.read(p), p)
}

/// The maximum taken of the trains; a second population of the same code repeats them, so that they are seen.
fn on_trains(steps: u32, shape: &[usize], p: Population, pool: MaxPool) -> (SpikingNetwork, NodeId) {
    let mut net = Net::analog(steps, shape);
    let repeat = Population { transfer: Transfer::linear(), half_step: false, initial: Vec::new(), ..p.clone() };
    let p = net.population("p", p, net.input());
    let gate = net.gate(pool, p);
    let repeat = net.population("repeat", repeat, gate);
    (net.read(repeat), repeat)
}

fn both(p: &Population, shape: &[usize], pool: &MaxPool, membranes: &[f32], trains: &[&str], output: &[f32]) {
    for make in [on_membranes, on_trains] {
        let (network, id) = make(3, shape, p.clone(), pool.clone());
        expect(&network, membranes, &[(id, trains)], output);
    }
}

#[test]
fn of_membranes_and_of_trains_alike() {
    both(&relu(1.0), &[1, 4], &pairs(), &[0.5, 1.25, -1.0, 0.25], &["101", "001"], &[1.25, 0.25]);
    // equal trains of different membranes, and none at all
    both(&relu(1.0), &[1, 4], &pairs(), &[0.5, 0.6, -1.0, -2.0], &["010", "000"], &[0.5, 0.0]);
    // a train that starts like the larger one must not win with a later spike: 011 and 100
    both(&relu(1.0), &[1, 4], &pairs(), &[0.75, 1.0, 1.25, 1.0], &["100", "101"], &[1.0, 1.25]);
}

#[test]
fn of_signed_trains() {
    both(&linear(1.0), &[1, 4], &pairs(), &[-0.5, -1.25, -1.0, 0.25], &["-010", "001"], &[-0.5, 0.25]);
}

#[test]
fn padding_never_wins() {
    // windows {0}, {1, 2} with padding 1; a padded zero would beat the negative membranes
    let pool = MaxPool { window: Window::new(vec![2]).strided(2).padded(1), ceil: false };
    both(&linear(1.0), &[1, 3], &pool, &[-0.5, -1.25, -1.0], &["-010", "-100"], &[-0.5, -1.0]);
}

#[test]
fn channels_with_their_own_thresholds() {
    let p = population(Transfer::Relu, &[1.0, 0.5]);
    both(&p, &[2, 2], &pairs(), &[0.5, 0.75, 0.5, 0.75], &["011", "110"], &[0.75, 0.75]);
}

/// 1.25 sends 100; 0.9 is silent in base 1 and 0.9·1.5 = 1.35 sends 010 in base 1.5.
#[test]
fn in_other_bases() {
    for (base, trains, output) in [(1.0, ["100", "000"], [1.0, 0.0]), (1.5, ["100", "010"], [1.0, 2.0 / 3.0])] {
        let p = Population { base, ..relu(1.0) };
        let (network, id) = on_membranes(3, &[1, 4], p.clone(), pairs());
        expect(&network, &[0.5, 1.25, -1.0, 0.9], &[(id, &trains)], &output);
        let mut net = Net::analog(3, &[1, 4]);
        let p = net.population("p", p, net.input());
        let gate = net.gate(pairs(), p);
        expect(&net.read(gate), &[0.5, 1.25, -1.0, 0.9], &[], &output);
    }
}

/// Initial potentials act before the maximum.
#[test]
fn initial_potentials() {
    let p = Population { initial: vec![0.25], ..linear(1.0) };
    both(&p, &[1, 4], &pairs(), &[0.5, 1.25, -1.0, -0.75], &["110", "-010"], &[1.5, -0.5]);
}

/// A gate over channels of two populations that speak at different times and in different bases.
#[test]
fn of_a_concatenation_across_stages() {
    let mut net = Net::analog(3, &[1, 2]);
    let early = net.population("early", Population { base: 1.0, ..relu(0.5) }, net.input());
    let first = net.population("first", relu(1.0), net.input());
    let late = net.population("late", relu(1.0), first);
    let both = net.synapse(concat(0), &[early, late]);
    let gate = net.gate(pairs(), both);
    let weighted = net.synapse(dense(&[&[2.0]], &[]), &[gate]);
    let p = net.population("p", relu(4.0), weighted);
    let network = net.read(p);
    // early: 1.5 and 0.5 in base 1; late: the same in base 2; the larger of each doubled, in steps of 1
    let early_trains: &[&str] = &["111", "100"];
    let late_trains: &[&str] = &["110", "010"];
    expect(&network, &[1.5, 0.5], &[(early, early_trains), (late, late_trains), (p, &["011", "011"])], &[3.0; 2]);
    let early_trains: &[&str] = &["000", "100"];
    let late_trains: &[&str] = &["001", "010"];
    expect(&network, &[0.25, 0.5], &[(early, early_trains), (late, late_trains), (p, &["001", "001"])], &[1.0; 2]);
}

/// Trains of pixels: 200 = 11001000 beats 100 = 01100100. The gate passes them whole.
#[test]
fn of_pixels() {
    let mut net = Net::pixels(3, &[1, 4]);
    let gate = net.gate(pairs(), net.input());
    let p = net.population("p", relu(64.0), gate);
    expect(&net.read(p), &[100.0, 200.0, 7.0, 64.0], &[(p, &["111", "100"])], &[112.0, 64.0]);
}

/// Maxima of maxima, of trains that pass through padding with silent neurons.
#[test]
fn of_padded_trains_again() {
    let mut net = Net::analog(3, &[1, 2]);
    let p = net.population("p", linear(1.0), net.input());
    let pad = net.synapse(Op::Pad(Pad { before: vec![0, 1], after: vec![0, 1], value: 0.0 }), &[p]);
    let gate = net.gate(pairs(), pad);
    let again = net.gate(MaxPool { window: Window::new(vec![2]), ceil: false }, gate);
    let q = net.population("q", linear(1.0), again);
    expect(&net.read(q), &[-1.0, 0.5], &[(p, &["-100", "010"]), (q, &["010"])], &[0.5]);
}

/// A maximum compares spike by spike, which is only right among trains of one code and threshold.
#[test]
fn of_unequal_trains_is_refused() {
    let refused = |a: Population, b: Population, axis: usize| {
        let mut net = Net::analog(3, &[1, 2]);
        let (a, b) = (net.population("a", a, net.input()), net.population("b", b, net.input()));
        let both = net.synapse(concat(axis), &[a, b]);
        matches!(net.0.add("gate", NodeKind::MaxPool(pairs()), &[both]), Err(NetworkError::Node { .. }))
    };
    assert!(refused(relu(1.0), relu(0.5), 1));
    assert!(refused(relu(1.0), Population { base: 1.5, ..relu(1.0) }, 1));
    assert!(!refused(relu(1.0), relu(1.0), 1));
    assert!(!refused(relu(1.0), Population { base: 1.5, ..relu(0.5) }, 0));
}

#[test]
fn means_are_synapses() {
    let mut net = Net::analog(3, &[1, 4]);
    let p = net.population("p", relu(1.0), net.input());
    let window = Window::new(vec![2]).strided(2);
    let mean = net.synapse(Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: true }), &[p]);
    let q = net.population("q", relu(0.5), mean);
    // means 0.75 and 0.125, in steps of 0.125
    expect(&net.read(q), &[0.5, 1.0, -1.0, 0.25], &[(q, &["110", "001"])], &[0.75, 0.125]);
}
