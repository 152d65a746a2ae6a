//! Nonlinear read-outs.

use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axis};
use crate::value::Data;

pub(super) fn softmax(ctx: &mut Context<'_>) -> Outcome {
    normalised(ctx, false)
}

pub(super) fn log_softmax(ctx: &mut Context<'_>) -> Outcome {
    normalised(ctx, true)
}

fn normalised(ctx: &mut Context<'_>, log: bool) -> Outcome {
    let input = ctx.data(0, "input")?;
    let rank = input.rank();
    let named = if ctx.opset < 13 {
        // Up to opset 12 all axes from `axis` on are normalised together; `axis` may equal the rank.
        let first = ctx.int("axis", 1);
        let first = if first == rank as i64 { rank } else { axis(first, rank)? };
        (first..rank).collect()
    } else {
        vec![axis(ctx.int("axis", -1), rank)?]
    };
    let axes = named.iter().map(|&a| input.own_axis(a)).collect::<Result<Vec<_>, _>>()?;
    let node = ctx.emit(Op::Softmax(ops::Softmax { axes, log }), &[input.node])?;
    Ok(Done::imported(ctx.value(node, input.batch)))
}

pub(super) fn sigmoid(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let node = ctx.emit(Op::Sigmoid, &[input.node])?;
    Ok(Done::imported(ctx.value(node, input.batch)))
}

pub(super) fn argmax(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let along = axis(ctx.int("axis", 0), input.rank())?;
    let own = input.own_axis(along)?;
    let keep = ctx.int("keepdims", 1) != 0;
    let op = ops::ArgMax { axis: own, keep, select_last: ctx.flag("select_last_index") };
    let node = ctx.emit(Op::ArgMax(op), &[input.node])?;
    let batch = input.batch.map(|batch| if !keep && along < batch { batch - 1 } else { batch });
    Ok(Done::imported(Data { integer: true, ..ctx.value(node, batch) }))
}
