//! IDX, the format of MNIST: magic `00 00 type rank`, the axes as big-endian u32, then the numbers, big-endian. Plain
//! or gzipped.

use std::path::{Path, PathBuf};

use crate::array::{Array, byte_count};
use crate::bytes::{Bytes, gunzip, head};
use crate::{Element, Error, Result};

/// Longest header read: rank 8.
const MAX_RANK: usize = 8;

/// What an IDX header declares.
#[derive(Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) shape: Vec<usize>,
}

impl Header {
    /// Bytes of the header itself.
    fn len(&self) -> u64 {
        4 + 4 * self.shape.len() as u64
    }

    /// Bytes of header and data.
    pub(crate) fn file_len(&self) -> u128 {
        u128::from(self.len()).saturating_add(byte_count(&self.shape, self.element))
    }

    /// Reads a header from the first bytes of a file; `None` if they are not one.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[0, 0, kind, rank], rest) = bytes.split_first_chunk::<4>()? else { return None };
        let element = match kind {
            0x08 => Element::U8,
            0x09 => Element::I8,
            0x0B => Element::I16,
            0x0C => Element::I32,
            0x0D => Element::F32,
            0x0E => Element::F64,
            _ => return None,
        };
        let rank = usize::from(rank);
        if rank == 0 || rank > MAX_RANK {
            return None;
        }
        let shape: Vec<usize> = rest
            .chunks_exact(4)
            .take(rank)
            .filter_map(|b| Some(u32::from_be_bytes(*b.first_chunk()?) as usize))
            .collect();
        (shape.len() == rank).then_some(Self { element, shape })
    }
}

/// Whether the file starts as IDX does.
pub(crate) fn looks_like(path: &Path) -> Result<bool> {
    Ok(Header::parse(&head(path, 4 + 4 * MAX_RANK)?.0).is_some())
}

/// Opens an IDX file of any rank. A plain file stays on disk; a gzipped one is unpacked into memory.
pub(crate) fn open(path: &Path) -> Result<Array> {
    let (start, gzip) = head(path, 4 + 4 * MAX_RANK)?;
    let header =
        Header::parse(&start).ok_or_else(|| Error::malformed(path, "IDX", "its first bytes are no IDX header"))?;
    let expected = header.file_len();
    let bytes = if gzip {
        Bytes::Memory(gunzip(path, expected)?)
    } else {
        let bytes = Bytes::file(path)?;
        if u128::from(bytes.len()) != expected {
            return Err(Error::Length { path: path.to_path_buf(), declared: expected, found: bytes.len().to_string() });
        }
        bytes
    };
    let offset = header.len();
    Ok(Array {
        path: path.to_path_buf(),
        element: header.element,
        big_endian: true,
        shape: header.shape,
        bytes,
        offset,
    })
}

/// The labels file that goes with an images file, if it exists: `images` becomes `labels`, `idx3` becomes `idx1`,
/// gzipped or not.
pub(crate) fn sibling_labels(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    if !name.contains("images") {
        return None;
    }
    let name = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    [name.clone(), plain.to_owned(), format!("{plain}.gz")]
        .into_iter()
        .map(|name| path.with_file_name(name))
        .find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_headers_and_refuses_others() {
        let header = Header::parse(&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]).unwrap();
        assert_eq!(
            (header.shape.as_slice(), header.element, header.file_len()),
            ([2, 28, 28].as_slice(), Element::U8, 16 + 2 * 784)
        );
        for bad in [&[0, 0, 8, 3, 0][..], &[1, 0, 8, 1, 0, 0, 0, 1], &[0, 0, 7, 1, 0, 0, 0, 1], &[0, 0, 8, 0], &[]] {
            assert_eq!(Header::parse(bad), None);
        }
    }
}
