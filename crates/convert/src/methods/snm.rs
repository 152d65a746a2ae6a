//! The signed neuron with memory (Y. Wang, M. Zhang, Y. Chen, H. Qu, "Signed neuron with memory: towards simple, accurate and
//! high-efficient ANN-SNN conversion", IJCAI 2022).
//!
//! ```text
//! s(t) = 1 where u ≥ θ;   s(t) = −1 where u ≤ −θ and Σ s > 0;   u ← u − θ s(t);   u(0) = 0
//! θ_i = max a_i for each neuron i
//! ```
//!
//! Confirmed, by the authors' code: all of this, with one threshold a neuron. There the maxima keep the batch's axis, so that
//! thresholds belong to a place in the batch as well, which is taken for an oversight. Different there: the output layer spikes
//! as well. Neurons that no calibration sample excites have the layer's largest threshold, which is ours.

use super::{MethodInfo, Streaming};
use crate::Granularity;
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "snm",
        paper: "Wang et al., Signed Neuron with Memory: Towards Simple, Accurate and High-Efficient ANN-SNN Conversion, IJCAI \
                2022",
        year: 2022,
        neuron: "integrate-and-fire, reset by subtraction, whose negative spikes take back what was sent",
        code: "rate, signed spikes",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "95.44 on CIFAR-10, 73.16 on ImageNet within 128 steps, from a secondary source",
        when: "For hardware with spikes of both signs whose neurons each have a threshold and a counter of what was \
               sent, in simulations of 16 steps and more; what came too early is taken back, so that depthwise layers \
               convert as well. Thresholds a neuron are as much memory as membranes, and do not fold into weights of \
               convolutions. Calibration is a pass of the trained network; neurons that no sample excites have the \
               layer's largest threshold, so give it many samples. `dcgs` is ahead at every T measured, `gao2023` has \
               one threshold a layer.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::Ternary,
        granularity: Granularity::Neuron,
        ..Recipe::rate(ThresholdRule::MaxActivation)
    },
};
