//! CIFAR binary: records of one label byte (CIFAR-100: coarse, then fine) and 3072 pixels, planes R, G, B of 32×32.

use std::path::{Path, PathBuf};

use crate::bytes::Bytes;
use crate::rows::{Chunk, Rows};
use crate::{Element, Error, Format, ImageShape, Layout, Result};

/// Pixels of a record.
const PIXELS: usize = 3 * 32 * 32;
/// Bytes of a CIFAR-10 record.
const RECORD_10: u64 = PIXELS as u64 + 1;
/// Bytes of a CIFAR-100 record.
const RECORD_100: u64 = PIXELS as u64 + 2;

/// Which CIFAR a file of this length can be, by its record size.
pub(crate) fn formats(len: u64) -> Vec<Format> {
    let mut formats = Vec::new();
    if len > 0 && len.is_multiple_of(RECORD_10) {
        formats.push(Format::Cifar10);
    }
    if len > 0 && len.is_multiple_of(RECORD_100) {
        formats.push(Format::Cifar100);
    }
    formats
}

/// Tells CIFAR-10 from CIFAR-100 for a set of files by their lengths.
pub(crate) fn detect(path: &Path, files: &[PathBuf]) -> Result<Format> {
    let mut possible = vec![Format::Cifar10, Format::Cifar100];
    let mut lengths = Vec::new();
    for file in files {
        let len = Bytes::file(file)?.len();
        if len == 0 {
            return Err(Error::Empty { path: file.clone() });
        }
        let these = formats(len);
        possible.retain(|format| these.contains(format));
        lengths.push(len.to_string());
    }
    match possible.as_slice() {
        [only] => Ok(*only),
        [] => Err(Error::malformed(
            path,
            "CIFAR",
            format!("{} bytes are no whole number of records of 3073 or of 3074 bytes", lengths.join(", ")),
        )),
        _ => Err(Error::Ambiguous {
            path: path.to_path_buf(),
            candidates: format!("{} bytes fit both the records of CIFAR-10 and of CIFAR-100", lengths.join(", ")),
            remedy: "say which with --format cifar10 or --format cifar100",
        }),
    }
}

/// Opens CIFAR files, in this order, as one data set.
pub(crate) fn open(files: &[PathBuf], format: Format) -> Result<(Rows, Vec<u32>)> {
    let (skip, classes, name) = if format == Format::Cifar100 { (2, 100, "CIFAR-100") } else { (1, 10, "CIFAR-10") };
    let record = skip + PIXELS;
    let mut labels = Vec::new();
    let mut chunks = Vec::new();
    for path in files {
        let bytes = Bytes::file(path)?;
        let len = bytes.len();
        if len == 0 {
            return Err(Error::Empty { path: path.clone() });
        }
        if !len.is_multiple_of(record as u64) {
            return Err(Error::malformed(
                path,
                name,
                format!("{len} bytes are no whole number of records of {record} bytes"),
            ));
        }
        let rows = (len / record as u64) as usize;
        for first in (0..rows).step_by(1024) {
            let count = 1024.min(rows - first);
            let block = bytes.read(path, (first * record) as u64, count * record)?;
            for (i, row) in block.chunks_exact(record).enumerate() {
                let label = row[skip - 1];
                if label >= classes {
                    return Err(Error::malformed(
                        path,
                        name,
                        format!("record {} has label {label}, and the classes are 0..{classes}", first + i),
                    ));
                }
                labels.push(u32::from(label));
            }
        }
        chunks.push(Chunk { path: path.clone(), bytes, offset: 0, rows });
    }
    let image = ImageShape { height: 32, width: 32, channels: 3, layout: Layout::Nchw };
    Ok((
        Rows { chunks, element: Element::U8, big_endian: false, shape: vec![3, 32, 32], image: Some(image), skip },
        labels,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_size_tells_which() {
        assert_eq!(formats(3073 * 5), [Format::Cifar10]);
        assert_eq!(formats(3074 * 5), [Format::Cifar100]);
        assert_eq!(formats(3073 * 3074).len(), 2);
        assert!(formats(0).is_empty());
        assert!(formats(1000).is_empty());
    }
}
