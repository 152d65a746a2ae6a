/// Random trains of a sample: in each step an element of intensity `p` in `[0, 1]` spikes with probability `p`, whatever
/// happened before (P. U. Diehl et al., IJCNN 2015; the discrete form of a Poisson process).
///
/// Trains depend on the seed, the sample's values, the element and the step alone, so that every engine, batch and thread
/// sees the same. The numbers are those of `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), used as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoissonTrains {
    key: u64,
}

impl PoissonTrains {
    /// The trains of a sample.
    pub fn new(seed: u64, sample: impl IntoIterator<Item = f32>) -> Self {
        let key = sample.into_iter().fold(mixed(seed), |key, x| mixed(key ^ u64::from(x.to_bits())));
        Self { key }
    }

    /// Whether an element of intensity `p` spikes in a step.
    pub fn fires(self, element: usize, step: u32, p: f64) -> bool {
        let random = mixed(self.key ^ mixed(((element as u64) << 32) | u64::from(step)));
        // 53 bits, the precision of `f64`
        (random >> 11) as f64 * 0.5f64.powi(53) < p
    }
}

fn mixed(x: u64) -> u64 {
    let z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_intensities() {
        let trains = PoissonTrains::new(7, [1.0, 2.0]);
        for p in [0.0, 0.125, 0.5, 1.0] {
            let spikes = (0..100).flat_map(|i| (1..=200).map(move |t| (i, t)));
            let count = spikes.filter(|&(i, t)| trains.fires(i, t, p)).count();
            // five standard deviations
            let deviation = (20_000.0 * p * (1.0 - p)).sqrt();
            assert!((count as f64 - 20_000.0 * p).abs() <= 5.0 * deviation, "{count} of 20000 at {p}");
        }
    }

    #[test]
    fn seed_sample_element_and_step_decide() {
        let train = |trains: PoissonTrains, i| (1..=64).map(|t| trains.fires(i, t, 0.5)).collect::<Vec<_>>();
        let one = PoissonTrains::new(1, [3.0]);
        assert_eq!(train(one, 0), train(PoissonTrains::new(1, [3.0]), 0));
        assert_ne!(train(one, 0), train(one, 1));
        assert_ne!(train(one, 0), train(PoissonTrains::new(2, [3.0]), 0));
        assert_ne!(train(one, 0), train(PoissonTrains::new(1, [4.0]), 0));
    }
}
