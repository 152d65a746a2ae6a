use std::fmt::Write as _;
use std::path::Path;

use spikeconverter_pipeline::ConvertReport;

use super::description::timing;
use super::table::{Table, figures, percent, thousands};

/// What a conversion decided; `output` is where the network was written.
pub fn conversion(report: &ConvertReport, output: Option<&Path>) -> String {
    let mut table = Table::new(&["<layer", "neurons", "base", "threshold", "to", "error", "<"]);
    for layer in &report.layers {
        table.row([
            layer.name.clone(),
            layer.neurons.to_string(),
            figures(layer.base),
            figures(layer.threshold_min),
            figures(layer.threshold_max),
            percent(layer.error),
            if layer.signed { "signed spikes".into() } else { String::new() },
        ]);
    }
    let mut text = table.render();
    // writing to a string does not fail
    let _ = writeln!(
        text,
        "\n{}{}: {} layers, {} neurons, method {}\nschedule {}\ncalibrated on {} of {} samples of {} in {:.1} s",
        report.source,
        output.map_or_else(String::new, |output| format!(" -> {}", output.display())),
        report.layers.len(),
        thousands(report.neurons as u64),
        report.method,
        timing(&report.schedule),
        report.calibration.samples,
        report.calibration.available,
        report.calibration.data,
        report.seconds,
    );
    for note in &report.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let _ =
        writeln!(text, "error: mean square of what a layer sends minus the trained activation, relative to the latter");
    text
}
