//! Shapes of data: constants, up to the batch size.

use super::Outcome;
use crate::context::{Context, Done};
use crate::value::{Constant, Kind, Number};

/// The part of a shape that a Shape node asks for.
pub(crate) fn part(ctx: &Context<'_>, extents: &[Number]) -> Constant {
    let rank = extents.len() as i64;
    let bound = |name: &str, default: i64| {
        let at = ctx.int(name, default);
        (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    let part = extents.get(start..end).unwrap_or_default().to_vec();
    Constant::numbers(vec![part.len()], part, Kind::Integer)
}

pub(super) fn shape(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    Ok(Done::folded(part(ctx, &input.extents())))
}

pub(super) fn size(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let size = input.extents().into_iter().try_fold(Number::plain(1.0), Number::mul)?;
    Ok(Done::folded(Constant::numbers(vec![], vec![size], Kind::Integer)))
}
