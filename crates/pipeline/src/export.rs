//! Converted networks for other programs.

use std::path::Path;

use serde::Serialize;
use spikeconverter_export::c::{Steps, to_c};
use spikeconverter_export::onnx::{Form, to_onnx};
use spikeconverter_network::{NetworkError, SnnFile, write_whole};

use crate::{Error, Result};

/// What a network is exported to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExportTarget {
    /// ONNX operators.
    Onnx(Form),
    /// One C99 file and its header, with this prefix.
    C {
        /// Prefix of everything visible, a C identifier.
        name: String,
        /// How a window is run.
        steps: Steps,
    },
}

impl ExportTarget {
    /// C, with a prefix made of the output's name.
    pub fn c(output: &Path, steps: Steps) -> Self {
        let stem = output.file_stem().unwrap_or_default().to_string_lossy();
        let name: String = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        Self::C { name, steps }
    }
}

/// What was exported.
#[derive(Debug, Clone, Serialize)]
pub struct ExportReport {
    /// What the network was exported to.
    pub format: &'static str,
    /// The files written.
    pub files: Vec<String>,
    /// Facts about them, by name.
    pub facts: Vec<(&'static str, String)>,
}

/// Writes the network of `file`, which came from `network`, for another program to `output`.
///
/// # Errors
/// When the network has no such form, or a file cannot be written.
pub fn export(file: &SnnFile, network: &Path, target: &ExportTarget, output: &Path) -> Result<ExportReport> {
    let refused = |source| Error::Export { file: network.to_owned(), source };
    match target {
        ExportTarget::Onnx(form) => {
            let model = to_onnx(file, *form).map_err(refused)?;
            write(output, &model.bytes)?;
            let facts = vec![
                ("form", form.name().to_owned()),
                ("operators", model.operators.to_string()),
                ("input", model.input),
                ("output", model.output),
            ];
            Ok(ExportReport { format: "onnx", files: vec![output.display().to_string()], facts })
        }
        ExportTarget::C { name, steps } => {
            let code = to_c(file, name, *steps).map_err(refused)?;
            // the source includes its header by the prefix
            let header = output.with_file_name(format!("{name}.h"));
            write(&header, code.header.as_bytes())?;
            write(output, code.source.as_bytes())?;
            let facts = vec![
                ("steps", steps.name().to_owned()),
                ("function", format!("{name}_run")),
                ("constants", format!("{} bytes", code.constant_bytes)),
                ("buffers", format!("{} bytes", code.buffer_bytes)),
            ];
            let files = [output, &header].map(|path| path.display().to_string()).to_vec();
            Ok(ExportReport { format: "c", files, facts })
        }
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| NetworkError::Io { action: "write", path: path.to_owned(), source };
    Ok(write_whole(path, bytes).map_err(failed)?)
}
