//! What to open and how: options, and telling the format of a file.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::{Error, Result, bytes, cifar, idx, npy};

/// A data set's format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The format of MNIST, gzipped or not.
    Idx,
    /// CIFAR-10 binary: records of 3073 bytes.
    Cifar10,
    /// CIFAR-100 binary: records of 3074 bytes; the fine label is used.
    Cifar100,
    /// A numpy archive.
    Npz,
    /// A numpy array.
    Npy,
    /// A folder of image files.
    Images,
}

impl Format {
    /// The name to give on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idx => "idx",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Npz => "npz",
            Self::Npy => "npy",
            Self::Images => "images",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    /// Reads a [`Format::name`]; also `cifar10-binary`, `cifar100-binary`, `mnist`, `jpeg-folder` and `image-folder`.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "idx" | "mnist" => Ok(Self::Idx),
            "cifar10" | "cifar10-binary" => Ok(Self::Cifar10),
            "cifar100" | "cifar100-binary" => Ok(Self::Cifar100),
            "npz" => Ok(Self::Npz),
            "npy" => Ok(Self::Npy),
            "images" | "image-folder" | "jpeg-folder" | "png-folder" => Ok(Self::Images),
            _ => Err(format!("`{text}` is no data format; use one of idx, cifar10, cifar100, npz, npy, images")),
        }
    }
}

/// Which part of a data set that comes in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Split {
    /// The part for training and calibration: files or folders whose name starts with `train`, `data_batch` or `calib`.
    Train,
    /// The part for testing: files or folders whose name starts with `test`, `t10k` or `val`.
    Test,
}

impl Split {
    /// The name to give on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }

    /// The split that the name of a file or folder speaks of.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = name.strip_prefix("x_").unwrap_or(&name);
        let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        if starts(&["train", "data_batch", "calib"]) {
            Some(Self::Train)
        } else if starts(&["test", "t10k", "val"]) {
            Some(Self::Test)
        } else {
            None
        }
    }
}

impl FromStr for Split {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "train" => Ok(Self::Train),
            "test" => Ok(Self::Test),
            _ => Err(format!("`{text}` is no split; use train or test")),
        }
    }
}

/// How to open a data set. The default detects everything and takes every row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenOptions {
    /// The format, where it cannot or should not be detected.
    pub format: Option<Format>,
    /// Which part to take of a folder that holds both; no effect on a single file.
    pub split: Option<Split>,
    /// The labels: for a flat folder of images a CSV table, for array data an IDX, NPY or NPZ file, which replaces
    /// labels found otherwise.
    pub labels: Option<PathBuf>,
    /// Rows to take, half-open, counted in the file; applied before `limit`.
    pub range: Option<Range<usize>>,
    /// At most this many rows, from the first.
    pub limit: Option<usize>,
}

/// The format of a single file, by its content.
pub(crate) fn of_file(path: &Path) -> Result<Format> {
    let (start, gzip) = bytes::head(path, 64)?;
    let (_, len) = bytes::open(path)?;
    if len == 0 {
        return Err(Error::Empty { path: path.to_path_buf() });
    }
    if start.starts_with(npy::MAGIC) {
        return Ok(Format::Npy);
    }
    if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        return Ok(Format::Npz);
    }
    let idx = idx::Header::parse(&start);
    if let Some(header) = &idx {
        // A CIFAR file can start with the bytes of an IDX header (a black corner); only the length can tell.
        if gzip || header.file_len() == u128::from(len) || cifar::formats(len).is_empty() {
            return Ok(Format::Idx);
        }
    }
    if !gzip && !cifar::formats(len).is_empty() {
        return cifar::detect(path, &[path.to_path_buf()]);
    }
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("bin")) {
        return Err(Error::malformed(
            path,
            "CIFAR",
            format!("{len} bytes are no whole number of records of 3073 or of 3074 bytes"),
        ));
    }
    Err(Error::NotRecognised {
        path: path.to_path_buf(),
        reason: format!("its first bytes are {:02x?}", &start[..start.len().min(4)]),
    })
}
