//! Light calibration (Y. Li et al., "A free lunch from ANN", ICML 2021): the bias of each channel takes back the difference of
//! mean rates,
//!
//! ```text
//! b_c ← b_c − (mean θ·s̄_c − mean a_c)
//! ```
//!
//! over the samples and positions of one batch. Confirmed by the authors' code. Where several layers add up in front of a
//! population, the correction is a current of its own.

use spikeconverter_engine::Batch;
use spikeconverter_graph::NodeId;

use crate::ConvertError;
use crate::calibrate::mean_difference;
use crate::streaming::draft::Draft;

/// Corrects the bias of a population's channels.
pub(super) fn correct(draft: &mut Draft<'_>, id: NodeId, wanted: &Batch) -> Result<(), ConvertError> {
    let found = draft.mean(id)?;
    let difference = mean_difference(wanted, &found);
    if let Some(decision) = draft.decision_mut(id) {
        add_by_channel(&mut decision.shift, &difference, found.volume());
    }
    Ok(())
}

/// Corrects the mean of each result. The read-out's membrane counts once and its result is divided by the steps that are read.
pub(in crate::streaming) fn readout(draft: &mut Draft<'_>, id: NodeId, wanted: &Batch) -> Result<(), ConvertError> {
    let found: Batch = draft.read(draft.network().node(id).inputs[0])?;
    let steps = draft.steps_read() as f32;
    draft.start_readout(mean_difference(wanted, &found).into_iter().map(|d| d * steps).collect());
    Ok(())
}

/// Adds one value a channel to none, one a channel or one a neuron.
fn add_by_channel(values: &mut Vec<f32>, channels: &[f32], neurons: usize) {
    if values.is_empty() {
        values.resize(channels.len(), 0.0);
    }
    if values.len() == 1 {
        let only = values[0];
        values.resize(channels.len(), only);
    }
    let inner = if values.len() == neurons { neurons / channels.len().max(1) } else { 1 };
    for (value, channel) in values.iter_mut().zip(channels.iter().flat_map(|c| std::iter::repeat_n(c, inner))) {
        *value += channel;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_add_to_what_is_there() {
        let add = |mut values: Vec<f32>| {
            add_by_channel(&mut values, &[1.0, 2.0], 4);
            values
        };
        assert_eq!(add(vec![]), [1.0, 2.0]);
        assert_eq!(add(vec![5.0]), [6.0, 7.0]);
        assert_eq!(add(vec![5.0, 6.0]), [6.0, 8.0]);
        assert_eq!(add(vec![0.0, 0.0, 1.0, 1.0]), [1.0, 1.0, 3.0, 3.0]);
    }
}
