//! Weights stored as small integers.

use spikeconverter_graph::volume;

use crate::context::{Context, Done, axis};
use crate::ops::Outcome;
use crate::problem::{Problem, invalid};
use crate::value::{Constant, strides};

/// `(x − zero point) · scale`, with one scale for all, one for each index of an axis, or one for each block along it.
pub(crate) fn dequantize_linear(ctx: &mut Context<'_>) -> Outcome {
    let input = ctx.constant(0, "input")?;
    let scale = ctx.constant(1, "scale")?;
    let zero = ctx.optional_constant(2, "zero point")?;
    if let Some(zero) = &zero
        && zero.shape() != scale.shape()
    {
        return Err(invalid(format!("scale of shape {:?}, zero point of {:?}", scale.shape(), zero.shape())));
    }
    ctx.charge(input.len().saturating_mul(4))?;
    let shape = input.shape().to_vec();
    let expanded = |parameter: &Constant| -> Result<Constant, Problem> {
        if parameter.len() == 1 && parameter.shape().len() <= 1 {
            return Ok(parameter.reshaped(vec![])?.broadcast_to(&shape).expect("a single number broadcasts"));
        }
        let along = axis(ctx.int("axis", 1), shape.len())?;
        let block = usize::try_from(ctx.int("block_size", 0)).unwrap_or(0);
        spread(parameter, &shape, along, block)
            .ok_or_else(|| invalid(format!("scale of shape {:?} for weights of shape {shape:?}", parameter.shape())))
    };
    let scales = expanded(&scale)?.to_tensor()?;
    let values = input.to_tensor()?;
    let data: Vec<f32> = match &zero {
        None => values.data().iter().zip(scales.data()).map(|(x, s)| x * s).collect(),
        Some(zero) => {
            let zeros = expanded(zero)?.to_tensor()?;
            let triples = values.data().iter().zip(zeros.data()).zip(scales.data());
            triples.map(|((x, z), s)| (x - z) * s).collect()
        }
    };
    Ok(Done::folded(Constant::floats(shape, data)))
}

/// Brings a parameter to the weights' shape.
fn spread(parameter: &Constant, shape: &[usize], along: usize, block: usize) -> Option<Constant> {
    let own = parameter.shape();
    if let &[n] = own {
        let mut steps = vec![0; shape.len()];
        steps[along] = 1;
        return (n == shape[along]).then(|| parameter.view(shape.to_vec(), &steps, 0));
    }
    // Blocks: each entry stands for `block` indices, the last perhaps for fewer.
    let fits = block > 0
        && own.len() == shape.len()
        && (0..own.len())
            .all(|axis| own[axis] == if axis == along { shape[axis].div_ceil(block) } else { shape[axis] });
    if !fits || !shape[along].is_multiple_of(block) {
        return None;
    }
    let mut split = own.to_vec();
    split.insert(along + 1, block);
    let mut steps = strides(own);
    steps.insert(along + 1, 0);
    let result = parameter.view(split, &steps, 0);
    debug_assert_eq!(result.len(), volume(shape));
    result.reshaped(shape.to_vec()).ok()
}
