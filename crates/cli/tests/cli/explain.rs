//! `spikeconverter explain` on the network that ships with the program.

use serde_json::Value;

use crate::common::{CONVERT, demo_folder, number, run, succeeds};

#[test]
fn explains_where_accuracy_went() {
    let folder = demo_folder();
    for options in ["--weights f32", "--weights i8", "--base 3", "--max-latency 8"] {
        succeeds(&run(folder.path(), &format!("{CONVERT} -T 2 --weight-calibration none {options}")));
        let line = "explain net.snn --data digits-test.npz --limit 120";
        let found = run(folder.path(), &format!("{line} --json")).json();
        assert_eq!((number(&found, "samples"), found["labelled"].clone()), (120.0, Value::Bool(true)));
        let layers = found["layers"].as_array().unwrap();
        let described = run(folder.path(), "inspect net.snn --json").json();
        assert_eq!(layers.len(), described["layers"].as_array().unwrap().len());
        for layer in layers {
            let error = &layer["error"];
            let parts = ["clipping", "quantisation", "unevenness", "inherited", "weight_rounding"];
            let sum: f64 = parts.iter().map(|part| number(error, part)).sum();
            assert!((sum - number(error, "total")).abs() < 1e-9 && number(error, "total") > 0.0, "{layer}");
            assert_eq!(options.contains("i8"), number(error, "weight_rounding") != 0.0, "{layer}");
            assert!(number(layer, "accuracy_cost").abs() <= 1.0 && number(layer, "accuracy_recovered").abs() <= 1.0);
        }
        for advice in found["advice"].as_array().unwrap() {
            let command = advice["command"].as_str().unwrap();
            assert!(
                number(advice, "gain") > 0.0 && command.starts_with("spikeconverter convert digits.onnx"),
                "{advice}"
            );
        }
        succeeds(&run(folder.path(), line));
        let quick = run(folder.path(), &format!("{line} --no-advice --json")).json();
        assert_eq!(quick["advice"].as_array().unwrap().len(), 0);
        assert_eq!(quick["layers"], found["layers"]);
    }
}

/// A streaming network loses something to the order of spikes, and its page stands alone.
#[test]
fn explains_streams_and_writes_pages() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} --method rueckauer2017 -T 8 --calibrate 64")));
    let line = "explain net.snn --data digits-test.npz --limit 64 --report out.html";
    let found = run(folder.path(), &format!("{line} --json")).json();
    let layers = found["layers"].as_array().unwrap();
    for layer in layers {
        let error = &layer["error"];
        let parts = ["clipping", "quantisation", "unevenness", "inherited", "weight_rounding"];
        let sum: f64 = parts.iter().map(|part| number(error, part)).sum();
        assert!((sum - number(error, "total")).abs() < 1e-9 && number(error, "total") > 0.0, "{layer}");
        assert!(number(layer, "accuracy_recovered").abs() <= 1.0);
    }
    assert!(layers.iter().skip(1).any(|layer| number(&layer["error"], "unevenness").abs() > 1e-4), "{found}");
    let advised = |text: &str| {
        let advice = found["advice"].as_array().unwrap();
        advice.iter().any(|advice| advice["command"].as_str().unwrap().contains(text))
    };
    assert!(advised("--method rueckauer2017 -T 16"), "{}", found["advice"]);
    let html = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    for told in ["<!doctype html>", "net.snn", "unevenness", "Firing rates", "most wrong", "rueckauer2017"] {
        assert!(html.contains(told), "{told}");
    }
    assert!(!html.contains(folder.path().to_str().unwrap()));
    assert!(run(folder.path(), line).out.contains("report: out.html"));
    let refused = run(folder.path(), "explain net.snn --data digits-test.npz --report net.snn");
    assert!(refused.complaint().contains("--report"), "{refused:?}");
}
