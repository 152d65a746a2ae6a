//! Which parts combine.

use serde::Serialize;

use super::recipe::{calibration_conflict, initial_conflict, pool_conflict, rehearsal_conflict, threshold_conflict};
use super::{CalibrationRule, InitialRule, MaxPoolRule, NeuronRule, Part, RehearsalRule, ThresholdRule};

/// What goes with a neuron model, so that any streaming method can be given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Combination {
    /// The neuron model.
    pub neuron: NeuronRule,
    /// Least, most and usual number of levels, where it has one.
    pub levels: Option<(u32, u32, u32)>,
    /// Rules that find its thresholds.
    pub threshold_rules: Vec<ThresholdRule>,
    /// How its populations may start.
    pub initial: Vec<InitialRule>,
    /// What may be corrected.
    pub calibration_rules: Vec<CalibrationRule>,
    /// How maxima may be taken.
    pub max_pools: Vec<MaxPoolRule>,
    /// How samples may be tried.
    pub rehearsals: Vec<RehearsalRule>,
}

/// For each neuron model the parts that combine with it, each with each other. What shares a
/// threshold, and how samples enter, combines with all.
pub fn combinations() -> Vec<Combination> {
    fn allowed<P: Part>(neuron: NeuronRule, conflict: fn(NeuronRule, P) -> Option<&'static str>) -> Vec<P> {
        P::ALL.iter().copied().filter(|&part| conflict(neuron, part).is_none()).collect()
    }
    let of = |&neuron: &NeuronRule| Combination {
        neuron,
        levels: super::levels(neuron).map(|levels| (levels.least, levels.most, levels.usual)),
        threshold_rules: allowed(neuron, threshold_conflict),
        initial: allowed(neuron, initial_conflict),
        calibration_rules: allowed(neuron, calibration_conflict),
        max_pools: allowed(neuron, pool_conflict),
        rehearsals: allowed(neuron, rehearsal_conflict),
    };
    NeuronRule::ALL.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lists_what_combines() {
        let all = combinations();
        assert_eq!(all.len(), NeuronRule::ALL.len());
        let of = |neuron| all.iter().find(|c| c.neuron == neuron).unwrap();
        assert!(of(NeuronRule::Burst).threshold_rules.contains(&ThresholdRule::BurstPercentile));
        assert!(!of(NeuronRule::Group).threshold_rules.contains(&ThresholdRule::BurstPercentile));
        assert_eq!(of(NeuronRule::TemporalSwitch).initial, [InitialRule::Zero]);
        assert_eq!(of(NeuronRule::IntegrateFire).calibration_rules, CalibrationRule::ALL);
    }
}
