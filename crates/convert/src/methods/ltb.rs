//! Local threshold balancing (T. Bu et al., "Inference-scale complexity in ANN-SNN conversion for high-performance and
//! low-power applications", CVPR 2025).
//!
//! ```text
//! θ_c ← θ_c + 2·mean(max(a_c − θ_c, 0))      batch after batch, from 0
//! u(0) = θ/2;   s(t) = [u > θ];   u ← u − θ s(t)
//! ```
//!
//! Confirmed, by the authors' code and the paper: all of this, one threshold a channel, the comparison with `>`, maxima in front
//! of the neurons. Different there: these maxima are of the currents of each step, which fluctuate with the spikes behind them,
//! and the mean of a maximum is larger than the maximum of means, however long the simulation; results are read from a later step
//! on, by an estimate of the network's delay. Ours: the largest of the sums of currents so far, as a window has it, which is exact
//! (`--max-pool instantaneous` is the authors'); results are the mean of all steps unless `--skip-steps` says otherwise, since the
//! mean of a few last steps does not approach the trained network's however long the simulation; activations are those of the
//! trained network, not clipped by the thresholds of the layers before while these are found.

use super::{MethodInfo, Streaming};
use crate::Granularity;
use crate::streaming::{InitialRule, MaxPoolRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "ltb",
        paper: "Bu et al., Inference-Scale Complexity in ANN-SNN Conversion for High-Performance and Low-Power Applications, \
                CVPR 2025",
        year: 2025,
        neuron: "integrate-and-fire, reset by subtraction, from half the threshold",
        structures_published: "convolution, linear, residual, depthwise, max pooling",
        figures: "confirmed by the paper: on ImageNet ResNet-34 (trained 73.31) 64.88 at T = 32, 71.17 at 64; MobileNet-v2 \
                  (trained 71.88) 19.39 at 32, 70.48 at 512",
        when: "For plain neurons with reset by subtraction where nothing but thresholds may change: one a channel, \
               found in one pass over batches of activations, however deep the network. Neurons must start from half \
               the threshold; max pooling stands in front of them, where it is exact. It wants 32 steps and more, and \
               of the methods that only choose thresholds it copes best with depthwise layers; read without the steps \
               in which layers settle (`--skip-steps`), the keyword spotter comes close to the trained network. \
               `li2021-advanced` is ahead of it on both networks measured here, by fitting weights.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        strict: true,
        granularity: Granularity::Channel,
        initial: InitialRule::Half,
        pool: MaxPoolRule::Membranes,
        ..Recipe::rate(ThresholdRule::Balancing)
    },
};
