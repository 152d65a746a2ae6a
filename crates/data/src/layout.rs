//! Where the channel axis of an image lies.

use serde::{Deserialize, Serialize};

/// The axis order of an image, without the batch axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Channels, height, width: `PyTorch`'s order.
    #[serde(rename = "NCHW", alias = "nchw", alias = "CHW")]
    Nchw,
    /// Height, width, channels: `TensorFlow`'s order.
    #[serde(rename = "NHWC", alias = "nhwc", alias = "HWC")]
    Nhwc,
}

impl Layout {
    /// The layout of a per-sample shape: of three axes, the one of length 1 or 3 at either end is the channels'. `None`
    /// if that is neither or both ends (`[1, 28, 1]`, the same numbers either way, counts as [`Layout::Nchw`]), or if
    /// there are not three axes.
    pub fn of(shape: &[usize]) -> Option<Self> {
        let &[first, _, last] = shape else { return None };
        let channels = |axis: usize| axis == 1 || axis == 3;
        match (channels(first), channels(last)) {
            (true, false) => Some(Self::Nchw),
            (false, true) => Some(Self::Nhwc),
            (true, true) if first == 1 && last == 1 => Some(Self::Nchw),
            _ => None,
        }
    }
}

/// The axes of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels per row.
    pub width: usize,
    /// Numbers per pixel.
    pub channels: usize,
    /// In which order the axes lie in memory.
    pub layout: Layout,
}

impl ImageShape {
    /// Reads a per-sample shape as an image: two axes are height and width; of three, `layout` (or, if it is `None`,
    /// [`Layout::of`]) says which are the channels. `None` for any other shape.
    pub fn of(shape: &[usize], layout: Option<Layout>) -> Option<Self> {
        match *shape {
            [height, width] => Some(Self { height, width, channels: 1, layout: layout.unwrap_or(Layout::Nchw) }),
            [a, b, c] => Some(match layout.or_else(|| Layout::of(shape))? {
                Layout::Nchw => Self { height: b, width: c, channels: a, layout: Layout::Nchw },
                Layout::Nhwc => Self { height: a, width: b, channels: c, layout: Layout::Nhwc },
            }),
            _ => None,
        }
    }

    /// The axes in memory order.
    pub fn shape(&self) -> [usize; 3] {
        match self.layout {
            Layout::Nchw => [self.channels, self.height, self.width],
            Layout::Nhwc => [self.height, self.width, self.channels],
        }
    }

    /// Distance in memory between neighbouring channels, rows and columns.
    pub(crate) fn strides(&self) -> (usize, usize, usize) {
        match self.layout {
            Layout::Nchw => (self.height * self.width, self.width, 1),
            Layout::Nhwc => (1, self.width * self.channels, self.channels),
        }
    }

    pub(crate) fn same_size(&self, other: &Self) -> bool {
        (self.height, self.width, self.channels) == (other.height, other.width, other.channels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_found_at_either_end() {
        assert_eq!(Layout::of(&[3, 32, 32]), Some(Layout::Nchw));
        assert_eq!(Layout::of(&[32, 32, 3]), Some(Layout::Nhwc));
        assert_eq!(Layout::of(&[49, 10, 1]), Some(Layout::Nhwc));
        assert_eq!(Layout::of(&[1, 5, 1]), Some(Layout::Nchw));
        for shape in [&[3, 32, 3][..], &[2, 34, 34], &[784], &[3, 32, 1], &[]] {
            assert_eq!(Layout::of(shape), None, "{shape:?}");
        }
    }
}
