//! Constants computed at import.

use spikeconverter_graph::{Op, Tensor};
use spikeconverter_onnx::proto::data_type;

use crate::model::{Attribute, Float, Floats, Int, Ints, Model, Text, tensor};

/// The constant that a model adds to its input.
fn added(model: Model) -> Tensor {
    let model = model.node("Add", "x c", "y", &[]);
    match model.ops().pop() {
        Some(Op::Affine(affine)) => affine.shift.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn literals() {
    let constant = |attribute: (&str, Attribute)| added(Model::new(13, "N 2").node("Constant", "", "c", &[attribute]));
    assert_eq!(constant(("value_float", Float(1.5))).data(), [1.5]);
    assert_eq!(constant(("value_floats", Floats(vec![1.5, 2.0]))).data(), [1.5, 2.0]);
    assert_eq!(constant(("value_int", Int(3))).data(), [3.0]);
    assert_eq!(constant(("value_ints", Ints(vec![3, 4]))).data(), [3.0, 4.0]);
    let mut proto = tensor("", &[2], data_type::DOUBLE);
    proto.double_data = vec![0.5, -0.5];
    assert_eq!(constant(("value", Attribute::Tensor(proto))).data(), [0.5, -0.5]);
    let text = Model::new(13, "N 2").node("Constant", "", "c", &[("value_string", Text("no"))]);
    assert!(text.node("Add", "x c", "y", &[]).refusal("Constant").contains("text"));
    let mut short = tensor("", &[9], data_type::FLOAT);
    short.float_data = vec![1.0];
    let wrong = Model::new(13, "N 2").node("Constant", "", "c", &[("value", Attribute::Tensor(short))]);
    assert!(wrong.node("Add", "x c", "y", &[]).refusal("Constant").contains("holds 1"));
}

#[test]
fn float_arithmetic() {
    let base = || Model::new(13, "N 2").floats("a", &[2], &[4.0, 9.0]).floats("b", &[1], &[2.0]);
    for (op, inputs, expected) in [
        ("Add", "a b", [6.0, 11.0]),
        ("Sub", "a b", [2.0, 7.0]),
        ("Mul", "a b", [8.0, 18.0]),
        ("Div", "a b", [2.0, 4.5]),
        ("Pow", "a b", [16.0, 81.0]),
        ("Mod", "a b", [0.0, 1.0]),
        ("Max", "a b", [4.0, 9.0]),
        ("Min", "a b", [2.0, 2.0]),
        ("Sum", "a b a", [10.0, 20.0]),
        ("Sqrt", "a", [2.0, 3.0]),
        ("Neg", "a", [-4.0, -9.0]),
        ("Reciprocal", "a", [0.25, 1.0 / 9.0]),
        ("Sign", "a", [1.0, 1.0]),
        ("Relu", "a", [4.0, 9.0]),
        ("Identity", "a", [4.0, 9.0]),
    ] {
        assert_eq!(added(base().node(op, inputs, "c", &[])).data(), expected, "{op}");
    }
}

#[test]
fn products_and_norms() {
    let base = || Model::new(13, "N 2").floats("m", &[2, 2], &[3.0, 4.0, 0.0, 2.0]).floats("v", &[2], &[1.0, 2.0]);
    assert_eq!(added(base().node("MatMul", "m v", "c", &[])).data(), [11.0, 4.0]);
    assert_eq!(added(base().node("MatMul", "v m", "c", &[])).data(), [3.0, 8.0]);
    let gemm = base().floats("row", &[1, 2], &[1.0, 1.0]).node(
        "Gemm",
        "row m v",
        "c",
        &[("transB", Int(1)), ("alpha", Float(2.0)), ("beta", Float(0.5))],
    );
    assert_eq!(added(gemm).data(), [14.5, 5.0]);
    let norm = base().node("ReduceL2", "m", "c", &[("axes", Ints(vec![1])), ("keepdims", Int(0))]);
    assert_eq!(added(norm).data(), [5.0, 2.0]);
    let mean = base().node("ReduceMean", "m", "c", &[("axes", Ints(vec![0])), ("keepdims", Int(0))]);
    assert_eq!(added(mean).data(), [1.5, 3.0]);
}

#[test]
fn layout() {
    let base = || Model::new(13, "N 4").floats("a", &[2, 2], &[1.0, 2.0, 3.0, 4.0]).ints("flat", &[-1]);
    let flat = |model: Model, of: &str| added(model.node("Reshape", &format!("{of} flat"), "c", &[])).data().to_vec();
    assert_eq!(flat(base().node("Transpose", "a", "b", &[]), "b"), [1.0, 3.0, 2.0, 4.0]);
    let concat =
        base().ints("first", &[0]).node("Gather", "a first", "r", &[]).node("Concat", "r r", "b", &[("axis", Int(1))]);
    assert_eq!(flat(concat, "b"), [1.0, 2.0, 1.0, 2.0]);
    let tile =
        base().int("one", 1).ints("twice", &[2]).node("Gather", "a one", "r", &[]).node("Tile", "r twice", "b", &[]);
    assert_eq!(flat(tile, "b"), [3.0, 4.0, 3.0, 4.0]);
    let split = base().node("Split", "a", "p q", &[("axis", Int(1))]).node("Concat", "q p", "b", &[("axis", Int(0))]);
    assert_eq!(flat(split, "b"), [2.0, 4.0, 1.0, 3.0]);
}

#[test]
fn quantised_weights() {
    let weights = |scale: &[f32], shape: &[usize]| {
        let mut model = Model::new(21, "N 2").floats("s", shape, scale);
        let mut proto = tensor("w", &[2, 2], data_type::INT8);
        proto.raw_data = Some(vec![1, 255, 3, 4].into());
        model.graph().initializer.push(proto);
        let mut zero = tensor("z", shape, data_type::INT8);
        zero.int32_data = vec![1; scale.len()];
        model.graph().initializer.push(zero);
        model
    };
    let linear = |model: Model| {
        let model = model.node("MatMul", "x d", "y", &[]);
        match model.only().op {
            Op::Linear(linear) => linear.weight.data().to_vec(),
            other => panic!("{other:?}"),
        }
    };
    let all = weights(&[0.5], &[]).node("DequantizeLinear", "w s z", "d", &[]);
    assert_eq!(linear(all), [0.0, 1.0, -1.0, 1.5]);
    let columns = weights(&[1.0, 2.0], &[2]).node("DequantizeLinear", "w s", "d", &[("axis", Int(1))]);
    assert_eq!(linear(columns), [1.0, 3.0, -2.0, 8.0]);
    let rows = weights(&[1.0, 2.0], &[2]).node("DequantizeLinear", "w s z", "d", &[("axis", Int(0))]);
    assert_eq!(linear(rows), [0.0, 4.0, -2.0, 6.0]);
    let attributes = [("axis", Int(1)), ("block_size", Int(2))];
    let blocks = weights(&[1.0, 2.0], &[2, 1]).node("DequantizeLinear", "w s", "d", &attributes);
    assert_eq!(linear(blocks), [1.0, 6.0, -1.0, 8.0]);
    let wrong = weights(&[1.0; 3], &[3]).node("DequantizeLinear", "w s", "d", &[]);
    assert!(wrong.node("MatMul", "x d", "y", &[]).refusal("DequantizeLinear").contains("scale of shape"));
    let data = Model::new(13, "N 2").floats("s", &[], &[1.0]).node("DequantizeLinear", "x s", "y", &[]);
    assert!(data.refusal("DequantizeLinear").contains("float model"));
}

#[test]
fn types_without_a_counterpart() {
    let mut model = Model::new(13, "N 2").node("Add", "x c", "y", &[]);
    model.graph().initializer.push(tensor("c", &[1], data_type::STRING));
    assert!(model.refusal("Add").contains("string"));
}
