//! Chains that compute shapes: they fold, with the batch size as a symbol.

use spikeconverter_graph::Op;
use spikeconverter_onnx::NodeStatus;

use crate::model::{Attribute, Int, Ints, Model, tensor};

#[test]
fn view_with_the_batch_size() {
    // x.view(x.size(0), -1)
    let model = Model::new(13, "N 4 3")
        .int("zero", 0)
        .ints("axes", &[0])
        .ints("rest", &[-1])
        .node("Shape", "x", "shape", &[])
        .node("Gather", "shape zero", "batch", &[])
        .node("Unsqueeze", "batch axes", "lead", &[])
        .node("Concat", "lead rest", "target", &[("axis", Int(0))])
        .node("Reshape", "x target", "y", &[]);
    assert_eq!(model.only().shape, [12]);
    let statuses: Vec<NodeStatus> = model.import().nodes.into_iter().map(|node| node.status).collect();
    assert_eq!(statuses[..4], [NodeStatus::Folded, NodeStatus::Folded, NodeStatus::Folded, NodeStatus::Folded]);
    assert_eq!(statuses[4], NodeStatus::Imported);
}

#[test]
fn arithmetic_on_shapes() {
    // Channels split in two by x.size(1) // 2, as channel shuffles do.
    let model = Model::new(13, "N 6 4")
        .int("one", 1)
        .int("two", 2)
        .ints("axes", &[0])
        .ints("zeros", &[0])
        .ints("ones", &[1])
        .node("Shape", "x", "shape", &[])
        .node("Gather", "shape one", "channels", &[])
        .node("Div", "channels two", "half", &[])
        .node("Cast", "half", "float", &[("to", Int(1))])
        .node("Floor", "float", "floor", &[])
        .node("Cast", "floor", "count", &[("to", Int(7))])
        .node("Unsqueeze", "count axes", "end", &[])
        .node("Slice", "x zeros end ones", "y", &[]);
    assert_eq!(model.output_shape(), [3, 4]);
}

#[test]
fn pads_from_a_shape_chain() {
    // What torch.nn.functional.pad is exported as.
    let zero = tensor("", &[1], 7);
    let mut zero = zero;
    zero.int64_data = vec![0];
    let model = Model::new(17, "N 4 3")
        .ints("given", &[0, 0, 1, 2])
        .ints("missing", &[2])
        .ints("columns", &[-1, 2])
        .ints("start", &[-1])
        .ints("end", &[i64::MIN])
        .ints("axis", &[0])
        .ints("step", &[-1])
        .ints("flat", &[-1])
        .node("ConstantOfShape", "missing", "zeros", &[("value", Attribute::Tensor(zero))])
        .node("Concat", "given zeros", "all", &[("axis", Int(0))])
        .node("Reshape", "all columns", "pairs", &[])
        .node("Slice", "pairs start end axis step", "reversed", &[])
        .node("Transpose", "reversed", "ordered", &[("perm", Ints(vec![1, 0]))])
        .node("Reshape", "ordered flat", "pads", &[])
        .node("Cast", "pads", "cast", &[("to", Int(7))])
        .node("Pad", "x cast", "y", &[]);
    let Op::Pad(pad) = model.only().op else { panic!("no pad") };
    assert_eq!((pad.before, pad.after), (vec![1, 0], vec![2, 0]));
}

#[test]
fn expand_with_where_and_equal() {
    // How torch exports x.expand(-1, -1, 3).
    let model = Model::new(17, "N 4 1")
        .ints("given", &[-1, -1, 3])
        .ints("minus", &[-1, -1, -1])
        .ints("ones", &[1, 1, 1])
        .node("Equal", "given minus", "open", &[])
        .node("Where", "open ones given", "target", &[])
        .node("Expand", "x target", "y", &[]);
    assert_eq!(model.output_shape(), [4, 3]);
    let symbolic = Model::new(17, "N 4 1")
        .ints("three", &[3])
        .ints("minus", &[-1, -1, -1])
        .ints("ones", &[1, 1, 1])
        .node("Shape", "x", "front", &[("end", Int(2))])
        .node("Concat", "front three", "given", &[("axis", Int(0))])
        .node("Equal", "given minus", "open", &[])
        .node("Where", "open ones given", "target", &[])
        .node("Expand", "x target", "y", &[]);
    assert_eq!(symbolic.output_shape(), [4, 3]);
}

#[test]
fn other_functions_of_shapes() {
    let model = Model::new(17, "N 4 3")
        .int("zero", 0)
        .int("one", 1)
        .int("twelve", 12)
        .ints("axes", &[0])
        .node("Size", "x", "size", &[])
        .node("Div", "size twelve", "batch", &[])
        .node("Shape", "x", "rest", &[("start", Int(1))])
        .node("ReduceProd", "rest", "product", &[("keepdims", Int(1))])
        .node("Unsqueeze", "batch axes", "lead", &[])
        .node("Concat", "lead product", "target", &[("axis", Int(0))])
        .node("Range", "zero twelve one", "order", &[])
        .node("Reshape", "x target", "flat", &[])
        .node("Gather", "flat order", "y", &[("axis", Int(1))]);
    assert_eq!(model.output_shape(), [12]);
}

#[test]
fn what_depends_on_the_batch_size_is_refused() {
    let compared = Model::new(17, "N 4")
        .ints("ones", &[1, 1])
        .node("Shape", "x", "shape", &[])
        .node("Equal", "shape ones", "same", &[])
        .node("Cast", "same", "float", &[("to", Int(1))])
        .node("Add", "x float", "y", &[]);
    assert!(compared.refusal("Equal").contains("batch size"));
    let filled = Model::new(17, "N 4")
        .node("Shape", "x", "shape", &[])
        .node("ConstantOfShape", "shape", "zeros", &[])
        .node("Add", "x zeros", "y", &[]);
    assert!(filled.refusal("ConstantOfShape").contains("batch size"));
    let added = Model::new(17, "N 4")
        .ints("ones", &[1, 1])
        .node("Shape", "x", "shape", &[])
        .node("Add", "shape ones", "more", &[])
        .node("Reshape", "x more", "y", &[]);
    assert!(added.refusal("Add").contains("batch size"));
}
