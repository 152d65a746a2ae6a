//! Local threshold balancing (T. Bu et al., "Inference-scale complexity in ANN-SNN conversion for high-performance and
//! low-power applications", CVPR 2025): starting from 0, each batch of activations moves the threshold by twice the mean of
//! what lies beyond it,
//!
//! ```text
//! θ ← θ + 2·mean(max(a − θ, 0))
//! ```
//!
//! the gradient step of `mean(max(a − θ, 0)²)`. Confirmed by the authors' code and the paper: the rule, its start, some
//! thousand batches. The authors clip activations at the thresholds found so far while they go; ours are those of the trained
//! network, and the calibration samples are gone through in turn until that many batches are done.

/// Updates; the paper has 1000 to 5000.
const UPDATES: usize = 1000;
/// Parts that the samples are divided in, each a batch.
const BATCHES: usize = 16;

/// The threshold that the values of `samples` samples lead to; `None` where there is no activation.
pub(super) fn balance(values: &[f32], samples: usize) -> Option<f32> {
    let size = values.len() / samples.max(1) * samples.div_ceil(BATCHES).max(1);
    // sorted, the values beyond a threshold are a tail whose sum is known
    let batches: Vec<Tail> = values.chunks(size.max(1)).map(Tail::new).collect();
    let mut threshold = 0.0;
    for batch in batches.iter().cycle().take(UPDATES) {
        threshold += 2.0 * batch.mean_beyond(threshold);
    }
    (threshold > 0.0).then_some(threshold as f32)
}

/// Values of a batch, ascending, and for each the sum from there on.
struct Tail {
    values: Vec<f32>,
    sums: Vec<f64>,
    count: f64,
}

impl Tail {
    fn new(values: &[f32]) -> Self {
        let count = values.len() as f64;
        let mut values: Vec<f32> = values.iter().copied().filter(|&x| x > 0.0).collect();
        values.sort_unstable_by(f32::total_cmp);
        let mut sum = 0.0;
        let mut sums: Vec<f64> = values
            .iter()
            .rev()
            .map(|&x| {
                sum += f64::from(x);
                sum
            })
            .collect();
        sums.reverse();
        Self { values, sums, count }
    }

    /// Mean of `max(a − θ, 0)` over all values.
    fn mean_beyond(&self, threshold: f64) -> f64 {
        let first = self.values.partition_point(|&x| f64::from(x) <= threshold);
        let Some(sum) = self.sums.get(first) else { return 0.0 };
        (sum - threshold * (self.values.len() - first) as f64) / self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One batch of 1, 2, 4 and a zero: 0 → 2·7/4 = 3.5 → 3.5 + 2·0.5/4 = 3.75 → 3.875, on to the largest.
    #[test]
    fn the_threshold_climbs() {
        let tail = Tail::new(&[1.0, 4.0, 0.0, 2.0]);
        assert_eq!(tail.mean_beyond(0.0), 1.75);
        assert_eq!(tail.mean_beyond(3.5), 0.125);
        assert_eq!(tail.mean_beyond(1.0), (1.0 + 3.0) / 4.0);
        assert_eq!(tail.mean_beyond(4.0), 0.0);
        let found = balance(&[1.0, 4.0, 0.0, 2.0], 1).unwrap();
        assert!((found - 4.0).abs() < 1e-3, "{found}");
        assert_eq!(balance(&[0.0, 0.0], 2), None);
    }

    /// A rare outlier pulls only as much as the updates allow: 2/16000 of the distance each.
    #[test]
    fn rare_values_are_reached_slowly() {
        let mut values = vec![1.0; 16_000];
        values[77] = 100.0;
        let found = balance(&values, 1).unwrap();
        assert!(found > 5.0 && found < 20.0, "{found}");
    }
}
