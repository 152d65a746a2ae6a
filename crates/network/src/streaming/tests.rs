use spikeconverter_graph::ops::{MaxPool, Window};
use spikeconverter_neuron::{Comparison, PoolRule};

use super::*;
use crate::{Encoding, NetworkBuilder, NodeKind, Population, StreamingPool};

fn streaming(threshold: f32) -> NodeKind {
    NodeKind::Streaming(StreamingPopulation { threshold: vec![threshold], ..StreamingPopulation::default() })
}

fn windowed() -> NodeKind {
    NodeKind::Population(Population { half_step: false, ..Population::default() })
}

#[test]
fn a_network_is_windowed_or_streaming() {
    let mut stream = NetworkBuilder::streaming(32, "x", vec![1, 4]).unwrap();
    let error = stream.add("p", windowed(), &[stream.input()]).unwrap_err().to_string();
    assert!(error.contains("`p`") && error.contains("never both"), "{error}");
    let p = stream.add("p", streaming(1.0), &[stream.input()]).unwrap();
    let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
    let error = stream.add("max", NodeKind::MaxPool(pool.clone()), &[p]).unwrap_err().to_string();
    assert!(error.contains("`max`") && error.contains("rule"), "{error}");
    let mut window = NetworkBuilder::new(4, "x", vec![1, 4], Encoding::Analog).unwrap();
    let error = window.add("p", streaming(1.0), &[window.input()]).unwrap_err().to_string();
    assert!(error.contains("never both"), "{error}");
    let pool = NodeKind::StreamingPool(StreamingPool { pool, rule: PoolRule::Gate });
    assert!(stream.add("max", pool.clone(), &[p]).is_ok());
    assert!(window.add("max", pool, &[window.input()]).is_err());
}

#[test]
fn streaming_parameters_are_checked() {
    for steps in [0, 4097] {
        assert!(NetworkBuilder::streaming(steps, "x", vec![2]).is_err());
    }
    assert!(NetworkBuilder::streaming(4096, "x", vec![2]).is_ok());
    let mut b = NetworkBuilder::streaming(8, "x", vec![2, 2]).unwrap();
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY] {
        assert!(b.add("p", streaming(bad), &[b.input()]).is_err());
    }
    let of =
        |thresholds: usize| StreamingPopulation { threshold: vec![1.0; thresholds], ..StreamingPopulation::default() };
    let mut fits = |population: StreamingPopulation| b.add("p", NodeKind::Streaming(population), &[b.input()]).is_ok();
    assert_eq!([1, 2, 3, 4].map(|n| fits(of(n))), [true, true, false, true]);
    assert!(!fits(StreamingPopulation { initial: vec![f32::NAN], ..of(2) }));
    assert!(fits(StreamingPopulation { initial: vec![0.5; 4], ..of(2) }));
}

#[test]
fn thresholds_of_neurons() {
    let shape = [2, 3];
    let of = |threshold: &[f32], neuron| {
        StreamingPopulation { threshold: threshold.to_vec(), ..StreamingPopulation::default() }
            .threshold(neuron, &shape)
    };
    assert_eq!([of(&[7.0], 5), of(&[7.0, 8.0], 2), of(&[7.0, 8.0], 3)], [7.0, 7.0, 8.0]);
    assert_eq!(of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 4), 5.0);
}

/// What does not go together is refused, and said.
#[test]
fn combinations_are_checked() {
    let check = |coding, changed: &dyn Fn(&mut StreamingPopulation)| {
        let mut population = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
        changed(&mut population);
        population.check(&[2], Stream { steps: 4096, coding, rehearsal: None })
    };
    let rate = StreamCoding::Rate;
    let gate = MemoryGate { share: 1.0, comparison: Comparison::AtLeast, low: 0, high: None };
    assert!(check(rate, &|p| p.emission = Emission::Burst { most: 5 }).is_ok());
    assert!(check(rate, &|p| p.emission = Emission::Burst { most: 0 }).is_err());
    assert!(check(rate, &|p| p.emission = Emission::Group { members: 5000 }).is_err());
    let ladder = |levels, share| Emission::Ladder { levels, margin: Margin::Share(share) };
    assert!(check(rate, &|p| p.emission = ladder(8, 0.75)).is_ok());
    assert!(check(rate, &|p| p.emission = ladder(14, 0.75)).is_err());
    assert!(check(rate, &|p| p.emission = ladder(8, 0.0)).is_err());
    assert!(check(rate, &|p| (p.emission, p.reset) = (ladder(8, 1.0), Reset::Modulo)).is_err());
    assert!(check(rate, &|p| p.negative = Negative::Slope { slope: vec![0.1, -2.0] }).is_ok());
    assert!(check(rate, &|p| p.negative = Negative::Slope { slope: vec![f32::NAN] }).is_err());
    assert!(check(rate, &|p| p.negative = Negative::Slope { slope: vec![1.0; 3] }).is_err());
    assert!(check(rate, &|p| p.negative = Negative::Memory(gate)).is_ok());
    assert!(check(rate, &|p| p.negative = Negative::Memory(MemoryGate { share: -0.5, ..gate })).is_err());
    assert!(check(rate, &|p| p.negative = Negative::Memory(MemoryGate { high: Some(-1), ..gate })).is_err());
    assert!(check(rate, &|p| p.phases = Some(Phases { period: 8 })).is_ok());
    assert!(check(rate, &|p| p.phases = Some(Phases { period: 0 })).is_err());
    let phases_and_memory = |p: &mut StreamingPopulation| {
        (p.phases, p.negative) = (Some(Phases { period: 8 }), Negative::Memory(gate));
    };
    assert!(check(rate, &phases_and_memory).is_err());
    let too_many = |p: &mut StreamingPopulation| {
        (p.phases, p.emission) = (Some(Phases { period: 16 }), Emission::Burst { most: 4096 });
    };
    assert!(check(rate, &too_many).unwrap_err().contains("quanta"));
    let differential = StreamCoding::Differential;
    assert!(check(differential, &|_| ()).unwrap_err().contains("negative spikes"));
    assert!(check(differential, &|p| p.negative = Negative::linear()).is_ok());
    assert!(check(differential, &|p| p.negative = Negative::Slope { slope: vec![0.5] }).is_err());
    assert!(check(differential, &|p| p.negative = Negative::Memory(gate)).is_ok());
}
