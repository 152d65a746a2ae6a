//! Where results go: standard output, which only this file writes to, standard error, and files that are checked before any
//! work is done.

use std::io::{ErrorKind, Write};
use std::path::Path;

use serde::Serialize;
use spikeconverter_network::write_whole;
use spikeconverter_report::Page;

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

/// Writes a report.
pub(crate) fn write_page(path: &Path, page: &Page) -> Result<(), Failure> {
    let html = page.to_html()?;
    write_whole(path, html.as_bytes()).map_err(|source| Failure::Output {
        path: path.to_owned(),
        option: "--report",
        source,
    })
}

/// The line that names a report which was written.
pub(crate) fn written(report: Option<&Path>) -> String {
    report.map_or_else(String::new, |path| format!("report: {}\n", path.display()))
}

/// Says on standard error why the program ends.
pub(crate) fn complain(failure: &Failure) {
    // one sentence on one line; when even standard error is gone, nobody listens
    let message = failure.to_string();
    let line = message.split('\n').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let _ = writeln!(std::io::stderr(), "error: {line}");
}

/// Refuses an output, named by `option`, that cannot be written before any work is done.
pub(crate) fn check_output(output: &Path, option: &'static str, inputs: &[&Path]) -> Result<(), Failure> {
    let same = |input: &Path| matches!((input.canonicalize(), output.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if inputs.iter().any(|input| same(input)) {
        return Err(Failure::Overwrite { path: output.to_owned(), option });
    }
    let folder = output.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let refuse = |source| Failure::Output { path: output.to_owned(), option, source };
    if output.is_dir() {
        return Err(refuse(std::io::ErrorKind::IsADirectory.into()));
    }
    tempfile::Builder::new().prefix(".snn-").tempfile_in(folder).map_err(refuse)?;
    Ok(())
}
