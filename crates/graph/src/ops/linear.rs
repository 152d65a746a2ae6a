use serde::{Deserialize, Serialize};

use super::conv::check_bias;
use crate::{Tensor, volume};

/// Matrix product with a constant on the last axis: `y = W x + b`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Linear<T = Tensor> {
    /// Weights `[out, in]`.
    pub weight: T,
    /// Bias `[out]`.
    pub bias: Option<T>,
}

impl Linear {
    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.weight.shape()[0]
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.weight.shape()[1]
    }

    /// Shape of the result: the input's with its last extent replaced.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let &[outputs, inputs] = self.weight.shape() else {
            return Err(format!("weight of shape {:?} is not a matrix", self.weight.shape()));
        };
        check_bias(self.bias.as_ref(), outputs)?;
        match input.split_last() {
            Some((&last, lead)) if last == inputs => {
                let mut shape = lead.to_vec();
                shape.push(outputs);
                Ok(shape)
            }
            _ => Err(format!("wants {inputs} inputs, is given shape {input:?} a sample")),
        }
    }

    pub(super) fn macs(&self, output: &[usize]) -> u64 {
        volume(output) as u64 * self.inputs() as u64
    }
}
