use serde::{Deserialize, Serialize};
use spikeconverter_graph::volume;
use spikeconverter_neuron::{
    Comparison, Emission, Margin, MemoryGate, NegativeSpikes, Phases, Rehearsal, Reset, StreamCoding, StreamingNeuron,
    WindowCode,
};

use crate::population::check_parameters;

/// A population of neurons that listens and fires in every step; [`StreamingNeuron`] has the equations. Spikes come in
/// quanta (of `θ`, unless the emission divides it), so that the mean of what is sent in a step is the activation it stands
/// for: in its simplest form a ReLU clipped at `θ`.
///
/// Neurons are grouped in channels, the first axis of the population's shape.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamingPopulation {
    /// Threshold `θ > 0` in units of the activation: one, one a channel, or one a neuron.
    pub threshold: Vec<f32>,
    /// What becomes of the membrane when a neuron fires.
    pub reset: Reset,
    /// Membrane potential before the first step, in units of the activation: none (empty: 0), one, one a channel, or one a
    /// neuron.
    pub initial: Vec<f32>,
    /// Whether the threshold itself fires.
    #[serde(default, skip_serializing_if = "is_default")]
    pub comparison: Comparison,
    /// What can be sent in a step.
    #[serde(default, skip_serializing_if = "is_default")]
    pub emission: Emission,
    /// What negative membranes do.
    #[serde(default, skip_serializing_if = "is_default")]
    pub negative: Negative,
    /// Phases that spikes are weighted by.
    #[serde(default, skip_serializing_if = "is_default")]
    pub phases: Option<Phases>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What negative membranes of a streaming population do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Negative {
    /// Nothing: a ReLU.
    #[default]
    Never,
    /// They fire at `θ/|slope|`, which transmits `slope` times the membrane, as [`NegativeSpikes::Slope`] says.
    Slope {
        /// One, or one a channel; 0 never fires. Slope 1 is a linear population.
        slope: Vec<f32>,
    },
    /// They take back what was sent: a ReLU that corrects itself.
    Memory(MemoryGate),
}

impl Negative {
    /// A population without nonlinearity: signed spikes transmit the membrane itself.
    pub fn linear() -> Self {
        Self::Slope { slope: vec![1.0] }
    }
}

/// What is known of a streaming network besides a population.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stream {
    pub(crate) steps: u32,
    pub(crate) coding: StreamCoding,
    pub(crate) rehearsal: Option<Rehearsal>,
}

impl StreamingPopulation {
    /// Most quanta of a step.
    pub const MOST_QUANTA: u32 = 1 << 12;
    /// Most steps of a period of phases.
    pub const LONGEST_PERIOD: u32 = 16;

    /// The model of neuron number `neuron` (in row-major order) of a population of shape `shape`, in a network whose wires
    /// carry `coding`.
    pub fn neuron(&self, neuron: usize, shape: &[usize], coding: StreamCoding) -> StreamingNeuron {
        StreamingNeuron {
            threshold: f64::from(self.threshold(neuron, shape)),
            reset: self.reset,
            comparison: self.comparison,
            emission: self.emission,
            negative: match &self.negative {
                Negative::Never => NegativeSpikes::Never,
                Negative::Slope { slope } => match of_neuron(slope, neuron, shape) {
                    0.0 => NegativeSpikes::Never,
                    slope => NegativeSpikes::Slope(f64::from(slope)),
                },
                Negative::Memory(gate) => NegativeSpikes::Memory(MemoryGate {
                    share: f64::from(gate.share),
                    comparison: gate.comparison,
                    low: gate.low,
                    high: gate.high,
                }),
            },
            phases: self.phases,
            coding,
        }
    }

    /// Threshold of a neuron of a population of shape `shape`.
    pub fn threshold(&self, neuron: usize, shape: &[usize]) -> f32 {
        of_neuron(&self.threshold, neuron, shape)
    }

    /// Membrane potential of a neuron before the first step.
    pub fn initial(&self, neuron: usize, shape: &[usize]) -> f32 {
        if self.initial.is_empty() { 0.0 } else { of_neuron(&self.initial, neuron, shape) }
    }

    /// Whether each spike of a channel is the same, a spike or none in a step, so that a train is its bits.
    pub fn is_binary(&self, shape: &[usize], coding: StreamCoding) -> bool {
        self.emission == Emission::Binary
            && self.negative == Negative::Never
            && self.phases.is_none()
            && coding == StreamCoding::Rate
            && self.threshold.len() <= channels(shape)
    }

    /// Whether some of its spikes can be negative.
    pub fn is_signed(&self, coding: StreamCoding) -> bool {
        match &self.negative {
            Negative::Never => coding != StreamCoding::Rate,
            Negative::Slope { slope } => coding != StreamCoding::Rate || slope.iter().any(|&s| s != 0.0),
            Negative::Memory(_) => true,
        }
    }

    /// What one unit of the codes that engines show stands for in the activation of a neuron, over `steps` steps. (In
    /// differential coding quanta count by the step they come in, and no code says what was transmitted.)
    pub fn unit(&self, neuron: usize, shape: &[usize], steps: u32) -> f64 {
        let quantum = f64::from(self.threshold(neuron, shape)) * self.emission.quantum();
        quantum * self.phases.map_or(1.0, Phases::unit) / f64::from(steps)
    }

    /// What a quantum of step `t` counts in these codes: 1, or the binary digit of its phase.
    pub fn code_weight(&self, t: u32) -> i32 {
        self.phases.map_or(1, |phases| 1 << phases.digit(t))
    }

    /// The code of the largest train.
    pub fn largest_code(&self, steps: u32) -> u64 {
        let weights: u64 = match self.phases {
            None => u64::from(steps),
            Some(_) => (1..=steps).map(|t| self.code_weight(t) as u64).sum(),
        };
        weights * u64::from(self.emission.largest())
    }

    /// The code of its trains in a simulation of `steps` time steps: a rate code.
    pub fn code(&self, steps: u32) -> WindowCode {
        WindowCode { base: 1.0, steps }
    }

    /// The neuron in words.
    pub fn describe(&self, coding: StreamCoding) -> String {
        let mut words = vec![match &self.negative {
            Negative::Never | Negative::Memory(_) => "relu".to_owned(),
            Negative::Slope { slope } => match slope.as_slice() {
                [1.0] => "linear".to_owned(),
                [slope] => format!("leaky {slope}"),
                slopes => format!("leaky, {} slopes", slopes.len()),
            },
        }];
        words.push(match self.reset {
            Reset::Subtract => "reset by subtraction".to_owned(),
            Reset::Zero => "reset to zero".to_owned(),
            Reset::Modulo => "reset modulo".to_owned(),
        });
        if self.comparison == Comparison::Above {
            words.push("fires above the threshold".to_owned());
        }
        match self.emission {
            Emission::Binary => {}
            Emission::Burst { most } => words.push(format!("bursts of up to {most}")),
            Emission::Group { members } => words.push(format!("groups of {members}")),
            Emission::Ladder { levels, .. } => words.push(format!("{levels} levels")),
        }
        if let Negative::Memory(gate) = &self.negative {
            let high = gate.high.map_or(String::new(), |high| format!("..{high}"));
            words.push(format!("takes spikes back down to {}{high}", gate.low));
        }
        if let Some(phases) = self.phases {
            words.push(format!("weighted spikes of period {}", phases.period));
        }
        if coding != StreamCoding::Rate {
            words.push(format!("{} coding", coding.name()));
        }
        words.join(", ")
    }

    /// Checks all parameters for neurons of shape `shape`.
    pub(crate) fn check(&self, shape: &[usize], stream: Stream) -> Result<(), String> {
        let (channels, neurons) = (channels(shape), volume(shape));
        check_parameters(&self.threshold, &self.initial, channels, Some(neurons))?;
        self.check_emission()?;
        self.check_negative(channels, stream.coding)?;
        if let Some(Phases { period }) = self.phases {
            if !(1..=Self::LONGEST_PERIOD).contains(&period) {
                return Err(format!("phases of period {period}; 1 to {} are supported", Self::LONGEST_PERIOD));
            }
            if matches!(self.negative, Negative::Memory(_)) || stream.coding != StreamCoding::Rate {
                return Err("phases go with neither a memory of what was sent nor another coding than rates".into());
            }
        }
        let offsets = matches!(stream.rehearsal, Some(Rehearsal::OffsetSpikes { .. }));
        let takes_back = matches!(self.negative, Negative::Memory(_));
        let plain = self.emission == Emission::Binary && self.phases.is_none() && !takes_back;
        if offsets && !(plain && self.reset == Reset::Subtract) {
            return Err(
                "offset spikes are corrected of populations that fire once a step, reset by subtraction, and take nothing back"
                    .into(),
            );
        }
        if self.largest_code(stream.steps) > i32::MAX as u64 {
            return Err(format!("sends more than {} quanta in {} steps; lower one of them", i32::MAX, stream.steps));
        }
        Ok(())
    }

    fn check_emission(&self) -> Result<(), String> {
        let counted = |what: &str, n: u32, most: u32| {
            if (1..=most).contains(&n) { Ok(()) } else { Err(format!("{what} {n}; 1 to {most} are supported")) }
        };
        match self.emission {
            Emission::Binary => Ok(()),
            Emission::Burst { most } => counted("bursts of up to", most, Self::MOST_QUANTA),
            Emission::Group { members } => counted("neurons in a group:", members, Self::MOST_QUANTA),
            Emission::Ladder { levels, margin } => {
                counted("levels:", levels, Self::MOST_QUANTA.ilog2() + 1)?;
                match margin {
                    Margin::Share(share) if !(share > 0.0 && share <= 1.0) => {
                        Err(format!("a level's margin of {share}, which lies outside (0, 1]"))
                    }
                    _ if self.reset == Reset::Modulo => {
                        Err("reset modulo wants one threshold; use reset by subtraction with several levels".into())
                    }
                    _ => Ok(()),
                }
            }
        }
    }

    fn check_negative(&self, channels: usize, coding: StreamCoding) -> Result<(), String> {
        match &self.negative {
            Negative::Slope { slope } => {
                if slope.len() != 1 && slope.len() != channels {
                    return Err(format!("{} slopes for {channels} channels", slope.len()));
                }
                if slope.iter().any(|s| !s.is_finite()) {
                    return Err("a slope is not a number".into());
                }
                if slope.iter().any(|&s| s != 0.0 && self.threshold.iter().any(|t| t / s.abs() == 0.0)) {
                    return Err("a slope is so steep that its negative threshold is 0".into());
                }
                if coding == StreamCoding::Differential && slope.iter().any(|&s| s != 1.0) {
                    return Err("differential coding takes ReLU and linear populations, no other slopes".into());
                }
                Ok(())
            }
            Negative::Memory(gate) => {
                if !(gate.share.is_finite() && gate.share >= 0.0) {
                    return Err(format!("a negative threshold of {} times the positive one", gate.share));
                }
                if gate.high.is_some_and(|high| high < gate.low) {
                    return Err(format!("between {} and {:?} quanta to be sent", gate.low, gate.high));
                }
                if gate.share != 1.0 && matches!(self.emission, Emission::Ladder { .. }) {
                    return Err("levels have the same thresholds on both sides".into());
                }
                Ok(())
            }
            Negative::Never if coding == StreamCoding::Differential => {
                Err("differential coding needs negative spikes, which lower what was sent before".into())
            }
            Negative::Never => Ok(()),
        }
    }
}

/// Channels of a shape: its first axis.
fn channels(shape: &[usize]) -> usize {
    shape.first().copied().unwrap_or(1)
}

/// The entry of a neuron in a list of one entry, one a channel, or one a neuron.
fn of_neuron(values: &[f32], neuron: usize, shape: &[usize]) -> f32 {
    let inner: usize = shape.iter().skip(1).product();
    match values {
        [only] => *only,
        each if each.len() == channels(shape) => each[neuron / inner.max(1)],
        each => each[neuron],
    }
}

#[cfg(test)]
mod tests;
