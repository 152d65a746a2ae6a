//! The shape of a layer of weights: what every kernel reads where.

use spikeconverter_graph::ops::{Conv, Linear};

use super::layout::LANES;
use crate::kernels::phase::plane;

/// What the weights are, apart from the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Geometry {
    pub(super) kernel: [usize; 2],
    pub(super) stride: [usize; 2],
    pub(super) dilation: [usize; 2],
    pub(super) before: [usize; 2],
    pub(super) groups: usize,
    /// Channels of the input and of the result.
    pub(super) channels: [usize; 2],
    pub(super) output: [usize; 2],
}

impl Geometry {
    /// That of a convolution of an input of this shape.
    pub(super) fn conv(op: &Conv, input: &[usize], output: &[usize]) -> Self {
        let [kernel, stride, dilation, before] = plane::window(&op.window);
        let channels = [input[0], output[0]];
        Self { kernel, stride, dilation, before, groups: op.groups, channels, output: plane::extents(output) }
    }

    /// That of a linear layer on a vector.
    pub(super) fn linear(op: &Linear) -> Self {
        let channels = [op.weight.shape()[1], op.weight.shape()[0]];
        let one = [1; 2];
        Self { kernel: one, stride: one, dilation: one, before: [0; 2], groups: 1, channels, output: one }
    }

    /// Vectors of channels of the result.
    pub(super) fn vectors(&self) -> usize {
        self.channels[1].div_ceil(LANES)
    }

    /// Rows and columns beyond the input's last that are read, for each axis.
    pub(super) fn after(&self, input: [usize; 2]) -> [usize; 2] {
        [0, 1].map(|a| {
            let last = (self.output[a] - 1).saturating_mul(self.stride[a]);
            let read = last.saturating_add((self.kernel[a] - 1).saturating_mul(self.dilation[a])).saturating_add(1);
            read.saturating_sub(self.before[a].saturating_add(input[a]))
        })
    }
}
