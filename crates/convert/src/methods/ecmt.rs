//! Multi-threshold neurons of expectation compensation (Z. Huang et al., "Towards
//! high-performance spiking transformers from ANN to SNN conversion", ACM MM 2024: ECMT).
//!
//! ```text
//! sizes θ·2^-i, i = 0..n-1;   the largest with u ≥ size − q/2 is sent, or its negative where −u is;   u ← u − what was sent
//! q = θ·2^-(n-1)
//! ```
//!
//! Confirmed, by the authors' code: one spike a step of sizes that halve, the margin of half the smallest, thresholds from
//! percentiles. Different there: positive and negative sides have percentiles of their own. Not taken over: what the paper adds
//! for attention and other nonlinearities. Ours: negative spikes of ReLU neurons take back what was sent.

use super::{MethodInfo, Streaming};
use crate::streaming::{MaxPoolRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "ecmt",
        paper: "Huang et al., Towards High-Performance Spiking Transformers from ANN to SNN Conversion, ACM MM 2024",
        year: 2024,
        neuron: "multi-threshold: one spike a step, of 4 sizes, of either sign",
        code: "rate, spikes of several sizes",
        structures_published: "convolution, linear, residual, attention (ViT, EVA)",
        figures: "EVA on ImageNet 88.60 at T = 4 (abstract); no comparable network here",
        when: "Where a spike may have one of four sizes and a sign, and the network has leaky ReLU or samples enter as \
               spikes, which `dcgs` does not take. Thresholds are percentiles, found in a pass of the trained network; \
               what the paper adds for attention is not here. Its neurons go on sending as long as they are driven, so \
               that from 16 steps on the keyword spotter costs more energy than the trained network. With ReLU and \
               analog input `dcgs` sends fewer spikes of the same kind, from T = 8 on about half, for much the same \
               accuracy or more.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::MultiThreshold,
        levels: 4,
        pool: MaxPoolRule::LateralInhibition,
        ..Recipe::rate(ThresholdRule::Percentile)
    },
};
