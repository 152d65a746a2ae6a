//! Tiles of 16-bit codes with AVX2: an instruction multiplies pairs of numbers and adds the products, for eight channels.
//!
//! Bytes would not do: the instruction that multiplies bytes saturates at 16 bits, where 8-bit codes and weights reach 17.
#![allow(unsafe_code)] // Vector instructions chosen at run time, on pointers whose bounds are checked once a call.
#![allow(clippy::needless_range_loop)] // sums are to be indexed by constants, so that they live in registers

mod finish;

use std::arch::x86_64::{
    __m256i, _mm256_add_epi32, _mm256_load_si256, _mm256_loadu_si256, _mm256_madd_epi16, _mm256_set1_epi32,
    _mm256_storeu_si256,
};

pub(in crate::integer) use self::finish::{Neurons, corrected, store_words, terms};
use super::{Group, LANES, Sink, Start};
use crate::integer::places::Place;

/// Positions of a full tile: twelve vectors of sums, with two of weights and two more, are all sixteen registers.
const TILE: usize = 6;

/// A vector of channels at some positions.
type Sums<const P: usize> = [[__m256i; 2]; P];

/// What a group's results are made of.
#[derive(Clone, Copy)]
struct Work<'a> {
    x: &'a [i16],
    group: &'a Group<i16>,
    start: Start<'a>,
    origin: Place,
}

/// Computes places a tile at a time. Here are indices and no iterators: a closure, or an iterator's function, that is
/// not inlined does not have the instructions.
///
/// # Safety
/// The machine has AVX2 and FMA; the bounds are those that [`super::tiles`] checks; the group has one vector of channels.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn tiles(
    x: &[i16],
    group: &Group<i16>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    let work = Work { x, group, start, origin };
    let more = start.map.is_some() || start.skip.is_some();
    // SAFETY: as the caller promises.
    unsafe {
        match sink {
            Sink::Sums(out) => all::<Raw>(work, places, &(out.as_mut_ptr(), more)),
            Sink::Codes { codes, negative, high, rule } => {
                let wide = high.is_some() || rule.correction.is_some();
                let to = (codes.as_mut_ptr(), Neurons::new(rule, group.first, *negative, *high));
                match (more, rule.signed, wide) {
                    (false, false, false) => all::<Coded<false, false, false>>(work, places, &to),
                    (false, true, false) => all::<Coded<false, true, false>>(work, places, &to),
                    (true, false, false) => all::<Coded<true, false, false>>(work, places, &to),
                    (true, true, false) => all::<Coded<true, true, false>>(work, places, &to),
                    (_, false, true) => all::<Coded<true, false, true>>(work, places, &to),
                    (_, true, true) => all::<Coded<true, true, true>>(work, places, &to),
                }
            }
        }
    }
}

/// What becomes of sums: a type of its own for each kind, so that the whole way of a tile is one function, in registers.
trait End {
    /// Where it goes.
    type To;

    /// Takes the sums of a vector of channels at a position.
    ///
    /// # Safety
    /// As for [`tiles`].
    unsafe fn put(work: Work<'_>, place: &Place, sums: [__m256i; 2], to: &Self::To);
}

/// Sums are stored, perhaps with further terms.
struct Raw;

impl End for Raw {
    type To = (*mut i32, bool);

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn put(work: Work<'_>, place: &Place, sums: [__m256i; 2], &(out, more): &Self::To) {
        // SAFETY: as the caller promises.
        unsafe {
            let [low, high] = if more { added(work, place, sums) } else { sums };
            let out = out.add(work.origin.write + place.write + work.group.first * LANES);
            _mm256_storeu_si256(out.cast(), low);
            _mm256_storeu_si256(out.add(8).cast(), high);
        }
    }
}

/// Sums become codes, with further terms or without them, with sign or without, of two bytes (or corrected) or of one.
struct Coded<const MORE: bool, const SIGNED: bool, const WIDE: bool>;

impl<const MORE: bool, const SIGNED: bool, const WIDE: bool> End for Coded<MORE, SIGNED, WIDE> {
    type To = (*mut u8, Neurons);

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    unsafe fn put(work: Work<'_>, place: &Place, sums: [__m256i; 2], (codes, neurons): &Self::To) {
        // SAFETY: as the caller promises.
        unsafe {
            let sums = if MORE { added(work, place, sums) } else { sums };
            let to = codes.add(work.origin.write + place.write + work.group.first * LANES);
            neurons.put::<SIGNED, WIDE>(sums, to);
        }
    }
}

/// Sums with the map and the shortcut.
///
/// # Safety
/// As for [`tiles`].
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn added(work: Work<'_>, place: &Place, [low, high]: [__m256i; 2]) -> [__m256i; 2] {
    let place = place.plus(work.origin);
    // SAFETY: as the caller promises.
    let more = unsafe { [0, 1].map(|half| terms(work.start, place, work.group.first, half)) };
    [_mm256_add_epi32(low, more[0]), _mm256_add_epi32(high, more[1])]
}

/// # Safety
/// As for [`tiles`].
#[target_feature(enable = "avx2,fma")]
unsafe fn all<E: End>(work: Work<'_>, places: &[Place], to: &E::To) {
    let mut at = 0;
    while at < places.len() {
        // SAFETY: as the caller promises.
        unsafe {
            at += match places.len() - at {
                1 => tile::<E, 1>(work, &places[at..], to),
                2 => tile::<E, 2>(work, &places[at..], to),
                3 => tile::<E, 3>(work, &places[at..], to),
                4 | 5 => tile::<E, 4>(work, &places[at..], to),
                _ => tile::<E, TILE>(work, &places[at..], to),
            };
        }
    }
}

/// The results of the first `P` places. Gives `P`.
///
/// # Safety
/// As for [`tiles`]; there are `P` places.
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile<E: End, const P: usize>(work: Work<'_>, places: &[Place], to: &E::To) -> usize {
    let Work { x, group, start, origin } = work;
    // SAFETY: all reads and writes are within the bounds that the caller has checked.
    unsafe {
        let mut bases = [x.as_ptr(); P];
        for p in 0..P {
            bases[p] = bases[p].add(origin.read + places.get_unchecked(p).read);
        }
        let bias = start.bias.as_ptr().add(group.first).cast::<i32>();
        let bias = [_mm256_loadu_si256(bias.cast()), _mm256_loadu_si256(bias.add(8).cast())];
        let sums = accumulated::<P>(&bases, group, [bias; P]);
        for p in 0..P {
            E::put(work, places.get_unchecked(p), sums[p], to);
        }
    }
    P
}

/// Sums with the products of a group's weights.
///
/// # Safety
/// As for [`tile`]: every run of the group lies within what a base points to, and there is a line for each quad.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn accumulated<const P: usize>(bases: &[*const i16; P], group: &Group<i16>, mut sums: Sums<P>) -> Sums<P> {
    let mut line = group.lines.as_ptr().cast::<__m256i>();
    // SAFETY: all reads are within the bounds that the caller has checked.
    unsafe {
        for run in &group.runs {
            let (mut offset, end) = (run.offset, run.offset + 4 * run.quads);
            while offset < end {
                for pair in 0..2 {
                    let weights = [_mm256_load_si256(line), _mm256_load_si256(line.add(1))];
                    line = line.add(2);
                    for p in 0..P {
                        let codes = _mm256_set1_epi32(bases[p].add(offset + 2 * pair).cast::<i32>().read_unaligned());
                        for half in 0..2 {
                            let products = _mm256_madd_epi16(codes, weights[half]);
                            sums[p][half] = _mm256_add_epi32(sums[p][half], products);
                        }
                    }
                }
                offset += 4;
            }
        }
    }
    sums
}
