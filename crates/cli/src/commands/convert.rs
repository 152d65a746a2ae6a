//! `spikeconverter convert`

use std::process::ExitCode;

use serde::Serialize;
use spikeconverter_data::{Dataset, Split};
use spikeconverter_pipeline::{ConvertReport, ConvertRequest, Model, convert};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::ConvertArgs;
use crate::output::{check_output, emit, emit_json};
use crate::progress::Bars;

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
        let output = args.output.display();
        let report = text::conversion(&converted.report, Some(&args.output));
        emit(&format!("{report}Next: spikeconverter eval {output} --data <test data>\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
