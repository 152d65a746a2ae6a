//! From files to results: open a model, check it, convert it, evaluate and explain what came out, compare methods,
//! search for the cheapest within a bound.
//!
//! The command line calls these functions and shows what they return. Nothing here prints, parses
//! arguments or knows a terminal; long work reports its progress to a callback.
//!
//! ```
//! use std::path::Path;
//!
//! use spikeconverter_data::{Dataset, OpenOptions, Preprocessing};
//! use spikeconverter_pipeline::{ConvertRequest, EvaluateRequest, Model, convert, evaluate};
//!
//! # fn main() -> Result<(), spikeconverter_pipeline::Error> {
//! let model = Model::open(Path::new("../../demo/digits.onnx"), None)?;
//! let train = Dataset::open("../../demo/digits-train.npz", &OpenOptions::default())?;
//! let preprocessing = Preprocessing { scale: Some(1.0 / 16.0), ..Preprocessing::default() };
//! let converted = convert(&ConvertRequest::new(&model, &train, preprocessing), &mut |_| ())?;
//! // converted.file.save(Path::new("net.snn"))? keeps it
//!
//! let options = OpenOptions { limit: Some(200), ..OpenOptions::default() };
//! let test = Dataset::open("../../demo/digits-test.npz", &options)?;
//! let result = evaluate(&EvaluateRequest::new(&converted.file, Path::new("net.snn"), &test), &mut |_| ())?;
//! assert!(result.report.agreement > 0.99);
//! # Ok(())
//! # }
//! ```

mod advice;
mod calibration;
mod check;
mod compare;
mod convert;
mod describe;
mod error;
mod evaluate;
mod explain;
mod export;
mod feed;
mod kind;
mod memory;
mod model;
mod nir;
mod pairs;
mod progress;
mod recording;
mod run;
mod search;
mod stop;
mod trains;

pub use advice::Advice;
pub use calibration::Calibration;
pub use check::{CheckReport, CheckTotals, InputSummary, NodeVerdict, Verdict, check};
pub use compare::{
    Cell, CellResult, CompareProgress, CompareRequest, Comparison, FIGURES, Fronts, Measured, Raster, RasterLayer, Row,
    SampleSet, Setting, Skipped, SpikeTrain, compare, fronts,
};
pub use convert::{ConvertReport, ConvertRequest, Converted, DataSummary, ScheduleSummary, convert};
pub use describe::{Description, LayerDescription, describe};
pub use error::Error;
pub use evaluate::{EngineChoice, EvaluateRequest, Evaluated, evaluate, evaluate_parts};
pub use explain::{ExplainReport, ExplainRequest, explain};
pub use export::{ExportFormat, ExportOptions, ExportReport, ExportTarget, export};
pub use feed::{SampleFeed, settle};
pub use kind::ErrorKind;
pub use memory::{peak_bytes, peak_values};
pub use model::Model;
pub use nir::{
    NirDescription, NirLayer, NirNode, NirRecord, NirReport, NirRequest, NirRun, NirSpikes, describe_nir, evaluate_nir,
    is_nir, record_nir, run_nir,
};
pub use progress::{Phase, Progress};
pub use recording::{LayerRecording, RecordRequest, Recording, Spikes};
pub use run::Runner;
pub use search::{
    Candidate, Chosen, Figures, Interval, Objective, Search, SearchProgress, SearchRequest, SearchSetting, Trial,
    TrialResult, search,
};
pub use spikeconverter_convert::explain::{ErrorParts, Explanation, FiringRates, LayerExplanation, Sample};
pub use spikeconverter_engine::{Evaluation, EvaluationReport, UntilStable};
pub use spikeconverter_export as formats;

/// What every fallible function of this crate returns.
pub type Result<T> = std::result::Result<T, Error>;
