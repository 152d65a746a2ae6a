//! Calibration on unlabelled samples, layer by layer: a layer is corrected by what it really receives from the layers before
//! it, which were corrected before.
//!
//! Means over time come from the clocked engine, which runs the network up to the layer; its memory does not grow with the
//! number of steps.

mod bias;
mod compensation;
mod potentials;
mod weights;

use spikeconverter_engine::Batch;
use spikeconverter_graph::NodeId;

use super::CalibrationRule;
use super::draft::Draft;
use crate::ConvertError;

pub(super) use bias::readout;
pub(super) use weights::{Deliveries, fit};

/// What a layer is calibrated on.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    /// Samples that are simulated.
    pub(super) samples: &'a Batch,
    /// The trained network's activations for them.
    pub(super) wanted: &'a Batch,
}

/// Calibrates a population that is decided.
pub(super) fn calibrate(draft: &mut Draft<'_>, id: NodeId, pairs: Pairs<'_>) -> Result<(), ConvertError> {
    match draft.recipe().calibration {
        // weights were fitted when it was their turn, before the population's
        CalibrationRule::None | CalibrationRule::Weights => Ok(()),
        CalibrationRule::Bias => bias::correct(draft, id, pairs),
        CalibrationRule::Compensation => compensation::compensate(draft, id, pairs),
        CalibrationRule::Potentials | CalibrationRule::Full => potentials::calibrate(draft, id, pairs),
    }
}
