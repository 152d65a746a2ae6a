//! Runs networks. The only place with kernels.
//!
//! Two implementations of every operation stand side by side: [`literal`], one sample in `f64` as plain loops, which
//! is the definition; and [`kernels`], whole batches as fast as the machine allows, which must agree with it.

pub mod ann;
pub mod batch;
mod clocked;
pub mod cost;
mod engine;
mod error;
pub mod evaluation;
pub mod fan_out;
mod folded;
mod integer;
pub mod kernels;
pub mod literal;
mod plan;
mod reference;
mod stream_input;
#[cfg(test)]
mod testing;

pub use ann::Ann;
pub use batch::Batch;
pub use clocked::ClockedEngine;
pub use engine::{Engine, SpikeCount, StepRecord, StreamingEngine};
pub(crate) use engine::{check_samples, check_simulation, codes_count_spikes, is_binary};
pub use error::EngineError;
pub use evaluation::{Evaluation, EvaluationReport, Evaluator};
pub use folded::{ChannelParameters, FoldedEngine, WindowGenerator, generate};
pub use reference::ReferenceEngine;
