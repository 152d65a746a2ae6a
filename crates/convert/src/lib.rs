//! From a trained network to a spiking network: the pre-flight check, the placement of populations, calibration, and
//! the table of conversion methods.

mod calibrate;
mod check;
mod error;
pub mod explain;
mod lower;
mod methods;
mod options;
mod quantise;
mod report;
mod threshold;

pub use check::{Findings, Placement, Refusal, check};
pub use error::ConvertError;
pub use methods::{Method, MethodInfo, Rueckauer2017, SpikeConverter, method, methods};
pub use options::{Base, Granularity, Options, WeightCalibration, Weights};
pub use report::{Conversion, LayerReport};
