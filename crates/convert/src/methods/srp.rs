//! Residual membrane potentials (Z. Hao, T. Bu, J. Ding, T. Huang, Z. Yu, "Reducing ANN-SNN conversion error through residual
//! membrane potential", AAAI 2023; SRP).
//!
//! ```text
//! rehearsal of τ steps:  u(0) = θ/2;   s(t) = [u ≥ θ];   u ← u − θ s(t);   m = [u(τ) > 10⁻³ θ]
//! run of T steps:        the same again from u(0) = θ/2, of which m·s(t) is sent
//! ```
//!
//! A membrane that ends below 0 has sent more than it should have: spikes came before the currents that were to take them back.
//! A neuron whose value is small or negative is then silent, which is right of most.
//!
//! Confirmed, by the authors' code: all of this, all layers at once, with networks trained by QCFS, whose trained bounds are the
//! thresholds, and τ = 4 (CIFAR) or 8 (ImageNet). **The published figures are of networks so trained.** Ours: thresholds of a
//! network that was not, as in [`super::bu2022`]; the mask in units of the threshold; that neurons without ReLU, whose
//! membranes may well end below 0, are always heard.

use super::{MethodInfo, Streaming};
use crate::streaming::{InitialRule, Recipe, RehearsalRule, ThresholdRule, USUAL_REHEARSAL};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "srp",
        paper: "Hao et al., Reducing ANN-SNN Conversion Error through Residual Membrane Potential, AAAI 2023 (its rehearsal, on \
                networks not trained for it)",
        year: 2023,
        neuron: "integrate-and-fire, reset by subtraction, from half the threshold; silent where a rehearsal left no membrane",
        structures_published: "convolution, linear, residual, average pooling",
        figures: "none for networks not trained with QCFS; with it, by the authors' code, ResNet-34 on ImageNet (trained 74.32) \
                  57.78 at T = 1, 64.32 at 2, 66.71 at 4, 67.62 at 8, after 8 steps of rehearsal",
        when: "For networks trained with QCFS and exported with its clip, where each sample may be run twice: after a \
               rehearsal of 8 steps, neurons that sent too much are silenced by a bit each. Plain neurons; no \
               calibration beyond thresholds; latency is the rehearsal and T, and samples enter as analog currents. On \
               networks not trained so, more steps do not heal what was silenced by mistake, and rehearsals must be \
               longer: the keyword spotter falls from T = 4 on with 8 steps, and at T = 32 comes near the trained \
               network's accuracy with 64 (`--rehearsal-steps`). In as many steps `li2021-advanced` is ahead without a \
               rehearsal, and `group` with a few.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe {
        initial: InitialRule::Half,
        rehearsal: RehearsalRule::Residual,
        rehearsal_steps: USUAL_REHEARSAL,
        ..Recipe::rate(ThresholdRule::Bound)
    },
};
