//! From a trained network to a spiking network: the pre-flight check, the placement of populations, calibration, and
//! the table of conversion methods.

mod calibrate;
mod check;
mod error;
pub mod explain;
mod lower;
pub mod methods;
mod online;
mod options;
mod quantise;
mod report;
mod streaming;
mod threshold;

pub use check::{Findings, Placement, Refusal, check};
pub use error::ConvertError;
pub use methods::{FsNeurons, Method, MethodInfo, SpikeConverter, method, methods};
pub use options::{Base, Granularity, Options, WeightCalibration, Weights};
pub use report::{Conversion, LayerReport};
pub use streaming::{
    CalibrationRule, Combination, InitialRule, MaxPoolRule, NeuronRule, Part, Parts, RecipeInfo, RehearsalRule,
    ThresholdRule, combinations,
};
