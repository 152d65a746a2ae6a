//! Thresholds from the input of single steps of the spiking network, layer by layer, with the thresholds of the layers before
//! already set.
//!
//! **Spike-Norm** (A. Sengupta et al., "Going deeper in spiking neural networks: VGG and residual architectures", Frontiers in
//! Neuroscience 2019, 13:95): `θ_l = max over samples, neurons and steps of W_l s_{l-1}(t)`, the weighted input of one step, not
//! the activation and not the accumulated membrane. Confirmed by third-party code, which takes one batch of 512 samples and
//! 2500 steps of Poisson input; ours take as many samples and steps as [`super::super::simulate`] says.
//!
//! **RMP-SNN** (B. Han, G. Srinivasan, K. Roy, "RMP-SNN: residual membrane potential neuron", CVPR 2020) scales that maximum so
//! that the rate follows the input linearly; by which factor is not confirmed. Ours is the factor of 0.05 to 1, in steps of
//! 0.05, of least error of what is transmitted.

use super::mmse::best;
use crate::streaming::Transmission;

/// Factors tried.
const FACTORS: u32 = 20;

/// The share of the largest weighted input that transmits the activations best.
pub(super) fn share(values: &[f32], most: f64, transmission: &Transmission) -> Option<f64> {
    let most = most / transmission.range().min(1.0);
    best(values, transmission, (1..=FACTORS).rev().map(|i| most * f64::from(i) / f64::from(FACTORS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_suits_the_activations() {
        let transmission = Transmission { steps: 2.0, quantum: 1.0, most: 1.0, offset: 0.0 };
        // steps bring up to 8 though no activation is above 2
        let found = share(&[1.0, 2.0, 0.0], 8.0, &transmission).unwrap();
        assert!((found - 2.0).abs() < 1e-9, "{found}");
    }
}
