//! `spikeconverter convert`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;
use spikeconverter_data::{Dataset, Split};
use spikeconverter_pipeline::{ConvertReport, ConvertRequest, Model, convert};

use crate::Failure;
use crate::args::ConvertArgs;
use crate::commands::inspect::timing;
use crate::output::{check_output, emit, emit_json};
use crate::progress::Bars;
use crate::table::{Table, figures, percent, thousands};

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    output: String,
    #[serde(flatten)]
    report: &'a ConvertReport,
}

pub(crate) fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    let mut inputs = vec![args.model.model.as_path(), args.data.path()];
    inputs.extend(args.preprocess.preprocess.as_deref());
    inputs.extend(args.data.labels.as_deref());
    check_output(&args.output, "-o", &inputs)?;
    let preprocessing = args.preprocess.resolve(&args.model.model)?;
    let model = Model::open(&args.model.model, args.model.input_shape.as_ref().map(|shape| shape.0.clone()))?;
    let data = match &args.data.data {
        Some(_) => args.data.open(Split::Train)?,
        None => Dataset::synthetic(model.input_shape(), preprocessing.layout, args.calibrate, args.seed)?,
    };
    let request = ConvertRequest {
        method: args.method.clone(),
        options: args.options(),
        calibration: args.calibration(),
        ..ConvertRequest::new(&model, &data, preprocessing)
    };
    let mut bars = Bars::new();
    let converted = convert(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    converted.file.save(&args.output)?;
    if args.json {
        emit_json(&Answer { output: args.output.display().to_string(), report: &converted.report })?;
    } else {
        emit(&text(&converted.report, &args.output))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &ConvertReport, output: &Path) -> String {
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
        "\n{} -> {}: {} layers, {} neurons, method {}\nschedule {}\ncalibrated on {} of {} samples of {} in {:.1} s",
        report.source,
        output.display(),
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
    let _ = writeln!(text, "Next: spikeconverter eval {} --data <test data>", output.display());
    text
}
