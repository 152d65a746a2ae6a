//! Samples of one shape and number type, row after row, over one or more files.

use std::path::{Path, PathBuf};

use crate::array::Array;
use crate::bytes::Bytes;
use crate::{Element, Error, ImageShape, Result};

/// The rows that one file holds.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Bytes,
    /// Where its first row starts.
    pub(crate) offset: u64,
    pub(crate) rows: usize,
}

/// Rows of equal length, each optionally behind a few bytes (a label) that are no part of the sample.
#[derive(Debug)]
pub(crate) struct Rows {
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) element: Element,
    pub(crate) big_endian: bool,
    /// Shape of a sample; never empty, no axis is 0.
    pub(crate) shape: Vec<usize>,
    /// How a sample reads as an image, where that is known.
    pub(crate) image: Option<ImageShape>,
    /// Bytes before each sample.
    pub(crate) skip: usize,
}

/// A few consecutive rows, read.
pub(crate) struct Block {
    bytes: Vec<u8>,
    stride: usize,
    skip: usize,
}

impl Block {
    /// The bytes of one sample.
    pub(crate) fn row(&self, i: usize) -> &[u8] {
        &self.bytes[i * self.stride + self.skip..(i + 1) * self.stride]
    }
}

impl Rows {
    /// Rows of an array whose first axis counts them. An array with no rows, or with empty ones, is an error.
    pub(crate) fn of(array: Array) -> Result<Self> {
        let Array { path, element, big_endian, shape, bytes, offset } = array;
        let Some((&rows, sample)) = shape.split_first() else {
            return Err(Error::Unsupported {
                path,
                what: "a single number".into(),
                remedy: "store an array whose first axis counts the samples".into(),
            });
        };
        if shape.contains(&0) {
            return Err(Error::Empty { path });
        }
        let shape = if sample.is_empty() { vec![1] } else { sample.to_vec() };
        let image = ImageShape::of(&shape, None);
        Ok(Self { chunks: vec![Chunk { path, bytes, offset, rows }], element, big_endian, shape, image, skip: 0 })
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows).sum()
    }

    /// Bytes from one row to the next. The lengths checked on opening bound it.
    fn stride(&self) -> usize {
        self.skip + self.shape.iter().product::<usize>() * self.element.size()
    }

    /// The file a row lies in, and its number there.
    pub(crate) fn locate(&self, row: usize) -> (&Path, usize) {
        let mut local = row;
        for chunk in &self.chunks {
            if local < chunk.rows {
                return (&chunk.path, local);
            }
            local -= chunk.rows;
        }
        (Path::new(""), row)
    }

    /// Reads `count` rows from `first` on, over file borders.
    pub(crate) fn read(&self, first: usize, count: usize) -> Result<Block> {
        let stride = self.stride();
        let mut bytes = Vec::new();
        let (mut first, mut count) = (first, count);
        for chunk in &self.chunks {
            if first >= chunk.rows {
                first -= chunk.rows;
                continue;
            }
            let here = count.min(chunk.rows - first);
            let piece = chunk.bytes.read(&chunk.path, chunk.offset + first as u64 * stride as u64, here * stride)?;
            if bytes.is_empty() {
                bytes = piece;
            } else {
                bytes.extend_from_slice(&piece);
            }
            count -= here;
            first = 0;
            if count == 0 {
                break;
            }
        }
        Ok(Block { bytes, stride, skip: self.skip })
    }

    /// One sample as numbers; `row` names it in the error.
    pub(crate) fn values(&self, bytes: &[u8], row: usize) -> Result<Vec<f32>> {
        self.element.read_row(bytes, self.big_endian).map_err(|value| {
            let (path, row) = self.locate(row);
            Error::NotFinite { path: path.to_path_buf(), row, value }
        })
    }
}
