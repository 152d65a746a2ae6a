//! `spikeconverter search` on the network that ships with the program.

use serde_json::Value;

use crate::common::{data_folder, demo_folder, files, number, run, run_in};

const SEARCH: &str = "search digits.onnx --data digits-train.npz --scale 1/16 --methods spikeconverter -T 1,2,4,6 \
                      --calibrate 64 --held-out 400";

/// What is written is what was chosen, and keeps what was promised on samples that nothing was chosen by.
#[test]
fn the_cheapest_within_the_bound_is_written() {
    let folder = demo_folder();
    let found = run(folder.path(), &format!("{SEARCH} --max-drop 1 -o net.snn --json")).json();
    let chosen = &found["chosen"];
    assert!(number(&chosen["figures"]["drop"], "estimate") <= 0.01, "{chosen}");
    let described = run(folder.path(), "inspect net.snn --json").json();
    assert_eq!(described["provenance"]["options"]["time_steps"], chosen["options"]["time_steps"].to_string());
    // no candidate that is within the bound and was in the last round costs less
    let trials = found["trials"].as_array().unwrap();
    let last = trials.iter().map(|trial| number(trial, "round") as u64).max().unwrap();
    let cost = |trial: &Value| number(&trial["result"]["measured"], "energy_joule");
    let of_chosen = cost(&trials[number(chosen, "trial") as usize]);
    for trial in trials.iter().filter(|trial| number(trial, "round") as u64 == last) {
        let within = number(&trial["result"]["measured"]["drop"], "estimate") <= 0.01;
        assert!(!within || cost(trial) >= of_chosen || number(chosen, "attempts") > 1.0, "{trial}");
    }
    let evaluated = run(folder.path(), "eval net.snn --data digits-test.npz --json").json();
    assert!(number(&evaluated, "agreement") > 0.97, "{evaluated}");
    assert_eq!(number(&evaluated, "latency_steps"), number(&chosen["figures"], "latency_steps"));
}

/// Figures do not depend on how the search came to them.
#[test]
fn a_search_can_be_repeated() {
    let folder = demo_folder();
    let figures = || {
        let mut found = run(folder.path(), &format!("{SEARCH} --max-drop 2 --json")).json();
        let trials = found["trials"].as_array_mut().unwrap();
        for trial in trials.iter_mut() {
            trial["result"]["measured"]["seconds"] = Value::Null;
        }
        found["trials"].clone()
    };
    assert_eq!(figures(), figures());
}

#[test]
fn latency_is_bounded() {
    let folder = demo_folder();
    let line = SEARCH.replace("--methods spikeconverter -T 1,2,4,6", "--methods spikeconverter,rueckauer2017 -T 4,8");
    let found = run(folder.path(), &format!("{line} --max-drop 100 --max-latency 8 --minimise latency --json")).json();
    for trial in found["trials"].as_array().unwrap() {
        let slow = trial["result"]["too_slow"]["latency_steps"].as_u64();
        // windows one behind another: longer than eight steps at any T asked for
        assert_eq!(trial["method"] == "spikeconverter", slow.is_some_and(|steps| steps > 8), "{trial}");
    }
    assert_eq!(found["chosen"]["figures"]["latency_steps"], 4);
}

/// Where windows of one length are a little too long, layers get windows of their own.
#[test]
fn windows_are_shortened_to_a_latency() {
    let folder = demo_folder();
    let line = SEARCH.replace("-T 1,2,4,6", "-T 4");
    let found = run(folder.path(), &format!("{line} --max-drop 5 --max-latency 17 -o net.snn --json")).json();
    let trials = found["trials"].as_array().unwrap();
    assert!(trials.iter().all(|trial| trial["options"]["max_latency"] == 17), "{trials:?}");
    assert_eq!(number(&found["chosen"]["figures"], "latency_steps"), 17.0);
    let described = run(folder.path(), "inspect net.snn --json").json();
    assert_eq!(described["provenance"]["options"]["max_latency"], "17");
}

#[test]
fn none_within_the_bound_is_an_answer() {
    let folder = demo_folder();
    let line = SEARCH.replace("-T 1,2,4,6", "-T 1");
    let shown = run(folder.path(), &format!("{line} --max-drop 0 -o net.snn"));
    assert_eq!((shown.code, shown.err.as_str()), (1, ""), "{shown:?}");
    assert!(shown.out.contains("None stays within 0.00 points"), "{}", shown.out);
    assert_eq!(files(folder.path()).len(), 3);
}

/// Without labels the drop is disagreement, and cannot be below 0.
#[test]
fn without_labels_agreement_is_asked_for() {
    let folder = demo_folder();
    let numbers: Vec<u8> = (0..64u32 * 96).map(|i| (i.wrapping_mul(2_654_435_761) >> 28) as u8).collect();
    crate::common::write_npy(&folder.path().join("x_other.npy"), "|u1", &[96, 8, 8], &numbers);
    let line = SEARCH.replace("digits-train.npz", "x_other.npy");
    let found = run(folder.path(), &format!("{line} --max-drop 20 --json")).json();
    assert_eq!(found["setting"]["labelled"], false);
    for trial in found["trials"].as_array().unwrap() {
        let figures = &trial["result"]["measured"];
        let sum = number(&figures["drop"], "estimate") + number(figures, "agreement");
        assert!((sum - 1.0).abs() < 1e-12 && number(&figures["drop"], "low") >= 0.0, "{trial}");
    }
}

#[test]
fn bad_input() {
    let folder = demo_folder();
    let path = folder.path();
    let refused = |line: &str, told: &[&str]| {
        let run = run(path, line);
        for part in told {
            assert!(run.complaint().contains(part), "{part}: {run:?}");
        }
    };
    refused(&format!("{SEARCH} -o digits.onnx"), &["digits.onnx", "-o"]);
    refused(&format!("{SEARCH} -o nowhere/net.snn"), &["nowhere/net.snn", "-o"]);
    refused(&format!("{SEARCH} --limit 10"), &["digits-train.npz", "10 samples"]);
    refused(&SEARCH.replace("-T 1,2,4,6", "-T 17"), &["nothing to search"]);
    refused(&SEARCH.replace("--methods spikeconverter", "--methods qcfs"), &["trained"]);
    for wrong in ["--max-drop -1", "--max-drop x", "--max-latency 0", "--minimise time", "-T 0", "--methods none"] {
        let run = run(path, &format!("{SEARCH} {wrong}"));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong}: {run:?}");
    }
    assert_eq!(files(path), ["digits-test.npz", "digits-train.npz", "digits.onnx"]);
}

/// On keyword spotting, a point of accuracy buys a shorter window than none.
#[test]
fn keyword_spotting() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| data.join(name).display().to_string();
    let (model, samples, table) =
        (path("models/kws_dscnn.onnx"), path("kws/kws01.npz"), path("models/preprocessing.toml"));
    let energy = |drop: &str| {
        let line =
            ["search", &model, "--data", &samples, "--preprocess", &table, "--range", "0..600", "--calibrate", "128"];
        let bounds = ["--methods", "spikeconverter", "-T", "3,4,6,8", "--max-drop", drop, "--json"];
        let found = run_in(folder.path(), &[&line[..], &bounds].concat()).json();
        assert!(number(&found["chosen"]["figures"]["drop"], "estimate") <= drop.parse::<f64>().unwrap() / 100.0);
        number(&found["chosen"]["figures"], "energy_joule")
    };
    let (strict, lenient) = (energy("1"), energy("12"));
    assert!(lenient < strict, "{lenient} and {strict}");
}
