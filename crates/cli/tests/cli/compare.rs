//! `spikeconverter compare` on the network that ships with the program.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Run, data_folder, demo_folder, files, run, run_in, succeeds};

const COMPARE: &str = "compare digits.onnx --data digits-test.npz --calibration-data digits-train.npz --scale 1/16 \
                       --calibrate 32 --limit 50 --methods spikeconverter";

/// The cells of a run with `--json`, without what differs from run to run.
fn cells(run: &Run) -> Vec<Value> {
    let mut cells = run.json().as_array().unwrap().clone();
    for cell in &mut cells {
        for key in ["seconds", "conversion_seconds", "images_per_second", "ann_images_per_second"] {
            assert!(cell[key].as_f64().unwrap() >= 0.0, "{key}");
            cell[key] = Value::Null;
        }
    }
    cells
}

#[test]
fn a_cell_has_what_eval_prints() {
    let folder = demo_folder();
    let cells = cells(&run(folder.path(), &format!("{COMPARE} -T 4,2 --json")));
    let of = |key: &str| cells.iter().map(|cell| cell[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("time_steps"), [2, 4]);
    assert_eq!(cells[1]["options"]["time_steps"], 4);
    assert!(of("fronts").iter().any(|fronts| fronts["best"] == true));
    let convert = "convert digits.onnx --data digits-train.npz --scale 1/16 --calibrate 32 -T 4 -o net.snn";
    succeeds(&run(folder.path(), convert));
    let evaluated = run(folder.path(), "eval net.snn --data digits-test.npz --limit 50 --json").json();
    for (key, value) in evaluated.as_object().unwrap() {
        if !key.ends_with("per_second") {
            assert_eq!(cells[1][key], *value, "{key}");
        }
    }
}

#[test]
fn the_table_and_the_report() {
    let folder = demo_folder();
    let shown = run(folder.path(), &format!("{COMPARE} -T 2,8,17 --report out.html"));
    succeeds(&shown);
    for told in ["not converted: spikeconverter, T = 17:", "report: out.html", " * ", "trained network: accuracy"] {
        assert!(shown.out.contains(told), "{told}: {}", shown.out);
    }
    let html = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    for told in ["<!doctype html>", "digits.onnx", "Spike raster", "Firing rates", "T = 17: not converted, option"] {
        assert!(html.contains(told), "{told}");
    }
    // no path of the machine it was made on
    assert!(!html.contains(folder.path().to_str().unwrap()));
}

#[test]
fn without_labels_agreement_ranks() {
    let folder = demo_folder();
    crate::common::write_npy(&folder.path().join("x_other.npy"), "|u1", &[2, 8, 8], &[1; 128]);
    let line = "compare digits.onnx --data x_other.npy --calibration-data digits-train.npz --calibrate 16 --raster 1 \
                --methods spikeconverter -T 4 --report out.html";
    let shown = run(folder.path(), line);
    succeeds(&shown);
    assert!(shown.out.contains("highest agreement"), "{}", shown.out);
    let html = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(html.contains("Agreement against latency") && html.contains("have no labels"));
}

/// Rows of one file can serve both ends.
#[test]
fn calibration_rows_of_the_same_file() {
    let folder = demo_folder();
    let line = "compare digits.onnx --data digits-test.npz --range 100..150 --calibration-range 0..100 --scale 1/16 \
                --methods spikeconverter -T 4 --json";
    let found = &cells(&run(folder.path(), line))[0];
    assert_eq!(found["images"], 50);
    assert!(found["snn_accuracy"].as_f64().unwrap() > 0.9, "{found}");
}

/// Ctrl-C leaves the finished cells, and the same command goes on from them.
#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_state_to_go_on_from() {
    let folder = demo_folder();
    let line = format!("{COMPARE} -T 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 --resume state.json --json");
    let mut child = Command::new(env!("CARGO_BIN_EXE_spikeconverter"))
        .args(line.split_whitespace())
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let state = || std::fs::read_to_string(folder.path().join("state.json")).unwrap_or_default();
    while !state().contains("\"measured\"") {
        assert!(child.try_wait().unwrap().is_none(), "it ended before a cell was kept");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let stopped = child.wait_with_output().unwrap();
    let said = String::from_utf8(stopped.stderr).unwrap();
    assert_eq!(stopped.status.code(), Some(1), "{said}");
    assert!(said.contains("of 16 cells") && said.contains("goes on from `state.json`"), "{said}");
    assert!(stopped.stdout.is_empty());
    let kept: Value = serde_json::from_str(&state()).unwrap();
    let kept = kept["cells"].as_array().unwrap().len();
    assert!((1..16).contains(&kept), "{kept}");
    let resumed = cells(&run(folder.path(), &line));
    assert_eq!(resumed, cells(&run(folder.path(), &line.replace("state.json", "other.json"))));
    assert_eq!(files(folder.path()).len(), 5);
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
    refused("compare digits.onnx --data digits-test.npz", &["digits-test.npz", "--calibration-data"]);
    refused(&format!("{COMPARE} --report nowhere/out.html"), &["nowhere/out.html", "--report"]);
    refused(&format!("{COMPARE} --report digits.onnx"), &["digits.onnx", "--report"]);
    refused(&format!("{COMPARE} --resume digits.onnx"), &["digits.onnx", "--resume"]);
    refused(&format!("{COMPARE} --resume nowhere/state.json"), &["nowhere/state.json"]);
    refused(&format!("{COMPARE} --raster 50"), &["digits-test.npz", "50", "--raster"]);
    refused(&COMPARE.replace("digits.onnx", "missing.onnx"), &["missing.onnx"]);
    for wrong in ["--methods none", "-T 0", "-T 1,x", "-T 4097", "--raster x", "--calibration-range 5..5"] {
        let run = run(path, &format!("{COMPARE} {wrong}"));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong}: {run:?}");
    }
    assert_eq!(files(path), ["digits-test.npz", "digits-train.npz", "digits.onnx"]);
}

/// Windows and streams side by side on keyword spotting.
#[test]
fn keyword_spotting() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| data.join(name).display().to_string();
    let line = [
        "compare",
        &path("models/kws_dscnn.onnx"),
        "--data",
        &path("kws/kws01.npz"),
        "--preprocess",
        &path("models/preprocessing.toml"),
        "--range",
        "200..300",
        "--calibration-range",
        "0..200",
        "--calibrate",
        "64",
        "--methods",
        "spikeconverter,rueckauer2017",
        "-T",
        "8,16",
        "--report",
        "out.html",
        "--json",
    ];
    let found = cells(&run_in(folder.path(), &line));
    assert_eq!(found.len(), 4);
    for cell in &found {
        let window = cell["method"] == "spikeconverter";
        assert_eq!(cell["schedule"], if window { "window" } else { "stream" });
        // the stream's latency is its T; a window's is several
        let steps = |key: &str| cell[key].as_u64().unwrap();
        assert!(if window {
            steps("latency_steps") > 4 * steps("time_steps")
        } else {
            steps("latency_steps") == steps("time_steps")
        });
        if window {
            assert!(cell["agreement"].as_f64().unwrap() > 0.95, "{cell}");
        }
    }
    let html = std::fs::read_to_string(folder.path().join("out.html")).unwrap();
    assert!(html.contains("kws_dscnn.onnx") && html.contains("rueckauer2017"));
}
