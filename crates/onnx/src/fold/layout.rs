use spikeconverter_graph::volume;

use super::operands;
use crate::context::{Context, Done, axes, axis, extents};
use crate::ops::{Outcome, copied_zeros, permutation};
use crate::problem::{Problem, invalid, unsupported};
use crate::report::NodeStatus;
use crate::value::{Constant, Kind, Number, broadcast, strides};

/// Extents of a constant; they cannot contain the batch size.
fn plain_extents(numbers: &[Number], what: &str) -> Result<Vec<usize>, Problem> {
    let list: Option<Vec<i64>> = numbers.iter().map(|n| n.as_plain().map(|x| x as i64)).collect();
    let list = list.ok_or_else(|| {
        unsupported(format!("it makes a constant whose {what} contains the batch size"))
            .remedy("export with a fixed batch size of 1")
    })?;
    extents(&list, what)
}

pub(crate) fn reshape(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let target = ctx.constant(1, "shape")?.to_numbers();
    let own: Vec<Number> = input.shape().iter().map(|&n| Number::plain(n as f64)).collect();
    let mut target = copied_zeros(&target, &own, ctx.flag("allowzero"))?;
    if let Some(open) = target.iter().position(|n| n.value == -1.0) {
        target[open] = Number::plain(1.0);
        let others = plain_extents(&target, "shape")?.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let fill = others.filter(|&n| n > 0).map_or(0, |n| input.len() / n);
        target[open] = Number::plain(fill as f64);
    }
    Ok(Done::folded(input.reshaped(plain_extents(&target, "shape")?)?))
}

pub(crate) fn flatten(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let rank = input.shape().len();
    let split = ctx.int("axis", 1);
    let split = if split == rank as i64 { rank } else { axis(split, rank)? };
    let shape = vec![volume(&input.shape()[..split]), volume(&input.shape()[split..])];
    Ok(Done::folded(input.reshaped(shape)?))
}

pub(crate) fn squeeze(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let own = input.shape();
    let gone = match ctx.ints_either("axes", 1)? {
        Some(list) => axes(&list, own.len())?,
        None => (0..own.len()).filter(|&axis| own[axis] == 1).collect(),
    };
    let shape = (0..own.len()).filter(|axis| !gone.contains(axis)).map(|axis| own[axis]).collect();
    Ok(Done::folded(input.reshaped(shape)?))
}

pub(crate) fn unsqueeze(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let list = ctx.ints_either("axes", 1)?.ok_or_else(|| invalid("its axes are missing"))?;
    let mut shape = input.shape().to_vec();
    for axis in axes(&list, shape.len() + list.len())? {
        shape.insert(axis, 1);
    }
    Ok(Done::folded(input.reshaped(shape)?))
}

pub(crate) fn transpose(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let perm = permutation(ctx, input.shape().len())?;
    ctx.charge(input.len())?;
    Ok(Done::folded(input.transposed(&perm)))
}

pub(crate) fn concat(ctx: &mut Context<'_>) -> Outcome {
    let parts = operands(ctx)?;
    let first = parts.first().ok_or_else(|| invalid("it has no operand"))?;
    let along = axis(ctx.int("axis", 1), first.shape().len())?;
    let mut shape = first.shape().to_vec();
    shape[along] = 0;
    for part in &parts {
        let own = part.shape();
        let fits = own.len() == shape.len() && (0..own.len()).all(|axis| axis == along || own[axis] == shape[axis]);
        if !fits {
            return Err(invalid(format!("operands of shapes {:?} and {own:?}", first.shape())));
        }
        shape[along] = shape[along].checked_add(own[along]).ok_or(Problem::TooLarge)?;
    }
    ctx.charge_shape(&shape)?;
    let outer = volume(&shape[..along]);
    let blocks: Vec<usize> = parts.iter().map(|part| volume(&part.shape()[along..])).collect();
    if let Some(tensors) = parts.iter().map(floats).collect::<Option<Vec<_>>>() {
        let data = (0..outer).flat_map(|row| {
            let parts = tensors.iter().zip(&blocks);
            parts.flat_map(move |(data, &block)| data[row * block..][..block].iter().copied())
        });
        let data = data.collect();
        return Ok(Done::folded(Constant::floats(shape, data)));
    }
    let numbers: Vec<Vec<Number>> = parts.iter().map(Constant::to_numbers).collect();
    let mut data = Vec::with_capacity(volume(&shape));
    for row in 0..outer {
        for (part, &block) in numbers.iter().zip(&blocks) {
            data.extend_from_slice(&part[row * block..][..block]);
        }
    }
    let kind = if parts.iter().any(|part| part.kind() == Kind::Float) { Kind::Float } else { first.kind() };
    Ok(Done::folded(Constant::numbers(shape, data, kind)))
}

fn floats(constant: &Constant) -> Option<&[f32]> {
    match constant {
        Constant::Floats(tensor) => Some(tensor.data()),
        Constant::Numbers { .. } => None,
    }
}

pub(crate) fn expand(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let target = plain_extents(&ctx.constant(1, "shape")?.to_numbers(), "shape")?;
    let shape = broadcast([input.shape(), target.as_slice()].into_iter())?;
    ctx.charge_shape(&shape)?;
    Ok(Done::folded(input.broadcast_to(&shape).ok_or_else(|| invalid("its shapes do not broadcast"))?))
}

pub(crate) fn tile(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let repeats = plain_extents(&ctx.constant(1, "repeats")?.to_numbers(), "repeats")?;
    let own = input.shape();
    if repeats.len() != own.len() {
        return Err(invalid(format!("{} repeats for {} axes", repeats.len(), own.len())));
    }
    let mut shape = Vec::with_capacity(own.len());
    for (&extent, &count) in own.iter().zip(&repeats) {
        shape.push(extent.checked_mul(count).ok_or(Problem::TooLarge)?);
    }
    ctx.charge_shape(&shape)?;
    // Each axis seen as (repeat, element), the repeats without a step.
    let split: Vec<usize> = own.iter().zip(&repeats).flat_map(|(&extent, &count)| [count, extent]).collect();
    let steps: Vec<isize> = strides(own).into_iter().flat_map(|step| [0, step]).collect();
    Ok(Done::folded(input.view(split, &steps, 0).reshaped(shape)?))
}

/// Parts of a constant along an axis, from start and extent.
pub(super) fn part(input: &Constant, along: usize, start: usize, step: isize, count: usize) -> Constant {
    let mut steps = strides(input.shape());
    let offset = start * steps[along] as usize;
    steps[along] *= step;
    let mut shape = input.shape().to_vec();
    shape[along] = count;
    input.view(shape, &steps, offset)
}

/// Several results at once.
pub(super) fn results(constants: Vec<Constant>) -> Done {
    Done { outputs: constants.into_iter().map(crate::value::Value::Constant).collect(), status: NodeStatus::Folded }
}
