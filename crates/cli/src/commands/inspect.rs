//! `spikeconverter inspect`

use std::process::ExitCode;

use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{describe, is_nir};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::InspectArgs;
use crate::output::{emit, emit_json};

pub(crate) fn run(args: &InspectArgs) -> Result<ExitCode, Failure> {
    if is_nir(&args.network) {
        return super::nir::inspect(args);
    }
    let file = SnnFile::load(&args.network)?;
    let description = describe(&file, &args.network)?;
    if args.json {
        emit_json(&description)?;
    } else {
        emit(&text::description(&description))?;
    }
    Ok(ExitCode::SUCCESS)
}
