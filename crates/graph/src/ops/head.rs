use serde::{Deserialize, Serialize};

/// Softmax over some axes together, or its logarithm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Softmax {
    /// The axes that are normalised together, ascending (one axis since opset 13, all from `axis` on before).
    pub axes: Vec<usize>,
    /// Whether the logarithm is given.
    pub log: bool,
}

impl Softmax {
    pub(super) fn kind(&self) -> &'static str {
        if self.log { "LogSoftmax" } else { "Softmax" }
    }

    /// Shape of the result: the input's.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        match self.axes.iter().find(|&&axis| axis >= input.len()) {
            Some(axis) => Err(format!("axis {axis} of an input of shape {input:?} a sample")),
            None => Ok(input.to_vec()),
        }
    }
}

/// Index of the maximum along an axis, as a float.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArgMax {
    /// The axis.
    pub axis: usize,
    /// Whether the axis stays, with extent 1.
    pub keep: bool,
    /// Which of several equal maxima: the last instead of the first.
    pub select_last: bool,
}

impl ArgMax {
    /// Shape of the result.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.axis >= input.len() {
            return Err(format!("axis {} of an input of shape {input:?} a sample", self.axis));
        }
        let mut shape = input.to_vec();
        if self.keep {
            shape[self.axis] = 1;
        } else {
            shape.remove(self.axis);
        }
        Ok(shape)
    }
}
