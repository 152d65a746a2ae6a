use std::fmt::Write as _;

use spikeconverter_network::Simulation;
use spikeconverter_pipeline::{Cell, Comparison, FIGURES};

use super::table::{Table, metric, percent, percent_if, points_if, thousands};

/// What a comparison found.
pub fn comparison(found: &Comparison) -> String {
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
