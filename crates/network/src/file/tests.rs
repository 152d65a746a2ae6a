use proptest::prelude::*;
use spikeconverter_graph::ops::{Activation, Linear, MaxPool, Pad, Window};
use spikeconverter_neuron::{Comparison, Emission, Margin, MemoryGate, Phases, PoolRule, Reset};

use super::*;
use crate::{Negative, Population, Readout, StreamingPool, StreamingPopulation, Transfer};

fn example() -> SnnFile {
    delayed(None)
}

fn delayed(delay: Option<u32>) -> SnnFile {
    let weight = Tensor::new(vec![2, 3], vec![0.1, -0.2, 0.3, f32::MIN_POSITIVE, 5.0, -6.0]).unwrap();
    let linear = Op::Linear(Linear { weight, bias: Some(Tensor::vector(vec![0.5, -0.5])) });
    let mut graph = GraphBuilder::new();
    let x = graph.input("x", vec![3]).unwrap();
    let y = graph.add("fc", linear.clone(), &[x]).unwrap();
    let clip = Activation::Clip { low: 0.0, high: f32::INFINITY };
    let z = graph.add("clip", Op::Activation(clip), &[y]).unwrap();
    let mut network = NetworkBuilder::new(5, "x", vec![3], Encoding::Analog).unwrap().delayed(delay).unwrap();
    let y = network.add("fc", NodeKind::Synapse(linear), &[network.input()]).unwrap();
    let population = Population {
        transfer: Transfer::Clip { low: Some(0.0), high: None },
        base: 1.7,
        threshold: vec![0.1, 0.333_333_34],
        initial: vec![1e-7, -2.0],
        ..Population::default()
    };
    let p = network.add("clip", NodeKind::Population(population), &[y]).unwrap();
    let pad = Op::Pad(Pad { before: vec![1], after: vec![0], value: 0.0 });
    let p = network.add("pad", NodeKind::Synapse(pad), &[p]).unwrap();
    let out = network.add("out", NodeKind::Readout(Readout::default()), &[p]).unwrap();
    SnnFile {
        network: network.finish(out).unwrap(),
        ann: graph.finish(vec![z]).unwrap(),
        preprocessing: serde_json::json!({ "scale": 0.1 }),
        provenance: Provenance { method: "spikeconverter".into(), ..Provenance::default() },
    }
}

#[test]
fn a_file_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.snn");
    let file = example();
    file.save(&path).unwrap();
    assert_eq!(SnnFile::load(&path).unwrap(), file);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file stays");
    assert_eq!(file.to_bytes().unwrap(), file.to_bytes().unwrap(), "the same network gives the same bytes");
}

/// Older programs would run an online network as one that hears all first, so that they must refuse it.
#[test]
fn online_networks_have_a_format_of_their_own() {
    let file = delayed(Some(2));
    let bytes = file.to_bytes().unwrap();
    let holds = |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).any(|w| w == text);
    assert!(holds(&bytes, br#"\"format\":3"#) && holds(&bytes, br#"\"delay\":2"#));
    let read = SnnFile::from_bytes(&bytes).unwrap();
    assert_eq!((read.network.delay(), &read), (2, &file));
    // delays of their own are beyond programs that know one
    let own = read.network.with_kinds(|_, kind| match kind {
        NodeKind::Population(population) => NodeKind::Population(Population { delay: Some(1), ..population.clone() }),
        kind => kind.clone(),
    });
    let own = SnnFile { network: own.unwrap(), ..example() };
    let bytes = own.to_bytes().unwrap();
    assert!(holds(&bytes, br#"\"format\":4"#) && SnnFile::from_bytes(&bytes).unwrap() == own);
    // and so are spikes of both signs
    let ternary = example().network.with_kinds(|_, kind| match kind {
        NodeKind::Population(population) => {
            NodeKind::Population(Population { base: 3.0, half_step: true, ..population.clone() })
        }
        kind => kind.clone(),
    });
    let ternary = SnnFile { network: ternary.unwrap(), ..example() };
    let bytes = ternary.to_bytes().unwrap();
    assert!(holds(&bytes, br#"\"format\":5"#) && SnnFile::from_bytes(&bytes).unwrap() == ternary);
    let shorter = example().network.with_kinds(|_, kind| match kind {
        NodeKind::Population(population) => NodeKind::Population(Population { steps: Some(1), ..population.clone() }),
        kind => kind.clone(),
    });
    let shorter = SnnFile { network: shorter.unwrap(), ..example() };
    assert_eq!(shorter.network.shorter_window(), Some(1));
    let bytes = shorter.to_bytes().unwrap();
    assert!(holds(&bytes, br#"\"format\":5"#) && SnnFile::from_bytes(&bytes).unwrap() == shorter);
    // the delay of a whole window is no delay
    assert_eq!(delayed(Some(5)).to_bytes().unwrap(), example().to_bytes().unwrap());
}

#[test]
fn streaming_networks_come_back_too() {
    let populations = [
        StreamingPopulation {
            threshold: vec![0.1, 3.5],
            reset: Reset::Zero,
            initial: vec![0.05],
            ..StreamingPopulation::default()
        },
        StreamingPopulation {
            threshold: vec![1.0],
            comparison: Comparison::Above,
            emission: Emission::Ladder { levels: 4, margin: Margin::Share(0.75) },
            negative: Negative::Slope { slope: vec![0.1] },
            phases: Some(Phases { period: 8 }),
            ..StreamingPopulation::default()
        },
        StreamingPopulation {
            threshold: vec![1.0],
            emission: Emission::Burst { most: 5 },
            negative: Negative::Memory(MemoryGate { share: 0.0, comparison: Comparison::Above, low: 0, high: Some(7) }),
            ..StreamingPopulation::default()
        },
    ];
    let encoding = Encoding::Poisson { seed: u64::MAX };
    let mut network = NetworkBuilder::stream(300, "x", vec![2, 4], encoding).unwrap();
    let mut at = network.input();
    for population in populations {
        at = network.add("p", NodeKind::Streaming(population), &[at]).unwrap();
    }
    let pool = MaxPool { window: Window::new(vec![2]), ceil: false };
    let pool = NodeKind::StreamingPool(StreamingPool { pool, rule: PoolRule::LateralInhibition });
    at = network.add("max", pool, &[at]).unwrap();
    let out = network.add("out", NodeKind::Readout(Readout { skip: 200, ..Readout::default() }), &[at]).unwrap();
    let file = SnnFile { network: network.finish(out).unwrap(), ..example() };
    let read = SnnFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
    assert_eq!(read, file);
    assert_eq!(read.network.simulation(), Simulation::Stream);
}

#[test]
fn codings_come_back() {
    let network = NetworkBuilder::streaming(300, "x", vec![2]).unwrap();
    let mut network = network.coded(StreamCoding::Differential).unwrap();
    let population =
        StreamingPopulation { threshold: vec![1.0], negative: Negative::linear(), ..StreamingPopulation::default() };
    let p = network.add("p", NodeKind::Streaming(population), &[network.input()]).unwrap();
    let out = network.add("out", NodeKind::Readout(Readout::default()), &[p]).unwrap();
    let file = SnnFile { network: network.finish(out).unwrap(), ..example() };
    assert_eq!(SnnFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
}

#[test]
fn rehearsals_come_back() {
    let rehearsals = [
        Rehearsal::Residual { steps: 4, least: 1e-3 },
        Rehearsal::OffsetSpikes { steps: NetworkBuilder::MOST_STREAMING_STEPS },
    ];
    for rehearsal in rehearsals {
        let network = NetworkBuilder::streaming(300, "x", vec![2]).unwrap();
        let mut network = network.rehearsed(Some(rehearsal)).unwrap();
        let population = StreamingPopulation { threshold: vec![1.0], ..StreamingPopulation::default() };
        let p = network.add("p", NodeKind::Streaming(population.clone()), &[network.input()]).unwrap();
        let bursts = StreamingPopulation { emission: Emission::Burst { most: 2 }, ..population };
        let takes_bursts = network.add("q", NodeKind::Streaming(bursts), &[p]).is_ok();
        assert_eq!(takes_bursts, !rehearsal.is_sequential());
        let out = network.add("out", NodeKind::Readout(Readout::default()), &[p]).unwrap();
        let file = SnnFile { network: network.finish(out).unwrap(), ..example() };
        assert_eq!(SnnFile::from_bytes(&file.to_bytes().unwrap()).unwrap(), file);
    }
    let builder = || NetworkBuilder::streaming(300, "x", vec![2]).unwrap();
    assert!(builder().rehearsed(Some(Rehearsal::OffsetSpikes { steps: 0 })).is_err());
    assert!(builder().rehearsed(Some(Rehearsal::Residual { steps: 1, least: f32::NAN })).is_err());
    let switched = builder().coded(StreamCoding::Switch).unwrap();
    assert!(switched.rehearsed(Some(Rehearsal::OffsetSpikes { steps: 1 })).is_err());
}

/// A streaming population as format 1 has it.
#[test]
fn populations_of_older_files() {
    let kind = r#"{"streaming":{"threshold":[0.5],"reset":"subtract","initial":[]}}"#;
    let population = StreamingPopulation { threshold: vec![0.5], ..StreamingPopulation::default() };
    assert_eq!(serde_json::from_str::<NodeKind<String>>(kind).unwrap(), NodeKind::Streaming(population.clone()));
    assert_eq!(serde_json::to_string(&NodeKind::<String>::Streaming(population)).unwrap(), kind);
    let readout: Readout = serde_json::from_str(r#"{"initial":[]}"#).unwrap();
    assert_eq!(readout, Readout::default());
}

#[test]
fn files_of_format_1_are_read() {
    let bytes = example().to_bytes().unwrap();
    let from = br#"\"format\":2"#;
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    let mut older = bytes.clone();
    older[at + from.len() - 1] = b'1';
    assert_eq!(SnnFile::from_bytes(&older).unwrap(), example());
}

#[test]
fn shared_weights_are_stored_once() {
    let bytes = example().to_bytes().unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.len(), 2);
}

#[test]
fn an_unwritable_place_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let error = example().save(&folder.path().join("missing/net.snn")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}

#[test]
fn other_versions_are_refused_by_number() {
    let bytes = example().to_bytes().unwrap();
    let from = br#"\"format\":2"#;
    let at = bytes.windows(from.len()).position(|w| w == from).unwrap();
    let mut other = bytes.clone();
    other[at + from.len() - 1] = b'7';
    let error = SnnFile::from_bytes(&other).unwrap_err();
    assert!(error.contains("format version is 7"), "{error}");
}

proptest! {
    #[test]
    fn damaged_files_never_panic(position in 0usize..4096, value: u8, cut in 0usize..4096) {
        let mut bytes = example().to_bytes().unwrap();
        let position = position % bytes.len();
        bytes[position] = value;
        bytes.truncate(bytes.len() - cut % bytes.len());
        let _ = SnnFile::from_bytes(&bytes);
    }
}
