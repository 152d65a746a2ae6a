use std::cmp::Ordering;

use spikeconverter_graph::volume;

use crate::context::{Context, Done};
use crate::ops::{Outcome, reduced_axes};
use crate::problem::{Problem, invalid, unsupported};
use crate::value::{Constant, Kind, Number};

/// Brings the reduced axes to the end and gives each group of elements to `join`.
fn reduced(ctx: &mut Context<'_>, join: impl Fn(&[Number]) -> Result<Number, Problem>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let own = input.shape().to_vec();
    let axes = reduced_axes(ctx, own.len())?;
    let kept: Vec<usize> = (0..own.len()).filter(|axis| !axes.contains(axis)).collect();
    let group: usize = axes.iter().map(|&axis| own[axis]).product();
    if group == 0 || input.len() == 0 {
        return Err(unsupported("it reduces an empty tensor"));
    }
    ctx.charge(input.len().saturating_mul(2))?;
    let perm: Vec<usize> = kept.iter().chain(&axes).copied().collect();
    let numbers = input.transposed(&perm).to_numbers();
    let data = numbers.chunks(group).map(join).collect::<Result<Vec<_>, _>>()?;
    let shape: Vec<usize> = if ctx.int("keepdims", 1) != 0 {
        (0..own.len()).map(|axis| if axes.contains(&axis) { 1 } else { own[axis] }).collect()
    } else {
        kept.iter().map(|&axis| own[axis]).collect()
    };
    debug_assert_eq!(volume(&shape), data.len());
    Ok(Done::folded(Constant::numbers(shape, data, input.kind())))
}

fn total(group: &[Number]) -> Result<Number, Problem> {
    group.iter().try_fold(Number::plain(0.0), |sum, &n| sum.add(n))
}

fn extreme(group: &[Number], replace: Ordering) -> Result<Number, Problem> {
    let (&first, rest) = group.split_first().ok_or_else(|| invalid("it reduces an empty tensor"))?;
    rest.iter().try_fold(first, |best, &n| Ok(if n.compare(best)? == replace { n } else { best }))
}

pub(crate) fn sum(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, total)
}

pub(crate) fn mean(ctx: &mut Context<'_>) -> Outcome {
    let integer = ctx.constant(0, "input")?.kind() != Kind::Float;
    reduced(ctx, |group| total(group)?.div(Number::plain(group.len() as f64), integer))
}

pub(crate) fn max(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, |group| extreme(group, Ordering::Greater))
}

pub(crate) fn min(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, |group| extreme(group, Ordering::Less))
}

pub(crate) fn prod(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, |group| group.iter().try_fold(Number::plain(1.0), |product, &n| product.mul(n)))
}

fn squares(group: &[Number]) -> Result<Number, Problem> {
    group.iter().try_fold(Number::plain(0.0), |sum, &n| sum.add(n.mul(n)?))
}

pub(crate) fn sum_square(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, squares)
}

pub(crate) fn l2(ctx: &mut Context<'_>) -> Outcome {
    reduced(ctx, |group| {
        let sum = squares(group)?;
        sum.as_plain()
            .map(|x| Number::plain(x.sqrt()))
            .ok_or_else(|| unsupported("its result depends on the batch size"))
    })
}
