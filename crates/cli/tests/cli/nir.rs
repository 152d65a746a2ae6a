//! NIR files: written, shown, run, refused.

use std::path::Path;

use spikeconverter_data::{Layout, Preprocessing};
use spikeconverter_graph::ops::{Conv, Linear, Mean, Op, Reshape, Window};
use spikeconverter_graph::{GraphBuilder, Tensor, volume};
use spikeconverter_network::{NetworkBuilder, NodeKind, Provenance, Readout, SnnFile, StreamingPopulation};
use spikeconverter_pipeline::SampleFeed;

use crate::common::{demo_folder, run};

/// Multiples of a power of two, so that sums are exact.
fn tensor(shape: &[usize], unit: f32) -> Tensor {
    let data = (0..volume(shape)).map(|i| (((7 * i) % 13) as f32 - 5.0) * unit).collect();
    Tensor::new(shape.to_vec(), data).unwrap()
}

/// A small streaming network for the demo's images, whose accuracy nobody minds.
pub(crate) fn write_streaming_network(path: &Path) {
    let mut b = NetworkBuilder::streaming(8, "image", vec![1, 8, 8]).unwrap();
    let window = Window::new(vec![3, 3]).padded(1).strided(2);
    let conv = Conv { weight: tensor(&[4, 1, 3, 3], 0.0625), bias: Some(tensor(&[4], 0.25)), window, groups: 1 };
    let input = b.input();
    let conv = b.add("conv", NodeKind::Synapse(Op::Conv(conv)), &[input]).unwrap();
    let population = StreamingPopulation { threshold: vec![0.5], ..StreamingPopulation::default() };
    let spikes = b.add("relu", NodeKind::Streaming(population), &[conv]).unwrap();
    let mean = Op::Mean(Mean { axes: vec![1, 2], keep: false });
    let mean = b.add("mean", NodeKind::Synapse(mean), &[spikes]).unwrap();
    let linear = Linear { weight: tensor(&[10, 4], 0.25), bias: Some(tensor(&[10], 0.125)) };
    let logits = b.add("fc", NodeKind::Synapse(Op::Linear(linear)), &[mean]).unwrap();
    let out = b.add("out", NodeKind::Readout(Readout::default()), &[logits]).unwrap();

    let mut ann = GraphBuilder::new();
    let x = ann.input("image", vec![1, 8, 8]).unwrap();
    let flat = ann.add("flat", Op::Reshape(Reshape { shape: vec![64] }), &[x]).unwrap();
    let linear = Linear { weight: tensor(&[10, 64], 0.25), bias: None };
    let y = ann.add("fc", Op::Linear(linear), &[flat]).unwrap();
    let preprocessing =
        Preprocessing { scale: Some(1.0 / 16.0), layout: Some(Layout::Nchw), ..Preprocessing::default() };
    let file = SnnFile {
        network: b.finish(out).unwrap(),
        ann: ann.finish(vec![y]).unwrap(),
        preprocessing: serde_json::to_value(SampleFeed { preprocessing, lowest_pixel: None }).unwrap(),
        provenance: Provenance {
            program: "0".into(),
            source: "net.onnx".into(),
            method: "rueckauer2017".into(),
            ..Provenance::default()
        },
    };
    file.save(path).unwrap();
}

#[test]
fn a_network_becomes_a_file_that_runs_alike() {
    let folder = demo_folder();
    let path = folder.path();
    write_streaming_network(&path.join("net.snn"));
    let exported = run(path, "export net.snn --to nir -o net.nir");
    assert_eq!(exported.code, 0, "{exported:?}");
    for words in ["in nir: unsupported, it resets to v_reset", "in sinabs: approximate", "it does not run SumPool2d"] {
        assert!(exported.out.contains(words), "{exported:?}");
    }
    let other = run(path, "export net.snn --to nir --target spikingjelly --pooling average --force -o other.nir");
    assert_eq!(other.code, 0, "{other:?}");
    assert!(other.out.contains("m.v_reset = None"), "{other:?}");
    let shown = run(path, "inspect net.nir");
    for words in ["n0002_relu", "SumPool2d", "v_threshold 1", "spikeconverter/time_steps", "rueckauer2017"] {
        assert!(shown.out.contains(words), "{shown:?}");
    }
    let text = run(path, "eval net.nir --data digits-test.npz --limit 20");
    assert!(text.out.contains("T = 8 steps, reset by subtraction, the threshold fires"), "{text:?}");
    let nir = run(path, "eval net.nir --data digits-test.npz --limit 40 --json").json();
    let own = run(path, "eval net.snn --data digits-test.npz --limit 40 --json").json();
    assert_eq!((nir["time_steps"].as_u64(), nir["images"].as_u64()), (Some(8), Some(40)));
    assert_eq!(nir["accuracy"], own["snn_accuracy"]);
    let [nir, own] = [nir, own].map(|report| report["spikes_per_neuron"].as_f64().unwrap());
    assert!((nir - own).abs() < 1e-9 && nir > 0.0, "{nir} {own}");
    // another program's neurons: reset to 0 loses what is beyond the threshold
    let norse = run(path, "eval net.nir --data digits-test.npz --limit 40 --semantics norse --json").json();
    assert!(norse["spikes_per_neuron"].as_f64().unwrap() < own);
    let steps = run(path, "eval net.nir --data digits-test.npz --limit 2 -T 3 --json").json();
    assert_eq!(steps["time_steps"], 3);
}

#[test]
fn what_a_target_would_not_run_is_refused() {
    let folder = demo_folder();
    let path = folder.path();
    write_streaming_network(&path.join("net.snn"));
    let refused = run(path, "export net.snn --to nir --target norse -o net.nir");
    assert!(refused.complaint().contains("unsupported, it resets to v_reset"), "{refused:?}");
    assert!(!path.join("net.nir").exists());
    let forced = run(path, "export net.snn --to nir --target norse --force -o net.nir --json").json();
    assert_eq!(forced["verdicts"][0]["verdict"], "unsupported");
    let jelly = run(path, "export net.snn --to nir --target spikingjelly -o net.nir");
    assert!(jelly.complaint().contains("makes it faithful"), "{jelly:?}");
    let snntorch = run(path, "export net.snn --to nir --target snntorch -o net.nir");
    assert!(snntorch.complaint().contains("it does not run IF"), "{snntorch:?}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = demo_folder();
    let path = folder.path();
    assert!(run(path, "inspect none.nir").complaint().contains("none.nir"));
    std::fs::write(path.join("net.nir"), "text").unwrap();
    for line in ["inspect net.nir", "eval net.nir --data digits-test.npz"] {
        assert_eq!(run(path, line).complaint(), "net.nir: is not an HDF5 file, which NIR files are");
    }
    // a windowed network, and one with maxima
    let convert = "convert digits.onnx --data digits-train.npz --calibrate 16 -o";
    assert_eq!(run(path, &format!("{convert} window.snn")).code, 0);
    let windowed = run(path, "export window.snn --to nir -o net.nir");
    assert!(windowed.complaint().contains("NIR has nothing that waits"), "{windowed:?}");
    assert_eq!(run(path, &format!("{convert} stream.snn --method rueckauer2017 -T 8")).code, 0);
    let maxima = run(path, "export stream.snn --to nir -o net.nir");
    assert!(maxima.complaint().contains("NIR has no maximum"), "{maxima:?}");
}
