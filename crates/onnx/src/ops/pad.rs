use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axis, check_extent};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Data, across_samples};

/// Elements added before and after each axis of the sample; negative where they are cut off.
struct Amounts {
    before: Vec<i64>,
    after: Vec<i64>,
}

fn amounts(ctx: &Context<'_>, input: &Data) -> Result<Amounts, Problem> {
    let rank = input.rank();
    let pads = if ctx.opset < 11 {
        ctx.ints("pads").or_else(|| ctx.ints("paddings")).map(<[i64]>::to_vec)
    } else {
        ctx.optional_constant(1, "pads")?.map(|pads| pads.to_integers("pads")).transpose()?
    };
    let pads = pads.ok_or_else(|| invalid("its pads are missing"))?;
    let axes = match ctx.optional_constant(3, "axes")? {
        None => (0..rank).collect(),
        Some(axes) => {
            let list = axes.to_integers("axes")?;
            list.iter().map(|&a| axis(a, rank)).collect::<Result<Vec<_>, _>>()?
        }
    };
    if pads.len() != 2 * axes.len() {
        return Err(invalid(format!("{} pads for {} axes", pads.len(), axes.len())));
    }
    let mut result = Amounts { before: vec![0; input.shape.len()], after: vec![0; input.shape.len()] };
    for (i, &axis) in axes.iter().enumerate() {
        let (before, after) = (pads[i], pads[axes.len() + i]);
        match input.sample_axis(axis) {
            Some(own) => (result.before[own], result.after[own]) = (before, after),
            None if before == 0 && after == 0 => {}
            None => return Err(across_samples("pads the batch axis")),
        }
    }
    Ok(result)
}

pub(super) fn pad(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let Amounts { before, after } = amounts(ctx, &input)?;
    if before.iter().chain(&after).all(|&n| n == 0) {
        return Ok(Done::removed(input));
    }
    let mode = ctx.text("mode", "constant");
    let node = match mode.as_str() {
        "constant" => {
            let value = if ctx.opset < 11 {
                ctx.float("value", 0.0)
            } else {
                ctx.optional_constant(2, "padding value")?.map_or(Ok(0.0), |v| v.to_scalar("its padding value"))?
            };
            constant(ctx, &input, &before, &after, value)?
        }
        "reflect" => mapped(ctx, &input, &before, &after, reflected)?,
        "edge" => mapped(ctx, &input, &before, &after, |i, n| i.clamp(0, n - 1))?,
        "wrap" => mapped(ctx, &input, &before, &after, i64::rem_euclid)?,
        other => return Err(unsupported(format!("padding mode `{other}` does not exist here"))),
    };
    Ok(Done::imported(ctx.value(node, input.batch)))
}

type Node = spikeconverter_graph::NodeId;

/// Padding with a value; what a negative amount cuts off goes first.
fn constant(ctx: &mut Context<'_>, input: &Data, before: &[i64], after: &[i64], value: f32) -> Result<Node, Problem> {
    let cut = |amounts: &[i64]| -> Vec<i64> { amounts.iter().map(|&n| n.min(0)).collect() };
    let added = |amounts: &[i64]| -> Vec<usize> { amounts.iter().map(|&n| n.max(0) as usize).collect() };
    let mut node = input.node;
    if before.iter().chain(after).any(|&n| n < 0) {
        node = mapped(ctx, input, &cut(before), &cut(after), |i, _| i)?;
    }
    let pad = ops::Pad { before: added(before), after: added(after), value };
    if pad.before.iter().chain(&pad.after).any(|&n| n > 0) {
        node = ctx.emit(Op::Pad(pad), &[node])?;
    }
    Ok(node)
}

/// Padding with elements of the axis itself; `source` says which, for an index that may lie beyond it.
fn mapped(
    ctx: &mut Context<'_>,
    input: &Data,
    before: &[i64],
    after: &[i64],
    source: fn(i64, i64) -> i64,
) -> Result<Node, Problem> {
    let mut maps = Vec::with_capacity(input.shape.len());
    for (axis, &extent) in input.shape.iter().enumerate() {
        if before[axis] == 0 && after[axis] == 0 {
            maps.push(None);
            continue;
        }
        let n = extent as i64;
        let total = before[axis].checked_add(after[axis]).and_then(|pad| pad.checked_add(n)).unwrap_or(i64::MAX);
        check_extent(usize::try_from(total).map_err(|_| invalid("it cuts off more than there is"))?)?;
        let start = before[axis].checked_neg().ok_or_else(|| invalid("its pads overflow"))?;
        maps.push(Some((start..start.saturating_add(total)).map(|i| source(i, n) as usize).collect()));
    }
    ctx.emit(Op::Select(ops::Select { maps }), &[input.node])
}

/// The index mirrored at both ends, the ends themselves not repeated.
fn reflected(index: i64, extent: i64) -> i64 {
    if extent == 1 {
        return 0;
    }
    let period = 2 * (extent - 1);
    let index = index.rem_euclid(period);
    if index < extent { index } else { period - index }
}

#[cfg(test)]
mod tests {
    use super::reflected;

    #[test]
    fn reflection() {
        let indices: Vec<i64> = (-3..7).map(|i| reflected(i, 4)).collect();
        assert_eq!(indices, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
    }
}
