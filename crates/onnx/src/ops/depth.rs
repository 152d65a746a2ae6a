//! Channels to blocks of positions and back: reshape, transpose, reshape.

use spikeconverter_graph::{NodeId, Op, ops};

use super::Outcome;
use super::window::channelled;
use crate::context::{Context, Done};
use crate::problem::{Problem, invalid};

fn block(ctx: &Context<'_>) -> Result<usize, Problem> {
    usize::try_from(ctx.int("blocksize", 0))
        .ok()
        .filter(|&n| n > 0 && n < 1 << 16)
        .ok_or_else(|| invalid("its blocksize must be positive"))
}

fn permuted(
    ctx: &mut Context<'_>,
    node: NodeId,
    split: &[usize],
    perm: &[usize],
    shape: &[usize],
) -> Result<NodeId, Problem> {
    let node = ctx.reshape(node, split)?;
    let node = ctx.emit(Op::Transpose(ops::Transpose { perm: perm.to_vec() }), &[node])?;
    ctx.reshape(node, shape)
}

pub(super) fn depth_to_space(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let b = block(ctx)?;
    let channels = channelled(ctx, &input)?;
    let &[c, h, w] = ctx.shape(channels.node) else {
        return Err(invalid("its input must have two spatial axes"));
    };
    if !c.is_multiple_of(b * b) {
        return Err(invalid(format!("{c} channels do not divide into blocks of {b} by {b}")));
    }
    let d = c / (b * b);
    let shape = [d, h * b, w * b];
    let node = match ctx.text("mode", "DCR").as_str() {
        "DCR" => permuted(ctx, channels.node, &[b, b, d, h, w], &[2, 3, 0, 4, 1], &shape)?,
        "CRD" => permuted(ctx, channels.node, &[d, b, b, h, w], &[0, 3, 1, 4, 2], &shape)?,
        other => return Err(invalid(format!("mode `{other}` does not exist"))),
    };
    Ok(Done::imported(channels.restore(ctx, node)?))
}

pub(super) fn space_to_depth(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let b = block(ctx)?;
    let channels = channelled(ctx, &input)?;
    let &[c, h, w] = ctx.shape(channels.node) else {
        return Err(invalid("its input must have two spatial axes"));
    };
    if !h.is_multiple_of(b) || !w.is_multiple_of(b) {
        return Err(invalid(format!("extents {h} by {w} do not divide into blocks of {b}")));
    }
    let (rows, columns) = (h / b, w / b);
    let split = [c, rows, b, columns, b];
    // Which lies outermost among the new channels: the position in the block, or the old channel.
    let perm = match ctx.text("mode", "DCR").as_str() {
        "DCR" => [2, 4, 0, 1, 3],
        "CRD" => [0, 2, 4, 1, 3],
        other => return Err(invalid(format!("mode `{other}` does not exist"))),
    };
    let node = permuted(ctx, channels.node, &split, &perm, &[c * b * b, rows, columns])?;
    Ok(Done::imported(channels.restore(ctx, node)?))
}
