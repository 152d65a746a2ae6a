use super::layout::{part, results};
use crate::context::{Context, Done, axis};
use crate::ops::{Outcome, indices, parts, ranges};
use crate::problem::Problem;
use crate::value::{Constant, checked_volume};

pub(crate) fn slice(ctx: &mut Context<'_>) -> Outcome {
    let mut result = ctx.constant(0, "input")?;
    for range in ranges(ctx, result.shape().len())? {
        let (start, step, count) = range.on(result.shape()[range.axis]);
        // A step beyond the axis reaches no second element; without it no product overflows.
        let step = if count > 1 { step } else { 1 };
        ctx.charge(result.len())?;
        result = part(&result, range.axis, start, step, count);
    }
    Ok(Done::folded(result))
}

pub(crate) fn gather(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let chosen = ctx.constant(1, "indices")?;
    let along = axis(ctx.int("axis", 0), input.shape().len())?;
    let list = indices(&chosen.to_integers("indices")?, input.shape()[along])?;
    let mut shape = input.shape().to_vec();
    shape[along] = list.len();
    ctx.charge_shape(&shape)?;
    let outer: usize = shape[..along].iter().product();
    let inner: usize = shape[along + 1..].iter().product();
    let extent = input.shape()[along];
    let positions = (0..outer)
        .flat_map(|row| list.iter().map(move |&i| (row * extent + i) * inner))
        .flat_map(|start| start..start + inner);
    let mut result_shape = input.shape().to_vec();
    result_shape.splice(along..=along, chosen.shape().iter().copied());
    checked_volume(&result_shape).ok_or(Problem::TooLarge)?;
    Ok(Done::folded(match &input {
        Constant::Floats(tensor) => Constant::floats(result_shape, positions.map(|p| tensor.data()[p]).collect()),
        Constant::Numbers { data, kind, .. } => {
            Constant::numbers(result_shape, positions.map(|p| data[p]).collect(), *kind)
        }
    }))
}

pub(crate) fn split(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let along = axis(ctx.int("axis", 0), input.shape().len())?;
    ctx.charge(input.len())?;
    let mut start = 0;
    let mut constants = Vec::new();
    for size in parts(ctx, input.shape()[along])? {
        constants.push(part(&input, along, start, 1, size));
        start += size;
    }
    Ok(results(constants))
}
