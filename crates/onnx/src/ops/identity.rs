//! Operators that do nothing to data at inference.

use super::Outcome;
use crate::context::{Context, Done};
use crate::fold;
use crate::problem::unsupported;
use crate::proto::data_type as dt;
use crate::value::{Data, Kind, Value};

pub(super) fn identity(ctx: &mut Context<'_>) -> Outcome {
    Ok(Done::removed(ctx.data(0, "input")?))
}

pub(super) fn dropout(ctx: &mut Context<'_>) -> Outcome {
    const EVAL: &str = "export the model in evaluation mode, model.eval()";
    let input = ctx.data(0, "input")?;
    let training = ctx.opset >= 12
        && match ctx.optional_constant(2, "training mode").map_err(|p| p.remedy(EVAL))? {
            Some(flag) => flag.to_scalar("training mode")? != 0.0,
            None => false,
        };
    let ratio = match ctx.optional_constant(1, "ratio") {
        Ok(Some(ratio)) => ratio.to_scalar("ratio")?,
        _ => 0.5,
    };
    if training && ratio != 0.0 {
        return Err(unsupported("it drops values at random (training mode)").remedy(EVAL));
    }
    if ctx.is_needed(1) {
        return Err(unsupported("its mask is used").remedy(EVAL));
    }
    Ok(Done::removed(input))
}

pub(super) fn cast(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    converted(input, ctx.int("to", 0) as i32)
}

pub(super) fn cast_like(ctx: &mut Context<'_>) -> Outcome {
    match ctx.input(0).cloned() {
        Some(Value::Data(input)) => converted(input, type_of(ctx.input(1))),
        // A constant that takes the type of data is a constant all the same.
        _ => fold::cast::cast_like(ctx),
    }
}

/// A type that stands for the value's: only floats, integers and truth values are told apart.
pub(crate) fn type_of(value: Option<&Value>) -> i32 {
    match value {
        Some(Value::Data(data)) if data.integer => dt::INT64,
        Some(Value::Constant(constant)) if constant.kind() == Kind::Integer => dt::INT64,
        Some(Value::Constant(constant)) if constant.kind() == Kind::Bool => dt::BOOL,
        _ => dt::FLOAT,
    }
}

fn converted(input: Data, to: i32) -> Outcome {
    match to {
        dt::FLOAT | dt::DOUBLE | dt::FLOAT16 | dt::BFLOAT16 => Ok(Done::removed(Data { integer: false, ..input })),
        dt::INT32 | dt::INT64 | dt::UINT32 | dt::UINT64 if input.integer => Ok(Done::removed(input)),
        _ => Err(unsupported(format!("it converts data to {}, which rounds", dt::name(to)))
            .remedy("leave the data in float; only conversions between float types change nothing")),
    }
}
