//! How populations start.
//!
//! **Half the threshold** rounds to the nearest number of spikes instead of truncating (T. Bu et al., "Optimal ANN-SNN
//! conversion for high-accuracy and ultra-low-latency spiking neural networks", ICLR 2022; QCFS), here half of what the
//! smallest spike carries. **A shift** of `θ/(2T)` in each step adds up to the same by the end (S. Deng, S. Gu, "Optimal
//! conversion of conventional artificial neural networks to spiking neural networks", ICLR 2021), and leaves the first spikes
//! later.

use super::draft::Decision;
use super::{InitialRule, Transmission};

impl Decision {
    /// Sets initial potentials or shifts by the thresholds. The population's neurons have the given shape.
    pub(super) fn start(&mut self, rule: InitialRule, transmission: &Transmission, shape: &[usize]) {
        let half = |share: f64| {
            let of = |&threshold: &f32| (f64::from(threshold) * transmission.quantum * share) as f32;
            self.threshold.iter().map(of).collect::<Vec<f32>>()
        };
        match rule {
            InitialRule::Zero => {}
            InitialRule::Half => self.initial = half(0.5),
            InitialRule::Shift => {
                let shift = half(0.5 / transmission.steps);
                let channels = shape.first().copied().unwrap_or(1);
                self.shift = if let [only] = shift[..] { vec![only; channels] } else { shift };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_threshold_at_once_or_in_parts() {
        let transmission = Transmission { steps: 4.0, quantum: 0.5, most: 2.0, offset: 0.5 };
        let start = |rule, threshold: &[f32]| {
            let mut decision = Decision::thresholds(threshold.to_vec());
            decision.start(rule, &transmission, &[3, 2]);
            (decision.initial, decision.shift)
        };
        assert_eq!(start(InitialRule::Zero, &[2.0]), (vec![], vec![]));
        assert_eq!(start(InitialRule::Half, &[2.0, 4.0, 8.0]), (vec![0.5, 1.0, 2.0], vec![]));
        assert_eq!(start(InitialRule::Shift, &[2.0]), (vec![], vec![0.125; 3]));
        assert_eq!(start(InitialRule::Shift, &[2.0, 4.0, 8.0]), (vec![], vec![0.125, 0.25, 0.5]));
    }
}
