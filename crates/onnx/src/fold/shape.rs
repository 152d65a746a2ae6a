//! Constants from nothing: literals, shapes, ranges.

use spikeconverter_graph::volume;

use crate::context::{Context, Done};
use crate::ops::{Outcome, shape_part};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Constant, Kind, Number};

pub(crate) fn constant(ctx: &mut Context<'_>) -> Outcome {
    if let Some(tensor) = ctx.tensor_attribute("value") {
        return Ok(Done::folded(tensor?));
    }
    let constant = if ctx.has_attribute("value_float") {
        Constant::floats(vec![], vec![ctx.float("value_float", 0.0)])
    } else if let Some(values) = ctx.floats("value_floats") {
        Constant::floats(vec![values.len()], values.to_vec())
    } else if ctx.has_attribute("value_int") {
        Constant::numbers(vec![], vec![Number::plain(ctx.int("value_int", 0) as f64)], Kind::Integer)
    } else if let Some(values) = ctx.ints("value_ints") {
        Constant::integers(values.iter().copied())
    } else {
        return Err(unsupported("its value is text or a sparse tensor"));
    };
    Ok(Done::folded(constant))
}

pub(crate) fn shape(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let extents: Vec<Number> = input.shape().iter().map(|&n| Number::plain(n as f64)).collect();
    Ok(Done::folded(shape_part(ctx, &extents)))
}

pub(crate) fn size(ctx: &mut Context<'_>) -> Outcome {
    let len = ctx.constant(0, "input")?.len();
    Ok(Done::folded(Constant::numbers(vec![], vec![Number::plain(len as f64)], Kind::Integer)))
}

pub(crate) fn constant_of_shape(ctx: &mut Context<'_>) -> Outcome {
    let mut shape = Vec::new();
    for n in ctx.constant(0, "shape")?.to_numbers() {
        match n.as_plain() {
            Some(x) if x >= 0.0 => shape.push(x as usize),
            Some(_) => return Err(invalid("its shape has a negative entry")),
            None => {
                return Err(unsupported("it makes a constant whose shape contains the batch size")
                    .remedy("export with a fixed batch size of 1"));
            }
        }
    }
    let value = match ctx.tensor_attribute("value") {
        Some(value) => value?,
        None => Constant::floats(vec![1], vec![0.0]),
    };
    let total = ctx.charge_shape(&shape)?;
    debug_assert_eq!(total, volume(&shape));
    let one = value.reshaped(vec![]).map_err(|_| invalid("its value is not a single number"))?;
    let steps = vec![0; shape.len()];
    Ok(Done::folded(one.view(shape, &steps, 0)))
}

pub(crate) fn range(ctx: &mut Context<'_>) -> Outcome {
    let start = ctx.constant(0, "start")?;
    let kind = start.kind();
    let mut bounds = [0.0; 3];
    for (index, bound) in bounds.iter_mut().enumerate() {
        let constant = ctx.constant(index, "bound")?;
        *bound = match constant.to_numbers().as_slice() {
            [n] => n.as_plain().ok_or_else(|| {
                unsupported("it counts to the batch size").remedy("export with a fixed batch size of 1")
            })?,
            _ => return Err(invalid("its bounds must be single numbers")),
        };
    }
    let [start, limit, delta] = bounds;
    if delta == 0.0 || !bounds.iter().all(|b| b.is_finite()) {
        return Err(invalid(format!("it counts from {start} to {limit} by {delta}")));
    }
    let count = ((limit - start) / delta).ceil().max(0.0);
    if count > 1e9 {
        return Err(Problem::TooLarge);
    }
    ctx.charge(count as usize)?;
    let data: Vec<Number> = (0..count as usize).map(|i| Number::plain(start + i as f64 * delta)).collect();
    Ok(Done::folded(Constant::numbers(vec![data.len()], data, kind)))
}
