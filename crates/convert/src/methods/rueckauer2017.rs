use spikeconverter_engine::Batch;
use spikeconverter_graph::{Graph, NodeId};
use spikeconverter_network::{
    Encoding, NetworkBuilder, Node, NodeKind, Population, SpikingNetwork, StreamingPopulation, Transfer,
};

use super::{Method, MethodInfo};
use crate::calibrate::ann::AnnValues;
use crate::lower::{Lowered, lower};
use crate::{Conversion, ConvertError, LayerReport, Options};

/// Rate coding with reset by subtraction and percentile normalisation (B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer,
/// S.-C. Liu, "Conversion of continuous-valued deep networks to efficient event-driven networks for image
/// classification", Frontiers in Neuroscience 2017, 11:682).
///
/// All layers act in every step; samples and biases are constant currents:
///
/// ```text
/// u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l
/// s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t)
/// ```
///
/// `θ_l` is the `percentile`-th percentile of the layer's positive activations on the calibration samples. The paper
/// divides weights by `θ_l / θ_{l-1}` and biases by `θ_l` instead and has thresholds of 1, which is the same network. The
/// result is the read-out's accumulated current divided by `T`.
///
/// # Confirmed of the paper, and ours
/// Confirmed (by the authors' published toolbox): reset by subtraction, percentile 99.9 of the activations that are not
/// zero, analog input and biases in each step, comparison with `≥`. Not taken over: the gate for maximum pooling, spiking
/// softmax, the schedule that lowers the percentile from layer to layer. Ours: a clip such as ReLU6 bounds the threshold,
/// since rates saturate there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rueckauer2017;

impl Method for Rueckauer2017 {
    fn info(&self) -> MethodInfo {
        MethodInfo {
            name: "rueckauer2017",
            paper: "Rueckauer et al., Conversion of Continuous-Valued Deep Networks to Efficient Event-Driven Networks \
                    for Image Classification, Frontiers in Neuroscience 2017",
            year: 2017,
            neuron: "integrate-and-fire, reset by subtraction",
            code: "rate",
            schedule: "stream",
            needs_calibration: true,
            needs_training: false,
            structures_published: "convolution, linear, average and max pooling, batch normalisation, concatenation, \
                                   biases, softmax",
            structures_here: "convolution, linear, residual, concatenation, average pooling, ReLU and clips from 0, \
                              biases; no max pooling, no layers without activation, no leaky ReLU",
        }
    }

    fn convert(
        &self,
        graph: &Graph,
        calibration: &Batch,
        options: &Options,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Conversion, ConvertError> {
        options.check()?;
        if options.encoding != Encoding::Analog {
            let reason = "a streaming network takes samples as analog currents; use --input analog".to_owned();
            return Err(ConvertError::Option { option: "--input", reason });
        }
        if calibration.count() == 0 {
            return Err(ConvertError::NoCalibration);
        }
        let lowered = lower(graph, 1, Encoding::Analog)?;
        for id in lowered.network.ids() {
            check(graph, &lowered, id)?;
        }
        let spiking: Vec<NodeId> = lowered.network.spiking().collect();
        let wanted: Vec<NodeId> = spiking.iter().map(|id| lowered.targets[id.0]).collect();
        let mut ann = AnnValues::new(graph, &wanted, calibration)?;
        let mut thresholds = vec![None; lowered.network.nodes().len()];
        let mut layers = Vec::new();
        for &id in &spiking {
            let activations = ann.take(lowered.targets[id.0])?;
            let node = lowered.network.node(id);
            let threshold = bounded(percentile(activations.data(), options.percentile), &node.kind);
            thresholds[id.0] = Some(threshold);
            layers.push(report(node, threshold, &activations, options.time_steps));
            progress(layers.len(), spiking.len());
        }
        let network = streaming(&lowered.network, &thresholds, options.time_steps)?;
        Ok(Conversion { network, layers, samples: calibration.count() })
    }
}

/// Refuses what rates cannot express.
fn check(graph: &Graph, lowered: &Lowered, id: NodeId) -> Result<(), ConvertError> {
    let node = lowered.network.node(id);
    let refuse = |target: NodeId, reason: &str| {
        let node = graph.node(target);
        Err(ConvertError::Unsupported { node: node.name.clone(), op: node.op.kind(), reason: reason.into() })
    };
    let target = lowered.targets[id.0];
    match &node.kind {
        NodeKind::MaxPool(_) | NodeKind::Population(Population { pool: Some(_), .. }) => refuse(
            target,
            "a streaming network has no maximum of spike trains; replace max pooling by average pooling, or use \
             --method spikeconverter",
        ),
        NodeKind::Population(population) => match population.transfer {
            Transfer::Relu | Transfer::Clip { low: Some(0.0), .. } => Ok(()),
            _ => refuse(
                target,
                "its values can be negative, and rates of integrate-and-fire neurons cannot; put a ReLU behind it, or \
                 use --method spikeconverter",
            ),
        },
        _ => Ok(()),
    }
}

/// The `percent`-th percentile of the positive values, by nearest rank; 1 where there are none.
fn percentile(values: &[f32], percent: f64) -> f32 {
    let mut positive: Vec<f32> = values.iter().copied().filter(|&x| x > 0.0).collect();
    if positive.is_empty() {
        return 1.0;
    }
    // 99.9 is a little more in binary, which must not make a rank of 999 the next one
    let rank = (percent / 100.0 * positive.len() as f64 * (1.0 - 1e-12)).ceil() as usize;
    let at = rank.clamp(1, positive.len()) - 1;
    *positive.select_nth_unstable_by(at, f32::total_cmp).1
}

/// A threshold no larger than the bound of the population's clip.
fn bounded(threshold: f32, kind: &NodeKind) -> f32 {
    match kind {
        NodeKind::Population(Population { transfer: Transfer::Clip { high: Some(high), .. }, .. }) if *high > 0.0 => {
            threshold.min(*high)
        }
        _ => threshold,
    }
}

/// The same network with streaming populations of these thresholds.
fn streaming(
    network: &SpikingNetwork,
    thresholds: &[Option<f32>],
    time_steps: u32,
) -> Result<SpikingNetwork, ConvertError> {
    let input = &network.nodes()[0];
    let mut builder = NetworkBuilder::streaming(time_steps, input.name.clone(), input.shape.clone())?;
    for id in network.ids().skip(1) {
        let node = network.node(id);
        let kind = match thresholds[id.0] {
            Some(threshold) => NodeKind::Streaming(StreamingPopulation {
                threshold: vec![threshold],
                ..StreamingPopulation::default()
            }),
            None => node.kind.clone(),
        };
        builder.add(node.name.clone(), kind, &node.inputs)?;
    }
    Ok(builder.finish(network.output())?)
}

/// The error of the code itself: what `T` steps of a constant current transmit.
fn report(node: &Node, threshold: f32, activations: &Batch, time_steps: u32) -> LayerReport {
    let steps = f64::from(time_steps);
    let threshold = f64::from(threshold);
    let (mut power, mut error) = (0.0, 0.0);
    for &activation in activations.data() {
        let a = f64::from(activation);
        let transmitted = (a / threshold * steps).floor().clamp(0.0, steps) * threshold / steps;
        power += a * a;
        error += (a - transmitted) * (a - transmitted);
    }
    LayerReport {
        name: node.name.clone(),
        neurons: node.shape.iter().product(),
        base: 1.0,
        threshold_min: threshold as f32,
        threshold_max: threshold as f32,
        signed: false,
        error: if power > 0.0 { error / power } else { 0.0 },
        largest_correction: 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zeros do not count; of 1..=1000 the 99.9th percentile is 999.
    #[test]
    fn percentiles_of_what_is_positive() {
        let mut values: Vec<f32> = (1..=1000).rev().map(|x| x as f32).collect();
        values.resize(6000, 0.0);
        values.extend([-7.0; 100]);
        assert_eq!(percentile(&values, 99.9), 999.0);
        assert_eq!(percentile(&values, 100.0), 1000.0);
        assert_eq!(percentile(&values, 50.0), 500.0);
        assert_eq!(percentile(&[0.0, -1.0], 99.9), 1.0);
    }
}
