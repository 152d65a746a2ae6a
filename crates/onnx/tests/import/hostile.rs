//! Damaged and hostile content never brings the program down.

use proptest::prelude::*;
use spikeconverter_onnx::{BatchAxis, ImportOptions, import_bytes};

use crate::model::{Attribute, Float, Floats, Int, Ints, Model, Text, tensor};

/// A model that passes through as many rules as possible.
fn rich() -> Model {
    let mut zero = tensor("", &[1], 7);
    zero.int64_data = vec![0];
    let mut quantised = tensor("q", &[4, 2, 3, 3], 3);
    quantised.raw_data = Some(vec![3; 72].into());
    let mut model = Model::new(13, "N 2 8 8")
        .weight("s", &[4])
        .weight("b", &[4])
        .weight("fc", &[5, 80])
        .floats("scales", &[4], &[1.0, 1.0, 0.5, 0.5])
        .floats("six", &[], &[6.0])
        .ints("pads", &[0, 0, 1, 1, 0, 0, -1, 1])
        .ints("two", &[2])
        .ints("starts", &[0])
        .ints("ends", &[4])
        .ints("axes", &[1])
        .int("zero", 0)
        .ints("rest", &[-1])
        .ints("front", &[0]);
    model.graph().initializer.push(quantised);
    model
        .node("DequantizeLinear", "q s", "w", &[("axis", Int(0))])
        .node("Pad", "x pads", "padded", &[("mode", Text("constant"))])
        .node("Conv", "padded w b", "conv", &[("pads", Ints(vec![1, 1, 1, 1])), ("strides", Ints(vec![1, 1]))])
        .node("BatchNormalization", "conv s b b s", "norm", &[("epsilon", Float(1e-3))])
        .node("Clip", "norm - six", "clip", &[])
        .node("Resize", "clip - scales", "small", &[("nearest_mode", Text("floor"))])
        .node("MaxPool", "small", "pool", &[("kernel_shape", Ints(vec![2, 2])), ("ceil_mode", Int(1))])
        .node("AveragePool", "small", "mean", &[("kernel_shape", Ints(vec![2, 2])), ("auto_pad", Text("SAME_UPPER"))])
        .node("Slice", "mean starts ends axes", "cut", &[])
        .node("Split", "cut", "left right", &[("axis", Int(1))])
        .node("Concat", "right left", "joined", &[("axis", Int(1))])
        .node("Transpose", "joined", "moved", &[("perm", Ints(vec![0, 2, 3, 1]))])
        .node("Shape", "moved", "shape", &[])
        .node("Gather", "shape zero", "batch", &[])
        .node("Unsqueeze", "batch front", "lead", &[])
        .node("Concat", "lead rest", "target", &[("axis", Int(0))])
        .node("ConstantOfShape", "two", "zeros", &[("value", Attribute::Tensor(zero))])
        .node("Add", "zeros zero", "unused", &[])
        .node("Reshape", "moved target", "flat", &[])
        .node("Gemm", "flat fc", "logits", &[("transB", Int(1)), ("alpha", Float(0.5))])
        .node("Constant", "", "bias", &[("value_floats", Floats(vec![1.0, 2.0, 3.0, 4.0, 5.0]))])
        .node("Add", "logits bias", "shifted", &[])
        .node("Softmax", "shifted", "y", &[("axis", Int(-1))])
}

/// Imports in both ways; only the absence of a panic counts.
fn survive(content: &[u8]) {
    for batch in [BatchAxis::Leading, BatchAxis::None] {
        let options = ImportOptions { batch, ..ImportOptions::default() };
        if let Ok(import) = import_bytes(content, None, &options) {
            let _ = import.into_graph("model");
        }
    }
}

#[test]
fn the_rich_model_is_valid() {
    assert_eq!(rich().output_shape(), [5]);
}

#[test]
fn every_truncation() {
    let content = rich().bytes();
    for end in (0..content.len()).step_by(7) {
        survive(&content[..end]);
    }
}

#[test]
fn deep_nesting_and_long_lengths() {
    // A length of 2^63 in a field of bytes, at the top and in the graph.
    let long = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
    for prefix in [&[0x3a][..], &[0x3a, 12, 0x2a], &[0x12], &[0x72]] {
        let mut content = prefix.to_vec();
        content.extend_from_slice(&long);
        survive(&content);
    }
    // Groups within groups, an old construct that decoders skip by recursion.
    survive(&vec![0x0b; 100_000]);
    // Attributes of nodes with graphs of nodes …, 20 000 levels.
    let mut inner: Vec<u8> = Vec::new();
    for level in 0..20_000 {
        let tag = [0x0a, 0x2a, 0x32][level % 3];
        let mut outer = vec![tag];
        prost::encode_length_delimiter(inner.len(), &mut outer).unwrap();
        outer.extend_from_slice(&inner);
        inner = outer;
        if inner.len() > 60_000 {
            break;
        }
    }
    let mut content = vec![0x08, 8, 0x3a];
    prost::encode_length_delimiter(inner.len(), &mut content).unwrap();
    content.extend_from_slice(&inner);
    survive(&content);
}

/// Numbers that sit at the edges of what attributes and shapes may hold.
fn edge() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(0),
        Just(1),
        Just(-1),
        Just(i64::MAX),
        Just(i64::MIN),
        Just(1 << 31),
        Just(1 << 62),
        -9i64..9,
        any::<i64>(),
    ]
}

proptest! {
    #[test]
    fn flipped_bytes(flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut content = rich().bytes();
        for (place, byte) in flips {
            let position = place.index(content.len());
            content[position] = byte;
        }
        survive(&content);
    }

    #[test]
    fn any_bytes(content in prop::collection::vec(any::<u8>(), 0..300)) {
        survive(&content);
    }

    /// Attributes, shapes and integer constants replaced, so that the rules themselves are reached.
    #[test]
    fn strange_numbers(changes in prop::collection::vec((any::<prop::sample::Index>(), edge()), 1..4)) {
        let mut model = rich();
        let graph = model.graph();
        let mut numbers: Vec<&mut i64> = Vec::new();
        for node in &mut graph.node {
            for attribute in &mut node.attribute {
                numbers.extend(attribute.ints.iter_mut());
                numbers.extend(attribute.i.as_mut());
                numbers.extend(attribute.t.iter_mut().flat_map(|t| t.dims.iter_mut().chain(&mut t.int64_data)));
            }
        }
        for tensor in &mut graph.initializer {
            numbers.extend(tensor.int64_data.iter_mut());
            numbers.extend(tensor.dims.iter_mut());
        }
        let dims = graph.input[0].r#type.as_mut().and_then(|t| t.tensor_type.as_mut()).and_then(|t| t.shape.as_mut());
        numbers.extend(dims.into_iter().flat_map(|shape| &mut shape.dim).filter_map(|dim| dim.dim_value.as_mut()));
        for (place, value) in changes {
            let position = place.index(numbers.len());
            *numbers[position] = value;
        }
        survive(&model.bytes());
    }

    /// Operators swapped, so that rules meet inputs that were not made for them.
    #[test]
    fn swapped_operators(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..5)) {
        let names: Vec<&str> = spikeconverter_onnx::supported_operators().collect();
        let mut model = rich();
        for (place, name) in changes {
            let nodes = &mut model.graph().node;
            let position = place.index(nodes.len());
            nodes[position].op_type = Some(names[name.index(names.len())].to_owned());
        }
        survive(&model.bytes());
    }
}
