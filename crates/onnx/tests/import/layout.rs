//! Reshape, Flatten, Squeeze, Unsqueeze, Transpose, Concat, Slice, Gather, Split, Pad, Expand, Tile, blocks.

use spikeconverter_graph::Op;
use spikeconverter_graph::ops::Select;
use spikeconverter_onnx::BatchAxis;

use crate::model::{Attribute, Float, Int, Ints, Model, Text};

fn reshape(input: &str, target: &[i64]) -> Model {
    Model::new(13, input).ints("t", target).node("Reshape", "x t", "y", &[])
}

fn select(model: &Model) -> Select {
    match model.only().op {
        Op::Select(select) => select,
        other => panic!("{other:?}"),
    }
}

#[test]
fn reshape_keeps_the_batch_apart() {
    for input in ["N 4 3", "1 4 3", "5 4 3"] {
        assert_eq!(reshape(input, &[-1, 12]).output_shape(), [12], "{input}");
        assert_eq!(reshape(input, &[0, 2, -1]).output_shape(), [2, 6], "{input}");
        assert_eq!(reshape(input, &[0, -1]).output_shape(), [12], "{input}");
    }
    assert_eq!(reshape("1 4 3", &[1, -1]).output_shape(), [12]);
    assert_eq!(reshape("5 4 3", &[5, 6, 2]).output_shape(), [6, 2]);
    assert_eq!(reshape("1 4 3", &[12]).output_shape(), [12]);
    assert!(reshape("N 4 3", &[-1, 6]).refusal("Reshape").contains("samples"));
    assert!(reshape("N 4 3", &[5, 12]).refusal("Reshape").contains("batch size"));
    assert!(reshape("N 4 3", &[0, 5]).refusal("Reshape").contains("shape"));
    assert!(reshape("N 4 3", &[-1, -1]).refusal("Reshape").contains("negative"));
    assert!(reshape("5 4 3", &[4, 5, 3]).refusal("Reshape").contains("samples"));
    assert!(reshape("N 4 3", &[0, i64::MAX, i64::MAX]).refusal("Reshape").contains("invalid"));
}

#[test]
fn a_batch_of_one_may_vanish_and_come_back() {
    let model = Model::new(13, "1 4 1 1")
        .ints("all", &[0, 2, 3])
        .ints("front", &[0])
        .weight("w", &[2, 4])
        .node("Squeeze", "x all", "a", &[])
        .node("Unsqueeze", "a front", "b", &[])
        .node("Gemm", "b w", "y", &[("transB", Int(1))]);
    assert_eq!(model.output_shape(), [2]);
    let open = Model::new(13, "N 4").ints("front", &[0]).node("Squeeze", "x front", "y", &[]);
    assert!(open.refusal("Squeeze").contains("batch axis"));
}

#[test]
fn flatten_squeeze_unsqueeze() {
    let flatten = |axis| Model::new(13, "N 4 3 1").node("Flatten", "x", "y", &[("axis", Int(axis))]);
    assert_eq!(flatten(1).output_shape(), [12]);
    assert_eq!(flatten(-3).output_shape(), [12]);
    assert!(flatten(2).refusal("Flatten").contains("samples"));
    assert!(flatten(9).refusal("Flatten").contains("axis 9"));
    let squeeze = Model::new(11, "N 4 1 1").node("Squeeze", "x", "y", &[("axes", Ints(vec![2]))]);
    assert_eq!(squeeze.output_shape(), [4, 1]);
    assert_eq!(Model::new(11, "N 4 1 1").node("Squeeze", "x", "y", &[]).output_shape(), [4]);
    let wrong = Model::new(11, "N 4 1 1").node("Squeeze", "x", "y", &[("axes", Ints(vec![1]))]);
    assert!(wrong.refusal("Squeeze").contains("extent is 4"));
    let unsqueeze = Model::new(13, "N 4").ints("a", &[-1, 1]).node("Unsqueeze", "x a", "y", &[]);
    assert_eq!(unsqueeze.output_shape(), [1, 4, 1]);
}

#[test]
fn transpositions() {
    let transpose = |perm: Vec<i64>| Model::new(13, "N 4 3 2").node("Transpose", "x", "y", &[("perm", Ints(perm))]);
    assert_eq!(transpose(vec![0, 3, 1, 2]).output_shape(), [2, 4, 3]);
    assert!(transpose(vec![0, 1, 1, 2]).refusal("Transpose").contains("twice"));
    assert!(transpose(vec![0, 1]).refusal("Transpose").contains("4 axes"));
    // The batch may move away if it comes back.
    let there = |perm: Vec<i64>| ("perm", Ints(perm));
    let back = Model::new(13, "N 4 3")
        .node("Transpose", "x", "a", &[there(vec![1, 0, 2])])
        .node("Relu", "a", "b", &[])
        .node("Transpose", "b", "y", &[there(vec![1, 2, 0])]);
    assert_eq!(back.output_shape(), [3, 4]);
    let away = transpose(vec![1, 0, 2, 3]);
    let error = away.try_import(BatchAxis::Leading).unwrap_err().to_string();
    assert!(error.contains("`y` has the batch as axis 1"), "{error}");
    let whole = away.try_import(BatchAxis::None);
    assert!(whole.unwrap_err().to_string().contains("dimension 0 (`N`) open"));
    let whole = Model::new(13, "5 4 3").node("Transpose", "x", "y", &[]);
    let graph = whole.try_import(BatchAxis::None).unwrap().graph.unwrap();
    assert_eq!(graph.node(graph.outputs()[0]).shape, [3, 4, 5]);
}

#[test]
fn concatenation() {
    let concat = |axis| Model::new(13, "N 4 3").input("b", "N 2 3").node("Concat", "x b", "y", &[("axis", Int(axis))]);
    assert_eq!(concat(1).output_shape(), [6, 3]);
    assert!(concat(0).refusal("Concat").contains("batch"));
    assert!(concat(2).refusal("Concat").contains("differ"));
    let constant = Model::new(13, "N 4").weight("c", &[1, 4]).node("Concat", "x c", "y", &[("axis", Int(1))]);
    assert!(constant.refusal("Concat").contains("constant"));
}

#[test]
fn slices() {
    let old = Model::new(9, "N 4 6").node(
        "Slice",
        "x",
        "y",
        &[("starts", Ints(vec![1, -3])), ("ends", Ints(vec![3, 100])), ("axes", Ints(vec![1, 2]))],
    );
    assert_eq!(select(&old).maps, [Some(vec![1, 2]), Some(vec![3, 4, 5])]);
    let slice = |starts: &[i64], ends: &[i64], axes: &[i64], steps: &[i64]| {
        Model::new(13, "N 4 6").ints("s", starts).ints("e", ends).ints("a", axes).ints("t", steps).node(
            "Slice",
            "x s e a t",
            "y",
            &[],
        )
    };
    assert_eq!(select(&slice(&[-1], &[i64::MIN], &[2], &[-2])).maps, [None, Some(vec![5, 3, 1])]);
    assert_eq!(slice(&[0, 0], &[i64::MAX, 2], &[0, 1], &[1, 1]).output_shape(), [2, 6]);
    assert!(slice(&[0], &[1], &[0], &[1]).refusal("Slice").contains("batch"));
    assert!(slice(&[3], &[3], &[1], &[1]).refusal("Slice").contains("empty"));
    assert!(slice(&[0], &[3], &[1], &[0]).refusal("Slice").contains("steps"));
    assert!(slice(&[0, 0], &[3], &[1], &[1]).refusal("Slice").contains("length"));
    assert_eq!(slice(&[0], &[i64::MAX], &[1], &[1]).built().nodes().len(), 1);
}

#[test]
fn gathers() {
    let gather =
        |axis| Model::new(13, "N 4 3").ints("i", &[3, -4, 0]).node("Gather", "x i", "y", &[("axis", Int(axis))]);
    assert_eq!(select(&gather(1)).maps, [Some(vec![3, 0, 0]), None]);
    assert!(gather(0).refusal("Gather").contains("batch"));
    assert!(gather(2).refusal("Gather").contains("index 3"));
    let scalar = Model::new(13, "N 4 3").int("i", 2).node("Gather", "x i", "y", &[("axis", Int(1))]);
    assert_eq!(scalar.output_shape(), [3]);
    let embedding = Model::new(13, "N 4").weight("w", &[9, 3]).node("Gather", "w x", "y", &[]);
    assert!(embedding.refusal("Gather").contains("embedding"));
}

#[test]
fn splits() {
    let split = |opset, attributes: &[(&str, Attribute)]| {
        Model::new(opset, "N 5 2").node("Split", "x", "y b c", attributes).node("Relu", "b", "d", &[])
    };
    let parts = split(11, &[("axis", Int(1)), ("split", Ints(vec![2, 2, 1]))]);
    assert_eq!(parts.output_shape(), [2, 2]);
    let uneven = split(18, &[("axis", Int(1)), ("num_outputs", Int(3))]);
    assert_eq!(uneven.output_shape(), [2, 2]);
    assert!(split(11, &[("axis", Int(1)), ("split", Ints(vec![2, 2, 2]))]).refusal("Split").contains('5'));
    assert!(split(11, &[("axis", Int(2))]).refusal("Split").contains("2 into 3"));
    let join = Model::new(13, "N 4 2").node("Split", "x", "a b", &[("axis", Int(1))]).node(
        "Concat",
        "b a",
        "y",
        &[("axis", Int(1))],
    );
    assert_eq!(join.output_shape(), [4, 2]);
}

#[test]
fn pads() {
    let old =
        Model::new(9, "N 4 3").node("Pad", "x", "y", &[("pads", Ints(vec![0, 1, 0, 0, 2, 0])), ("value", Float(0.5))]);
    let Op::Pad(pad) = old.only().op else { panic!("no pad") };
    assert_eq!((pad.before, pad.after, pad.value), (vec![1, 0], vec![2, 0], 0.5));
    let pad =
        |mode, pads: &[i64]| Model::new(13, "N 4 3").ints("p", pads).node("Pad", "x p", "y", &[("mode", Text(mode))]);
    assert_eq!(pad("constant", &[0, -1, 2, 0, 0, -1]).output_shape(), [3, 4]);
    assert_eq!(select(&pad("reflect", &[0, 2, 0, 0, 1, 0])).maps, [Some(vec![2, 1, 0, 1, 2, 3, 2]), None]);
    assert_eq!(select(&pad("edge", &[0, 1, 0, 0, 2, 0])).maps, [Some(vec![0, 0, 1, 2, 3, 3, 3]), None]);
    assert_eq!(select(&pad("wrap", &[0, 1, 0, 0, 1, 0])).maps, [Some(vec![3, 0, 1, 2, 3, 0]), None]);
    assert!(pad("constant", &[1, 0, 0, 0, 0, 0]).refusal("Pad").contains("batch"));
    assert!(pad("constant", &[0, 0]).refusal("Pad").contains("pads for"));
    assert!(pad("constant", &[0, -3, 0, 0, -2, 0]).refusal("Pad").contains("cuts off"));
    assert!(pad("edge", &[0, i64::MAX, 0, 0, 0, 0]).refusal("Pad").contains("bound"));
    assert!(pad("edge", &[0, i64::MIN, 0, 0, i64::MAX, 0]).refusal("Pad").len() > 10);
    let axes = Model::new(18, "N 4 3").ints("p", &[1, 1]).ints("a", &[-1]).node("Pad", "x p - a", "y", &[]);
    assert_eq!(axes.output_shape(), [4, 5]);
}

#[test]
fn repetition() {
    let expand = Model::new(13, "N 4 1").ints("s", &[1, 1, 3]).node("Expand", "x s", "y", &[]);
    assert_eq!(select(&expand).maps, [None, Some(vec![0, 0, 0])]);
    let samples = Model::new(13, "N 4").ints("s", &[3, 4]).node("Expand", "x s", "y", &[]);
    assert!(samples.refusal("Expand").contains("sample"));
    let tile = |repeats: &[i64]| Model::new(13, "N 2 1").ints("r", repeats).node("Tile", "x r", "y", &[]);
    assert_eq!(select(&tile(&[1, 2, 1])).maps, [Some(vec![0, 1, 0, 1]), None]);
    assert!(tile(&[2, 1, 1]).refusal("Tile").contains("samples"));
    assert!(tile(&[1, i64::MAX, 1]).refusal("Tile").contains("bound"));
}

#[test]
fn blocks() {
    let depth =
        |mode| Model::new(13, "N 8 2 3").node("DepthToSpace", "x", "y", &[("blocksize", Int(2)), ("mode", Text(mode))]);
    assert_eq!(depth("DCR").output_shape(), [2, 4, 6]);
    assert_eq!(depth("CRD").output_shape(), [2, 4, 6]);
    let space = Model::new(13, "N 2 4 6").node("SpaceToDepth", "x", "y", &[("blocksize", Int(2))]);
    assert_eq!(space.output_shape(), [8, 2, 3]);
    let perm = |mode| {
        let attributes = [("blocksize", Int(2)), ("mode", Text(mode))];
        let ops = Model::new(13, "N 2 4 6").node("SpaceToDepth", "x", "y", &attributes).ops();
        ops.into_iter().find_map(|op| if let Op::Transpose(transpose) = op { Some(transpose.perm) } else { None })
    };
    assert_eq!(perm("DCR").unwrap(), [2, 4, 0, 1, 3]);
    assert_eq!(perm("CRD").unwrap(), [0, 2, 4, 1, 3]);
}

#[test]
fn nothing_to_do() {
    let model = Model::new(13, "N 4")
        .node("Identity", "x", "a", &[])
        .node("Dropout", "a", "b m", &[])
        .node("Cast", "b", "c", &[("to", Int(1))])
        .node("Relu", "c", "y", &[]);
    assert_eq!(model.only().name, "relu_y");
    let random = Model::new(13, "N 4").floats("r", &[], &[0.5]).int("t", 1).node("Dropout", "x r t", "y", &[]);
    assert!(random.refusal("Dropout").contains("model.eval()"));
}
