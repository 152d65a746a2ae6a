use crate::context::{Context, Done};
use crate::ops::{Outcome, type_of};
use crate::problem::{Problem, unsupported};
use crate::proto::data_type as dt;
use crate::tensor::{bfloat_to_f32, f32_to_bfloat, f32_to_half, half_to_f32};
use crate::value::{Constant, Kind, Number};

pub(crate) fn identity(ctx: &mut Context<'_>) -> Outcome {
    Ok(Done::folded(ctx.constant(0, "input")?))
}

pub(crate) fn cast(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    ctx.charge(input.len())?;
    Ok(Done::folded(converted(&input, ctx.int("to", 0) as i32)?))
}

pub(crate) fn cast_like(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    ctx.charge(input.len())?;
    let to = type_of(ctx.input(1));
    Ok(Done::folded(converted(&input, to)?))
}

fn converted(input: &Constant, to: i32) -> Result<Constant, Problem> {
    let shape = input.shape().to_vec();
    let each = |f: fn(Number) -> Result<Number, Problem>| -> Result<Vec<Number>, Problem> {
        input.to_numbers().into_iter().map(f).collect()
    };
    match to {
        dt::FLOAT16 => Ok(Constant::Floats(input.to_tensor()?.map(|x| half_to_f32(f32_to_half(x))))),
        dt::BFLOAT16 => Ok(Constant::Floats(input.to_tensor()?.map(|x| bfloat_to_f32(f32_to_bfloat(x))))),
        dt::FLOAT | dt::DOUBLE => Ok(match input {
            Constant::Floats(_) => input.clone(),
            Constant::Numbers { .. } => Constant::numbers(shape, each(Ok)?, Kind::Float),
        }),
        dt::INT32 | dt::INT64 | dt::UINT32 | dt::UINT64 => {
            Ok(Constant::numbers(shape, each(|n| n.round_by(f64::trunc))?, Kind::Integer))
        }
        // Small integers are held as floats, which do so exactly.
        dt::INT8 | dt::UINT8 | dt::INT16 | dt::UINT16 => {
            Ok(Constant::numbers(shape, each(|n| n.round_by(f64::trunc))?, Kind::Float))
        }
        dt::BOOL => Ok(Constant::numbers(shape, each(|n| Ok(Number::plain(f64::from(n.value != 0.0))))?, Kind::Bool)),
        other => Err(unsupported(format!("it converts to {}, which has no counterpart here", dt::name(other)))),
    }
}
