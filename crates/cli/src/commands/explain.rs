//! `spikeconverter explain`

use std::process::ExitCode;

use spikeconverter_data::Split;
use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::{ExplainRequest, explain};
use spikeconverter_report::text;

use crate::Failure;
use crate::args::ExplainArgs;
use crate::output::{check_output, emit, emit_json, write_page, written};
use crate::progress::Bars;

pub(crate) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    if let Some(report) = &args.report {
        let mut inputs = vec![args.network.as_path(), args.data.path()];
        inputs.extend(args.data.labels.as_deref());
        check_output(report, "--report", &inputs)?;
    }
    let file = SnnFile::load(&args.network)?;
    let data = args.data.open(Split::Test)?;
    let request = ExplainRequest { advice: !args.no_advice, ..ExplainRequest::new(&file, &args.network, &data) };
    let mut bars = Bars::new();
    let report = explain(&request, &mut |progress| bars.tell(progress))?;
    bars.finish();
    if let Some(path) = &args.report {
        write_page(path, &spikeconverter_report::explanation(&report))?;
    }
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&(text::explanation(&report) + &written(args.report.as_deref())))?;
    }
    Ok(ExitCode::SUCCESS)
}
