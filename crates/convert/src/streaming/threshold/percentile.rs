//! Percentile normalisation (B. Rueckauer et al., Frontiers in Neuroscience 2017, 11:682): `θ_l` is the 99.9th percentile of
//! the layer's activations that are not zero, so that a few outliers do not slow down all others. A channel at a time it
//! is the channel-wise normalisation of S. Kim et al., "Spiking-YOLO", AAAI 2020.

/// The `percent`-th percentile of the positive values, by nearest rank; `None` where there are none.
pub(super) fn percentile(values: &mut Vec<f32>, percent: f64) -> Option<f32> {
    values.retain(|&x| x > 0.0);
    if values.is_empty() {
        return None;
    }
    // 99.9 is a little more in binary, which must not make a rank of 999 the next one
    let rank = (percent / 100.0 * values.len() as f64 * (1.0 - 1e-12)).ceil() as usize;
    let at = rank.clamp(1, values.len()) - 1;
    Some(*values.select_nth_unstable_by(at, f32::total_cmp).1)
}

/// Divides values above 1 by the burst's length, before their percentile is taken (Y. Li, Y. Zeng, "Efficient and accurate
/// conversion of spiking neural network with burst spikes", IJCAI 2022; read in the authors' code, where 1 is in units of
/// the trained network's activations): a burst carries what lies beyond the threshold.
pub(super) fn halve(values: &mut [f32], burst: u32) {
    for value in values.iter_mut().filter(|value| **value > 1.0) {
        *value /= burst as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Zeros do not count; of 1..=1000 the 99.9th percentile is 999.
    #[test]
    fn percentiles_of_what_is_positive() {
        let mut values: Vec<f32> = (1..=1000).rev().map(|x| x as f32).collect();
        values.resize(6000, 0.0);
        values.extend([-7.0; 100]);
        assert_eq!(percentile(&mut values.clone(), 99.9), Some(999.0));
        assert_eq!(percentile(&mut values.clone(), 100.0), Some(1000.0));
        assert_eq!(percentile(&mut values, 50.0), Some(500.0));
        assert_eq!(percentile(&mut vec![0.0, -1.0], 99.9), None);
    }

    #[test]
    fn what_is_beyond_one_is_divided() {
        let mut values = [0.5, 1.0, 1.5, 4.0];
        halve(&mut values, 2);
        assert_eq!(values, [0.5, 1.0, 0.75, 2.0]);
    }
}
