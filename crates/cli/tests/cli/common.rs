//! What the tests of the command line share: running the program, the demo's files, and files made on the spot.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// What a run of the program gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The JSON object on standard output of a run that succeeded.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.out).unwrap()
    }

    /// The one sentence of a run that failed.
    pub(crate) fn complaint(&self) -> &str {
        assert_eq!(self.code, 1, "{self:?}");
        let sentence = self.err.strip_prefix("error: ").unwrap_or_else(|| panic!("{self:?}"));
        assert_eq!(sentence.matches('\n').count(), 1, "{self:?}");
        sentence.trim_end()
    }
}

/// Runs the program in a folder.
pub(crate) fn run_in<S: AsRef<std::ffi::OsStr>>(folder: &Path, args: &[S]) -> Run {
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_spikeconverter"))
        .args(args)
        .current_dir(folder)
        .env("COLUMNS", "100")
        .output()
        .unwrap();
    Run {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// Runs the program; arguments are separated by spaces.
pub(crate) fn run(folder: &Path, line: &str) -> Run {
    run_in(folder, &line.split_whitespace().collect::<Vec<_>>())
}

/// A folder with the demo's files in it, which goes when it is dropped.
pub(crate) fn demo_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["digits.onnx", "digits-train.npz", "digits-test.npz"] {
        std::fs::copy(demo(name), folder.path().join(name)).unwrap();
    }
    folder
}

/// A file of the demo.
pub(crate) fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../demo").join(name)
}

/// Names of the files in a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Writes an NPY file.
pub(crate) fn write_npy(path: &Path, kind: &str, shape: &[usize], data: &[u8]) {
    let extents = shape.iter().fold(String::new(), |text, n| text + &format!("{n}, "));
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({extents}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    std::fs::write(path, bytes).unwrap();
}

/// The folder that `SPIKECONVERTER_DATA` names; says so where it does not.
pub(crate) fn data_folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SPIKECONVERTER_DATA").map(PathBuf::from);
    if folder.is_none() {
        #[allow(clippy::print_stderr)] // The one place where a skipped test can say so.
        {
            eprintln!("skipped: SPIKECONVERTER_DATA is not set");
        }
    }
    folder
}

/// Converts the network of the demo.
pub(crate) const CONVERT: &str = "convert digits.onnx --data digits-train.npz --scale 1/16 -o net.snn";

/// A number of a JSON object.
pub(crate) fn number(value: &Value, key: &str) -> f64 {
    value[key].as_f64().unwrap_or_else(|| panic!("{key} of {value}"))
}

/// Checks that a command succeeded and had nothing to complain about.
pub(crate) fn succeeds(run: &Run) {
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{run:?}");
}
