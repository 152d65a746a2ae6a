use serde::{Deserialize, Serialize};
use spikeconverter_convert::{LayerReport, Options};
use spikeconverter_engine::EvaluationReport;

use super::fronts;
use super::{Fronts, Raster, Setting};

/// What is measured of a cell, by the names that tables give it. Spikes, SynOps (synaptic operations) and energy are of a
/// sample.
pub const FIGURES: [&str; 8] =
    ["latency", "accuracy", "gap", "agreement", "spikes/neuron", "bits/spike", "SynOps", "energy"];

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What all cells have in common.
    pub setting: Setting,
    /// Methods that were left out.
    pub skipped: Vec<Skipped>,
    /// The cells, method by method in the order of the table of methods, each in ascending `T`.
    pub cells: Vec<Cell>,
}

/// A method that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    /// Its name.
    pub method: String,
    /// Why.
    pub reason: String,
}

/// A method at a `T`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The method's name.
    pub method: String,
    /// `T`: the window length, or the steps of a streaming simulation.
    pub time_steps: u32,
    /// Seconds that conversion and evaluation took.
    pub seconds: f64,
    /// What came of it.
    pub result: CellResult,
}

/// What came of a cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CellResult {
    /// It was converted and evaluated.
    Measured(Box<Measured>),
    /// It could not be: why.
    Failed(String),
}

/// A cell's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The evaluation, as `eval` reports it.
    pub evaluation: EvaluationReport,
    /// The method's options.
    pub options: Options,
    /// Seconds that the conversion took.
    pub conversion_seconds: f64,
    /// What the conversion decided for each population, in topological order.
    pub layers: Vec<LayerReport>,
    /// Some neurons' spikes on the chosen samples.
    pub rasters: Vec<Raster>,
}

impl Measured {
    /// What methods are ranked by: accuracy, or agreement with the trained network where samples have no labels.
    pub fn score(&self) -> f64 {
        self.evaluation.snn_accuracy.unwrap_or(self.evaluation.agreement)
    }
}

impl Cell {
    /// Its figures, if it has any.
    pub fn measured(&self) -> Option<&Measured> {
        match &self.result {
            CellResult::Measured(measured) => Some(measured),
            CellResult::Failed(_) => None,
        }
    }
}

/// A cell in one piece, as programs read it.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub enum Row<'a> {
    /// With its figures.
    Measured {
        /// The evaluation.
        #[serde(flatten)]
        evaluation: &'a EvaluationReport,
        /// The method's options.
        options: &'a Options,
        /// Seconds that the conversion took.
        conversion_seconds: f64,
        /// Seconds that conversion and evaluation took.
        seconds: f64,
        /// Where it stands among the others.
        fronts: Fronts,
    },
    /// Without: why.
    Failed {
        /// The method's name.
        method: &'a str,
        /// `T`.
        time_steps: u32,
        /// Why.
        error: &'a str,
    },
}

impl Comparison {
    /// The cells, each in one piece.
    pub fn rows(&self) -> Vec<Row<'_>> {
        let row = |(cell, fronts)| {
            let Cell { method, time_steps, seconds, result }: &Cell = cell;
            match result {
                CellResult::Measured(measured) => Row::Measured {
                    evaluation: &measured.evaluation,
                    options: &measured.options,
                    conversion_seconds: measured.conversion_seconds,
                    seconds: *seconds,
                    fronts,
                },
                CellResult::Failed(error) => Row::Failed { method, time_steps: *time_steps, error },
            }
        };
        self.cells.iter().zip(self.fronts()).map(row).collect()
    }

    /// Which cells are on the Pareto fronts and which is the best, cell by cell.
    pub fn fronts(&self) -> Vec<Fronts> {
        fronts(&self.cells)
    }

    /// The cells without figures: those of one method and reason together, with their numbers of steps.
    pub fn failures(&self) -> Vec<(&str, Vec<u32>, &str)> {
        let mut failures: Vec<(&str, Vec<u32>, &str)> = Vec::new();
        for cell in &self.cells {
            let CellResult::Failed(reason) = &cell.result else { continue };
            match failures.last_mut().filter(|last| last.0 == cell.method && last.2 == reason) {
                Some(last) => last.1.push(cell.time_steps),
                None => failures.push((&cell.method, vec![cell.time_steps], reason)),
            }
        }
        failures
    }
}
