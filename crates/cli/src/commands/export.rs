//! `spikeconverter export`

use std::process::ExitCode;

use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{ExportOptions, export};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::ExportArgs;
use crate::output::{check_output, emit, emit_json};

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    check_output(&args.output, "-o", &[&args.network])?;
    let options = ExportOptions {
        to: args.to.into(),
        unrolled: args.unrolled,
        steps: args.steps.map(Into::into),
        target: args.target.map(Into::into),
        pooling: args.pooling.map(Into::into),
        force: args.force,
    };
    let target = options.resolve(&args.output)?;
    let file = SnnFile::load(&args.network)?;
    let report = export(&file, &args.network, &target, &args.output)?;
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&text::export(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}
