//! Double threshold: ternary spikes, and augmented ones (Q. Yu et al., "Constructing
//! accurate and efficient deep spiking neural networks with double-threshold and augmented schemes", TNNLS 2021).
//!
//! ```text
//! ternary (TerMapping):    s(t) = 1 where u ≥ θ;   s(t) = −1 where u ≤ −θ and something was sent that can be taken back
//! augmented (AugMapping):  s(t) = ⌊u/θ⌋, one spike with a coefficient, of either sign
//! u ← u − θ s(t)
//! ```
//!
//! Confirmed, by the abstract: the negative threshold, and that an augmented spike carries the number of ordinary spikes of its
//! step. Not confirmed: when a negative spike is allowed, and all figures. Ours, derived: it takes back what was sent, for
//! otherwise neurons would transmit negative activations and the ReLU were lost.

use super::{MethodInfo, Streaming};
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

const INFO: MethodInfo = MethodInfo {
    name: "yu2021-ternary",
    paper: "Yu et al., Constructing Accurate and Efficient Deep Spiking Neural Networks with Double-Threshold and Augmented \
            Schemes, TNNLS 2021",
    year: 2021,
    neuron: "integrate-and-fire with a negative threshold, reset by subtraction",
    code: "rate, ternary spikes",
    figures: "not confirmed",
    when: "For hardware with spikes of both signs and a counter a neuron of what was sent, when the scheme of this \
           paper is to be reproduced; calibration is a pass of the trained network. With thresholds of the largest \
           activation of a layer it wants simulations longer than those measured here. The same neuron is better \
           served by `snm`, with a threshold a neuron, or by `gao2023`, with thresholds of least error.",
    ..MethodInfo::STREAM
};

const RECIPE: Recipe = Recipe { neuron: NeuronRule::Ternary, ..Recipe::rate(ThresholdRule::MaxActivation) };

pub(super) static TERNARY: Streaming = Streaming { info: INFO, recipe: RECIPE };

pub(super) static AUGMENTED: Streaming = Streaming {
    info: MethodInfo {
        name: "yu2021-augmented",
        neuron: "integrate-and-fire with a negative threshold that sends all whole thresholds at once",
        code: "rate, spikes with a coefficient",
        when: "As `yu2021-ternary`, where a spike may also carry a coefficient, by which a synapse multiplies; \
               calibration is a pass of the trained network. With thresholds of the largest activation its rows are \
               nearly those of the ternary scheme, at guessing with most T tried. Several spikes at once pay where \
               thresholds are smaller: `adafire` searches for such, `dcgs` has spikes of four sizes.",
        ..INFO
    },
    recipe: Recipe { neuron: NeuronRule::Augmented, ..RECIPE },
};
