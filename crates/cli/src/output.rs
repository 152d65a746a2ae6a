//! Writing to standard output and standard error. The only place that does.

use std::io::{ErrorKind, Write};

use serde::Serialize;

use crate::Failure;

/// Writes text to standard output. A reader that has had enough (a closed pipe) is no failure.
pub(crate) fn emit(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Stdout(error)),
        _ => Ok(()),
    }
}

/// Writes a value as one JSON object, indented, with a newline at its end.
pub(crate) fn emit_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    emit(&text)
}

/// Says on standard error why the program ends.
pub(crate) fn complain(failure: &Failure) {
    // one sentence on one line; when even standard error is gone, nobody listens
    let message = failure.to_string();
    let line = message.split('\n').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let _ = writeln!(std::io::stderr(), "error: {line}");
}
