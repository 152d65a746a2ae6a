//! Deterministic conversion with n-scaling (X. Yang et al., "Deterministic conversion rule for
//! CNNs to efficient spiking convolutional neural networks", Science China Information Sciences 2020, 63:122402).
//!
//! ```text
//! r_i = (Σ_t Z_i(t) − ε_i(T)) / (τ T) · r_max      Z: input of a step, ε: what is left on the membrane, τ: threshold
//! ```
//!
//! Confirmed: this relation, so reset by subtraction; that weights are scaled by a number decided by the statistics of
//! activations. Not confirmed: the rule for that number; all figures but those of the abstract (a loss of 0.4 % at most on
//! MNIST, SVHN and CIFAR-10). Ours: `θ = max a / n` with the whole `n` of least error in `T` steps.

use super::{MethodInfo, Streaming};
use crate::streaming::{Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "yang2020",
        paper: "Yang et al., Deterministic Conversion Rule for CNNs to Efficient Spiking Convolutional Neural Networks, \
                Science China Information Sciences 2020",
        year: 2020,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, pooling",
        figures: "a loss of 0.4 % at most on MNIST, SVHN and CIFAR-10 (abstract)",
        when: "To reproduce its figures on small networks with plain integrate-and-fire neurons; one number a layer is \
               searched for on activations, without a simulation. Thresholds are whole parts of the largest \
               activation, and neither network measured here is converted within the steps tried. `li2021-light` \
               searches thresholds more finely and corrects biases; `rueckauer2017`, as quick, is ahead where both \
               have begun to converge.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe::rate(ThresholdRule::NScaling),
};
