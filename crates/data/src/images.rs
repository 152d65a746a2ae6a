//! A folder of image files: JPEG, PNG, BMP or PNM, decoded when asked for.

use std::path::{Path, PathBuf};

use image::{DynamicImage, ImageReader};

use crate::fit::{Plan, Sample};
use crate::{Error, ImageShape, Layout, Result};

/// The image files of a folder, in the order of their rows.
#[derive(Debug)]
pub(crate) struct Images {
    pub(crate) files: Vec<PathBuf>,
}

/// File extensions that are read, in lower case.
const EXTENSIONS: [&str; 8] = ["jpg", "jpeg", "png", "bmp", "pgm", "ppm", "pbm", "pnm"];

/// Whether a file's name says that it is an image.
pub(crate) fn is_image(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

impl Images {
    /// Decodes image `row` and fits it to the model: colour for a model with 3 channels (grey images are repeated, as
    /// Pillow's `convert("RGB")` does; an alpha channel is dropped), grey for a model with 1. A colour image for a
    /// model with 1 channel is refused.
    pub(crate) fn write(&self, row: usize, plan: &Plan, out: &mut [f32]) -> Result<()> {
        let missing = || Error::Range { path: PathBuf::new(), start: row, end: row + 1, rows: self.files.len() };
        let path = self.files.get(row).ok_or_else(missing)?;
        let (pixels, image) = decode(path, plan)?;
        let wanted = plan.source(path, &image.shape(), Some(image))?;
        let (pixels, resized) = if plan.resizes() { plan.resize(path, pixels, image)? } else { (pixels, image) };
        let values = pixels.into_iter().map(f32::from).collect();
        plan.write(&Sample { values, image: wanted.map(|_| resized) }, out);
        Ok(())
    }
}

/// Pixels in HWC order and their axes.
fn decode(path: &Path, plan: &Plan) -> Result<(Vec<u8>, ImageShape)> {
    let reader =
        ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(|source| Error::io(path, source))?;
    // The decoder's own limit (512 MiB) bounds what a hostile header can ask for.
    let decoded =
        reader.decode().map_err(|error| Error::Image { path: path.to_path_buf(), reason: error.to_string() })?;
    let (height, width) = (decoded.height() as usize, decoded.width() as usize);
    let grey = matches!(
        decoded,
        DynamicImage::ImageLuma8(_)
            | DynamicImage::ImageLumaA8(_)
            | DynamicImage::ImageLuma16(_)
            | DynamicImage::ImageLumaA16(_)
    );
    let channels = match plan.image.map(|image| image.channels) {
        Some(3) => 3,
        _ if grey => 1,
        _ => 3,
    };
    if height == 0 || width == 0 {
        return Err(Error::Image { path: path.to_path_buf(), reason: "it has no pixels".into() });
    }
    let pixels = if channels == 1 { decoded.into_luma8().into_raw() } else { decoded.into_rgb8().into_raw() };
    Ok((pixels, ImageShape { height, width, channels, layout: Layout::Nhwc }))
}
