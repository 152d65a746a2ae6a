use serde::{Deserialize, Serialize};

use super::elementwise::broadcasts;
use crate::Tensor;

/// Pointwise nonlinearities that a spiking population takes over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Activation<T = Tensor> {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, low), high)`; ReLU6 is `low = 0, high = 6`. Bounds may be infinite.
    Clip {
        /// Lower bound.
        #[serde(with = "super::extended")]
        low: f32,
        /// Upper bound.
        #[serde(with = "super::extended")]
        high: f32,
    },
    /// `x` where `x ≥ 0`, `slope · x` elsewhere; LeakyReLU (one slope) and PReLU (broadcast to the input's shape).
    Leaky {
        /// Slope of the negative side.
        slope: T,
    },
}

impl Activation {
    /// Name of the operation.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Relu => "Relu",
            Self::Clip { .. } => "Clip",
            Self::Leaky { .. } => "LeakyRelu",
        }
    }

    /// Shape of the result: the input's.
    ///
    /// # Errors
    /// When the slope does not broadcast to the input, or the bounds are not ordered.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        match self {
            Self::Relu => {}
            Self::Clip { low, high } => {
                if low.is_nan() || high.is_nan() || low > high {
                    return Err(format!("clips to [{low}, {high}], which is empty"));
                }
            }
            Self::Leaky { slope } => {
                if !broadcasts(slope.shape(), input) {
                    return Err(format!("slope of shape {:?} does not broadcast to {input:?}", slope.shape()));
                }
            }
        }
        Ok(input.to_vec())
    }
}
