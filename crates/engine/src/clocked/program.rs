//! What is done in which order: the network as stages, each of which runs through a block of steps.

use spikeconverter_graph::NodeId;

use super::fused::Fused;
use super::graded::Graded;
use super::layout::Layout;
use super::map::SparseMap;
use super::pool::Pool;
use super::positions::PositionMap;
use crate::kernels::Compiled;
use crate::kernels::events::EventSynapses;
use crate::kernels::fire::Neurons;

/// Steps that a layer runs through before the next does: enough for weights to be used again while they are in cache.
pub(super) const BLOCK: usize = 32;
/// Where values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The same in every step.
    Constant(NodeId),
    /// Spikes of a population.
    Train(NodeId),
    /// Values that several stages read: currents, and trains that are no bits.
    Shared(NodeId),
    /// An operation of the same stage, by its number.
    Own(usize),
}

/// What an input of an operation adds to its result.
pub(super) enum Term {
    Synapses(Box<EventSynapses>),
    Positions(PositionMap),
    Map(SparseMap),
    /// The first term of a sum with nothing constant in it, as it is.
    Same,
    /// Element by element: a factor for each element of a position, padding included.
    Scale(Vec<f32>),
}

/// An operation on each step's values.
pub(super) struct Operation {
    pub(super) node: NodeId,
    pub(super) layout: Layout,
    pub(super) work: Work,
}

pub(super) enum Work {
    /// The sum of a constant and a term for each input that changes.
    Sum { constant: Constant, terms: Vec<(Source, Term)> },
    /// A kernel, on values in row-major order; and its constants where they act in the first step only.
    Kernel { kernel: Compiled, inputs: Vec<(Source, Layout)>, first: Option<Vec<f32>> },
}

/// What an operation gives when nothing spikes.
pub(super) enum Constant {
    /// The same for all samples.
    Fixed(Vec<f32>),
    /// By the constant inputs of a sample.
    OfSample,
}

/// A piece of the network that runs through a block of steps at a time.
pub(super) struct Stage {
    pub(super) node: NodeId,
    /// In topological order; each is read by the next ones only.
    pub(super) operations: Vec<Operation>,
    /// The current of the neurons, or what is shared.
    pub(super) source: Source,
    pub(super) layout: Layout,
    pub(super) end: End,
    /// Steps that are computed at a time.
    pub(super) steps: usize,
    /// How all steps of a block are computed at once, where that is possible.
    pub(super) fused: Option<Fused>,
}

pub(super) enum End {
    Fire { neurons: Neurons, initial: Vec<f32> },
    Graded(Box<Graded>),
    Pool(Pool),
    Read { initial: Vec<f32>, skip: u32 },
    Share,
}

impl End {
    /// Whether all that it remembers of spikes is their number.
    pub(super) fn fires_bits(&self) -> bool {
        match self {
            Self::Fire { .. } | Self::Read { .. } | Self::Share => true,
            Self::Graded(_) | Self::Pool(_) => false,
        }
    }
}

/// The network, ready to run.
pub(super) struct Program {
    /// Kernels of what is computed once a sample, in row-major order; by node.
    pub(super) constants: Vec<Option<Compiled>>,
    /// Nodes whose value changes with the steps; what is computed once of these is their value when nothing spikes.
    pub(super) changes: Vec<bool>,
    pub(super) stages: Vec<Stage>,
    /// Kernels of what follows the read-outs.
    pub(super) heads: Vec<Option<Compiled>>,
}

impl Program {
    /// The stages of populations, in topological order.
    pub(super) fn populations(&self) -> impl Iterator<Item = &Stage> {
        self.stages.iter().filter(|stage| matches!(stage.end, End::Fire { .. } | End::Graded(_)))
    }
}
