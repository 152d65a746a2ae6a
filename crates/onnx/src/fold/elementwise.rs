use std::cmp::Ordering;

use super::{expanded, operands, pair};
use crate::context::{Context, Done};
use crate::ops::Outcome;
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Constant, Kind, Number};

type OnNumbers = fn(Number, Number, bool) -> Result<Number, Problem>;

/// Applies one function to floats, its counterpart to numbers (told whether they are integers).
fn combine(a: &Constant, b: &Constant, floats: fn(f32, f32) -> f32, numbers: OnNumbers) -> Result<Constant, Problem> {
    if let (Constant::Floats(x), Constant::Floats(y)) = (a, b) {
        let data = x.data().iter().zip(y.data()).map(|(&x, &y)| floats(x, y)).collect();
        return Ok(Constant::floats(x.shape().to_vec(), data));
    }
    let integer = a.kind() != Kind::Float && b.kind() != Kind::Float;
    let data = a.to_numbers().into_iter().zip(b.to_numbers()).map(|(x, y)| numbers(x, y, integer));
    let data = data.collect::<Result<Vec<_>, _>>()?;
    Ok(Constant::numbers(a.shape().to_vec(), data, if integer { Kind::Integer } else { Kind::Float }))
}

fn binary(ctx: &mut Context<'_>, floats: fn(f32, f32) -> f32, numbers: OnNumbers) -> Outcome {
    let (a, b) = pair(ctx)?;
    Ok(Done::folded(combine(&a, &b, floats, numbers)?))
}

fn several(ctx: &mut Context<'_>, floats: fn(f32, f32) -> f32, numbers: OnNumbers) -> Outcome {
    let mut operands = operands(ctx)?.into_iter();
    let mut result = operands.next().ok_or_else(|| invalid("it has no operand"))?;
    for next in operands {
        let (a, b) = expanded(ctx, &result, &next)?;
        result = combine(&a, &b, floats, numbers)?;
    }
    Ok(Done::folded(result))
}

pub(crate) fn add(ctx: &mut Context<'_>) -> Outcome {
    binary(ctx, |x, y| x + y, |x, y, _| x.add(y))
}

pub(crate) fn sub(ctx: &mut Context<'_>) -> Outcome {
    binary(ctx, |x, y| x - y, |x, y, _| x.add(y.neg()))
}

pub(crate) fn mul(ctx: &mut Context<'_>) -> Outcome {
    binary(ctx, |x, y| x * y, |x, y, _| x.mul(y))
}

pub(crate) fn div(ctx: &mut Context<'_>) -> Outcome {
    binary(ctx, |x, y| x / y, Number::div)
}

pub(crate) fn sum(ctx: &mut Context<'_>) -> Outcome {
    several(ctx, |x, y| x + y, |x, y, _| x.add(y))
}

pub(crate) fn max(ctx: &mut Context<'_>) -> Outcome {
    several(ctx, f32::max, |x, y, _| Ok(if x.compare(y)? == Ordering::Less { y } else { x }))
}

pub(crate) fn min(ctx: &mut Context<'_>) -> Outcome {
    several(ctx, f32::min, |x, y, _| Ok(if x.compare(y)? == Ordering::Greater { y } else { x }))
}

/// A function of plain numbers only.
fn plain(x: Number, y: Number, f: impl Fn(f64, f64) -> f64) -> Result<Number, Problem> {
    match (x.as_plain(), y.as_plain()) {
        (Some(x), Some(y)) => Ok(Number::plain(f(x, y))),
        _ => Err(unsupported("its result depends on the batch size").remedy("export with a fixed batch size of 1")),
    }
}

pub(crate) fn pow(ctx: &mut Context<'_>) -> Outcome {
    binary(ctx, f32::powf, |x, y, integer| plain(x, y, |x, y| if integer { x.powf(y).trunc() } else { x.powf(y) }))
}

pub(crate) fn modulo(ctx: &mut Context<'_>) -> Outcome {
    if ctx.flag("fmod") {
        return binary(ctx, |x, y| x % y, |x, y, _| plain(x, y, |x, y| x % y));
    }
    // The result has the divisor's sign.
    binary(
        ctx,
        |x, y| x - y * (x / y).floor(),
        |x, y, _| {
            if y.value == 0.0 {
                return Err(invalid("divides an integer by zero"));
            }
            plain(x, y, |x, y| x - y * (x / y).floor())
        },
    )
}

fn unary(ctx: &mut Context<'_>, floats: fn(f32) -> f32, numbers: fn(Number) -> Result<Number, Problem>) -> Outcome {
    let constant = ctx.constant(0, "operand")?;
    ctx.charge(constant.len())?;
    Ok(Done::folded(match &constant {
        Constant::Floats(tensor) => Constant::Floats(tensor.map(floats)),
        Constant::Numbers { shape, data, kind } => {
            let data = data.iter().map(|&n| numbers(n)).collect::<Result<Vec<_>, _>>()?;
            Constant::numbers(shape.clone(), data, *kind)
        }
    }))
}

fn alone(n: Number, f: fn(f64) -> f64) -> Result<Number, Problem> {
    plain(n, n, |x, _| f(x))
}

pub(crate) fn neg(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, |x| -x, |n| Ok(n.neg()))
}

pub(crate) fn abs(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::abs, |n| Ok(Number { value: n.value.abs(), ..n }))
}

pub(crate) fn sign(ctx: &mut Context<'_>) -> Outcome {
    unary(
        ctx,
        |x| if x == 0.0 { 0.0 } else { x.signum() },
        |n| Ok(Number::plain(if n.value == 0.0 { 0.0 } else { n.value.signum() })),
    )
}

pub(crate) fn floor(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::floor, |n| n.round_by(f64::floor))
}

pub(crate) fn ceil(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::ceil, |n| n.round_by(f64::ceil))
}

pub(crate) fn round(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::round_ties_even, |n| n.round_by(f64::round_ties_even))
}

pub(crate) fn sqrt(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::sqrt, |n| alone(n, f64::sqrt))
}

pub(crate) fn reciprocal(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::recip, |n| alone(n, f64::recip))
}

pub(crate) fn exp(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::exp, |n| alone(n, f64::exp))
}

pub(crate) fn log(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::ln, |n| alone(n, f64::ln))
}

pub(crate) fn tanh(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, f32::tanh, |n| alone(n, f64::tanh))
}

pub(crate) fn relu(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, |x| x.max(0.0), |n| Ok(Number { value: n.value.max(0.0), ..n }))
}

pub(crate) fn sigmoid(ctx: &mut Context<'_>) -> Outcome {
    unary(ctx, |x| 1.0 / (1.0 + (-x).exp()), |n| alone(n, |x| 1.0 / (1.0 + (-x).exp())))
}
