//! Calibration on unlabelled samples, layer by layer: a layer is corrected by what it really receives from the layers before
//! it, which were corrected before.
//!
//! Means over time come from the clocked engine, which runs a layer behind what the layers before sent ([`super::tapes`]): all
//! layers together cost about as much as a few runs of the network, where it does not rehearse.

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

/// Calibrates a population that is decided. `wanted` are the trained network's activations for the samples that are simulated.
pub(super) fn calibrate(draft: &mut Draft<'_>, id: NodeId, wanted: &Batch) -> Result<(), ConvertError> {
    match draft.recipe().calibration {
        // weights were fitted when it was their turn, before the population's
        CalibrationRule::None | CalibrationRule::Weights => Ok(()),
        CalibrationRule::Bias => bias::correct(draft, id, wanted),
        CalibrationRule::Compensation => compensation::compensate(draft, id, wanted),
        CalibrationRule::Potentials | CalibrationRule::Full => potentials::calibrate(draft, id, wanted),
    }
}
