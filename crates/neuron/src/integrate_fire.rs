use num_traits::Num;
use serde::{Deserialize, Serialize};

/// What becomes of the membrane when a neuron fires.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reset {
    /// The threshold is subtracted ("soft" reset): what is beyond it is kept for the next spike, so that the number of
    /// spikes follows the input without loss (Rueckauer et al., Frontiers in Neuroscience 2017, 11:682).
    #[default]
    Subtract,
    /// The membrane returns to 0 ("hard" reset): what is beyond the threshold is lost (Diehl et al., IJCNN 2015).
    Zero,
    /// Whole thresholds are taken off, however many there are: what is less than one is kept, what is beyond the one that
    /// was sent is lost ("reset by modulo" of the toolbox of Rueckauer et al. 2017).
    Modulo,
}

/// The integrate-and-fire neuron without leak, which fires while it listens:
///
/// ```text
/// charge:  u ← u + i(t)                  i(t): weighted input spikes and constant currents of this step
/// fire:    s(t) = [u ≥ θ]
/// reset:   u ← u − θ·s(t)                by subtraction
///          u ← 0 where s(t) = 1          to zero
///          u ← u mod θ where s(t) = 1    modulo
/// ```
///
/// With reset by subtraction, unrolled over `T` steps: `θ Σ_t s(t) = u(0) − u(T) + Σ_t i(t)`, so that the spike rate
/// times `θ` is the mean input up to `(u(0) − u(T)) / T`, as long as the mean input lies in `[0, θ]`.
///
/// Sources: P. U. Diehl et al., "Fast-classifying, high-accuracy spiking deep networks through weight and threshold
/// balancing", IJCNN 2015 (reset to zero); B. Rueckauer et al., "Conversion of continuous-valued deep networks to
/// efficient event-driven networks for image classification", Frontiers in Neuroscience 2017, 11:682 (reset by
/// subtraction). Comparison with `≥` is that of their toolbox and of SpikingJelly; other codes use `>`.
///
/// `V` is the number type of the membrane: `f64` in the reference engine, an integer in integer networks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IntegrateFire<V> {
    /// Threshold `θ > 0`.
    pub threshold: V,
    /// What happens to the membrane on a spike.
    pub reset: Reset,
}

impl<V: Num + Copy + PartialOrd> IntegrateFire<V> {
    /// One step with membrane `u` and input `i`: whether the neuron fires, and the membrane afterwards.
    pub fn step(&self, u: V, input: V) -> (bool, V) {
        let u = u + input;
        let fires = u >= self.threshold;
        let after = match self.reset {
            _ if !fires => u,
            Reset::Subtract => u - self.threshold,
            Reset::Zero => V::zero(),
            Reset::Modulo => u % self.threshold,
        };
        (fires, after)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run<V: Num + Copy + PartialOrd>(neuron: IntegrateFire<V>, mut u: V, inputs: &[V]) -> (Vec<u8>, Vec<V>) {
        let (mut spikes, mut membranes) = (Vec::new(), Vec::new());
        for &input in inputs {
            let (fires, after) = neuron.step(u, input);
            u = after;
            spikes.push(u8::from(fires));
            membranes.push(u);
        }
        (spikes, membranes)
    }

    /// Worked by hand, θ = 1, input 0.375 a step: 0.375; 0.75; 1.125 fires, 0.125; 0.5; 0.875; 1.25 fires, 0.25; 0.625;
    /// 1 fires, 0. Three spikes in eight steps: 3/8.
    #[test]
    fn hand_worked_reset_by_subtraction() {
        let neuron = IntegrateFire { threshold: 1.0, reset: Reset::Subtract };
        let (spikes, membranes) = run(neuron, 0.0, &[0.375; 8]);
        assert_eq!(spikes, [0, 0, 1, 0, 0, 1, 0, 1]);
        assert_eq!(membranes, [0.375, 0.75, 0.125, 0.5, 0.875, 0.25, 0.625, 0.0]);
    }

    /// The same with reset to zero: 0.375; 0.75; 1.125 fires, 0; and again. What is beyond the threshold is lost.
    #[test]
    fn hand_worked_reset_to_zero() {
        let neuron = IntegrateFire { threshold: 1.0, reset: Reset::Zero };
        let (spikes, membranes) = run(neuron, 0.0, &[0.375; 8]);
        assert_eq!(spikes, [0, 0, 1, 0, 0, 1, 0, 0]);
        assert_eq!(membranes, [0.375, 0.75, 0.0, 0.375, 0.75, 0.0, 0.375, 0.75]);
    }

    /// Modulo: 2.5 fires once and leaves 0.5; 0.75; 1 fires, 0.
    #[test]
    fn hand_worked_reset_modulo() {
        let neuron = IntegrateFire { threshold: 1.0, reset: Reset::Modulo };
        let (spikes, membranes) = run(neuron, 0.0, &[2.5, 0.25, 0.25]);
        assert_eq!(spikes, [1, 0, 1]);
        assert_eq!(membranes, [0.5, 0.75, 0.0]);
    }

    /// One spike a step at most: an input of 2.5 thresholds fires once and leaves the rest, which fires later.
    #[test]
    fn one_spike_a_step() {
        let neuron = IntegrateFire { threshold: 1.0, reset: Reset::Subtract };
        let (spikes, membranes) = run(neuron, 0.0, &[2.5, 0.0, 0.0, -1.0]);
        assert_eq!(spikes, [1, 1, 0, 0]);
        assert_eq!(membranes, [1.5, 0.5, 0.5, -0.5]);
    }

    #[test]
    fn the_threshold_itself_fires_and_integers_serve() {
        let neuron = IntegrateFire { threshold: 8_i64, reset: Reset::Subtract };
        assert_eq!(run(neuron, 3, &[5, 7, 1]), (vec![1, 0, 1], vec![0, 7, 0]));
        assert_eq!(IntegrateFire { reset: Reset::Zero, ..neuron }.step(3, 6), (true, 0));
    }

    proptest! {
        /// `θ Σ s = u(0) − u(T) + Σ i`, exactly in integers.
        #[test]
        fn subtraction_loses_nothing(
            threshold in 1i64..50,
            start in -20i64..20,
            inputs in prop::collection::vec(-60i64..60, 0..40),
        ) {
            let neuron = IntegrateFire { threshold, reset: Reset::Subtract };
            let (spikes, membranes) = run(neuron, start, &inputs);
            let fired: i64 = spikes.iter().map(|&s| i64::from(s)).sum();
            let end = membranes.last().copied().unwrap_or(start);
            prop_assert_eq!(threshold * fired, start - end + inputs.iter().sum::<i64>());
        }

        /// A constant input between 0 and the threshold is transmitted to within a spike.
        #[test]
        fn the_rate_is_the_input(share in 0.0f64..1.0, steps in 1usize..200) {
            let neuron = IntegrateFire { threshold: 2.0, reset: Reset::Subtract };
            let (spikes, _) = run(neuron, 1.0, &vec![2.0 * share; steps]);
            let rate = spikes.iter().map(|&s| f64::from(s)).sum::<f64>() / steps as f64;
            prop_assert!((rate - share).abs() <= 0.5 / steps as f64 + 1e-9);
        }
    }
}
