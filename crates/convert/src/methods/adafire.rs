//! Bursts with searched thresholds: the adaptive-firing neuron of "Adaptive calibration: a unified conversion framework of
//! spiking neural networks" (Wang et al., AAAI 2025: AdaFire).
//!
//! ```text
//! n(t) = min(⌊u/θ⌋, φ) spikes in a step;   u ← u − θ n(t)
//! θ = argmin of mean (a − clip(⌊a T/θ⌋, 0, φ T) θ/T)²;   light calibration of biases
//! ```
//!
//! Confirmed, by the authors' code: thresholds by calibration for bursts of up to `φ` spikes, followed by light calibration.
//! Not taken over: a `φ` of its own for each layer (by sensitivity and number of spikes), compression of thresholds, early
//! exit. Here `φ` is one for all layers, `--levels`.

use super::{MethodInfo, Streaming};
use crate::streaming::{CalibrationRule, InitialRule, MaxPoolRule, NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "adafire",
        paper: "Wang et al., Adaptive Calibration: A Unified Conversion Framework of Spiking Neural Networks, AAAI 2025",
        year: 2025,
        neuron: "integrate-and-fire with bursts of up to 4 spikes a step, reset by subtraction",
        code: "rate, bursts",
        figures: "none confirmed",
        when: "For hardware that sends up to 4 plain spikes in a step, with no sign: accuracy after few steps on \
               ordinary convolutions, with less energy than `group` at the same T and somewhat less accuracy. \
               Thresholds are searched for and biases corrected, for which the spiking network is simulated layer by \
               layer, about twice in all. Depthwise layers need 16 steps and more. \
               Where spikes may have signs and sizes, `dcgs` is ahead or level from T = 2 on, with less energy.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        neuron: NeuronRule::Burst,
        levels: 4,
        initial: InitialRule::Shift,
        calibration: CalibrationRule::Bias,
        pool: MaxPoolRule::LateralInhibition,
        ..Recipe::rate(ThresholdRule::Mmse)
    },
};
