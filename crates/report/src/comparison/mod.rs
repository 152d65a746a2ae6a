//! What a comparison's page shows.

mod charts;
mod facts;

use std::collections::BTreeSet;

use spikeconverter_network::Simulation;
use spikeconverter_pipeline::{Cell, Comparison, EvaluationReport, FIGURES, Fronts, Measured};

use crate::format::{metric, percent, thousands};
use crate::{Column, Page, Section, Table, Tile};

/// The page of a comparison.
pub fn comparison(found: &Comparison) -> Page {
    let view = View::new(found);
    let mut sections = Vec::new();
    if !view.measured.is_empty() {
        sections.push(view.curves());
    }
    sections.push(view.table());
    if !view.measured.is_empty() {
        sections.push(view.layers());
    }
    if view.measured.iter().any(|one| !one.measured.rasters.is_empty()) {
        sections.push(view.rasters());
    }
    sections.push(view.methods());
    sections.push(view.setting());
    Page {
        title: format!("Conversion methods on {}", found.setting.source),
        lead: view.lead(),
        tiles: view.tiles(),
        series: view.series.clone(),
        sections,
        foot: format!(
            "Written by spikeconverter {}. Charts: Apache ECharts, Apache License 2.0.",
            found.setting.program
        ),
    }
}

/// A cell with figures.
struct One<'a> {
    cell: &'a Cell,
    measured: &'a Measured,
    fronts: Fronts,
}

impl One<'_> {
    fn evaluation(&self) -> &EvaluationReport {
        &self.measured.evaluation
    }

    fn steps(&self) -> String {
        format!("T = {}", self.cell.time_steps)
    }

    fn name(&self) -> String {
        format!("{}, {}", self.cell.method, self.steps())
    }

    /// Its line in the table of all figures.
    fn row(&self) -> Vec<String> {
        let evaluation = self.evaluation();
        let marks: Vec<&str> =
            [(self.fronts.best, "best"), (self.fronts.latency, "latency"), (self.fronts.energy, "energy")]
                .into_iter()
                .filter_map(|(is, mark)| is.then_some(mark))
                .collect();
        let none = || "–".to_owned();
        vec![
            self.cell.method.clone(),
            self.cell.time_steps.to_string(),
            match evaluation.schedule {
                Simulation::Window => "window".into(),
                Simulation::Stream => "stream".into(),
            },
            thousands(evaluation.latency_steps.into()),
            evaluation.snn_accuracy.map_or_else(none, percent),
            evaluation.gap().map_or_else(none, |gap| format!("{:.2}", 100.0 * gap)),
            percent(evaluation.agreement),
            format!("{:.3}", evaluation.spikes_per_neuron),
            evaluation.bits_per_spike.to_string(),
            metric(evaluation.synops_per_image, ""),
            metric(evaluation.snn_energy_joule, "J"),
            format!("{:.2}", evaluation.snn_energy_joule / evaluation.ann_energy_joule),
            format!("{:.1}", self.cell.seconds),
            marks.join(", "),
        ]
    }
}

struct View<'a> {
    found: &'a Comparison,
    measured: Vec<One<'a>>,
    /// Methods with figures, in the table's order.
    series: Vec<String>,
    /// Numbers of steps with figures, ascending.
    steps: Vec<u32>,
    /// Whether methods are ranked by accuracy; otherwise by agreement.
    labelled: bool,
}

impl<'a> View<'a> {
    fn new(found: &'a Comparison) -> Self {
        let with = |(cell, fronts): (&'a Cell, Fronts)| Some(One { cell, measured: cell.measured()?, fronts });
        let measured: Vec<One<'a>> = found.cells.iter().zip(found.fronts()).filter_map(with).collect();
        let mut series: Vec<String> = measured.iter().map(|one| one.cell.method.clone()).collect();
        series.dedup();
        let steps: BTreeSet<u32> = measured.iter().map(|one| one.cell.time_steps).collect();
        let labelled = measured.iter().any(|one| one.evaluation().snn_accuracy.is_some());
        Self { found, measured, series, steps: steps.into_iter().collect(), labelled }
    }

    fn score(&self) -> &'static str {
        if self.labelled { "accuracy" } else { "agreement" }
    }

    fn first(&self) -> Option<&EvaluationReport> {
        self.measured.first().map(One::evaluation)
    }

    fn best(&self) -> Option<&One<'a>> {
        self.measured.iter().find(|one| one.fronts.best)
    }

    fn lead(&self) -> String {
        let images = thousands(self.found.setting.data.samples as u64);
        let trained = match self.first().and_then(|evaluation| evaluation.ann_accuracy) {
            Some(accuracy) => {
                format!("The trained network is right on {} of {images} test samples.", percent(accuracy))
            }
            None => format!(
                "The {images} test samples have no labels: methods are ranked by how often they agree with the trained network."
            ),
        };
        let cells = format!(
            "{} conversion methods at {} numbers of time steps, on the same calibration samples and by the same cost model.",
            self.series.len(),
            self.steps.len()
        );
        format!("{trained} {cells}")
    }

    /// The best, and the quickest and the cheapest that come close to it.
    fn tiles(&self) -> Vec<Tile> {
        const CLOSE: f64 = 0.01;
        let Some(best) = self.best() else { return Vec::new() };
        let mut tiles = Vec::new();
        let close = || self.measured.iter().filter(|one| one.measured.score() >= best.measured.score() - CLOSE);
        if let Some(evaluation) = self.first().filter(|evaluation| evaluation.ann_accuracy.is_some()) {
            tiles.push(Tile {
                label: "Trained network".into(),
                value: percent(evaluation.ann_accuracy.unwrap_or_default()),
                note: format!(
                    "{}, {} a sample",
                    metric(evaluation.ann_macs_per_image, "MAC"),
                    metric(evaluation.ann_energy_joule, "J")
                ),
            });
        }
        tiles.push(Tile {
            label: format!("Highest {}", self.score()),
            value: percent(best.measured.score()),
            note: format!("{}, {} steps", best.name(), best.evaluation().latency_steps),
        });
        let quickest = close().min_by_key(|one| one.evaluation().latency_steps);
        if let Some(one) = quickest {
            tiles.push(Tile {
                label: "Quickest within a point of it".into(),
                value: format!("{} steps", thousands(one.evaluation().latency_steps.into())),
                note: format!("{}, {}", one.name(), percent(one.measured.score())),
            });
        }
        let energy = |one: &&One<'_>| one.evaluation().snn_energy_joule;
        if let Some(one) = close().min_by(|a, b| energy(a).total_cmp(&energy(b))) {
            let ratio = one.evaluation().snn_energy_joule / one.evaluation().ann_energy_joule;
            tiles.push(Tile {
                label: "Least energy within a point of it".into(),
                value: metric(one.evaluation().snn_energy_joule, "J"),
                note: format!("{}, {}, {ratio:.2} of the ANN's", one.name(), percent(one.measured.score())),
            });
        }
        tiles
    }

    fn table(&self) -> Section {
        let mut rows = Vec::new();
        let mut text = Vec::new();
        for one in &self.measured {
            rows.push(one.row());
        }
        for (method, steps, reason) in self.found.failures() {
            let steps = steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            text.push(format!("{method}, T = {steps}: not converted, {reason}."));
        }
        for skipped in &self.found.skipped {
            text.push(format!("{}: left out, {}.", skipped.method, skipped.reason));
        }
        let head = [&["<method", "T", "<schedule"], &FIGURES[..], &["of ANN's", "seconds", "<marks"]].concat();
        let head = Column::list(&head);
        let caption = "All cells. T: steps of a window, or of a whole stream. latency: steps from a sample's first input to its \
                       result. gap: trained minus spiking \
                       network. spikes, SynOps (synaptic operations) and energy are of a sample. seconds: conversion and \
                       evaluation. Marks: best, highest accuracy of all; latency and energy, on that Pareto front."
            .into();
        let tables = if rows.is_empty() { Vec::new() } else { vec![Table { caption, head, rows }] };
        Section { title: "All figures".into(), text, tables, ..Section::default() }
    }
}
