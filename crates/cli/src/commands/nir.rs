//! `inspect` and `eval` of NIR files.

use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_pipeline::{NirRequest, describe_nir, evaluate_nir};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::{EvalArgs, InspectArgs};
use crate::output::{emit, emit_json};
use crate::progress::Bars;

pub(super) fn inspect(args: &InspectArgs) -> Result<ExitCode, Failure> {
    let description = describe_nir(&args.network)?;
    if args.json {
        emit_json(&description)?;
    } else {
        emit(&text::nir_description(&description))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn eval(args: &EvalArgs) -> Result<ExitCode, Failure> {
    let data = args.data.open(Split::Test)?;
    let request = NirRequest {
        target: args.semantics.map(Into::into),
        time_steps: args.time_steps,
        dt: args.dt,
        ..NirRequest::new(&args.network, &data)
    };
    let mut bars = Bars::new();
    let report = evaluate_nir(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&text::nir_evaluation(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}
