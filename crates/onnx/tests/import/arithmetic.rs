//! Sums, and constants beside data.

use spikeconverter_graph::Op;
use spikeconverter_graph::ops::Affine;

use crate::model::{Float, Model};

fn affine(model: &Model) -> Affine {
    match model.only().op {
        Op::Affine(affine) => affine,
        other => panic!("{other:?}"),
    }
}

fn beside(op: &str, inputs: &str, constant: &[usize]) -> Model {
    Model::new(13, "N 4 2 2").weight("c", constant).node(op, inputs, "y", &[])
}

#[test]
fn constants_become_scales_and_shifts() {
    let shape = [4, 1, 1];
    let of = |op, inputs| affine(&beside(op, inputs, &shape));
    let counting = [1.0, 1.25, 1.5, 1.75];
    for inputs in ["x c", "c x"] {
        assert_eq!(of("Add", inputs).shift.unwrap().data(), counting);
        assert_eq!(of("Mul", inputs).scale.unwrap().data(), counting);
    }
    assert_eq!(of("Sub", "x c").shift.unwrap().data(), counting.map(|x| -x));
    let reversed = of("Sub", "c x");
    assert_eq!(
        (reversed.scale.unwrap().data(), reversed.shift.unwrap().data()),
        ([-1.0].as_slice(), counting.as_slice())
    );
    assert_eq!(of("Div", "x c").scale.unwrap().data(), counting.map(|x| 1.0 / x));
    assert!(beside("Div", "c x", &shape).refusal("Div").contains("a constant by data"));
    assert!(beside("Neg", "x", &shape).output_shape() == [4, 2, 2]);
}

#[test]
fn constants_align_at_the_right() {
    assert_eq!(affine(&beside("Add", "x c", &[1, 4, 1, 1])).shift.unwrap().shape(), [4, 1, 1]);
    assert_eq!(affine(&beside("Add", "x c", &[2])).shift.unwrap().shape(), [2]);
    assert!(beside("Add", "x c", &[3, 4, 2, 2]).refusal("Add").contains("sample"));
    assert!(beside("Add", "x c", &[3]).refusal("Add").contains("broadcast"));
    // A constant that enlarges the data: the data is repeated first.
    let grown = Model::new(13, "N 4 1").weight("c", &[4, 3]).node("Add", "x c", "y", &[]);
    assert_eq!(grown.output_shape(), [4, 3]);
    assert!(matches!(grown.ops()[0], Op::Select(_)));
}

#[test]
fn branches_add_up() {
    let two = |op: &str| {
        Model::new(13, "N 4").node("Relu", "x", "a", &[]).node("Neg", "x", "b", &[]).node(op, "a b", "y", &[])
    };
    let coefficients = |model: &Model| {
        model
            .ops()
            .into_iter()
            .find_map(|op| if let Op::Add(add) = op { Some(add.coefficients) } else { None })
            .unwrap()
    };
    assert_eq!(coefficients(&two("Add")), [1.0, 1.0]);
    assert_eq!(coefficients(&two("Sub")), [1.0, -1.0]);
    assert_eq!(coefficients(&two("Mean")), [0.5, 0.5]);
    let several = Model::new(13, "N 4").weight("c", &[4]).node("Sum", "x c x x", "y", &[]);
    assert_eq!(coefficients(&several), [1.0, 1.0, 1.0]);
    assert!(matches!(several.ops()[1], Op::Affine(_)));
    for op in ["Mul", "Div"] {
        assert!(two(op).refusal(op).contains("no spiking rule"), "{op}");
    }
    let shapes = Model::new(13, "N 4 1").input("b", "N 1 3").node("Add", "x b", "y", &[]);
    assert_eq!(shapes.output_shape(), [4, 3]);
    let mixed = Model::new(13, "N 4").input("b", "N").node("Add", "x b", "y", &[]);
    assert!(mixed.refusal("Add").contains("line up"));
}

#[test]
fn powers() {
    let with = |exponent: f32| Model::new(13, "N 4").floats("e", &[], &[exponent]).node("Pow", "x e", "y", &[]);
    assert_eq!(with(1.0).built().nodes().len(), 1);
    assert!(with(2.0).refusal("Pow").contains("power"));
}

#[test]
fn an_affine_that_is_not_finite_names_its_source() {
    let zero = Model::new(13, "N 4").floats("c", &[4], &[1.0, f32::NAN, 1.0, 1.0]).node("Mul", "x c", "y", &[]);
    let error = zero.try_import(spikeconverter_onnx::BatchAxis::Leading).unwrap_err().to_string();
    assert!(error.contains("`mul_y`") && error.contains("`c` holds NaN at position 1"), "{error}");
    let slope = Model::new(13, "N 4").node("LeakyRelu", "x", "y", &[("alpha", Float(f32::INFINITY))]);
    let error = slope.try_import(spikeconverter_onnx::BatchAxis::Leading).unwrap_err().to_string();
    assert!(error.contains("slope holds inf"), "{error}");
}
