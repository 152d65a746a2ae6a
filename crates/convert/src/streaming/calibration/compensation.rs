//! Compensation of rates that come out too low (Y. Hu, H. Tang, G. Pan, "Spiking deep residual networks", TNNLS 2021): weights
//! are multiplied by a factor slightly above 1, against errors that add up with depth. The idea is confirmed by the abstract,
//! the factor is not. Ours: for each layer the factor that brings its mean rate back to the trained network's, between 1 and
//! [`MOST`]. It multiplies all of the layer's currents, shortcuts and biases included.

use spikeconverter_engine::Batch;
use spikeconverter_graph::NodeId;

use crate::ConvertError;
use crate::streaming::draft::Draft;

/// The largest factor.
const MOST: f64 = 1.2;

/// Multiplies the currents of a population.
pub(super) fn compensate(draft: &mut Draft<'_>, id: NodeId, wanted: &Batch) -> Result<(), ConvertError> {
    let found = draft.mean(id)?;
    if let Some(decision) = draft.decision_mut(id) {
        decision.gain = factor(wanted, &found);
    }
    Ok(())
}

/// Mean magnitude of `wanted` in that of `found`, bounded.
fn factor(wanted: &Batch, found: &Batch) -> f32 {
    let sum = |batch: &Batch| batch.data().iter().map(|&x| f64::from(x.abs())).sum::<f64>();
    let (wanted, found) = (sum(wanted), sum(found));
    if found > 0.0 { (wanted / found).clamp(1.0, MOST) as f32 } else { 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_is_slightly_above_one() {
        let batch = |values: [f32; 2]| Batch::new(1, vec![2], values.to_vec()).unwrap();
        assert_eq!(factor(&batch([2.0, 2.2]), &batch([2.0, 2.0])), 1.05);
        assert_eq!(factor(&batch([1.0, 1.0]), &batch([2.0, 2.0])), 1.0);
        assert_eq!(factor(&batch([9.0, 1.0]), &batch([1.0, 1.0])), 1.2);
        assert_eq!(factor(&batch([9.0, 1.0]), &batch([0.0, 0.0])), 1.0);
    }
}
