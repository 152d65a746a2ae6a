use std::fmt::Write as _;

use spikeconverter_pipeline::ExplainReport;

use super::table::{NONE, Table, percent, points_if, thousands};

/// Where accuracy went.
pub fn explanation(report: &ExplainReport) -> String {
    let found = &report.explanation;
    let right = if found.labelled { "accuracy" } else { "agreement" };
    let mut layers = Table::new(&[
        "<layer",
        "error",
        "inherited",
        "clipping",
        "quantised",
        "uneven",
        "rounding",
        "alone costs",
        "analog wins",
        "dead",
        "full",
        "rate",
    ]);
    for layer in &found.layers {
        let error = &layer.error;
        let share = |part: f64| format!("{:.3}", 100.0 * part);
        layers.row([
            layer.name.clone(),
            format!("{} %", share(error.total)),
            share(error.inherited),
            share(error.clipping),
            share(error.quantisation),
            share(error.unevenness),
            share(error.weight_rounding),
            points_if(Some(layer.accuracy_cost)),
            points_if(layer.accuracy_recovered),
            layer.dead_neurons.to_string(),
            layer.saturated_neurons.to_string(),
            format!("{:.3}", layer.firing_rates.mean),
        ]);
    }
    let mut text = layers.render();
    // writing to a string does not fail
    let _ = writeln!(
        text,
        "\n{}, T = {}, on {} samples of {}: {right} {} where the trained network has {}; agreement {}",
        report.method,
        report.time_steps,
        thousands(found.samples),
        report.data,
        percent(found.snn_accuracy),
        percent(found.ann_accuracy),
        percent(found.agreement),
    );
    text.push_str(
        "error: mean square of what a layer sends minus the trained activation, relative to the latter, and its parts, \
         which add up\n\
         alone costs: points lost where only this layer spikes; analog wins: points won back where only it does not\n\
         dead: neurons that never fired; full: at the end of the code's range for half of the samples; rate: spikes a step\n",
    );
    let wrong: Vec<_> = found.worst.iter().filter(|sample| sample.ann != sample.snn).collect();
    if !wrong.is_empty() {
        let mut samples = Table::new(&["sample", "label", "ANN", "SNN", "off by"]);
        let class = |class: Option<i64>| class.map_or_else(|| NONE.to_owned(), |class| class.to_string());
        for sample in wrong {
            samples.row([
                sample.index.to_string(),
                class(sample.label),
                class(sample.ann),
                class(sample.snn),
                percent(sample.difference),
            ]);
        }
        let _ = write!(text, "\nMost wrong:\n{}", samples.render());
    }
    for advice in &report.advice {
        let _ = write!(text, "\n{}\n  {}\n", advice.sentence, advice.command);
    }
    text
}
