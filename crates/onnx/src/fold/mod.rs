//! Evaluation of operators on constants at import, one family a file. Shape computations stay symbolic in the batch
//! size ([`crate::value::Number`]).

pub(crate) mod cast;
pub(crate) mod elementwise;
pub(crate) mod layout;
pub(crate) mod linear;
pub(crate) mod logic;
pub(crate) mod quantize;
pub(crate) mod reduce;
pub(crate) mod select;
pub(crate) mod shape;

use crate::context::Context;
use crate::problem::Problem;
use crate::value::{Constant, broadcast};

/// All operands, which are constants.
fn operands(ctx: &Context<'_>) -> Result<Vec<Constant>, Problem> {
    (0..ctx.input_count()).map(|index| ctx.constant(index, "operand")).collect()
}

/// Two operands expanded to their common shape.
fn pair(ctx: &mut Context<'_>) -> Result<(Constant, Constant), Problem> {
    let (a, b) = (ctx.constant(0, "first operand")?, ctx.constant(1, "second operand")?);
    expanded(ctx, &a, &b)
}

fn expanded(ctx: &mut Context<'_>, a: &Constant, b: &Constant) -> Result<(Constant, Constant), Problem> {
    let shape = broadcast([a.shape(), b.shape()].into_iter())?;
    let total = ctx.charge_shape(&shape)?;
    ctx.charge(total)?;
    let expand = |c: &Constant| c.broadcast_to(&shape).expect("the shape comes from broadcasting");
    Ok((expand(a), expand(b)))
}
