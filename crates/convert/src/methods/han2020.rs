//! RMP-SNN, the residual membrane potential neuron (B. Han, G. Srinivasan, K. Roy, "RMP-SNN: residual membrane potential
//! neuron for enabling deeper high-accuracy and low-latency spiking neural network", CVPR 2020).
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l;   s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t)
//! θ_l = β · max over samples, neurons and steps of the input of one step
//! ```
//!
//! Confirmed, by abstract and secondary sources: the reset that keeps the residual, thresholds from the largest weighted
//! input, scaled so that the rate is linear in the input. Not confirmed: `β`. Ours: of 0.05 to 1 the `β` of least error on the
//! calibration samples; biases; maxima by a gate.

use super::{MethodInfo, Streaming};
use crate::streaming::{Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "han2020",
        paper: "Han et al., RMP-SNN: Residual Membrane Potential Neuron for Enabling Deeper High-Accuracy and Low-Latency \
                Spiking Neural Network, CVPR 2020",
        year: 2020,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, residual, average pooling (VGG-16, ResNet-20 and ResNet-34)",
        figures: "VGG-16 on CIFAR-10: 60.30 at T = 32, 90.35 at 64, 93.63 from 512 on (trained 93.63); ResNet-34 on ImageNet: \
                  55.65 at 256 (trained 70.64); read in a later paper's table",
        when: "To reproduce what the reset by subtraction brought when it was new; plain binary spikes and one \
               threshold a layer, for simulations of a hundred steps and more. Thresholds are a share of the largest \
               input of a step, for which the spiking network is simulated layer by layer, 32 steps and more. \
               `li2021-light` simulates no more and corrects biases instead, and is ahead \
               where either has begun to converge; `rueckauer2017` needs no simulation.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe::rate(ThresholdRule::Rmp),
};
