//! The trained networks of the data folder (`SPIKECONVERTER_DATA`); skipped, with a line, when it is absent.
#![allow(clippy::print_stderr)] // says that a test is skipped

use std::path::{Path, PathBuf};

use spikeconverter_graph::Op;
use spikeconverter_onnx::{BatchAxis, ImportOptions, NodeStatus, OnnxError, import, import_graph};

fn models() -> Option<PathBuf> {
    let folder = std::env::var_os("SPIKECONVERTER_DATA").map(|data| PathBuf::from(data).join("models"));
    if folder.as_ref().is_none_or(|folder| !folder.is_dir()) {
        eprintln!("skipped: SPIKECONVERTER_DATA does not name the data folder");
        return None;
    }
    folder
}

#[test]
fn every_network_is_imported_whole() {
    let Some(folder) = models() else { return };
    let text = std::fs::read_to_string(folder.join("preprocessing.toml")).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let networks = table["model"].as_table().unwrap();
    assert_eq!(networks.len(), 10);
    for (name, entry) in networks {
        let file = folder.join(entry["file"].as_str().unwrap());
        let import = import(&file, &ImportOptions::default()).unwrap_or_else(|error| panic!("{error}"));
        assert!(import.problems().next().is_none(), "{name}: {:?}", import.problems().collect::<Vec<_>>());
        let graph = import.graph.unwrap();
        assert_eq!(graph.macs(), entry["macs"].as_integer().unwrap() as u64, "{name}");

        let shape: Vec<usize> =
            entry["shape"].as_array().unwrap().iter().map(|n| n.as_integer().unwrap() as usize).collect();
        let inputs: Vec<_> = graph.inputs().collect();
        assert_eq!(inputs.len(), 1, "{name}");
        // The table gives extents as height, width, channels or channels first, by `layout`.
        let declared = &graph.node(inputs[0]).shape;
        assert_eq!(declared.iter().product::<usize>(), shape.iter().product::<usize>(), "{name}");
        assert_eq!(graph.node(inputs[0]).name, entry["input"].as_str().unwrap(), "{name}");
        assert_eq!(import.outputs, [entry["output"].as_str().unwrap()], "{name}");
        let classes = entry["classes"].as_integer().unwrap() as usize;
        assert_eq!(graph.node(graph.outputs()[0]).shape, [classes], "{name}");
        let softmax = matches!(graph.node(graph.outputs()[0]).op, Op::Softmax(_));
        assert_eq!(softmax, entry["output_kind"].as_str().unwrap() == "softmax", "{name}");
    }
}

#[test]
fn names_are_those_of_the_file() {
    let Some(folder) = models() else { return };
    let graph = import_graph(&folder.join("cifar10_resnet20.onnx")).unwrap();
    let mut names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    assert!(names.contains(&"/conv1/Conv"), "{names:?}");
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));

    // A file without names: those of the results.
    let import = import(&folder.join("mobilenet_v1_0.25_imagenet.onnx"), &ImportOptions::default()).unwrap();
    assert!(import.nodes.iter().all(|node| !node.name.is_empty()));
}

#[test]
fn option_a_shortcuts_fold_to_pads() {
    let Some(folder) = models() else { return };
    let import = import(&folder.join("cifar10_resnet20.onnx"), &ImportOptions::default()).unwrap();
    assert!(import.nodes.iter().filter(|node| node.status == NodeStatus::Folded).count() > 20);
    let graph = import.graph.unwrap();
    let pads: Vec<_> = graph
        .nodes()
        .iter()
        .filter_map(|node| match &node.op {
            Op::Pad(pad) => Some((pad.before.clone(), pad.after.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(pads, [(vec![8, 0, 0], vec![8, 0, 0]), (vec![16, 0, 0], vec![16, 0, 0])]);
}

#[test]
fn another_input_size_can_be_given() {
    let Some(folder) = models() else { return };
    let options = ImportOptions { input_shape: Some(vec![3, 227, 227]), ..ImportOptions::default() };
    let graph = import(&folder.join("squeezenet1.0_imagenet.onnx"), &options).unwrap().graph.unwrap();
    assert_eq!(graph.node(graph.outputs()[0]).shape, [1000]);
}

fn refused(folder: &Path, file: &str) -> OnnxError {
    import_graph(&folder.join("bad").join(file)).expect_err(file)
}

#[test]
fn bad_files_are_refused_by_name() {
    let Some(folder) = models() else { return };
    let error = |file| refused(&folder, file);
    assert!(matches!(error("zero_bytes.onnx"), OnnxError::Empty { .. }));
    assert!(matches!(error("not_protobuf.onnx"), OnnxError::NotOnnx { .. }));
    assert!(matches!(error("truncated.onnx"), OnnxError::Damaged { .. }));
    assert!(matches!(error("unsupported_op_gru.onnx"),
        OnnxError::Unsupported { node, op, remedy: Some(_), .. } if node == "gru_1" && op == "GRU"));
    for (file, tensor) in [("nan_weights.onnx", "`conv1.w`"), ("infinite_weights.onnx", "`fc.w`")] {
        assert!(matches!(error(file), OnnxError::NonFinite { what, .. } if what == tensor), "{file}");
    }
    for file in ["external_data_missing.onnx", "external_data_outside_folder.onnx"] {
        assert!(matches!(error(file), OnnxError::ExternalData { tensor, .. } if tensor == "conv1.w"), "{file}");
    }
    assert!(error("external_data_outside_folder.onnx").to_string().contains("outside the model's folder"));
    assert!(matches!(error("huge_declared_tensor.onnx"), OnnxError::Tensor { tensor, .. } if tensor == "conv1.w"));
    assert!(
        matches!(error("shape_mismatch.onnx"), OnnxError::Invalid { node, op, .. } if node == "fc" && op == "Gemm")
    );
    assert!(matches!(error("missing_initializer.onnx"), OnnxError::Undefined { value, .. } if value == "conv1.w"));
    assert!(matches!(error("cycle.onnx"), OnnxError::Cycle { .. }));
    for file in std::fs::read_dir(folder.join("bad")).unwrap() {
        let path = file.unwrap().path();
        let options = ImportOptions { batch: BatchAxis::None, ..ImportOptions::default() };
        let message = import_graph(&path).expect_err("bad").to_string();
        assert!(message.contains(&path.display().to_string()) && !message.contains('\n'), "{message}");
        eprintln!("{message}");
        assert!(import(&path, &options).map_or(true, |import| import.graph.is_none()), "{}", path.display());
    }
}

#[test]
fn a_check_lists_every_node() {
    let Some(folder) = models() else { return };
    let import = import(&folder.join("bad/unsupported_op_gru.onnx"), &ImportOptions::default()).unwrap();
    assert!(import.graph.is_none());
    let after: Vec<_> = import
        .nodes
        .iter()
        .filter(|node| matches!(&node.status, NodeStatus::Blocked { by } if by == "gru_1"))
        .map(|node| node.op_type.as_str())
        .collect();
    assert!(after.contains(&"Gemm"), "{:?}", import.nodes);
    assert_eq!(import.problems().count(), 1);
}
