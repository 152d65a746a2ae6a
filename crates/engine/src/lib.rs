//! Runs networks. The only place with kernels.
//!
//! Two implementations of every operation stand side by side: [`literal`], one sample in `f64` as plain loops, which
//! is the definition; and [`kernels`], whole batches as fast as the machine allows, which must agree with it.

pub mod adjoint;
pub mod ann;
pub mod batch;
mod channels_last;
mod clock;
mod clocked;
mod connections;
pub mod cost;
mod engine;
mod error;
pub mod evaluation;
pub mod fan_out;
mod float;
mod folded;
mod integer;
pub mod kernels;
pub mod literal;
pub mod peak;
mod plan;
mod reference;
mod stability;
mod stream_input;
#[cfg(test)]
mod testing;
mod trace;

pub use ann::Ann;
pub use batch::Batch;
pub use clocked::ClockedEngine;
pub use engine::{Engine, SpikeCount, StepRecord, StreamingEngine, WatchStopped};
pub(crate) use engine::{check_samples, check_simulation, check_whole_windows, codes_count_spikes, is_binary};
pub use error::EngineError;
pub use evaluation::{Evaluation, EvaluationReport, Evaluator, TrainedResults};
pub use folded::{ChannelParameters, FoldedEngine, WindowGenerator, generate};
pub use integer::Isa;
pub use reference::ReferenceEngine;
pub use stability::{Stopped, UntilStable};
pub use trace::{Trace, Tracer, ann_result_with};
