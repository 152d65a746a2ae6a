use spikeconverter_graph::{Op, ops};

use super::window::{AutoPad, channelled, window};
use super::{Outcome, reduce};
use crate::context::{Context, Done, extents};
use crate::problem::{Problem, invalid, unsupported};

/// Kernel and rounding of a pool.
fn kernel(ctx: &Context<'_>) -> Result<(Vec<usize>, bool), Problem> {
    let kernel = ctx.ints("kernel_shape").ok_or_else(|| invalid("its kernel_shape is missing"))?;
    // With automatic padding the extent follows from the stride alone.
    let ceil = ctx.flag("ceil_mode") && AutoPad::of(ctx)? == AutoPad::NotSet;
    Ok((extents(kernel, "kernel_shape")?, ceil))
}

pub(super) fn max_pool(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    if ctx.is_needed(1) {
        return Err(unsupported("the positions of its maxima are used").remedy("use its values alone"));
    }
    let (kernel, ceil) = kernel(ctx)?;
    let channels = channelled(ctx, &input)?;
    let window = window(ctx, kernel, &ctx.shape(channels.node)[1..])?;
    let node = ctx.emit(Op::MaxPool(ops::MaxPool { window, ceil }), &[channels.node])?;
    Ok(Done::imported(channels.restore(ctx, node)?))
}

pub(super) fn average_pool(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let (kernel, ceil) = kernel(ctx)?;
    let channels = channelled(ctx, &input)?;
    let window = window(ctx, kernel, &ctx.shape(channels.node)[1..])?;
    let op = ops::AvgPool { window, ceil, count_include_pad: ctx.flag("count_include_pad") };
    let node = ctx.emit(Op::AvgPool(op), &[channels.node])?;
    Ok(Done::imported(channels.restore(ctx, node)?))
}

pub(super) fn global_average_pool(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let axes: Vec<usize> = (2..input.rank()).collect();
    reduce::mean_over(ctx, input, &axes, true)
}

pub(super) fn global_max_pool(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let axes: Vec<usize> = (2..input.rank()).collect();
    reduce::max_over(ctx, &input, &axes, true)
}
