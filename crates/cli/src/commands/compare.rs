//! `spikeconverter compare`

use std::path::Path;
use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_pipeline::{Calibration, CompareRequest, Comparison, Model, compare};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::CompareArgs;
use crate::interrupt;
use crate::output::{check_output, emit, emit_json, write_page, written};
use crate::progress::ComparisonBar;

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
        emit_json(&found.rows())?;
    } else {
        emit(&(text::comparison(&found) + &written(args.report.as_deref())))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a comparison.
pub(crate) fn write_report(path: &Path, found: &Comparison) -> Result<(), Failure> {
    write_page(path, &spikeconverter_report::comparison(found))
}
