//! Repetition along axes.

use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, check_extent, extents};
use crate::problem::invalid;
use crate::value::{Data, Dim, Operand, across_samples, align};

pub(super) fn expand(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let target = ctx.constant(1, "shape")?.to_numbers();
    let mut shape = Vec::with_capacity(target.len());
    let mut batch = None;
    for (axis, entry) in target.iter().enumerate() {
        if entry.power == 1 && entry.value == 1.0 && batch.is_none() {
            batch = Some(axis);
        } else {
            let plain = entry.as_plain().and_then(|n| if n < 0.0 { None } else { Some(n as usize) });
            shape.push(plain.ok_or_else(|| across_samples("repeats samples"))?);
        }
    }
    // A batch size spelled out in the target is the batch axis too.
    if batch.is_none()
        && let (Some(own), Some(declared)) = (input.batch, ctx.state.declared)
        && let Some(axis) = (shape.len() + own).checked_sub(input.rank())
        && shape[axis] == declared
    {
        shape[axis] = 1;
    }
    let aligned = align(&[Operand { shape: input.shape.clone(), batch: input.batch }, Operand { shape, batch }])?;
    let node = ctx.reshape(input.node, &aligned.operands[0])?;
    let node = ctx.expand(node, &aligned.shape)?;
    let data = Data { integer: input.integer, ..ctx.value(node, aligned.batch) };
    Ok(if node == input.node { Done::removed(data) } else { Done::imported(data) })
}

pub(super) fn tile(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let repeats = extents(&ctx.constant(1, "repeats")?.to_integers("repeats")?, "repeats")?;
    if repeats.len() != input.rank() {
        return Err(invalid(format!("{} repeats for {} axes", repeats.len(), input.rank())));
    }
    let mut maps = Vec::with_capacity(input.shape.len());
    let mut own = input.shape.iter();
    for (dim, &count) in input.dims().into_iter().zip(&repeats) {
        if dim == Dim::Batch {
            if count != 1 {
                return Err(across_samples("repeats samples"));
            }
            continue;
        }
        let extent = *own.next().expect("one extent an axis");
        if count == 1 {
            maps.push(None);
        } else {
            check_extent(extent.saturating_mul(count))?;
            maps.push(Some((0..extent * count).map(|i| i % extent).collect()));
        }
    }
    if maps.iter().all(Option::is_none) {
        return Ok(Done::removed(input));
    }
    let node = ctx.emit(Op::Select(ops::Select { maps }), &[input.node])?;
    Ok(Done::imported(Data { integer: input.integer, ..ctx.value(node, input.batch) }))
}
