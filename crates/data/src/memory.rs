//! Samples in memory, as another program hands them over.

use std::path::PathBuf;
use std::sync::Arc;

use crate::array::{Array, byte_count};
use crate::bytes::Bytes;
use crate::dataset::Source;
use crate::rows::Rows;
use crate::{Dataset, Element, Error, Format, Result};

/// An array in memory: samples, or their labels, along its first axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryArray {
    /// Its number type.
    pub element: Element,
    /// All axes, samples first.
    pub shape: Vec<usize>,
    /// The numbers in row-major order, each with its lowest byte first.
    pub bytes: Vec<u8>,
}

/// Some samples in memory, with their labels where they have any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPart {
    /// The samples.
    pub samples: MemoryArray,
    /// One class number a sample.
    pub labels: Option<MemoryArray>,
}

impl MemoryArray {
    fn into_array(self, path: PathBuf) -> Result<Array> {
        let declared = byte_count(&self.shape, self.element);
        if declared != self.bytes.len() as u128 {
            return Err(Error::Length { path, declared, found: self.bytes.len().to_string() });
        }
        let (element, shape) = (self.element, self.shape);
        Ok(Array { path, element, big_endian: false, shape, bytes: Bytes::Memory(self.bytes), offset: 0 })
    }
}

impl Dataset {
    /// Samples in memory, one part after the other. Messages say `name` where they would name a file.
    ///
    /// # Errors
    /// [`Error::Empty`] when there are no samples; [`Error::Unsupported`] when parts differ in number type, shape or in
    /// whether they have labels; [`Error::LabelCount`] and [`Error::BadLabel`] about labels; [`Error::Length`] when an array's
    /// shape and bytes disagree.
    pub fn of_memory(name: &str, parts: Vec<MemoryPart>) -> Result<Self> {
        let path = PathBuf::from(name);
        let mut all: Option<(Rows, Option<Vec<u32>>)> = None;
        for MemoryPart { samples, labels } in parts {
            let rows = Rows::of(samples.into_array(path.clone())?)?;
            let labels = labels.map(|labels| labels.into_array(path.clone())?.labels()).transpose()?;
            if let Some(labels) = labels.as_ref().filter(|labels| labels.len() != rows.len()) {
                let (labels, samples) = (labels.len(), rows.len());
                return Err(Error::LabelCount { path: path.clone(), data: path, labels, samples });
            }
            match &mut all {
                None => all = Some((rows, labels)),
                Some((before, known)) => {
                    join(&path, before, rows)?;
                    join_labels(&path, known, labels)?;
                }
            }
        }
        let Some((rows, labels)) = all else { return Err(Error::Empty { path }) };
        Ok(Self::of_rows(path, Format::Npy, rows, labels))
    }

    pub(crate) fn of_rows(path: PathBuf, format: Format, rows: Rows, labels: Option<Vec<u32>>) -> Self {
        let count = rows.len();
        let source = Arc::new(Source::Rows(rows));
        Self::whole(path, format, source, labels.map(Into::into), count)
    }
}

/// Appends rows of the same kind.
fn join(path: &std::path::Path, before: &mut Rows, more: Rows) -> Result<()> {
    if (before.element, &before.shape) != (more.element, &more.shape) {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            what: format!(
                "samples of shape {:?} ({}) and of shape {:?} ({})",
                before.shape, before.element, more.shape, more.element
            ),
            remedy: "bring all samples to one shape and number type".into(),
        });
    }
    before.chunks.extend(more.chunks);
    Ok(())
}

fn join_labels(path: &std::path::Path, before: &mut Option<Vec<u32>>, more: Option<Vec<u32>>) -> Result<()> {
    match (before, more) {
        (Some(before), Some(more)) => before.extend(more),
        (None, None) => {}
        _ => {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                what: "some batches with labels and some without".into(),
                remedy: "give labels with all batches or with none".into(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Preprocessing, Stage};

    fn array(element: Element, shape: &[usize], bytes: &[u8]) -> MemoryArray {
        MemoryArray { element, shape: shape.to_vec(), bytes: bytes.to_vec() }
    }

    fn part(shape: &[usize], bytes: &[u8], labels: Option<&[u8]>) -> MemoryPart {
        let labels = labels.map(|labels| array(Element::U8, &[labels.len()], labels));
        MemoryPart { samples: array(Element::U8, shape, bytes), labels }
    }

    fn values(data: &Dataset) -> Vec<f32> {
        let batches = data.batches(&Preprocessing::default(), &[2], 2, Stage::Raw).unwrap();
        batches.flat_map(|batch| batch.unwrap().inputs).collect()
    }

    #[test]
    fn parts_follow_each_other() {
        let parts = vec![part(&[1, 2], &[1, 2], Some(&[7])), part(&[2, 2], &[3, 4, 5, 6], Some(&[8, 9]))];
        let data = Dataset::of_memory("the test array", parts).unwrap();
        assert_eq!((data.len(), data.labels()), (3, Some(&[7, 8, 9][..])));
        assert_eq!(values(&data), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(values(&data.select(1..2).unwrap()), [3.0, 4.0]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let of = |parts| Dataset::of_memory("the test array", parts).map(|data| data.len()).map_err(|e| e.to_string());
        let two = || part(&[1, 2], &[1, 2], None);
        assert_eq!(of(vec![two()]), Ok(1));
        for (parts, said) in [
            (vec![], "the test array holds no samples"),
            (vec![part(&[0, 2], &[], None)], "the test array holds no samples"),
            (vec![part(&[1, 3], &[1, 2], None)], "declares 3 bytes"),
            (vec![two(), part(&[1, 1], &[1], None)], "[2] (u8) and of shape [1] (u8)"),
            (vec![two(), part(&[1, 2], &[1, 2], Some(&[0]))], "some batches with labels"),
            (vec![part(&[1, 2], &[1, 2], Some(&[0, 1]))], "has 2 labels for the 1 samples"),
        ] {
            let error = of(parts).unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        let labels = Some(array(Element::I8, &[1], &[0xFF]));
        let error = of(vec![MemoryPart { labels, ..two() }]).unwrap_err();
        assert!(error.contains("label 0 of the test array is -1"), "{error}");
    }
}
