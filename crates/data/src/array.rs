//! An array on disk: a header's claims, checked, and the bytes behind them.

use std::path::{Path, PathBuf};

use crate::bytes::Bytes;
use crate::{Element, Error, Result};

/// An n-dimensional array, row-major, whose first axis counts samples.
#[derive(Debug)]
pub(crate) struct Array {
    /// The file it comes from, for messages.
    pub(crate) path: PathBuf,
    pub(crate) element: Element,
    pub(crate) big_endian: bool,
    /// All axes, samples first.
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Bytes,
    /// Where the first number lies in `bytes`.
    pub(crate) offset: u64,
}

/// Bytes of an array of this shape; `u128` holds any product that passes the check against a file's length, and
/// saturates otherwise.
pub(crate) fn byte_count(shape: &[usize], element: Element) -> u128 {
    shape.iter().fold(element.size() as u128, |product, &axis| product.saturating_mul(axis as u128))
}

impl Array {
    /// All numbers as class labels. The array must have one axis, or further axes of length 1.
    pub(crate) fn labels(&self) -> Result<Vec<u32>> {
        if self.shape.iter().skip(1).any(|&axis| axis != 1) || self.shape.is_empty() {
            return Err(Error::Unsupported {
                path: self.path.clone(),
                what: format!("labels of shape {:?}", self.shape),
                remedy: "store one class number per sample (for one-hot rows, their argmax)".into(),
            });
        }
        let count = self.shape[0];
        let size = self.element.size();
        let bytes = self.bytes.read(&self.path, self.offset, count * size)?;
        let numbers =
            bytes.chunks_exact(size).map(|chunk| self.element.read_one(chunk, self.big_endian).unwrap_or(f64::NAN));
        numbers.enumerate().map(|(i, value)| label(value, &self.path, i)).collect()
    }
}

/// A number as a class label.
fn label(value: f64, path: &Path, index: usize) -> Result<u32> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        Ok(value as u32)
    } else {
        Err(Error::BadLabel { path: path.to_path_buf(), index: index.to_string(), value: value.to_string() })
    }
}
