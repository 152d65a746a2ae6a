//! Random networks of integers: every engine gives the reference's spikes and results, without tolerance.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use spikeconverter_engine::{FoldedEngine, Isa};

use crate::harness::{ENGINES, SMALL_CACHE, run};
use crate::integer_networks::recipes;

#[test]
fn integer_networks_agree_in_every_spike() {
    let config = Config { cases: 1500, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let divided = Cell::new(0);
    let result = runner.run(&recipes(), |recipe| {
        let (network, samples) = recipe.grow();
        prop_assert!(network.is_integer());
        let in_phases = FoldedEngine::with_cache(&network, Isa::detect(), SMALL_CACHE).expect("the builder checked it");
        divided.set(divided.get() + usize::from(samples.count() > 1 && in_phases.phases().len() > 1));
        let reference = run(&network, ENGINES[0], &samples);
        for &make in &ENGINES[1..] {
            let found = run(&network, make, &samples);
            for (id, codes) in &reference.codes {
                prop_assert_eq!(codes, &found.codes[id], "`{}` in {:?}", network.node(*id).name, network.nodes());
            }
            prop_assert_eq!(&reference.output, &found.output);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(divided.get() > 100, "only {} networks ran in more than one phase", divided.get());
}
