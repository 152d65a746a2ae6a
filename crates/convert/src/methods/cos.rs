//! Calibrated offset spikes (Z. Hao, J. Ding, T. Bu, T. Huang, Z. Yu, "Bridging the gap between ANNs and SNNs by calibrating
//! offset spikes", ICLR 2023; COS).
//!
//! Layer after layer runs ρ steps from `u(0) = θ/2` behind the layers before it, which are corrected already; then, with `u`
//! before the reset,
//!
//! ```text
//! u(ρ) < 0, and it fired:   u(0) ← u(0) − max(θ, min over firing steps of u − 0.999 θ)      one spike less
//! u(ρ) ≥ θ:                 u(0) ← u(0) + max(θ, 1.001 θ − max over silent steps of u)      one spike more
//! ```
//!
//! and the sample runs `T` steps from there. Latency is ρ steps for each layer of neurons, and `T`.
//!
//! Confirmed, by the authors' code: all of this, in units of the threshold, with networks trained by QCFS, whose trained bounds
//! are the thresholds, and ρ = 4 (CIFAR) or 8 (ImageNet). **The published figures are of networks so trained.** Ours: thresholds
//! of a network that was not, as in [`super::bu2022`]; that neurons without ReLU, whose membranes may
//! well end below 0, stay as they are when it is their turn.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, Recipe, RehearsalRule, ThresholdRule, USUAL_REHEARSAL};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "cos",
        paper: "Hao et al., Bridging the Gap between ANNs and SNNs by Calibrating Offset Spikes, ICLR 2023 (its rehearsal, on \
                networks not trained for it)",
        year: 2023,
        neuron: "integrate-and-fire, reset by subtraction, from half the threshold, corrected by a spike after a rehearsal",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "none for networks not trained with QCFS; with it, by the authors' code, ResNet-34 on ImageNet (trained 74.22) \
                  69.11 at T = 1, 72.66 at 2, 73.81 at 4, 74.17 at 8, after 8 steps of rehearsal a layer",
        when: "For networks trained with QCFS and exported with its clip, where accuracy at T of 1 to 4 matters and \
               time before it does not: each layer rehearses 8 steps behind those before it, for every sample, and \
               moves a neuron's initial potential by a spike. Latency grows with the depth as that of windows does, \
               and so does energy, since layers run again for each one behind them. On a network not trained so, the \
               keyword spotter, it is far ahead of `srp` in as many steps of its own and best at a T of 2 to 4; beyond, \
               what a rehearsal of 8 steps taught suits the longer run less and less. `spikeconverter` also takes a \
               window for each layer, and needs neither the training nor the rehearsals.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        initial: InitialRule::Half,
        rehearsal: RehearsalRule::OffsetSpikes,
        rehearsal_steps: USUAL_REHEARSAL,
        ..Recipe::rate(ThresholdRule::Bound)
    },
};
