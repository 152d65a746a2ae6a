//! `spikeconverter explain`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{ExplainReport, ExplainRequest, explain};

use crate::Failure;
use crate::args::ExplainArgs;
use crate::output::{check_output, emit, emit_json, write_page};
use crate::progress::Bars;
use crate::table::{NONE, Table, percent, points_if, thousands};

pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    if let Some(report) = &args.report {
        let mut inputs = vec![args.network.as_path(), args.data.path()];
        inputs.extend(args.data.labels.as_deref());
        check_output(report, "--report", &inputs)?;
    }
    let file = SnnFile::load(&args.network)?;
    let data = args.data.open(Split::Test)?;
    let request = ExplainRequest { file: &file, path: &args.network, data: &data, advice: !args.no_advice };
    let mut bars = Bars::new();
    let report = explain(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if let Some(path) = &args.report {
        write_page(path, &spikeconverter_report::explanation(&report))?;
    }
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&text(&report, args.report.as_deref()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &ExplainReport, page: Option<&Path>) -> String {
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
    if let Some(page) = page {
        let _ = writeln!(text, "report: {}", page.display());
    }
    text
}
