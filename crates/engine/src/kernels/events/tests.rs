use spikeconverter_graph::Tensor;
use spikeconverter_graph::ops::{Conv, Window};

use super::*;
use crate::literal;
use crate::testing::Dice;

/// A convolution with random extents, and its input and output shapes.
fn conv(dice: &mut Dice, simple: bool) -> (Conv, Vec<usize>, Vec<usize>) {
    // some with so many channels that weights are divided
    let channels = [dice.pick(1, 40), dice.pick(60, 140), 16 * dice.pick(24, 40)][dice.pick(0, 5).saturating_sub(3)];
    let results = dice.pick(1, if simple { 32 } else { 90 });
    let kernel = if simple { vec![dice.pick(1, 3), 3] } else { vec![dice.pick(1, 5), dice.pick(1, 5)] };
    let window = if simple {
        Window { pad_begin: vec![0, dice.pick(0, 2)], pad_end: vec![0, 1], ..Window::new(kernel.clone()) }
    } else {
        Window {
            stride: vec![dice.pick(1, 2), dice.pick(1, 3)],
            dilation: vec![dice.pick(1, 2), 1],
            ..Window::new(kernel.clone()).padded(dice.pick(0, 2))
        }
    };
    let shape = vec![channels, dice.pick(9, 11), dice.pick(6, 9)];
    let weight = Tensor::new(
        vec![results, channels, kernel[0], kernel[1]],
        dice.values(results * channels * kernel[0] * kernel[1]),
    );
    let op = Conv { weight: weight.unwrap(), bias: Some(Tensor::vector(dice.values(results))), window, groups: 1 };
    let output = op.output_shape(&shape).unwrap();
    (op, shape, output)
}

/// Random values channels last, about a `share` of them not zero; ones, or numbers.
fn input(dice: &mut Dice, shape: &[usize], share: usize, graded: bool) -> Vec<f32> {
    let padded = shape[0].next_multiple_of(LANES);
    let mut values = vec![0.0; shape[1] * shape[2] * padded];
    for position in values.chunks_mut(padded) {
        for x in &mut position[..shape[0]] {
            if dice.pick(1, 100) <= share {
                *x = if graded { dice.values(1)[0] } else { 1.0 };
            }
        }
    }
    values
}

fn spikes(values: &[f32]) -> Vec<u16> {
    let word = |vector: &[f32]| vector.iter().enumerate().map(|(i, &x)| u16::from(x != 0.0) << i).sum();
    values.chunks(LANES).map(word).collect()
}

fn biases(op: &Conv, output: &[usize]) -> Vec<f32> {
    let mut row = op.bias.as_ref().unwrap().data().to_vec();
    row.resize(output[0].next_multiple_of(LANES), 0.0);
    row.repeat(output[1] * output[2])
}

/// Events and the dense product give the same bits, with every set of instructions that fuses alike.
#[test]
fn events_and_products_give_the_same_sums() {
    let mut dice = Dice(5);
    let (mut scattered, mut tabled) = (0, 0);
    for case in 0..90 {
        let (op, shape, output) = conv(&mut dice, case % 3 == 0);
        let graded = case % 2 == 0;
        let values = input(&mut dice, &shape, 1 + 3 * (case % 30), graded);
        let amplitude = |c: usize| 0.5 + (c % 8) as f32;
        let mut synapses = EventSynapses::conv(&op, &shape, &output, amplitude, case % 4 == 0).unwrap();
        let mut events = EventList::default();
        if graded {
            synapses.list_values(&values, &mut events);
        } else {
            synapses.list_spikes(&spikes(&values), &mut events);
        }
        let mut dense = biases(&op, &output);
        synapses.product(&events, &mut dense, &mut Vec::new());
        for instructions in Instructions::available() {
            if instructions == Instructions::Portable && graded && Instructions::available().len() > 1 {
                continue; // the product above has fused
            }
            synapses.instructions = instructions;
            let mut sums = biases(&op, &output);
            for block in 0..synapses.weights.len() {
                let places = Places { position: synapses.padded_out, step: 0 };
                let (positions, sums) = (0..output[1] * output[2], &mut sums[block * synapses.width()..]);
                synapses.visit(block, positions, std::slice::from_ref(&events), &[0], sums, places, &mut Vec::new());
            }
            assert_eq!(sums, dense, "{instructions:?}");
        }
        if let Some(scatter) = synapses.scatter.as_ref().filter(|_| !graded) {
            let mut sums = biases(&op, &output);
            scatter.add(&events, &mut sums, &mut Vec::new());
            assert_eq!(sums, dense);
            scattered += 1;
        }
        if synapses.takes_words() && !graded {
            let mut sums = biases(&op, &output);
            let spikes = spikes(&values);
            synapses.add_words(Words { spikes: &spikes, stride: spikes.len(), steps: 1 }, &mut sums);
            compare(&op, &shape, &output, &values, amplitude, &sums);
            // a block at a time, some positions in two steps
            let (twice, width) = ([spikes.clone(), spikes.clone()].concat(), synapses.width());
            let words = Words { spikes: &twice, stride: spikes.len(), steps: 2 };
            for block in 0..synapses.blocks() {
                let mut part = vec![0.0; 2 * 2 * width];
                let biases = &biases(&op, &output)[block * width..][..width];
                part.chunks_mut(width).for_each(|sums| sums.copy_from_slice(biases));
                synapses.add_words_to(block, 1..3, words, &mut part);
                for (row, part) in part.chunks(width).enumerate() {
                    let at = (1 + row / 2) * synapses.padded_out + block * width;
                    assert_eq!(*part, sums[at..][..width]);
                }
            }
            tabled += 1;
        }
        compare(&op, &shape, &output, &values, amplitude, &dense);
    }
    assert!(tabled > 5);
    assert!(scattered > 5 || !Instructions::available().iter().any(|i| format!("{i:?}") == "Avx512"));
}

/// The sums against the literal loops.
fn compare(op: &Conv, shape: &[usize], output: &[usize], x: &[f32], amplitude: impl Fn(usize) -> f32, found: &[f32]) {
    let (padded, plane) = (shape[0].next_multiple_of(LANES), shape[1] * shape[2]);
    let plain = (0..shape[0] * plane).map(|i| f64::from(x[i % plane * padded + i / plane] * amplitude(i / plane)));
    let plain: Vec<f64> = plain.collect();
    let wanted = literal::apply(&spikeconverter_graph::Op::Conv(op.clone()), &[(shape, &plain)], true).unwrap();
    let (padded, plane) = (output[0].next_multiple_of(LANES), output[1] * output[2]);
    for (i, wanted) in wanted.iter().enumerate() {
        let found = f64::from(found[i % plane * padded + i / plane]);
        assert!((found - wanted).abs() <= 1e-4 * wanted.abs().max(100.0), "{found} {wanted}");
    }
}

#[test]
fn the_choice_does_not_show() {
    let mut dice = Dice(6);
    let (op, shape, output) = conv(&mut dice, false);
    let synapses = EventSynapses::conv(&op, &shape, &output, |_| 1.0, false).unwrap();
    let lists: Vec<EventList> = [2, 95]
        .iter()
        .map(|&share| {
            let mut events = EventList::default();
            let spikes = spikes(&input(&mut dice, &shape, share, false));
            synapses.list_spikes(&spikes, &mut events);
            let mut other = EventList::default();
            other.take_spikes(Instructions::Portable, &spikes, shape[0], synapses.groups, scale(synapses.vectors));
            assert_eq!((events.len(), events.parts().2), (other.len(), other.parts().2));
            assert_eq!(events.parts().0[..events.len()], other.parts().0[..events.len()]);
            assert_eq!(synapses.is_dense(&events), share == 95);
            events
        })
        .collect();
    let mut together = [biases(&op, &output), biases(&op, &output)].concat();
    synapses.add(&lists, &mut together, &mut Scratch::default());
    for (events, together) in lists.iter().zip(together.chunks(synapses.results)) {
        let mut alone = biases(&op, &output);
        synapses.product(events, &mut alone, &mut Vec::new());
        assert_eq!(alone, together);
    }
}
