//! n-scaling (X. Yang et al., "Deterministic conversion rule for CNNs to efficient spiking convolutional neural networks",
//! Science China Information Sciences 2020, 63:122402). Confirmed, from the abstract and the published proof: the rate is
//! `r = (Σ Z − ε)/(τT) r_max`, and weights are scaled by a number that the distribution of activations decides. The rule by
//! which `n` is chosen is not confirmed. Ours: weights are `n` times those of data-based normalisation, `θ = max a / n`, with
//! the whole `n` of least error, so that the few activations above `θ` saturate and all others fire `n` times as often.

use super::max_activation::largest;
use super::mmse::best;
use crate::streaming::Transmission;

/// The largest `n`.
const MOST: u32 = 16;

/// `max a / n`; `None` where there is no activation.
pub(super) fn n_scaling(values: &[f32], transmission: &Transmission) -> Option<f64> {
    let most = f64::from(largest(values)?) / transmission.range().min(1.0);
    best(values, transmission, (1..=MOST).map(|n| most / f64::from(n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_saturate() {
        let transmission = Transmission { steps: 4.0, quantum: 1.0, most: 1.0, offset: 0.0 };
        let mut values: Vec<f32> = [0.5, 1.0, 1.5, 2.0].repeat(100);
        assert_eq!(n_scaling(&values, &transmission), Some(2.0));
        values.push(6.0);
        assert_eq!(n_scaling(&values, &transmission), Some(2.0));
    }
}
