//! `spikeconverter compare`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use spikeconverter_convert::Options;
use spikeconverter_data::Split;
use spikeconverter_network::Simulation;
use spikeconverter_pipeline::{
    Calibration, Cell, CellResult, CompareRequest, Comparison, EvaluationReport, FIGURES, Fronts, Model, compare,
};

use crate::Failure;
use crate::args::CompareArgs;
use crate::interrupt;
use crate::output::{check_output, emit, emit_json, write_page};
use crate::progress::ComparisonBar;
use crate::table::{Table, metric, percent, percent_if, points_if, thousands};

/// What `--json` prints of a cell.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Measured {
        #[serde(flatten)]
        evaluation: &'a EvaluationReport,
        options: &'a Options,
        conversion_seconds: f64,
        seconds: f64,
        fronts: Fronts,
    },
    Failed {
        method: &'a str,
        time_steps: u32,
        error: &'a str,
    },
}

pub(crate) fn run(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let mut inputs = vec![args.model.model.as_path(), args.data.path()];
    inputs.extend(
        [&args.calibration_data, &args.preprocess.preprocess, &args.data.labels, &args.resume]
            .into_iter()
            .filter_map(|path| path.as_deref()),
    );
    if let Some(report) = &args.report {
        check_output(report, "--report", &inputs)?;
    }
    let preprocessing = args.preprocess.resolve(&args.model.model)?;
    let model = Model::open(&args.model.model, args.model.input_shape.as_ref().map(|shape| shape.0.clone()))?;
    let data = args.data.open(Split::Test)?;
    let calibration_data =
        args.data.open_calibration(args.calibration_data.as_deref(), args.calibration_range.as_ref())?;
    let request = CompareRequest {
        methods: args.methods(),
        time_steps: args.time_steps.clone(),
        calibration: Calibration { samples: args.calibrate, seed: args.seed, ..Calibration::default() },
        raster_images: args.raster_images(data.len()),
        state: args.resume.as_deref(),
        ..CompareRequest::new(&model, &data, &calibration_data, preprocessing, interrupt::watch())
    };
    let mut bar = ComparisonBar::new();
    let found = compare(&request, &mut |progress| bar.tell(progress))?;
    bar.finish();
    if let Some(report) = &args.report {
        write_report(report, &found)?;
    }
    if args.json {
        let fronts = found.fronts();
        emit_json(&found.cells.iter().zip(fronts).map(|(cell, fronts)| line(cell, fronts)).collect::<Vec<_>>())?;
    } else {
        emit(&text(&found, args.report.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a comparison.
pub(crate) fn write_report(path: &Path, found: &Comparison) -> Result<(), Failure> {
    write_page(path, &spikeconverter_report::comparison(found))
}

fn line(cell: &Cell, fronts: Fronts) -> Line<'_> {
    match &cell.result {
        CellResult::Measured(measured) => Line::Measured {
            evaluation: &measured.evaluation,
            options: &measured.options,
            conversion_seconds: measured.conversion_seconds,
            seconds: cell.seconds,
            fronts,
        },
        CellResult::Failed(error) => Line::Failed { method: &cell.method, time_steps: cell.time_steps, error },
    }
}

fn text(found: &Comparison, report: Option<&Path>) -> String {
    let mut text = String::new();
    // writing to a string does not fail
    if let Some(evaluation) = found.cells.iter().find_map(Cell::measured).map(|measured| &measured.evaluation) {
        let _ = writeln!(
            text,
            "trained network: accuracy {}, {}MAC, {}J a sample\n",
            percent_if(evaluation.ann_accuracy),
            metric(evaluation.ann_macs_per_image),
            metric(evaluation.ann_energy_joule)
        );
        text.push_str(&table(found));
        let _ = writeln!(
            text,
            "\n{} test samples of {}; calibrated on {} of {}\n\
             T: steps a window, or of the whole simulation (stream). gap: ANN minus SNN in points. SynOps, energy: a sample,\n\
             estimate at 45 nm, 4.6 pJ a MAC, 0.9 pJ a SynOp, no memory. time: conversion and evaluation.\n\
             *: highest {}. L, E: on the Pareto front of it and latency, energy",
            thousands(found.setting.data.samples as u64),
            found.setting.data.name,
            thousands(found.setting.calibration.samples as u64),
            found.setting.calibration.name,
            if evaluation.snn_accuracy.is_some() { "accuracy" } else { "agreement" },
        );
    }
    for (method, steps, reason) in found.failures() {
        let steps = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let _ = writeln!(text, "not converted: {method}, T = {steps}: {reason}");
    }
    for skipped in &found.skipped {
        let _ = writeln!(text, "left out: {}: {}", skipped.method, skipped.reason);
    }
    if let Some(report) = report {
        let _ = writeln!(text, "report: {}", report.display());
    }
    text
}

/// The cells with figures, method by method.
fn table(found: &Comparison) -> String {
    let head = [&["<method", "<", "T"], &FIGURES[..], &["SNN/ANN", "time", "<"]].concat();
    let mut table = Table::new(&head);
    let mut last = "";
    for (cell, fronts) in found.cells.iter().zip(found.fronts()) {
        let Some(measured) = cell.measured() else { continue };
        let evaluation = &measured.evaluation;
        let marks = [(fronts.best, "*"), (fronts.latency, "L"), (fronts.energy, "E")];
        table.row([
            if cell.method == last { String::new() } else { cell.method.clone() },
            match evaluation.schedule {
                Simulation::Window => "window".into(),
                Simulation::Stream => "stream".into(),
            },
            cell.time_steps.to_string(),
            evaluation.latency_steps.to_string(),
            percent_if(evaluation.snn_accuracy),
            points_if(evaluation.gap()),
            percent(evaluation.agreement),
            format!("{:.3}", evaluation.spikes_per_neuron),
            evaluation.bits_per_spike.to_string(),
            metric(evaluation.synops_per_image).trim_end().to_owned(),
            format!("{}J", metric(evaluation.snn_energy_joule)),
            format!("{:.2}", evaluation.snn_energy_joule / evaluation.ann_energy_joule),
            format!("{:.1} s", cell.seconds),
            marks.iter().filter_map(|(is, mark)| is.then_some(*mark)).collect::<Vec<_>>().join(" "),
        ]);
        last = &cell.method;
    }
    table.render()
}
