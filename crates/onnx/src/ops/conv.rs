use spikeconverter_graph::{Op, Tensor, ops};

use super::Outcome;
use super::window::{AutoPad, channelled, split_padding, window};
use crate::context::{Context, Done, extents};
use crate::problem::{Problem, invalid, unsupported};

/// The weight with its kernel, checked against the attribute. `rank` is the input's, at least 3.
fn weight(ctx: &Context<'_>, rank: usize) -> Result<(Tensor, Vec<usize>), Problem> {
    let weight = ctx.tensor(1, "weight")?;
    if weight.shape().len() != rank {
        return Err(invalid(format!("weight of shape {:?} for an input of {rank} axes", weight.shape())));
    }
    let kernel = weight.shape()[2..].to_vec();
    if let Some(given) = ctx.ints("kernel_shape")
        && extents(given, "kernel_shape")? != kernel
    {
        return Err(invalid(format!("kernel_shape {given:?} contradicts the weight's shape {:?}", weight.shape())));
    }
    Ok((weight, kernel))
}

fn groups(ctx: &Context<'_>) -> Result<usize, Problem> {
    usize::try_from(ctx.int("group", 1)).ok().filter(|&g| g > 0).ok_or_else(|| invalid("its group must be positive"))
}

fn bias(ctx: &Context<'_>) -> Result<Option<Tensor>, Problem> {
    ctx.optional_constant(2, "bias")?.map(|bias| bias.to_tensor()).transpose()
}

pub(super) fn conv(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let channels = channelled(ctx, &input)?;
    let (weight, kernel) = weight(ctx, input.rank())?;
    let window = window(ctx, kernel, &ctx.shape(channels.node)[1..])?;
    let op = ops::Conv { weight, bias: bias(ctx)?, window, groups: groups(ctx)? };
    let node = ctx.emit(Op::Conv(op), &[channels.node])?;
    Ok(Done::imported(channels.restore(ctx, node)?))
}

pub(super) fn conv_transpose(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let channels = channelled(ctx, &input)?;
    let (weight, kernel) = weight(ctx, input.rank())?;
    let rank = kernel.len();
    let spatial = ctx.shape(channels.node)[1..].to_vec();
    let mut window = window(ctx, kernel, &spatial)?;
    let mut output_padding = match ctx.ints("output_padding") {
        None => vec![0; rank],
        Some(given) if given.len() == rank => extents(given, "output_padding")?,
        Some(given) => return Err(invalid(format!("its output_padding {given:?} should have {rank} entries"))),
    };
    let auto_pad = AutoPad::of(ctx)?;
    let wanted = match ctx.ints("output_shape") {
        // Some writers give batch and channels too.
        Some(given) if given.len() == rank || given.len() == rank + 2 => {
            Some(extents(&given[given.len() - rank..], "output_shape")?)
        }
        Some(given) => return Err(invalid(format!("its output_shape {given:?} should have {rank} entries"))),
        None if matches!(auto_pad, AutoPad::SameUpper | AutoPad::SameLower) => {
            Some(spatial.iter().zip(&window.stride).map(|(&n, &stride)| n.saturating_mul(stride)).collect())
        }
        None => None,
    };
    if let Some(wanted) = wanted {
        for axis in 0..rank {
            let full = (spatial[axis] - 1)
                .saturating_mul(window.stride[axis])
                .saturating_add(window.reach(axis))
                .saturating_add(output_padding[axis]);
            let total = full.saturating_sub(wanted[axis]);
            output_padding[axis] = output_padding[axis].saturating_add(wanted[axis].saturating_sub(full));
            (window.pad_begin[axis], window.pad_end[axis]) = split_padding(total, auto_pad);
        }
    }
    if output_padding.iter().any(|&n| n > 1 << 31) {
        return Err(unsupported(format!("its output padding {output_padding:?} is too large")));
    }
    let op = ops::ConvTranspose { weight, bias: bias(ctx)?, window, output_padding, groups: groups(ctx)? };
    let node = ctx.emit(Op::ConvTranspose(op), &[channels.node])?;
    Ok(Done::imported(channels.restore(ctx, node)?))
}
