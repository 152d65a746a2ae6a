//! What a folder holds: which of its files are the data set that was asked for.

use std::path::{Path, PathBuf};

use crate::images::is_image;
use crate::{Error, Format, OpenOptions, Result, Split, cifar, detect, npy};

/// What a folder turned out to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Found {
    /// Files of a format; more than one only for CIFAR.
    Files(Format, Vec<PathBuf>),
    /// Images directly in a folder.
    Flat { folder: PathBuf, files: Vec<PathBuf> },
    /// Images in a sub-folder per class.
    Classes { names: Vec<String>, files: Vec<PathBuf>, labels: Vec<u32> },
}

/// The entries of a folder, hidden ones left out, sorted by name.
struct Listing {
    files: Vec<PathBuf>,
    folders: Vec<PathBuf>,
}

impl Listing {
    fn of(folder: &Path) -> Result<Self> {
        let failed = |source| Error::io(folder, source);
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
        files.sort();
        folders.sort();
        Ok(Self { files, folders })
    }

    fn images(&self) -> Vec<PathBuf> {
        self.files.iter().filter(|path| is_image(path)).cloned().collect()
    }
}

/// Finds the data set in a folder, or in the sub-folder of the split asked for.
pub(crate) fn resolve(folder: &Path, options: &OpenOptions) -> Result<Found> {
    search(folder, options, true)
}

/// [`resolve`]; `descend` says whether folders of splits may still be entered (once, so that a link to a parent ends
/// too).
fn search(folder: &Path, options: &OpenOptions, descend: bool) -> Result<Found> {
    let listing = Listing::of(folder)?;
    let wanted = |formats: &[Format]| options.format.is_none_or(|format| formats.contains(&format));
    let named = |test: fn(&str) -> bool| -> Vec<PathBuf> {
        let lower =
            |path: &&PathBuf| path.file_name().is_some_and(|name| test(&name.to_string_lossy().to_ascii_lowercase()));
        listing.files.iter().filter(lower).cloned().collect()
    };
    let mut kinds: Vec<(&str, Format, Vec<PathBuf>)> = Vec::new();
    if wanted(&[Format::Idx]) {
        kinds.push((
            "IDX files",
            Format::Idx,
            named(|name| name.contains("idx") && !name.contains("label") && !name.contains("idx1")),
        ));
    }
    if wanted(&[Format::Cifar10, Format::Cifar100]) {
        kinds.push((
            "CIFAR files",
            options.format.unwrap_or(Format::Cifar10),
            named(|name| has_extension(name, "bin")),
        ));
    }
    if wanted(&[Format::Npz]) {
        kinds.push(("NPZ files", Format::Npz, named(|name| has_extension(name, "npz"))));
    }
    if wanted(&[Format::Npy]) {
        kinds.push(("NPY files", Format::Npy, without_labels(named(|name| has_extension(name, "npy")))));
    }
    if wanted(&[Format::Images]) {
        kinds.push(("images", Format::Images, listing.images()));
        let splits = !listing.folders.is_empty() && listing.folders.iter().all(|path| Split::of(path).is_some());
        let mut inside = Vec::new();
        for sub in &listing.folders {
            inside.extend(Listing::of(sub)?.images());
        }
        if !splits && !inside.is_empty() {
            kinds.push(("sub-folders of images", Format::Images, inside));
        }
    }
    kinds.retain(|(_, _, files)| !files.is_empty());
    match kinds.as_slice() {
        [] => nothing(folder, &listing, options, descend),
        [(name, Format::Images, files)] if name.starts_with("sub") => classes(&listing, files.clone()),
        [(_, Format::Images, files)] => Ok(Found::Flat { folder: folder.to_path_buf(), files: files.clone() }),
        [(_, format, files)] => {
            let files = choose(folder, files, options.split)?;
            let cifar = matches!(format, Format::Cifar10 | Format::Cifar100);
            let format = if cifar && options.format.is_none() { cifar::detect(folder, &files)? } else { *format };
            Ok(Found::Files(format, files))
        }
        several => Err(Error::Ambiguous {
            path: folder.to_path_buf(),
            candidates: several.iter().map(|(name, _, _)| *name).collect::<Vec<_>>().join(", "),
            remedy: "give the file or sub-folder itself, or say which with --format",
        }),
    }
}

fn has_extension(name: &str, extension: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, e)| e == extension)
}

/// A folder with no data of its own: it may hold a folder per split.
fn nothing(folder: &Path, listing: &Listing, options: &OpenOptions, descend: bool) -> Result<Found> {
    let splits: Vec<PathBuf> = listing.folders.iter().filter(|path| Split::of(path).is_some()).cloned().collect();
    if descend && !splits.is_empty() {
        let chosen = choose(folder, &splits, options.split)?;
        return search(chosen.first().map_or(folder, PathBuf::as_path), options, false);
    }
    if listing.files.is_empty() && listing.folders.is_empty() {
        return Err(Error::Empty { path: folder.to_path_buf() });
    }
    let reason = match options.format {
        Some(format) => format!("the folder holds no {format} data"),
        None => "the folder holds no file of a known format".to_owned(),
    };
    Err(Error::NotRecognised { path: folder.to_path_buf(), reason })
}

/// Leaves out the arrays that are the labels of another.
fn without_labels(files: Vec<PathBuf>) -> Vec<PathBuf> {
    let labels: Vec<PathBuf> = files.iter().filter_map(|file| npy::sibling_labels(file)).collect();
    files.into_iter().filter(|file| !labels.contains(file)).collect()
}

/// The files of the split asked for: one, or the training batches of CIFAR together.
fn choose(folder: &Path, files: &[PathBuf], split: Option<Split>) -> Result<Vec<PathBuf>> {
    let names = |files: &[PathBuf]| {
        let names = files.iter().take(6).filter_map(|file| file.file_name()).map(|name| name.to_string_lossy());
        names.collect::<Vec<_>>().join(", ") + if files.len() > 6 { ", …" } else { "" }
    };
    let chosen: Vec<PathBuf> =
        files.iter().filter(|file| split.is_none() || Split::of(file) == split).cloned().collect();
    let batch = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("data_batch"));
    match (chosen.as_slice(), split) {
        ([], Some(split)) => {
            Err(Error::SplitMissing { path: folder.to_path_buf(), split: split.name(), found: names(files) })
        }
        ([_], _) => Ok(chosen),
        (many, _) if many.iter().all(batch) => Ok(chosen),
        (many, None) if many.iter().any(|file| Split::of(file) != Split::of(&many[0])) => Err(Error::Ambiguous {
            path: folder.to_path_buf(),
            candidates: names(many),
            remedy: "choose with --split train or --split test, or give the file itself",
        }),
        (many, _) => Err(Error::Ambiguous {
            path: folder.to_path_buf(),
            candidates: names(many),
            remedy: "give the file itself",
        }),
    }
}

/// A class per sub-folder, numbered in the order of their names. A class without images would shift no number but is
/// surely a mistake.
fn classes(listing: &Listing, files: Vec<PathBuf>) -> Result<Found> {
    let mut names = Vec::new();
    let mut labels = Vec::with_capacity(files.len());
    for (class, folder) in listing.folders.iter().enumerate() {
        let count = files.iter().filter(|file| file.parent() == Some(folder)).count();
        if count == 0 {
            return Err(Error::Empty { path: folder.clone() });
        }
        names.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
        labels.extend(std::iter::repeat_n(class as u32, count));
    }
    Ok(Found::Classes { names, files, labels })
}

/// What a single file is, as [`resolve`] says it of a folder.
pub(crate) fn of_file(path: &Path, options: &OpenOptions) -> Result<Found> {
    let format = match options.format {
        Some(Format::Images) => {
            return Err(Error::NotRecognised {
                path: path.to_path_buf(),
                reason: "images are given as a folder, and this is a file".into(),
            });
        }
        Some(format) => format,
        None => detect::of_file(path)?,
    };
    Ok(Found::Files(format, vec![path.to_path_buf()]))
}
