//! Branches: trains that wait, meet others of another threshold, base or length, and constants on the way.

use spikeconverter_graph::ops::{Add, ArgMax, Pad, Softmax};
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::{NodeKind, Population, Schedule};

use crate::harness::{Net, affine, concat, dense, expect, linear, relu, sum};

/// `p1` is read two stages later, beside `p3`: its trains wait. Thresholds 1, 0.5 and 2 meet in one sum.
#[test]
fn residual_over_two_stages() {
    let mut net = Net::analog(3, &[1]);
    let p1 = net.population("p1", relu(1.0), net.input());
    let half = net.synapse(dense(&[&[0.5]], &[]), &[p1]);
    let p2 = net.population("p2", relu(0.5), half);
    let triple = net.synapse(dense(&[&[3.0]], &[]), &[p2]);
    let p3 = net.population("p3", relu(2.0), triple);
    let residual = net.synapse(sum(2), &[p3, p1]);
    let p4 = net.population("p4", relu(2.0), residual);
    let network = net.read(p4);
    // 1.25; 0.625; 1.875 in steps of 0.5 is 1.5; 2.75 in steps of 0.5 is 2.5
    let trains: [(NodeId, &[&str]); 4] = [(p1, &["101"]), (p2, &["101"]), (p3, &["011"]), (p4, &["101"])];
    expect(&network, &[1.25], &trains, &[2.5]);
    let schedule = Schedule::new(&network);
    assert_eq!((schedule.latency_steps, schedule.timing(p4).listens_at), (15, 9));
}

#[test]
fn differences_are_signed() {
    let mut net = Net::analog(3, &[1]);
    let p1 = net.population("p1", relu(1.0), net.input());
    let p2 = net.population("p2", relu(1.0), p1);
    let difference = net.synapse(Op::Add(Add { coefficients: vec![1.0, -2.0] }), &[p2, p1]);
    let p3 = net.population("p3", linear(1.0), difference);
    expect(&net.read(p3), &[1.25], &[(p2, &["101"]), (p3, &["-101"])], &[-1.25]);
}

/// Two bases arrive together: a rate train 110 of 0.5 (1.0) and a binary train 101 (1.25), of one stage and of two.
#[test]
fn concatenation_of_two_bases() {
    for stages in [1, 2] {
        let mut net = Net::analog(3, &[2]);
        let w1 = net.synapse(dense(&[&[1.0, 0.0]], &[]), &[net.input()]);
        let mut binary = net.population("binary", relu(1.0), w1);
        if stages == 2 {
            binary = net.population("again", relu(1.0), binary);
        }
        let w2 = net.synapse(dense(&[&[0.0, 1.0]], &[]), &[net.input()]);
        let rate = net.population("rate", Population { base: 1.0, ..relu(0.5) }, w2);
        let both = net.synapse(concat(0), &[binary, rate]);
        let total = net.synapse(dense(&[&[1.0, 1.0]], &[0.25]), &[both]);
        let p = net.population("p", relu(2.0), total);
        let trains: [(NodeId, &[&str]); 3] = [(binary, &["101"]), (rate, &["110"]), (p, &["101"])];
        expect(&net.read(p), &[1.25, 1.25], &trains, &[2.5]);
    }
}

/// Constants between populations act once, however many codes arrive: the shift of an affine map, the value of padding.
#[test]
fn constants_between_populations() {
    let mut net = Net::analog(3, &[1, 2]);
    let a = net.population("a", relu(1.0), net.input());
    let b = net.population("b", Population { base: 1.0, ..relu(1.0) }, net.input());
    let total = net.synapse(sum(2), &[a, b]);
    let shifted = net.synapse(affine(0.5, 0.75), &[total]);
    let padded = net.synapse(Op::Pad(Pad { before: vec![0, 1], after: vec![0, 0], value: 1.5 }), &[shifted]);
    let p = net.population("p", relu(1.0), padded);
    // 1.25 + 1 and 0.5 + 0, halved and shifted: 1.875 (in steps 1.75) and 1.0
    let trains: [(NodeId, &[&str]); 3] = [(a, &["101", "010"]), (b, &["100", "000"]), (p, &["110", "111", "100"])];
    expect(&net.read(p), &[1.25, 0.5], &trains, &[1.5, 1.75, 1.0]);
}

/// Populations pass trains to populations without a synapse between; a read-out reads trains.
#[test]
fn populations_in_a_row() {
    let mut net = Net::analog(4, &[2]);
    let p1 = net.population("p1", linear(1.0), net.input());
    let p2 = net.population("p2", linear(0.25), p1);
    let p3 = net.population("p3", relu(1.0), p2);
    // 1.375 saturates at 0.25·1.875 = 0.46875, truncated to 0.375
    let trains: [(NodeId, &[&str]); 3] = [(p1, &["1011", "-0011"]), (p2, &["1111", "-1100"]), (p3, &["0011", "0000"])];
    expect(&net.read(p3), &[1.375, -0.375], &trains, &[0.375, 0.0]);
}

/// What follows the read-out is computed from its membranes.
#[test]
fn heads() {
    let mut net = Net::analog(4, &[2]);
    let p = net.population("p", relu(1.0), net.input());
    let readout = net.readout(p);
    let softmax = net.add("softmax", NodeKind::Head(Op::Softmax(Softmax { axes: vec![0], log: false })), &[readout]);
    let [a, b] = [1f32, 0.25].map(f32::exp);
    expect(&net.finish(softmax), &[1.0, 0.25], &[(p, &["1000", "0010"])], &[a / (a + b), b / (a + b)]);

    let mut net = Net::analog(4, &[2]);
    let readout = net.readout(net.input());
    let argmax =
        net.add("class", NodeKind::Head(Op::ArgMax(ArgMax { axis: 0, keep: false, select_last: false })), &[readout]);
    expect(&net.finish(argmax), &[0.5, 0.75], &[], &[1.0]);
}

/// Two read-outs, one stage apart, meet in the head.
#[test]
fn two_readouts() {
    let mut net = Net::analog(3, &[2]);
    let early = net.readout(net.input());
    let p = net.population("p", relu(1.0), net.input());
    let late = net.readout(p);
    let both = net.add("both", NodeKind::Head(concat(0)), &[late, early]);
    expect(&net.finish(both), &[1.25, -0.5], &[(p, &["101", "000"])], &[1.25, 0.0, 1.25, -0.5]);
}

/// Populations that nothing reads still spike, later than the result if they must.
#[test]
fn dead_ends() {
    let mut net = Net::analog(3, &[1]);
    let p1 = net.population("p1", relu(1.0), net.input());
    let p2 = net.population("p2", relu(1.0), p1);
    let p3 = net.population("p3", relu(1.0), p2);
    let network = net.read(p1);
    expect(&network, &[1.25], &[(p1, &["101"]), (p2, &["101"]), (p3, &["101"])], &[1.25]);
}
