//! Integer networks in one pass a window, exactly: 8-bit codes times 8-bit weights, sums of 32 bits, and codes again.
//!
//! A window's train is its code, accumulation is linear, and generation in base 2 is an integer division, so that all
//! that the reference engine does in `f64` with the integers of such a network (see
//! [`SpikingNetwork::is_integer`](spikeconverter_network::SpikingNetwork::is_integer)) is done here in bytes, to the same
//! result in every spike. A layer's synapses, its shortcut and its neurons run as one kernel, and only its codes, one
//! byte a neuron, reach memory. What no kernel takes runs in `f64` as the reference engine computes it.

mod bound;
mod codes;
mod columns;
mod compile;
mod dense;
mod depthwise;
mod geometry;
mod isa;
mod layer;
mod layout;
mod neuron;
mod pack;
mod phases;
mod places;
mod pool;
mod program;
mod route;
mod rule;
mod terms;
mod tile;
mod whole;
mod winograd;
mod words;

pub(crate) use self::codes::Codes;
pub use self::isa::Isa;
pub(crate) use self::program::{Memory, Program};
