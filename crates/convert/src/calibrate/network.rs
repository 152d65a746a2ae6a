//! Weights, thresholds and initial potentials of all layers together, by gradients of the difference from the trained
//! network.
//!
//! Layer by layer, each layer makes the best of what reaches it; what matters is the result. The loss of a batch of unlabelled
//! samples is the relative square error of the result, and a little of that of each population's decoded activations `q`:
//!
//! ```text
//! L = ‖y − y*‖² / ‖y*‖² + (α / N) Σ_layers ‖q − a‖² / ‖a‖²
//! ```
//!
//! where `*` and `a` are the trained network's. A window is one quantisation (see the folded engine), so that a gradient
//! passes it as it passes the activation that it stands for (straight-through estimator; Bengio, Léonard, Courville, 2013,
//! arXiv 1308.3432): with the transfer's slope, and not where the code saturates. A threshold's gradient is that of a learned
//! step size (Esser et al., ICLR 2020, arXiv 1902.08153): `∂q/∂θ = (q − f(v))/θ`, and `q/θ` where the code saturates. Adam
//! (Kingma, Ba, ICLR 2015) takes the steps, each parameter in units of its layer's, with rates that fall as a cosine.

mod adam;
mod backward;

use rayon::prelude::*;
use spikeconverter_engine::{Ann, Batch, Tracer};
use spikeconverter_graph::{Graph, NodeId, volume};
use spikeconverter_network::{NodeKind, SpikingNetwork};

use self::adam::Parameters;
use self::backward::Backward;
use crate::ConvertError;
use crate::lower::Lowered;

/// How often each sample is presented.
const EPOCHS: usize = 8;
/// Fewer samples are presented more often, for this many steps at least.
const FEWEST_STEPS: usize = 64;
/// Samples of a step, fewer where their values would be more than [`STEP_VALUES`].
const STEP_SAMPLES: usize = 32;
/// Values of the trained network for the samples of a step (256 MiB).
const STEP_VALUES: usize = 1 << 26;
/// Samples that go there and back at a time, so that their values stay near: fixed, so that sums do not depend on the number
/// of threads.
const TOGETHER: usize = 4;

/// Improves a network that is calibrated layer by layer; initial potentials stay unless `potentials`. `progress` is told steps
/// done and steps in all.
pub(super) fn calibrate_network(
    network: SpikingNetwork,
    lowered: &Lowered,
    graph: &Graph,
    samples: &Batch,
    potentials: bool,
    progress: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
) -> Result<SpikingNetwork, ConvertError> {
    let ann = Ann::new(graph)?;
    let compared = compared(lowered);
    let backward = Backward::new(&network, compared.iter().flatten().count())?;
    let mut parameters = Parameters::new(&network, potentials);
    let mut network = network;
    let values: usize = network.nodes().iter().map(|node| volume(&node.shape)).sum();
    let together = STEP_SAMPLES.min(STEP_VALUES / values.max(1)).min(samples.count()).max(1);
    let of_epoch = samples.count() / together;
    let steps = (EPOCHS * of_epoch).max(FEWEST_STEPS);
    for step in 0..steps {
        let batch = chosen(samples, step % of_epoch, step / of_epoch, together)?;
        let tracer = Tracer::new(&network)?;
        let parts = of_parts(&batch, |part| {
            let wanted = wanted(&ann, &compared, part)?;
            Ok(backward.run(&network, &tracer.run(part)?, &wanted)?)
        })?;
        parameters.step(&backward::sum(parts), step as f64 / steps as f64);
        network = parameters.apply(&network)?;
        progress(step + 1, steps)?;
    }
    Ok(network)
}

/// What `of` gives for [`TOGETHER`] samples at a time, in order.
fn of_parts<T: Send>(
    batch: &Batch,
    of: impl Fn(&Batch) -> Result<T, ConvertError> + Sync,
) -> Result<Vec<T>, ConvertError> {
    let part = |data: &[f32]| of(&Batch::new(data.len() / batch.volume(), batch.shape().to_vec(), data.to_vec())?);
    batch.data().par_chunks(TOGETHER * batch.volume()).map(part).collect()
}

/// The samples of a step: every epoch deals them out in another order, the same in every run.
fn chosen(samples: &Batch, part: usize, epoch: usize, together: usize) -> Result<Batch, ConvertError> {
    // products with an odd number differ, and so do their rotations: an order of all samples
    let key = |row: &usize| (*row as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(11 * epoch as u32 % 64);
    let mut order: Vec<usize> = (0..samples.count()).collect();
    order.sort_unstable_by_key(key);
    let rows = order.into_iter().skip(part * together).take(together);
    let data: Vec<f32> = rows.flat_map(|row| samples.sample(row).iter().copied()).collect();
    Ok(Batch::new(together, samples.shape().to_vec(), data)?)
}

/// By node, the node of the trained network whose value it should have: what populations send, the mean of copies, and the
/// result.
fn compared(lowered: &Lowered) -> Vec<Option<NodeId>> {
    let network = &lowered.network;
    let mut compared = vec![None; network.nodes().len()];
    for id in network.ids() {
        match network.node(id).kind {
            NodeKind::Population(_) => compared[lowered.copies.stands(id).0] = Some(lowered.targets[id.0]),
            NodeKind::Readout(_) => compared[id.0] = Some(lowered.targets[id.0]),
            _ => {}
        }
    }
    compared
}

/// The trained network's values of the nodes that are compared with it, by node.
fn wanted(ann: &Ann, compared: &[Option<NodeId>], batch: &Batch) -> Result<Vec<Option<Batch>>, ConvertError> {
    let mut wanted = vec![None; compared.len()];
    ann.run_observed(std::slice::from_ref(batch), |node, value| {
        for (wanted, _) in wanted.iter_mut().zip(compared).filter(|(_, of)| **of == Some(node)) {
            *wanted = Some(value.clone());
        }
    })?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_presents_every_sample_once() {
        let samples = Batch::new(12, vec![1], (0..12u8).map(f32::from).collect()).unwrap();
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let seen: Vec<f32> =
                (0..4).flat_map(|part| chosen(&samples, part, epoch, 3).unwrap().into_data()).collect();
            let mut sorted = seen.clone();
            sorted.sort_by(f32::total_cmp);
            assert_eq!(sorted, samples.data());
            orders.push(seen);
        }
        assert_ne!(orders[0], orders[1]);
        assert_ne!(orders[1], orders[2]);
    }
}
