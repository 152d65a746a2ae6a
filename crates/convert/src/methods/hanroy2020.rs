//! Temporal-switch coding (B. Han, K. Roy, "Deep spiking neural network: energy efficiency through time based coding", ECCV
//! 2020). A value is two spikes of opposite sign: the first switches a current on, the second switches it off, and the time
//! between is the value, so that a synapse adds twice in the whole inference:
//!
//! ```text
//! i ← i + W θ s(t)  with s in {−1, 0, 1};   u ← u + i + b
//! ```
//!
//! Confirmed: bipolar spikes, their distance proportional to the value, two additions a synapse (abstract; a third-party
//! encoder). Not confirmed: by what rule a neuron decides when to send its own pair while its inputs are still on their way.
//! Ours, derived: an integrate-and-fire neuron with reset by subtraction, whose train is sent as its changes; a run of spikes
//! is one pair. Early spikes of deep layers come in several runs, so that there are more than two spikes where the paper has
//! two. What is constant is switched on once.

use super::{MethodInfo, Streaming};
use crate::streaming::{NeuronRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "hanroy2020",
        paper: "Han and Roy, Deep Spiking Neural Network: Energy Efficiency Through Time Based Coding, ECCV 2020",
        year: 2020,
        neuron: "integrate-and-fire, reset by subtraction, whose train is sent as its changes",
        code: "temporal switch: a spike switches a current on, its opposite switches it off",
        structures_published: "convolution, linear, residual (VGG-16, ResNet-20)",
        figures: "VGG-16 on CIFAR-10: 92.79 at T = 64; ResNet-20: 69.38 at 64, 91.42 from 512 on; read in a later paper's table",
        when: "Where synaptic memory accesses are what costs, and a neuron can keep a current: a value is one spike \
               that switches it on and one, of negative sign, that switches it off, however long the simulation. \
               Calibration is a pass of the trained network; samples enter as analog currents. Early spikes of deep \
               layers come in several runs, so that there are more than two a value, and both networks measured here \
               are at guessing with all T tried. For few spikes and accuracy use `spikeconverter`.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { neuron: NeuronRule::TemporalSwitch, ..Recipe::rate(ThresholdRule::MaxActivation) },
};
