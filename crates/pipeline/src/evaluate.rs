//! Evaluation: trained and spiking network side by side over a data set.

use std::path::Path;

use spikeconverter_data::{Dataset, Preprocessing};
use spikeconverter_graph::Graph;

use crate::model::classes;
use crate::{Error, Result};

/// Refuses labels for which the model has no output. Data without labels pass.
pub(crate) fn check_labels(data: &Dataset, preprocessing: &Preprocessing, graph: &Graph, file: &Path) -> Result<()> {
    let Some((smallest, largest)) = data.label_range() else { return Ok(()) };
    let classes = classes(graph);
    let offset = preprocessing.label_offset;
    let (first, last) = (0_i64.saturating_sub(offset).max(0), (classes as i64 - 1).saturating_sub(offset));
    match [smallest, largest].into_iter().find(|&label| !(first..=last).contains(&i64::from(label))) {
        None => Ok(()),
        Some(label) => Err(Error::Label {
            path: data.path().to_owned(),
            file: file.to_owned(),
            label,
            first,
            last,
            classes,
            offset,
        }),
    }
}
