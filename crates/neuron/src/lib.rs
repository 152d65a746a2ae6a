//! Neuron models: the equations, one file each, literally as their documentation states them. No tensors, no files.
//!
//! The reference engine runs these functions as they stand; faster engines are tested against it.

mod code;
mod comparison;
mod emission;
mod ilif;
mod integrate_fire;
mod negative;
mod online;
mod phase;
mod poisson;
mod rehearsal;
mod stream_coding;
mod stream_pool;
mod streaming;

pub use code::WindowCode;
pub use comparison::Comparison;
pub use emission::{Emission, Margin};
pub use ilif::{Ilif, NegativeBranch};
pub use integrate_fire::{IntegrateFire, Reset};
pub use negative::{MemoryGate, NegativeSpikes};
pub use online::{OnlineIlif, SignedTrain};
pub use phase::Phases;
pub use poisson::PoissonTrains;
pub use rehearsal::{Rehearsal, Rehearsed};
pub use stream_coding::StreamCoding;
pub use stream_pool::PoolRule;
pub use streaming::{StreamingNeuron, StreamingState};
