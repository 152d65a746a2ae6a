//! Relu, Clip, LeakyRelu, PRelu, Min, Max, HardSigmoid.

use spikeconverter_graph::Op;
use spikeconverter_graph::ops::Activation;

use crate::model::{Float, Model};

fn activation(model: &Model) -> Activation {
    match model.only().op {
        Op::Activation(activation) => activation,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clip_in_old_and_new_operator_sets() {
    let old = Model::new(9, "N 4").node("Clip", "x", "y", &[("min", Float(0.0)), ("max", Float(6.0))]);
    assert_eq!(activation(&old), Activation::Clip { low: 0.0, high: 6.0 });
    let bounds = Model::new(13, "N 4").floats("zero", &[], &[0.0]).floats("six", &[], &[6.0]);
    let new = bounds.clone().node("Clip", "x zero six", "y", &[]);
    assert_eq!(activation(&new), Activation::Clip { low: 0.0, high: 6.0 });
    assert_eq!(activation(&bounds.clone().node("Clip", "x zero", "y", &[])), Activation::Relu);
    let upper = bounds.clone().node("Clip", "x - six", "y", &[]);
    assert_eq!(activation(&upper), Activation::Clip { low: f32::NEG_INFINITY, high: 6.0 });
    let crossed = bounds.clone().node("Clip", "x six zero", "y", &[]);
    assert_eq!(activation(&crossed), Activation::Clip { low: 0.0, high: 0.0 });
    assert!(bounds.node("Clip", "x", "y", &[]).built().nodes().len() == 1);
    let dynamic = Model::new(13, "N 4").input("b", "1").node("Clip", "x b", "y", &[]);
    assert!(dynamic.refusal("Clip").contains("only constants"));
}

#[test]
fn slopes() {
    let leaky = Model::new(13, "N 4").node("LeakyRelu", "x", "y", &[("alpha", Float(0.25))]);
    assert!(matches!(activation(&leaky), Activation::Leaky { slope } if slope.data() == [0.25]));
    let prelu = |shape: &[usize]| Model::new(13, "N 4 2 2").weight("s", shape).node("PRelu", "x s", "y", &[]);
    for shape in [&[4, 1, 1][..], &[1, 4, 1, 1], &[1], &[]] {
        assert!(matches!(activation(&prelu(shape)), Activation::Leaky { .. }), "{shape:?}");
    }
    assert!(prelu(&[4]).refusal("PRelu").contains("broadcast"));
    assert!(prelu(&[5, 4, 1, 1]).refusal("PRelu").contains("sample"));
}

#[test]
fn bounds_by_min_and_max() {
    let with = |op: &str, inputs: &str| {
        Model::new(13, "N 4").floats("one", &[1], &[1.0]).floats("two", &[], &[2.0]).node(op, inputs, "y", &[])
    };
    assert_eq!(activation(&with("Min", "x one two")), Activation::Clip { low: f32::NEG_INFINITY, high: 1.0 });
    assert_eq!(activation(&with("Max", "two x one")), Activation::Clip { low: 2.0, high: f32::INFINITY });
    assert!(with("Max", "x x").refusal("Max").contains("both depend on the input"));
}

#[test]
fn hard_sigmoid_is_a_clip() {
    let ops = Model::new(13, "N 4").node("HardSigmoid", "x", "y", &[]).ops();
    assert!(matches!(ops[0], Op::Affine(_)));
    assert_eq!(ops[1], Op::Activation(Activation::Clip { low: 0.0, high: 1.0 }));
}

#[test]
fn activations_without_a_spiking_rule() {
    for op in ["Gelu", "Erf", "Tanh", "HardSwish", "Elu"] {
        let refusal = Model::new(20, "N 4").node(op, "x", "y", &[]).refusal(op);
        assert!(refusal.contains("no spiking rule") && refusal.contains("Relu"), "{op}: {refusal}");
    }
    let norm = Model::new(17, "N 4").weight("s", &[4]).node("LayerNormalization", "x s", "y", &[]);
    assert!(norm.refusal("LayerNormalization").contains("batch normalisation"));
    for op in ["LSTM", "If", "Loop", "Einsum", "QuantizeLinear", "TopK", "NoSuchOperator"] {
        assert!(Model::new(17, "N 4").node(op, "x", "y", &[]).refusal(op).len() > 20, "{op}");
    }
}
