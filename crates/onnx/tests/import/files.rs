//! Files as wholes: damage, names, inputs and outputs, data beside the model.

use std::path::Path;

use spikeconverter_graph::Op;
use spikeconverter_onnx::proto::{OperatorSetIdProto, SparseTensorProto, StringStringEntryProto, data_type};
use spikeconverter_onnx::{
    BatchAxis, ImportOptions, NodeStatus, OnnxError, import, import_bytes, import_graph, supported_operators,
};

use crate::model::{Int, Ints, Model, dims, tensor};

fn small() -> Model {
    Model::new(13, "N 3").weight("w", &[3, 2]).node("MatMul", "x w", "a", &[]).node("Relu", "a", "y", &[])
}

fn error(model: &Model) -> OnnxError {
    model.try_import(BatchAxis::Leading).expect_err("the model is bad")
}

fn from_bytes(content: &[u8]) -> OnnxError {
    import_bytes(content, None, &ImportOptions::default()).expect_err("the content is bad")
}

#[test]
fn damaged_files() {
    assert!(matches!(from_bytes(b""), OnnxError::Empty { .. }));
    assert!(matches!(from_bytes(b"version https://git-lfs.github.com/spec/v1"), OnnxError::NotOnnx { .. }));
    let content = small().bytes();
    assert!(matches!(from_bytes(&content[..content.len() / 2]), OnnxError::Damaged { .. }));
    let mut empty = small();
    empty.0.graph = None;
    assert!(from_bytes(&empty.bytes()).to_string().contains("no graph"));
    let missing = import_graph(Path::new("no/such/model.onnx")).unwrap_err();
    assert!(matches!(missing, OnnxError::Read { .. }));
    assert!(missing.to_string().contains("no/such/model.onnx"));
}

#[test]
fn operator_sets() {
    let with = |domain: Option<&str>, version| {
        let mut model = small();
        model.0.opset_import = vec![OperatorSetIdProto { domain: domain.map(str::to_owned), version: Some(version) }];
        model
    };
    assert_eq!(with(Some("ai.onnx"), 13).import().opset, 13);
    assert!(error(&with(None, 6)).to_string().contains("opset 6"));
    assert!(error(&with(Some("com.example"), 1)).to_string().contains("no ONNX operator set"));
    let mut custom = small();
    custom.graph().node[1].domain = Some("com.example".into());
    assert!(custom.refusal("Relu").contains("com.example"));
}

#[test]
fn structure() {
    let cycle =
        Model::new(13, "N 3").node("Add", "x b", "a", &[]).node("Relu", "a", "b", &[]).node("Neg", "b", "y", &[]);
    assert!(matches!(error(&cycle), OnnxError::Cycle { node, .. } if node == "add_a" || node == "relu_b"));
    let own = Model::new(13, "N 3").node("Add", "x y", "y", &[]);
    assert!(matches!(error(&own), OnnxError::Cycle { .. }));
    let undefined = Model::new(13, "N 3").node("Add", "x nothing", "y", &[]);
    let message = error(&undefined).to_string();
    assert!(message.contains("`add_y`") && message.contains("`nothing`"), "{message}");
    let twice = Model::new(13, "N 3").node("Relu", "x", "y", &[]).node("Neg", "x", "y", &[]);
    assert!(matches!(error(&twice), OnnxError::Duplicate { value, .. } if value == "y"));
    let mut none = small();
    none.graph().output.clear();
    assert!(matches!(error(&none), OnnxError::NoOutput { .. }));
    let mut nowhere = small();
    nowhere.graph().node.pop();
    assert!(error(&nowhere).to_string().contains("the network's output"));
    let constant = Model::new(13, "N 3").weight("w", &[3]).node("Relu", "w", "y", &[]);
    assert!(error(&constant).to_string().contains("does not depend on the input"));
    // The order of the file does not matter.
    let mut reversed = small();
    reversed.graph().node.reverse();
    assert_eq!(reversed.output_shape(), [2]);
}

#[test]
fn names_are_unique_and_kept() {
    let mut model = Model::new(13, "N 3")
        .node("Relu", "x", "a", &[])
        .node("Neg", "a", "b", &[])
        .node("Relu", "b", "c", &[])
        .node("Neg", "c", "y", &[]);
    for (node, name) in model.graph().node.iter_mut().zip(["same", "same", "", "x"]) {
        node.name = Some(name.to_owned());
    }
    let names: Vec<String> = model.import().nodes.into_iter().map(|node| node.name).collect();
    assert_eq!(names, ["same", "same_1", "c", "x_1"]);
    let graph = model.built();
    let names: Vec<&str> = graph.nodes().iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["x", "same", "same_1", "c", "x_1"]);
}

#[test]
fn what_no_output_needs_is_left_out() {
    let model = small().node("GRU", "x", "unused", &[]).node("Neg", "x", "also", &[]);
    let import = model.import();
    assert_eq!(import.nodes[2].status, NodeStatus::Unused);
    assert_eq!(import.graph.unwrap().nodes().len(), 3);
}

#[test]
fn a_report_goes_on_after_a_problem() {
    let model = Model::new(13, "N 3")
        .node("Tanh", "x", "a", &[])
        .node("Relu", "a", "b", &[])
        .node("Erf", "x", "c", &[])
        .node("Add", "b c", "y", &[]);
    let import = model.import();
    assert!(import.graph.is_none());
    assert_eq!(import.nodes[1].status, NodeStatus::Blocked { by: "tanh_a".into() });
    assert_eq!(import.problems().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["tanh_a", "erf_c"]);
    let error = import.into_graph("net.onnx").unwrap_err().to_string();
    assert!(error.starts_with("`net.onnx`: node `tanh_a` (Tanh) is not supported: "), "{error}");
}

#[test]
fn inputs() {
    let open = Model::new(13, "N 3 height 8").node("Relu", "x", "y", &[]);
    let message = error(&open).to_string();
    assert!(message.contains("input `x`") && message.contains("dimension 2 (`height`)"), "{message}");
    let options = |shape: Vec<usize>| ImportOptions { input_shape: Some(shape), ..ImportOptions::default() };
    let given = import_bytes(&open.bytes(), None, &options(vec![3, 8, 8])).unwrap().graph.unwrap();
    assert_eq!(given.nodes()[0].shape, [3, 8, 8]);
    let wrong = import_bytes(&open.bytes(), None, &options(vec![3, 8])).unwrap_err();
    assert!(wrong.to_string().contains("besides the batch"));
    let empty = import_bytes(&open.bytes(), None, &options(vec![3, 0, 8])).unwrap_err();
    assert!(matches!(empty, OnnxError::Input { .. }));

    let two = Model::new(13, "N 3").input("b", "N 3").node("Add", "x b", "y", &[]);
    assert_eq!(two.built().inputs().count(), 2);
    let unclear = import_bytes(&two.bytes(), None, &options(vec![3])).unwrap_err();
    assert!(unclear.to_string().contains("one of 2"));
    for (shape, word) in [("", "batch axis"), ("N 0", "extent 0"), ("N -1", "extent -1")] {
        assert!(error(&Model::new(13, shape).node("Relu", "x", "y", &[])).to_string().contains(word), "{shape}");
    }
    let mut shapeless = small();
    shapeless.graph().input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape = None;
    assert!(error(&shapeless).to_string().contains("no declared shape"));
    assert!(import_bytes(&shapeless.bytes(), None, &options(vec![3])).unwrap().graph.is_some());
    let mut nothing = small();
    nothing.graph().input[0].r#type = None;
    assert!(error(&nothing).to_string().contains("not a tensor"));
    // Old files list the constants among the inputs.
    let mut old = small();
    let listed = old.graph().input[0].clone();
    old.graph().input.push(listed);
    old.graph().input[1].name = Some("w".into());
    assert_eq!(old.built().inputs().count(), 1);
}

#[test]
fn whole_tensors_as_samples() {
    let model = Model::new(13, "1 2 4 4").weight("w", &[3, 2, 3, 3]).node("Conv", "x w", "y", &[]);
    let graph = model.try_import(BatchAxis::None).unwrap().graph.unwrap();
    assert_eq!(graph.node(graph.outputs()[0]).shape, [1, 3, 2, 2]);
    let several = Model::new(13, "2 2 4 4").weight("w", &[3, 2, 3, 3]).node("Conv", "x w", "y", &[]);
    assert!(several.try_import(BatchAxis::None).unwrap().graph.is_none());
}

#[test]
fn data_beside_the_model() {
    let folder = tempfile::tempdir().unwrap();
    let mut model = small();
    let entry = |key: &str, value: &str| StringStringEntryProto { key: Some(key.into()), value: Some(value.into()) };
    let weight = &mut model.graph().initializer[0];
    let data = weight.raw_data.take().unwrap();
    weight.data_location = Some(1);
    weight.external_data = vec![entry("location", "weights.bin"), entry("offset", "8"), entry("length", "24")];
    let path = folder.path().join("model.onnx");
    std::fs::write(&path, model.bytes()).unwrap();
    let missing = import(&path, &ImportOptions::default()).unwrap_err();
    assert!(matches!(&missing, OnnxError::ExternalData { tensor, .. } if tensor == "w"));
    assert!(missing.to_string().contains("weights.bin"));
    let mut content = vec![0; 8];
    content.extend_from_slice(&data);
    std::fs::write(folder.path().join("weights.bin"), content).unwrap();
    let graph = import_graph(&path).unwrap();
    assert!(matches!(&graph.nodes()[1].op, Op::Linear(linear) if linear.weight.data()[0] == 1.0));
    assert!(import_bytes(&model.bytes(), Some(folder.path()), &ImportOptions::default()).unwrap().graph.is_some());
    assert!(matches!(error(&model), OnnxError::ExternalData { .. }));
}

#[test]
fn declared_sizes_are_not_trusted() {
    let mut huge = small();
    huge.graph().initializer[0].dims = vec![1 << 40, 3];
    assert!(matches!(error(&huge), OnnxError::Tensor { tensor, .. } if tensor == "w"));
    let mut sparse = small();
    sparse.graph().initializer.clear();
    let values = tensor("w", &[1], data_type::FLOAT);
    sparse.graph().sparse_initializer.push(SparseTensorProto { values: Some(values) });
    assert!(sparse.refusal("MatMul").contains("sparse"));
    // Constants that would grow beyond any use.
    for (op, model) in [
        ("ConstantOfShape", Model::new(13, "N 3").ints("s", &[1 << 40, 3]).node("ConstantOfShape", "s", "c", &[])),
        ("Expand", Model::new(13, "N 3").weight("v", &[1]).ints("s", &[1 << 40, 3]).node("Expand", "v s", "c", &[])),
        ("Tile", Model::new(13, "N 3").weight("v", &[3]).ints("s", &[1 << 60]).node("Tile", "v s", "c", &[])),
    ] {
        let model = model.node("Add", "x c", "y", &[]);
        assert!(matches!(error(&model), OnnxError::TooLarge { .. }), "{op}");
    }
    let range = Model::new(13, "N 3").int("a", 0).int("b", i64::MAX).int("d", 1).node("Range", "a b d", "c", &[]);
    assert!(matches!(error(&range.node("Add", "x c", "y", &[])), OnnxError::TooLarge { .. }));
    let mut doubling = Model::new(13, "N 3").weight("c0", &[1024]);
    for i in 0..40 {
        let (from, to) = (format!("c{i} c{i}"), format!("c{}", i + 1));
        doubling = doubling.node("Concat", &from, &to, &[("axis", Int(0))]);
    }
    assert!(matches!(error(&doubling.node("Add", "x c40", "y", &[])), OnnxError::TooLarge { .. }));
    // No elements, yet extents whose product overflows.
    let mut empty = Model::new(13, "N 3").node("Transpose", "e", "t", &[]).node("Add", "x t", "y", &[]);
    empty.graph().initializer.push(tensor("e", &[0, 1 << 40, 1 << 40], data_type::FLOAT));
    assert!(matches!(error(&empty), OnnxError::Tensor { .. }));
}

#[test]
fn big_inputs_are_bounded() {
    let mut model = small();
    model.graph().input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().shape.as_mut().unwrap().dim =
        dims("N 1099511627776 1099511627776");
    assert!(matches!(error(&model), OnnxError::Input { .. }));
    let grown = Model::new(13, "N 3").ints("p", &[0, 1 << 50, 0, 1 << 50]).node("Pad", "x p", "y", &[]);
    assert!(grown.refusal("Pad").contains("2^31"));
}

#[test]
fn functions_of_the_model() {
    let mut model = small();
    model.graph().node[1].domain = Some("own".into());
    model
        .0
        .functions
        .push(spikeconverter_onnx::proto::FunctionProto { name: Some("Relu".into()), domain: Some("own".into()) });
    assert!(model.refusal("Relu").contains("inline"));
}

#[test]
fn attributes_may_be_packed() {
    // Writers by the third version of the format's language pack lists of numbers.
    let model = Model::new(13, "N 1 4 4").node("MaxPool", "x", "y", &[("kernel_shape", Ints(vec![2, 2]))]);
    let content = model.bytes();
    let unpacked = [0x40, 2, 0x40, 2];
    let position = content.windows(4).position(|window| window == unpacked).unwrap();
    let mut packed = content.clone();
    packed[position..position + 4].copy_from_slice(&[0x42, 2, 2, 2]);
    let graph = import_bytes(&packed, None, &ImportOptions::default()).unwrap().graph.unwrap();
    assert_eq!(graph.nodes()[1].shape, [1, 3, 3]);
}

#[test]
fn the_table_has_no_operator_twice() {
    let mut names: Vec<&str> = supported_operators().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count > 80);
}
