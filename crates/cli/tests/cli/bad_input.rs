//! Bad input, one kind at a time: one sentence that names the file, exit code 1 (2 for wrong usage), no output file.

use std::path::Path;

use crate::common::{demo, demo_folder, files, run, write_npy};

const SHIPPED: [&str; 3] = ["digits-test.npz", "digits-train.npz", "digits.onnx"];

/// Converts in the folder with these arguments; expects a complaint that holds all of `told` and no new file.
fn refused(folder: &Path, line: &str, told: &[&str]) {
    let before = files(folder);
    let run = run(folder, line);
    let complaint = run.complaint();
    for part in told {
        assert!(complaint.contains(part), "`{part}` is not in: {complaint}");
    }
    assert_eq!(run.out, "");
    assert_eq!(files(folder), before);
}

fn convert(model: &str, data: &str) -> String {
    format!("convert {model} --data {data} -o net.snn --calibrate 16")
}

#[test]
fn models() {
    let folder = demo_folder();
    let path = folder.path();
    std::fs::write(path.join("empty.onnx"), b"").unwrap();
    std::fs::write(path.join("text.onnx"), b"this is no model, but a sentence").unwrap();
    let whole = std::fs::read(demo("digits.onnx")).unwrap();
    std::fs::write(path.join("half.onnx"), &whole[..whole.len() / 2]).unwrap();
    for name in ["missing.onnx", "empty.onnx", "text.onnx", "half.onnx"] {
        refused(path, &convert(name, "digits-train.npz"), &[name]);
        refused(path, &format!("check {name}"), &[name]);
    }
}

#[test]
fn data_that_do_not_fit() {
    let folder = demo_folder();
    let path = folder.path();
    write_npy(&path.join("x_wide.npy"), "|u1", &[4, 9, 9], &[1; 4 * 81]);
    refused(path, &convert("digits.onnx", "x_wide.npy"), &["x_wide.npy", "[9, 9]"]);
    write_npy(&path.join("x_none.npy"), "|u1", &[0, 8, 8], &[]);
    refused(path, &convert("digits.onnx", "x_none.npy"), &["x_none.npy", "no samples"]);
    let mut values = vec![0.5f32; 64];
    values[3] = f32::NAN;
    let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
    write_npy(&path.join("x_nan.npy"), "<f4", &[1, 8, 8], &bytes);
    refused(path, &convert("digits.onnx", "x_nan.npy"), &["x_nan.npy", "NaN"]);
    refused(path, &convert("digits.onnx", "nowhere"), &["nowhere"]);
    std::fs::create_dir(path.join("pictures")).unwrap();
    std::fs::write(path.join("pictures/notes.txt"), "no picture").unwrap();
    refused(path, &convert("digits.onnx", "pictures"), &["pictures"]);
    write_npy(&path.join("x_float.npy"), "<f4", &[1, 8, 8], &[0; 256]);
    let pixels = format!("{} --input pixels", convert("digits.onnx", "x_float.npy"));
    refused(path, &pixels, &["x_float.npy", "8-bit", "--input analog"]);
}

#[test]
fn labels() {
    let folder = demo_folder();
    let path = folder.path();
    assert_eq!(run(path, &convert("digits.onnx", "digits-train.npz")).code, 0);
    write_npy(&path.join("x_other.npy"), "|u1", &[2, 8, 8], &[1; 128]);
    write_npy(&path.join("y_other.npy"), "|u1", &[2], &[3, 10]);
    refused(path, "eval net.snn --data x_other.npy", &["label 10", "x_other.npy", "0 to 9"]);
    write_npy(&path.join("short.npy"), "|u1", &[1], &[3]);
    refused(path, "eval net.snn --data x_other.npy --labels short.npy", &["short.npy", "1 labels", "2 samples"]);
}

#[test]
fn usage() {
    let folder = demo_folder();
    let line = convert("digits.onnx", "digits-train.npz");
    for wrong in [
        "--time-steps 0",
        "--time-steps 4097",
        "-T x",
        "--base 3.5",
        "--base 0.5",
        "--calibrate 0",
        "--limit 0",
        "--range 5..5",
        "--method none",
        "--mean a",
        "--resize 0",
        "--threads 0",
        "--weights i4",
        "--preprocess p.toml --scale 1",
    ] {
        let run = run(folder.path(), &format!("{line} {wrong}"));
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{wrong}: {run:?}");
        assert!(run.err.starts_with("error: "), "{wrong}: {run:?}");
    }
    assert_eq!(run(folder.path(), "").code, 2);
    assert_eq!(run(folder.path(), "convert digits.onnx --data digits-train.npz").code, 2);
    assert_eq!(files(folder.path()), SHIPPED);
}

#[test]
fn integers_need_pixels_in_base_two() {
    let folder = demo_folder();
    let line = convert("digits.onnx", "digits-train.npz");
    refused(folder.path(), &format!("{line} --weights i8 --input analog"), &["--weights", "--input pixels"]);
    refused(folder.path(), &format!("{line} --weights i8 --base 1.5"), &["--weights", "--base"]);
}

#[test]
fn outputs() {
    let folder = demo_folder();
    let path = folder.path();
    let line = "convert digits.onnx --data digits-train.npz --calibrate 16 -o";
    refused(path, &format!("{line} nowhere/net.snn"), &["nowhere/net.snn"]);
    refused(path, &format!("{line} digits.onnx"), &["digits.onnx", "-o"]);
    std::fs::create_dir(path.join("folder")).unwrap();
    refused(path, &format!("{line} folder"), &["folder"]);
    refused(path, &format!("{line} digits.onnx/net.snn"), &["digits.onnx/net.snn"]);
}

#[test]
fn networks() {
    let folder = demo_folder();
    let path = folder.path();
    assert_eq!(run(path, &convert("digits.onnx", "digits-train.npz")).code, 0);
    let whole = std::fs::read(path.join("net.snn")).unwrap();
    std::fs::write(path.join("half.snn"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(path.join("empty.snn"), b"").unwrap();
    // the header is JSON within JSON; the first digit of its version becomes another
    let text: &[u8] = br#"{\"format\":2"#;
    let at = whole.windows(text.len()).position(|window| window == text).unwrap();
    let mut later = whole.clone();
    later[at + text.len() - 1] = b'9';
    std::fs::write(path.join("later.snn"), &later).unwrap();
    for (name, told) in [("half.snn", "half.snn"), ("empty.snn", "empty.snn"), ("later.snn", "version is 9")] {
        refused(path, &format!("eval {name} --data digits-test.npz"), &[name, told]);
        refused(path, &format!("inspect {name}"), &[name, told]);
    }
    refused(path, "inspect missing.snn", &["missing.snn"]);
    refused(path, "eval digits.onnx --data digits-test.npz", &["digits.onnx", "not a valid .snn file"]);
    write_npy(&path.join("x_wide.npy"), "|u1", &[1, 9, 9], &[1; 81]);
    write_npy(&path.join("y_wide.npy"), "|u1", &[1], &[1]);
    refused(path, "eval net.snn --data x_wide.npy", &["x_wide.npy", "[9, 9]"]);
}

#[test]
fn exports() {
    let folder = demo_folder();
    let path = folder.path();
    assert_eq!(run(path, &convert("digits.onnx", "digits-train.npz")).code, 0);
    refused(path, "export net.snn --to c -o net.c", &["net.snn", "--weights i8"]);
    refused(path, "export net.snn --to onnx -o net.snn", &["net.snn", "-o"]);
    refused(path, "export net.snn --to onnx -o nowhere/net.onnx", &["nowhere/net.onnx"]);
    refused(path, "export digits.onnx --to onnx -o net.onnx", &["digits.onnx", "not a valid .snn file"]);
    assert_eq!(run(path, "export net.snn --to nothing -o net.onnx").code, 2);
}

#[test]
fn preprocessing() {
    let folder = demo_folder();
    let path = folder.path();
    std::fs::write(path.join("p.toml"), "sclae = 1").unwrap();
    let line = convert("digits.onnx", "digits-train.npz");
    refused(path, &format!("{line} --preprocess p.toml"), &["p.toml", "sclae"]);
    refused(path, &format!("{line} --mean 1,2,3"), &["3 channels"]);
    refused(path, &format!("{line} --std 0"), &["std"]);
    refused(path, &format!("{line} --channels BGR"), &["BGR"]);
}
