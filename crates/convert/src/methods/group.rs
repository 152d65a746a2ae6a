//! Group neurons (L. Lv et al., "Optimal ANN-SNN conversion with group neurons", ICASSP 2024).
//!
//! ```text
//! n(t) = #{i in 1..=m : u ≥ i θ/m};   u ← u − n(t) θ/m;   u(0) = θ/(2m)
//! ```
//!
//! Confirmed, by the authors' code: all of this. The authors' networks are trained with QCFS; of others thresholds are the clip's
//! bound, or of least mean square error, which is ours.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "group",
        paper: "Lv et al., Optimal ANN-SNN Conversion with Group Neurons, ICASSP 2024",
        year: 2024,
        neuron: "6 integrate-and-fire neurons that share a membrane, with thresholds of 1/6 to 6/6",
        code: "rate, up to 6 spikes a step",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "of networks trained for it: ResNet-34 on ImageNet 73.61 at T = 2 (authors' repository)",
        when: "The fewest steps with unsigned spikes of one size, on ordinary convolutions: two are enough for \
               ResNet-20. A neuron is six with thresholds of sixths that share a membrane, so that hardware needs six \
               comparisons, or wires for up to six spikes a step; energy grows with T accordingly. Thresholds are the \
               clip's bound or searched for on activations, which is quick. With one threshold a layer depthwise \
               layers convert badly (`--thresholds` takes another); `dcgs` does not mind them, and `spikeconverter` \
               spends about half the energy where it may wait.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::Group,
        levels: 6,
        initial: InitialRule::Half,
        ..Recipe::rate(ThresholdRule::Bound)
    },
};
