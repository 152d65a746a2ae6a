//! Spiking deep residual networks (Y. Hu, H. Tang, G. Pan, "Spiking deep residual networks", TNNLS 2021; arXiv 2018).
//!
//! ```text
//! junction of F(x) + x:  u ← u + W_F θ_F s_F(t) + θ_x s_x(t) + b
//! compensation:          W_l ← η_l W_l,  η_l slightly above 1
//! ```
//!
//! The shortcut's synapse of weight `θ_x/θ_l` in the paper's units is the plain sum here, where spikes carry their thresholds.
//! Confirmed, by the abstract: scaled shortcuts, and the compensation of rates that fall with depth. Not confirmed: the
//! factor; all figures. Ours: `η_l` brings the layer's mean rate back to the trained network's, 1.2 at most, and acts on all of
//! the layer's currents.

use super::{MethodInfo, Streaming};
use crate::streaming::{CalibrationRule, Recipe, ThresholdRule};

pub(super) static METHOD: Streaming = Streaming {
    info: MethodInfo {
        name: "hu2021",
        paper: "Hu et al., Spiking Deep Residual Networks, TNNLS 2021",
        year: 2021,
        neuron: "integrate-and-fire, reset by subtraction",
        structures_published: "convolution, residual, average pooling, batch normalisation",
        figures: "not confirmed",
        when: "To reproduce results on deep residual networks, or where no more than one factor a layer may be \
               adjusted: it brings mean rates, which fall with depth, back to the trained network's. Plain neurons \
               with reset by subtraction; calibration simulates the spiking network layer by layer, about twice in \
               all. `li2021-light` corrects means channel by channel in that time, and is ahead \
               on both networks measured here at the longest T.",
        ..MethodInfo::STREAM
    },
    recipe: Recipe { calibration: CalibrationRule::Compensation, ..Recipe::rate(ThresholdRule::MaxActivation) },
};
