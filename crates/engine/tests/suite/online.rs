//! Networks whose populations generate while they listen: the engines that run them agree, and with everything heard they
//! send what others send.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use spikeconverter_engine::{EngineError, FoldedEngine};
use spikeconverter_graph::Op;
use spikeconverter_graph::ops::Reshape;
use spikeconverter_network::{Encoding, Population, SpikingNetwork, Transfer};
use spikeconverter_neuron::{SignedIlif, SignedTrain, WindowCode};

use crate::generator::{Recipe, online_recipes, recipes};
use crate::harness::{Make, Net, ONLINE_ENGINES, Run, batch, dense, linear, pairs, population, relu, run, sum};
use crate::random::check;

/// A train as it is shown: `+`, `-` and `0`, the first step first.
pub(crate) fn train(code: i32, steps: u32) -> String {
    SignedTrain::spikes(code, steps).map(|s| ['-', '0', '+'][(s + 1) as usize]).collect()
}

/// Checks every engine on one sample: the trains of populations, in topological order, and the result.
fn expect(network: &SpikingNetwork, sample: &[f32], trains: &[&[&str]], output: &[f32]) {
    for &make in ONLINE_ENGINES {
        let found = run(network, make, &batch(network, sample.to_vec()));
        let shown: Vec<Vec<String>> =
            found.codes.values().map(|c| c.data().iter().map(|&c| train(c, network.time_steps())).collect()).collect();
        let name = make(network).name();
        assert_eq!(shown, trains, "{name}");
        assert_eq!(found.output.data(), output, "{name}");
    }
}

/// Worked by hand, θ = 1, k = 2, T = 4, δ = 1: weights 1, ½, ¼, ⅛. Samples are known in step 1.
///
/// 1.125 fires (1 sent), ⅛ is not half of ½, but of ¼ (1¼), and ⅛ goes back. 0.625 fires (1), ½ goes back, ¼ is sent, ⅛ goes
/// back. Their difference hears 1 − 1, then 0 + ½, then ¼ − ¼, then −⅛ + ⅛: it waits, fires ½, and that is it. Their sum hears
/// 2, 1½, 2, 1¾: fires 1, ½ and ¼, and has nothing left to do.
#[test]
fn hand_worked_network() {
    let mut net = Net::delayed(4, Some(1), &[2], Encoding::Analog);
    let p = net.population("p", relu(1.0), net.input());
    let synapse = net.synapse(dense(&[&[1.0, -1.0], &[1.0, 1.0]], &[]), &[p]);
    let q = net.population("q", relu(1.0), synapse);
    let network = net.read(q);
    expect(&network, &[1.125, 0.625], &[&["+0+-", "+-+-"], &["0+00", "+++0"]], &[0.5, 1.75]);
}

/// Worked by hand, δ = 2, T = 3. The maximum of `p` waits for `q`, a stage of two steps. In the first sample it sends 0, −½, ¼:
/// what −0.25 sent so far is always the larger. `q` hears two steps at first, of −0.25 the sum −½, and fires 1 too much.
#[test]
fn hand_worked_shortcut_and_maximum() {
    let mut net = Net::delayed(3, Some(2), &[1, 2], Encoding::Analog);
    let flat = |size| Op::Reshape(Reshape { shape: vec![size] });
    let p = net.population("p", linear(1.0), net.input());
    let q = net.population("q", linear(1.0), p);
    let gate = net.gate(pairs(), p);
    let gate = net.synapse(flat(1), &[gate]);
    let both = net.synapse(flat(2), &[q]);
    let both = net.synapse(dense(&[&[1.0, -1.0]], &[]), &[both]);
    let total = net.synapse(sum(2), &[gate, both]);
    let r = net.population("r", relu(1.0), total);
    let network = net.read(r);
    // the maximum and a difference of −1: no sum is above 0
    expect(&network, &[-1.25, -0.25], &[&["--+", "0-+"], &["--+", "-++"], &["000"]], &[0.0]);
    // maximum 1.25, difference 0.75: 2, of which + + + is 1.75
    expect(&network, &[1.25, 0.5], &[&["++-", "+-0"], &["++-", "+-0"], &["+++"]], &[1.75]);
}

/// Worked by hand, T = 3: `q` fires a step after `p` did, `r` two after that. `p` sends 1.25 as + + −, decoded 1, ½, −¼. `q` hears 1
/// and sends +, hears ½ more and sends +, and takes ¼ back. `r` listens to both: `p`'s trains wait for `q`'s. It hears 2 + 1 at first,
/// which is more than all its spikes can say.
#[test]
fn hand_worked_delays_of_their_own() {
    let mut net = Net::delayed(3, Some(1), &[1], Encoding::Analog);
    let p = net.population("p", relu(1.0), net.input());
    let q = net.population("q", relu(1.0), p);
    let both = net.synapse(sum(2), &[p, q]);
    let r = net.population("r", Population { delay: Some(2), ..relu(1.0) }, both);
    let network = net.read(r);
    expect(&network, &[1.25], &[&["++-"], &["++-"], &["+++"]], &[1.75]);
    expect(&network, &[0.25], &[&["0+-"], &["0+-"], &["+-0"]], &[0.5]);
}

/// Where all arithmetic is exact, the engines agree in every spike and every result.
#[test]
fn dyadic_networks_agree_in_every_spike() {
    let negative = Cell::new(0usize);
    check(2000, &online_recipes(true), |network, samples| {
        let reference = run(network, ONLINE_ENGINES[0], samples);
        let taken_back = |code: &&i32| matches!(SignedTrain::count(**code), (spikes, n) if n > 0 && n < spikes);
        negative.set(
            negative.get()
                + reference.codes.values().flat_map(spikeconverter_engine::Batch::data).filter(taken_back).count(),
        );
        for &make in &ONLINE_ENGINES[1..] {
            let run = run(network, make, samples);
            if run != reference {
                return Err(format!("{} gives another result: {run:?}, not {reference:?}", make(network).name()));
            }
        }
        Ok(())
    });
    assert!(negative.get() > 1000, "only {} trains had spikes of both signs", negative.get());
}

/// With real numbers, a membrane within rounding of half a weight may go the other way, which later spikes make good: few
/// trains differ.
#[test]
fn real_networks_agree_but_for_rounding() {
    agree_but_for_rounding(2000, &online_recipes(false), ONLINE_ENGINES, &|_| ());
}

/// Compares engines with the first on random networks: the same trains are read alike, and few trains differ. `seen` is shown what the
/// first engine does.
pub(crate) fn agree_but_for_rounding(
    cases: u32,
    recipes: &impl Strategy<Value = Recipe>,
    engines: &[Make],
    seen: &dyn Fn(&Run),
) {
    let total = Cell::new((0usize, 0usize));
    check(cases, recipes, |network, samples| {
        let reference = run(network, engines[0], samples);
        seen(&reference);
        for &make in &engines[1..] {
            let run = run(network, make, samples);
            for (id, codes) in &run.codes {
                let pairs = codes.data().iter().zip(reference.codes[id].data());
                let (compared, different) = total.get();
                let found = pairs.filter(|(a, b)| a != b).count();
                total.set((compared + codes.data().len(), different + found));
            }
            let scale = reference.output.data().iter().fold(1.0f32, |m, x| m.max(x.abs()));
            if run.codes == reference.codes
                && run.output.data().iter().zip(reference.output.data()).any(|(a, b)| (a - b).abs() > 1e-4 * scale)
            {
                return Err(format!("{} reads the same trains differently", make(network).name()));
            }
        }
        Ok(())
    });
    let (compared, different) = total.get();
    assert!(different * 1000 <= compared, "{different} of {compared} neurons differ");
}

/// Images follow one another, each stage at work on two; they must not mix.
#[test]
fn images_in_a_row_are_as_images_alone() {
    check(300, &online_recipes(true), |network, samples| {
        for &make in ONLINE_ENGINES {
            let together = run(network, make, samples);
            for (i, sample) in samples.samples().enumerate() {
                let alone = run(network, make, &batch(network, sample.to_vec()));
                let same = together.output.sample(i) == alone.output.data()
                    && alone.codes.iter().all(|(id, codes)| together.codes[id].sample(i) == codes.data());
                if !same {
                    return Err(format!("{}: samples influence one another", make(network).name()));
                }
            }
        }
        Ok(())
    });
}

/// The delay of a whole window is the network of temporal separation itself.
#[test]
fn the_delay_of_a_window_is_temporal_separation() {
    check(300, &recipes(false), |network, samples| {
        let again = |delay| network.with_delay(delay).map_err(|e| e.to_string());
        let (whole, none) = (again(Some(network.time_steps()))?, again(None)?);
        if (&whole, &none) != (network, network) || whole.is_online() {
            return Err("it is another network".into());
        }
        let reference = run(network, ONLINE_ENGINES[0], samples);
        if run(&whole, ONLINE_ENGINES[0], samples) != reference {
            return Err("it runs otherwise".into());
        }
        Ok(())
    });
}

#[test]
fn the_folded_engine_refuses() {
    let mut net = Net::delayed(4, Some(2), &[1], Encoding::Analog);
    let p = net.population("p", relu(1.0), net.input());
    let network = net.read(p);
    let refused = FoldedEngine::new(&network).err().expect("no window is whole");
    assert_eq!(refused, EngineError::Online { engine: "folded", delay: 2, steps: 4 });
    assert!(refused.to_string().contains("choose the clocked"), "{refused}");
}

#[test]
fn no_samples_give_no_results() {
    let mut net = Net::delayed(4, Some(1), &[2], Encoding::Analog);
    let p = net.population("p", relu(1.0), net.input());
    let network = net.read(p);
    for &make in ONLINE_ENGINES {
        let run = run(&network, make, &batch(&network, Vec::new()));
        assert_eq!((run.output.count(), run.codes[&p].count()), (0, 0));
    }
}

/// What a population sends that hears `value` in one step and nothing else.
fn sends(p: &Population, value: f64, steps: u32) -> f64 {
    let code: WindowCode = p.code(steps);
    let activation = p.transfer.apply(value, 0);
    let train = (1..=steps).fold((0i32, 0.0), |(train, sent), t| {
        let neuron = SignedIlif { weight: f64::from(p.threshold(0)) * code.weight(t) };
        let (spike, sent) = neuron.generate(activation, sent);
        (SignedTrain::push(train, spike), sent)
    });
    f64::from(p.amplitude(0)) * SignedTrain::decode(train.0, code)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 2000, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// In base 2, a neuron that heard everything stands for the same number as SpikeConverter's with the half step, whatever
    /// the activation: trains differ, since there are several for a number.
    #[test]
    fn having_heard_all_it_sends_the_same_number(
        transfer in prop_oneof![
            Just(Transfer::Relu),
            Just(Transfer::linear()),
            Just(Transfer::Clip { low: Some(-0.75), high: Some(1.25) }),
            Just(Transfer::Leaky { slope: vec![0.25] }),
        ],
        steps in 2u32..=12,
        value in -1.9f64..1.9,
    ) {
        let p = Population { half_step: true, ..population(transfer, &[1.0]) };
        let window = p.decode(p.encode(value, 0, steps), 0, steps);
        let resolution = p.code(steps).resolution();
        let ties = (p.transfer.apply(value, 0) / resolution - 0.5).fract().abs();
        prop_assume!(ties > 1e-9 && ties < 1.0 - 1e-9);
        prop_assert_eq!(sends(&p, value, steps), window);
    }
}
