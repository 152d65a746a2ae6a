//! Calibration, light and advanced (Y. Li, S. Deng, X. Dong, R. Gong, S. Gu, "A free lunch from ANN: towards efficient, accurate
//! spiking neural networks calibration", ICML 2021; IJCV 2024).
//!
//! ```text
//! u_l ← u_l + W_l θ_{l-1} s_{l-1}(t) + b_l + θ_l/(2T);   s_l(t) = [u_l ≥ θ_l];   u_l ← u_l − θ_l s_l(t)
//! θ_l = argmin over max a·(1 − i/100), i = 0..94, of mean (a − clip(⌊a T/θ⌋, 0, T) θ/T)²
//! light:     b_c ← b_c − (mean θ s̄_c − mean a_c)
//! advanced:  W, b ← argmin mean ‖W x̄ + b − z*‖², x̄: mean of what the layers before deliver
//!            u(0) ← u(0) + T·mean(a − θ s̄) for each neuron
//! ```
//!
//! Confirmed, by the authors' code: all of this, one threshold a layer, bias correction on one batch, weights before potentials.
//! Different there: weights are found by gradient descent (Adam, some thousand turns) on the difference of activations; ours are
//! the closed form (`streaming/calibration/weights.rs`). Ours: the last layer's results are corrected by their means as well;
//! where several layers add up in front of a population the correction is a current of its own; the error of the threshold
//! search counts the shift. The authors' networks have average pooling; maxima are gated here.

use super::{MethodInfo, Streaming};
use crate::streaming::{CalibrationRule, InitialRule, Recipe, ThresholdRule};

const LIGHT_INFO: MethodInfo = MethodInfo {
    name: "li2021-light",
    paper: "Li et al., A Free Lunch From ANN: Towards Efficient, Accurate Spiking Neural Networks Calibration, ICML 2021",
    year: 2021,
    neuron: "integrate-and-fire, reset by subtraction, with a shift of the bias",
    structures_published: "convolution, linear, residual, average pooling, depthwise (VGG, ResNet, MobileNet)",
    figures: "confirmed by the authors' repository, on networks of their own: CIFAR-10 at T = 16, VGG-16 (trained 95.76) 93.30 \
              light, 93.65 advanced, ResNet-20 of four times the width (trained 95.68) 93.89 and 94.33",
    when: "For plain neurons with reset by subtraction where weights must stay as trained: only thresholds and biases \
           change, membranes start at 0, so that without max pooling the network goes wherever a rate code goes (NIR, \
           unrolled ONNX). Calibration simulates the spiking network layer by layer, at most 128 samples, about \
           twice in all. The keyword spotter, with its depthwise layers, has barely begun \
           to convert at T = 32. `li2021-advanced` is ahead at every T on both networks measured here.",
    ..MethodInfo::STREAM
};

const LIGHT_RECIPE: Recipe =
    Recipe { initial: InitialRule::Shift, calibration: CalibrationRule::Bias, ..Recipe::rate(ThresholdRule::Mmse) };

pub(super) static LIGHT: Streaming = Streaming { info: LIGHT_INFO, recipe: LIGHT_RECIPE };

pub(super) static ADVANCED: Streaming = Streaming {
    info: MethodInfo {
        name: "li2021-advanced",
        when: "The most accurate plain rate code here at the longest T measured on both networks: one binary spike a \
               step, reset by subtraction, nothing that waits. Weights are fitted by least squares and every neuron \
               has an initial potential of its own, which the hardware must be able to load; calibration simulates the \
               spiking network layer by layer, a few times in all. It still wants tens \
               of steps; where spikes may have signs and sizes `dcgs` needs a few, where layers may wait \
               `spikeconverter`.",
        ..LIGHT_INFO
    },
    recipe: Recipe { calibration: CalibrationRule::Full, ..LIGHT_RECIPE },
};
