//! Data-based normalisation (P. U. Diehl et al., "Fast-classifying, high-accuracy spiking deep networks through weight and
//! threshold balancing", IJCNN 2015): `θ_l = max a_l` over the calibration samples. The paper scales weights by
//! `λ_{l-1}/λ_l` and keeps thresholds of 1, which is the same network.

/// The largest value; `None` where none is positive.
pub(super) fn largest(values: &[f32]) -> Option<f32> {
    Some(values.iter().fold(0.0f32, |m, &a| m.max(a))).filter(|&m| m > 0.0)
}
