use serde::{Deserialize, Serialize};

use crate::Tensor;

/// Constant scale, then constant shift: `y = scale · x + shift`, both broadcast to the input's per-sample shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Affine<T = Tensor> {
    /// Factor; absent: 1.
    pub scale: Option<T>,
    /// Summand; absent: 0.
    pub shift: Option<T>,
}

impl Affine {
    /// Shape of the result: the input's.
    ///
    /// # Errors
    /// When a constant would enlarge the input.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        for constant in self.scale.iter().chain(&self.shift) {
            if !broadcasts(constant.shape(), input) {
                return Err(format!("constant of shape {:?} does not broadcast to {input:?}", constant.shape()));
            }
        }
        Ok(input.to_vec())
    }
}

/// Weighted sum of branches, `y = Σ_i coefficient_i · x_i` (1 for Add, −1 for the second branch of Sub). Branches
/// broadcast as in NumPy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Add {
    /// One factor a branch.
    pub coefficients: Vec<f32>,
}

impl Add {
    /// A plain sum of `n` branches.
    pub fn plain(n: usize) -> Self {
        Self { coefficients: vec![1.0; n] }
    }

    /// Shape of the result.
    ///
    /// # Errors
    /// When the branches' shapes do not broadcast.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        if inputs.is_empty() || inputs.len() != self.coefficients.len() {
            return Err(format!("{} coefficients for {} branches", self.coefficients.len(), inputs.len()));
        }
        let rank = inputs.iter().map(|s| s.len()).max().unwrap_or(0);
        let mut shape = vec![1; rank];
        for input in inputs {
            for (axis, &extent) in (rank - input.len()..).zip(input.iter()) {
                if shape[axis] == 1 {
                    shape[axis] = extent;
                } else if extent != 1 && extent != shape[axis] {
                    return Err(format!("branches of shapes {inputs:?} do not broadcast"));
                }
            }
        }
        Ok(shape)
    }
}

/// Whether a constant of shape `constant` broadcasts to exactly `target`.
pub(super) fn broadcasts(constant: &[usize], target: &[usize]) -> bool {
    constant.len() <= target.len() && constant.iter().rev().zip(target.iter().rev()).all(|(&c, &t)| c == t || c == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_broadcast() {
        assert_eq!(Add::plain(2).output_shape(&[&[4, 1, 1], &[4, 2, 3]]).unwrap(), [4, 2, 3]);
        assert!(Add::plain(2).output_shape(&[&[4, 2], &[4, 3]]).is_err());
    }

    #[test]
    fn constants_must_not_enlarge() {
        let shift = |shape| Affine { scale: None, shift: Some(Tensor::full(shape, 1.0)) };
        assert!(shift(vec![4, 1, 1]).output_shape(&[4, 2, 2]).is_ok());
        assert!(shift(vec![4, 2, 2]).output_shape(&[4, 1, 1]).is_err());
    }
}
