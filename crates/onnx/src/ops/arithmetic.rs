//! Sums of branches, and constant scales and shifts.

use spikeconverter_graph::{Op, Tensor, ops};

use super::Outcome;
use crate::context::{Context, Done};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Constant, Data, Operand, Value, align};

const PRODUCT: &str = "gating, squeeze-and-excitation and attention are not converted; use a network without them";

/// `Σ factor · branch`.
pub(super) fn weighted(ctx: &mut Context<'_>, branches: &[(Data, f32)]) -> Result<Data, Problem> {
    let operands: Vec<Operand> =
        branches.iter().map(|(data, _)| Operand { shape: data.shape.clone(), batch: data.batch }).collect();
    let aligned = align(&operands)?;
    let mut inputs = Vec::with_capacity(branches.len());
    for ((data, _), shape) in branches.iter().zip(&aligned.operands) {
        inputs.push(ctx.reshape(data.node, shape)?);
    }
    let op = ops::Add { coefficients: branches.iter().map(|&(_, factor)| factor).collect() };
    let node = ctx.emit(Op::Add(op), &inputs)?;
    let node = ctx.reshape(node, &aligned.shape)?;
    Ok(ctx.value(node, aligned.batch))
}

/// The data and a constant at its side, brought to a common shape per sample.
fn beside(ctx: &mut Context<'_>, data: &Data, constant: &Constant) -> Result<(Data, Tensor), Problem> {
    let aligned = align(&[
        Operand { shape: data.shape.clone(), batch: data.batch },
        Operand { shape: constant.shape().to_vec(), batch: None },
    ])?;
    let tensor = constant.to_tensor()?.reshaped(aligned.operands[1].clone()).expect("only extents of 1 were removed");
    let node = ctx.reshape(data.node, &aligned.operands[0])?;
    let node = ctx.expand(node, &aligned.shape)?;
    Ok((ctx.value(node, aligned.batch), tensor))
}

fn affine(ctx: &mut Context<'_>, data: &Data, scale: Option<Tensor>, shift: Option<Tensor>) -> Result<Data, Problem> {
    let node = ctx.emit(Op::Affine(ops::Affine { scale, shift }), &[data.node])?;
    Ok(ctx.value(node, data.batch))
}

/// `data + constant`.
pub(super) fn shift(ctx: &mut Context<'_>, data: &Data, constant: &Constant) -> Result<Data, Problem> {
    let (data, tensor) = beside(ctx, data, constant)?;
    affine(ctx, &data, None, Some(tensor))
}

/// `data · constant`.
fn scale(ctx: &mut Context<'_>, data: &Data, constant: &Constant) -> Result<Data, Problem> {
    let (data, tensor) = beside(ctx, data, constant)?;
    affine(ctx, &data, Some(tensor), None)
}

fn negated(constant: &Constant) -> Result<Constant, Problem> {
    Ok(Constant::Floats(constant.to_tensor()?.map(|x| -x)))
}

fn pair(ctx: &Context<'_>) -> Result<(Value, Value), Problem> {
    match (ctx.input(0), ctx.input(1)) {
        (Some(a), Some(b)) => Ok((a.clone(), b.clone())),
        _ => Err(invalid("it needs two operands")),
    }
}

pub(super) fn add(ctx: &mut Context<'_>) -> Outcome {
    summed(ctx, 1.0)
}

pub(super) fn sum(ctx: &mut Context<'_>) -> Outcome {
    summed(ctx, 1.0)
}

pub(super) fn mean(ctx: &mut Context<'_>) -> Outcome {
    let count = ctx.input_count();
    summed(ctx, 1.0 / count as f32)
}

/// Sum of all operands, each times `factor`: branches together, then constants.
fn summed(ctx: &mut Context<'_>, factor: f32) -> Outcome {
    let mut branches = Vec::new();
    let mut constants = Vec::new();
    for value in ctx.inputs() {
        match value {
            Value::Data(data) => branches.push((data.clone(), factor)),
            Value::Constant(constant) => constants.push(constant.clone()),
            _ => unreachable!("values that are not there were refused before"),
        }
    }
    let mut result = match branches.as_slice() {
        [(only, factor)] if *factor == 1.0 => only.clone(),
        _ => weighted(ctx, &branches)?,
    };
    if branches.len() == 1 && constants.is_empty() {
        return Ok(Done::removed(result));
    }
    for constant in constants {
        let constant = Constant::Floats(constant.to_tensor()?.map(|x| x * factor));
        result = shift(ctx, &result, &constant)?;
    }
    Ok(Done::imported(result))
}

pub(super) fn sub(ctx: &mut Context<'_>) -> Outcome {
    let result = match pair(ctx)? {
        (Value::Data(a), Value::Data(b)) => weighted(ctx, &[(a, 1.0), (b, -1.0)])?,
        (Value::Data(a), Value::Constant(c)) => shift(ctx, &a, &negated(&c)?)?,
        (Value::Constant(c), Value::Data(b)) => {
            let (data, tensor) = beside(ctx, &b, &c)?;
            affine(ctx, &data, Some(Tensor::full(vec![], -1.0)), Some(tensor))?
        }
        _ => unreachable!("constants alone are folded"),
    };
    Ok(Done::imported(result))
}

pub(super) fn mul(ctx: &mut Context<'_>) -> Outcome {
    match pair(ctx)? {
        (Value::Data(data), Value::Constant(c)) | (Value::Constant(c), Value::Data(data)) => {
            Ok(Done::imported(scale(ctx, &data, &c)?))
        }
        _ => Err(unsupported(
            "it multiplies two values that both depend on the input, and no spiking rule exists for that",
        )
        .remedy(PRODUCT)),
    }
}

pub(super) fn div(ctx: &mut Context<'_>) -> Outcome {
    match pair(ctx)? {
        (Value::Data(data), Value::Constant(c)) => {
            if data.integer {
                return Err(unsupported("it divides integers, which rounds").remedy("cast to float before"));
            }
            let inverse = Constant::Floats(c.to_tensor()?.map(|x| 1.0 / x));
            Ok(Done::imported(scale(ctx, &data, &inverse)?))
        }
        (Value::Constant(_), _) => {
            Err(unsupported("it divides a constant by data, and no spiking rule exists for that"))
        }
        _ => Err(unsupported("it divides data by data, and no spiking rule exists for that").remedy(PRODUCT)),
    }
}

pub(super) fn neg(ctx: &mut Context<'_>) -> Outcome {
    let data = ctx.data(0, "operand")?;
    Ok(Done::imported(affine(ctx, &data, Some(Tensor::full(vec![], -1.0)), None)?))
}

pub(super) fn pow(ctx: &mut Context<'_>) -> Outcome {
    match pair(ctx)? {
        (Value::Data(data), Value::Constant(exponent)) if exponent.to_scalar("its exponent") == Ok(1.0) => {
            Ok(Done::removed(data))
        }
        _ => Err(unsupported("it raises data to a power, and no spiking rule exists for that")),
    }
}
