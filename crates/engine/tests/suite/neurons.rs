//! What single populations do with their membranes, every spike worked out by hand.
//!
//! In base 2 the steps weigh 1, 1/2, 1/4, ... times the threshold, so that a train reads as a binary fraction.

use spikeconverter_network::{NodeKind, Population, Readout, SpikingNetwork, Transfer};
use spikeconverter_neuron::Comparison;

use crate::harness::{Net, dense, expect, linear, population, relu};

/// A population that reads two analog numbers directly, and the sum of what it transmits.
fn alone(steps: u32, population: Population) -> (SpikingNetwork, spikeconverter_graph::NodeId) {
    let mut net = Net::analog(steps, &[2]);
    let p = net.population("p", population, net.input());
    let sum = net.synapse(dense(&[&[1.0, 1.0]], &[]), &[p]);
    (net.read(sum), p)
}

fn check(steps: u32, population: Population, membranes: [f32; 2], trains: [&str; 2], output: f32) {
    let (network, p) = alone(steps, population);
    expect(&network, &membranes, &[(p, &trains)], &[output]);
}

/// 0.5·1.5 + 0.25·0.5 = 0.875 and −1.5 + 0.5 + 0.25 < 0; then 0.875 + 0.3125 = 1.1875, truncated to 1.125, and
/// −0.875 + 1 = 0.125; then 2·1.125 − 4·0.125.
#[test]
fn chain() {
    let mut net = Net::analog(4, &[2]);
    let w1 = net.synapse(dense(&[&[0.5, 0.25], &[-1.0, 1.0]], &[0.0, 0.25]), &[net.input()]);
    let p1 = net.population("p1", relu(1.0), w1);
    let w2 = net.synapse(dense(&[&[1.0, 1.0], &[-1.0, 2.0]], &[0.3125, 1.0]), &[p1]);
    let p2 = net.population("p2", relu(1.0), w2);
    let w3 = net.synapse(dense(&[&[2.0, -4.0]], &[]), &[p2]);
    let network = net.read(w3);
    expect(&network, &[1.5, 0.5], &[(p1, &["0111", "0000"]), (p2, &["1001", "0001"])], &[1.75]);
}

/// A bias acts once, not in every step: 5 saturates, 3 − 2.5 = 0.5 does not.
#[test]
fn bias_larger_than_the_threshold() {
    let mut net = Net::analog(3, &[1]);
    let w1 = net.synapse(dense(&[&[1.0], &[-2.5]], &[4.0, 3.0]), &[net.input()]);
    let p1 = net.population("p1", relu(1.0), w1);
    // 1.25 − (1.75 + 0.5)·0.5 = 0.125, below the resolution of 0.25; with the bias in each step it would be 1.25·1.75
    let w2 = net.synapse(dense(&[&[-0.5, -0.5], &[1.0, 0.0]], &[1.25, 1.0]), &[p1]);
    let p2 = net.population("p2", relu(1.0), w2);
    let network = net.read(p2);
    expect(&network, &[1.0], &[(p1, &["111", "010"]), (p2, &["000", "111"])], &[0.0, 1.75]);
}

/// The threshold itself fires, at every step: 1.875 leaves no rest; and so does the largest multiple below it.
#[test]
fn equality_fires() {
    check(4, relu(1.0), [1.0, 1.875], ["1000", "1111"], 2.875);
    check(4, relu(1.0), [0.125, 0.875], ["0001", "0111"], 1.0);
    check(4, linear(1.0), [-1.0, -0.125], ["-1000", "-0001"], -1.125);
    check(1, relu(0.5), [0.5, 0.499], ["1", "0"], 0.5);
}

/// Few-spikes neurons must exceed their threshold, α·2^-t with α = 2. T = 3: v = 1 is not above 1, but above ½ (½ left), and
/// above ¼ (¼ left): ¾ is sent. v = 1.75 is above 1 (¾ left) and ½ (¼ left), not above ¼: 1½. v = ¼ is not above ¼.
#[test]
fn few_spikes_neurons_compare_strictly() {
    let strict = |p: Population| Population { comparison: Comparison::Above, ..p };
    check(3, strict(relu(1.0)), [1.0, 1.75], ["011", "110"], 2.25);
    check(3, strict(relu(1.0)), [0.25, 2.25], ["000", "111"], 1.75);
    check(3, strict(relu(1.0)), [0.0, -1.0], ["000", "000"], 0.0);
    check(3, strict(linear(1.0)), [-1.0, -1.125], ["-011", "-100"], -1.75);
    // base 1: T spikes at most, one less than the whole number of thresholds
    check(3, strict(Population { base: 1.0, ..relu(1.0) }), [2.0, 2.5], ["100", "110"], 3.0);
    // the half of a resolution step is added first: ⅛ + ⅛ is not above ¼
    check(3, strict(Population { half_step: true, ..relu(1.0) }), [0.125, 0.25], ["000", "001"], 0.25);
}

#[test]
fn signed_populations_transmit_both_sides() {
    check(4, linear(1.0), [-1.375, 0.625], ["-1011", "0101"], -0.75);
    // truncation is towards zero on both sides
    check(4, linear(1.0), [-0.99, 0.99], ["-0111", "0111"], 0.0);
    check(4, linear(1.0), [-7.0, 7.0], ["-1111", "1111"], 0.0);
    check(4, linear(1.0), [-0.1, 0.0], ["0000", "0000"], 0.0);
}

/// A negative membrane fires when it reaches −θ/|slope|; its spike has the sign of slope·v.
#[test]
fn leaky_slopes() {
    let leaky = |slope: &[f32]| population(Transfer::Leaky { slope: slope.to_vec() }, &[1.0]);
    // θ⁻ = 4 and θ⁻ = 2: −2 is 0.5·θ⁻ and 1·θ⁻
    check(4, leaky(&[0.25, -0.5]), [-2.0, -2.0], ["-0100", "1000"], 0.5);
    check(4, leaky(&[0.25, -0.5]), [0.75, 0.75], ["0110", "0110"], 1.5);
    check(4, leaky(&[0.0, 2.0]), [-2.0, -0.5], ["0000", "-1000"], -1.0);
}

#[test]
fn clipped_populations() {
    let clip = |low, high| population(Transfer::Clip { low, high }, &[4.0]);
    // ReLU6 in steps of 0.5
    check(4, clip(Some(0.0), Some(6.0)), [9.0, 5.25], ["1100", "1010"], 11.0);
    check(4, clip(Some(0.0), Some(6.0)), [-3.0, 0.5], ["0000", "0001"], 0.5);
    check(4, clip(Some(-1.0), Some(1.0)), [-3.0, 3.0], ["-0010", "0010"], 0.0);
    check(4, clip(None, Some(-2.0)), [-5.0, 3.0], ["-1010", "-0100"], -7.0);
    check(4, clip(Some(2.0), None), [-5.0, 3.0], ["0100", "0110"], 5.0);
}

/// Each channel has its threshold and its initial membrane potential.
#[test]
fn channels_have_their_own_parameters() {
    let mut p = population(Transfer::Relu, &[1.0, 0.5]);
    check(3, p.clone(), [0.75, 0.75], ["011", "110"], 1.5);
    p.initial = vec![0.5, -0.25];
    check(3, p, [0.75, 0.75], ["101", "100"], 1.75);
}

/// Half a resolution step (0.125 here) rounds to nearest, away from zero on both sides; a membrane of 0 stays silent.
#[test]
fn half_a_step_rounds() {
    let rounding = |p| Population { half_step: true, ..p };
    check(3, rounding(relu(1.0)), [0.125, 0.874], ["001", "011"], 1.0);
    check(3, rounding(linear(1.0)), [-0.125, -0.874], ["-001", "-011"], -1.0);
    check(3, rounding(linear(1.0)), [0.0, -0.124], ["000", "000"], 0.0);
    // clipped before it is rounded: 6 stays 6
    let clip = Population { half_step: true, ..population(Transfer::Clip { low: Some(0.0), high: Some(6.0) }, &[4.0]) };
    check(3, clip, [8.0, 5.5], ["110", "110"], 12.0);
}

/// Base 1 counts: 1.25 holds two spikes of 0.5, sent first.
#[test]
fn rate_code() {
    let p = Population { base: 1.0, ..relu(0.5) };
    check(4, p.clone(), [1.25, 0.49], ["1100", "0000"], 1.0);
    check(4, p, [1.5, 9.0], ["1110", "1111"], 3.5);
}

/// Base 1.5: 1.875 fires, 0.875·1.5 = 1.3125 fires, 0.46875 and 0.703125 do not; 0.75·1.5 = 1.125 fires at step 2.
#[test]
fn base_between() {
    let p = Population { base: 1.5, ..relu(1.0) };
    check(4, p, [1.875, 0.75], ["1100", "0100"], 1.0 + 2.0 * (2.0 / 3.0));
}

#[test]
fn one_step_and_sixteen() {
    check(1, relu(1.0), [0.75, 5.0], ["0", "1"], 1.0);
    check(1, Population { half_step: true, ..relu(1.0) }, [0.75, 0.25], ["1", "0"], 1.0);
    // 1 + 2^-15 and 2^-15
    check(16, relu(1.0), [1.000_030_5, 0.000_030_6], ["1000000000000001", "0000000000000001"], 1.000_061);
    check(16, linear(1.0), [-2.0, 1.5], ["-1111111111111111", "1100000000000000"], -0.499_969_5);
}

#[test]
fn readouts_start_at_their_initial_potential() {
    let mut net = Net::analog(3, &[2]);
    let p = net.population("p", relu(1.0), net.input());
    let out = net.add("out", NodeKind::Readout(Readout { initial: vec![0.5, -4.0], ..Readout::default() }), &[p]);
    expect(&net.finish(out), &[1.0, 0.5], &[(p, &["100", "010"])], &[1.5, -3.5]);
}
