use serde::{Deserialize, Serialize};

use super::Window;
use crate::{Tensor, volume};

/// Convolution (cross-correlation, as everywhere in the field): input `[C_in, spatial…]`, result `[C_out, spatial…]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conv<T = Tensor> {
    /// Weights `[C_out, C_in / groups, kernel…]`.
    pub weight: T,
    /// Bias `[C_out]`.
    pub bias: Option<T>,
    /// Stride, dilation and zero padding; its kernel is the weight's.
    pub window: Window,
    /// Number of groups; `groups = C_in` is a depthwise convolution.
    pub groups: usize,
}

impl Conv {
    /// Output channels.
    pub fn out_channels(&self) -> usize {
        self.weight.shape()[0]
    }

    /// Input channels.
    pub fn in_channels(&self) -> usize {
        self.weight.shape()[1] * self.groups
    }

    /// Shape of the result.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let (channels, spatial) = split_channels(input)?;
        check_weight(&self.weight, &self.window, self.groups)?;
        if self.in_channels() != channels {
            return Err(format!(
                "weight of shape {:?} with {} group(s) reads {} channels, the input {input:?} has {channels}",
                self.weight.shape(),
                self.groups,
                self.in_channels()
            ));
        }
        let out = self.out_channels();
        if !out.is_multiple_of(self.groups) {
            return Err(format!("{out} output channels do not divide into {} groups", self.groups));
        }
        check_bias(self.bias.as_ref(), out)?;
        let mut shape = vec![out];
        shape.extend(self.window.output(spatial, false)?);
        Ok(shape)
    }

    pub(super) fn macs(&self, output: &[usize]) -> u64 {
        volume(output) as u64 * volume(&self.weight.shape()[1..]) as u64
    }
}

/// Transposed convolution (the adjoint of [`Conv`]): input `[C_in, spatial…]`, result `[C_out, spatial…]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvTranspose<T = Tensor> {
    /// Weights `[C_in, C_out / groups, kernel…]`.
    pub weight: T,
    /// Bias `[C_out]`.
    pub bias: Option<T>,
    /// Stride, dilation, and what is cut off at each side (`pad_begin`, `pad_end`).
    pub window: Window,
    /// Extra extent at the end of each spatial axis.
    pub output_padding: Vec<usize>,
    /// Number of groups.
    pub groups: usize,
}

impl ConvTranspose {
    /// Output channels.
    pub fn out_channels(&self) -> usize {
        self.weight.shape()[1] * self.groups
    }

    /// Shape of the result.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let (channels, spatial) = split_channels(input)?;
        check_weight(&self.weight, &self.window, self.groups)?;
        self.window.check(spatial)?;
        if self.weight.shape()[0] != channels || !channels.is_multiple_of(self.groups) {
            return Err(format!(
                "weight of shape {:?} with {} group(s) does not read the input {input:?}",
                self.weight.shape(),
                self.groups
            ));
        }
        check_bias(self.bias.as_ref(), self.out_channels())?;
        if self.output_padding.len() != spatial.len() {
            return Err("output padding and kernel differ in length".into());
        }
        let mut shape = vec![self.out_channels()];
        for (axis, &extent) in spatial.iter().enumerate() {
            let full = (extent - 1)
                .checked_mul(self.window.stride[axis])
                .and_then(|n| n.checked_add(self.window.reach(axis)))
                .and_then(|n| n.checked_add(self.output_padding[axis]))
                .ok_or("its result's extent overflows")?;
            let cut = self.window.pad_begin[axis].saturating_add(self.window.pad_end[axis]);
            shape.push(
                full.checked_sub(cut)
                    .filter(|&n| n > 0)
                    .ok_or_else(|| format!("cuts {cut} off an extent of {full}"))?,
            );
        }
        Ok(shape)
    }

    pub(super) fn macs(&self, input: &[usize]) -> u64 {
        volume(input) as u64 * volume(&self.weight.shape()[1..]) as u64
    }
}

fn split_channels(input: &[usize]) -> Result<(usize, &[usize]), String> {
    match input {
        [channels, spatial @ ..] if !spatial.is_empty() => Ok((*channels, spatial)),
        _ => Err(format!("wants channels and spatial extents, the input has shape {input:?} a sample")),
    }
}

fn check_weight(weight: &Tensor, window: &Window, groups: usize) -> Result<(), String> {
    if groups == 0 {
        return Err("has zero groups".into());
    }
    match weight.shape() {
        [_, _, kernel @ ..] if kernel == window.kernel && !weight.is_empty() => Ok(()),
        shape => Err(format!("weight of shape {shape:?} does not match the kernel {:?}", window.kernel)),
    }
}

pub(super) fn check_bias(bias: Option<&Tensor>, channels: usize) -> Result<(), String> {
    match bias {
        Some(bias) if bias.shape() != [channels] => {
            Err(format!("bias of shape {:?} for {channels} output channels", bias.shape()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grouped_shape_and_cost() {
        let conv = Conv {
            weight: Tensor::full(vec![8, 2, 3, 3], 0.0),
            bias: None,
            window: Window::new(vec![3, 3]).padded(1).strided(2),
            groups: 2,
        };
        assert_eq!(conv.output_shape(&[4, 9, 8]).unwrap(), [8, 5, 4]);
        assert_eq!(conv.macs(&[8, 5, 4]), 8 * 5 * 4 * 18);
        assert!(conv.output_shape(&[3, 9, 8]).unwrap_err().contains("channels"));
    }

    #[test]
    fn transposed_inverts_the_extent() {
        let conv = ConvTranspose {
            weight: Tensor::full(vec![4, 2, 3, 3], 0.0),
            bias: None,
            window: Window::new(vec![3, 3]).padded(1).strided(2),
            output_padding: vec![1, 1],
            groups: 1,
        };
        assert_eq!(conv.output_shape(&[4, 5, 5]).unwrap(), [2, 10, 10]);
    }
}
