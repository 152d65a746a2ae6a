use std::fmt::Write as _;

use spikeconverter_pipeline::ExportReport;
use spikeconverter_pipeline::formats::nir::Assessment;

use super::Table;

/// What was written, and what other programs make of it.
pub fn export(report: &ExportReport) -> String {
    let mut facts = Table::new(&["<", "<"]);
    facts.row(["written".to_owned(), report.files.join(", ")]);
    for (name, value) in &report.facts {
        facts.row([(*name).to_owned(), value.clone()]);
    }
    let mut text = facts.render().trim_start().to_owned();
    for assessment in &report.verdicts {
        text.push('\n');
        text.push_str(&verdict(assessment));
    }
    text
}

/// What a program makes of a network, and what changes that.
pub fn verdict(assessment: &Assessment) -> String {
    let mut text = format!("in {}: {}\n", assessment.target.name(), assessment.describe());
    if let Some(adjustment) = &assessment.adjustment {
        // writing to a string does not fail
        let _ = writeln!(text, "  {}: {}", adjustment.verdict.name(), adjustment.code);
    }
    text
}
