//! Random networks: every engine against the reference, and the reference against the identical relation.

use std::cell::Cell;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use spikeconverter_engine::Batch;
use spikeconverter_network::SpikingNetwork;

use crate::folded_by_hand::{Difference, compare};
use crate::generator::{Recipe, recipes, window_recipes};
use crate::harness::{ENGINES, Make, run};

/// Rounding errors of an engine that computes in `f32`, relative to the sum of the magnitudes that it adds up. The bound
/// that always holds is half a unit in the last place for each addition and each step, some 30 units for the networks
/// here; errors cancel, and of 20 000 networks none needed 2 units.
const ROUNDING: f64 = 8.0 * f32::EPSILON as f64;
/// Those of the reference engine, which computes in `f64`.
const REFERENCE_ROUNDING: f64 = 64.0 * f64::EPSILON;

/// Puts networks, the same in every run, and samples for them to a test.
pub(crate) fn check(
    cases: u32,
    recipes: &impl Strategy<Value = Recipe>,
    test: impl Fn(&SpikingNetwork, &Batch) -> Result<(), String>,
) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let result = runner.run(recipes, |recipe| {
        let (network, samples) = recipe.grow();
        test(&network, &samples).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn others() -> impl Iterator<Item = Make> {
    ENGINES.iter().skip(1).copied()
}

/// Where all arithmetic is exact, engines agree in every spike and every result, and spikes are those of the true
/// membranes.
#[test]
fn dyadic_networks_agree_in_every_spike() {
    agree_in_every_spike(3000, &recipes(true));
}

/// So do networks whose populations have windows of their own.
#[test]
fn windows_of_their_own_agree_in_every_spike() {
    agree_in_every_spike(1500, &window_recipes(true));
}

fn agree_in_every_spike(cases: u32, recipes: &impl Strategy<Value = Recipe>) {
    check(cases, recipes, |network, samples| {
        let reference = run(network, ENGINES[0], samples);
        compare(network, samples, &reference, &reference, 0.0)?;
        for make in others() {
            let run = run(network, make, samples);
            if run != reference {
                compare(network, samples, &reference, &run, 0.0)?;
                return Err(format!("{} gives another result: {run:?}, not {reference:?}", make(network).name()));
            }
        }
        Ok(())
    });
}

/// With real numbers, engines agree in every spike but those of membranes within rounding of a threshold, which are few.
#[test]
fn real_networks_agree_but_for_rounding() {
    agree_but_for_rounding(3000, &recipes(false));
}

#[test]
fn real_windows_of_their_own_agree_but_for_rounding() {
    agree_but_for_rounding(1500, &window_recipes(false));
}

fn agree_but_for_rounding(cases: u32, recipes: &impl Strategy<Value = Recipe>) {
    let total = Cell::new(Difference::default());
    check(cases, recipes, |network, samples| {
        let reference = run(network, ENGINES[0], samples);
        let own = compare(network, samples, &reference, &reference, REFERENCE_ROUNDING)?;
        if own.different > 0 {
            return Err("the reference differs from itself".into());
        }
        for make in others() {
            let mut sum = total.get();
            sum += compare(network, samples, &reference, &run(network, make, samples), ROUNDING)?;
            total.set(sum);
        }
        Ok(())
    });
    let Difference { compared, different } = total.get();
    // about one in 16 000 was measured
    assert!(different * 4000 <= compared, "{different} of {compared} neurons differ");
}
