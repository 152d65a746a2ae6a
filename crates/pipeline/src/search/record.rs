use serde::Serialize;
use spikeconverter_network::SnnFile;

use super::race::Standing;
use super::{Candidate, Interval, Objective};

/// What a search found.
#[derive(Debug, Clone, Serialize)]
pub struct Search {
    /// What was asked for.
    pub setting: SearchSetting,
    /// The candidates, each with what the last round that it was in showed.
    pub trials: Vec<Trial>,
    /// The cheapest candidate that stays within the bound, if one does.
    pub chosen: Option<Chosen>,
    /// Seconds that the search took.
    pub seconds: f64,
}

/// What was asked for, and the samples that answered.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SearchSetting {
    /// Name of the model's file.
    pub source: String,
    /// Name of the data's file or folder.
    pub data: String,
    /// Whether drops are of accuracy; otherwise they are disagreement with the trained network.
    pub labelled: bool,
    /// Accuracy of the trained network on the samples compared on, where they have labels.
    pub ann_accuracy: Option<f64>,
    /// The bound of the drop, as a share of samples.
    pub max_drop: f64,
    /// The bound of the latency, in steps.
    pub max_latency: Option<u32>,
    /// What was minimised.
    pub objective: Objective,
    /// Samples that conversions were fitted on.
    pub fitted: usize,
    /// Samples that candidates were compared on.
    pub choosing: usize,
    /// Samples that the choice was confirmed on.
    pub confirming: usize,
    /// Seed of the choice of samples.
    pub seed: u64,
}

/// A candidate and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trial {
    /// The candidate.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// The last round that it was in, counted from 1.
    pub round: u32,
    /// What that round showed.
    pub result: TrialResult,
    /// Whether this is of weights calibrated layer by layer: those of all layers together, which the candidate asks for, are left
    /// to the last round.
    pub sketched: bool,
    /// Whether it is on the Pareto front of what is minimised and the drop.
    pub front: bool,
}

/// What a round showed of a candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TrialResult {
    /// Its figures.
    Measured(Figures),
    /// It takes more steps than it may, and was not run.
    TooSlow {
        /// Steps from a sample's first input to its result.
        latency_steps: u32,
    },
    /// It could not be converted or run: why.
    Failed(String),
}

/// Figures of a network on some samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Samples.
    pub images: u64,
    /// Accuracy lost, as a share of samples, with its 95 % confidence interval; without labels, disagreement with the trained
    /// network.
    pub drop: Interval,
    /// Share of samples on which trained and spiking network say the same.
    pub agreement: f64,
    /// Accuracy of the spiking network, where samples have labels.
    pub accuracy: Option<f64>,
    /// Steps from a sample's first input to its result.
    pub latency_steps: u32,
    /// Spikes of a sample.
    pub spikes_per_image: f64,
    /// Spikes of a neuron on a sample.
    pub spikes_per_neuron: f64,
    /// Estimated energy of a sample, in joule.
    pub energy_joule: f64,
    /// The same for the trained network.
    pub ann_energy_joule: f64,
    /// Samples that the conversion was fitted on.
    pub fitted: usize,
    /// Seconds that conversion and evaluation took.
    pub seconds: f64,
}

/// The candidate that was taken.
#[derive(Debug, Clone, Serialize)]
pub struct Chosen {
    /// The candidate.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// Its figures on samples that neither fitted nor chose it.
    pub figures: Figures,
    /// Candidates that were tried on these samples, itself included: with more than one, they chose a little too.
    pub attempts: usize,
    /// Its place among the trials.
    pub trial: usize,
    /// The network.
    #[serde(skip)]
    pub file: SnnFile,
}

/// The least share of a drop that weights calibrated all together left of that of weights calibrated layer by layer, in any
/// network measured so far (bench/ACCURACY.md).
const LEFT_BY_ALL_TOGETHER: f64 = 0.6;

impl Trial {
    pub(super) fn new(candidate: Candidate) -> Self {
        Self { candidate, round: 0, result: TrialResult::Failed("not tried".into()), sketched: false, front: false }
    }

    /// Its figures, if it has any.
    pub fn figures(&self) -> Option<&Figures> {
        match &self.result {
            TrialResult::Measured(figures) => Some(figures),
            TrialResult::TooSlow { .. } | TrialResult::Failed(_) => None,
        }
    }

    pub(super) fn standing(&self, objective: Objective) -> Option<Standing> {
        let hoped = |drop: f64| if self.sketched && drop > 0.0 { LEFT_BY_ALL_TOGETHER * drop } else { drop };
        self.figures().map(|figures| {
            let Interval { estimate, low, high } = figures.drop;
            let drop = Interval { estimate: hoped(estimate), low: hoped(low), high: hoped(high) };
            Standing { cost: figures.cost(objective), drop }
        })
    }
}

impl Figures {
    /// What is minimised.
    pub fn cost(&self, objective: Objective) -> f64 {
        match objective {
            Objective::Energy => self.energy_joule,
            Objective::Latency => self.latency_steps.into(),
            Objective::Spikes => self.spikes_per_image,
        }
    }
}
