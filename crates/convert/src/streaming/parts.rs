//! The parts that streaming methods are made of, by the names that options, reports and files use.

use serde::{Deserialize, Serialize};
use spikeconverter_neuron::PoolRule;

/// A choice among parts, each with a name.
pub trait Part: Copy + PartialEq + 'static {
    /// All choices.
    const ALL: &'static [Self];

    /// The choice's name.
    fn name(self) -> &'static str;

    /// What it is, in a line.
    fn summary(self) -> &'static str;

    /// The choice of a name.
    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|part| part.name() == name)
    }
}

/// Declares an enum of parts: each variant with its name and a line that describes it.
macro_rules! parts {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal, $summary:literal;)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = $summary] #[serde(rename = $text)] $variant,)*
        }

        impl Part for $name {
            const ALL: &'static [Self] = &[$(Self::$variant),*];

            fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

parts! {
    /// The neuron model of a streaming network's populations.
    NeuronRule {
        IntegrateFire = "if", "integrate-and-fire, reset by subtraction";
        HardReset = "if-zero", "integrate-and-fire, reset to zero";
        Modulo = "if-modulo", "integrate-and-fire, reset to the remainder of the threshold";
        Burst = "burst", "up to N spikes a step, reset by subtraction";
        Group = "group", "N members with thresholds of 1/N to N/N, which share a membrane";
        Ternary = "ternary", "a negative spike takes back a positive one";
        Augmented = "augmented", "any number of spikes of either sign a step, as one spike with a coefficient";
        MultiThreshold = "multi-threshold", "one spike a step, of N sizes that halve from one to the next, of either sign";
        Differential = "differential", "multi-threshold spikes that correct a running estimate of the activation";
        Weighted = "weighted", "spikes weighted by their phase in a period of N steps";
        TemporalSwitch = "temporal-switch", "two spikes of opposite sign, whose distance in time is the value";
    }
}

parts! {
    /// How thresholds are found.
    ThresholdRule {
        MaxActivation = "max", "largest activation";
        Model = "model", "largest activation that the weights allow";
        Percentile = "percentile", "percentile of the activations that are not zero";
        BurstPercentile = "burst-percentile", "percentile of activations whose part above 1 is divided by the burst's length";
        SpikeNorm = "spike-norm", "largest weighted input of a step in the spiking network";
        Rmp = "rmp", "the share of the largest weighted input of a step that transmits best";
        NScaling = "n-scaling", "the n-th part of the largest activation that transmits best, n whole";
        Mmse = "mmse", "least mean square error of what the neuron transmits";
        Balancing = "ltb", "grows by twice the mean excess of the activations over it";
        Bound = "bound", "the activation's upper bound, where the network was trained with one; else as mmse";
    }
}

parts! {
    /// How populations start.
    InitialRule {
        Zero = "zero", "at 0";
        Half = "half", "at half the threshold";
        Shift = "shift", "at 0, with the T-th part of half a threshold added in each step";
    }
}

parts! {
    /// What is corrected on calibration samples, layer by layer, with the layers before it as they were corrected.
    CalibrationRule {
        None = "none", "nothing";
        Bias = "bias", "biases, by the difference of mean rates";
        Compensation = "compensation", "weights, by one factor a layer that brings back the mean rate";
        Potentials = "potentials", "initial potentials, of each neuron, by the charge it lacks";
        Weights = "weights", "weights and biases, by least squares on the trains that reach them";
        Full = "full", "weights and biases, then initial potentials";
    }
}

impl CalibrationRule {
    /// Whether weights are fitted.
    pub(crate) fn fits_weights(self) -> bool {
        matches!(self, Self::Weights | Self::Full)
    }
}

parts! {
    /// Whether a sample is tried before it runs, and what is learnt from it.
    RehearsalRule {
        None = "none", "nothing is tried";
        Residual = "residual", "neurons left with no residual membrane fall silent";
        OffsetSpikes = "offset-spikes", "initial potentials, layer after layer, by the spike that came too much or too little";
    }
}

parts! {
    /// How maxima are taken from step to step.
    MaxPoolRule {
        Gate = "gate", "the input with the largest sum so far passes its spikes";
        LateralInhibition = "lateral-inhibition", "the sum so far is the largest of the inputs' sums";
        Instantaneous = "instantaneous", "the largest current of each step, in front of the neurons";
        Membranes = "membranes", "the largest sum of currents so far, in front of the neurons";
    }
}

impl MaxPoolRule {
    /// Whether the maximum is taken of currents, in front of the neurons, rather than of their spikes.
    pub(crate) fn in_front(self) -> bool {
        matches!(self, Self::Instantaneous | Self::Membranes)
    }

    /// How it goes from step to step.
    pub(crate) fn rule(self) -> PoolRule {
        match self {
            Self::Gate => PoolRule::Gate,
            Self::LateralInhibition | Self::Membranes => PoolRule::LateralInhibition,
            Self::Instantaneous => PoolRule::Instantaneous,
        }
    }

    /// The same of trains, for maxima that stand where there are no currents.
    pub(crate) fn of_trains(self) -> PoolRule {
        if self.in_front() { PoolRule::LateralInhibition } else { self.rule() }
    }
}

/// Parts of a method that a user replaces; what is absent is the method's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parts {
    /// The neuron model.
    pub neuron: Option<NeuronRule>,
    /// `N` of neuron models that have one: spikes a step, members, sizes, or steps of a period.
    pub levels: Option<u32>,
    /// How thresholds are found.
    pub threshold: Option<ThresholdRule>,
    /// How populations start.
    pub initial: Option<InitialRule>,
    /// What is corrected on calibration samples.
    pub calibration: Option<CalibrationRule>,
    /// How maxima are taken from step to step.
    pub pool: Option<MaxPoolRule>,
    /// Whether a sample is tried before it runs.
    pub rehearsal: Option<RehearsalRule>,
    /// Steps of that.
    pub rehearsal_steps: Option<u32>,
    /// Steps at the beginning that results are read without, fewer than all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip_steps: Option<u32>,
}

impl Parts {
    /// The parts that are replaced: the option, and the choice by its name.
    pub fn named(&self) -> Vec<(&'static str, String)> {
        fn choice<P: Part>(option: &'static str, part: Option<P>) -> Option<(&'static str, String)> {
            part.map(|part| (option, part.name().to_owned()))
        }
        [
            choice("--neuron", self.neuron),
            self.levels.map(|levels| ("--levels", levels.to_string())),
            choice("--threshold-rule", self.threshold),
            choice("--initial", self.initial),
            choice("--calibration-rule", self.calibration),
            choice("--max-pool", self.pool),
            choice("--rehearsal", self.rehearsal),
            self.rehearsal_steps.map(|steps| ("--rehearsal-steps", steps.to_string())),
            self.skip_steps.map(|steps| ("--skip-steps", steps.to_string())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<P: Part + std::fmt::Debug>() {
        for &part in P::ALL {
            assert_eq!(P::named(part.name()), Some(part));
            assert!(!part.summary().is_empty());
        }
        assert_eq!(P::named("nothing of the kind"), None);
    }

    #[test]
    fn names_lead_back_to_their_parts() {
        check::<NeuronRule>();
        check::<ThresholdRule>();
        check::<InitialRule>();
        check::<CalibrationRule>();
        check::<MaxPoolRule>();
        check::<RehearsalRule>();
        let parts = Parts { levels: Some(3), pool: Some(MaxPoolRule::Gate), ..Parts::default() };
        assert_eq!(parts.named(), [("--levels", "3".to_owned()), ("--max-pool", "gate".to_owned())]);
    }
}
