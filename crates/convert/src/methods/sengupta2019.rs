//! Spike-Norm (A. Sengupta, Y. Ye, R. Wang, C. Liu, K. Roy, "Going deeper in spiking neural networks: VGG and residual
//! architectures", Frontiers in Neuroscience 2019, 13:95).
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t);   s_l(t) = [u_l ≥ θ_l];   u_l ← 0 where s_l(t) = 1
//! θ_l = max over samples, neurons and steps of W_l θ_{l-1} s_{l-1}(t)      layer by layer, in the spiking network itself
//! ```
//!
//! Confirmed, by two third-party codes: the maximum is that of single steps' input with the thresholds of the layers before
//! already set; Poisson input (here `--input poisson`). Spikes carry the threshold here; in the paper they count 1 and thresholds balance the scale,
//! which is the same network. Not confirmed: hard reset in all experiments, what thresholds of identity paths are; ours have
//! junction neurons with one threshold for the sum of both branches, which needs no scaling. Ours: biases (the paper's networks
//! have none), maxima by a gate, fewer samples and steps than the 512 and 2500 of the code that is known.

use super::{MethodInfo, Streaming};
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "sengupta2019",
        paper: "Sengupta et al., Going Deeper in Spiking Neural Networks: VGG and Residual Architectures, Frontiers in \
                Neuroscience 2019",
        year: 2019,
        neuron: "integrate-and-fire, reset to zero",
        structures_published: "convolution, linear, residual, average pooling; no biases, no batch normalisation",
        figures: "ResNet-20 on CIFAR-10: error 12.54 % (trained 10.9 %), from a secondary source; others not confirmed",
        when: "To reproduce results on VGG and residual networks without biases, with Poisson input (`--input`) and \
               thousands of steps. Thresholds are measured in the spiking network, layer by layer, over 32 steps \
               and more; neurons are reset to zero, and what is beyond the threshold is \
               lost. Both networks measured here are at guessing with all T tried. `han2020` has the same look at \
               single steps with a reset that loses nothing, `li2021-light` is what that time is better spent on.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { neuron: NeuronRule::HardReset, ..Recipe::rate(ThresholdRule::SpikeNorm) },
};
