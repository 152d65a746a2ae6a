//! Runs networks. The only place with kernels.
//!
//! Two implementations of every operation stand side by side: [`literal`], one sample in `f64` as plain loops, which
//! is the definition; and [`kernels`], whole batches as fast as the machine allows, which must agree with it.
//!
//! A neuron with weights 1 and −½, a window of 4 steps: the literal simulation and the engine that folds windows send the same.
//!
//! ```
//! use spikeconverter_engine::{Batch, Engine, FoldedEngine, ReferenceEngine};
//! # use spikeconverter_graph::Tensor;
//! # use spikeconverter_graph::ops::{Linear, Op};
//! # use spikeconverter_network::{Encoding, NetworkBuilder, NodeKind, Population, Readout};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let neurons = Population {
//! #     ..Population::default()
//! # };
//! # let mut builder = NetworkBuilder::new(4, "x", vec![2], Encoding::Analog)?;
//! # let weight = Tensor::new(vec![1, 2], vec![1.0, -0.5])?;
//! # let linear = NodeKind::Synapse(Op::Linear(Linear { weight, bias: None }));
//! # let currents = builder.add("fc", linear, &[builder.input()])?;
//! # let spikes = builder.add("relu", NodeKind::Population(neurons), &[currents])?;
//! # let weight = Tensor::new(vec![1, 1], vec![1.0])?;
//! # let result = builder.add("last", NodeKind::Synapse(Op::Linear(Linear { weight, bias: None })), &[spikes])?;
//! # let readout = builder.add("readout", NodeKind::Readout(Readout::default()), &[result])?;
//! # let network = builder.finish(readout)?;
//! let samples = Batch::new(2, vec![2], vec![1.5, 1.0, 0.5, 2.0])?;
//! let engines: [Box<dyn Engine>; 2] = [Box::new(FoldedEngine::new(&network)?), Box::new(ReferenceEngine::new(&network))];
//! for engine in engines {
//!     let mut codes = Vec::new();
//!     let results = engine.run(&samples, &mut |_, shown| codes.extend_from_slice(shown.data()))?;
//!     // 1 is the train 1000, its first spike the largest; −½ is silence
//!     assert_eq!((results.data(), codes), (&[1.0, 0.0][..], vec![0b1000, 0]), "{}", engine.name());
//! }
//! # Ok(())
//! # }
//! ```

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
pub use clocked::{ClockedEngine, ShowStep, Tape, TapedEngine};
pub use engine::{Engine, SpikeCount, StepRecord, StreamingEngine, WatchStopped};
pub(crate) use engine::{check_samples, check_simulation, check_whole_windows, codes_count_spikes, is_binary};
pub use error::EngineError;
pub use evaluation::{Evaluation, EvaluationReport, Evaluator, TrainedResults};
pub use folded::{ChannelParameters, FoldedEngine, WindowGenerator, generate};
pub use integer::Isa;
pub use reference::ReferenceEngine;
pub use stability::{Stopped, UntilStable};
pub use trace::{Trace, Tracer, ann_result_with};
