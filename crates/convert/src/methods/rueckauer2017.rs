//! Rate coding with reset by subtraction and percentile normalisation (B. Rueckauer, I.-A. Lungu, Y. Hu, M. Pfeiffer,
//! S.-C. Liu, "Conversion of continuous-valued deep networks to efficient event-driven networks for image classification",
//! Frontiers in Neuroscience 2017, 11:682).
//!
//! All layers act in every step; samples and biases are constant currents:
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l
//! s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t)
//! ```
//!
//! `θ_l` is the `percentile`-th percentile of the layer's positive activations on the calibration samples. The paper
//! divides weights by `θ_l / θ_{l-1}` and biases by `θ_l` instead and has thresholds of 1, which is the same network. The
//! result is the read-out's accumulated current divided by `T`.
//!
//! Confirmed, by the authors' published toolbox: reset by subtraction (to zero and modulo as options: `--neuron if-zero`,
//! `if-modulo`), percentile 99.9 of the activations that are not zero, analog input and biases in each step, comparison with
//! `≥`, maxima by a gate that passes the spikes of the input with the largest sum so far. Not taken over: spiking softmax (the
//! softmax is computed on the read-out), the schedule that lowers the percentile from layer to layer. Ours: a clip such as
//! ReLU6 bounds the threshold, since rates saturate there; negative spikes where activations can be negative.

use super::{MethodInfo, Streaming};
use crate::streaming::{Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "rueckauer2017",
        paper: "Rueckauer et al., Conversion of Continuous-Valued Deep Networks to Efficient Event-Driven Networks for Image \
                Classification, Frontiers in Neuroscience 2017",
        year: 2017,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, linear, average and max pooling, batch normalisation, concatenation, biases, \
                               softmax",
        figures: "not confirmed",
        when: "The plain rate code that every simulator and chip with a subtracting integrate-and-fire neuron can run, \
               and what results are usually compared with; it goes to NIR where there is no max pooling. Calibration \
               is a pass of the trained network and a percentile a layer. It wants simulations of a hundred steps and \
               more: in the networks measured here little comes through before T = 32. With the same neurons, \
               `li2021-advanced` is far ahead at every T that was tried; `ltb` is so from T = 8 on without a change to \
               any weight.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe::rate(ThresholdRule::Percentile),
};
