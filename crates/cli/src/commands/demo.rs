//! `spikeconverter demo`

use std::process::ExitCode;

use crate::Failure;
use crate::args::DemoArgs;

pub(crate) fn run(_args: &DemoArgs) -> Result<ExitCode, Failure> {
    Ok(ExitCode::SUCCESS)
}
