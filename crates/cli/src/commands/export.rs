//! `spikeconverter export`

use std::fmt::Write as _;
use std::process::ExitCode;

use spikeconverter_network::SnnFile;
use spikeconverter_pipeline::formats::c::Steps;
use spikeconverter_pipeline::formats::onnx::Form;
use spikeconverter_pipeline::{ExportReport, ExportTarget, export};

use crate::Failure;
use crate::args::{ExportArgs, ExportFormatArg, StepsArg};
use crate::output::{check_output, emit, emit_json};
use spikeconverter_report::text::Table;

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    check_output(&args.output, "-o", &[&args.network])?;
    let file = SnnFile::load(&args.network)?;
    let target = match args.to {
        ExportFormatArg::Onnx => ExportTarget::Onnx(if args.unrolled { Form::Unrolled } else { Form::Folded }),
        ExportFormatArg::C => {
            let steps = match args.steps {
                StepsArg::Folded => Steps::Folded,
                StepsArg::Spikes => Steps::Spikes,
            };
            ExportTarget::c(&args.output, steps)
        }
        ExportFormatArg::Nir => ExportTarget::Nir {
            pooling: args.pooling.map(Into::into),
            target: args.target.map(Into::into),
            force: args.force,
        },
    };
    let report = export(&file, &args.network, &target, &args.output)?;
    if args.json {
        emit_json(&report)?;
    } else {
        emit(&text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(report: &ExportReport) -> String {
    let mut facts = Table::new(&["<", "<"]);
    facts.row(["written".to_owned(), report.files.join(", ")]);
    for (name, value) in &report.facts {
        facts.row([(*name).to_owned(), value.clone()]);
    }
    let mut text = facts.render().trim_start().to_owned();
    for assessment in &report.verdicts {
        // writing to a string does not fail
        let _ = write!(text, "\nin {}: {}\n", assessment.target.name(), assessment.describe());
        if let Some(adjustment) = &assessment.adjustment {
            let _ = writeln!(text, "  {}: {}", adjustment.verdict.name(), adjustment.code);
        }
    }
    text
}
