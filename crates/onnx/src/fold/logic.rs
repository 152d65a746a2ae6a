//! Comparisons and choices, which exporters emit around shapes.

use std::cmp::Ordering;

use super::{expanded, pair};
use crate::context::{Context, Done};
use crate::ops::Outcome;
use crate::problem::invalid;
use crate::value::{Constant, Kind, Number};

fn truth(value: bool) -> Number {
    Number::plain(f64::from(value))
}

fn compared(ctx: &mut Context<'_>, holds: fn(Ordering) -> bool) -> Outcome {
    let (a, b) = pair(ctx)?;
    let data = a.to_numbers().into_iter().zip(b.to_numbers()).map(|(x, y)| Ok(truth(holds(x.compare(y)?))));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    Ok(Done::folded(Constant::numbers(a.shape().to_vec(), data, Kind::Bool)))
}

pub(crate) fn equal(ctx: &mut Context<'_>) -> Outcome {
    compared(ctx, Ordering::is_eq)
}

pub(crate) fn greater(ctx: &mut Context<'_>) -> Outcome {
    compared(ctx, Ordering::is_gt)
}

pub(crate) fn greater_or_equal(ctx: &mut Context<'_>) -> Outcome {
    compared(ctx, Ordering::is_ge)
}

pub(crate) fn less(ctx: &mut Context<'_>) -> Outcome {
    compared(ctx, Ordering::is_lt)
}

pub(crate) fn less_or_equal(ctx: &mut Context<'_>) -> Outcome {
    compared(ctx, Ordering::is_le)
}

fn joined(ctx: &mut Context<'_>, join: impl Fn(bool, bool) -> bool) -> Outcome {
    let (a, b) = pair(ctx)?;
    let data = a.to_numbers().into_iter().zip(b.to_numbers());
    let data = data.map(|(x, y)| truth(join(x.value != 0.0, y.value != 0.0))).collect();
    Ok(Done::folded(Constant::numbers(a.shape().to_vec(), data, Kind::Bool)))
}

pub(crate) fn and(ctx: &mut Context<'_>) -> Outcome {
    joined(ctx, |x, y| x && y)
}

pub(crate) fn or(ctx: &mut Context<'_>) -> Outcome {
    joined(ctx, |x, y| x || y)
}

pub(crate) fn not(ctx: &mut Context<'_>) -> Outcome {
    let operand = ctx.constant(0, "operand")?;
    ctx.charge(operand.len())?;
    let data = operand.to_numbers().into_iter().map(|x| truth(x.value == 0.0)).collect();
    Ok(Done::folded(Constant::numbers(operand.shape().to_vec(), data, Kind::Bool)))
}

/// Where: the second operand where the first holds, the third elsewhere.
pub(crate) fn choose(ctx: &mut Context<'_>) -> Outcome {
    let condition = ctx.constant(0, "condition")?;
    let (a, b) = (ctx.constant(1, "second operand")?, ctx.constant(2, "third operand")?);
    let (a, b) = expanded(ctx, &a, &b)?;
    let (condition, a) = expanded(ctx, &condition, &a)?;
    let b = b.broadcast_to(a.shape()).ok_or_else(|| invalid("its operands do not broadcast"))?;
    let kind = a.kind();
    let data = condition.to_numbers().into_iter().zip(a.to_numbers().into_iter().zip(b.to_numbers()));
    let data = data.map(|(holds, (a, b))| if holds.value == 0.0 { b } else { a }).collect();
    Ok(Done::folded(Constant::numbers(a.shape().to_vec(), data, kind)))
}
