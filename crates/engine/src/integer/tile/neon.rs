//! Tiles of 16-bit codes with NEON: an instruction multiplies four channels' weights with one code and adds the products.
#![allow(unsafe_code)] // Vector instructions that every machine of this kind has, on pointers whose bounds are checked.

use std::arch::aarch64::{
    int32x4_t, vdupq_n_s32, vget_high_s16, vget_low_s16, vld1_s16, vld1q_s32, vld2q_s16, vmlal_lane_s16, vst1q_s32,
};

use super::portable::{add_terms, store};
use super::{Group, LANES, Sink, Start};
use crate::integer::places::Place;

/// Positions of a full tile: sixteen vectors of sums, beside which weights and codes find room.
const TILE: usize = 4;

/// Computes places a tile at a time.
///
/// # Safety
/// The bounds are those that [`super::tiles`] checks.
pub(super) unsafe fn tiles(
    x: &[i16],
    group: &Group<i16>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    for places in places.chunks(TILE) {
        // SAFETY: as the caller promises.
        unsafe {
            match places.len() {
                TILE => tile::<TILE>(x, group, start, places, origin, sink),
                _ => places.iter().for_each(|place| tile::<1>(x, group, start, &[*place], origin, sink)),
            }
        }
    }
}

/// The results of `P` places.
///
/// # Safety
/// As for [`tiles`]; there are `P` places, and the group has one vector of channels.
unsafe fn tile<const P: usize>(
    x: &[i16],
    group: &Group<i16>,
    start: Start<'_>,
    places: &[Place],
    origin: Place,
    sink: &mut Sink<'_>,
) {
    let mut sums = [start.bias[group.first]; P];
    let mut bases = [x.as_ptr(); P];
    for p in 0..P {
        let place = places[p].plus(origin);
        add_terms(start, place, group.first, &mut sums[p]);
        // SAFETY: places lie within the input: the caller has checked.
        bases[p] = unsafe { bases[p].add(place.read) };
    }
    // SAFETY: as the caller promises.
    unsafe { multiply(&bases, group, &mut sums) };
    for p in 0..P {
        store(&sums[p], group.first, places[p].plus(origin), sink);
    }
}

/// Adds the products of a group's weights.
///
/// # Safety
/// Every run of the group lies within what a base points to, and there is a line for each quad.
unsafe fn multiply<const P: usize>(bases: &[*const i16; P], group: &Group<i16>, results: &mut [[i32; LANES]; P]) {
    // SAFETY: all reads are within the bounds that the caller has checked; a vector of results is four of sums.
    unsafe {
        let mut sums: [[int32x4_t; 4]; P] = [[vdupq_n_s32(0); 4]; P];
        for p in 0..P {
            for n in 0..4 {
                sums[p][n] = vld1q_s32(results[p].as_ptr().add(4 * n));
            }
        }
        let mut line = group.lines.as_ptr().cast::<i16>();
        for run in &group.runs {
            for quad in 0..run.quads {
                let codes = bases.map(|base| vld1_s16(base.add(run.offset + 4 * quad)));
                macro_rules! pair {
                    ($first:literal, $second:literal) => {
                        for half in 0..2 {
                            // eight channels' weights of the first code, and of the second
                            let weights = vld2q_s16(line.add(16 * half));
                            let (first, second) = (weights.0, weights.1);
                            for p in 0..P {
                                let [low, high] = [2 * half, 2 * half + 1];
                                let sum = &mut sums[p];
                                sum[low] = vmlal_lane_s16::<$first>(sum[low], vget_low_s16(first), codes[p]);
                                sum[high] = vmlal_lane_s16::<$first>(sum[high], vget_high_s16(first), codes[p]);
                                sum[low] = vmlal_lane_s16::<$second>(sum[low], vget_low_s16(second), codes[p]);
                                sum[high] = vmlal_lane_s16::<$second>(sum[high], vget_high_s16(second), codes[p]);
                            }
                        }
                        line = line.add(2 * LANES);
                    };
                }
                pair!(0, 1);
                pair!(2, 3);
            }
        }
        for p in 0..P {
            for n in 0..4 {
                vst1q_s32(results[p].as_mut_ptr().add(4 * n), sums[p][n]);
            }
        }
    }
}
