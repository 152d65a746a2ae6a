//! `spikeconverter methods`

use std::process::ExitCode;

use spikeconverter_convert::{MethodInfo, combinations, methods};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::MethodsArgs;
use crate::output::{emit, emit_json};

pub(crate) fn run(args: &MethodsArgs) -> Result<ExitCode, Failure> {
    if args.parts {
        let combinations = combinations();
        if args.json {
            emit_json(&combinations)?;
        } else {
            emit(&text::parts(&combinations))?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = |info: &MethodInfo| args.method.as_ref().is_none_or(|name| name == info.name);
    let infos: Vec<MethodInfo> = methods().iter().map(|method| method.info()).filter(wanted).collect();
    if args.json {
        emit_json(&infos)?;
    } else {
        emit(&infos.iter().map(text::method).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}
