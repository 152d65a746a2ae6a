//! `spikeconverter eval`

use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{EngineChoice, EvaluateRequest, UntilStable, evaluate, is_nir};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::{EngineArg, EvalArgs};
use crate::output::{emit, emit_json};
use crate::progress::Bars;

pub(crate) fn run(args: &EvalArgs) -> Result<ExitCode, Failure> {
    if is_nir(&args.network) {
        return super::nir::eval(args);
    }
    let file = SnnFile::load(&args.network)?;
    let data = args.data.open(Split::Test)?;
    let request = EvaluateRequest {
        engine: match args.engine {
            EngineArg::Auto => EngineChoice::Auto,
            EngineArg::Folded => EngineChoice::Folded,
            EngineArg::Clocked => EngineChoice::Clocked,
            EngineArg::Reference => EngineChoice::Reference,
        },
        batch: args.batch,
        until_stable: args.until_stable.map(|steps| UntilStable { steps }),
        ..EvaluateRequest::new(&file, &args.network, &data)
    };
    let mut bars = Bars::new();
    let evaluated = evaluate(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if args.json {
        emit_json(&evaluated.report)?;
    } else {
        emit(&text::evaluation(&evaluated.report))?;
        if evaluated.at_chance {
            emit(text::AT_CHANCE)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
