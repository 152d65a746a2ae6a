//! Neuron models: the equations, one file each, literally as their documentation states them. No tensors, no files.
//!
//! The reference engine runs these functions as they stand; faster engines are tested against it.
//!
//! A window of [`Ilif`], `θ = 1`, `k = 2`, `T = 4`: inputs that sum to ½ leave as the train 0100, which reads `0·1 + 1·½`.
//!
//! ```
//! use spikeconverter_neuron::{Comparison, Ilif};
//!
//! let neuron = Ilif { base: 2.0, threshold: 1.0, negative: None, comparison: Comparison::AtLeast };
//! let heard = [0.5, 0.0, -0.25, 0.5].into_iter().fold(0.0, |u, input| neuron.accumulate(u, input));
//! assert_eq!(heard, 4.0);
//!
//! let mut v = heard / 8.0; // the hand-over: k^(T-1)
//! let train = [(); 4].map(|()| {
//!     let (spike, after) = neuron.generate(v);
//!     v = after;
//!     spike
//! });
//! assert_eq!((train, v), ([0, 1, 0, 0], 0.0));
//! ```

mod code;
mod comparison;
mod emission;
mod ilif;
mod integrate_fire;
mod negative;
mod phase;
mod poisson;
mod rehearsal;
mod signed;
mod stream_coding;
mod stream_pool;
mod streaming;

pub use code::WindowCode;
pub use comparison::Comparison;
pub use emission::{Emission, Margin};
pub use ilif::{Ilif, NegativeBranch};
pub use integrate_fire::{IntegrateFire, Reset};
pub use negative::{MemoryGate, NegativeSpikes};
pub use phase::Phases;
pub use poisson::PoissonTrains;
pub use rehearsal::{Rehearsal, Rehearsed};
pub use signed::{SignedIlif, SignedTrain};
pub use stream_coding::StreamCoding;
pub use stream_pool::PoolRule;
pub use streaming::{StreamingNeuron, StreamingState};
