//! What must not depend on how samples are brought to an engine: how many at once, beside which others, on how many
//! threads. And what a membrane's order says about its train.

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestCaseError};
use spikeconverter_engine::Batch;
use spikeconverter_network::{Encoding, Population, Schedule, SpikingNetwork, Transfer};

use crate::generator::{Recipe, recipes, signed_recipes, window_recipes};
use crate::harness::{ENGINES, Make, Net, Run, batch, linear, population, relu, run, sum};
use crate::random::check;

/// Runs the samples in batches of `size` and joins what each gave.
fn in_parts(network: &SpikingNetwork, make: Make, samples: &Batch, size: usize) -> Run {
    let parts: Vec<Run> = samples
        .data()
        .chunks(size * samples.volume())
        .map(|part| run(network, make, &batch(network, part.to_vec())))
        .collect();
    let output = parts.iter().flat_map(|part| part.output.data().to_vec()).collect();
    let codes = parts[0].codes.keys().map(|&id| {
        let data: Vec<i32> = parts.iter().flat_map(|part| part.codes[&id].data().to_vec()).collect();
        (id, Batch::new(samples.count(), network.node(id).shape.clone(), data).expect("all samples"))
    });
    let shape = network.node(network.output()).shape.clone();
    Run { codes: codes.collect(), output: Batch::new(samples.count(), shape, output).expect("all samples") }
}

/// Images follow one another through the pipeline, each stage at another one; they must not mix. A population with a shorter window is
/// silent for the rest of the period, and must be found so.
#[test]
fn images_in_a_row_are_as_images_alone() {
    for dyadic in [true, false] {
        check_in_parts(&recipes(dyadic));
        check_in_parts(&window_recipes(dyadic));
    }
    check_in_parts(&signed_recipes());
}

fn check_in_parts(recipes: &impl Strategy<Value = Recipe>) {
    check(300, recipes, |network, samples| {
        for &make in ENGINES {
            let together = run(network, make, samples);
            if (1..samples.count()).any(|size| in_parts(network, make, samples, size) != together) {
                return Err(format!("{}: samples influence one another", make(network).name()));
            }
        }
        Ok(())
    });
}

/// Worked by hand, T = 4: `p` sends two digits and `q` three. 1.3 is, to the half, 1.5: 11. To `q` that is 1.5, 110, to the quarter.
/// The read-out hears both, `p` from its own window on: 3. The sample enters in 4 steps, `q` begins after the 2 of `p`, the read-out
/// after the 3 of `q`.
#[test]
fn hand_worked_windows_of_their_own() {
    let of = |steps| Population { steps: Some(steps), half_step: true, ..relu(1.0) };
    let mut net = Net::analog(4, &[1]);
    let p = net.population("p", of(2), net.input());
    let q = net.population("q", of(3), p);
    let total = net.synapse(sum(2), &[p, q]);
    let network = net.read(total);
    let schedule = Schedule::new(&network);
    assert_eq!((schedule.timing(q).listens_at, schedule.timing(q).emits_at), (4, 6));
    assert_eq!((schedule.latency_steps, schedule.period, schedule.stages), (9, 4, 3));
    for &make in ENGINES {
        let found = run(&network, make, &batch(&network, vec![1.3]));
        let codes = [&found.codes[&p], &found.codes[&q]].map(|codes| codes.data()[0]);
        assert_eq!((codes, found.output.data()), ([0b11, 0b110], &[3.0][..]), "{}", make(&network).name());
    }
}

#[test]
fn threads_do_not_matter() {
    let pools: Vec<rayon::ThreadPool> = [1, 2, 5]
        .iter()
        .map(|&n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("a thread pool"))
        .collect();
    check(200, &recipes(false), |network, samples| {
        for &make in ENGINES {
            let runs: Vec<Run> = pools.iter().map(|pool| pool.install(|| run(network, make, samples))).collect();
            if runs.windows(2).any(|pair| pair[0] != pair[1]) {
                return Err(format!("{} depends on the number of threads", make(network).name()));
            }
        }
        Ok(())
    });
}

/// A membrane that stays behind in an accumulator or a generator would show in the next image: full trains, then silence,
/// through stages that wait for one another.
#[test]
fn silence_follows_noise() {
    for encoding in [Encoding::Analog, Encoding::Pixels] {
        for steps in [1, 3, 8, 11] {
            let mut net = Net::new(steps, &[1], encoding);
            let p1 = net.population("p1", relu(1.0), net.input());
            let p2 = net.population("p2", Population { base: 1.0, ..linear(1.0) }, p1);
            let p3 = net.population("p3", relu(1.0), p2);
            let total = net.synapse(sum(3), &[p3, p1, net.input()]);
            let network = net.read(total);
            for &make in ENGINES {
                let found = run(&network, make, &batch(&network, vec![0.0, 200.0, 0.0, 0.0, 7.0, 0.0]));
                for silent in [0, 2, 3, 5] {
                    assert_eq!(found.output.sample(silent), [0.0]);
                    assert!(found.codes.values().all(|codes| codes.sample(silent) == [0]));
                }
                assert!(found.output.sample(1) > [200.0].as_slice());
            }
        }
    }
}

#[test]
fn no_samples_give_no_results() {
    let mut net = Net::analog(4, &[2]);
    let p = net.population("p", relu(1.0), net.input());
    let network = net.read(p);
    for &make in ENGINES {
        let run = run(&network, make, &batch(&network, Vec::new()));
        assert_eq!((run.output.count(), run.codes[&p].count()), (0, 0));
    }
}

/// A pipeline of `L` stages takes `(L + 1)·T` steps, and a new sample enters every window; pixels bring their own 8.
#[test]
fn latency_of_a_chain() {
    for (encoding, steps, stages, latency, period) in
        [(Encoding::Analog, 4, 3, 16, 4), (Encoding::Pixels, 4, 3, 20, 8), (Encoding::Pixels, 16, 2, 40, 16)]
    {
        let mut net = Net::new(steps, &[1], encoding);
        let last = (0..stages).fold(net.input(), |at, _| net.population("p", relu(1.0), at));
        let network = net.read(last);
        let schedule = Schedule::new(&network);
        assert_eq!((schedule.latency_steps, schedule.period, schedule.stages), (latency, period, stages + 1));
    }
}

fn populations() -> impl Strategy<Value = Population> {
    let transfer = prop_oneof![
        Just(Transfer::Relu),
        Just(Transfer::linear()),
        Just(Transfer::Clip { low: Some(-0.7), high: Some(1.9) }),
        (0.01f32..2.0).prop_map(|slope| Transfer::Leaky { slope: vec![slope] }),
    ];
    (transfer, 1f32..=2.0, 0.1f32..3.0, any::<bool>()).prop_map(|(transfer, base, threshold, half_step)| Population {
        base,
        half_step,
        ..population(transfer, &[threshold])
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 1000, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// For a transfer that never falls, neither does the code, nor what it stands for; and it stands for the activation
    /// to within one resolution step, where that is in range.
    #[test]
    fn codes_keep_the_order(p in populations(), steps in 1u32..=16, a in -4.0f64..4.0, b in -4.0f64..4.0) {
        let (low, high) = if a < b { (a, b) } else { (b, a) };
        let [c, d] = [low, high].map(|v| p.encode(v, 0, steps));
        prop_assert!(c <= d);
        let decode = |code| p.decode(code, 0, steps);
        prop_assert!(decode(c) <= decode(d) + 1e-12);
        prop_assert_eq!(c == d, decode(c) == decode(d));
        let threshold = f64::from(p.threshold(0));
        let activation = p.transfer.apply(low, 0);
        if activation.abs() <= threshold * p.code(steps).range() {
            let error = (decode(c) - activation).abs();
            if error > threshold * p.code(steps).resolution() * 1.000_001 {
                return Err(TestCaseError::fail(format!("off by {error}")));
            }
        }
    }
}
