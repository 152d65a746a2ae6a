use spikeconverter_graph::{Op, Tensor, ops, volume};

use super::Outcome;
use crate::context::{Context, Done, axes};
use crate::problem::{Problem, unsupported};
use crate::value::Data;

/// The axes that a reduction names: an attribute in old operator sets, an input since `input_since`.
pub(crate) fn reduced_axes(ctx: &Context<'_>, rank: usize) -> Result<Vec<usize>, Problem> {
    match ctx.ints_either("axes", 1)? {
        Some(list) if !list.is_empty() => axes(&list, rank),
        _ if ctx.flag("noop_with_empty_axes") => Ok(Vec::new()),
        _ => Ok((0..rank).collect()),
    }
}

fn keeps(ctx: &Context<'_>) -> bool {
    ctx.int("keepdims", 1) != 0
}

/// Batch axis after some axes are gone.
fn batch_after(input: &Data, gone: &[usize], keep: bool) -> Option<usize> {
    input.batch.map(|batch| if keep { batch } else { batch - gone.iter().filter(|&&axis| axis < batch).count() })
}

pub(super) fn mean(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let axes = reduced_axes(ctx, input.rank())?;
    mean_over(ctx, input, &axes, keeps(ctx))
}

/// Mean over axes of the file's tensor.
pub(super) fn mean_over(ctx: &mut Context<'_>, input: Data, axes: &[usize], keep: bool) -> Outcome {
    if axes.is_empty() {
        return Ok(Done::removed(input));
    }
    let own = axes.iter().map(|&axis| input.own_axis(axis)).collect::<Result<Vec<_>, _>>()?;
    let node = ctx.emit(Op::Mean(ops::Mean { axes: own, keep }), &[input.node])?;
    Ok(Done::imported(ctx.value(node, batch_after(&input, axes, keep))))
}

/// A sum is the mean times the number of elements.
pub(super) fn sum(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let axes = reduced_axes(ctx, input.rank())?;
    if axes.is_empty() {
        return Ok(Done::removed(input));
    }
    let own = axes.iter().map(|&axis| input.own_axis(axis)).collect::<Result<Vec<_>, _>>()?;
    let count: usize = own.iter().map(|&axis| input.shape[axis]).product();
    let keep = keeps(ctx);
    let node = ctx.emit_helper("mean", Op::Mean(ops::Mean { axes: own, keep }), &[input.node])?;
    let scale = Some(Tensor::full(vec![], count as f32));
    let node = ctx.emit(Op::Affine(ops::Affine { scale, shift: None }), &[node])?;
    Ok(Done::imported(ctx.value(node, batch_after(&input, &axes, keep))))
}

pub(super) fn max(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let axes = reduced_axes(ctx, input.rank())?;
    let keep = keeps(ctx);
    max_over(ctx, &input, &axes, keep)
}

/// Maximum over axes of the file's tensor: one window over all of them.
pub(super) fn max_over(ctx: &mut Context<'_>, input: &Data, axes: &[usize], keep: bool) -> Outcome {
    if axes.is_empty() {
        return Ok(Done::removed(input.clone()));
    }
    let own = axes.iter().map(|&axis| input.own_axis(axis)).collect::<Result<Vec<_>, _>>()?;
    let kept: Vec<usize> = (0..input.shape.len()).filter(|axis| !own.contains(axis)).collect();
    let reduced: Vec<usize> = own.iter().map(|&axis| input.shape[axis]).collect();
    let channels: usize = kept.iter().map(|&axis| input.shape[axis]).product();
    let window = volume(&reduced);
    if window > 1 << 20 && !(own.len() == 2 && kept == [0]) {
        return Err(unsupported(format!("it takes the maximum of {window} elements; the bound is {}", 1 << 20)));
    }
    let perm: Vec<usize> = kept.iter().chain(&own).copied().collect();
    let mut node = ctx.transpose(input.node, perm)?;
    // One channel axis and one or two spatial axes are what a pool takes; others are flattened.
    let spatial = if reduced.len() == 2 { reduced } else { vec![window] };
    let mut shape = vec![channels];
    shape.extend(&spatial);
    node = ctx.reshape(node, &shape)?;
    let op = ops::MaxPool { window: ops::Window::new(spatial), ceil: false };
    node = ctx.emit(Op::MaxPool(op), &[node])?;
    let extents = input.shape.iter().enumerate();
    let shape: Vec<usize> = if keep {
        extents.map(|(axis, &n)| if own.contains(&axis) { 1 } else { n }).collect()
    } else {
        extents.filter(|(axis, _)| !own.contains(axis)).map(|(_, &n)| n).collect()
    };
    let node = ctx.reshape(node, &shape)?;
    Ok(Done::imported(ctx.value(node, batch_after(input, axes, keep))))
}
