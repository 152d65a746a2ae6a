use spikeconverter_graph::{Op, Tensor, ops};

use super::Outcome;
use crate::context::{Context, Done};
use crate::problem::{invalid, unsupported};

/// Batch normalisation with constant statistics: a scale and a shift for each channel.
pub(super) fn batch_normalization(ctx: &mut Context<'_>) -> Outcome {
    const EXPORT: &str = "export the model in evaluation mode, model.eval()";
    let input = ctx.data(0, "input")?;
    if ctx.flag("training_mode") || (1..5).any(|output| ctx.is_needed(output)) {
        return Err(unsupported("it normalises by the statistics of the batch (training mode)").remedy(EXPORT));
    }
    if ctx.opset < 9 && ctx.int("spatial", 1) == 0 {
        return Err(unsupported("it has statistics for each position (spatial = 0)").remedy("use spatial = 1"));
    }
    if input.rank() < 2 {
        return Err(invalid(format!("its input has {} axes; batch and channels are wanted", input.rank())));
    }
    let axis = input.own_axis(1)?;
    let channels = input.shape[axis];
    let mut parameters = Vec::with_capacity(4);
    for (index, what) in [(1, "scale"), (2, "bias"), (3, "mean"), (4, "variance")] {
        let tensor = ctx.tensor(index, what)?;
        if tensor.shape() != [channels] {
            return Err(invalid(format!("its {what} has shape {:?} for {channels} channels", tensor.shape())));
        }
        parameters.push(tensor);
    }
    let epsilon = f64::from(ctx.float("epsilon", 1e-5));
    let mut scale = Vec::with_capacity(channels);
    let mut shift = Vec::with_capacity(channels);
    for channel in 0..channels {
        let [gamma, beta, mean, variance] = [0, 1, 2, 3].map(|p| f64::from(parameters[p].data()[channel]));
        let factor = gamma / (variance + epsilon).sqrt();
        scale.push(factor as f32);
        shift.push((beta - mean * factor) as f32);
    }
    let mut shape = vec![1; input.shape.len() - axis];
    shape[0] = channels;
    let tensor = |data| Tensor::new(shape.clone(), data).expect("one entry a channel");
    let op = ops::Affine { scale: Some(tensor(scale)), shift: Some(tensor(shift)) };
    let node = ctx.emit(Op::Affine(op), &[input.node])?;
    Ok(Done::imported(ctx.value(node, input.batch)))
}
