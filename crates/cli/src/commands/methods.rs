//! `spikeconverter methods`

use std::fmt::Write as _;
use std::process::ExitCode;

use spikeconverter_convert::{MethodInfo, methods};

use crate::Failure;
use crate::args::MethodsArgs;
use crate::output::{emit, emit_json};

pub(crate) fn run(args: &MethodsArgs) -> Result<ExitCode, Failure> {
    let infos: Vec<MethodInfo> = methods().iter().map(|method| method.info()).collect();
    if args.json {
        emit_json(&infos)?;
    } else {
        emit(&infos.iter().map(text).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(info: &MethodInfo) -> String {
    let needs = match (info.needs_calibration, info.needs_training) {
        (true, true) => "calibration samples, and a network trained for it",
        (true, false) => "calibration samples",
        (false, true) => "a network trained for it",
        (false, false) => "nothing but the trained network",
    };
    let year = info.year.to_string();
    let fields = [
        ("paper", info.paper),
        ("year", &year),
        ("neuron", info.neuron),
        ("code", info.code),
        ("schedule", info.schedule),
        ("needs", needs),
        ("structures published", info.structures_published),
        ("structures here", info.structures_here),
    ];
    let mut text = format!("{}\n", info.name);
    for (name, value) in fields {
        // writing to a string does not fail
        let _ = writeln!(text, "  {name:22}{}", wrapped(value, 86, 24));
    }
    text
}

/// Text broken into lines of at most `width` characters, all but the first indented.
fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines.join(&format!("\n{}", " ".repeat(indent)))
}
