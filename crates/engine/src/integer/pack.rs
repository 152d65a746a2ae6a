//! Weights in the order in which kernels read them, divided into passes whose sums fit 32 bits.

use std::ops::Range;

use super::geometry::Geometry;
use super::layout::{LANES, Layout, Planes};
use super::tile::{Group, Operand, Run};
use super::words::Words;

/// One walk over the input, which gives a sum for each result.
#[derive(Debug, Clone)]
pub(super) struct Pass<O: Operand> {
    pub(super) groups: Vec<Group<O>>,
    /// Of the result, a vector of channels each.
    pub(super) bias: Vec<[i32; LANES]>,
}

/// How large sums of absolute weights may be, for each pass to fit 32 bits.
#[derive(Debug, Clone)]
pub(super) struct Room {
    /// In the first pass, where other terms are added, for each channel of the result.
    pub(super) first: Vec<i64>,
    pub(super) later: i64,
}

/// Passes over one byte of the codes each.
pub(super) fn byte_passes(
    geometry: &Geometry,
    input: &Layout,
    planes: Planes,
    weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
    bias: &[i32],
) -> Vec<Pass<u8>> {
    let signs: &[i8] = if planes.signed { &[1, -1] } else { &[1] };
    let none = vec![[0; LANES]; geometry.vectors()];
    (0..planes.bytes)
        .map(|byte| {
            let planes: Vec<(usize, i8)> =
                signs.iter().enumerate().map(|(i, &sign)| ((i * planes.bytes + byte) * input.bytes(), sign)).collect();
            Pass {
                groups: groups(geometry, input, &planes, weight),
                bias: if byte == 0 { vectors(geometry, bias) } else { none.clone() },
            }
        })
        .collect()
}

/// Passes over codes as 16-bit numbers: one, or as many as there must be for their sums to fit.
pub(super) fn word_passes(
    geometry: &Geometry,
    input: &Layout,
    words: &Words,
    room: Option<&Room>,
    weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
    bias: &[i32],
) -> Vec<Pass<i16>> {
    let groups: Vec<Group<i16>> = groups(geometry, input, &[(0, 1)], weight);
    let parts: Vec<Vec<Group<i16>>> = match room {
        None => groups.into_iter().map(|group| vec![group]).collect(),
        Some(room) => groups.iter().map(|group| split(group, room)).collect(),
    };
    let count = parts.iter().map(Vec::len).max().unwrap_or(1);
    let empty = |of: &Group<i16>| Group { runs: Vec::new(), lines: Vec::new(), ..*of };
    (0..count)
        .map(|pass| {
            let groups: Vec<Group<i16>> =
                parts.iter().map(|parts| parts.get(pass).cloned().unwrap_or_else(|| empty(&parts[0]))).collect();
            let mut bias = if pass == 0 { vectors(geometry, bias) } else { vec![[0; LANES]; geometry.vectors()] };
            // what the shift takes off; on the way sums may leave 32 bits, which is made good at their end
            for group in &groups {
                for (lane, bias) in bias[group.first].iter_mut().enumerate() {
                    let total: i64 = group.lines.iter().flat_map(|line| i16::weights(line, lane)).map(i64::from).sum();
                    *bias = bias.wrapping_add((words.shift() * total) as i32);
                }
            }
            Pass { groups, bias }
        })
        .collect()
}

/// One value a channel of the result, in vectors.
fn vectors(geometry: &Geometry, values: &[i32]) -> Vec<[i32; LANES]> {
    let mut packed = vec![[0; LANES]; geometry.vectors()];
    for (channel, &value) in values.iter().enumerate() {
        packed[channel / LANES][channel % LANES] = value;
    }
    packed
}

/// Divides a group of one vector where its sums could leave 32 bits.
fn split(group: &Group<i16>, room: &Room) -> Vec<Group<i16>> {
    let empty = Group { runs: Vec::new(), lines: Vec::new(), ..*group };
    let mut parts = vec![empty.clone()];
    let mut totals = [0; LANES];
    let mut lines = group.lines.iter();
    for run in &group.runs {
        for (quad, line) in (0..run.quads).zip(&mut lines) {
            let added: [i64; LANES] =
                std::array::from_fn(|lane| i16::weights(line, lane).iter().map(|w| i64::from(w.abs())).sum());
            let first = parts.len() == 1;
            let limit = |lane: usize| match room.first.get(group.first * LANES + lane) {
                Some(&limit) if first => limit,
                _ => room.later,
            };
            if (0..LANES).any(|lane| totals[lane] + added[lane] > limit(lane)) {
                parts.push(empty.clone());
                totals = [0; LANES];
            }
            totals.iter_mut().zip(added).for_each(|(total, more)| *total += more);
            let offset = run.offset + 4 * quad;
            if let Some(part) = parts.last_mut() {
                part.lines.push(*line);
                match part.runs.last_mut() {
                    Some(last) if last.offset + 4 * last.quads == offset && quad > 0 => last.quads += 1,
                    _ => part.runs.push(Run { offset, quads: 1 }),
                }
            }
        }
    }
    parts
}

/// Packs all weights. `planes` are where the planes that are read begin, with their signs.
fn groups<O: Operand>(
    geometry: &Geometry,
    input: &Layout,
    planes: &[(usize, i8)],
    weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
) -> Vec<Group<O>> {
    let vectors = geometry.vectors();
    // groups of channels have inputs of their own, so that their vectors go one by one
    let most = if geometry.groups == 1 { O::VECTORS } else { 1 };
    let parts = vectors.div_ceil(most);
    let range = |part: usize| part * vectors / parts..(part + 1) * vectors / parts;
    (0..parts).map(|part| group(geometry, input, planes, range(part), weight)).collect()
}

/// Packs the weights of some vectors of result channels. `planes` are where the planes begin, with their signs.
fn group<O: Operand>(
    geometry: &Geometry,
    input: &Layout,
    planes: &[(usize, i8)],
    vectors: Range<usize>,
    weight: &impl Fn(usize, usize, [usize; 2]) -> i8,
) -> Group<O> {
    let [inputs, outputs] = geometry.channels.map(|n| n / geometry.groups);
    let last = (vectors.end * LANES).min(geometry.channels[1]) - 1;
    // the input channels of the groups that these results belong to, in fours
    let from = vectors.start * LANES / outputs * inputs / 4 * 4;
    let to = ((last / outputs + 1) * inputs).next_multiple_of(4).min(input.stored);
    // a row of the kernel is one run where its taps are neighbours and all their channels count
    let joined = geometry.dilation[1] == 1 && to - from == input.stored;
    let mut runs = Vec::new();
    let mut lines = Vec::new();
    for &(plane, sign) in planes {
        for ky in 0..geometry.kernel[0] {
            for kx in 0..geometry.kernel[1] {
                let [y, x] = [0, 1].map(|a| input.before[a] - geometry.before[a] + [ky, kx][a] * geometry.dilation[a]);
                let offset = plane + y * input.row() + x * input.stored + from;
                match runs.last_mut() {
                    Some(Run { quads, .. }) if joined && kx > 0 => *quads += (to - from) / 4,
                    _ => runs.push(Run { offset, quads: (to - from) / 4 }),
                }
                for channel in (from..to).step_by(4) {
                    for vector in vectors.clone() {
                        lines.push(O::line(&std::array::from_fn(|lane| {
                            let result = vector * LANES + lane;
                            std::array::from_fn(|i| {
                                let own = result / outputs * inputs;
                                match (channel + i).checked_sub(own) {
                                    Some(c) if c < inputs && result < geometry.channels[1] => {
                                        sign * weight(result, c, [ky, kx])
                                    }
                                    _ => 0,
                                }
                            })
                        })));
                    }
                }
            }
        }
    }
    Group { first: vectors.start, vectors: vectors.len(), runs, lines }
}
