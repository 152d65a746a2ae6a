//! A data set: rows of samples, labelled or not.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::array::Array;
use crate::batches::{Batches, Stage};
use crate::bytes::Bytes;
use crate::folder::{self, Found};
use crate::images::Images;
use crate::rows::Rows;
use crate::{
    Element, Error, Format, ImageShape, IntegerRange, Layout, OpenOptions, Preprocessing, Result, Split, cifar, idx,
    labels, npy, npz, synthetic,
};

/// The path of what is made up.
const SYNTHETIC: &str = "synthetic";

/// Where the samples come from.
#[derive(Debug)]
pub(crate) enum Source {
    Rows(Rows),
    Images(Images),
}

/// A file or folder of samples, opened. Samples are read when batches ask for them; only labels (and what was
/// compressed) are in memory.
///
/// Cloning and [`Dataset::select`]ing are cheap: the parts share the open files.
#[derive(Clone, Debug)]
pub struct Dataset {
    path: PathBuf,
    format: Format,
    source: Arc<Source>,
    labels: Option<Arc<[u32]>>,
    class_names: Arc<[String]>,
    rows: Range<usize>,
}

/// A data set before labels and rows are chosen.
type Opened = (Source, Option<Vec<u32>>);

impl Dataset {
    /// Opens a file or folder. Formats are detected by content and name; headers are checked against the files'
    /// lengths.
    ///
    /// # Errors
    /// Any [`Error`] about the path, its format, its labels or the rows asked for.
    pub fn open(path: impl AsRef<Path>, options: &OpenOptions) -> Result<Self> {
        let path = path.as_ref();
        let meta = std::fs::metadata(path).map_err(|source| Error::io(path, source))?;
        let found = if meta.is_dir() { folder::resolve(path, options)? } else { folder::of_file(path, options)? };
        let mut class_names = Vec::new();
        let (format, (source, labels)) = match found {
            Found::Files(format, files) => (format, open_files(format, &files, options)?),
            Found::Flat { folder, files } => {
                let table = labels::file_for(&folder, options.labels.as_deref());
                let labels = table.map(|table| labels::of_images(&files, &table)).transpose()?;
                (Format::Images, (Source::Images(Images { files }), labels))
            }
            Found::Classes { .. } if options.labels.is_some() => {
                return Err(Error::Ambiguous {
                    path: path.to_path_buf(),
                    candidates: "labels by sub-folder, labels by file".into(),
                    remedy: "leave --labels out or put the images into one folder",
                });
            }
            Found::Classes { names, files, labels } => {
                class_names = names;
                (Format::Images, (Source::Images(Images { files }), Some(labels)))
            }
        };
        let rows = match &source {
            Source::Rows(rows) => rows.len(),
            Source::Images(images) => images.files.len(),
        };
        if rows == 0 {
            return Err(Error::Empty { path: path.to_path_buf() });
        }
        if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != rows) {
            let from = options.labels.clone().unwrap_or_else(|| path.to_path_buf());
            return Err(Error::LabelCount {
                path: from,
                data: path.to_path_buf(),
                labels: labels.len(),
                samples: rows,
            });
        }
        let whole = Self {
            path: path.to_path_buf(),
            format,
            source: Arc::new(source),
            labels: labels.map(Into::into),
            class_names: class_names.into(),
            rows: 0..rows,
        };
        let chosen = whole.select(options.range.clone().unwrap_or(0..rows))?;
        match options.limit {
            Some(limit) => chosen.select(0..limit.min(chosen.len())),
            None => Ok(chosen),
        }
    }

    /// Samples made up where there are none: 8-bit images of random overlapping discs ([`synthetic`](crate::synthetic)) of a
    /// model's per-sample input shape, in memory, without labels. Its path is the word `synthetic`.
    ///
    /// # Errors
    /// [`Error::Empty`] when the shape or the number of samples is.
    pub fn synthetic(shape: &[usize], layout: Option<Layout>, count: usize, seed: u64) -> Result<Self> {
        let path = PathBuf::from(SYNTHETIC);
        let image = ImageShape::of(shape, layout.or_else(|| Layout::of(shape)));
        let bytes = (0..count).flat_map(|row| synthetic::sample(shape, image, seed, row)).collect();
        let array = Array {
            path: path.clone(),
            element: Element::U8,
            big_endian: false,
            shape: [&[count], shape].concat(),
            bytes: Bytes::Memory(bytes),
            offset: 0,
        };
        Ok(Self::of_rows(path, Format::Npy, Rows { image, ..Rows::of(array)? }, None))
    }

    /// Opens a file or folder like [`Dataset::open`]; of a folder that holds both parts, when none is asked for, this one.
    ///
    /// # Errors
    /// As [`Dataset::open`].
    pub fn open_part(path: impl AsRef<Path>, options: &OpenOptions, otherwise: Split) -> Result<Self> {
        let path = path.as_ref();
        match Self::open(path, options) {
            // a folder with both parts: calibration takes one, evaluation the other
            Err(ambiguous @ Error::Ambiguous { .. }) if options.split.is_none() => {
                match Self::open(path, &OpenOptions { split: Some(otherwise), ..options.clone() }) {
                    Err(Error::Ambiguous { .. } | Error::SplitMissing { .. }) => Err(ambiguous),
                    opened => opened,
                }
            }
            opened => opened,
        }
    }

    /// All rows of a source without names of classes.
    pub(crate) fn whole(
        path: PathBuf,
        format: Format,
        source: Arc<Source>,
        labels: Option<Arc<[u32]>>,
        count: usize,
    ) -> Self {
        Self { path, format, source, labels, class_names: Arc::new([]), rows: 0..count }
    }

    /// Whether its samples are made up.
    pub fn is_synthetic(&self) -> bool {
        self.path == Path::new(SYNTHETIC) && self.labels.is_none()
    }

    /// Part of this data set: `range` is half-open and counted within it (0 is its first row).
    ///
    /// # Errors
    /// [`Error::Range`] if the range is empty or reaches past the end.
    pub fn select(&self, range: Range<usize>) -> Result<Self> {
        if range.start >= range.end || range.end > self.len() {
            return Err(Error::Range { path: self.path.clone(), start: range.start, end: range.end, rows: self.len() });
        }
        let rows = self.rows.start + range.start..self.rows.start + range.end;
        Ok(Self { rows, ..self.clone() })
    }

    /// The path it was opened from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Number of samples; at least 1.
    #[allow(clippy::len_without_is_empty)] // It is never empty: opening and selecting refuse that.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Its rows as counted in the file or folder, half-open.
    pub fn rows(&self) -> Range<usize> {
        self.rows.clone()
    }

    /// Number type of the samples as stored ([`Element::U8`] for images).
    pub fn element(&self) -> Element {
        match &*self.source {
            Source::Rows(rows) => rows.element,
            Source::Images(_) => Element::U8,
        }
    }

    /// The range that raw samples ([`Stage::Raw`]) lie in, all of them integers; `None` if they are not 8-bit. Resizing
    /// keeps it.
    pub fn integer_range(&self) -> Option<IntegerRange> {
        self.element().integer_range()
    }

    /// Shape of a sample as stored; `None` for image files, which may differ in size.
    pub fn sample_shape(&self) -> Option<&[usize]> {
        match &*self.source {
            Source::Rows(rows) => Some(&rows.shape),
            Source::Images(_) => None,
        }
    }

    /// The labels, one per sample, if it has labels.
    pub fn labels(&self) -> Option<&[u32]> {
        self.labels.as_ref().and_then(|labels| labels.get(self.rows.clone()))
    }

    /// Smallest and largest label, if it has labels.
    pub fn label_range(&self) -> Option<(u32, u32)> {
        let labels = self.labels()?;
        Some((*labels.iter().min()?, *labels.iter().max()?))
    }

    /// Names of the classes, in label order, where folders name them; otherwise empty.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Names a sample for messages: the image's file, or the file and the row in it. `row` counts as in
    /// [`Dataset::rows`].
    pub fn sample_name(&self, row: usize) -> String {
        match &*self.source {
            Source::Rows(rows) => {
                let (path, row) = rows.locate(row);
                format!("{} row {row}", path.display())
            }
            Source::Images(images) => {
                images.files.get(row).map_or_else(|| format!("image {row}"), |path| path.display().to_string())
            }
        }
    }

    /// Streams the samples in order, fitted to a model's per-sample input shape (without the batch axis), `batch_size`
    /// at a time; the last batch may be smaller. Memory is bounded by the batch. Samples are prepared in parallel on
    /// rayon's current pool.
    ///
    /// # Errors
    /// [`Error::BatchSize`] for 0; [`Error::Preprocessing`], [`Error::Shape`] or [`Error::Channels`] if preprocessing,
    /// samples and model disagree. What shows only in a single sample (an image's size, a NaN) comes out of the
    /// iterator, which then ends.
    pub fn batches(
        &self,
        preprocessing: &Preprocessing,
        input_shape: &[usize],
        batch_size: usize,
        stage: Stage,
    ) -> Result<Batches> {
        Batches::new(self.clone(), preprocessing, input_shape, batch_size, stage)
    }

    pub(crate) fn source(&self) -> &Source {
        &self.source
    }
}

/// Opens the files of an array format.
fn open_files(format: Format, files: &[PathBuf], options: &OpenOptions) -> Result<Opened> {
    let path = files.first().map_or(Path::new(""), PathBuf::as_path);
    let beside = |sibling: Option<PathBuf>| match &options.labels {
        // The labels given are read below.
        Some(_) => Ok(None),
        None => sibling.map(|path| labels::read_array(&path).map(|labels| (path, labels))).transpose(),
    };
    let (rows, found) = match format {
        Format::Cifar10 | Format::Cifar100 => {
            let (rows, labels) = cifar::open(files, format)?;
            (rows, Some((path.to_path_buf(), labels)))
        }
        Format::Npz => {
            let (array, labels) = npz::open(path)?;
            (Rows::of(array)?, labels.map(|labels| (path.to_path_buf(), labels)))
        }
        Format::Npy => (Rows::of(npy::open(path)?)?, beside(npy::sibling_labels(path))?),
        _ => {
            let array = idx::open(path)?;
            let is_labels = path.file_name().is_some_and(|name| name.to_string_lossy().contains("labels"));
            if array.shape.len() == 1 && is_labels {
                return Err(Error::Unsupported {
                    path: path.to_path_buf(),
                    what: "labels".into(),
                    remedy: "give the images file; its labels are found beside it".into(),
                });
            }
            (Rows::of(array)?, beside(idx::sibling_labels(path))?)
        }
    };
    let found = match &options.labels {
        Some(given) => Some((given.clone(), labels::read_array(given)?)),
        None => found,
    };
    if let Some((from, labels)) = found.as_ref().filter(|(_, labels)| labels.len() != rows.len()) {
        return Err(Error::LabelCount {
            path: from.clone(),
            data: path.to_path_buf(),
            labels: labels.len(),
            samples: rows.len(),
        });
    }
    Ok((Source::Rows(rows), found.map(|(_, labels)| labels)))
}
