//! Channel-wise normalisation and the signed neuron with imbalanced threshold (S. Kim, S. Park, B. Na, S. Yoon,
//! "Spiking-YOLO: spiking neural network for energy-efficient object detection", AAAI 2020).
//!
//! ```text
//! θ_c = 99.9th percentile of channel c's activations that are not zero
//! s(t) = 1 where u ≥ θ;   s(t) = −1 where u ≤ −θ/α;   u ← u − θ, u ← u + θ/α      leaky ReLU of slope α
//! ```
//!
//! Confirmed, by two third-party codes: the percentile for each channel, reset by subtraction. Not confirmed: the reset of the
//! negative side by `θ/α`, which is what makes the negative rate `α` times the input (derived); all figures. Ours: any slope,
//! also one for each channel, and maxima by a gate (the paper's networks have theirs replaced).

use super::{MethodInfo, Streaming};
use crate::Granularity;
use crate::streaming::{Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "kim2020",
        paper: "Kim et al., Spiking-YOLO: Spiking Neural Network for Energy-Efficient Object Detection, AAAI 2020",
        year: 2020,
        neuron: "integrate-and-fire, reset by subtraction; signed with imbalanced thresholds for leaky ReLU",
        structures_published: "convolution, leaky ReLU, batch normalisation (Tiny YOLO)",
        figures: "not confirmed",
        when: "For networks with leaky ReLU, whose neurons here send negative spikes at a threshold of their own, and \
               for layers whose channels differ widely in range, as depthwise ones do; with ReLU all spikes are plain. \
               Thresholds of channels cost nothing at run time, since they fold into weights, and calibration is a \
               pass of the trained network. It wants long simulations: little comes through before T = 32. With ReLU \
               `ltb`, also by channel, is ahead of it from T = 8 on.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { granularity: Granularity::Channel, ..Recipe::rate(ThresholdRule::Percentile) },
};
