//! What the program prints, held by snapshots.

use crate::common::{demo_folder, run};

/// Snapshot of what a successful run prints, without what differs from run to run.
fn printed(name: &str, line: &str) {
    let folder = demo_folder();
    if line.starts_with("export ") && !line.contains("--help") {
        let convert = "convert digits.onnx --data digits-train.npz --weights i8 --calibrate 64 -o net.snn";
        assert_eq!(run(folder.path(), convert).code, 0);
    }
    let run = run(folder.path(), line);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    insta::with_settings!({ filters => vec![
        (r"\d+\.\d+ s\b", "[seconds] s"),
        (r"[\d.]+ samples/s", "[rate] samples/s"),
        (r"sha256 [0-9a-f]{64}", "sha256 [hash]"),
        // figures depend on the machine's vector instructions in their last digits; `commands` bounds them
        (r"(?m)^(\d) +\d[^\n]*$", "$1 [figures]"),
        // the column is as wide as the longest time
        (r"SNN/ANN +time", "SNN/ANN   time"),
        (r"(?m)^((?:spikeconverter)? +window +\d+) +\d[^\n]*$", "$1 [figures]"),
        (r"accuracy [\d.]+ %", "accuracy [accuracy] %"),
    ], omit_expression => true, prepend_module_to_snapshot => false }, { insta::assert_snapshot!(name, run.out) });
}

#[test]
fn help() {
    for (name, line) in [
        ("help", "--help"),
        ("help_check", "check --help"),
        ("help_convert", "convert --help"),
        ("help_eval", "eval --help"),
        ("help_compare", "compare --help"),
        ("help_explain", "explain --help"),
        ("help_search", "search --help"),
        ("help_export", "export --help"),
        ("help_inspect", "inspect --help"),
        ("help_methods", "methods --help"),
        ("help_demo", "demo --help"),
        ("help_setup", "setup --help"),
    ] {
        printed(name, line);
    }
}

#[test]
fn exports() {
    printed("export_onnx", "export net.snn --to onnx -o net.onnx");
    printed("export_c", "export net.snn --to c -o net.c");
}

#[test]
fn methods() {
    printed("methods", "methods");
    printed("methods_one", "methods li2021-light");
    printed("methods_parts", "methods --parts");
}

#[test]
fn check() {
    printed("check", "check digits.onnx");
}

#[test]
fn compare() {
    printed(
        "compare",
        "compare digits.onnx --data digits-test.npz --calibration-data digits-train.npz --scale 1/16 --calibrate 64 \
         --limit 200 --methods spikeconverter -T 1,4,8,17",
    );
}

#[test]
fn demo() {
    printed("demo", "demo");
}
