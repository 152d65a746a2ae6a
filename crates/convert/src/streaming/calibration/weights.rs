//! Weights of the advanced calibration (Y. Li et al., ICML 2021): layer by layer, those that bring membranes closest to the
//! trained network's,
//!
//! ```text
//! (W, b) = argmin mean over samples of ‖ W x̄ + b − z* ‖²
//! ```
//!
//! where `x̄` is the mean of what really reaches the synapse in `T` steps, from layers that are calibrated already. Confirmed, by
//! the authors' code: the order of layers, means as inputs, that weights come before initial potentials. Different there: Adam
//! on the difference of activations, through the neuron's staircase; ours is the closed form that windows have as well
//! (`calibrate/least_squares.rs`), in which what a ReLU cuts off may be anything negative.

use spikeconverter_engine::Batch;
use spikeconverter_graph::{NodeId, Op};

use crate::ConvertError;
use crate::calibrate::{Aim, Route, bounds, fit_weights, sum};
use crate::streaming::draft::Draft;

/// What is known of a synapse's membranes.
pub(in crate::streaming) struct Deliveries<'a> {
    /// The way to the membranes.
    pub(in crate::streaming) route: &'a Route,
    /// The trained network's membranes for the samples that are simulated.
    pub(in crate::streaming) wanted: &'a Batch,
    /// What synapses that are still to be fitted bring to the same membranes, as the trained network has it.
    pub(in crate::streaming) later: Option<Batch>,
}

/// Fits a synapse to what reaches it. All populations before it are decided.
pub(in crate::streaming) fn fit(
    draft: &mut Draft<'_>,
    id: NodeId,
    op: &Op,
    deliveries: Deliveries<'_>,
) -> Result<(), ConvertError> {
    let Deliveries { route, wanted, later } = deliveries;
    let mut beside = later;
    for &other in route.beside.iter().filter(|&&other| other < id) {
        beside = Some(sum(beside, &draft.delivered(other)?));
    }
    let input = draft.delivered(draft.network().node(id).inputs[0])?;
    let (low, high) = bounds(draft.network(), route);
    if let Some(op) = fit_weights(op, &input, &Aim { wanted, beside: beside.as_ref(), low, high }) {
        draft.reweigh(id, op);
    }
    Ok(())
}
