//! From a trained network to a spiking network: the pre-flight check, the placement of populations, calibration, and
//! the table of conversion methods.
//!
//! A small network, converted on a few samples of its input:
//!
//! ```
//! use spikeconverter_convert::{Options, method};
//! use spikeconverter_engine::{Ann, Batch, Engine, FoldedEngine};
//! use spikeconverter_graph::ops::{Activation, Linear, Op};
//! use spikeconverter_graph::{GraphBuilder, Tensor};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let linear = |shape, weights| Ok::<_, Box<dyn std::error::Error>>(Op::Linear(Linear {
//!     weight: Tensor::new(shape, weights)?,
//!     bias: None,
//! }));
//! let mut builder = GraphBuilder::new();
//! let x = builder.input("x", vec![2])?;
//! let sums = builder.add("fc1", linear(vec![3, 2], vec![1.0, -1.0, 0.5, 0.25, -1.0, 1.0])?, &[x])?;
//! let relu = builder.add("relu", Op::Activation(Activation::Relu), &[sums])?;
//! let result = builder.add("fc2", linear(vec![2, 3], vec![1.0, -0.5, 0.0, 0.5, 1.0, -1.0])?, &[relu])?;
//! let trained = builder.finish(vec![result])?;
//!
//! let samples = Batch::new(4, vec![2], vec![0.1, 0.9, 0.7, 0.2, 1.0, 0.4, 0.3, 0.3])?;
//! let options = Options { time_steps: 12, ..Options::default() };
//! let method = method("spikeconverter").expect("it is in the table");
//! let converted = method.convert(&trained, &samples, &options, &mut |_, _| Ok(()))?;
//! assert_eq!(converted.layers[0].name, "relu");
//!
//! let wanted = &Ann::new(&trained)?.run(&[samples.clone()])?[0];
//! let found = FoldedEngine::new(&converted.network)?.infer(&samples)?;
//! for (spiking, trained) in found.data().iter().zip(wanted.data()) {
//!     assert!((spiking - trained).abs() < 1e-3, "{spiking} for {trained}");
//! }
//! # Ok(())
//! # }
//! ```

mod calibrate;
mod check;
mod copies;
mod error;
pub mod explain;
mod hasten;
mod lower;
pub mod methods;
mod online;
mod options;
mod quantise;
mod report;
mod streaming;
mod threshold;
mod trial;
mod windows;

pub use check::{Findings, Placement, Refusal, check};
pub use error::ConvertError;
pub use methods::{FsNeurons, Method, MethodInfo, SpikeConverter, method, methods};
pub use options::{Base, Granularity, Options, WeightCalibration, Weights};
pub use report::{Conversion, LayerReport};
pub use streaming::{
    CalibrationRule, Combination, InitialRule, MaxPoolRule, NeuronRule, Part, Parts, RecipeInfo, RehearsalRule,
    ThresholdRule, combinations,
};
pub use windows::{least_window_latency, window_latency};
