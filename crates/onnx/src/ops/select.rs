//! Choice of indices along axes: Slice, Gather, Split.

use spikeconverter_graph::{NodeId, Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axis, check_extent};
use crate::problem::{Problem, invalid, unsupported};
use crate::report::NodeStatus;
use crate::value::{Data, Value};

/// `start..end` by `step` along one axis of the file's tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) axis: usize,
    start: i64,
    end: i64,
    step: i64,
}

impl Range {
    /// First index, step and number of indices on an axis of extent `extent`, by the rules of ONNX for indices beyond it.
    pub(crate) fn on(self, extent: usize) -> (usize, isize, usize) {
        let n = extent as i64;
        let from_end = |i: i64| if i < 0 { i.saturating_add(n) } else { i };
        let (start, end) = (from_end(self.start), from_end(self.end));
        let count = if self.step > 0 {
            let (start, end) = (start.clamp(0, n), end.clamp(0, n));
            let span = (end - start).max(0) as u64;
            return (start as usize, self.step as isize, span.div_ceil(self.step.unsigned_abs()) as usize);
        } else {
            let (start, end) = (start.clamp(-1, n - 1), end.clamp(-1, n - 1));
            ((start - end).max(0) as u64).div_ceil(self.step.unsigned_abs()) as usize
        };
        (start.clamp(0, (n - 1).max(0)) as usize, self.step as isize, count)
    }

    fn is_everything(self) -> bool {
        self.start == 0 && self.step == 1 && self.end >= i64::from(i32::MAX)
    }
}

/// The ranges of a Slice node over a tensor of `rank` axes.
pub(crate) fn ranges(ctx: &Context<'_>, rank: usize) -> Result<Vec<Range>, Problem> {
    let list = |index: usize, name: &str| -> Result<Option<Vec<i64>>, Problem> {
        if ctx.opset < 10 {
            return Ok(ctx.ints(name).map(<[i64]>::to_vec));
        }
        ctx.optional_constant(index, name)?.map(|constant| constant.to_integers(name)).transpose()
    };
    let starts = list(1, "starts")?.ok_or_else(|| invalid("its starts are missing"))?;
    // The end of a slice of the batch axis may be the batch size itself.
    let ends = match ctx.input(2) {
        Some(Value::Constant(constant)) if ctx.opset >= 10 => constant
            .to_numbers()
            .iter()
            .map(|n| if n.power == 1 && n.value >= 1.0 { i64::MAX } else { n.value as i64 })
            .collect(),
        _ => list(2, "ends")?.ok_or_else(|| invalid("its ends are missing"))?,
    };
    let named = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), named.len(), steps.len()].iter().any(|&n| n != starts.len()) {
        return Err(invalid("its starts, ends, axes and steps differ in length"));
    }
    if steps.contains(&0) || steps.contains(&i64::MIN) {
        return Err(invalid("its steps hold an impossible value"));
    }
    (0..starts.len())
        .map(|i| Ok(Range { axis: axis(named[i], rank)?, start: starts[i], end: ends[i], step: steps[i] }))
        .collect()
}

/// Adds the selection unless it keeps everything.
fn selected(ctx: &mut Context<'_>, input: &Data, maps: Vec<Option<Vec<usize>>>) -> Result<NodeId, Problem> {
    let maps: Vec<_> = maps
        .into_iter()
        .zip(&input.shape)
        .map(|(map, &extent)| map.filter(|map| !map.iter().copied().eq(0..extent)))
        .collect();
    if maps.iter().all(Option::is_none) {
        return Ok(input.node);
    }
    ctx.emit(Op::Select(ops::Select { maps }), &[input.node])
}

fn done(ctx: &Context<'_>, input: &Data, node: NodeId, batch: Option<usize>) -> Done {
    let data = Data { integer: input.integer, ..ctx.value(node, batch) };
    if node == input.node { Done::removed(data) } else { Done::imported(data) }
}

pub(super) fn slice(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let mut maps = vec![None; input.shape.len()];
    for range in ranges(ctx, input.rank())? {
        let Some(own) = input.sample_axis(range.axis) else {
            let whole = range.is_everything() || ctx.state.declared.is_some_and(|n| range.on(n) == (0, 1, n));
            if whole {
                continue;
            }
            return Err(unsupported("it takes some samples of the batch")
                .remedy("slice the samples before they enter the network"));
        };
        let (start, step, count) = range.on(input.shape[own]);
        check_extent(count)?;
        let map: Vec<usize> = (0..count as isize).map(|i| (start as isize + i * step) as usize).collect();
        if maps[own].replace(map).is_some() {
            return Err(invalid("it slices one axis twice"));
        }
    }
    let node = selected(ctx, &input, maps)?;
    Ok(done(ctx, &input, node, input.batch))
}

/// Indices that may be counted from the end.
pub(crate) fn indices(list: &[i64], extent: usize) -> Result<Vec<usize>, Problem> {
    list.iter()
        .map(|&i| axis(i, extent).map_err(|_| invalid(format!("index {i} on an axis of extent {extent}"))))
        .collect()
}

pub(super) fn gather(ctx: &mut Context<'_>) -> Outcome {
    let input = match ctx.input(0) {
        Some(Value::Data(data)) => data.clone(),
        _ => {
            return Err(unsupported("it looks values up by data of each sample (an embedding)")
                .remedy("feed the embedded values as the network's input"));
        }
    };
    let chosen = ctx.constant(1, "indices")?;
    let along = axis(ctx.int("axis", 0), input.rank())?;
    let list = chosen.to_integers("indices")?;
    let Some(own) = input.sample_axis(along) else {
        if ctx.state.declared == Some(1) && list.iter().all(|&i| i == 0 || i == -1) && chosen.shape().is_empty() {
            return Ok(Done::removed(Data { batch: None, ..input }));
        }
        return Err(unsupported("it takes some samples of the batch")
            .remedy("choose the samples before they enter the network"));
    };
    let map = indices(&list, input.shape[own])?;
    let mut maps = vec![None; input.shape.len()];
    maps[own] = Some(map);
    let node = selected(ctx, &input, maps)?;
    // The axis gives way to the axes of the indices.
    let mut shape = input.shape.clone();
    shape.splice(own..=own, chosen.shape().iter().copied());
    let node = ctx.reshape(node, &shape)?;
    let batch = input.batch.map(|batch| if batch > along { batch + chosen.shape().len() - 1 } else { batch });
    Ok(done(ctx, &input, node, batch))
}

/// Extents of the parts of a Split node.
pub(crate) fn parts(ctx: &Context<'_>, extent: usize) -> Result<Vec<usize>, Problem> {
    let count = ctx.node.output.len();
    let given = if ctx.opset < 13 {
        ctx.ints("split").map(<[i64]>::to_vec)
    } else {
        ctx.optional_constant(1, "split")?.map(|constant| constant.to_integers("split")).transpose()?
    };
    if let Some(given) = given {
        let parts = crate::context::extents(&given, "split")?;
        let total = parts.iter().try_fold(0usize, |n, &part| n.checked_add(part));
        if parts.len() != count || total != Some(extent) {
            return Err(invalid(format!("it splits an extent of {extent} into {given:?} for {count} outputs")));
        }
        return Ok(parts);
    }
    if count == 0 {
        return Err(invalid("it has no outputs"));
    }
    // Equal parts; the last may be smaller.
    let size = extent.div_ceil(count);
    (0..count)
        .map(|i| {
            let part = extent.saturating_sub(i * size).min(size);
            if part == 0 {
                Err(invalid(format!("it splits an extent of {extent} into {count} parts")))
            } else {
                Ok(part)
            }
        })
        .collect()
}

pub(super) fn split(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let along = axis(ctx.int("axis", 0), input.rank())?;
    let own = input.own_axis(along)?;
    let mut start = 0;
    let mut outputs = Vec::new();
    for (index, size) in parts(ctx, input.shape[own])?.into_iter().enumerate() {
        check_extent(size)?;
        if ctx.is_needed(index) {
            let mut maps = vec![None; input.shape.len()];
            maps[own] = Some((start..start + size).collect());
            let node = selected(ctx, &input, maps)?;
            outputs.push(Value::Data(Data { integer: input.integer, ..ctx.value(node, input.batch) }));
        } else {
            outputs.push(Value::Foreign("it reads a part that nothing needs".into()));
        }
        start += size;
    }
    Ok(Done { outputs, status: NodeStatus::Imported })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_rules_for_indices_beyond_the_axis() {
        let on = |start, end, step| Range { axis: 0, start, end, step }.on(5);
        assert_eq!(on(1, 4, 1), (1, 1, 3));
        assert_eq!(on(0, i64::MAX, 2), (0, 2, 3));
        assert_eq!(on(-2, i64::MAX, 1), (3, 1, 2));
        assert_eq!(on(4, i64::MIN, -1), (4, -1, 5));
        assert_eq!(on(100, -100, -2), (4, -2, 3));
        assert_eq!(on(3, 1, 1).2, 0);
        assert_eq!(on(0, 5, -1).2, 0);
        assert_eq!(on(9, 20, 1).2, 0);
        assert_eq!(on(-9, 2, 1), (0, 1, 2));
        assert_eq!(on(-9, -20, -1).2, 0);
    }
}
