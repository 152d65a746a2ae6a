//! Resize and Upsample.

use spikeconverter_graph::Op;

use crate::model::{Attribute, Floats, Model, Text};

fn maps(model: &Model) -> Vec<Option<Vec<usize>>> {
    match model.only().op {
        Op::Select(select) => select.maps,
        other => panic!("{other:?}"),
    }
}

#[test]
fn upsample_in_its_three_forms() {
    let doubled = [None, Some(vec![0, 0, 1, 1]), Some(vec![0, 0, 1, 1, 2, 2])];
    let seven = Model::new(7, "N 1 2 3").node("Upsample", "x", "y", &[("scales", Floats(vec![1.0, 1.0, 2.0, 2.0]))]);
    assert_eq!(maps(&seven), doubled);
    let scales = |opset| Model::new(opset, "N 1 2 3").floats("s", &[4], &[1.0, 1.0, 2.0, 2.0]);
    assert_eq!(maps(&scales(9).node("Upsample", "x s", "y", &[])), doubled);
    assert_eq!(maps(&scales(10).node("Resize", "x s", "y", &[])), doubled);
    assert_eq!(maps(&scales(13).node("Resize", "x - s", "y", &[])), doubled);
}

fn resize(sizes: &[i64], attributes: &[(&str, Attribute)]) -> Model {
    Model::new(18, "N 1 2 3").ints("s", sizes).node("Resize", "x - - s", "y", attributes)
}

#[test]
fn sizes_and_axes() {
    assert_eq!(resize(&[1, 1, 4, 6], &[]).output_shape(), [1, 4, 6]);
    let axes = || ("axes", Attribute::Ints(vec![2, 3]));
    assert_eq!(resize(&[4, 6], &[axes()]).output_shape(), [1, 4, 6]);
    let policy = |name| ("keep_aspect_ratio_policy", Text(name));
    assert_eq!(resize(&[8, 6], &[axes(), policy("not_larger")]).output_shape(), [1, 4, 6]);
    assert_eq!(resize(&[8, 6], &[axes(), policy("not_smaller")]).output_shape(), [1, 8, 12]);
    assert!(resize(&[2, 1, 4, 6], &[]).refusal("Resize").contains("batch"));
    assert!(resize(&[1, 1, 4], &[]).refusal("Resize").contains("3 sizes"));
    assert!(resize(&[1, 1, 1 << 40, 6], &[]).refusal("Resize").contains("bound"));
    assert!(resize(&[1, 1, 0, 6], &[]).refusal("Resize").contains("positive"));
    assert!(resize(&[1, 1, 4, 6], &[("mode", Text("linear"))]).refusal("Resize").contains("nearest"));
    assert_eq!(resize(&[1, 1, 2, 3], &[("mode", Text("linear"))]).built().nodes().len(), 1);
    let crop = ("coordinate_transformation_mode", Text("tf_crop_and_resize"));
    assert!(resize(&[1, 1, 4, 6], &[crop]).refusal("Resize").contains("tf_crop_and_resize"));
}

#[test]
fn scales_must_make_sense() {
    for scale in [0.0, -1.0, f32::NAN, f32::INFINITY, 0.1] {
        let model = Model::new(13, "N 1 2 3").floats("s", &[4], &[1.0, 1.0, scale, 1.0]);
        assert!(model.node("Resize", "x - s", "y", &[]).refusal("Resize").contains("scale"), "{scale}");
    }
}
