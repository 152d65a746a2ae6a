//! The commands on the network that ships with the program.

use crate::common::{CONVERT, demo_folder, files, number, run, succeeds, write_npy};
use serde_json::Value;

const EVAL: &str = "eval net.snn --data digits-test.npz --limit 200";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn integer_networks() {
    let folder = demo_folder();
    let converted = run(folder.path(), &format!("{CONVERT} --weights i8 --calibrate 128 --json")).json();
    assert_eq!(converted["options"]["weights"], "i8");
    assert_eq!(converted["options"]["encoding"], "pixels");
    assert!(converted["layers"].as_array().unwrap().iter().all(|layer| number(layer, "base") == 2.0));
    assert_eq!(run(folder.path(), "inspect net.snn --json").json()["weights"], "i8");
    let results = ["folded", "clocked", "reference"].map(|engine| {
        let found = run(folder.path(), &format!("{EVAL} --engine {engine} --json")).json();
        assert!(number(&found, "agreement") >= 0.98, "{found}");
        [number(&found, "snn_accuracy"), number(&found, "spikes_per_neuron")]
    });
    assert!(results.iter().all(|found| *found == results[2]), "{results:?}");
    succeeds(&run(folder.path(), &format!("{CONVERT} --calibrate 64")));
    assert_eq!(run(folder.path(), "inspect net.snn --json").json()["weights"], "f32");
}

#[test]
fn every_command_has_a_manual_page_and_is_completed() {
    let folder = demo_folder();
    let help = run(folder.path(), "--help").out;
    let commands = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1).take_while(|l| !l.is_empty());
    let commands: Vec<&str> = commands
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|c| *c != "help")
        .collect();
    assert!(commands.contains(&"convert") && commands.len() > 9, "{commands:?}");
    let wrote = run(folder.path(), "setup --man pages/man1");
    succeeds(&wrote);
    assert_eq!(wrote.out, format!("wrote {} manual pages to pages/man1\n", commands.len() + 1));
    for command in &commands {
        let page =
            std::fs::read_to_string(folder.path().join(format!("pages/man1/spikeconverter-{command}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{page}");
    }
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(folder.path(), &format!("setup --completions {shell}"));
        succeeds(&script);
        assert!(commands.iter().all(|command| script.out.contains(command)), "{shell}");
    }
    // a file is no folder for pages
    let refused = run(folder.path(), "setup --man digits.onnx");
    assert!(refused.complaint().contains("digits.onnx"), "{refused:?}");
}

#[test]
fn converts_evaluates_and_inspects() {
    let folder = demo_folder();
    let converted = run(folder.path(), &format!("{CONVERT} -T 6 --calibrate 128 --json")).json();
    for key in
        ["output", "source", "source_sha256", "method", "options", "schedule", "calibration", "layers", "seconds"]
    {
        assert!(keys(&converted).contains(&key), "{key}");
    }
    assert_eq!(converted["options"]["time_steps"], 6);
    assert_eq!(converted["calibration"]["samples"], 128);
    for layer in converted["layers"].as_array().unwrap() {
        assert!((1.0..=2.0).contains(&number(layer, "base")));
        assert!(number(layer, "threshold_min") > 0.0);
        assert!(number(layer, "error") < 0.05);
    }
    let found = run(folder.path(), &format!("{EVAL} --json")).json();
    for key in [
        "method",
        "engine",
        "time_steps",
        "schedule",
        "latency_steps",
        "images",
        "ann_accuracy",
        "snn_accuracy",
        "agreement",
        "spikes_per_neuron",
        "spikes_per_image",
        "synops_per_image",
        "ann_macs_per_image",
        "ann_energy_joule",
        "snn_energy_joule",
        "images_per_second",
        "layers",
    ] {
        assert!(keys(&found).contains(&key), "{key}");
    }
    for key in ["name", "neurons", "spikes_per_neuron", "threshold_min", "threshold_max", "base"] {
        assert!(keys(&found["layers"][0]).contains(&key), "{key}");
    }
    assert_eq!((number(&found, "images"), number(&found, "time_steps")), (200.0, 6.0));
    assert!(number(&found, "ann_accuracy") >= 0.98 && number(&found, "snn_accuracy") >= 0.97);
    let described = run(folder.path(), "inspect net.snn --json").json();
    assert_eq!(described["provenance"]["source"], "digits.onnx");
    assert_eq!(described["layers"].as_array().unwrap().len(), converted["layers"].as_array().unwrap().len());
    succeeds(&run(folder.path(), "inspect net.snn"));
    succeeds(&run(folder.path(), EVAL));
    assert_eq!(files(folder.path()), ["digits-test.npz", "digits-train.npz", "digits.onnx", "net.snn"]);
}

#[test]
fn exports() {
    let folder = demo_folder();
    let path = folder.path();
    succeeds(&run(path, &format!("{CONVERT} --weights i8 --calibrate 64")));
    let found = run(path, "export net.snn --to onnx -o folded.onnx --json").json();
    assert_eq!((found["format"].as_str(), found["files"][0].as_str()), (Some("onnx"), Some("folded.onnx")));
    succeeds(&run(path, "export net.snn --to onnx --unrolled -o unrolled.onnx"));
    // the exported operators are read, but for those that round
    let checked = run(path, "check folded.onnx --json");
    assert!(checked.code == 1 && checked.out.contains("Floor"), "{checked:?}");
    for steps in ["folded", "spikes"] {
        let found = run(path, &format!("export net.snn --to c --steps {steps} -o {steps}.c --json")).json();
        assert_eq!(found["files"], serde_json::json!([format!("{steps}.c"), format!("{steps}.h")]));
        let header = std::fs::read_to_string(path.join(format!("{steps}.h"))).unwrap();
        assert!(header.contains(&format!("int {steps}_run(const uint8_t *pixels")), "{header}");
    }
}

#[test]
fn every_option_reaches_the_network() {
    let folder = demo_folder();
    let options = "-T 4 --base 1.5 --thresholds layer --no-half-step --no-bias-correction --calibrate 64 --seed 7";
    succeeds(&run(folder.path(), &format!("{CONVERT} {options}")));
    let described = run(folder.path(), "inspect net.snn --json").json();
    for layer in described["layers"].as_array().unwrap() {
        assert_eq!((number(layer, "base"), number(layer, "thresholds")), (1.5, 1.0));
        assert_eq!((layer["half_step"].clone(), number(layer, "largest_correction")), (Value::Bool(false), 0.0));
    }
    let record = &described["provenance"]["options"];
    assert_eq!((record["seed"].clone(), record["base"].clone()), ("7".into(), "1.5".into()));
}

/// Spikes of both signs, and windows that are shorter than others, as every command shows them.
#[test]
fn codes_of_other_bases_and_lengths() {
    let folder = demo_folder();
    let path = folder.path();
    for (options, told) in [("-T 2 --base 3", "2 bits a spike"), ("-T 4 --max-latency 17", "some shorter")] {
        succeeds(&run(path, &format!("{CONVERT} {options} --calibrate 64")));
        for engine in ["reference", "folded", "clocked"] {
            let found = run(path, &format!("{EVAL} --engine {engine}"));
            assert!(found.out.contains(told), "{engine}: {found:?}");
            let found = run(path, &format!("{EVAL} --engine {engine} --json")).json();
            assert!(number(&found, "agreement") > 0.97, "{options}: {found}");
        }
        let layers = run(path, "inspect net.snn --json").json()["layers"].clone();
        let layers = layers.as_array().unwrap();
        let signed = layers.iter().all(|layer| layer["signed"] == true && number(layer, "base") == 3.0);
        assert_eq!(signed, options.contains("base"), "{layers:?}");
        let shorter = layers.iter().any(|layer| layer["window_steps"].as_u64().is_some_and(|steps| steps < 4));
        assert_eq!(shorter, !signed, "{layers:?}");
        for form in ["", "--unrolled"] {
            succeeds(&run(path, &format!("export net.snn --to onnx {form} -o out.onnx")));
        }
    }
    let refused = run(path, "export net.snn --to c -o out.c");
    assert!(refused.complaint().contains("--weights i8"), "{refused:?}");
}

#[test]
fn the_same_command_writes_the_same_file() {
    let folder = demo_folder();
    let mut written = Vec::new();
    for threads in [1, 2] {
        succeeds(&run(folder.path(), &format!("--threads {threads} {CONVERT} -T 4 --calibrate 64")));
        written.push(std::fs::read(folder.path().join("net.snn")).unwrap());
    }
    assert_eq!(written[0], written[1]);
}

#[test]
fn pixels_enter_as_spikes() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} --input pixels --calibrate 128")));
    let found = run(folder.path(), &format!("{EVAL} --json")).json();
    assert!(number(&found, "agreement") >= 0.97, "{found}");
    let described = run(folder.path(), "inspect net.snn --json").json();
    assert_eq!((described["encoding"].clone(), number(&described["feed"], "lowest_pixel")), ("pixels".into(), 0.0));
}

#[test]
fn engines_find_the_same() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} -T 4 --calibrate 64")));
    let line = "eval net.snn --data digits-test.npz --limit 8 --json --engine";
    let [literal, others @ ..] =
        ["reference", "folded", "clocked"].map(|engine| run(folder.path(), &format!("{line} {engine}")).json());
    assert_eq!(literal["engine"], "reference");
    for found in others {
        for key in ["snn_accuracy", "ann_accuracy", "agreement", "latency_steps"] {
            assert_eq!(found[key], literal[key], "{key}");
        }
        let spikes = |found: &Value| number(found, "spikes_per_image");
        assert!((spikes(&found) / spikes(&literal) - 1.0).abs() < 1e-3);
    }
}

#[test]
fn only_streams_stop_early() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} -T 4 --calibrate 64")));
    for line in [format!("{EVAL} --until-stable"), format!("{EVAL} --until-stable 3 --engine reference")] {
        let refused = run(folder.path(), &line);
        let complaint = refused.complaint();
        assert!(complaint.contains("net.snn") && complaint.contains("schedule `stream`"), "{complaint}");
    }
    assert_eq!(run(folder.path(), &format!("{EVAL} --until-stable 0")).code, 2);
    let whole = run(folder.path(), &format!("{EVAL} --json")).json();
    assert!(whole.get("steps_used").is_none());
}

/// A method of whose parts some are replaced: the network works, and its file says what it is.
#[test]
fn parts_of_streaming_methods_are_replaced() {
    let folder = demo_folder();
    let line =
        format!("{CONVERT} --method ltb --neuron group --threshold-rule mmse --max-pool gate -T 32 --calibrate 64");
    succeeds(&run(folder.path(), &line));
    let options = &run(folder.path(), "inspect net.snn --json").json()["provenance"]["options"];
    for (option, value) in [
        // replaced
        ("neuron", "group"),
        ("threshold_rule", "mmse"),
        ("max_pool", "gate"),
        // the method's own
        ("initial", "half"),
        ("thresholds", "channel"),
    ] {
        assert_eq!(options[option], value, "{options}");
    }
    let found = run(folder.path(), &format!("{EVAL} --json")).json();
    assert!(number(&found, "agreement") > 0.95, "{found}");
}

#[test]
fn senseless_methods_are_refused() {
    let folder = demo_folder();
    for (line, words) in [
        ("--method rueckauer2017 --threshold-rule burst-percentile", ["--threshold-rule", "does not combine"]),
        ("--method rueckauer2017 --levels 3", ["--levels", "`if`"]),
        ("--method dcgs --input pixels", ["--input", "analog"]),
        ("--method spikeconverter --neuron burst", ["--neuron", "windows"]),
        ("--method tcl", ["tcl", "trained for it"]),
    ] {
        let refused = run(folder.path(), &format!("{CONVERT} {line} --calibrate 64"));
        assert_eq!(refused.code, 1, "{line}: {}", refused.err);
        assert!(words.iter().all(|word| refused.err.contains(word)), "{line}: {}", refused.err);
        assert!(!folder.path().join("net.snn").exists());
    }
    let usage = run(folder.path(), &format!("{CONVERT} --neuron nothing"));
    assert!(usage.code == 2 && usage.err.contains("multi-threshold"), "{}", usage.err);
}

#[test]
fn batches_do_not_change_the_result() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} -T 3 --calibrate 64")));
    let [mut one, mut all] = [7, 200].map(|size| run(folder.path(), &format!("{EVAL} --json --batch {size}")).json());
    for found in [&mut one, &mut all] {
        found["images_per_second"] = Value::Null;
        found["ann_images_per_second"] = Value::Null;
    }
    assert_eq!(one, all);
}

#[test]
fn without_labels_there_is_agreement_and_no_accuracy() {
    let folder = demo_folder();
    succeeds(&run(folder.path(), &format!("{CONVERT} --calibrate 64")));
    write_npy(&folder.path().join("x_other.npy"), "|u1", &[2, 8, 8], &[1; 128]);
    let found = run(folder.path(), "eval net.snn --data x_other.npy --json").json();
    assert_eq!((&found["ann_accuracy"], &found["snn_accuracy"]), (&Value::Null, &Value::Null));
    assert_eq!(number(&found, "images"), 2.0);
    assert!((0.0..=1.0).contains(&number(&found, "agreement")));
    assert!(run(folder.path(), "eval net.snn --data x_other.npy").out.contains("no labels"));
}

/// Made-up images calibrate well enough for long windows; a note says what they are, and the file what it was made with.
#[test]
fn converts_without_data() {
    let folder = demo_folder();
    let line = "convert digits.onnx --scale 1/255 --calibrate 64 -T 12 -o net.snn";
    let shown = run(folder.path(), line);
    succeeds(&shown);
    assert!(shown.out.contains("no data were given"), "{}", shown.out);
    let described = run(folder.path(), "inspect net.snn --json").json();
    assert_eq!(described["provenance"]["calibration"]["data"], "synthetic");
    // the same images every time
    let layers = |line: &str| run(folder.path(), &format!("{line} --json")).json()["layers"].clone();
    assert_eq!(layers(line), layers(line));
    assert_ne!(layers(line), layers(&format!("{line} --seed 1")));
}

#[test]
fn calibrated_weights_are_recorded() {
    let folder = demo_folder();
    for (options, wanted) in [
        ("-T 3", "layer"),
        ("-T 8", "none"),
        ("-T 8 --weight-calibration layer", "layer"),
        ("-T 2 --weight-calibration network", "network"),
    ] {
        let converted = run(folder.path(), &format!("{CONVERT} --calibrate 32 {options} --json")).json();
        assert!(converted["layers"].as_array().unwrap().iter().all(|layer| number(layer, "error") < 0.2));
        let described = run(folder.path(), "inspect net.snn --json").json();
        assert_eq!(described["provenance"]["options"]["weight_calibration"], wanted);
    }
}

#[test]
fn check_as_json() {
    let folder = demo_folder();
    let checked = run(folder.path(), "check digits.onnx --json").json();
    assert_eq!((checked["converts"].clone(), number(&checked["totals"], "unsupported")), (Value::Bool(true), 0.0));
    let verdicts = checked["nodes"].as_array().unwrap();
    assert!(verdicts.iter().any(|node| node["op"] == "BatchNormalization" && node["verdict"] == "folded"));
    assert!(verdicts.iter().any(|node| node["op"] == "Conv" && node["verdict"] == "converts"));
}

#[test]
fn demo_writes_what_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let shown = run(folder.path(), "demo --write digits --json").json();
    let rows = shown["rows"].as_array().unwrap();
    let at = |steps: f64, key: &str| number(rows.iter().find(|row| number(row, "time_steps") == steps).unwrap(), key);
    assert_eq!((rows.len(), at(8.0, "images")), (6, 600.0));
    assert!(at(8.0, "ann_accuracy") > 0.985);
    for steps in [2.0, 3.0, 4.0, 6.0, 8.0] {
        assert!(at(steps, "ann_accuracy") - at(steps, "snn_accuracy") < 0.006, "{shown}");
        assert!(at(steps, "spikes_per_neuron") > at(1.0, "spikes_per_neuron"), "{shown}");
    }
    assert!(at(1.0, "snn_accuracy") > 0.85);
    assert_eq!(files(&folder.path().join("digits")), ["digits-test.npz", "digits-train.npz", "digits.onnx"]);
}

#[test]
fn a_reader_may_leave_early() {
    let folder = demo_folder();
    let script =
        format!("{} check digits.onnx | true; exit \"${{PIPESTATUS[0]}}\"", env!("CARGO_BIN_EXE_spikeconverter"));
    let output = std::process::Command::new("bash").args(["-c", &script]).current_dir(folder.path()).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

/// Samples that are not prepared as for training: the trained network guesses, and the user is told where to look.
#[test]
fn a_trained_network_at_chance_is_pointed_out() {
    let folder = demo_folder();
    let convert = |more: &str, out: &str| {
        let line = format!("convert digits.onnx --data digits-train.npz --calibrate 32 -T 4 {more} -o {out}");
        assert_eq!(run(folder.path(), &line).code, 0);
        run(folder.path(), &format!("eval {out} --data digits-test.npz --limit 200")).out
    };
    let said = "no more often than guessing";
    assert!(convert("--mean 500", "dark.snn").contains(said));
    assert!(
        !run(folder.path(), "eval dark.snn --data digits-test.npz --limit 20").out.contains(said),
        "of 20 nothing is known"
    );
    assert!(!convert("--scale 1/16", "net.snn").contains(said));
}
