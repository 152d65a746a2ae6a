//! `spikeconverter eval`

use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{EngineChoice, EvaluateRequest, evaluate};

use crate::Failure;
use crate::args::{EngineArg, EvalArgs};
use crate::output::{emit, emit_json};
use crate::progress::Bars;

pub(crate) fn run(args: &EvalArgs) -> Result<ExitCode, Failure> {
    let file = SnnFile::load(&args.network)?;
    let data = args.data.open(Split::Test)?;
    let request = EvaluateRequest {
        engine: match args.engine {
            EngineArg::Folded => EngineChoice::Folded,
            EngineArg::Reference => EngineChoice::Reference,
        },
        batch: args.batch,
        ..EvaluateRequest::new(&file, &args.network, &data)
    };
    let mut bars = Bars::new();
    let evaluated = evaluate(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if args.json {
        emit_json(&evaluated.report)?;
    } else {
        emit(&format!("{:?}\n", evaluated.report))?;
    }
    Ok(ExitCode::SUCCESS)
}
