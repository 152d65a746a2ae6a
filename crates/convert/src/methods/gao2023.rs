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
        when: "For networks from quantisation-aware training or with clips, whose bound is the threshold, on hardware \
               with spikes of both signs and a counter a neuron of what was sent. Of a network with ReLU it searches \
               thresholds of least error, without a simulation, and shows what negative spikes are worth: it is \
               `bu2022` with them, and ahead of it from T = 2 on ResNet-20 and from T = 4 on the keyword spotter. \
               Where spikes may have sizes as well, `ecmt` and `dcgs` need far fewer steps.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { neuron: NeuronRule::Ternary, initial: InitialRule::Half, ..Recipe::rate(ThresholdRule::Bound) },
};
