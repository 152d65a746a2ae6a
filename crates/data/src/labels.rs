//! Labels that lie beside the samples: a table of image names, or an array file.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::{Error, Result, bytes, idx, npy, npz};

/// Column names for the image, in order of preference.
const FILE_COLUMNS: [&str; 5] = ["file", "filename", "file_name", "image", "path"];
/// Column names for the label, in order of preference; all count classes from 0.
const LABEL_COLUMNS: [&str; 5] = ["label0based", "label", "class", "target", "y"];

/// The labels file for a folder of images: the one given, or `labels.csv` in the folder or its parent.
pub(crate) fn file_for(folder: &Path, given: Option<&Path>) -> Option<PathBuf> {
    if let Some(given) = given {
        return Some(given.to_path_buf());
    }
    let parent = match folder.parent() {
        Some(parent) if folder.file_name().is_some() => parent.to_path_buf(),
        _ => folder.join(".."),
    };
    [folder.join("labels.csv"), parent.join("labels.csv")].into_iter().find(|path| path.is_file())
}

/// Looks up each image in a CSV table with a header line, a column `file` (or `filename`, `image`, `path`) and a column
/// `label0based` (or `label`, `class`,
/// `target`, `y`). Lines for other images are ignored.
pub(crate) fn of_images(images: &[PathBuf], path: &Path) -> Result<Vec<u32>> {
    let bad = |what: String| Error::malformed(path, "labels (CSV)", what);
    let (file, _) = bytes::open(path)?;
    let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(file);
    let headers = reader.headers().map_err(|error| bad(error.to_string()))?.clone();
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            headers.iter().position(|header| header.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
        })
    };
    let missing = |what: &str, names: &[&str]| {
        bad(format!("its first line names no column for the {what} (one of {})", names.join(", ")))
    };
    let file_column = find(&FILE_COLUMNS).ok_or_else(|| missing("image", &FILE_COLUMNS))?;
    let label_column = find(&LABEL_COLUMNS).ok_or_else(|| missing("label", &LABEL_COLUMNS))?;
    let mut wanted: HashMap<&OsStr, Option<u32>> =
        images.iter().filter_map(|image| Some((image.file_name()?, None))).collect();
    for record in reader.records() {
        let record = record.map_err(|error| bad(error.to_string()))?;
        let Some(name) = record.get(file_column).and_then(|name| Path::new(name).file_name()) else { continue };
        let Some(slot) = wanted.get_mut(name) else { continue };
        let text = record.get(label_column).unwrap_or("");
        let image = || name.to_string_lossy().into_owned();
        let label: u32 = text.parse().map_err(|_| Error::BadLabel {
            path: path.to_path_buf(),
            index: image(),
            value: format!("`{text}`"),
        })?;
        if slot.replace(label).is_some_and(|before| before != label) {
            return Err(bad(format!("image {} is listed twice with different labels", image())));
        }
    }
    let label = |image: &PathBuf| image.file_name().and_then(|name| wanted.get(name).copied().flatten());
    images
        .iter()
        .map(|image| label(image).ok_or_else(|| Error::Unlabelled { image: image.clone(), labels: path.to_path_buf() }))
        .collect()
}

/// Reads a labels file for array data: IDX, NPY or NPZ.
pub(crate) fn read_array(path: &Path) -> Result<Vec<u32>> {
    let (start, _) = bytes::head(path, 6)?;
    if start.starts_with(npy::MAGIC) {
        npy::open(path)?.labels()
    } else if start.starts_with(b"PK") {
        npz::open_labels(path)
    } else if idx::looks_like(path)? {
        idx::open(path)?.labels()
    } else {
        Err(Error::NotRecognised {
            path: path.to_path_buf(),
            reason: "a labels file for array data is IDX, NPY or NPZ".into(),
        })
    }
}
