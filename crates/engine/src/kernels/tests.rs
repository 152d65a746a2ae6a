//! The kernels against the literal operations, on random operations and shapes.

use proptest::prelude::*;
use spikeconverter_graph::{Op, volume};

use super::*;
use crate::literal;
use crate::testing::{Dice, assert_close};

/// Runs a random operation of a kind and compares; false when the made-up operation does not fit its inputs.
fn agrees(kind: usize, seed: u64) -> bool {
    let mut dice = Dice(seed);
    let rank = dice.pick(0, 3);
    let shape = dice.shape(rank);
    let (op, others) = dice.op(kind, &shape);
    let shapes: Vec<&[usize]> = std::iter::once(&shape).chain(&others).map(Vec::as_slice).collect();
    let Ok(compiled) = compile(&op, &shapes) else {
        assert!(op.output_shape(&shapes).is_err());
        return false;
    };
    let count = dice.pick(1, 5);
    let inputs: Vec<Batch> = shapes
        .iter()
        .map(|shape| Batch::new(count, shape.to_vec(), dice.values(count * volume(shape))).unwrap())
        .collect();
    let result = compiled.run(&inputs.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!((result.count(), result.shape()), (count, compiled.output_shape()));

    let slices: Vec<&[f32]> = inputs.iter().map(Batch::data).collect();
    for threads in [Threads::One, Threads::Pool] {
        let mut again = vec![f32::NAN; result.data().len()];
        compiled.run_unchecked(&slices, &mut again, threads);
        assert_eq!(again, result.data(), "{threads:?} changes the result of {op:?}");
    }

    for (i, result) in result.samples().enumerate() {
        let wide: Vec<Vec<f64>> =
            inputs.iter().map(|input| input.sample(i).iter().map(|&x| f64::from(x)).collect()).collect();
        let given: Vec<(&[usize], &[f64])> = shapes.iter().copied().zip(wide.iter().map(Vec::as_slice)).collect();
        let expected = literal::apply(&op, &given, true).unwrap();
        assert_close(result, &expected, 1e-5, &(&op, &shapes));
    }
    true
}

proptest! {
    #[test]
    fn kernels_agree_with_the_literal_operations(kind in 0usize..18, seed: u64) {
        agrees(kind, seed);
    }

    #[test]
    fn convolutions_agree_with_the_literal_operation(kind in 0usize..4, seed: u64) {
        agrees(kind, seed);
    }
}

#[test]
fn the_test_reaches_every_kind() {
    for kind in 0..18 {
        assert!((0..200).any(|seed| agrees(kind, seed)), "kind {kind} never fits");
    }
}

#[test]
fn nan_is_not_hidden() {
    use spikeconverter_graph::ops::{Activation, MaxPool, Window};
    let x = Batch::new(1, vec![1, 2], vec![f32::NAN, 1.0]).unwrap();
    let relu = compile(&Op::Activation(Activation::Relu), &[&[1, 2]]).unwrap();
    assert!(relu.run(&[&x]).unwrap().data()[0].is_nan());
    let pool = Op::MaxPool(MaxPool { window: Window::new(vec![2]), ceil: false });
    assert!(compile(&pool, &[&[1, 2]]).unwrap().run(&[&x]).unwrap().data()[0].is_nan());
}

#[test]
fn wrong_batches_are_errors() {
    let op = Op::Add(spikeconverter_graph::ops::Add::plain(2));
    let add = compile(&op, &[&[2], &[2]]).unwrap().named("node `sum`");
    let two = Batch::full(1, vec![2], 0.0).unwrap();
    let three = Batch::full(1, vec![3], 0.0).unwrap();
    let more = Batch::full(2, vec![2], 0.0).unwrap();
    let error = |inputs: &[&Batch]| add.run(inputs).unwrap_err().to_string();
    assert_eq!(error(&[&two]), "node `sum` takes 2 input(s), was given 1");
    assert_eq!(error(&[&two, &three]), "node `sum` takes samples of shape [2], was given [3]");
    assert_eq!(error(&[&two, &more]), "node `sum` was given batches of 1 and of 2 samples");
    assert!(compile(&op, &[&[2]]).is_err());
    assert!(compile(&Op::Input, &[]).is_err());
    let none = Batch::full(0, vec![2], 0.0).unwrap();
    assert_eq!(add.run(&[&none, &none]).unwrap().count(), 0);
}
