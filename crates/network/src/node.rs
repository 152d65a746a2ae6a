use serde::{Deserialize, Serialize};
use spikeconverter_graph::ops::MaxPool;
use spikeconverter_graph::{NodeId, Op, Tensor};
use spikeconverter_neuron::StreamCoding;

use crate::encoding::Encoding;
use crate::streaming::Stream;
use crate::{Population, Simulation, StreamingPool, StreamingPopulation};

/// The result layer: accumulates like a population and never fires; its membrane at the end of its window is the
/// network's result; in a streaming network that membrane divided by the number of steps that were read.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Readout {
    /// Membrane potential injected with the first step: none (empty) or one for each entry of the first axis.
    pub initial: Vec<f32>,
    /// Steps of a streaming network that pass unread, so that layers have settled; less than all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_zero(steps: &u32) -> bool {
    *steps == 0
}

/// What a node of the network is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind<T = Tensor> {
    /// Where samples enter.
    Input(Encoding),
    /// An affine map that acts on each step's signal by itself. Its constants (biases) act in the first step of the
    /// listening population's window only, where the inverse leak scales them with the rest; in a streaming network they
    /// act in every step.
    Synapse(Op<T>),
    /// Spiking neurons: one stage of the pipeline.
    Population(Population),
    /// Spiking neurons of a streaming network.
    Streaming(StreamingPopulation),
    /// Maximum of spike trains, step by step: of the inputs in a window that have agreed with the result so far, the
    /// largest spike passes, and those that sent less drop out until the next image. For greedy codes of equal base and
    /// threshold the larger value has the lexicographically larger train, so this is the maximum, exactly. The builder
    /// refuses other codes within a channel.
    MaxPool(MaxPool),
    /// Maximum in a streaming network, of trains or of currents.
    StreamingPool(StreamingPool),
    /// The membranes that are the network's result.
    Readout(Readout),
    /// What is computed from the result without spikes: softmax and the like.
    Head(Op<T>),
}

/// What travels from a node to its readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Spike trains: each step, each neuron sends `θ·s` with `s` in −1, 0, 1.
    Train,
    /// A weighted sum of spikes, or an analog input.
    Current,
    /// A number, once.
    Value,
}

impl<T> NodeKind<T> {
    /// The thresholds of a population of either kind: one, one a channel or (streaming only) one a neuron; `None` for other
    /// nodes.
    pub fn thresholds(&self) -> Option<&[f32]> {
        match self {
            Self::Population(population) => Some(&population.threshold),
            Self::Streaming(population) => Some(&population.threshold),
            _ => None,
        }
    }

    /// Smallest and largest threshold of a population of either kind.
    pub fn threshold_range(&self) -> Option<(f32, f32)> {
        let range = |(low, high): (f32, f32), &t: &f32| (low.min(t), high.max(t));
        Some(self.thresholds()?.iter().fold((f32::INFINITY, 0.0), range))
    }

    /// Base of the code of a population of either kind; 1 is a rate code.
    pub fn base(&self) -> Option<f32> {
        match self {
            Self::Population(population) => Some(population.base),
            Self::Streaming(_) => Some(1.0),
            _ => None,
        }
    }

    /// Steps in which it sends, in a network of `steps` time steps: those of a population's window, all of a stream.
    pub fn window(&self, steps: u32) -> u32 {
        if let Self::Population(population) = self { population.window(steps) } else { steps }
    }

    /// Whether it is a population that can send negative spikes, in a network whose wires carry `coding`.
    pub fn is_signed(&self, coding: StreamCoding) -> bool {
        match self {
            Self::Population(population) => population.is_signed(),
            Self::Streaming(population) => population.is_signed(coding),
            _ => false,
        }
    }

    /// Sizes that a spike can have, without its sign; 0 where there are no spikes.
    pub fn spike_sizes(&self) -> u32 {
        match self {
            Self::Population(_) => 1,
            Self::Streaming(population) => population.emission.sizes(),
            _ => 0,
        }
    }
}

/// A node of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The name of the node of the trained network that it stands for.
    pub name: String,
    /// What it is.
    pub kind: NodeKind,
    /// The nodes it reads, each before this one.
    pub inputs: Vec<NodeId>,
    /// Shape of its result, per sample.
    pub shape: Vec<usize>,
    /// What its readers receive.
    pub signal: Signal,
}

impl Readout {
    pub(crate) fn check(&self, channels: usize, simulation: Simulation, stream: Stream) -> Result<(), String> {
        if !self.initial.is_empty() && self.initial.len() != channels {
            return Err(format!("{} initial potentials for {channels} entries", self.initial.len()));
        }
        if self.initial.iter().any(|v| !v.is_finite()) {
            return Err("an initial membrane potential is not a number".into());
        }
        match self.skip {
            0 => Ok(()),
            _ if simulation == Simulation::Window => Err("a windowed network has no steps that pass unread".into()),
            _ if stream.coding == StreamCoding::Differential => {
                Err("in differential coding every step counts; read all".into())
            }
            skip if skip >= stream.steps => Err(format!("{skip} of {} steps pass unread", stream.steps)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_pass_unread_are_checked() {
        let check = |skip, simulation, coding| {
            Readout { skip, ..Readout::default() }
                .check(1, simulation, Stream { steps: 4, coding, rehearsal: None })
                .is_ok()
        };
        assert!(check(3, Simulation::Stream, StreamCoding::Rate) && check(3, Simulation::Stream, StreamCoding::Switch));
        assert!(!check(4, Simulation::Stream, StreamCoding::Rate));
        assert!(!check(1, Simulation::Stream, StreamCoding::Differential));
        assert!(check(0, Simulation::Window, StreamCoding::Rate) && !check(1, Simulation::Window, StreamCoding::Rate));
    }
}
