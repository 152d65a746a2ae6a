use spikeconverter_graph::{NodeId, volume};

use super::Number;
use crate::problem::{Problem, unsupported};

/// An extent of a tensor of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dim {
    /// The batch size.
    Batch,
    /// A number.
    Fixed(usize),
}

/// A value that depends on the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Data {
    /// Where it is computed.
    pub(crate) node: NodeId,
    /// Its shape per sample: that of the file without the batch axis.
    pub(crate) shape: Vec<usize>,
    /// Which axis of the file's tensor counts the samples; none when there is no batch axis, or when a batch axis of
    /// extent 1 was dropped.
    pub(crate) batch: Option<usize>,
    /// Whether the file's tensor is of an integer type.
    pub(crate) integer: bool,
}

impl Data {
    /// Number of axes of the file's tensor.
    pub(crate) fn rank(&self) -> usize {
        self.shape.len() + usize::from(self.batch.is_some())
    }

    /// Elements a sample.
    pub(crate) fn volume(&self) -> usize {
        volume(&self.shape)
    }

    /// Extents of the file's tensor.
    pub(crate) fn dims(&self) -> Vec<Dim> {
        let mut dims: Vec<Dim> = self.shape.iter().map(|&n| Dim::Fixed(n)).collect();
        if let Some(batch) = self.batch {
            dims.insert(batch, Dim::Batch);
        }
        dims
    }

    /// Extents of the file's tensor as numbers.
    pub(crate) fn extents(&self) -> Vec<Number> {
        let number = |dim: Dim| match dim {
            Dim::Batch => Number::BATCH,
            Dim::Fixed(n) => Number::plain(n as f64),
        };
        self.dims().into_iter().map(number).collect()
    }

    /// The sample's axis that is axis `axis` of the file's tensor; `None` for the batch axis.
    pub(crate) fn sample_axis(&self, axis: usize) -> Option<usize> {
        match self.batch {
            Some(batch) if axis == batch => None,
            Some(batch) if axis > batch => Some(axis - 1),
            _ => Some(axis),
        }
    }

    /// Like [`Data::sample_axis`], for an operation that must not touch the batch axis.
    pub(crate) fn own_axis(&self, axis: usize) -> Result<usize, Problem> {
        self.sample_axis(axis).ok_or_else(|| across_samples("works along the batch axis"))
    }
}

/// The problem of an operation that would make one sample's result depend on another sample.
pub(crate) fn across_samples(what: &str) -> Problem {
    unsupported(format!("it {what}, so one sample's result would depend on the others")).remedy(
        "if the first axis of the input is not a batch axis, import with the batch axis set to none; else rewrite it per sample",
    )
}
