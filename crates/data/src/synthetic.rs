//! Samples made up where there are none: dead leaves.
//!
//! Discs that cover each other, their radii distributed as `r^-3`, have the edges, the flat parts and the power spectrum of
//! photographs (Lee, Mumford, Huang, IJCV 41, 2001), and networks that saw nothing else learn filters like those that saw
//! photographs (Baradad et al., NeurIPS 2021). Here they stand in for calibration images.

use std::f64::consts::PI;

use crate::ImageShape;
use crate::layout::Layout;

/// Discs of an image.
const LEAVES: usize = 160;
/// Radius of the smallest disc, in pixels, and of the largest, as a share of the shorter side.
const RADII: (f64, f64) = (0.8, 0.6);
/// How far a channel of a disc lies from its grey, at most.
const CHROMA: f64 = 60.0;
/// Standard deviation, about, of the noise on each pixel.
const NOISE: f64 = 4.0;

/// Number `index` of the SplitMix64 sequence of a seed (Steele, Lea, Flood, 2014).
pub fn split_mix(seed: u64, index: u64) -> u64 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Random numbers of one image.
struct Numbers {
    seed: u64,
    index: u64,
}

impl Numbers {
    /// Uniform in [0, 1).
    fn next(&mut self) -> f64 {
        self.index += 1;
        (split_mix(self.seed, self.index) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform within `reach` of 0.
    fn around(&mut self, reach: f64) -> f64 {
        reach * (2.0 * self.next() - 1.0)
    }
}

/// Sample number `row` of a seed: 8-bit pixels in the order of `shape`, which is read as `image` where it is one and as a
/// single line otherwise.
pub(crate) fn sample(shape: &[usize], image: Option<ImageShape>, seed: u64, row: usize) -> Vec<u8> {
    let volume = shape.iter().product();
    let (channels, height, width, last) = match image {
        Some(image) => (image.channels, image.height, image.width, image.layout == Layout::Nhwc),
        None => (1, 1, volume, false),
    };
    let mut numbers = Numbers { seed: split_mix(seed, row as u64), index: 0 };
    let mut pixels = vec![0.0; volume];
    let place =
        |c: usize, y: usize, x: usize| if last { (y * width + x) * channels + c } else { (c * height + y) * width + x };
    // a line has no shorter side
    let side = if height > 1 { height.min(width) } else { width } as f64;
    let (small, large) = (RADII.0, (RADII.1 * side).max(RADII.0));
    for leaf in 0..LEAVES {
        // the first covers all
        let radius = if leaf == 0 { f64::INFINITY } else { radius(numbers.next(), small, large) };
        let (cy, cx) = (numbers.next() * height as f64, numbers.next() * width as f64);
        let grey = 255.0 * numbers.next();
        let colour: Vec<f64> =
            (0..channels).map(|_| if channels > 1 { grey + numbers.around(CHROMA) } else { grey }).collect();
        // brighter on one side
        let (angle, slope) = (2.0 * PI * numbers.next(), 80.0 * numbers.next() / side);
        let rows = |centre: f64, extent: usize| {
            let low = (centre - radius).floor().max(0.0) as usize;
            low..((centre + radius).ceil().max(0.0) as usize).min(extent)
        };
        for y in rows(cy, height) {
            for x in rows(cx, width) {
                let (dy, dx) = (y as f64 + 0.5 - cy, x as f64 + 0.5 - cx);
                if dy * dy + dx * dx > radius * radius {
                    continue;
                }
                let shade = slope * (dx * angle.cos() + dy * angle.sin());
                colour.iter().enumerate().for_each(|(c, value)| pixels[place(c, y, x)] = value + shade);
            }
        }
    }
    // the sum of three uniform numbers is near enough to a normal one
    let mut noise = || NOISE * (numbers.around(1.0) + numbers.around(1.0) + numbers.around(1.0));
    pixels.into_iter().map(|value| (value + noise()).round().clamp(0.0, 255.0) as u8).collect()
}

/// A radius of density `r^-3` between two bounds, from a uniform number.
fn radius(uniform: f64, small: f64, large: f64) -> f64 {
    let (a, b) = (small.powi(-2), large.powi(-2));
    (a - uniform * (a - b)).powf(-0.5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn radii_lie_within_their_bounds() {
        assert!((radius(0.0, 1.0, 16.0) - 1.0).abs() < 1e-12 && (radius(1.0, 1.0, 16.0) - 16.0).abs() < 1e-9);
        // half of all discs are smaller than about √2 of the smallest
        assert!((radius(0.5, 1.0, 1e6) - 2f64.sqrt()).abs() < 1e-6);
    }

    /// Neighbours are alike, as in photographs; the same seed gives the same image in either order of its axes.
    #[test]
    fn images_have_surfaces() {
        let image =
            |layout| ImageShape::of(if layout == Layout::Nchw { &[3, 32, 32] } else { &[32, 32, 3] }, Some(layout));
        let first = sample(&[3, 32, 32], image(Layout::Nchw), 1, 5);
        let last = sample(&[32, 32, 3], image(Layout::Nhwc), 1, 5);
        let mean = first.iter().map(|&p| f64::from(p)).sum::<f64>() / first.len() as f64;
        let at = |y: usize, x: usize| f64::from(first[y * 32 + x]) - mean;
        let (mut near, mut power) = (0.0, 0.0);
        for y in 0..32 {
            for x in 0..31 {
                near += at(y, x) * at(y, x + 1);
                power += at(y, x) * at(y, x);
            }
        }
        assert!(near > 0.5 * power, "{near} of {power}");
        // the noise comes in another order
        let far = (0..1024).filter(|&i| (i32::from(first[i]) - i32::from(last[3 * i])).abs() > 24).count();
        assert!(far == 0, "{far}");
        assert_ne!(first, sample(&[3, 32, 32], image(Layout::Nchw), 1, 6));
        assert_eq!(sample(&[7], None, 2, 0).len(), 7);
    }
}
