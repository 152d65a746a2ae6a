//! The calcium-gated bipolar neuron, Ca-LIF (H. Gao et al., "High-accuracy deep ANN-to-SNN conversion using quantization-aware training framework and calcium-gated bipolar leaky
//! integrate and fire neuron", Frontiers in Neuroscience 2023, 17:1141701).
//!
//! ```text
//! s(t) = 1 where u ≥ θ;   s(t) = −1 where u ≤ −θ and calcium > 0;   u ← u − θ s(t);   calcium ← calcium + s(t)
//! ```
//!
//! Confirmed, by the abstract: bipolar spikes gated by calcium; networks come from quantisation-aware training and are converted
//! without further balancing; T from 8 to 128. Not confirmed: the neuron's rule, which is derived (calcium counts what was
//! sent, so that only that can be taken back), and all figures. Ours: on networks that were not quantised, thresholds of least
//! mean square error, which stand for the quantiser's step times `T`; where activations were trained with a bound, that bound.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "gao2023",
        paper: "Gao et al., High-Accuracy Deep ANN-to-SNN Conversion Using Quantization-Aware Training Framework and \
                Calcium-Gated Bipolar Leaky Integrate and Fire Neuron, Frontiers in Neuroscience 2023",
        year: 2023,
        neuron: "integrate-and-fire, reset by subtraction, whose negative spikes take back what was sent",
        code: "rate, signed spikes",
        figures: "not confirmed, and of networks trained with quantisation",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { neuron: NeuronRule::Ternary, initial: InitialRule::Half, ..Recipe::rate(ThresholdRule::Bound) },
};
