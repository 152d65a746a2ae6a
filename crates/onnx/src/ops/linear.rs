use spikeconverter_graph::{NodeId, Op, Tensor, ops};

use super::Outcome;
use super::arithmetic::shift;
use crate::context::{Context, Done};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Constant, Data, Value};

const CONSTANT_WEIGHT: &str = "attention is not converted; a product with a constant matrix is";

fn transposed(weight: &Constant) -> Result<Tensor, Problem> {
    weight.transposed(&[1, 0]).to_tensor()
}

fn scaled(weight: &Tensor, factor: f32) -> Tensor {
    if factor == 1.0 { weight.clone() } else { weight.map(|x| x * factor) }
}

/// `alpha · A · B + beta · C`.
pub(super) fn gemm(ctx: &mut Context<'_>) -> Outcome {
    let Some(Value::Data(a)) = ctx.input(0).cloned() else {
        return Err(unsupported("its first operand is a constant").remedy("swap the operands"));
    };
    let b = ctx.constant(1, "second operand").map_err(|p| p.remedy(CONSTANT_WEIGHT))?;
    if a.rank() != 2 || b.shape().len() != 2 {
        return Err(invalid(format!("operands of {} and {} axes; both must be matrices", a.rank(), b.shape().len())));
    }
    // W of `y = W x` is B transposed.
    let weight = if ctx.flag("transB") { b.to_tensor()? } else { transposed(&b)? };
    let weight = scaled(&weight, ctx.float("alpha", 1.0));
    let inner = usize::from(!ctx.flag("transA"));
    let mut batch = a.batch.map(|_| 0);
    let mut node = a.node;
    match a.batch {
        Some(axis) if axis == inner => return Err(unsupported("it sums over the batch axis")),
        Some(_) => {}
        None => {
            if inner == 0 {
                node = ctx.transpose(node, vec![1, 0])?;
            }
            batch = None;
        }
    }
    let beta = ctx.float("beta", 1.0);
    let outputs = weight.shape()[0];
    let c = ctx.input(2).cloned();
    // A bias the same for all rows goes with the weights.
    let mut bias = None;
    let mut rest = None;
    match c {
        Some(Value::Constant(c)) => {
            let own = c.to_tensor()?;
            let shape = own.shape();
            let single_row = shape.len() < 2 || shape[0] == 1;
            if single_row && own.len() <= outputs && shape.len() <= 2 {
                let row = own.reshaped(vec![own.len()]).ok().and_then(|row| row.broadcast_to(&[outputs]));
                let row =
                    row.ok_or_else(|| invalid(format!("its bias of shape {shape:?} does not fit {outputs} outputs")))?;
                bias = Some(scaled(&row, beta));
            } else {
                rest = Some(Value::Constant(Constant::Floats(scaled(&own, beta))));
            }
        }
        other => rest = other,
    }
    let node = ctx.emit(Op::Linear(ops::Linear { weight, bias }), &[node])?;
    let product = ctx.value(node, batch);
    match rest {
        None => Ok(Done::imported(product)),
        Some(Value::Constant(c)) => Ok(Done::imported(shift(ctx, &product, &c)?)),
        Some(Value::Data(c)) => Ok(Done::imported(super::arithmetic::weighted(ctx, &[(product, 1.0), (c, beta)])?)),
        Some(_) => unreachable!("values that are not there were refused before"),
    }
}

pub(super) fn matmul(ctx: &mut Context<'_>) -> Outcome {
    match (ctx.input(0).cloned(), ctx.input(1).cloned()) {
        (Some(Value::Data(_)), Some(Value::Data(_))) => Err(unsupported(
            "it multiplies two values that both depend on the input, and no spiking rule exists for that",
        )
        .remedy(CONSTANT_WEIGHT)),
        (Some(Value::Data(x)), Some(Value::Constant(w))) => right(ctx, &x, &w),
        (Some(Value::Constant(w)), Some(Value::Data(x))) => left(ctx, &w, &x),
        _ => Err(invalid("it needs two operands")),
    }
}

/// Drops leading extents of 1, which only raise the rank, down to a matrix.
fn matrix(w: &Constant) -> Result<Constant, Problem> {
    let shape = w.shape();
    let lead = shape.len().saturating_sub(2);
    if shape[..lead].iter().any(|&n| n != 1) {
        return Err(unsupported(format!("its constant of shape {shape:?} holds several matrices"))
            .remedy("only one matrix for all is supported"));
    }
    w.reshaped(shape[lead..].to_vec())
}

/// `x · w`.
fn right(ctx: &mut Context<'_>, x: &Data, w: &Constant) -> Outcome {
    if x.rank() == 0 || w.shape().is_empty() {
        return Err(invalid("an operand is a single number"));
    }
    let last = x.rank() - 1;
    if x.sample_axis(last).is_none() {
        return Err(unsupported("it sums over the batch axis"));
    }
    let extra = w.shape().len().saturating_sub(x.rank().max(2));
    let w = matrix(w)?;
    if let &[n] = w.shape() {
        // A vector: the axis is summed away.
        let weight = w.to_tensor()?.reshaped(vec![1, n]).expect("same elements");
        let node = ctx.emit(Op::Linear(ops::Linear { weight, bias: None }), &[x.node])?;
        let mut shape = ctx.shape(node).to_vec();
        shape.pop();
        let node = ctx.reshape(node, &shape)?;
        return Ok(Done::imported(ctx.value(node, x.batch)));
    }
    let node = ctx.emit(Op::Linear(ops::Linear { weight: transposed(&w)?, bias: None }), &[x.node])?;
    let (node, batch) = raise(ctx, node, x.batch, extra)?;
    Ok(Done::imported(ctx.value(node, batch)))
}

/// `w · x`: the second axis from the end is summed.
fn left(ctx: &mut Context<'_>, w: &Constant, x: &Data) -> Outcome {
    if x.rank() == 0 || w.shape().is_empty() {
        return Err(invalid("an operand is a single number"));
    }
    let vector = w.shape().len() == 1;
    let extra = w.shape().len().saturating_sub(x.rank().max(2));
    let weight = match matrix(w)? {
        w if vector => {
            let n = w.len();
            w.to_tensor()?.reshaped(vec![1, n]).expect("same elements")
        }
        w => w.to_tensor()?,
    };
    let inner = if x.rank() == 1 { 0 } else { x.rank() - 2 };
    let Some(inner) = x.sample_axis(inner) else {
        return Err(unsupported("it sums over the batch axis"));
    };
    // The summed axis goes last and back; it is there already when only the batch follows it.
    let rank = x.shape.len();
    let mut perm: Vec<usize> = (0..rank).collect();
    perm.swap(inner, rank - 1);
    let node = ctx.transpose(x.node, perm.clone())?;
    let node = ctx.emit(Op::Linear(ops::Linear { weight, bias: None }), &[node])?;
    let mut node = ctx.transpose(node, perm)?;
    let mut batch = x.batch;
    if vector || x.rank() == 1 {
        let axis = if vector { Some(inner) } else { None };
        let mut shape = ctx.shape(node).to_vec();
        if let Some(axis) = axis {
            shape.remove(axis);
            batch = batch.map(|b| if b >= x.rank() - 1 { b - 1 } else { b });
        }
        node = ctx.reshape(node, &shape)?;
    }
    let (node, batch) = raise(ctx, node, batch, extra)?;
    Ok(Done::imported(ctx.value(node, batch)))
}

/// Adds leading axes of extent 1.
fn raise(
    ctx: &mut Context<'_>,
    node: NodeId,
    batch: Option<usize>,
    extra: usize,
) -> Result<(NodeId, Option<usize>), Problem> {
    let mut shape = vec![1; extra];
    shape.extend(ctx.shape(node));
    Ok((ctx.reshape(node, &shape)?, batch.map(|b| b + extra)))
}
