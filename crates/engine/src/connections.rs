//! Linear operations without weights as connections with factors.

use spikeconverter_graph::ops::{Add, Affine};
use spikeconverter_graph::{Op, Tensor, volume};

use crate::fan_out::for_each_reading;
use crate::literal::shape::{broadcast_position, multi_index};

/// Connections that are listed at most (256 MiB).
pub(crate) const MOST_CONNECTIONS: usize = 1 << 25;

/// For each element `from` of input number `input` that an element `to` of the result reads: `(from, to, factor)`, in the
/// order of results or of inputs. `None` when `op` is no linear operation without weights, or there are too many.
pub(crate) fn connections(
    op: &Op,
    shapes: &[&[usize]],
    output: &[usize],
    input: usize,
) -> Option<Vec<(u32, u32, f64)>> {
    let factor: Box<dyn Fn(usize) -> f64> = match op {
        Op::Add(Add { coefficients }) => {
            let coefficient = f64::from(*coefficients.get(input)?);
            Box::new(move |_| coefficient)
        }
        Op::Affine(Affine { scale, .. }) => {
            let of = |scale: &Tensor, to| {
                f64::from(scale.data()[broadcast_position(scale.shape(), &multi_index(output, to))])
            };
            Box::new(move |to| scale.as_ref().map_or(1.0, |scale| of(scale, to)))
        }
        Op::AvgPool(pool) => {
            let divisor = |to| pool.divisor(&multi_index(output, to)[1..], &shapes[0][1..]);
            Box::new(move |to| 1.0 / f64::from(divisor(to)))
        }
        Op::Mean(_) => {
            let count = volume(shapes[0]) / volume(output).max(1);
            Box::new(move |_| 1.0 / count as f64)
        }
        Op::Concat(_) | Op::Reshape(_) | Op::Transpose(_) | Op::Select(_) | Op::Pad(_) => Box::new(|_| 1.0),
        _ => return None,
    };
    u32::try_from(volume(shapes[input]).max(volume(output))).ok()?;
    let mut found = Vec::new();
    let mut few = true;
    for_each_reading(op, shapes, output, |of, from, to| {
        few &= found.len() < MOST_CONNECTIONS;
        if of == input && few {
            found.push((from as u32, to as u32, factor(to)));
        }
    });
    few.then_some(found)
}
