//! Tiles as plain loops, which the compiler writes in the machine's vectors: what the other kernels are compared with.

use super::{Group, LANES, Operand, Sink, Start};
use crate::integer::places::Place;

#[allow(clippy::inline_always)] // belongs into a vectorised loop
#[inline(always)]
pub(super) fn tiles<O: Operand>(
    x: &[O],
    group: &Group<O>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    for place in places {
        let place = place.plus(origin);
        for n in 0..group.vectors {
            let vector = group.first + n;
            let mut sums = start.bias[vector];
            add_terms(start, place, vector, &mut sums);
            let mut lines = group.lines.iter().skip(n).step_by(group.vectors);
            for run in &group.runs {
                let codes = &x[place.read + run.offset..][..4 * run.quads];
                for (quad, line) in codes.chunks_exact(4).zip(&mut lines) {
                    let quad: [i32; 4] = [quad[0].into(), quad[1].into(), quad[2].into(), quad[3].into()];
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        let products = quad.iter().zip(O::weights(line, lane)).map(|(x, w)| x.wrapping_mul(w));
                        *sum = products.fold(*sum, i32::wrapping_add);
                    }
                }
            }
            store(&sums, vector, place, sink);
        }
    }
}

/// Adds the map and the shortcut. Sums may wrap on the way: what they end at fits.
#[allow(clippy::inline_always)] // likewise
#[inline(always)]
pub(in crate::integer) fn add_terms(start: Start<'_>, place: Place, vector: usize, sums: &mut [i32; LANES]) {
    if let Some(map) = start.map {
        let map = &map[place.map + vector * LANES..][..LANES];
        sums.iter_mut().zip(map).for_each(|(sum, more)| *sum = sum.wrapping_add(*more));
    }
    if let Some(skip) = start.skip {
        let at = place.skip + vector * LANES;
        let magnitude = |at: usize| {
            let high = skip.high.map_or(0, |high| i32::from(skip.codes[at + high]) << 8);
            i32::from(skip.codes[at]) + high
        };
        for (lane, (sum, factor)) in sums.iter_mut().zip(&skip.factors[vector]).enumerate() {
            let negative = skip.negative.map_or(0, |negative| magnitude(at + negative + lane));
            *sum = sum.wrapping_add(factor.wrapping_mul(magnitude(at + lane) - negative));
        }
    }
}

#[allow(clippy::inline_always)] // likewise
#[inline(always)]
pub(in crate::integer) fn store(sums: &[i32; LANES], vector: usize, place: Place, sink: &mut Sink<'_>) {
    let at = place.write + vector * LANES;
    match sink {
        Sink::Sums(out) => out[at..at + LANES].copy_from_slice(sums),
        Sink::Codes { codes, negative, high, rule } => {
            if rule.signed {
                let found = rule.magnitudes(vector, &sums.map(i32::wrapping_abs));
                let of = |sign: i32| -> [i32; LANES] {
                    std::array::from_fn(|lane| if sums[lane].signum() == sign { found[lane] } else { 0 })
                };
                put(&of(1), codes, at, *high);
                put(&of(-1), codes, at + *negative, *high);
            } else {
                put(&rule.magnitudes(vector, sums), codes, at, *high);
            }
        }
    }
}

/// Writes codes of a byte, or of two.
#[allow(clippy::inline_always)] // likewise
#[inline(always)]
fn put(found: &[i32; LANES], codes: &mut [u8], at: usize, high: Option<usize>) {
    for (code, &found) in codes[at..at + LANES].iter_mut().zip(found) {
        *code = found as u8;
    }
    if let Some(high) = high {
        for (code, &found) in codes[at + high..at + high + LANES].iter_mut().zip(found) {
            *code = (found >> 8) as u8;
        }
    }
}
