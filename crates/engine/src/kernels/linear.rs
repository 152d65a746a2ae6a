//! Matrix product with constant weights.

use spikeconverter_graph::ops;

use super::matmul::{Matrix, matmul};
use super::{Kernel, Threads};

/// `y = W x + b`, all rows of all samples in one product.
pub(super) struct Linear {
    weight: spikeconverter_graph::Tensor,
    bias: Vec<f32>,
    inputs: usize,
}

impl Linear {
    pub(super) fn new(op: &ops::Linear) -> Self {
        let bias = op.bias.as_ref().map_or_else(|| vec![0.0; op.outputs()], |bias| bias.data().to_vec());
        Self { weight: op.weight.clone(), bias, inputs: op.inputs() }
    }
}

impl Kernel for Linear {
    fn run(&self, inputs: &[&[f32]], output: &mut [f32], _: Threads) {
        let outputs = self.bias.len();
        let rows = output.len() / outputs;
        for row in output.chunks_exact_mut(outputs) {
            row.copy_from_slice(&self.bias);
        }
        let x = Matrix::rows(inputs[0], rows, self.inputs, self.inputs);
        let w = Matrix::rows(self.weight.data(), outputs, self.inputs, self.inputs);
        matmul(output, outputs, x, w.transposed(), true);
    }
}
