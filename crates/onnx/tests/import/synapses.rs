//! Conv, ConvTranspose, Gemm, MatMul, BatchNormalization.

use spikeconverter_graph::Op;
use spikeconverter_graph::ops::Window;

use crate::model::{Attribute, Float, Int, Ints, Model, Text};

fn conv(input: &str, weight: &[usize], attributes: &[(&str, Attribute)]) -> Model {
    Model::new(17, input).weight("w", weight).node("Conv", "x w", "y", attributes)
}

fn window_of(model: &Model) -> Window {
    match model.only().op {
        Op::Conv(conv) => conv.window,
        other => panic!("{other:?}"),
    }
}

#[test]
fn convolution_with_everything() {
    let model = Model::new(17, "N 4 9 8").weight("w", &[6, 2, 3, 2]).weight("b", &[6]).node(
        "Conv",
        "x w b",
        "y",
        &[
            ("group", Int(2)),
            ("kernel_shape", Ints(vec![3, 2])),
            ("strides", Ints(vec![2, 1])),
            ("dilations", Ints(vec![1, 2])),
            ("pads", Ints(vec![1, 0, 2, 1])),
        ],
    );
    let node = model.only();
    assert_eq!((node.name.as_str(), node.shape.as_slice()), ("conv_y", [6, 5, 7].as_slice()));
    let Op::Conv(conv) = node.op else { panic!("not a convolution") };
    assert_eq!((conv.groups, conv.bias.unwrap().shape()), (2, [6].as_slice()));
    let expected = Window {
        kernel: vec![3, 2],
        stride: vec![2, 1],
        dilation: vec![1, 2],
        pad_begin: vec![1, 0],
        pad_end: vec![2, 1],
    };
    assert_eq!(conv.window, expected);
}

#[test]
fn one_dimensional_and_depthwise() {
    assert_eq!(conv("N 3 10", &[4, 3, 3], &[]).output_shape(), [4, 8]);
    assert_eq!(conv("N 3 10 10", &[3, 1, 3, 3], &[("group", Int(3))]).output_shape(), [3, 8, 8]);
}

#[test]
fn automatic_padding() {
    let same = |mode, input, stride| {
        let strides = Ints(vec![stride, stride]);
        let window = window_of(&conv(input, &[1, 1, 3, 3], &[("auto_pad", Text(mode)), ("strides", strides)]));
        (window.pad_begin[0], window.pad_end[0])
    };
    assert_eq!(same("SAME_UPPER", "N 1 8 8", 2), (0, 1));
    assert_eq!(same("SAME_LOWER", "N 1 8 8", 2), (1, 0));
    assert_eq!(same("SAME_UPPER", "N 1 8 8", 1), (1, 1));
    assert_eq!(same("VALID", "N 1 8 8", 1), (0, 0));
    assert_eq!(same("SAME_UPPER", "N 1 9 9", 4), (1, 1));
}

#[test]
fn convolutions_that_are_refused() {
    let dynamic = Model::new(17, "N 1 8 8").input("w", "1 1 3 3").node("Conv", "x w", "y", &[]);
    assert!(dynamic.refusal("Conv").contains("weight is computed from the network's input"));
    assert!(conv("N 1 4 4 4", &[1, 1, 3, 3, 3], &[]).refusal("Conv").contains("3 spatial axes"));
    assert!(conv("N 3 8 8", &[1, 4, 3, 3], &[]).refusal("Conv").contains("channels"));
    assert!(conv("N 3", &[1, 3], &[]).refusal("Conv").contains("spatial"));
    let wrong = conv("N 1 8 8", &[1, 1, 3, 3], &[("kernel_shape", Ints(vec![5, 5]))]);
    assert!(wrong.refusal("Conv").contains("contradicts"));
    let huge = conv("N 1 8 8", &[1, 1, 3, 3], &[("strides", Ints(vec![i64::MAX, 1]))]);
    assert!(huge.refusal("Conv").contains("must lie between"));
    let negative = conv("N 1 8 8", &[1, 1, 3, 3], &[("pads", Ints(vec![-1, 0, 0, 0]))]);
    assert!(negative.refusal("Conv").contains("negative"));
}

#[test]
fn transposed_convolution() {
    let model = |attributes: &[(&str, Attribute)]| {
        Model::new(17, "N 2 5 5").weight("w", &[2, 3, 3, 3]).node("ConvTranspose", "x w", "y", attributes)
    };
    let strides = || ("strides", Ints(vec![2, 2]));
    assert_eq!(model(&[strides()]).output_shape(), [3, 11, 11]);
    let padded = [strides(), ("pads", Ints(vec![1; 4])), ("output_padding", Ints(vec![1, 1]))];
    assert_eq!(model(&padded).output_shape(), [3, 10, 10]);
    assert_eq!(model(&[strides(), ("output_shape", Ints(vec![10, 12]))]).output_shape(), [3, 10, 12]);
    let same = model(&[strides(), ("auto_pad", Text("SAME_UPPER"))]);
    let Op::ConvTranspose(conv) = same.only().op else { panic!("not transposed") };
    assert_eq!((conv.window.pad_begin, conv.window.pad_end), (vec![0, 0], vec![1, 1]));
}

#[test]
fn gemm_folds_its_factors() {
    let model = |b: &[usize], c: &[usize], attributes: &[(&str, Attribute)]| {
        Model::new(13, "N 3").weight("b", b).weight("c", c).node("Gemm", "x b c", "y", attributes)
    };
    let plain = model(&[3, 2], &[2], &[]).only();
    let Op::Linear(linear) = plain.op else { panic!("not linear") };
    assert_eq!(linear.weight.shape(), [2, 3]);
    assert_eq!(linear.weight.data(), [1.0, 1.5, 2.0, 1.25, 1.75, 2.25]);
    let factors = [("transB", Int(1)), ("alpha", Float(2.0)), ("beta", Float(0.5))];
    let Op::Linear(linear) = model(&[2, 3], &[1, 2], &factors).only().op else { panic!("not linear") };
    assert_eq!(linear.weight.data(), [2.0, 2.5, 3.0, 3.5, 4.0, 4.5]);
    assert_eq!(linear.bias.unwrap().data(), [0.5, 0.625]);
    let Op::Linear(linear) = model(&[3, 2], &[], &[]).only().op else { panic!("not linear") };
    assert_eq!(linear.bias.unwrap().data(), [1.0, 1.0]);
    assert!(model(&[3, 2], &[2], &[("transA", Int(1))]).refusal("Gemm").contains("batch"));
    assert!(model(&[4, 2], &[2], &[]).refusal("Gemm").contains("wants 4 inputs"));
}

#[test]
fn matrix_products() {
    let right = |input, w: &[usize]| Model::new(13, input).weight("w", w).node("MatMul", "x w", "y", &[]);
    assert_eq!(right("N 5 3", &[3, 2]).output_shape(), [5, 2]);
    assert_eq!(right("N 5 3", &[3]).output_shape(), [5]);
    assert_eq!(right("N 5 3", &[1, 3, 2]).output_shape(), [5, 2]);
    assert!(right("N 5 3", &[5, 3, 2]).refusal("MatMul").contains("several matrices"));
    assert!(right("3", &[3, 2]).refusal("MatMul").contains("batch"));
    let left = |input, w: &[usize]| Model::new(13, input).weight("w", w).node("MatMul", "w x", "y", &[]);
    assert_eq!(left("N 3 5", &[2, 3]).output_shape(), [2, 5]);
    assert!(left("3 5", &[2, 3]).refusal("MatMul").contains("batch"));
    let both = Model::new(13, "N 3 3").node("MatMul", "x x", "y", &[]);
    assert!(both.refusal("MatMul").contains("attention"));
}

#[test]
fn batch_normalisation_is_affine() {
    let model = Model::new(15, "N 2 3 3")
        .floats("s", &[2], &[2.0, 1.0])
        .floats("b", &[2], &[1.0, 0.0])
        .floats("m", &[2], &[0.5, 0.0])
        .floats("v", &[2], &[4.0, 1.0])
        .node("BatchNormalization", "x s b m v", "y", &[("epsilon", Float(0.0))]);
    let Op::Affine(affine) = model.only().op else { panic!("not affine") };
    let (scale, shift) = (affine.scale.unwrap(), affine.shift.unwrap());
    assert_eq!((scale.shape(), scale.data()), ([2, 1, 1].as_slice(), [1.0, 1.0].as_slice()));
    assert_eq!(shift.data(), [0.5, 0.0]);
    let training = Model::new(15, "N 2 3 3").weight("s", &[2]).node(
        "BatchNormalization",
        "x s s s s",
        "y",
        &[("training_mode", Int(1))],
    );
    assert!(training.refusal("BatchNormalization").contains("model.eval()"));
}
