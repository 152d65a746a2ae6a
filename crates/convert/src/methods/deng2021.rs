//! Threshold and shift (S. Deng, S. Gu, "Optimal conversion of conventional artificial neural networks to spiking neural
//! networks", ICLR 2021).
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l + θ_l/(2T);   s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t);   u_l(0) = 0
//! θ_l = max a_l, at most y_th
//! ```
//!
//! Confirmed, by the authors' code: all of this. Their networks are trained with ReLU bounded at `y_th`; of a network that was
//! not, `θ` is the largest activation. Different there: the output layer spikes as well (here it accumulates), and of a
//! residual block only the first layer is shifted (here each is). Ours: maxima by a gate.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "deng2021",
        paper: "Deng and Gu, Optimal Conversion of Conventional Artificial Neural Networks to Spiking Neural Networks, ICLR \
                2021",
        year: 2021,
        neuron: "integrate-and-fire, reset by subtraction, with a shift of the bias",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "VGG-16 on CIFAR-10, trained without the bound, as run again by Li et al. 2021: 76.24 at T = 32, 90.64 at 64, \
                  95.73 from 512 on (trained 95.72)",
        when: "For networks trained with bounded activations (ReLU6 and other clips), whose bound is then the \
               threshold; plain neurons with reset by subtraction, whose shift is part of the bias, so that membranes \
               start at 0, as other programs have them. Calibration is a pass of the trained network. Without a bound \
               the threshold is the largest activation, which is too large for few steps. `li2021-light` has the same \
               neuron with thresholds that are searched for and biases that are corrected, and is ahead on both \
               networks measured here at the longest T.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { initial: InitialRule::Shift, ..Recipe::rate(ThresholdRule::MaxActivation) },
};
