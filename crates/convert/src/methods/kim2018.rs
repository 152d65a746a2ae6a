//! Weighted spikes, a phase code (J. Kim, H. Kim, S. Huh, J. Lee, K. Choi, "Deep neural networks with weighted spikes",
//! Neurocomputing 2018, 311:373-386). A spike counts by the phase of a period of `K` steps in which it comes:
//!
//! ```text
//! w(t) = 2^-(1 + (t-1) mod K)
//! u_l ← u_l + W_l θ_{l-1} w(t) s_{l-1}(t) + b_l;   s_l(t) = [u_l ≥ θ_l w(t)];   u_l ← u_l − θ_l w(t) s_l(t)
//! ```
//!
//! Neurons fire while they listen, so that several periods are needed. Confirmed: the weights, `K = 8`, and pixels that send
//! their own binary digits in each period (`--input pixels`, SpikingJelly's encoder); that residual networks convert. Not
//! confirmed: the neuron's threshold and its subtraction, which are derived; all figures. Ours: thresholds are the largest
//! activation times `K/(1 − 2^-K)`, so that the mean of a period reaches it, since trains stand for their mean over the steps
//! here as everywhere and biases act in each step.

use super::{MethodInfo, Streaming};
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "kim2018",
        paper: "Kim et al., Deep Neural Networks with Weighted Spikes, Neurocomputing 2018",
        year: 2018,
        neuron: "integrate-and-fire with a threshold that halves from step to step of a period",
        code: "phase: binary digits, repeated",
        structures_published: "convolution, linear, residual",
        figures: "not confirmed",
        when: "For hardware with a phase clock that halves weights and thresholds from step to step, and for studying \
               phase codes. T is best a multiple of the period of 8 steps, and several periods are needed, since \
               neurons fire before their inputs are complete: both networks measured here are at guessing with all T \
               tried, on more spikes than a plain rate code sends. Calibration is a pass of the trained network. \
               `spikeconverter` sends the same binary digits once, after all input has come.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { neuron: NeuronRule::Weighted, levels: 8, ..Recipe::rate(ThresholdRule::MaxActivation) },
};
