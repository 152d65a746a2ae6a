//! Real networks and data, in the folder that the environment variable `SPIKECONVERTER_DATA` names; skipped where it is
//! not set.

use crate::common::{data_folder, demo, files, run_in};

/// Converted at T = 8, ResNet-20 decides as the trained network does.
#[test]
fn resnet20_keeps_its_decisions() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| data.join(name).display().to_string();
    let converted = run_in(
        folder.path(),
        &[
            "convert",
            &path("models/cifar10_resnet20.onnx"),
            "--data",
            &path("cifar10"),
            "--preprocess",
            &path("models/preprocessing.toml"),
            "-T",
            "8",
            "--calibrate",
            "128",
            "-o",
            "net.snn",
            "--json",
        ],
    )
    .json();
    assert_eq!(converted["layers"].as_array().unwrap().len(), 19);
    let found =
        run_in(folder.path(), &["eval", "net.snn", "--data", &path("cifar10"), "--limit", "256", "--json"]).json();
    assert_eq!((found["images"].as_u64(), found["latency_steps"].as_u64()), (Some(256), Some(160)));
    assert!(found["agreement"].as_f64().unwrap() >= 0.97, "{found}");
}

/// A streaming network decides most images long before its last step, with either engine after the same steps.
#[test]
fn samples_stop_when_their_class_is_stable() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| data.join(name).display().to_string();
    let (model, images) = (path("models/cifar10_resnet20.onnx"), path("cifar10"));
    let table = path("models/preprocessing.toml");
    let line = ["convert", &model, "--data", &images, "--preprocess", &table, "-T", "96", "--calibrate", "64"];
    let method = ["--method", "rueckauer2017", "-o", "net.snn", "--json"];
    run_in(folder.path(), &[line.as_slice(), &method].concat()).json();
    let eval = ["eval", "net.snn", "--data", &images, "--limit", "4", "--until-stable", "12"];
    let [clocked, reference] = ["clocked", "reference"]
        .map(|engine| run_in(folder.path(), &[eval.as_slice(), &["--json", "--engine", engine]].concat()).json());
    let used = |key: &str| clocked["steps_used"][key].as_f64().unwrap();
    assert!(13.0 <= used("min") && used("min") <= used("median") && used("max") <= 96.0, "{clocked}");
    assert!(used("mean") < 90.0, "{clocked}");
    assert_eq!(clocked["steps_used"], reference["steps_used"]);
    let shown = run_in(folder.path(), &eval).out;
    assert!(shown.contains("stopped when the class was stable"), "{shown}");
}

/// Every file of the collection of bad models is refused in one sentence that names it, and leaves nothing behind.
#[test]
fn bad_models_are_refused() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let calibration = demo("digits-train.npz").display().to_string();
    let mut seen = 0;
    for name in files(&data.join("models/bad")) {
        if !is_model(&name) {
            continue;
        }
        seen += 1;
        let model = data.join("models/bad").join(&name).display().to_string();
        let convert = run_in(folder.path(), &["convert", &model, "--data", &calibration, "-o", "net.snn"]);
        assert!(convert.complaint().contains(&name), "{convert:?}");
        let check = run_in(folder.path(), &["check", &model]);
        // a model that can be read is an answer, with all its nodes; any other is an error
        assert_eq!(check.code, 1, "{check:?}");
        assert!(if check.err.is_empty() {
            check.out.contains("does not convert")
        } else {
            check.complaint().contains(&name)
        });
    }
    assert!(seen >= 10, "{seen} models");
    assert_eq!(files(folder.path()), Vec::<String>::new());
}

/// All networks of the collection convert, by their check.
#[test]
fn good_models_are_accepted() {
    let Some(data) = data_folder() else { return };
    let models: Vec<String> = files(&data.join("models")).into_iter().filter(|name| is_model(name)).collect();
    assert!(models.len() >= 5, "{models:?}");
    for name in &models {
        let model = data.join("models").join(name).display().to_string();
        assert_eq!(run_in(&data, &["check", &model]).code, 0, "{name}");
    }
}

fn is_model(name: &str) -> bool {
    std::path::Path::new(name).extension().is_some_and(|extension| extension == "onnx")
}

/// With two steps a window, weights calibrated on 256 samples without labels bring the decisions nearer to the trained
/// network's.
#[test]
fn calibrated_weights_win_decisions_back() {
    let Some(data) = data_folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| data.join(name).display().to_string();
    let agreement = |calibration: &str| {
        let (model, samples, preprocess) =
            (path("models/cifar10_resnet20.onnx"), path("cifar10"), path("models/preprocessing.toml"));
        let convert = ["convert", &model, "--data", &samples, "--preprocess", &preprocess, "-T", "2", "-o", "net.snn"];
        let options = ["--calibrate", "256", "--weight-calibration", calibration];
        assert_eq!(run_in(folder.path(), &[&convert[..], &options].concat()).code, 0);
        let eval = ["eval", "net.snn", "--data", &samples, "--limit", "1000", "--json"];
        run_in(folder.path(), &eval).json()["agreement"].as_f64().unwrap()
    };
    let (none, layer) = (agreement("none"), agreement("layer"));
    assert!(layer > none + 0.02, "{none} and {layer}");
}
