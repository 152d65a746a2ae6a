//! Networks of bases above 2: whole windows with spikes of both signs.

use std::cell::Cell;

use proptest::prelude::*;
use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Population, SpikingNetwork, Transfer};
use spikeconverter_neuron::SignedTrain;

use crate::generator::signed_recipes;
use crate::harness::{ENGINES, Net, batch, dense, linear, pairs, population, relu, run};
use crate::online::{agree_but_for_rounding, train};

fn ternary(population: Population) -> Population {
    Population { base: 3.0, half_step: true, ..population }
}

/// Checks every engine on one sample: the trains of populations, in topological order, and the result.
fn expect(network: &SpikingNetwork, sample: &[f32], trains: &[&[&str]], output: &[f32]) {
    for &make in ENGINES {
        let found = run(network, make, &batch(network, sample.to_vec()));
        let shown: Vec<Vec<String>> =
            found.codes.values().map(|c| c.data().iter().map(|&c| train(c, network.time_steps())).collect()).collect();
        let name = make(network).name();
        assert_eq!(shown, trains, "{name}");
        let close = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-6 * b.abs().max(1.0);
        assert!(found.output.data().iter().zip(output).all(close), "{name}: {:?}, not {output:?}", found.output.data());
    }
}

/// Worked by hand, k = 3, T = 3, θ = 9: steps weigh 9, 3 and 1, and trains are the numbers −13 to 13.
///
/// 5.2 is ½·9 at least: fires 9, −3.8 is left, −½·3 or less: takes 3 back, −0.8 is left: takes 1. Sent: 5. 3.6 is less than ½·9:
/// silent; fires 3; 0.6 is ½ at least: fires 1. Sent: 4. Their difference is 1, their sum 9. 20 is beyond 13, all that can be sent.
#[test]
fn hand_worked_network() {
    let mut net = Net::analog(3, &[2]);
    let p = net.population("p", ternary(relu(9.0)), net.input());
    let synapse = net.synapse(dense(&[&[1.0, -1.0], &[1.0, 1.0]], &[]), &[p]);
    let q = net.population("q", ternary(linear(9.0)), synapse);
    let network = net.read(q);
    expect(&network, &[5.2, 3.6], &[&["+--", "0++"], &["00+", "+00"]], &[1.0, 9.0]);
    expect(&network, &[-4.0, 20.0], &[&["000", "+++"], &["---", "+++"]], &[-13.0, 13.0]);
}

/// Worked by hand, θ = 3, T = 2. Of 2 (+−) and 1.2 (0+) the maximum is 2, of −1 (0−) and −3 (−0) it is −1: the larger first digit
/// wins, and of equal ones the larger that follows.
#[test]
fn maxima_of_trains() {
    let mut net = Net::analog(2, &[1, 4]);
    let p = net.population("p", ternary(linear(3.0)), net.input());
    let gate = net.gate(pairs(), p);
    let network = net.read(gate);
    expect(&network, &[2.0, 1.2, -1.0, -3.0], &[&["+-", "0+", "0-", "-0"]], &[2.0, -1.0]);
    expect(&network, &[2.0, 4.0, -4.0, -3.0], &[&["+-", "++", "--", "-0"]], &[4.0, -3.0]);
}

/// Worked by hand, θ = 3, T = 2, potentials of 1: what neurons send is the activation of their membranes. −8 + 1 is 1.75 with a
/// slope of −¼: fires 3, takes 1 back. −0.2 + 1 is clipped to 0.5, half of the last step's 1: fires it.
#[test]
fn activations_of_membranes_are_sent() {
    let of = |transfer| {
        let mut net = Net::analog(2, &[1]);
        let p = ternary(Population { initial: vec![1.0], ..population(transfer, &[3.0]) });
        let p = net.population("p", p, net.input());
        net.read(p)
    };
    let leaky = of(Transfer::Leaky { slope: vec![-0.25] });
    expect(&leaky, &[-8.0], &[&["+-"]], &[2.0]);
    let clip = of(Transfer::Clip { low: Some(0.0), high: Some(0.5) });
    expect(&clip, &[-0.2], &[&["0+"]], &[1.0]);
    expect(&clip, &[-2.0], &[&["00"]], &[0.0]);
}

/// Engines agree in every spike but those of membranes within rounding of half a weight, which are few.
#[test]
fn random_networks_agree_but_for_rounding() {
    let both = Cell::new(0usize);
    let mixed = |code: &&i32| matches!(SignedTrain::count(**code), (spikes, n) if n > 0 && n < spikes);
    agree_but_for_rounding(3000, &signed_recipes(), ENGINES, &|reference| {
        let codes = reference.codes.values().flat_map(spikeconverter_engine::Batch::data);
        both.set(both.get() + codes.filter(mixed).count());
    });
    assert!(both.get() > 1000, "only {} trains had spikes of both signs", both.get());
}

/// What networks of such bases cannot be.
#[test]
fn what_does_not_fit_is_refused() {
    let add = |first: Population, kind: NodeKind| {
        let mut b = NetworkBuilder::new(3, "x", vec![1, 2], Encoding::Analog).unwrap();
        let p = b.add("p", NodeKind::Population(first), &[b.input()]).map_err(|e| e.to_string())?;
        b.add("q", kind, &[p]).map_err(|e| e.to_string())
    };
    let next = |population| NodeKind::Population(population);
    assert!(add(ternary(relu(1.0)), next(Population { base: 2.5, ..ternary(relu(1.0)) })).is_ok());
    let mixed = add(ternary(relu(1.0)), next(relu(1.0))).unwrap_err();
    assert!(mixed.contains("the other side of 2"), "{mixed}");
    let truncating = add(Population { half_step: false, ..ternary(relu(1.0)) }, next(relu(1.0))).unwrap_err();
    assert!(truncating.contains("round to the nearest"), "{truncating}");
    let large = add(Population { base: 3.5, ..ternary(relu(1.0)) }, next(relu(1.0))).unwrap_err();
    assert!(large.contains("outside [1, 3]"), "{large}");
    assert!(add(ternary(relu(1.0)), NodeKind::MaxPool(pairs())).is_ok());
    let maximum = add(Population { base: 2.5, ..ternary(relu(1.0)) }, NodeKind::MaxPool(pairs())).unwrap_err();
    assert!(maximum.contains("maximum of membranes"), "{maximum}");
}

proptest! {
    /// A window of base 3 rounds to the nearest of `3^T` evenly spaced values, and no further than its ends.
    #[test]
    fn base_three_is_a_uniform_code(steps in 1u32..=10, threshold in 0.1f32..10.0, share in -1.3f64..1.3) {
        let p = Population { threshold: vec![threshold], ..ternary(linear(1.0)) };
        let (unit, most) = (f64::from(threshold) * p.code(steps).resolution(), f64::from((3i32.pow(steps) - 1) / 2));
        let code = p.encode(share * most * unit, 0, steps);
        let exact = share * most;
        prop_assert!((f64::from(code) - exact.clamp(-most, most)).abs() <= 0.5 + 1e-6);
        prop_assert!((p.decode(code, 0, steps) - f64::from(code) * unit).abs() < 1e-6 * most * unit);
    }
}
