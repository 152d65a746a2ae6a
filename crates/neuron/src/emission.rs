use serde::{Deserialize, Serialize};

use crate::Comparison;

/// What a streaming neuron can send in one step: a multiplicity `m ≥ 0` of its *quantum* `q`, by its membrane `u`.
///
/// ```text
/// binary:  q = θ          m = [u ≥ θ]
/// burst:   q = θ          m = min(⌊u/θ⌋, Γ)
/// group:   q = θ/n        m = #{i ≤ n : u ≥ i·θ/n} = min(⌊u/q⌋, n)
/// ladder:  q = θ·2^-(n-1)
///          m = 2^(n-1-i)  for the smallest i < n with u ≥ margin(θ·2^-i), 0 if there is none
/// ```
///
/// Sources. Burst: Y. Li, Y. Zeng, "Efficient and accurate conversion of spiking neural network with burst spikes",
/// IJCAI 2022; with unlimited Γ the augmented spikes of Yu et al., TNNLS 2021. Group: Lv et al., "Optimal ANN-SNN
/// conversion with group neurons", ICASSP 2024. Ladder: Huang et al., "Towards high-performance spiking transformers from
/// ANN to SNN conversion", ACM MM 2024 (margin of half a quantum) and the multi-threshold neuron of differential coding,
/// ICML 2025 (margin 3/4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Emission {
    /// One spike or none.
    #[default]
    Binary,
    /// As many spikes as thresholds are in the membrane.
    Burst {
        /// The most spikes of a step, `Γ ≥ 1`.
        most: u32,
    },
    /// As many neurons with thresholds `θ/n, 2θ/n, … θ`, all of one membrane, as it reaches.
    Group {
        /// Neurons of a group, `n ≥ 1`.
        members: u32,
    },
    /// One spike of the largest size that the membrane is worth.
    Ladder {
        /// Sizes of a spike, `n ≥ 1`: `θ, θ/2, … θ·2^-(n-1)`.
        levels: u32,
        /// Where each begins.
        margin: Margin,
    },
}

/// The membrane from which on a level of a ladder is sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Margin {
    /// This share, in `(0, 1]`, of the level: with 3/4 the nearer of two neighbouring levels is sent; with 1 never more
    /// than there is.
    Share(f32),
    /// Half a quantum below the level.
    HalfQuantum,
}

impl Margin {
    fn of(self, level: f64, quantum: f64) -> f64 {
        match self {
            Self::Share(share) => level * f64::from(share),
            Self::HalfQuantum => level - 0.5 * quantum,
        }
    }
}

impl Emission {
    /// The quantum `q` as a share of the threshold.
    pub fn quantum(self) -> f64 {
        match self {
            Self::Binary | Self::Burst { .. } => 1.0,
            Self::Group { members } => 1.0 / f64::from(members),
            Self::Ladder { levels, .. } => 0.5f64.powi(levels as i32 - 1),
        }
    }

    /// The largest multiplicity of a step.
    pub fn largest(self) -> u32 {
        match self {
            Self::Binary => 1,
            Self::Burst { most } => most,
            Self::Group { members } => members,
            Self::Ladder { levels, .. } => 1 << (levels - 1),
        }
    }

    /// The spikes that a multiplicity is: a burst and a group send one for each quantum, a ladder one of some size.
    pub fn spikes(self, multiplicity: i32) -> u32 {
        match self {
            Self::Binary | Self::Burst { .. } | Self::Group { .. } => multiplicity.unsigned_abs(),
            Self::Ladder { .. } => u32::from(multiplicity != 0),
        }
    }

    /// Sizes that a spike can have.
    pub fn sizes(self) -> u32 {
        match self {
            Self::Binary | Self::Burst { .. } | Self::Group { .. } => 1,
            Self::Ladder { levels, .. } => levels,
        }
    }

    /// The multiplicity of a membrane `u`, no larger than `limit`; the first quantum is sent from `first` quanta on
    /// instead of 1, and each further one a quantum later (`first` is 1 for ladders).
    pub(crate) fn multiplicity(self, u: f64, threshold: f64, comparison: Comparison, first: f64, limit: u32) -> u32 {
        let quantum = threshold * self.quantum();
        match self {
            Self::Binary => u32::from(limit >= 1 && comparison.reached(u, threshold * first)),
            Self::Burst { .. } | Self::Group { .. } => {
                let most = f64::from(self.largest().min(limit));
                comparison.largest_reached(u / quantum + (1.0 - first)).min(most) as u32
            }
            Self::Ladder { levels, margin } => {
                let reached = |i: &u32| {
                    let level = threshold * 0.5f64.powi(*i as i32);
                    1 << (levels - 1 - i) <= limit && comparison.reached(u, margin.of(level, quantum))
                };
                (0..levels).find(reached).map_or(0, |i| 1 << (levels - 1 - i))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiplicities<const N: usize>(emission: Emission, comparison: Comparison, u: [f64; N]) -> [u32; N] {
        u.map(|u| emission.multiplicity(u, 2.0, comparison, 1.0, u32::MAX))
    }

    #[test]
    fn bursts_count_thresholds() {
        let burst = Emission::Burst { most: 3 };
        let u = [-1.0, 1.5, 2.0, 4.0, 5.5, 90.0];
        assert_eq!(multiplicities(burst, Comparison::AtLeast, u), [0, 0, 1, 2, 2, 3]);
        assert_eq!(multiplicities(burst, Comparison::Above, u), [0, 0, 0, 1, 2, 3]);
        assert_eq!((burst.quantum(), burst.spikes(-3), burst.sizes()), (1.0, 3, 1));
    }

    #[test]
    fn groups_divide_the_threshold() {
        let group = Emission::Group { members: 4 };
        let u = [0.25, 0.5, 1.25, 2.0, 9.0];
        assert_eq!(multiplicities(group, Comparison::AtLeast, u), [0, 1, 2, 4, 4]);
        assert_eq!((group.quantum(), group.largest()), (0.25, 4));
    }

    /// θ = 2, levels 2, 1 and 0.5.
    #[test]
    fn ladders_send_one_level() {
        let ladder = |margin| Emission::Ladder { levels: 3, margin };
        let u = [0.2, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 1.75, 2.0, 7.0];
        let at_least = |margin| multiplicities(ladder(margin), Comparison::AtLeast, u);
        assert_eq!(at_least(Margin::Share(1.0)), [0, 0, 0, 1, 1, 2, 2, 2, 4, 4]);
        // from 1.5, 0.75 and 0.375 on
        assert_eq!(at_least(Margin::Share(0.75)), [0, 0, 1, 1, 2, 2, 4, 4, 4, 4]);
        // from 1.75, 0.75 and 0.25 on
        assert_eq!(at_least(Margin::HalfQuantum), [0, 1, 1, 1, 2, 2, 2, 4, 4, 4]);
        assert_eq!(ladder(Margin::HalfQuantum).spikes(-4), 1);
    }

    #[test]
    fn a_limit_is_kept() {
        let at = |emission: Emission| emission.multiplicity(9.0, 2.0, Comparison::AtLeast, 1.0, 3);
        assert_eq!(at(Emission::Burst { most: 4 }), 3);
        assert_eq!(at(Emission::Ladder { levels: 3, margin: Margin::Share(1.0) }), 2);
        assert_eq!(Emission::Binary.multiplicity(9.0, 2.0, Comparison::AtLeast, 1.0, 0), 0);
    }
}
