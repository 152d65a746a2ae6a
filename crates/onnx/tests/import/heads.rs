//! Softmax, Sigmoid, ArgMax.

use spikeconverter_graph::Op;

use crate::model::{Int, Model};

#[test]
fn softmax_in_old_and_new_operator_sets() {
    let axes = |opset, axis: i64| {
        let model = Model::new(opset, "N 2 4 5").node("Softmax", "x", "y", &[("axis", Int(axis))]);
        match model.only().op {
            Op::Softmax(softmax) => softmax.axes,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(axes(13, -1), [2]);
    assert_eq!(axes(13, 1), [0]);
    assert_eq!(axes(11, 1), [0, 1, 2]);
    assert_eq!(axes(11, -1), [2]);
    let log = Model::new(13, "N 4").node("LogSoftmax", "x", "y", &[]);
    assert!(matches!(log.only().op, Op::Softmax(softmax) if softmax.log));
    let batch = Model::new(13, "N 4").node("Softmax", "x", "y", &[("axis", Int(0))]);
    assert!(batch.refusal("Softmax").contains("batch"));
    let all = Model::new(11, "N 4").node("Softmax", "x", "y", &[("axis", Int(0))]);
    assert!(all.refusal("Softmax").contains("batch"));
}

#[test]
fn argmax_and_sigmoid() {
    let model = Model::new(13, "N 4 5").node("ArgMax", "x", "y", &[("axis", Int(-1)), ("keepdims", Int(0))]);
    let node = model.only();
    assert_eq!(node.shape, [4]);
    assert!(matches!(node.op, Op::ArgMax(argmax) if argmax.axis == 1 && !argmax.keep && !argmax.select_last));
    let cast = Model::new(13, "N 4")
        .node("ArgMax", "x", "i", &[("axis", Int(1))])
        .node("Cast", "i", "j", &[("to", Int(6))])
        .node("Cast", "j", "y", &[("to", Int(1))]);
    assert_eq!(cast.output_shape(), [1]);
    let rounded = Model::new(13, "N 4").node("Cast", "x", "y", &[("to", Int(7))]);
    assert!(rounded.refusal("Cast").contains("rounds"));
    let hidden = Model::new(13, "N 4").node("Sigmoid", "x", "a", &[]).node("Relu", "a", "y", &[]);
    assert_eq!(hidden.ops()[0], Op::Sigmoid);
}
