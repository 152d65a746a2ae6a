//! Pools and reductions.

use spikeconverter_graph::Op;

use crate::model::{Attribute, Int, Ints, Model, Text};

fn pool(op: &str, input: &str, attributes: &[(&str, Attribute)]) -> Model {
    Model::new(19, input).node(op, "x", "y", attributes)
}

#[test]
fn windows() {
    let kernel = || ("kernel_shape", Ints(vec![3, 3]));
    let strides = || ("strides", Ints(vec![2, 2]));
    assert_eq!(pool("MaxPool", "N 2 8 8", &[kernel(), strides()]).output_shape(), [2, 3, 3]);
    let ceil = [kernel(), strides(), ("ceil_mode", Int(1))];
    assert_eq!(pool("MaxPool", "N 2 8 8", &ceil).output_shape(), [2, 4, 4]);
    let same = [kernel(), strides(), ("auto_pad", Text("SAME_UPPER")), ("ceil_mode", Int(1))];
    assert_eq!(pool("MaxPool", "N 2 8 8", &same).output_shape(), [2, 4, 4]);
    let dilated = [kernel(), ("dilations", Ints(vec![2, 2]))];
    assert_eq!(pool("MaxPool", "N 2 8 8", &dilated).output_shape(), [2, 4, 4]);
    let padded = [kernel(), ("pads", Ints(vec![1; 4])), ("count_include_pad", Int(1))];
    let Op::AvgPool(average) = pool("AveragePool", "N 2 8 8", &padded).only().op else { panic!("no average") };
    assert!(average.count_include_pad && !average.ceil);
    assert_eq!(pool("AveragePool", "N 2 8", &[("kernel_shape", Ints(vec![2]))]).output_shape(), [2, 7]);
    assert!(pool("MaxPool", "N 2 8 8", &[]).refusal("MaxPool").contains("kernel_shape"));
    assert!(pool("MaxPool", "N 2 8 8", &[("kernel_shape", Ints(vec![0, 3]))]).refusal("MaxPool").contains("between"));
    let indices = Model::new(19, "N 2 8 8")
        .node("MaxPool", "x", "a i", &[kernel()])
        .node("Cast", "i", "f", &[("to", Int(1))])
        .node("Add", "a f", "y", &[]);
    assert!(indices.refusal("MaxPool").contains("positions"));
}

#[test]
fn whole_planes() {
    let average = pool("GlobalAveragePool", "N 2 4 5", &[]).only();
    assert!(matches!(average.op, Op::Mean(mean) if mean.axes == [1, 2] && mean.keep));
    assert_eq!(average.shape, [2, 1, 1]);
    assert_eq!(pool("GlobalMaxPool", "N 2 4 5", &[]).output_shape(), [2, 1, 1]);
    assert_eq!(pool("GlobalMaxPool", "N 2 4 5 6", &[]).output_shape(), [2, 1, 1, 1]);
}

#[test]
fn reductions() {
    let axes = |list: Vec<i64>| ("axes", Ints(list));
    let reduce =
        |op, opset, attributes: &[(&str, Attribute)]| Model::new(opset, "N 2 4 5").node(op, "x", "y", attributes);
    assert_eq!(reduce("ReduceMean", 13, &[axes(vec![2, -1])]).output_shape(), [2, 1, 1]);
    assert_eq!(reduce("ReduceMean", 13, &[axes(vec![1]), ("keepdims", Int(0))]).output_shape(), [4, 5]);
    let input = Model::new(18, "N 2 4 5").ints("a", &[2, 3]);
    let by_input = input.node("ReduceMean", "x a", "y", &[("keepdims", Int(0))]);
    assert!(matches!(by_input.only().op, Op::Mean(mean) if mean.axes == [1, 2] && !mean.keep));
    assert!(reduce("ReduceMean", 18, &[]).refusal("ReduceMean").contains("batch"));
    assert!(reduce("ReduceMean", 13, &[axes(vec![7])]).refusal("ReduceMean").contains("axis 7"));
    assert!(reduce("ReduceMean", 13, &[axes(vec![1, -3])]).refusal("ReduceMean").contains("twice"));
    assert_eq!(reduce("ReduceMean", 18, &[("noop_with_empty_axes", Int(1))]).built().nodes().len(), 1);

    let sum = reduce("ReduceSum", 11, &[axes(vec![2, 3])]);
    assert_eq!(sum.output_shape(), [2, 1, 1]);
    assert!(matches!(&sum.ops()[1], Op::Affine(affine) if affine.scale.as_ref().unwrap().data() == [20.0]));

    for (list, keep, shape) in [
        (vec![2, 3], 1, vec![2, 1, 1]),
        (vec![2, 3], 0, vec![2]),
        (vec![1], 0, vec![4, 5]),
        (vec![1, 3], 1, vec![1, 4, 1]),
        (vec![1, 2, 3], 0, vec![]),
    ] {
        let max = reduce("ReduceMax", 13, &[axes(list.clone()), ("keepdims", Int(keep))]);
        assert_eq!(max.output_shape(), shape, "{list:?}");
        assert!(max.ops().iter().any(|op| matches!(op, Op::MaxPool(_))));
    }
    assert!(reduce("ReduceMin", 13, &[axes(vec![1])]).refusal("ReduceMin").contains("mean or a maximum"));
}
