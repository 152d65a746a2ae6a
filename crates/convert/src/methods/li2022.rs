//! Burst spikes and lateral-inhibition pooling (Y. Li, Y. Zeng, "Efficient and accurate conversion of spiking neural network with
//! burst spikes", IJCAI 2022).
//!
//! ```text
//! n(t) = min(⌊u/θ⌋, Γ) spikes in a step;   u ← u − θ n(t)
//! LIPool:  S_i ← S_i + x_i(t);   y(t) = max_i S_i(t) − max_i S_i(t-1)
//! ```
//!
//! Confirmed, by the authors' code: both, `Γ` of 2 (script) or 5 (class), thresholds of 99.9 % after activations above 1 were
//! divided by `Γ`, start at 0. That LIPool transmits exactly the largest of the sums is derived. Ours: windows of any size.

use super::{MethodInfo, Streaming};
use crate::streaming::{MaxPoolRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "li2022",
        paper: "Li and Zeng, Efficient and Accurate Conversion of Spiking Neural Network with Burst Spikes, IJCAI 2022",
        year: 2022,
        neuron: "integrate-and-fire with bursts of up to 5 spikes a step, reset by subtraction",
        code: "rate, bursts",
        structures_published: "convolution, linear, residual, max pooling of 2 by 2",
        figures: "nearly lossless in less than 100 steps (abstract); others not confirmed",
        when: "For hardware that sends several plain spikes in a step, when steps matter more than energy: bursts of \
               up to 5, thresholds from a percentile, no simulation for calibration, and a maximum that is exact. It \
               begins to convert at T = 4 to 8 on the networks measured here and goes on gaining, but by T = 32 costs \
               more energy than the trained network. `adafire` is ahead at one and two steps, and on ResNet-20 at \
               every T; where spikes may have signs and sizes, `dcgs` is so at every T, from T = 8 on with less \
               energy.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::Burst,
        levels: 5,
        pool: MaxPoolRule::LateralInhibition,
        ..Recipe::rate(ThresholdRule::BurstPercentile)
    },
};
