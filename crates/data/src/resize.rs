//! Resizing of 8-bit images and the centre crop.

use image::imageops::{FilterType, resize};
use image::{GrayImage, RgbImage};

use crate::Resize;

/// The most numbers a resized image may have.
const MAX_PIXELS: u128 = 1 << 28;

/// Height and width after resizing, or what is wrong with them.
pub(crate) fn resized(method: Resize, height: usize, width: usize) -> Result<(usize, usize), String> {
    let (new_height, new_width) = match method {
        Resize::None => (height, width),
        Resize::Exact([new_height, new_width]) => (new_height, new_width),
        Resize::ShorterSide(side) => {
            let longer = (side as u128 * height.max(width) as u128 / height.min(width).max(1) as u128) as usize;
            if height <= width { (side, longer) } else { (longer, side) }
        }
    };
    if new_height == 0 || new_width == 0 || new_height as u128 * new_width as u128 > MAX_PIXELS {
        return Err(format!(
            "resizing {height}x{width} would give an image of {new_height}x{new_width}; choose another size"
        ));
    }
    Ok((new_height, new_width))
}

/// Where a centre crop starts along an axis: half the margin, halves rounded to even, as torchvision's `CenterCrop`
/// does.
pub(crate) fn crop_start(whole: usize, part: usize) -> usize {
    let margin = whole.saturating_sub(part);
    let half = margin / 2;
    if margin % 2 == 1 && half % 2 == 1 { half + 1 } else { half }
}

/// Bilinear resize of 8-bit pixels in HWC order; half-pixel centres, the filter widened when shrinking, as Pillow does.
/// The result of each axis is rounded to 8 bits, columns first, as there. `None` only if `pixels` does not have `from.0 · from.1 · channels` numbers.
pub(crate) fn bilinear(pixels: Vec<u8>, channels: usize, from: (usize, usize), to: (usize, usize)) -> Option<Vec<u8>> {
    if from == to {
        return Some(pixels);
    }
    let side = |n: usize| u32::try_from(n).ok();
    let (height, width, new_height, new_width) = (side(from.0)?, side(from.1)?, side(to.0)?, side(to.1)?);
    if channels == 3 {
        let image = RgbImage::from_raw(width, height, pixels)?;
        let columns = resize(&image, new_width, height, FilterType::Triangle);
        return Some(resize(&columns, new_width, new_height, FilterType::Triangle).into_raw());
    }
    let mut out = vec![0; to.0 * to.1 * channels];
    for c in 0..channels {
        let plane = pixels.iter().skip(c).step_by(channels).copied().collect();
        let columns = resize(&GrayImage::from_raw(width, height, plane)?, new_width, height, FilterType::Triangle);
        let plane = resize(&columns, new_width, new_height, FilterType::Triangle).into_raw();
        for (value, pixel) in plane.into_iter().zip(out.chunks_exact_mut(channels)) {
            pixel[c] = value;
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(resized(Resize::ShorterSide(256), 500, 375), Ok((341, 256)));
        assert_eq!(resized(Resize::ShorterSide(10), 20, 41), Ok((10, 20)));
        assert!(resized(Resize::ShorterSide(256), 1, 60_000_000).is_err());
        assert!(resized(Resize::Exact([0, 3]), 4, 4).is_err());
        assert_eq!([crop_start(256, 224), crop_start(5, 4), crop_start(7, 4), crop_start(3, 4)], [16, 0, 2, 0]);
    }

    #[test]
    fn halving_widens_the_filter() {
        // By hand: the filter reaches 2 pixels to each side, so the first result weighs pixels 0, 1, 2 by 3/7, 3/7,
        // 1/7, the second 1, 2, 3 by 1/7, 3/7, 3/7.
        assert_eq!(bilinear(vec![0, 100, 200, 40], 1, (1, 4), (1, 2)), Some(vec![71, 117]));
    }

    #[test]
    fn channels_stay_apart() {
        let two = bilinear(vec![10, 200, 10, 200, 10, 200, 10, 200], 2, (2, 2), (3, 3)).unwrap();
        assert!(two.chunks(2).all(|p| p == [10, 200]));
        let three = bilinear([1, 2, 3].repeat(4), 3, (2, 2), (1, 1)).unwrap();
        assert_eq!(three, [1, 2, 3]);
    }
}
