//! Products of constants: weights that a file keeps in factors.

use crate::context::{Context, Done};
use crate::ops::Outcome;
use crate::problem::{Problem, invalid, unsupported};
use crate::value::Constant;

/// Multiplications for which as much is counted as for one element of a constant.
const WORK: usize = 256;

/// `a · b` for matrices `[m, k]` and `[k, n]`, row-major.
fn product(ctx: &mut Context<'_>, a: &Constant, b: &Constant) -> Result<(usize, usize, Vec<f32>), Problem> {
    let (&[m, k], &[inner, n]) = (a.shape(), b.shape()) else {
        return Err(unsupported("only products of two matrices of constants are evaluated")
            .remedy("fold the constants before, e.g. with onnxslim"));
    };
    if k != inner {
        return Err(invalid(format!("matrices of shapes {:?} and {:?} do not multiply", a.shape(), b.shape())));
    }
    let total = ctx.charge_shape(&[m, n])?;
    ctx.charge(total.checked_mul(k).ok_or(Problem::TooLarge)? / WORK)?;
    let (a, b) = (a.to_tensor()?, b.to_tensor()?);
    let mut result = Vec::with_capacity(total);
    for row in 0..m {
        let mut sums = vec![0.0f64; n];
        for (inner, &factor) in a.data()[row * k..][..k].iter().enumerate() {
            for (sum, &x) in sums.iter_mut().zip(&b.data()[inner * n..][..n]) {
                *sum += f64::from(factor) * f64::from(x);
            }
        }
        result.extend(sums.into_iter().map(|sum| sum as f32));
    }
    Ok((m, n, result))
}

pub(crate) fn matmul(ctx: &mut Context<'_>) -> Outcome {
    let (a, b) = (ctx.constant(0, "first operand")?, ctx.constant(1, "second operand")?);
    // A vector stands for a row on the left, for a column on the right.
    let row = if let &[k] = a.shape() { a.reshaped(vec![1, k])? } else { a.clone() };
    let column = if let &[k] = b.shape() { b.reshaped(vec![k, 1])? } else { b.clone() };
    let (m, n, data) = product(ctx, &row, &column)?;
    let mut shape = Vec::new();
    if a.shape().len() == 2 {
        shape.push(m);
    }
    if b.shape().len() == 2 {
        shape.push(n);
    }
    Ok(Done::folded(Constant::floats(shape, data)))
}

/// `alpha · A · B + beta · C`.
pub(crate) fn gemm(ctx: &mut Context<'_>) -> Outcome {
    let mut operands = Vec::with_capacity(2);
    for (index, flag) in ["transA", "transB"].into_iter().enumerate() {
        let operand = ctx.constant(index, "operand")?;
        if operand.shape().len() != 2 {
            return Err(invalid(format!("operand of shape {:?} is not a matrix", operand.shape())));
        }
        ctx.charge(operand.len())?;
        operands.push(if ctx.flag(flag) { operand.transposed(&[1, 0]) } else { operand });
    }
    let (m, n, mut data) = product(ctx, &operands[0], &operands[1])?;
    let alpha = ctx.float("alpha", 1.0);
    for x in &mut data {
        *x *= alpha;
    }
    if let Some(c) = ctx.optional_constant(2, "third operand")? {
        ctx.charge(data.len())?;
        let c = c.broadcast_to(&[m, n]).ok_or_else(|| invalid(format!("shape {:?} does not broadcast", c.shape())))?;
        let beta = ctx.float("beta", 1.0);
        for (x, c) in data.iter_mut().zip(c.to_tensor()?.data()) {
            *x += beta * c;
        }
    }
    Ok(Done::folded(Constant::floats(vec![m, n], data)))
}
