//! Where the bytes of an array lie: in memory, or in a file that is read piece by piece.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

/// Deflate cannot shrink data by more than this, so a compressed file of n bytes never yields more than n times this.
pub(crate) const DEFLATE_LIMIT: u64 = 1032;

/// A run of bytes that can be read at any offset.
#[derive(Debug)]
pub(crate) enum Bytes {
    /// Held in memory (what was compressed).
    Memory(Vec<u8>),
    /// `len` bytes of a file from `start` on, read when asked for.
    File { file: Mutex<File>, path: PathBuf, start: u64, len: u64 },
}

impl Bytes {
    /// A whole file, left on disk.
    pub(crate) fn file(path: &Path) -> Result<Self> {
        let (file, len) = open(path)?;
        Ok(Self::File { file: Mutex::new(file), path: path.to_path_buf(), start: 0, len })
    }

    /// Part of a file, left on disk; `None` if the file is shorter.
    pub(crate) fn part(path: &Path, start: u64, len: u64) -> Result<Option<Self>> {
        let (file, size) = open(path)?;
        let inside = start.checked_add(len).is_some_and(|end| end <= size);
        Ok(inside.then(|| Self::File { file: Mutex::new(file), path: path.to_path_buf(), start, len }))
    }

    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::File { len, .. } => *len,
        }
    }

    /// `len` bytes from `offset` on. The caller has checked both against [`Bytes::len`]; `path` names the file should
    /// it have shrunk since.
    pub(crate) fn read(&self, path: &Path, offset: u64, len: usize) -> Result<Vec<u8>> {
        let short = || Error::Length {
            path: path.to_path_buf(),
            declared: u128::from(offset) + len as u128,
            found: self.len().to_string(),
        };
        match self {
            Self::Memory(bytes) => {
                let start = usize::try_from(offset).map_err(|_| short())?;
                let end = start.checked_add(len).ok_or_else(short)?;
                bytes.get(start..end).map(<[u8]>::to_vec).ok_or_else(short)
            }
            Self::File { file, path, start, len: held } => {
                if offset.checked_add(len as u64).is_none_or(|end| end > *held) {
                    return Err(short());
                }
                let mut out = vec![0; len];
                // A poisoned lock only means that another reader panicked; the file itself has no state worth guarding:
                // each read seeks first.
                let mut file = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                file.seek(SeekFrom::Start(start + offset))
                    .and_then(|_| file.read_exact(&mut out))
                    .map_err(|source| Error::io(path, source))?;
                Ok(out)
            }
        }
    }
}

/// Opens a regular file and says how long it is.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    let file = File::open(path).map_err(|source| Error::io(path, source))?;
    let meta = file.metadata().map_err(|source| Error::io(path, source))?;
    if meta.is_file() {
        Ok((file, meta.len()))
    } else {
        Err(Error::io(path, std::io::Error::other("it is not a regular file")))
    }
}

/// The first bytes of a file (fewer if it is shorter), and whether they came out of gzip; a broken gzip stream gives
/// what could be read.
pub(crate) fn head(path: &Path, len: usize) -> Result<(Vec<u8>, bool)> {
    let (mut file, _) = open(path)?;
    let mut magic = Vec::new();
    (&mut file).take(2).read_to_end(&mut magic).map_err(|source| Error::io(path, source))?;
    file.rewind().map_err(|source| Error::io(path, source))?;
    let mut out = Vec::new();
    let gzip = magic == [0x1F, 0x8B];
    if gzip {
        // What can be read is enough to tell the format; the reader proper reports the damage.
        let _ = MultiGzDecoder::new(file).take(len as u64).read_to_end(&mut out);
    } else {
        file.take(len as u64).read_to_end(&mut out).map_err(|source| Error::io(path, source))?;
    }
    Ok((out, gzip))
}

/// Reads a gzip file of exactly `expected` bytes once unpacked. The expectation is bounded by what the compressed
/// length can yield before anything is allocated, and unpacking stops one byte past it.
pub(crate) fn gunzip(path: &Path, expected: u128) -> Result<Vec<u8>> {
    let (file, packed) = open(path)?;
    let most = u128::from(packed) * u128::from(DEFLATE_LIMIT);
    if expected > most {
        return Err(Error::Length { path: path.to_path_buf(), declared: expected, found: format!("at most {most}") });
    }
    let limit = u64::try_from(expected).unwrap_or(u64::MAX).saturating_add(1);
    let mut out = Vec::new();
    MultiGzDecoder::new(file)
        .take(limit)
        .read_to_end(&mut out)
        .map_err(|source| Error::malformed(path, "gzip", source.to_string()))?;
    match (out.len() as u128).cmp(&expected) {
        std::cmp::Ordering::Equal => Ok(out),
        std::cmp::Ordering::Less => {
            Err(Error::Length { path: path.to_path_buf(), declared: expected, found: out.len().to_string() })
        }
        std::cmp::Ordering::Greater => {
            Err(Error::Length { path: path.to_path_buf(), declared: expected, found: "more".into() })
        }
    }
}
