use proptest::prelude::*;
use spikeconverter_neuron::{Comparison, Margin, MemoryGate, Phases, Reset, StreamCoding, StreamingState};

use super::*;

/// Neurons of all kinds, those that a network would refuse included.
fn kinds() -> impl Strategy<Value = StreamingNeuron> {
    let comparison = || prop_oneof![Just(Comparison::AtLeast), Just(Comparison::Above)];
    let margin = prop_oneof![Just(Margin::HalfQuantum), Just(Margin::Share(0.75)), Just(Margin::Share(1.0))];
    let emission = prop_oneof![
        Just(Emission::Binary),
        (1u32..9).prop_map(|most| Emission::Burst { most }),
        (1u32..7).prop_map(|members| Emission::Group { members }),
        (1u32..6, margin).prop_map(|(levels, margin)| Emission::Ladder { levels, margin }),
    ];
    let gate = (prop_oneof![Just(1.0), Just(0.0), Just(1e-3)], comparison(), -2i32..1, prop::option::of(1i32..9))
        .prop_map(|(share, comparison, low, high)| MemoryGate { share, comparison, low, high });
    let negative = prop_oneof![
        Just(NegativeSpikes::Never),
        prop_oneof![Just(1.0), Just(0.25), Just(-0.5)].prop_map(NegativeSpikes::Slope),
        gate.prop_map(NegativeSpikes::Memory),
    ];
    let reset = prop_oneof![3 => Just(Reset::Subtract), 1 => Just(Reset::Zero), 1 => Just(Reset::Modulo)];
    let phases = prop_oneof![3 => Just(None), 1 => (1u32..5).prop_map(|period| Some(Phases { period }))];
    let coding = prop_oneof![
        2 => Just(StreamCoding::Rate),
        1 => Just(StreamCoding::Switch),
        1 => Just(StreamCoding::Differential)
    ];
    (reset, comparison(), emission, negative, phases, coding).prop_map(
        |(reset, comparison, emission, negative, phases, coding)| StreamingNeuron {
            threshold: 1.0,
            reset,
            comparison,
            emission,
            negative,
            phases,
            coding,
        },
    )
}

/// A currents' value: multiples of an eighth meet thresholds.
fn current() -> impl Strategy<Value = f32> {
    prop_oneof![(-16i32..24).prop_map(|x| x as f32 / 8.0), -2.0f32..3.0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 2000 }))]

    /// Quanta, membranes, codes, spikes and what is observed are those of neurons that take their steps one by one.
    #[test]
    fn as_neurons_alone(
        kind in kinds(),
        thresholds in prop::collection::vec(prop_oneof![Just(0.5), Just(1.0), 0.1f64..3.0], 5),
        sloped in prop::collection::vec(any::<bool>(), 5),
        beginnings in prop::collection::vec((prop_oneof![Just(0.5), -1.0f64..1.0], any::<bool>()), 2 * LANES),
        currents in prop::collection::vec(prop::collection::vec(current(), 2 * LANES), 1..12),
    ) {
        let neuron = |channel: usize| {
            let mut neuron = StreamingNeuron { threshold: *thresholds.get(channel)?, ..kind };
            if matches!(kind.negative, NegativeSpikes::Slope(_)) && !sloped[channel] {
                neuron.negative = NegativeSpikes::Never;
            }
            Some(neuron)
        };
        // two positions of five channels
        let neurons: Vec<_> = (0..LANES).map(neuron).collect();
        let mut beginnings = beginnings;
        for (place, beginning) in beginnings.iter_mut().enumerate() {
            beginning.0 = if place % LANES < 5 { beginning.0 } else { 0.0 };
        }
        let currents: Vec<Vec<f32>> = currents
            .into_iter()
            .map(|step| step.into_iter().enumerate().map(|(n, x)| if n % LANES < 5 { x } else { 0.0 }).collect())
            .collect();
        let period = kind.phases.map_or(1, |phases| phases.period);
        let code_weights = (1..=period).map(|t| kind.phases.map_or(1, |phases| 1 << phases.digit(t))).collect();
        let kernel = GradedNeurons::new(&neurons, code_weights).unwrap();
        let mut memory = GradedMemory::default();
        memory.forget(2 * LANES);
        memory.restart(&beginnings, true);
        let mut alone: Vec<StreamingState> = beginnings.iter().copied().map(StreamingState::rehearsed).collect();
        let mut observed = vec![Rehearsed::default(); 2 * LANES];
        let (mut spikes, mut codes) = (vec![(0, 0); 2 * LANES], vec![0; 2 * LANES]);
        // the first half of the steps together, the others one by one
        let half = currents.len() / 2;
        let parts: Vec<std::ops::Range<usize>> =
            std::iter::once(0..half).chain((half..currents.len()).map(|t| t..t + 1)).collect();
        for part in parts {
            let mut values = vec![f32::NAN; part.len() * 2 * LANES];
            let mut bits = vec![0u16; 0];
            let mut steps = GradedSteps {
                first: part.start as u32 + 1,
                currents: currents[part.clone()].iter().map(Vec::as_slice).collect(),
                values: &mut values,
                spikes: &mut bits,
            };
            if part.is_empty() {
                continue;
            }
            kernel.run(&mut memory, &mut steps);
            for (at, step) in part.clone().enumerate() {
                let t = step as u32 + 1;
                for place in 0..2 * LANES {
                    let value = values[at * 2 * LANES + place];
                    let Some(neuron) = &neurons[place % LANES] else {
                        prop_assert_eq!(value, 0.0);
                        continue;
                    };
                    let state = &mut alone[place];
                    let before = state.fired;
                    let quanta = neuron.step(state, f64::from(currents[step][place]), t);
                    let fired = state.fired - before;
                    observed[place].observe(state.membrane + f64::from(fired) * neuron.quantum(), fired != 0);
                    let weight = kind.phases.map_or(1, |phases| 1 << phases.digit(t));
                    codes[place] += if state.muted { 0 } else { fired * weight };
                    spikes[place].0 += kind.emission.spikes(quanta);
                    spikes[place].1 += if quanta < 0 { kind.emission.spikes(quanta) } else { 0 };
                    prop_assert_eq!(value, (f64::from(quanta) * neuron.amplitude(t)) as f32);
                    if step + 1 == part.end {
                        prop_assert_eq!(memory.quanta[place], quanta);
                        prop_assert_eq!(memory.membranes[place], state.membrane);
                    }
                }
            }
        }
        for place in (0..2 * LANES).filter(|place| place % LANES < 5) {
            prop_assert_eq!((memory.spikes[place], memory.negative[place]), spikes[place]);
            prop_assert_eq!(memory.codes[place], codes[place]);
            prop_assert_eq!(memory.rehearsed[place], observed[place]);
        }
    }
}
