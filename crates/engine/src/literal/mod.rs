//! Every operation for one sample in `f64`: plain loops, no cleverness. This is the definition that all kernels are
//! tested against, and what the reference engine runs.

mod conv;
mod head;
mod layout;
mod pointwise;
mod pool;
pub(crate) mod shape;

pub(crate) use pool::elements as pool_elements;

use spikeconverter_graph::{Op, volume};

use crate::EngineError;

/// Applies `op` to one sample; each input is its shape and its values in row-major order, and so is the result.
///
/// With `constants` false, everything that does not depend on the inputs is left out of an affine operation: the bias
/// of a convolution or of a matrix product, the shift of an affine map, the value that padding adds. A network that is
/// simulated over several time steps receives its constants once, not in every step.
///
/// # Errors
/// [`EngineError::Op`] when the operation does not accept inputs of these shapes, [`EngineError::Length`] when an
/// input's values do not fill its shape.
pub fn apply(op: &Op, inputs: &[(&[usize], &[f64])], constants: bool) -> Result<Vec<f64>, EngineError> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|(shape, _)| *shape).collect();
    let out = op.output_shape(&shapes).map_err(|reason| EngineError::Op { what: op.kind().to_string(), reason })?;
    for (shape, values) in inputs {
        if volume(shape) != values.len() {
            let (expected, found) = (volume(shape), values.len());
            return Err(EngineError::Length { count: 1, shape: shape.to_vec(), expected, found });
        }
    }
    let (shape, x) = inputs[0];
    Ok(match op {
        // `output_shape` has refused to apply an input to anything.
        Op::Input | Op::Reshape(_) => x.to_vec(),
        Op::Conv(op) => conv::conv(op, shape, x, &out, constants),
        Op::ConvTranspose(op) => conv::conv_transpose(op, shape, x, &out, constants),
        Op::Linear(op) => conv::linear(op, x, constants),
        Op::Affine(op) => pointwise::affine(op, shape, x, constants),
        Op::Add(op) => pointwise::add(op, inputs, &out),
        Op::Activation(op) => pointwise::activation(op, shape, x),
        Op::MaxPool(op) => pool::max(op, shape, x, &out),
        Op::AvgPool(op) => pool::average(op, shape, x, &out),
        Op::Mean(op) => pool::mean(op, shape, x, &out),
        Op::Concat(op) => layout::concat(op, inputs, &out),
        Op::Transpose(op) => layout::transpose(op, shape, x, &out),
        Op::Select(op) => layout::select(op, shape, x, &out),
        Op::Pad(op) => layout::pad(op, shape, x, &out, constants),
        Op::Softmax(op) => head::softmax(op, shape, x),
        Op::Sigmoid => x.iter().map(|&x| head::sigmoid(x)).collect(),
        Op::ArgMax(op) => head::argmax(op, shape, x, &out),
    })
}
