//! The stream of batches.

use rayon::prelude::*;

use crate::dataset::Source;
use crate::fit::{Plan, Sample, to_hwc};
use crate::preprocessing::wrong;
use crate::rows::Rows;
use crate::{Dataset, Element, Error, ImageShape, IntegerRange, Layout, Preprocessing, Result};

/// How far samples are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Resized, cropped, and in the model's axis and channel order, but before the arithmetic: the numbers the data set
    /// stores. 8-bit data stay integers ([`Batch::integer_range`]).
    Raw,
    /// As the model is fed: `((raw − zero_point) · scale − mean) / std`, computed as `raw · mul + add` in double
    /// precision and rounded once.
    Normalised,
}

/// A few samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `count` × the model's per-sample input shape, row-major; every number is finite.
    pub inputs: Vec<f32>,
    /// Number of samples; at least 1.
    pub count: usize,
    /// One label per sample, if the data set has labels.
    pub labels: Option<Vec<u32>>,
    /// The first sample's row, counted in the file or folder ([`Dataset::rows`]); the others follow.
    pub first_index: usize,
    /// If given, every number of `inputs` is an integer of this range. Only for [`Stage::Raw`] of 8-bit data.
    pub integer_range: Option<IntegerRange>,
}

/// The iterator that [`Dataset::batches`] returns. It ends after the first error.
#[derive(Debug)]
pub struct Batches {
    dataset: Dataset,
    plan: Plan,
    /// How rows of array data are read; they are all alike.
    image: Option<ImageShape>,
    batch_size: usize,
    stage: Stage,
    /// Next row.
    next: usize,
}

impl Batches {
    pub(crate) fn new(
        dataset: Dataset,
        preprocessing: &Preprocessing,
        model: &[usize],
        batch_size: usize,
        stage: Stage,
    ) -> Result<Self> {
        if batch_size == 0 {
            return Err(Error::BatchSize);
        }
        let plan = Plan::new(preprocessing, dataset.element(), model, stage)?;
        let image = match dataset.source() {
            Source::Images(_) => None,
            Source::Rows(rows) => {
                if plan.resizes() && rows.element != Element::U8 {
                    return Err(wrong(format!(
                        "only unsigned 8-bit images can be resized, and {} holds {} numbers; resize it beforehand",
                        dataset.path().display(),
                        rows.element
                    )));
                }
                // Axes that the sample alone does not tell (3x32x3) are those of a model of the same shape.
                let known = rows.image.or_else(|| plan.image.filter(|image| image.shape() == rows.shape.as_slice()));
                plan.source(dataset.path(), &rows.shape, known)?
            }
        };
        let next = dataset.rows().start;
        Ok(Self { dataset, plan, image, batch_size, stage, next })
    }

    /// Number of elements of one sample as the model takes it.
    pub fn sample_elements(&self) -> usize {
        self.plan.elements
    }

    fn batch(&self, first: usize, count: usize) -> Result<Batch> {
        let elements = self.plan.elements;
        let mut inputs = Vec::new();
        let total = elements.checked_mul(count).filter(|&total| inputs.try_reserve_exact(total).is_ok());
        let total = total.ok_or_else(|| {
            wrong(format!(
                "a batch of {count} samples of {elements} numbers does not fit in memory; choose a smaller batch"
            ))
        })?;
        inputs.resize(total, 0.0);
        let samples = inputs.par_chunks_mut(elements).enumerate();
        // Every sample is tried, so that the error reported is that of the first bad row whatever the threads do.
        let results: Vec<Result<()>> = match self.dataset.source() {
            Source::Images(images) => samples.map(|(i, out)| images.write(first + i, &self.plan, out)).collect(),
            Source::Rows(rows) => {
                let block = rows.read(first, count)?;
                samples.map(|(i, out)| self.row(rows, block.row(i), first + i, out)).collect()
            }
        };
        results.into_iter().collect::<Result<()>>()?;
        let offset = first - self.dataset.rows().start;
        let labels = self.dataset.labels().and_then(|labels| labels.get(offset..offset + count)).map(<[u32]>::to_vec);
        let integer_range = if self.stage == Stage::Raw { self.dataset.integer_range() } else { None };
        Ok(Batch { inputs, count, labels, first_index: first, integer_range })
    }

    /// Prepares one row of array data.
    fn row(&self, rows: &Rows, bytes: &[u8], row: usize, out: &mut [f32]) -> Result<()> {
        let sample = match self.image {
            Some(image) if self.plan.resizes() => {
                let hwc = ImageShape { layout: Layout::Nhwc, ..image };
                let (pixels, image) = self.plan.resize(rows.locate(row).0, to_hwc(bytes, image), hwc)?;
                Sample { values: pixels.into_iter().map(f32::from).collect(), image: Some(image) }
            }
            image => Sample { values: rows.values(bytes, row)?, image },
        };
        self.plan.write(&sample, out);
        Ok(())
    }
}

impl Iterator for Batches {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let end = self.dataset.rows().end;
        let count = self.batch_size.min(end.checked_sub(self.next)?);
        if count == 0 {
            return None;
        }
        let batch = self.batch(self.next, count);
        self.next = if batch.is_ok() { self.next + count } else { end };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.dataset.rows().end.saturating_sub(self.next).div_ceil(self.batch_size);
        (usize::from(left > 0), Some(left))
    }
}

impl std::iter::FusedIterator for Batches {}
