//! The shape of a layer of weights: what every kernel reads where.

use super::layout::LANES;
pub(super) use crate::channels_last::Geometry;

impl Geometry {
    /// Vectors of channels of the result.
    pub(super) fn vectors(&self) -> usize {
        self.channels[1].div_ceil(LANES)
    }
}
