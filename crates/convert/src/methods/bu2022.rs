//! The inference rule of QCFS (T. Bu, W. Fang, J. Ding, P. Dai, Z. Yu, T. Huang, "Optimal ANN-SNN conversion for high-accuracy
//! and ultra-low-latency spiking neural networks", ICLR 2022).
//!
//! ```text
//! u_l(0) = θ_l/2;   u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l;   s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t)
//! ```
//!
//! Confirmed, by the authors' code and the paper: all of this, and that `θ_l` is the trained bound `λ_l` of the activation
//! `λ·clip(⌊z L/λ + ½⌋/L, 0, 1)`. **The published figures are of networks trained with that activation.** Of a network that was
//! not, this takes the clip's bound where there is one, and otherwise the threshold of least mean square error: the rule and the
//! start are the paper's, the thresholds ours.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "bu2022",
        paper: "Bu et al., Optimal ANN-SNN Conversion for High-Accuracy and Ultra-Low-Latency Spiking Neural Networks, ICLR \
                2022 (its inference rule, on networks not trained for it)",
        year: 2022,
        neuron: "integrate-and-fire, reset by subtraction, from half the threshold",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "none for networks not trained with its activation",
        when: "For networks that were trained with bounded activations (TCL, QCFS) and exported with a clip in their \
               place: the bound is the threshold, and no other calibration is needed. Plain neurons with reset by \
               subtraction, which must start from half the threshold. Of a network with ReLU it searches thresholds of \
               least error, which is quick, and leaves what comes too early uncorrected: `gao2023` takes it back by \
               negative spikes, `li2021-advanced` by calibration, and both are ahead from T = 4 on.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { initial: InitialRule::Half, ..Recipe::rate(ThresholdRule::Bound) },
};
