use spikeconverter_graph::{Op, ops};

use super::Outcome;
use crate::context::{Context, Done, axis};
use crate::problem::{invalid, unsupported};
use crate::value::{Data, Value};

pub(super) fn concat(ctx: &mut Context<'_>) -> Outcome {
    let mut parts: Vec<Data> = Vec::new();
    for value in ctx.inputs() {
        match value {
            Value::Data(data) => parts.push(data.clone()),
            _ => {
                return Err(unsupported("it joins data with a constant")
                    .remedy("only data of the network is joined; zeros can be added by Pad"));
            }
        }
    }
    let Some(first) = parts.first() else {
        return Err(invalid("it has no operand"));
    };
    if parts.iter().any(|part| part.rank() != first.rank() || part.batch != first.batch) {
        return Err(invalid("its operands differ in their axes"));
    }
    let axis = axis(ctx.int("axis", 1), first.rank())?;
    let own = first.own_axis(axis)?;
    let (batch, integer) = (first.batch, parts.iter().all(|part| part.integer));
    if let [only] = parts.as_slice() {
        return Ok(Done::removed(only.clone()));
    }
    let nodes: Vec<_> = parts.iter().map(|part| part.node).collect();
    let node = ctx.emit(Op::Concat(ops::Concat { axis: own }), &nodes)?;
    Ok(Done::imported(Data { integer, ..ctx.value(node, batch) }))
}
