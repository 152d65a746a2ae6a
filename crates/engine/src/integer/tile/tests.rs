//! Every kernel gives what plain loops give.

use super::*;
use crate::integer::neuron::Neuron;
use crate::integer::places::Grid;

/// Numbers without a pattern, from −`most` to `most`.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, most: i32) -> i32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as i32 % (2 * most + 1) - most
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| (self.next(127) + 127) as u8).collect()
    }

    fn vectors(&mut self, n: usize, of: impl Fn(i32) -> i32) -> Vec<[i32; LANES]> {
        (0..n).map(|_| std::array::from_fn(|_| of(self.next(90_000)))).collect()
    }
}

/// Kernels and portable loops give the same codes and sums, for every number of vectors, with and without shortcuts (of one
/// and of two bytes, unsigned and signed) and maps, for numbers of places that fill no tile.
fn compare<O: Operand>(code: impl Fn(&mut Numbers) -> O) {
    let mut numbers = Numbers(7);
    for vectors in 1..=O::VECTORS {
        for (quads, width) in [(1, 1), (7, 14), (36, 37), (2, 9)] {
            let runs = vec![Run { offset: 0, quads: quads / 2 }, Run { offset: 4 * quads, quads: quads - quads / 2 }];
            let mut line = |_| O::line(&std::array::from_fn(|_| std::array::from_fn(|_| numbers.next(127) as i8)));
            let lines = (0..quads * vectors).map(&mut line).collect();
            let group = Group { first: 0, vectors, runs, lines };
            let stored = vectors * LANES;
            let place = Place { read: 4, write: stored, map: stored, skip: stored };
            let grid = Grid::new([1, width], Place::default(), Place::default(), place);
            let codes: Vec<O> = (0..8 * quads + 4 * width).map(|_| code(&mut numbers)).collect();
            let shortcut = numbers.bytes(4 * width * stored);
            let bias = numbers.vectors(vectors, |x| x);
            let factors = numbers.vectors(vectors, |x| x.abs() % (1 << 15));
            let map: Vec<i32> = numbers.vectors(width * vectors, |x| x).concat();
            let rule = |signed: bool, step: i64, largest: i64| {
                let neurons: Vec<Neuron> =
                    (0..stored).map(|c| Neuron::for_tests(1 + step * c as i64, signed, largest)).collect();
                FastRule::new(&neurons).unwrap()
            };
            // codes of a byte, such with large units, and codes of two bytes
            let rules: Vec<FastRule> = [(37, 255), (1000, 255), (3, 65_535)]
                .into_iter()
                .flat_map(|(step, largest)| [true, false].map(|signed| rule(signed, step, largest)))
                .collect();
            for case in 0..6 {
                let negative = (case % 2 == 1).then_some(width * stored);
                let high = (case >= 4).then_some(2 * width * stored);
                let skip = (case >= 2).then_some(Skip { codes: &shortcut, negative, high, factors: &factors });
                let start = Start { bias: &bias, map: (case == 1).then_some(map.as_slice()), skip };
                let run = |isa: Isa| {
                    let job = Job { isa, codes: &codes, start };
                    let mut sums = vec![0; width * stored];
                    let mut found = vec![vec![0; 4 * width * stored]; rules.len()];
                    grid.blocks(1, |places, count, origin| {
                        tiles(job, &group, places, count, origin, &mut Sink::Sums(&mut sums));
                        for (codes, rule) in found.iter_mut().zip(&rules) {
                            let high = (rule.largest[0][0] > 256.0).then_some(width * stored);
                            let negative = if high.is_some() { 2 } else { 1 } * width * stored;
                            let mut sink = Sink::Codes { codes, negative, high, rule };
                            tiles(job, &group, places, count, origin, &mut sink);
                        }
                    });
                    (sums, found)
                };
                let expected = run(Isa::Portable);
                for isa in Isa::available() {
                    assert!(
                        run(isa) == expected,
                        "{isa:?}: {vectors} vectors, {quads} quads, {width} places, case {case}"
                    );
                }
            }
        }
    }
}

#[test]
fn kernels_of_bytes_give_what_plain_loops_give() {
    compare(|numbers| numbers.next(127).wrapping_add(127) as u8);
    compare(|_| u8::MAX);
}

#[test]
fn kernels_of_words_give_what_plain_loops_give() {
    compare(|numbers| numbers.next(255) as i16);
    compare(|numbers| numbers.next(32767) as i16);
    compare(|_| i16::MIN);
}
