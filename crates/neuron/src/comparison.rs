use serde::{Deserialize, Serialize};

/// When a membrane has reached a threshold. Published codes differ: `≥` in the SNN toolbox (Rueckauer et al. 2017),
/// SpikingJelly, QCFS (Bu et al. 2022) and SNN calibration (Li et al. 2021); `>` in hybrid training (Rathi et al. 2020),
/// FS-neurons (Stöckl & Maass 2021) and local threshold balancing (LTB, 2025).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparison {
    /// `u ≥ θ`.
    #[default]
    AtLeast,
    /// `u > θ`.
    Above,
}

impl Comparison {
    /// Whether `value` has reached `threshold`.
    pub fn reached(self, value: f64, threshold: f64) -> bool {
        self.holds(&value, &threshold)
    }

    /// The same of any numbers.
    pub fn holds<V: PartialOrd>(self, value: &V, threshold: &V) -> bool {
        match self {
            Self::AtLeast => value >= threshold,
            Self::Above => value > threshold,
        }
    }

    /// The largest whole number `n ≥ 0` with `n` reached by `value`; 0 where none is.
    pub(crate) fn largest_reached(self, value: f64) -> f64 {
        match self {
            Self::AtLeast => value.floor().max(0.0),
            Self::Above => (value.ceil() - 1.0).max(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_itself_is_what_they_differ_in() {
        assert!(Comparison::AtLeast.reached(1.0, 1.0) && !Comparison::Above.reached(1.0, 1.0));
        let count = |comparison: Comparison| [-0.5, 0.0, 0.5, 2.0, 2.5].map(|x| comparison.largest_reached(x));
        assert_eq!(count(Comparison::AtLeast), [0.0, 0.0, 0.0, 2.0, 2.0]);
        assert_eq!(count(Comparison::Above), [0.0, 0.0, 0.0, 1.0, 2.0]);
    }
}
