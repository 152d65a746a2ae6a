//! Initial potentials of the advanced calibration (Y. Li et al., ICML 2021), one for each neuron:
//!
//! ```text
//! u(0) ← u(0) + T · mean over samples of (a − θ·s̄)
//! ```
//!
//! the charge that the neuron lacks in `T` steps. Confirmed by the authors' code.

use spikeconverter_engine::Batch;
use spikeconverter_graph::NodeId;

use crate::ConvertError;
use crate::streaming::draft::Draft;

/// Adds to a population's initial potentials what its neurons lack.
pub(super) fn calibrate(draft: &mut Draft<'_>, id: NodeId, wanted: &Batch) -> Result<(), ConvertError> {
    let found = draft.mean(id)?;
    let neurons = found.volume();
    let mut lacking = vec![0.0f64; neurons];
    for (wanted, found) in wanted.samples().zip(found.samples()) {
        for ((sum, wanted), found) in lacking.iter_mut().zip(wanted).zip(found) {
            *sum += f64::from(wanted - found);
        }
    }
    let charge = f64::from(draft.time_steps()) / found.count().max(1) as f64;
    let Some(decision) = draft.decision_mut(id) else { return Ok(()) };
    let initial = &decision.initial;
    let inner = neurons / initial.len().max(1);
    let started = |n: usize| if initial.is_empty() { 0.0 } else { initial[n / inner] };
    decision.initial = lacking.iter().enumerate().map(|(n, sum)| started(n) + (sum * charge) as f32).collect();
    Ok(())
}
