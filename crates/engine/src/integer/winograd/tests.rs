//! Transformed convolution gives what direct convolution gives, for all instructions.

use super::*;
use crate::integer::dense::{Dense, Form};
use crate::integer::neuron::{FastRule, Neuron};
use crate::integer::tile::Skip;

fn geometry(channels: [usize; 2], output: [usize; 2]) -> Geometry {
    let one = [1; 2];
    Geometry { kernel: [3; 2], stride: one, dilation: one, before: one, groups: 1, channels, output }
}

/// Bytes without a pattern.
fn bytes(n: usize, seed: u32) -> Vec<u8> {
    let next = |x: &mut u32| {
        *x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some((*x >> 24) as u8)
    };
    (0..n).scan(seed, |x, _| next(x)).collect()
}

/// The same sums and codes as the direct kernels, with the largest weights and codes and with any, for all instructions.
#[test]
fn it_gives_what_direct_convolution_gives() {
    let mut memory = Memory::default();
    for (channels, output, samples) in
        [([5, 20], [2, 2], 30), ([16, 16], [4, 6], 3), ([33, 7], [8, 2], 1), ([48, 33], [6, 10], 2)]
    {
        for (signed, extreme) in [(false, false), (true, false), (false, true), (true, true)] {
            let geometry = geometry(channels, output);
            let input = Layout::new(&[channels[0], output[0], output[1]], [1, 2], [1, 3]);
            let planes = Planes { bytes: 1, signed };
            let weights = bytes(channels[0] * channels[1] * 9, 3);
            let weight = |o: usize, i: usize, [y, x]: [usize; 2]| match weights[((o * channels[0] + i) * 3 + y) * 3 + x]
            {
                _ if extreme => {
                    if (o + y + x).is_multiple_of(2) {
                        127
                    } else {
                        -127
                    }
                }
                byte => (i32::from(byte) - 128).max(-127) as i8,
            };
            let bias: Vec<i32> = bytes(channels[1], 5).into_iter().map(|b| 1000 * (i32::from(b) - 128)).collect();
            let mut codes = bytes(samples * planes.count() * input.bytes(), 7);
            if extreme {
                codes.fill(255);
            }
            let vectors = channels[1].div_ceil(LANES);
            let to = Layout::new(&[channels[1], output[0], output[1]], [1, 0], [2, 1]);
            let shortcut = bytes(samples * to.bytes(), 11);
            let factors = vec![[77; LANES]; vectors];
            let rules = [true, false].map(|signed| {
                let neurons: Vec<Neuron> =
                    (0..channels[1]).map(|c| Neuron::for_tests(100 + 150 * c as i64, signed, 255)).collect();
                FastRule::new(&neurons).unwrap()
            });
            let source = (&input, planes, 255);
            let direct = Dense::new((Isa::Portable, &Form::Bytes), geometry, source, weight, &bias).unwrap();
            let skip = Skip { codes: &shortcut, negative: None, high: None, factors: &factors };
            let terms = Terms { map: None, skip: Some(skip) };
            let mut all = |run: &mut dyn FnMut(Positions<'_>, &mut Sink<'_>, &mut Memory)| {
                let first = Place { skip: to.at(0, 0), ..Place::default() };
                let grid = direct.grid(None, None, Some((&to, 1)));
                let mut sums = vec![0; samples * output[0] * output[1] * vectors * LANES];
                run(Positions { codes: &codes, grid: &grid, first }, &mut Sink::Sums(&mut sums), &mut memory);
                let found = rules.each_ref().map(|rule| {
                    let grid = direct.grid(Some((&to, 2)), None, Some((&to, 1)));
                    let mut found = vec![0; samples * 2 * to.bytes()];
                    let mut sink = Sink::Codes { codes: &mut found, negative: to.bytes(), high: None, rule };
                    let first = Place { write: to.at(0, 0), ..first };
                    run(Positions { codes: &codes, grid: &grid, first }, &mut sink, &mut memory);
                    found
                });
                (sums, found)
            };
            let expected = all(&mut |at, sink, memory| direct.run(0, at, terms, sink, memory));
            for isa in Isa::available() {
                let winograd = Winograd::new(isa, &geometry, source, &weight, &bias).unwrap();
                let found = all(&mut |at, sink, memory| winograd.run(at, terms, sink, memory));
                assert!(found == expected, "{isa:?}: {channels:?} to {output:?}, signed {signed}, extreme {extreme}");
                let words = Dense::new((isa, &Form::Words(None)), geometry, source, weight, &bias).unwrap();
                let found = all(&mut |at, sink, memory| {
                    let grid = words_grid(&words, sink, &to);
                    words.run(0, Positions { grid: &grid, ..at }, terms, sink, memory);
                });
                assert!(found == expected, "{isa:?}, words: {channels:?} to {output:?}, signed {signed}");
            }
        }
    }
}

/// Where 16-bit numbers are read and results written.
fn words_grid(words: &Dense, sink: &Sink<'_>, to: &Layout) -> Grid {
    words.grid(matches!(sink, Sink::Codes { .. }).then_some((to, 2)), None, Some((to, 1)))
}

#[test]
fn what_might_not_fit_is_refused() {
    let refused = |geometry: &Geometry, largest: i64| {
        let input = Layout::new(&[geometry.channels[0], geometry.output[0], geometry.output[1]], [1; 2], [1; 2]);
        let planes = Planes { bytes: 1, signed: false };
        let weight = |_, _, _: [usize; 2]| 127;
        Winograd::new(Isa::Portable, geometry, (&input, planes, largest), &weight, &[0; 16]).is_none()
    };
    assert!(!refused(&geometry([16, 16], [4, 4]), 255));
    assert!(refused(&geometry([16, 16], [4, 5]), 255), "an odd number of columns");
    assert!(refused(&Geometry { stride: [2; 2], ..geometry([16, 16], [4, 4]) }, 255), "a stride");
    assert!(refused(&geometry([1856, 16], [4, 4]), 255), "sums of 2^29");
    assert!(refused(&geometry([16, 16], [4, 4]), 8192), "codes of more than 13 bits");
}
