//! How samples enter: as one analog current, or as the binary digits of pixels.

use spikeconverter_engine::EngineError;
use spikeconverter_graph::NodeId;
use spikeconverter_network::Population;

use crate::harness::{ENGINES, Net, affine, batch, conv1d, dense, expect, linear, relu, sum};

/// Normalisation in front of a zero-padded convolution: the padding is 0 *after* normalisation, and the shift acts once.
/// 64, 192, 255 are −0.5, 0.5, 0.992…; their sums of three 0, 0.992…, 1.492…; with the bias 0.5, 1.492…, 1.992….
#[test]
fn normalised_pixels_are_exact_at_the_borders() {
    for steps in [4, 10] {
        let mut net = Net::pixels(steps, &[1, 3]);
        let normal = net.synapse(affine(1.0 / 128.0, -1.0), &[net.input()]);
        let conv = net.synapse(conv1d(&[1.0, 1.0, 1.0], 0.5), &[normal]);
        let p = net.population("p", relu(1.0), conv);
        let network = net.read(p);
        if steps == 4 {
            expect(&network, &[64.0, 192.0, 255.0], &[(p, &["0100", "1011", "1111"])], &[0.5, 1.375, 1.875]);
        } else {
            let trains = ["0100000000", "1011111100", "1111111100"];
            expect(&network, &[64.0, 192.0, 255.0], &[(p, &trains)], &[0.5, 1.492_187_5, 1.992_187_5]);
        }
    }
}

/// The same with the sample as an analog current.
#[test]
fn analog_samples_are_injected_once() {
    let mut net = Net::analog(4, &[1, 3]);
    let normal = net.synapse(affine(1.0 / 128.0, -1.0), &[net.input()]);
    let conv = net.synapse(conv1d(&[1.0, 1.0, 1.0], 0.5), &[normal]);
    let p = net.population("p", relu(1.0), conv);
    let trains = ["0100", "1011", "1111"];
    expect(&net.read(p), &[64.0, 192.0, 255.0], &[(p, &trains)], &[0.5, 1.375, 1.875]);
}

/// The sample goes to the first stage and, two windows later, to the third.
#[test]
fn analog_samples_wait_for_later_stages() {
    let mut net = Net::analog(3, &[2]);
    let p1 = net.population("p1", relu(1.0), net.input());
    let p2 = net.population("p2", relu(1.0), p1);
    let total = net.synapse(sum(2), &[p2, net.input()]);
    let p3 = net.population("p3", linear(2.0), total);
    let trains: [(NodeId, &[&str]); 2] = [(p2, &["010", "000"]), (p3, &["010", "-010"])];
    expect(&net.read(p3), &[0.5, -1.25], &trains, &[1.0, -1.0]);
}

/// Pixels (8 steps of base 2) and a population's trains (3 steps of base 2 or 1) arrive together, with a bias: 163 beside
/// 64 + 32 + 16 = 112, or beside two spikes of 64.
#[test]
fn pixels_beside_trains() {
    for (base, train, output) in [(2.0, "111", 175.0), (1.0, "110", 191.0)] {
        let mut net = Net::pixels(3, &[1]);
        let p = net.population("p", Population { base, ..relu(64.0) }, net.input());
        let total = net.synapse(sum(2), &[p, net.input()]);
        let shifted = net.synapse(dense(&[&[1.0]], &[-100.0]), &[total]);
        expect(&net.read(shifted), &[163.0], &[(p, &[train])], &[output]);
    }
}

/// A read-out of the pixels themselves gives them back; 255 is every step, 1 the last.
#[test]
fn pixels_are_their_own_trains() {
    for steps in [1, 8, 16] {
        let net = Net::pixels(steps, &[4]);
        let input = net.input();
        expect(&net.read(input), &[0.0, 1.0, 170.0, 255.0], &[], &[0.0, 1.0, 170.0, 255.0]);
    }
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let pixels = {
        let net = Net::pixels(4, &[2]);
        let input = net.input();
        net.read(input)
    };
    let analog = {
        let net = Net::analog(4, &[2]);
        let input = net.input();
        net.read(input)
    };
    for &make in ENGINES {
        for bad in [0.5, -1.0, 256.0, f32::NAN] {
            let result = make(&pixels).run(&batch(&pixels, vec![0.0, bad]), &mut |_, _| {});
            assert!(matches!(result, Err(EngineError::InputValue { .. })));
        }
        for bad in [f32::NAN, f32::INFINITY] {
            let result = make(&analog).run(&batch(&analog, vec![0.0, bad]), &mut |_, _| {});
            assert!(matches!(result, Err(EngineError::InputValue { .. })));
        }
        let other = spikeconverter_engine::Batch::full(1, vec![3], 0.0).unwrap();
        assert!(matches!(make(&analog).run(&other, &mut |_, _| {}), Err(EngineError::InputShape { .. })));
    }
}
