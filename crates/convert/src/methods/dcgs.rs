//! Differential coding (Z. Huang et al., "Differential coding for
//! training-free ANN-to-SNN conversion", ICML 2025: DCGS).
//!
//! ```text
//! u ← u + r(t) − m_out;   the largest of θ·2^-i with u ≥ ¾ of it is sent, or its negative;   u ← u − s(t)
//! what arrives means  r(t) = m(t-1) + x(t);   m(t) = m(t-1) + x(t)/t      and so for what is sent
//! ```
//!
//! A spike corrects a running mean instead of repeating it, so that no spike says "as before". Confirmed, by the authors' code:
//! this rule, the margin of ¾, negative spikes only while the sum of what was sent allows it, an exact cumulative maximum. Not
//! taken over: thresholds from the mean and variance of activations, for which percentiles stand here.

use super::{MethodInfo, OPTIONS_OF_ANY_CODING, Streaming};
use crate::streaming::{MaxPoolRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "dcgs",
        paper: "Huang et al., Differential Coding for Training-Free ANN-to-SNN Conversion, ICML 2025",
        year: 2025,
        neuron: "multi-threshold: one spike a step, of 4 sizes, of either sign",
        code: "differential: corrections of a running mean",
        options: OPTIONS_OF_ANY_CODING,
        structures_here: "as the other streaming methods, without leaky ReLU",
        structures_published: "convolution, linear, residual, max pooling, attention",
        figures: "on ImageNet VGG-16 (trained 73.25) 72.72 at T = 4, ResNet-34 (trained 76.42) 76.04 at 8, from a secondary \
                  source",
        when: "The first choice among streaming methods where a spike may have a sign and one of four sizes: close to \
               the trained network within 4 to 8 steps on both networks measured here, depthwise layers included, and \
               with the least energy of the accurate streams. Thresholds are percentiles, found in a pass of the \
               trained network. A neuron keeps running means of what it hears and sends, divided by the step's number; \
               it takes no leaky ReLU and no spiking input, for which there is `ecmt`, and goes to neither NIR nor \
               ONNX. On ResNet-20 `group` is ahead at one and two steps; `spikeconverter` is cheaper where it may \
               wait.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::Differential,
        levels: 4,
        pool: MaxPoolRule::LateralInhibition,
        ..Recipe::rate(ThresholdRule::Percentile)
    },
};
