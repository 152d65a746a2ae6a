//! Networks of real numbers in one pass, for trained networks and for windows of spiking ones.
//!
//! Maps lie channels last with a halo of zeros. A layer is a sum with all that reaches it, convolutions, shortcuts and
//! constants, and what becomes of the sum, an activation or the window of a population; it runs as one kernel, and only
//! its result reaches memory. What has no kernel here runs on those of [`kernels`](crate::kernels), channels first.

mod channelwise;
mod compile;
mod dense;
mod finish;
mod layer;
mod packed;
mod pool;
mod positions;
mod program;
mod simd;
mod terms;
#[cfg(test)]
mod tests;
mod tile;

use spikeconverter_graph::ops::MaxPool;
use spikeconverter_graph::{NodeId, Op};
use spikeconverter_network::Population;

pub(crate) use self::program::{Memory, Part, Program};

/// A node of a network, trained or spiking.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind<'a>,
    pub(crate) inputs: &'a [NodeId],
    /// Per-sample shape of its result.
    pub(crate) shape: &'a [usize],
}

/// What a node computes.
#[derive(Clone, Copy)]
pub(crate) enum Kind<'a> {
    /// Samples enter.
    Input,
    Op(&'a Op),
    MaxPool(&'a MaxPool),
    /// A window: decoded trains of membranes.
    Population(&'a Population),
    /// Membranes as they are, with initial potentials of the channels.
    Readout(&'a [f32]),
}
