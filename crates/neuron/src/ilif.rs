use num_traits::Num;

use crate::Comparison;

/// The inverse-leaky integrate-and-fire neuron with temporal separation (Liu et al., AAAI 2022, "SpikeConverter").
///
/// Two phases of `T` steps each. In the first the neuron only listens, in the second it only speaks:
///
/// ```text
/// accumulate:  u ← k·u + i(t)                                i(t): weighted input spikes of this step
/// hand over:   v ← u·k^-(T-1)   (+ ½ θ k^-(T-1), optional)
/// generate:    s(t) = [v ≥ θ];   v ← k·(v − θ·s(t))
/// ```
///
/// A negative `v` never fires, which is the ReLU; a `v` above `θ Σ k^-(t-1)` fires at every step and saturates.
/// For `1 < k ≤ 2` generation is the greedy expansion of `v` in base `k`.
///
/// Confirmed of the paper (by secondary sources): accumulation without firing, then generation; a leak factor above 1;
/// threshold and factor chosen by minimising a conversion error. Our construction: the hand-over's scale, the optional
/// half step, which halves the rounding error, and the negative branch below.
///
/// # Negative branch
/// For activations that are not zero on the negative side (none at all, leaky ReLU), a neuron also fires when
/// `v ≤ −θ⁻`. With `θ⁻ = θ/|α|` and spikes of sign `−sgn α` it transmits `α·v`, which for `α = 1` is the identity.
/// Residuals keep their sign, so that one window holds spikes of one sign only:
///
/// ```text
/// generate:    v ≤ −θ⁻:  s(t) = −sgn α;   v ← k·(v + θ⁻)
/// ```
///
/// Few-spikes neurons are this neuron with `>` and `<` in the place of `≥` and `≤` (see [`Comparison`]).
///
/// `V` is the number type of the membrane: `f64` in the reference engine, an integer in integer networks with `k = 2`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ilif<V> {
    /// The inverse leak `k ≥ 1`.
    pub base: V,
    /// Threshold `θ > 0` of positive membranes.
    pub threshold: V,
    /// What a negative membrane does; `None`: nothing (ReLU).
    pub negative: Option<NegativeBranch<V>>,
    /// Whether a membrane at its threshold fires.
    pub comparison: Comparison,
}

/// How a neuron fires from a negative membrane.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NegativeBranch<V> {
    /// Threshold `θ⁻ > 0`: fires when `v ≤ −θ⁻`.
    pub threshold: V,
    /// The spike it sends, −1 or 1.
    pub spike: i8,
}

impl<V: Num + Copy + PartialOrd> Ilif<V> {
    /// One step of accumulation: `k·u + i`.
    pub fn accumulate(&self, u: V, input: V) -> V {
        Self::integrate(self.base, u, input)
    }

    /// Accumulation with an explicit factor: a population whose inputs come in several bases keeps one accumulator for
    /// each.
    pub fn integrate(base: V, u: V, input: V) -> V {
        base * u + input
    }

    /// The membrane with half a resolution step added, away from zero: `half` on the positive side, `negative_half` on
    /// the negative.
    pub fn half_step(v: V, half: V, negative_half: V) -> V {
        if v > V::zero() {
            v + half
        } else if v < V::zero() {
            v - negative_half
        } else {
            v
        }
    }

    /// One step of generation: the spike (−1, 0 or 1), and the membrane afterwards.
    pub fn generate(&self, v: V) -> (i8, V) {
        if self.comparison.holds(&v, &self.threshold) {
            return (1, self.base * (v - self.threshold));
        }
        if let Some(negative) = self.negative
            && self.comparison.holds(&V::zero(), &(v + negative.threshold))
        {
            return (negative.spike, self.base * (v + negative.threshold));
        }
        (0, self.base * v)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::WindowCode;

    fn window(neuron: &Ilif<f64>, mut v: f64, steps: u32) -> Vec<i8> {
        (0..steps)
            .map(|_| {
                let (spike, after) = neuron.generate(v);
                v = after;
                spike
            })
            .collect()
    }

    /// Worked by hand: θ = 1, k = 2, T = 4. Inputs 0.5, 0, −0.25, 0.5 accumulate to
    /// u = 0.5; 1; 1.75; 4, that is v = 4/8 = 0.5 = 0·1 + 1·½ + 0·¼ + 0·⅛.
    #[test]
    fn hand_worked_binary_window() {
        let neuron = Ilif { base: 2.0, threshold: 1.0, negative: None, comparison: Comparison::AtLeast };
        let mut u = 0.0;
        let mut trace = Vec::new();
        for input in [0.5, 0.0, -0.25, 0.5] {
            u = neuron.accumulate(u, input);
            trace.push(u);
        }
        assert_eq!(trace, [0.5, 1.0, 1.75, 4.0]);
        let mut v = u / 8.0;
        let mut membranes = Vec::new();
        let mut spikes = Vec::new();
        for _ in 0..4 {
            let (spike, after) = neuron.generate(v);
            spikes.push(spike);
            v = after;
            membranes.push(v);
        }
        assert_eq!(spikes, [0, 1, 0, 0]);
        assert_eq!(membranes, [1.0, 0.0, 0.0, 0.0]);
    }

    /// Worked by hand: θ = 1, k = 1.5, v = 1.9: fires, 1.35; fires, 0.525; silent, 0.7875; silent, 1.18125.
    #[test]
    fn hand_worked_window_in_base_one_and_a_half() {
        let neuron = Ilif { base: 1.5, threshold: 1.0, negative: None, comparison: Comparison::AtLeast };
        assert_eq!(window(&neuron, 1.9, 4), [1, 1, 0, 0]);
    }

    #[test]
    fn the_threshold_itself_fires() {
        let negative = Some(NegativeBranch { threshold: 1.0, spike: -1 });
        let neuron = Ilif { base: 2.0, threshold: 1.0, negative, comparison: Comparison::AtLeast };
        assert_eq!(neuron.generate(1.0), (1, 0.0));
        assert_eq!(neuron.generate(-1.0), (-1, 0.0));
        assert_eq!(neuron.generate(0.0), (0, 0.0));
        // or does not, and then the rest, a whole resolution step, is worked off in all steps that follow
        let strict = Ilif { comparison: Comparison::Above, ..neuron };
        assert_eq!(strict.generate(1.0), (0, 2.0));
        assert_eq!(strict.generate(-1.0), (0, -2.0));
        assert_eq!(window(&strict, 1.0, 4), [0, 1, 1, 1]);
        assert_eq!(window(&strict, -1.0, 4), [0, -1, -1, -1]);
    }

    #[test]
    fn integers_serve_as_membranes() {
        // θ = 8 membrane units, base 2: 13 = 8 + 4 + 1 in three bits and a rest
        let neuron = Ilif { base: 2_i64, threshold: 8, negative: None, comparison: Comparison::AtLeast };
        let (first, v) = neuron.generate(13);
        let (second, v) = neuron.generate(v);
        assert_eq!((first, second, v), (1, 1, 4));
    }

    proptest! {
        /// In range, the greedy expansion is off by less than one resolution step when no digit is lost to greed: for
        /// every base the rest is below θ·k^-(T-1).
        #[test]
        fn error_is_within_one_resolution_step(base in 1.0f32..=2.0, steps in 1u32..=16, share in 0.0f64..1.0) {
            let code = WindowCode { base, steps };
            let neuron = Ilif { base: f64::from(base), threshold: 1.0, negative: None, comparison: Comparison::AtLeast };
            let v = share * code.range();
            let decoded = code.decode(window(&neuron, v, steps));
            prop_assert!(v - decoded >= -1e-9 && v - decoded <= code.resolution() + 1e-9);
        }

        /// Larger membranes give lexicographically larger trains, which decode to values at least as large.
        #[test]
        fn trains_keep_the_order(base in 1.0f32..=2.0, a in -4.0f64..4.0, b in -4.0f64..4.0) {
            let neuron = Ilif {
                base: f64::from(base),
                threshold: 1.0,
                negative: Some(NegativeBranch { threshold: 1.0, spike: -1 }),
                comparison: Comparison::AtLeast,
            };
            let (low, high) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(window(&neuron, low, 8) <= window(&neuron, high, 8));
        }

        /// Slope α on the negative side transmits α·v.
        #[test]
        fn negative_branch_transmits_the_slope(alpha in 0.05f64..2.0, v in -1.5f64..0.0) {
            let negative = Some(NegativeBranch { threshold: 1.0 / alpha, spike: -1 });
            let neuron = Ilif { base: 2.0, threshold: 1.0, negative, comparison: Comparison::AtLeast };
            let decoded = WindowCode { base: 2.0, steps: 16 }.decode(window(&neuron, v, 16));
            prop_assume!(alpha * -v < 1.99);
            prop_assert!((decoded - alpha * v).abs() < 1e-4);
        }
    }
}
