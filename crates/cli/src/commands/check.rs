//! `spikeconverter check`

use std::process::ExitCode;

use spikeconverter_report::text;

use crate::Failure;
use crate::args::CheckArgs;
use crate::output::{emit, emit_json};

pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let input_shape = args.model.input_shape.as_ref().map(|shape| shape.0.clone());
    let report = spikeconverter_pipeline::check(&args.model.model, input_shape)?;
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&text::check(&report))?;
    }
    Ok(if report.converts { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
