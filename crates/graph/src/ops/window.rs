use serde::{Deserialize, Serialize};

/// A sliding window over the spatial axes (all axes after the channel axis): one entry an axis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Extent of the window in taps.
    pub kernel: Vec<usize>,
    /// Distance between neighbouring windows.
    pub stride: Vec<usize>,
    /// Distance between neighbouring taps.
    pub dilation: Vec<usize>,
    /// Padding before the first element.
    pub pad_begin: Vec<usize>,
    /// Padding after the last element.
    pub pad_end: Vec<usize>,
}

impl Window {
    /// A window without stride, dilation or padding.
    pub fn new(kernel: Vec<usize>) -> Self {
        let rank = kernel.len();
        Self {
            kernel,
            stride: vec![1; rank],
            dilation: vec![1; rank],
            pad_begin: vec![0; rank],
            pad_end: vec![0; rank],
        }
    }

    /// The same window with padding `pad` on every side.
    #[must_use]
    pub fn padded(mut self, pad: usize) -> Self {
        self.pad_begin.fill(pad);
        self.pad_end.fill(pad);
        self
    }

    /// The same window with one stride for all axes.
    #[must_use]
    pub fn strided(mut self, stride: usize) -> Self {
        self.stride.fill(stride);
        self
    }

    /// Number of spatial axes.
    pub fn rank(&self) -> usize {
        self.kernel.len()
    }

    /// Number of taps.
    pub fn taps(&self) -> usize {
        self.kernel.iter().product()
    }

    /// Whether any side is padded.
    pub fn is_padded(&self) -> bool {
        self.pad_begin.iter().chain(&self.pad_end).any(|&p| p > 0)
    }

    /// Extents that the window's taps span, dilation included.
    pub fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// Extents of the result over spatial extents `input`. With `ceil`, a last window that starts within the input or
    /// its leading padding counts though it runs over the end.
    ///
    /// # Errors
    /// A sentence that says what does not fit.
    pub(crate) fn output(&self, input: &[usize], ceil: bool) -> Result<Vec<usize>, String> {
        self.check(input)?;
        (0..self.rank())
            .map(|axis| {
                let padded = input[axis]
                    .checked_add(self.pad_begin[axis])
                    .and_then(|n| n.checked_add(self.pad_end[axis]))
                    .ok_or("padding overflows")?;
                let span = padded.checked_sub(self.reach(axis)).ok_or_else(|| {
                    format!("its window reaches {} over an extent of {padded}, padding included", self.reach(axis))
                })?;
                let stride = self.stride[axis];
                if !ceil {
                    return Ok(span / stride + 1);
                }
                let count = span.div_ceil(stride) + 1;
                let starts_inside = (count - 1) * stride < input[axis] + self.pad_begin[axis];
                Ok(if starts_inside { count } else { count - 1 })
            })
            .collect()
    }

    /// Checks that the window fits the number of axes and has no zero extents.
    pub(crate) fn check(&self, spatial: &[usize]) -> Result<(), String> {
        let rank = self.rank();
        let lengths = [self.stride.len(), self.dilation.len(), self.pad_begin.len(), self.pad_end.len()];
        if lengths.iter().any(|&n| n != rank) {
            return Err("kernel, stride, dilation and padding differ in length".into());
        }
        if !(1..=2).contains(&rank) {
            return Err(format!("has {rank} spatial axes; one or two are supported"));
        }
        if spatial.len() != rank {
            return Err(format!("its window has {rank} axes, the input has spatial extents {spatial:?}"));
        }
        if self.kernel.iter().chain(&self.stride).chain(&self.dilation).any(|&n| n == 0) {
            return Err("kernel, stride and dilation must be at least 1".into());
        }
        // Keeps `reach` and later products far from overflow.
        if self.kernel.iter().chain(&self.stride).chain(&self.dilation).any(|&n| n > 1 << 20) {
            return Err("kernel, stride or dilation beyond 2^20".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_and_ceil() {
        let window = Window::new(vec![3, 3]).strided(2);
        assert_eq!(window.output(&[6, 7], false).unwrap(), [2, 3]);
        assert_eq!(window.output(&[6, 7], true).unwrap(), [3, 3]);
    }

    #[test]
    fn ceil_drops_a_window_that_starts_in_the_trailing_padding() {
        let window = Window::new(vec![1]).strided(2).padded(1);
        // padded extent 5 of input 3: starts 0, 2, 4; 4 lies in the trailing padding
        assert_eq!(window.output(&[3], false).unwrap(), [3]);
        let window = Window::new(vec![2]).strided(3).padded(1);
        assert_eq!(window.output(&[3], true).unwrap(), [2]);
        assert_eq!(window.output(&[2], true).unwrap(), [1]);
    }

    #[test]
    fn a_window_larger_than_the_input_is_refused() {
        assert!(Window::new(vec![5]).output(&[3], false).is_err());
        assert!(Window::new(vec![0]).output(&[3], false).is_err());
    }
}
