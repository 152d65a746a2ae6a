//! Least mean square error on a grid (Y. Li, S. Deng, X. Dong, R. Gong, S. Gu, "A free lunch from ANN: towards efficient,
//! accurate spiking neural networks calibration", ICML 2021): of `θ = max a · (1 − i/100)`, `i = 0..=94`, the one that
//! minimises `Σ (a − f(a))²` with `f` what `T` steps transmit of a constant current ([`Transmission`]). The authors' code
//! has the same grid and this error for integrate-and-fire neurons; for neurons that send more than one spike a step the grid
//! runs over the largest value they can transmit, which is ours (for bursts as in the adaptive-firing neuron of Wang et al.,
//! "Adaptive calibration", AAAI 2025, which chooses the burst's length for each layer as well).

use super::max_activation::largest;
use crate::streaming::Transmission;

/// Points of the grid.
const GRID: usize = 95;

/// The threshold of least error; `None` where there is no activation.
pub(super) fn mmse(values: &[f32], transmission: &Transmission) -> Option<f64> {
    let most = f64::from(largest(values)?) / transmission.range();
    let grid = (0..GRID).map(|i| most * (1.0 - i as f64 / 100.0));
    best(values, transmission, grid)
}

/// Of some thresholds the first of least error.
pub(super) fn best(values: &[f32], transmission: &Transmission, thresholds: impl Iterator<Item = f64>) -> Option<f64> {
    let mut least: Option<(f64, f64)> = None;
    for threshold in thresholds {
        let error = transmission.error(values, threshold);
        if least.is_none_or(|(e, _)| error < e) {
            least = Some((error, threshold));
        }
    }
    least.map(|(_, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With two steps, 1 and 2 are exact at θ = 2; the outlier 10 alone does not outweigh a thousand of them.
    #[test]
    fn the_grid_finds_what_transmits_best() {
        let transmission = Transmission { steps: 2.0, quantum: 1.0, most: 1.0, offset: 0.0 };
        let mut values: Vec<f32> = [1.0, 2.0].repeat(1000);
        values.push(10.0);
        let found = mmse(&values, &transmission).unwrap();
        assert!((found - 2.0).abs() < 1e-9, "{found}");
        // bursts of five reach the outlier with θ = 2 as well, and nothing is lost
        let burst = Transmission { most: 5.0, ..transmission };
        let found = mmse(&values, &burst).unwrap();
        assert!(burst.error(&values, found) < 1e-9, "{found}");
        assert_eq!(mmse(&[0.0], &transmission), None);
    }
}
