//! Weight normalisation, model-based and data-based (P. U. Diehl, D. Neil, J. Binas, M. Cook, S.-C. Liu, M. Pfeiffer,
//! "Fast-classifying, high-accuracy spiking deep networks through weight and threshold balancing", IJCNN 2015).
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l;   s_l(t) = [u_l ≥ θ_l];   u_l ← 0 where s_l(t) = 1
//! model-based:  θ_l = max_i Σ_j max(0, w_ij) θ_{l-1}
//! data-based:   θ_l = max a_l
//! ```
//!
//! The paper scales weights instead of thresholds, which is the same network. Confirmed, by SpikingJelly's and the SNN
//! toolbox's versions: thresholds from the largest activation, reset to zero, comparison with `≥`; Poisson input is
//! `--input poisson`. Not confirmed: that the
//! data-based factor is bounded from below by the layer's largest weight, which is left out; all figures. Ours: the paper's
//! networks have no biases and average pooling only; here biases are constant currents, maxima are gated, and the model-based
//! bound is interval arithmetic over whatever stands between two populations.

use super::{MethodInfo, Streaming};
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

const PAPER: &str = "Diehl et al., Fast-Classifying, High-Accuracy Spiking Deep Networks Through Weight and Threshold \
                     Balancing, IJCNN 2015";

const INFO: MethodInfo = MethodInfo {
    name: "diehl2015-data",
    paper: PAPER,
    year: 2015,
    neuron: "integrate-and-fire, reset to zero",
    structures_published: "convolution, linear, average pooling, ReLU; no biases",
    figures: "not confirmed",
    when: "For hardware and importers whose neurons can only be reset to zero, on shallow networks and with long \
           simulations; plain binary spikes, one threshold a layer, one pass of the trained network as calibration. \
           What a reset throws away no number of steps brings back, and deep networks lose it in every layer: both \
           networks measured here are still at guessing with the most steps tried. Where neurons can subtract, \
           `rueckauer2017` is the same without that loss.",
    ..MethodInfo::STREAM
};

const RECIPE: Recipe = Recipe { neuron: NeuronRule::HardReset, ..Recipe::rate(ThresholdRule::MaxActivation) };

pub(super) static DATA: Streaming = Streaming { info: INFO, recipe: RECIPE };

pub(super) static MODEL: Streaming = Streaming {
    info: MethodInfo {
        name: "diehl2015-model",
        when: "As a baseline, or where thresholds must hold for every input and not for samples only: they come from \
               the weights and the range of the input, and no neuron is ever driven beyond them. Such bounds multiply \
               from layer to layer, so that in both networks measured here next to nothing fires within the steps \
               tried. `diehl2015-data` takes thresholds from activations, with the same neuron.",
        ..INFO
    },
    recipe: Recipe { threshold: ThresholdRule::Model, ..RECIPE },
};
