//! Tiny files of every format.
#![allow(dead_code)] // Each test file uses some of these.

use std::io::Write;
use std::path::{Path, PathBuf};

use spikeconverter_data::{Batch, Dataset, Error, OpenOptions, Preprocessing, Stage};

/// An IDX file of bytes: `kind` 8 is u8.
pub(crate) fn idx(kind: u8, axes: &[u32], data: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 0, kind, axes.len() as u8];
    for axis in axes {
        out.extend(axis.to_be_bytes());
    }
    out.extend(data);
    out
}

pub(crate) fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// An NPY file.
pub(crate) fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let fortran = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}");
    while !(header.len() + 11).is_multiple_of(64) {
        header.push(' ');
    }
    header.push('\n');
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(data);
    out
}

/// An NPZ file.
pub(crate) fn npz(members: &[(&str, Vec<u8>)], deflate: bool) -> Vec<u8> {
    let method = if deflate { zip::CompressionMethod::Deflated } else { zip::CompressionMethod::Stored };
    let options = zip::write::SimpleFileOptions::default().compression_method(method);
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, data) in members {
        writer.start_file(format!("{name}.npy"), options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// One CIFAR record: the label bytes, then red, green and blue planes of these values.
pub(crate) fn cifar(labels: &[u8], rgb: [u8; 3]) -> Vec<u8> {
    let mut out = labels.to_vec();
    for value in rgb {
        out.extend([value; 1024]);
    }
    out
}

pub(crate) fn save(folder: &Path, name: &str, data: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, data).unwrap();
    path
}

/// Writes a PNG of one colour, or a JPEG, by the extension.
pub(crate) fn picture(folder: &Path, name: &str, height: u32, width: u32, rgb: [u8; 3]) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(width, height, image::Rgb(rgb)).save(&path).unwrap();
    path
}

pub(crate) fn open(path: impl AsRef<Path>) -> Result<Dataset, Error> {
    Dataset::open(path, &OpenOptions::default())
}

/// All samples in one batch.
pub(crate) fn all(dataset: &Dataset, p: &Preprocessing, shape: &[usize], stage: Stage) -> Result<Batch, Error> {
    dataset.batches(p, shape, dataset.len(), stage)?.next().unwrap()
}

/// All samples, raw, in one batch.
pub(crate) fn raw(dataset: &Dataset, shape: &[usize]) -> Batch {
    all(dataset, &Preprocessing::default(), shape, Stage::Raw).unwrap()
}

/// Opens, expecting failure, and checks the message: it names what it should and is one sentence.
#[track_caller]
pub(crate) fn refused(result: Result<impl std::fmt::Debug, Error>, words: &[&str]) {
    let message = result.expect_err("must be refused").to_string();
    for word in words {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
    assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
}
