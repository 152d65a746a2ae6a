use super::{InitialRule, NeuronRule, Recipe};

/// What a neuron transmits of a current that does not change, which thresholds are fitted to and layers report on:
///
/// ```text
/// f(a) = clip(⌊a·T / (q·θ) + v₀⌋, 0, m·T) · q·θ / T
/// ```
///
/// with `q` the smallest spike in units of the threshold, `m` the largest sum of a step's spikes in units of `q`, and `v₀`
/// the initial potential in the same. Currents of deeper layers change from step to step, so that this is a bound, not a
/// forecast.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Transmission {
    /// `T`.
    pub(crate) steps: f64,
    /// `q`.
    pub(crate) quantum: f64,
    /// `m`; infinite where nothing bounds it.
    pub(crate) most: f64,
    /// `v₀`.
    pub(crate) offset: f64,
}

impl Transmission {
    /// That of a recipe's neurons in `steps` steps.
    pub(crate) fn new(recipe: &Recipe, steps: u32) -> Self {
        let n = f64::from(recipe.levels);
        let (quantum, most) = match recipe.neuron {
            NeuronRule::IntegrateFire
            | NeuronRule::HardReset
            | NeuronRule::Modulo
            | NeuronRule::Ternary
            | NeuronRule::TemporalSwitch => (1.0, 1.0),
            NeuronRule::Burst => (1.0, n),
            NeuronRule::Group => (1.0 / n, n),
            NeuronRule::Augmented => (1.0, f64::INFINITY),
            NeuronRule::MultiThreshold | NeuronRule::Differential => {
                let finest = (1.0 - n).exp2();
                (finest, 1.0 / finest)
            }
            // a period of N steps sends N binary digits, in the mean at most (1 − 2^-N)·θ/N a step
            NeuronRule::Weighted => ((-n).exp2(), (n.exp2() - 1.0) / n),
        };
        let offset = if recipe.initial == InitialRule::Zero { 0.0 } else { 0.5 };
        Self { steps: f64::from(steps), quantum, most, offset }
    }

    /// The largest value it transmits with threshold 1.
    pub(crate) fn range(&self) -> f64 {
        self.quantum * self.most
    }

    /// `f(a)` with threshold `threshold`.
    pub(crate) fn transmit(&self, a: f64, threshold: f64) -> f64 {
        let unit = self.quantum * threshold / self.steps;
        (a / unit + self.offset).floor().clamp(0.0, self.most * self.steps) * unit
    }

    /// Sum of squares of `f(a) − a` over values that are not negative.
    pub(crate) fn error(&self, values: &[f32], threshold: f64) -> f64 {
        let square = |&a: &f32| {
            let a = f64::from(a);
            (self.transmit(a, threshold) - a).powi(2)
        };
        values.iter().map(square).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Four steps, θ = 2, so that a unit is 1/2: 1.3 gives 2 units without and 3 with half a threshold at the start.
    #[test]
    fn counts_whole_spikes() {
        let zero = Transmission { steps: 4.0, quantum: 1.0, most: 1.0, offset: 0.0 };
        let half = Transmission { offset: 0.5, ..zero };
        assert_eq!((zero.transmit(1.3, 2.0), half.transmit(1.3, 2.0)), (1.0, 1.5));
        assert_eq!((zero.transmit(5.0, 2.0), zero.transmit(-1.0, 2.0)), (2.0, 0.0));
        let burst = Transmission { most: 3.0, ..zero };
        assert_eq!((burst.transmit(5.0, 2.0), burst.transmit(7.0, 2.0), burst.range()), (5.0, 6.0, 3.0));
        let group = Transmission { quantum: 0.25, most: 4.0, ..zero };
        assert_eq!((group.transmit(1.3, 2.0), group.range()), (1.25, 1.0));
        assert_eq!(zero.error(&[1.3, 5.0], 2.0) as f32, 0.09 + 9.0);
    }
}
