use std::fmt::Write as _;

use spikeconverter_pipeline::{CheckReport, NodeVerdict, Verdict};

use super::table::{Table, metric, shape, thousands};

/// What becomes of each node of a model.
pub fn check(report: &CheckReport) -> String {
    let mut table = Table::new(&["<node", "<operator", "<verdict", "<what"]);
    for node in &report.nodes {
        table.row([node.name.clone(), node.op.clone(), verdict(node).to_owned(), what(node)]);
    }
    let mut text = table.render();
    text.push('\n');
    text.push_str(&summary(report));
    text
}

fn verdict(node: &NodeVerdict) -> &'static str {
    match node.verdict {
        Verdict::Converts if node.note.is_some() => "converts (note)",
        Verdict::Converts => "converts",
        Verdict::Folded => "converts (folded)",
        Verdict::Unused => "unused",
        Verdict::Open => "open",
        Verdict::Blocked => "blocked",
        Verdict::Unsupported => "UNSUPPORTED",
        Verdict::Invalid => "INVALID",
    }
}

fn what(node: &NodeVerdict) -> String {
    let parts = [node.becomes.as_deref(), node.note.as_deref(), node.remedy.as_deref()];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn summary(report: &CheckReport) -> String {
    let totals = &report.totals;
    let mut text = String::new();
    // writing to a string does not fail
    let _ = write!(text, "{}: opset {}", report.file, report.opset);
    if let Some(producer) = &report.producer {
        let _ = write!(text, ", written by {producer}");
    }
    if let Some(input) = &report.input {
        let _ = write!(text, ", input `{}` {}", input.name, shape(&input.shape));
    }
    if let Some(outputs) = report.outputs {
        let _ = write!(text, ", {outputs} outputs");
    }
    if let (Some(parameters), Some(macs)) = (report.parameters, report.macs) {
        let _ = write!(text, ", {} parameters, {}MAC a sample", thousands(parameters as u64), metric(macs as f64));
    }
    let _ = write!(text, "\n{} nodes: {} convert", totals.nodes, totals.converts);
    if totals.with_note > 0 {
        let _ = write!(text, " ({} with a note)", totals.with_note);
    }
    let _ = write!(text, ", {} folded or unused", totals.folded);
    if totals.open > 0 {
        let _ = write!(text, ", {} open until the others convert", totals.open);
    }
    if totals.unsupported + totals.blocked > 0 {
        let _ = write!(text, ", {} unsupported, {} blocked by these", totals.unsupported, totals.blocked);
    }
    text.push('\n');
    text.push_str(if report.converts { "The model converts.\n" } else { "The model does not convert.\n" });
    if let Some(reason) = &report.reason {
        let _ = writeln!(text, "Reason: {reason}");
    }
    text
}
