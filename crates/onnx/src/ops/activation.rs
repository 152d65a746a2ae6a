use spikeconverter_graph::{Op, Tensor, ops};

use super::Outcome;
use crate::context::{Context, Done};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Data, Operand, Value, align};

fn activation(ctx: &mut Context<'_>, input: &Data, activation: ops::Activation) -> Outcome {
    let node = ctx.emit(Op::Activation(activation), &[input.node])?;
    Ok(Done::imported(ctx.value(node, input.batch)))
}

pub(super) fn relu(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    activation(ctx, &input, ops::Activation::Relu)
}

pub(super) fn leaky_relu(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let slope = Tensor::full(vec![], ctx.float("alpha", 0.01));
    activation(ctx, &input, ops::Activation::Leaky { slope })
}

pub(super) fn prelu(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let slope = ctx.tensor(1, "slope")?;
    let aligned = align(&[
        Operand { shape: input.shape.clone(), batch: input.batch },
        Operand { shape: slope.shape().to_vec(), batch: None },
    ])?;
    if aligned.shape != input.shape {
        return Err(invalid(format!("slope of shape {:?} does not broadcast to its input", slope.shape())));
    }
    let slope = slope.reshaped(aligned.operands[1].clone()).expect("only extents of 1 were removed");
    activation(ctx, &input, ops::Activation::Leaky { slope })
}

/// Limits to `[low, high]`; the plain ReLU by its own name, no limit at all left out.
fn limit(ctx: &mut Context<'_>, input: Data, low: f32, high: f32) -> Outcome {
    if low == f32::NEG_INFINITY && high == f32::INFINITY {
        return Ok(Done::removed(input));
    }
    if low == 0.0 && high == f32::INFINITY {
        return activation(ctx, &input, ops::Activation::Relu);
    }
    // ONNX: where the bounds cross, the upper one is the result.
    let low = if low > high { high } else { low };
    activation(ctx, &input, ops::Activation::Clip { low, high })
}

pub(super) fn clip(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let bound = |ctx: &Context<'_>, index: usize, name: &str, default: f32| -> Result<f32, Problem> {
        if ctx.opset < 11 {
            return Ok(ctx.float(name, default));
        }
        ctx.optional_constant(index, name)?.map_or(Ok(default), |constant| constant.to_scalar(name))
    };
    // The old defaults are the extremes of float: no bound.
    let low = bound(ctx, 1, "min", f32::NEG_INFINITY)?;
    let high = bound(ctx, 2, "max", f32::INFINITY)?;
    let low = if low <= f32::MIN { f32::NEG_INFINITY } else { low };
    let high = if high >= f32::MAX { f32::INFINITY } else { high };
    limit(ctx, input, low, high)
}

/// `min(max(alpha · x + beta, 0), 1)`.
pub(super) fn hard_sigmoid(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let constant = |value| Some(Tensor::full(vec![], value));
    let affine = ops::Affine { scale: constant(ctx.float("alpha", 0.2)), shift: constant(ctx.float("beta", 0.5)) };
    let node = ctx.emit_helper("scale", Op::Affine(affine), &[input.node])?;
    let input = ctx.value(node, input.batch);
    activation(ctx, &input, ops::Activation::Clip { low: 0.0, high: 1.0 })
}

pub(super) fn max(ctx: &mut Context<'_>) -> Outcome {
    let (input, bound) = bounded(ctx, f32::max)?;
    limit(ctx, input, bound.unwrap_or(f32::NEG_INFINITY), f32::INFINITY)
}

pub(super) fn min(ctx: &mut Context<'_>) -> Outcome {
    let (input, bound) = bounded(ctx, f32::min)?;
    limit(ctx, input, f32::NEG_INFINITY, bound.unwrap_or(f32::INFINITY))
}

/// The one operand that is data, and the constants' joint bound.
fn bounded(ctx: &Context<'_>, join: fn(f32, f32) -> f32) -> Result<(Data, Option<f32>), Problem> {
    let mut data: Option<Data> = None;
    let mut bound: Option<f32> = None;
    for value in ctx.inputs() {
        match value {
            Value::Data(next) if data.is_none() => data = Some(next.clone()),
            Value::Constant(constant) => {
                let value = constant.to_scalar("its constant operand")?;
                bound = Some(bound.map_or(value, |b| join(b, value)));
            }
            _ => {
                return Err(unsupported("it compares two values that both depend on the input")
                    .remedy("a bound must be a constant; use MaxPool for a maximum over positions"));
            }
        }
    }
    data.map(|data| (data, bound)).ok_or_else(|| invalid("it has no operand"))
}
