//! Parts of a streaming method that are replaced.

use clap::Args;
use spikeconverter_convert::{
    CalibrationRule, InitialRule, MaxPoolRule, NeuronRule, Part, Parts, RehearsalRule, ThresholdRule,
};

#[derive(Debug, Args)]
#[command(
    next_help_heading = "Parts of a streaming method, instead of its own (`spikeconverter methods --parts` says which combine)"
)]
pub(crate) struct PartsArgs {
    /// Neuron model
    #[arg(long, value_name = "NAME", value_parser = part::<NeuronRule>)]
    neuron: Option<NeuronRule>,

    /// Spikes a step of bursts, members of groups, sizes of multi-threshold spikes, steps of a period of weighted spikes
    #[arg(long, value_name = "N")]
    levels: Option<u32>,

    /// How thresholds are found
    #[arg(long, value_name = "NAME", value_parser = part::<ThresholdRule>)]
    threshold_rule: Option<ThresholdRule>,

    /// How populations start
    #[arg(long, value_name = "NAME", value_parser = part::<InitialRule>)]
    initial: Option<InitialRule>,

    /// What is corrected on calibration samples, layer by layer
    #[arg(long, value_name = "NAME", value_parser = part::<CalibrationRule>)]
    calibration_rule: Option<CalibrationRule>,

    /// How maxima are taken from step to step
    #[arg(long, value_name = "NAME", value_parser = part::<MaxPoolRule>)]
    max_pool: Option<MaxPoolRule>,

    /// Whether a sample is tried before it runs, and what is learnt from it
    #[arg(long, value_name = "NAME", value_parser = part::<RehearsalRule>)]
    rehearsal: Option<RehearsalRule>,

    /// Steps of a rehearsal, a layer where layers take turns; they count as latency
    #[arg(long, value_name = "N")]
    rehearsal_steps: Option<u32>,

    /// Steps at the beginning that results are read without, so that layers have settled
    #[arg(long, value_name = "N")]
    skip_steps: Option<u32>,
}

impl PartsArgs {
    /// What is replaced.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            neuron: self.neuron,
            levels: self.levels,
            threshold: self.threshold_rule,
            initial: self.initial,
            calibration: self.calibration_rule,
            pool: self.max_pool,
            rehearsal: self.rehearsal,
            rehearsal_steps: self.rehearsal_steps,
            skip_steps: self.skip_steps,
        }
    }
}

/// A part by its name.
fn part<P: Part>(text: &str) -> Result<P, String> {
    let names = || P::ALL.iter().map(|part| part.name()).collect::<Vec<_>>().join(", ");
    P::named(text).ok_or_else(|| format!("must be one of: {}", names()))
}
