//! The neurons of a recipe.

use spikeconverter_graph::ops::MaxPool;
use spikeconverter_network::{Negative, NodeKind, Population, StreamingPool, StreamingPopulation, Transfer};
use spikeconverter_neuron::{Comparison, Emission, Margin, MemoryGate, Phases, PoolRule, Reset};

use super::draft::Decision;
use super::{NeuronRule, Recipe};
use crate::ConvertError;

/// The streaming population that stands for `population`, the node `name`.
pub(super) fn streaming(
    recipe: &Recipe,
    name: &str,
    population: &Population,
    decision: &Decision,
) -> Result<StreamingPopulation, ConvertError> {
    let refuse = |reason: String| ConvertError::Unsupported { node: name.to_owned(), op: "activation", reason };
    let negative = match &population.transfer {
        Transfer::Clip { low: Some(low), .. } if *low > 0.0 => {
            return Err(refuse(format!(
                "its values start at {low}, and spike trains at 0; use --method spikeconverter"
            )));
        }
        transfer if !transfer.is_signed() => relu(recipe.neuron),
        Transfer::Leaky { slope } => Negative::Slope { slope: slope.clone() },
        Transfer::Relu | Transfer::Clip { .. } => Negative::linear(),
    };
    if let (NeuronRule::Differential, Negative::Slope { slope }) = (recipe.neuron, &negative)
        && slope.iter().any(|&s| s != 1.0)
    {
        let reason = "differential coding takes no leaky activations; use another --neuron or --method";
        return Err(refuse(reason.to_owned()));
    }
    let levels = recipe.levels;
    Ok(StreamingPopulation {
        threshold: decision.threshold.clone(),
        initial: decision.initial.clone(),
        reset: match recipe.neuron {
            NeuronRule::HardReset => Reset::Zero,
            NeuronRule::Modulo => Reset::Modulo,
            _ => Reset::Subtract,
        },
        comparison: if recipe.strict { Comparison::Above } else { Comparison::AtLeast },
        emission: match recipe.neuron {
            NeuronRule::Burst => Emission::Burst { most: levels },
            NeuronRule::Augmented => Emission::Burst { most: StreamingPopulation::MOST_QUANTA },
            NeuronRule::Group => Emission::Group { members: levels },
            NeuronRule::MultiThreshold => Emission::Ladder { levels, margin: Margin::HalfQuantum },
            NeuronRule::Differential => Emission::Ladder { levels, margin: Margin::Share(0.75) },
            _ => Emission::Binary,
        },
        negative,
        phases: (recipe.neuron == NeuronRule::Weighted).then_some(Phases { period: levels }),
    })
}

/// What negative membranes of a ReLU do: most neurons keep what they sent, some take it back.
fn relu(neuron: NeuronRule) -> Negative {
    match neuron {
        NeuronRule::Ternary | NeuronRule::Augmented | NeuronRule::MultiThreshold | NeuronRule::Differential => {
            Negative::Memory(MemoryGate { share: 1.0, comparison: Comparison::AtLeast, low: 0, high: None })
        }
        _ => Negative::Never,
    }
}

/// Neurons that never fire, whose membranes are the sums of their input.
pub(super) fn probe() -> StreamingPopulation {
    StreamingPopulation { threshold: vec![f32::MAX], ..StreamingPopulation::default() }
}

/// A maximum that goes from step to step by a rule.
pub(super) fn max_pool(pool: &MaxPool, rule: PoolRule) -> NodeKind {
    NodeKind::StreamingPool(StreamingPool { pool: pool.clone(), rule })
}
