use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axes};
use crate::problem::{Problem, invalid};
use crate::value::Data;

/// The permutation a Transpose node names; without one, the axes are reversed.
pub(crate) fn permutation(ctx: &Context<'_>, rank: usize) -> Result<Vec<usize>, Problem> {
    let Some(given) = ctx.ints("perm") else {
        return Ok((0..rank).rev().collect());
    };
    if given.len() != rank {
        return Err(invalid(format!("perm {given:?} for a tensor of {rank} axes")));
    }
    axes(given, rank)?;
    given.iter().map(|&a| crate::context::axis(a, rank)).collect()
}

pub(super) fn transpose(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.data(0, "input")?;
    let perm = permutation(ctx, input.rank())?;
    let own: Vec<usize> = perm.iter().filter_map(|&axis| input.sample_axis(axis)).collect();
    let batch = input.batch.and_then(|batch| perm.iter().position(|&axis| axis == batch));
    if own.iter().copied().eq(0..own.len()) {
        return Ok(Done::removed(Data { batch, ..input }));
    }
    let node = ctx.emit(Op::Transpose(ops::Transpose { perm: own }), &[input.node])?;
    Ok(Done::imported(Data { integer: input.integer, ..ctx.value(node, batch) }))
}
