//! What importers make of a file. The rules follow from how each turns NIR's equations into steps;
//! `scripts/oracle/nir_targets.py` runs exported networks in every one of them and holds these rules to what it sees.

use serde::{Deserialize, Serialize};
use spikeconverter_neuron::{Comparison, Reset};
use spikeconverter_nir::{Fires, Semantics};

use super::{Facts, Pooling};

/// A program that imports NIR.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// NIR's own words: `v > v_threshold`, then `v = v_reset`.
    Nir,
    /// sinabs 3.1.
    Sinabs,
    /// Norse 1.1.
    Norse,
    /// snnTorch 1.0.
    SnnTorch,
    /// SpikingJelly 2.0.
    SpikingJelly,
}

/// What comes of running a file there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The network's spikes, but for membranes within rounding of a threshold.
    Faithful,
    /// Other spikes, and much the same result.
    Approximate,
    /// It does not load, or another network runs.
    Unsupported,
}

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// Where.
    pub target: Target,
    /// As the file is imported.
    pub verdict: Verdict,
    /// Why, one clause each; none where it is faithful.
    pub reasons: Vec<String>,
    /// What to do after the import.
    pub adjustment: Option<Adjustment>,
}

/// A change to the imported network that makes it another verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Adjustment {
    /// Python, for each module `m` of the imported network.
    pub code: String,
    /// The verdict with it.
    pub verdict: Verdict,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nir, Self::Sinabs, Self::Norse, Self::SnnTorch, Self::SpikingJelly];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nir => "nir",
            Self::Sinabs => "sinabs",
            Self::Norse => "norse",
            Self::SnnTorch => "snntorch",
            Self::SpikingJelly => "spikingjelly",
        }
    }

    /// The form of means that it reads.
    pub fn pooling(self) -> Pooling {
        match self {
            Self::Nir | Self::Sinabs | Self::Norse => Pooling::Sum,
            Self::SnnTorch | Self::SpikingJelly => Pooling::Average,
        }
    }

    /// How it turns an `IF` into steps.
    pub fn semantics(self) -> Semantics {
        let subtract = Semantics { reset: spikeconverter_nir::Reset::Subtract, ..Semantics::default() };
        match self {
            Self::Nir | Self::Norse => Semantics::default(),
            Self::Sinabs => Semantics { fires: Fires::AtLeast, multiple: true, floor: Some(1.0), ..subtract },
            Self::SnnTorch => Semantics { decay: 0.9, ..subtract },
            Self::SpikingJelly => Semantics { fires: Fires::AtLeast, ..Semantics::default() },
        }
    }

    /// Kinds of nodes that it does not import.
    fn unread(self) -> &'static [&'static str] {
        match self {
            Self::Nir => &[],
            Self::Sinabs | Self::Norse => &["AvgPool2d", "Conv1d"],
            // its IF hands on a pair of spikes and membranes, which no other node takes
            Self::SnnTorch => &["IF", "SumPool2d", "Conv1d"],
            Self::SpikingJelly => &["SumPool2d"],
        }
    }
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Faithful => "faithful",
            Self::Approximate => "approximate",
            Self::Unsupported => "unsupported",
        }
    }
}

impl Assessment {
    /// The verdict and its reasons.
    pub fn describe(&self) -> String {
        match self.reasons.as_slice() {
            [] => self.verdict.name().to_owned(),
            reasons => format!("{}, {}", self.verdict.name(), reasons.join("; ")),
        }
    }
}

/// The verdict of a target about a file.
pub fn assess(target: Target, facts: &Facts) -> Assessment {
    let mut assessment = Assessment { target, verdict: Verdict::Faithful, reasons: Vec::new(), adjustment: None };
    let unread: Vec<&str> = target.unread().iter().copied().filter(|kind| facts.kinds.contains(kind)).collect();
    if !unread.is_empty() {
        assessment.verdict = Verdict::Unsupported;
        assessment.reasons.push(format!("it does not run {}", unread.join(", ")));
        return assessment;
    }
    let mut found = |verdict: Verdict, reason: String| {
        assessment.verdict = assessment.verdict.max(verdict);
        assessment.reasons.push(reason);
    };
    let semantics = target.semantics();
    if facts.mixed {
        found(Verdict::Unsupported, "its populations differ in reset or comparison, which no importer is told".into());
    }
    let (here, there) = (facts.reset, semantics.reset);
    match (here, there) {
        (Some(Reset::Subtract), spikeconverter_nir::Reset::ToReset) => found(
            Verdict::Unsupported,
            "it resets to v_reset, this network by subtraction (diehl2015-data is a method that resets to zero)".into(),
        ),
        (Some(Reset::Zero), spikeconverter_nir::Reset::Subtract) => {
            found(Verdict::Unsupported, "it resets by subtraction, this network to zero".into());
        }
        _ => {}
    }
    if facts.sums && matches!(target, Target::Sinabs | Target::Norse) {
        let reason = "it runs a node that hears several before all of them have sent (shortcuts)";
        found(Verdict::Unsupported, reason.into());
    }
    if semantics.decay != 1.0 {
        found(Verdict::Unsupported, format!("its IF keeps {} of the membrane from step to step", semantics.decay));
    }
    if semantics.multiple {
        found(Verdict::Approximate, "its neurons send several spikes in a step".into());
    }
    if semantics.floor.is_some() {
        found(Verdict::Approximate, "its membranes do not fall below minus the threshold".into());
    }
    if facts.initial {
        found(Verdict::Approximate, "its membranes begin at 0; set them to metadata/spikeconverter/v_initial".into());
    }
    let there = if semantics.fires == Fires::AtLeast { Comparison::AtLeast } else { Comparison::Above };
    if facts.comparison != there {
        let words = if there == Comparison::Above {
            "it does not fire at the threshold itself"
        } else {
            "it fires at the threshold itself"
        };
        // membranes of real weights do not lie there
        assessment.reasons.push(format!("{words}, this network otherwise; that matters for weights with few digits"));
    }
    assessment.adjustment = adjustment(target, facts);
    assessment
}

/// What makes an imported network the one that was exported.
fn adjustment(target: Target, facts: &Facts) -> Option<Adjustment> {
    if facts.mixed {
        return None;
    }
    let soft = facts.reset == Some(Reset::Subtract);
    let code = match target {
        Target::Sinabs if soft && !facts.sums => {
            "if isinstance(m, sinabs.layers.IAFSqueeze): m.spike_fn, m.min_v_mem = sinabs.activation.SingleSpike, None"
        }
        Target::SpikingJelly if soft => "if isinstance(m, neuron.IFNode): m.v_reset = None",
        _ => return None,
    };
    let verdict = if facts.initial { Verdict::Approximate } else { Verdict::Faithful };
    Some(Adjustment { code: code.into(), verdict })
}
