//! NPZ, numpy's archive: a zip file of NPY files. Stored members stay on disk; deflated ones are unpacked into memory.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use crate::array::Array;
use crate::bytes::{Bytes, DEFLATE_LIMIT};
use crate::npy::{Header, MAX_HEADER};
use crate::{Error, Result};

/// Names under which samples are looked for.
const SAMPLES: [&str; 5] = ["x", "X", "images", "data", "x_test"];
/// Names under which labels are looked for.
const LABELS: [&str; 6] = ["y", "Y", "labels", "label", "targets", "y_test"];

/// An archive, opened, and the names of its arrays.
struct Archive<'a> {
    path: &'a Path,
    zip: ZipArchive<File>,
    /// Array names, without `.npy`, in the order of the archive.
    names: Vec<String>,
}

/// Opens an archive's samples and, if it has them, its labels.
pub(crate) fn open(path: &Path) -> Result<(Array, Option<Vec<u32>>)> {
    let mut archive = Archive::open(path)?;
    let labels = LABELS.into_iter().find(|&name| archive.has(name));
    let samples = SAMPLES.into_iter().find(|&name| archive.has(name)).map(ToOwned::to_owned);
    let others: Vec<&String> = archive.names.iter().filter(|name| Some(name.as_str()) != labels).collect();
    let samples = match (samples, others.as_slice()) {
        (Some(name), _) => name,
        (None, [only]) => (*only).clone(),
        (None, _) => {
            return Err(Error::Ambiguous {
                path: path.to_path_buf(),
                candidates: format!("arrays {}", archive.names.join(", ")),
                remedy: "name the samples `x` and the labels `y`",
            });
        }
    };
    let samples = archive.array(&samples)?;
    let labels = labels.map(|name| archive.array(name)?.labels()).transpose()?;
    Ok((samples, labels))
}

/// The labels of an archive given as a labels file: its array `y` or `labels`, or its only one.
pub(crate) fn open_labels(path: &Path) -> Result<Vec<u32>> {
    let mut archive = Archive::open(path)?;
    let name = LABELS.into_iter().find(|&name| archive.has(name)).map(ToOwned::to_owned);
    let name = name.or_else(|| if let [only] = archive.names.as_slice() { Some(only.clone()) } else { None });
    let name = name.ok_or_else(|| Error::Ambiguous {
        path: path.to_path_buf(),
        candidates: format!("arrays {}", archive.names.join(", ")),
        remedy: "name the labels `y`",
    })?;
    archive.array(&name)?.labels()
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let (file, _) = crate::bytes::open(path)?;
        let zip = ZipArchive::new(file).map_err(|error| broken(path, &error.to_string()))?;
        let names = zip
            .file_names()
            .filter_map(std::result::Result::ok)
            .filter_map(|name| name.strip_suffix(".npy").map(ToOwned::to_owned))
            .collect();
        let archive = Self { path, zip, names };
        if archive.names.is_empty() { Err(broken(path, "it holds no .npy member")) } else { Ok(archive) }
    }

    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|held| held == name)
    }

    /// Opens one array. The size the archive declares for it must agree with the NPY header inside and be within
    /// deflate's reach.
    fn array(&mut self, name: &str) -> Result<Array> {
        let path = self.path;
        let packed_file = self.zip.by_name(&format!("{name}.npy"));
        let mut member = packed_file.map_err(|error| broken(path, &format!("member {name}.npy: {error}")))?;
        let (size, packed) = (member.size(), member.compressed_size());
        let stored = member.compression() == CompressionMethod::Stored;
        let start = member.data_start();
        let most = if stored { packed } else { packed.saturating_mul(DEFLATE_LIMIT) };
        if size > most {
            return Err(Error::Length {
                path: path.to_path_buf(),
                declared: size.into(),
                found: format!("at most {most}"),
            });
        }
        let mut bytes = Vec::new();
        let unpack = |error: std::io::Error| broken(path, &format!("member {name}.npy: {error}"));
        (&mut member).take(MAX_HEADER as u64 + 12).read_to_end(&mut bytes).map_err(unpack)?;
        let header = Header::parse(path, &bytes)?;
        let expected = (header.len as u128).saturating_add(header.data_len());
        if u128::from(size) != expected {
            return Err(Error::Length { path: path.to_path_buf(), declared: expected, found: size.to_string() });
        }
        if let (true, Some(start)) = (stored, start) {
            let part = Bytes::part(path, start, size)?
                .ok_or_else(|| broken(path, &format!("member {name}.npy is cut short")))?;
            return header.array(path.to_path_buf(), part);
        }
        let rest = size.saturating_sub(bytes.len() as u64).saturating_add(1);
        (&mut member).take(rest).read_to_end(&mut bytes).map_err(unpack)?;
        header.array(path.to_path_buf(), Bytes::Memory(bytes))
    }
}

fn broken(path: &Path, what: &str) -> Error {
    Error::malformed(path, "NPZ", what)
}
