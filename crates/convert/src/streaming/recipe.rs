use serde::Serialize;
use spikeconverter_network::NetworkBuilder;
use spikeconverter_neuron::{Rehearsal, StreamCoding};

use super::{CalibrationRule, InitialRule, MaxPoolRule, NeuronRule, Part, RehearsalRule, ThresholdRule};
use crate::{ConvertError, Granularity, Options};

/// The share of the threshold that a residual membrane must exceed for its neuron to be heard, as published.
const LEAST_RESIDUAL: f32 = 1e-3;
/// Steps of a rehearsal where a method does not say: those of the papers' results on ImageNet.
pub(crate) const USUAL_REHEARSAL: u32 = 8;

/// A streaming method as a composition of parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Recipe {
    /// The neuron model.
    pub(crate) neuron: NeuronRule,
    /// `N` of neuron models that have one; 1 in others.
    pub(crate) levels: u32,
    /// Whether a neuron fires at the threshold only beyond it (`>`), not on it (`≥`).
    pub(crate) strict: bool,
    /// How thresholds are found.
    pub(crate) threshold: ThresholdRule,
    /// What shares a threshold.
    pub(crate) granularity: Granularity,
    /// How populations start.
    pub(crate) initial: InitialRule,
    /// What is corrected on calibration samples.
    pub(crate) calibration: CalibrationRule,
    /// How maxima are taken from step to step.
    pub(crate) pool: MaxPoolRule,
    /// Whether a sample is tried before it runs.
    pub(crate) rehearsal: RehearsalRule,
    /// Steps of that; 0 where there is none.
    pub(crate) rehearsal_steps: u32,
    /// Steps at the beginning that results are read without.
    pub(crate) skip_steps: u32,
}

/// A recipe as reports and tables show it: the parts by their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RecipeInfo {
    /// The neuron model.
    pub neuron: NeuronRule,
    /// `N` of neuron models that have one.
    pub levels: Option<u32>,
    /// `>=` or `>`: how membranes are compared with thresholds.
    pub comparison: &'static str,
    /// How thresholds are found.
    pub threshold_rule: ThresholdRule,
    /// What shares a threshold.
    pub thresholds: Granularity,
    /// How populations start.
    pub initial: InitialRule,
    /// What is corrected on calibration samples.
    pub calibration_rule: CalibrationRule,
    /// How maxima are taken from step to step.
    pub max_pool: MaxPoolRule,
    /// Whether a sample is tried before it runs.
    pub rehearsal: RehearsalRule,
    /// Steps of that, a layer where layers take turns.
    pub rehearsal_steps: Option<u32>,
}

impl RecipeInfo {
    /// The parts that options replace, by the names that records use.
    pub(crate) fn named(&self) -> Vec<(&'static str, String)> {
        let levels = self.levels.map(|levels| ("levels", levels.to_string()));
        let steps = self.rehearsal_steps.map(|steps| ("rehearsal_steps", steps.to_string()));
        let parts = [
            ("neuron", self.neuron.name()),
            ("threshold_rule", self.threshold_rule.name()),
            ("initial", self.initial.name()),
            ("calibration_rule", self.calibration_rule.name()),
            ("max_pool", self.max_pool.name()),
            ("rehearsal", self.rehearsal.name()),
        ];
        parts.map(|(option, name)| (option, name.to_owned())).into_iter().chain(levels).chain(steps).collect()
    }
}

impl Recipe {
    /// Rate coding as it is plainest: integrate-and-fire, one threshold a layer by `threshold`, all starts at 0.
    pub(crate) const fn rate(threshold: ThresholdRule) -> Self {
        Self {
            neuron: NeuronRule::IntegrateFire,
            levels: 1,
            strict: false,
            threshold,
            granularity: Granularity::Layer,
            initial: InitialRule::Zero,
            calibration: CalibrationRule::None,
            pool: MaxPoolRule::Gate,
            rehearsal: RehearsalRule::None,
            rehearsal_steps: 0,
            skip_steps: 0,
        }
    }

    /// The network's rehearsal.
    pub(crate) fn rehearsal(&self) -> Option<Rehearsal> {
        let steps = self.rehearsal_steps;
        match self.rehearsal {
            RehearsalRule::None => None,
            RehearsalRule::Residual => Some(Rehearsal::Residual { steps, least: LEAST_RESIDUAL }),
            RehearsalRule::OffsetSpikes => Some(Rehearsal::OffsetSpikes { steps }),
        }
    }

    /// What the network's wires carry.
    pub(crate) fn coding(&self) -> StreamCoding {
        match self.neuron {
            NeuronRule::TemporalSwitch => StreamCoding::Switch,
            NeuronRule::Differential => StreamCoding::Differential,
            _ => StreamCoding::Rate,
        }
    }

    /// As tables show it.
    pub(crate) fn info(&self) -> RecipeInfo {
        RecipeInfo {
            neuron: self.neuron,
            levels: levels(self.neuron).map(|_| self.levels),
            comparison: if self.strict { ">" } else { ">=" },
            threshold_rule: self.threshold,
            thresholds: self.granularity,
            initial: self.initial,
            calibration_rule: self.calibration,
            max_pool: self.pool,
            rehearsal: self.rehearsal,
            rehearsal_steps: (self.rehearsal != RehearsalRule::None).then_some(self.rehearsal_steps),
        }
    }

    /// The same with the parts that the options replace.
    ///
    /// # Errors
    /// [`ConvertError::Option`] where the parts do not combine.
    pub(crate) fn with(self, options: &Options) -> Result<Self, ConvertError> {
        let parts = &options.parts;
        let neuron = parts.neuron.unwrap_or(self.neuron);
        let own = if neuron == self.neuron { self.levels } else { levels(neuron).map_or(1, |levels| levels.usual) };
        let rehearsal = parts.rehearsal.unwrap_or(self.rehearsal);
        let own_steps = match rehearsal {
            RehearsalRule::None => 0,
            rehearsal if rehearsal == self.rehearsal => self.rehearsal_steps,
            _ => USUAL_REHEARSAL,
        };
        let recipe = Self {
            neuron,
            levels: parts.levels.unwrap_or(own),
            strict: self.strict && neuron == self.neuron,
            threshold: parts.threshold.unwrap_or(self.threshold),
            granularity: options.thresholds.unwrap_or(self.granularity),
            initial: parts.initial.unwrap_or(self.initial),
            calibration: parts.calibration.unwrap_or(self.calibration),
            pool: parts.pool.unwrap_or(self.pool),
            rehearsal,
            rehearsal_steps: parts.rehearsal_steps.unwrap_or(own_steps),
            skip_steps: parts.skip_steps.unwrap_or(self.skip_steps),
        };
        if recipe.skip_steps >= options.time_steps {
            let reason = format!("{} of {} steps leave none to read", recipe.skip_steps, options.time_steps);
            return Err(ConvertError::Option { option: "--skip-steps", reason });
        }
        match recipe.conflict() {
            None => Ok(recipe),
            Some((option, reason)) => Err(ConvertError::Option { option, reason }),
        }
    }

    /// Which parts do not combine, and why: the option to change, and a sentence.
    pub(crate) fn conflict(&self) -> Option<(&'static str, String)> {
        let neuron = self.neuron.name();
        match levels(self.neuron) {
            None if self.levels != 1 => {
                let reason = format!("neurons of the kind `{neuron}` have no number of levels; leave --levels out");
                return Some(("--levels", reason));
            }
            Some(range) if !(range.least..=range.most).contains(&self.levels) => {
                let (least, most) = (range.least, range.most);
                let reason = format!("{} levels; neurons of the kind `{neuron}` have {least} to {most}", self.levels);
                return Some(("--levels", reason));
            }
            _ => {}
        }
        let most = NetworkBuilder::MOST_STREAMING_STEPS;
        let refused = match self.rehearsal {
            RehearsalRule::None if self.rehearsal_steps != 0 => {
                Some("there is no rehearsal; choose one with --rehearsal")
            }
            RehearsalRule::None => None,
            _ if !(1..=most).contains(&self.rehearsal_steps) => Some("a rehearsal takes 1 to 4096 steps"),
            _ => None,
        };
        if let Some(reason) = refused {
            return Some(("--rehearsal-steps", reason.to_owned()));
        }
        if self.skip_steps > 0 && self.coding() == StreamCoding::Differential {
            let reason = "in differential coding each step corrects the mean of those before; leave it out".to_owned();
            return Some(("--skip-steps", reason));
        }
        let with = |part: &str, because: &str| format!("`{part}` does not combine with `{neuron}` neurons: {because}");
        threshold_conflict(self.neuron, self.threshold)
            .map(|because| ("--threshold-rule", with(self.threshold.name(), because)))
            .or_else(|| {
                let because = initial_conflict(self.neuron, self.initial)?;
                Some(("--initial", with(self.initial.name(), because)))
            })
            .or_else(|| {
                let because = calibration_conflict(self.neuron, self.calibration)?;
                Some(("--calibration-rule", with(self.calibration.name(), because)))
            })
            .or_else(|| {
                let because = pool_conflict(self.neuron, self.pool)?;
                Some(("--max-pool", with(self.pool.name(), because)))
            })
            .or_else(|| {
                let because = rehearsal_conflict(self.neuron, self.rehearsal)?;
                Some(("--rehearsal", with(self.rehearsal.name(), because)))
            })
    }
}

/// Bounds of `N`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Levels {
    /// Smallest.
    pub(crate) least: u32,
    /// Largest.
    pub(crate) most: u32,
    /// What is taken where a method does not say.
    pub(crate) usual: u32,
}

/// Bounds of `N` of a neuron model; `None` where it has no such number.
pub(crate) fn levels(neuron: NeuronRule) -> Option<Levels> {
    let (least, most, usual) = match neuron {
        NeuronRule::Burst => (1, 64, 5),
        NeuronRule::Group => (1, 64, 6),
        NeuronRule::MultiThreshold | NeuronRule::Differential => (1, 8, 4),
        NeuronRule::Weighted => (1, 16, 8),
        NeuronRule::IntegrateFire
        | NeuronRule::HardReset
        | NeuronRule::Modulo
        | NeuronRule::Ternary
        | NeuronRule::Augmented
        | NeuronRule::TemporalSwitch => return None,
    };
    Some(Levels { least, most, usual })
}

/// Why a threshold rule makes no sense for a neuron model.
pub(crate) fn threshold_conflict(neuron: NeuronRule, rule: ThresholdRule) -> Option<&'static str> {
    use {NeuronRule as N, ThresholdRule as R};
    match (rule, neuron) {
        (R::BurstPercentile, N::Burst) => None,
        (R::BurstPercentile, _) => Some("it counts on bursts"),
        (R::SpikeNorm | R::Rmp, N::Weighted | N::TemporalSwitch | N::Differential) => Some(
            "it looks at the input of single steps, which says nothing about the value where steps differ in meaning",
        ),
        (R::Mmse | R::NScaling | R::Rmp, N::Augmented) => {
            Some("any number of spikes a step makes the smallest threshold the best")
        }
        (R::NScaling, N::Weighted | N::TemporalSwitch) => Some("it trades range for rate, and this is no rate code"),
        _ => None,
    }
}

/// Why a start makes no sense for a neuron model.
pub(crate) fn initial_conflict(neuron: NeuronRule, rule: InitialRule) -> Option<&'static str> {
    use {InitialRule as I, NeuronRule as N};
    match (rule, neuron) {
        (I::Shift, N::Weighted | N::TemporalSwitch | N::Differential) => {
            Some("a part of the threshold in each step means rounding only where all steps count alike")
        }
        (I::Half, N::TemporalSwitch) => Some("its spikes mark times, not sums that could be rounded"),
        _ => None,
    }
}

/// Why a calibration makes no sense for a neuron model.
pub(crate) fn calibration_conflict(neuron: NeuronRule, rule: CalibrationRule) -> Option<&'static str> {
    use {CalibrationRule as C, NeuronRule as N};
    match (rule, neuron) {
        (C::Potentials | C::Full, N::HardReset) => {
            Some("the first spike of a neuron that resets to zero forgets where it started")
        }
        _ => None,
    }
}

/// Why a maximum makes no sense for a neuron model.
pub(crate) fn pool_conflict(neuron: NeuronRule, rule: MaxPoolRule) -> Option<&'static str> {
    let changes = matches!(neuron, NeuronRule::TemporalSwitch | NeuronRule::Differential);
    (changes && rule.in_front()).then_some("its wires carry changes, whose largest is no maximum")
}

/// Why a rehearsal makes no sense for a neuron model.
pub(crate) fn rehearsal_conflict(neuron: NeuronRule, rule: RehearsalRule) -> Option<&'static str> {
    use {NeuronRule as N, RehearsalRule as R};
    match (rule, neuron) {
        (R::None, _) | (_, N::IntegrateFire) | (R::Residual, N::Burst | N::Group) => None,
        (R::OffsetSpikes, N::Burst | N::Group) => Some("it moves one spike, and these send several a step"),
        (_, N::HardReset | N::Modulo) => Some("a membrane that forgets tells nothing of what was sent too much"),
        (_, N::Ternary | N::Augmented | N::MultiThreshold | N::Differential | N::TemporalSwitch) => {
            Some("its negative spikes take back what was sent too much")
        }
        (_, N::Weighted) => Some("its spikes differ from step to step"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_parts_and_senseless_ones_are_refused() {
        let own = Recipe { neuron: NeuronRule::Burst, levels: 3, ..Recipe::rate(ThresholdRule::BurstPercentile) };
        let with = |change: &dyn Fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            own.with(&options)
        };
        assert_eq!(with(&|_| ()).unwrap(), own);
        let group = with(&|o| {
            o.parts.neuron = Some(NeuronRule::Group);
            o.parts.threshold = Some(ThresholdRule::Mmse);
            o.thresholds = Some(Granularity::Neuron);
        })
        .unwrap();
        assert_eq!((group.levels, group.granularity), (6, Granularity::Neuron));
        let refused = |change: &dyn Fn(&mut Options), wanted: &str| {
            let Err(ConvertError::Option { option, reason }) = with(change) else { panic!("{wanted} was accepted") };
            assert_eq!(option, wanted);
            assert!(reason.contains('`'), "{reason}");
        };
        refused(&|o| o.parts.neuron = Some(NeuronRule::IntegrateFire), "--threshold-rule");
        refused(&|o| o.parts.levels = Some(65), "--levels");
        let tsc = |o: &mut Options| {
            o.parts.neuron = Some(NeuronRule::TemporalSwitch);
            o.parts.threshold = Some(ThresholdRule::MaxActivation);
        };
        assert!(with(&tsc).is_ok());
        refused(
            &|o| {
                tsc(o);
                o.parts.levels = Some(2);
            },
            "--levels",
        );
        refused(
            &|o| {
                tsc(o);
                o.parts.initial = Some(InitialRule::Half);
            },
            "--initial",
        );
        let rehearsed = with(&|o| o.parts.rehearsal = Some(RehearsalRule::Residual)).unwrap();
        assert_eq!(rehearsed.rehearsal(), Some(Rehearsal::Residual { steps: 8, least: 1e-3 }));
        refused(&|o| o.parts.rehearsal = Some(RehearsalRule::OffsetSpikes), "--rehearsal");
        for steps in [0, 4097] {
            let Err(ConvertError::Option { option, .. }) = with(&|o| {
                (o.parts.rehearsal, o.parts.rehearsal_steps) = (Some(RehearsalRule::Residual), Some(steps));
            }) else {
                panic!("{steps} steps were accepted")
            };
            assert_eq!(option, "--rehearsal-steps");
        }
        let Err(ConvertError::Option { option, .. }) = with(&|o| o.parts.rehearsal_steps = Some(4)) else {
            panic!("steps of no rehearsal were accepted")
        };
        assert_eq!(option, "--rehearsal-steps");
        refused(
            &|o| {
                o.parts.neuron = Some(NeuronRule::HardReset);
                o.parts.threshold = Some(ThresholdRule::MaxActivation);
                o.parts.calibration = Some(CalibrationRule::Potentials);
            },
            "--calibration-rule",
        );
    }

    /// Every neuron model has at least one recipe.
    #[test]
    fn every_neuron_combines_with_something() {
        for &neuron in NeuronRule::ALL {
            let levels = levels(neuron).map_or(1, |levels| levels.usual);
            let recipe = Recipe { neuron, levels, ..Recipe::rate(ThresholdRule::MaxActivation) };
            assert_eq!(recipe.conflict(), None, "{neuron:?}");
        }
    }
}
