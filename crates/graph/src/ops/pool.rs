use serde::{Deserialize, Serialize};

use super::Window;

/// Maximum over windows of `[C, spatial…]`; padding never wins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MaxPool {
    /// The window.
    pub window: Window,
    /// Whether a last, incomplete window counts.
    pub ceil: bool,
}

impl MaxPool {
    /// Shape of the result.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        pooled(&self.window, self.ceil, input)
    }
}

/// Mean over windows of `[C, spatial…]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvgPool {
    /// The window.
    pub window: Window,
    /// Whether a last, incomplete window counts. What lies beyond the padded input is never part of the mean.
    pub ceil: bool,
    /// Whether padding counts as zeros in the mean.
    pub count_include_pad: bool,
}

impl AvgPool {
    /// Shape of the result.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        pooled(&self.window, self.ceil, input)
    }

    /// The divisor of the mean at result position `position`, over spatial extents `input`.
    pub fn divisor(&self, position: &[usize], input: &[usize]) -> f32 {
        let window = &self.window;
        (0..window.rank())
            .map(|axis| {
                let start = position[axis] * window.stride[axis];
                let end = if self.count_include_pad {
                    window.pad_begin[axis] + input[axis] + window.pad_end[axis]
                } else {
                    window.pad_begin[axis] + input[axis]
                };
                (0..window.kernel[axis])
                    .map(|tap| start + tap * window.dilation[axis])
                    .filter(|&at| at < end && (self.count_include_pad || at >= window.pad_begin[axis]))
                    .count()
            })
            .product::<usize>()
            .max(1) as f32
    }
}

/// Mean over whole axes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mean {
    /// The axes, per sample, ascending.
    pub axes: Vec<usize>,
    /// Whether the axes stay, with extent 1.
    pub keep: bool,
}

impl Mean {
    /// Shape of the result.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if let Some(axis) = self.axes.iter().find(|&&axis| axis >= input.len()) {
            return Err(format!("axis {axis} of an input of shape {input:?} a sample"));
        }
        let extents = input.iter().enumerate();
        Ok(if self.keep {
            extents.map(|(axis, &n)| if self.axes.contains(&axis) { 1 } else { n }).collect()
        } else {
            extents.filter(|(axis, _)| !self.axes.contains(axis)).map(|(_, &n)| n).collect()
        })
    }
}

fn pooled(window: &Window, ceil: bool, input: &[usize]) -> Result<Vec<usize>, String> {
    let [channels, spatial @ ..] = input else {
        return Err("wants channels and spatial extents".into());
    };
    window.check(spatial)?;
    if (0..window.rank()).any(|a| window.pad_begin[a] >= window.reach(a) || window.pad_end[a] >= window.reach(a)) {
        return Err("its padding is as wide as its window".into());
    }
    let mut shape = vec![*channels];
    shape.extend(window.output(spatial, ceil)?);
    Ok(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn divisor_counts_what_the_mean_holds() {
        let mut pool =
            AvgPool { window: Window::new(vec![3, 3]).padded(1).strided(2), ceil: true, count_include_pad: false };
        assert_eq!(pool.output_shape(&[1, 4, 4]).unwrap(), [1, 3, 3]);
        assert_eq!(pool.divisor(&[0, 0], &[4, 4]), 4.0);
        assert_eq!(pool.divisor(&[1, 1], &[4, 4]), 9.0);
        assert_eq!(pool.divisor(&[2, 2], &[4, 4]), 1.0);
        pool.count_include_pad = true;
        // rows 4 and 5 of the padded extent 6 exist; row 6 lies beyond
        assert_eq!(pool.divisor(&[0, 0], &[4, 4]), 9.0);
        assert_eq!(pool.divisor(&[2, 2], &[4, 4]), 4.0);
    }
}
