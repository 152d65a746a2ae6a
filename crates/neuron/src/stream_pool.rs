use serde::{Deserialize, Serialize};

/// How a maximum is taken of signals `x_i` that go on from step to step, with `S_i(t) = Σ_{τ ≤ t} x_i(τ)`:
///
/// ```text
/// gate:                y(t) = x_j(t)  for the first j with the largest S_j(t)
/// lateral inhibition:  y(t) = max_i S_i(t) − max_i S_i(t-1)
/// instantaneous:       y(t) = max_i x_i(t)
/// ```
///
/// **Gate**: Rueckauer et al., Frontiers in Neuroscience 2017, 11:682; what the winner sent before it won is lost.
/// **Lateral inhibition** (LIPool): Li & Zeng, IJCAI 2022; the sums of the result are exactly the largest sums.
/// **Instantaneous**: the maximum of currents in front of the neurons, as local threshold balancing (2025) has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PoolRule {
    /// The input that has sent most passes.
    Gate,
    /// The growth of the largest sum.
    LateralInhibition,
    /// The largest of each step.
    Instantaneous,
}

impl PoolRule {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::LateralInhibition => "lateral inhibition",
            Self::Instantaneous => "instantaneous maximum",
        }
    }

    /// The result of a step from the inputs `window`, by what each sent in it and in all steps so far, this one included;
    /// `largest` is the largest sum of the step before. An empty window gives 0.
    pub fn pool(self, window: &[usize], signal: &[f64], sums: &[f64], largest: &mut f64) -> f64 {
        let max = |values: &[f64]| window.iter().map(|&i| values[i]).fold(f64::NEG_INFINITY, f64::max);
        let Some(&first) = window.first() else { return 0.0 };
        match self {
            Self::Gate => {
                let winner = window.iter().fold(first, |best, &i| if sums[i] > sums[best] { i } else { best });
                signal[winner]
            }
            Self::LateralInhibition => {
                let now = max(sums);
                now - std::mem::replace(largest, now)
            }
            Self::Instantaneous => max(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rule: PoolRule, trains: &[[f64; 2]]) -> Vec<f64> {
        let (mut sums, mut largest) = ([0.0; 2], 0.0);
        let mut step = |x: &[f64; 2]| {
            sums.iter_mut().zip(x).for_each(|(s, x)| *s += x);
            rule.pool(&[0, 1], x, &sums, &mut largest)
        };
        trains.iter().map(&mut step).collect()
    }

    /// Sums 1 0; 1 1; 1 2; 2 2; 2 3: the first wins ties.
    #[test]
    fn hand_worked() {
        let trains = [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0], [1.0, 0.0], [0.0, 1.0]];
        assert_eq!(run(PoolRule::Gate, &trains), [1.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(run(PoolRule::LateralInhibition, &trains), [1.0, 0.0, 1.0, 0.0, 1.0]);
        assert_eq!(run(PoolRule::Instantaneous, &trains), [1.0; 5]);
    }

    #[test]
    fn sums_of_negative_signals_fall() {
        assert_eq!(run(PoolRule::LateralInhibition, &[[-1.0, -2.0], [1.0, -1.0]]), [-1.0, 1.0]);
        assert_eq!(PoolRule::Instantaneous.pool(&[], &[], &[], &mut 0.0), 0.0);
    }
}
