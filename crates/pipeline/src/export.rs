//! Converted networks for other programs.

use std::path::Path;

use serde::{Deserialize, Serialize};
use spikeconverter_export::c::{Steps, to_c};
use spikeconverter_export::nir::{Assessment, NirModel, Pooling, Target, Verdict, assess, to_nir};
use spikeconverter_export::onnx::{Form, to_onnx};
use spikeconverter_network::{NetworkError, SnnFile, write_whole};

use crate::{Error, Result};

/// A form that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// ONNX operators.
    Onnx,
    /// C99.
    C,
    /// The neuromorphic intermediate representation.
    Nir,
}

impl ExportFormat {
    /// Its name in options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::C => "c",
            Self::Nir => "nir",
        }
    }
}

/// How a network is to be exported, option by option as the command line and the Python package have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    /// The form.
    pub to: ExportFormat,
    /// ONNX: every time step with nodes of its own.
    pub unrolled: bool,
    /// C: how a window is run; folded unless said.
    pub steps: Option<Steps>,
    /// NIR: the program that is to import it.
    pub target: Option<Target>,
    /// NIR: how means over windows are written; as the target reads them unless said.
    pub pooling: Option<Pooling>,
    /// NIR: whether it is written although the target would run another network.
    pub force: bool,
}

impl ExportOptions {
    /// A form with all else as usual.
    pub fn new(to: ExportFormat) -> Self {
        Self { to, unrolled: false, steps: None, target: None, pooling: None, force: false }
    }

    /// What they ask for, in a file called `output`.
    ///
    /// # Errors
    /// [`Error::ExportOption`] where an option belongs to another form.
    pub fn resolve(&self, output: &Path) -> Result<ExportTarget> {
        let given = [
            ("--unrolled", ExportFormat::Onnx, self.unrolled),
            ("--steps", ExportFormat::C, self.steps.is_some()),
            ("--target", ExportFormat::Nir, self.target.is_some()),
            ("--pooling", ExportFormat::Nir, self.pooling.is_some()),
            ("--force", ExportFormat::Nir, self.force),
        ];
        if let Some((option, of, _)) = given.into_iter().find(|&(_, of, given)| given && of != self.to) {
            return Err(Error::ExportOption { option, of: of.name(), to: self.to.name() });
        }
        Ok(match self.to {
            ExportFormat::Onnx => ExportTarget::Onnx(if self.unrolled { Form::Unrolled } else { Form::Folded }),
            ExportFormat::C => ExportTarget::c(output, self.steps.unwrap_or_default()),
            ExportFormat::Nir => ExportTarget::Nir { pooling: self.pooling, target: self.target, force: self.force },
        })
    }
}

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
    /// The neuromorphic intermediate representation.
    Nir {
        /// How means over windows are written; as the target reads them unless said.
        pooling: Option<Pooling>,
        /// The program that is to import it.
        target: Option<Target>,
        /// Whether it is written although that program would run another network.
        force: bool,
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
    pub format: ExportFormat,
    /// The files written.
    pub files: Vec<String>,
    /// Facts about them, by name.
    pub facts: Vec<(&'static str, String)>,
    /// What other programs make of it, where they differ.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<Assessment>,
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
            let files = vec![output.display().to_string()];
            Ok(ExportReport { format: ExportFormat::Onnx, files, facts, verdicts: Vec::new() })
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
            Ok(ExportReport { format: ExportFormat::C, files, facts, verdicts: Vec::new() })
        }
        ExportTarget::Nir { pooling, target, force } => {
            let pooling = pooling.or(target.map(Target::pooling)).unwrap_or_default();
            let model = to_nir(file, pooling).map_err(refused)?;
            let verdicts = verdicts(&model, network, *target, *force)?;
            write(output, &model.bytes)?;
            Ok(ExportReport {
                format: ExportFormat::Nir,
                files: vec![output.display().to_string()],
                facts: nir_facts(&model),
                verdicts,
            })
        }
    }
}

/// The verdict of the target, or of all.
fn verdicts(model: &NirModel, network: &Path, target: Option<Target>, force: bool) -> Result<Vec<Assessment>> {
    let Some(target) = target else {
        return Ok(Target::ALL.map(|target| assess(target, &model.facts)).to_vec());
    };
    let assessment = assess(target, &model.facts);
    if assessment.verdict == Verdict::Unsupported && !force {
        let advice = match &assessment.adjustment {
            Some(adjustment) => format!(
                "with --force it is written all the same, and after the import, for each module m, `{}` makes it {}",
                adjustment.code,
                adjustment.verdict.name()
            ),
            None => "with --force it is written all the same".to_owned(),
        };
        return Err(Error::Unfaithful {
            file: network.to_owned(),
            target: target.name(),
            verdict: assessment.describe(),
            advice,
        });
    }
    Ok(vec![assessment])
}

fn nir_facts(model: &NirModel) -> Vec<(&'static str, String)> {
    let facts = &model.facts;
    let mut rows = vec![
        ("nodes", model.graph.nodes.len().to_string()),
        ("edges", model.graph.edges.len().to_string()),
        ("kinds", facts.kinds.join(", ")),
        ("time steps", facts.time_steps.to_string()),
        ("input", "the preprocessed sample, in every step".to_owned()),
        ("result", "the mean of what leaves".to_owned()),
    ];
    if facts.skip > 0 {
        rows.push(("steps that pass unread", facts.skip.to_string()));
    }
    if !facts.heads.is_empty() {
        rows.push(("left to the caller", facts.heads.join(", ")));
    }
    rows
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| NetworkError::Io { action: "write", path: path.to_owned(), source };
    Ok(write_whole(path, bytes).map_err(failed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_of_other_forms_are_refused() {
        let output = Path::new("a b.c");
        let resolve = |options: ExportOptions| options.resolve(output);
        let c = ExportOptions::new(ExportFormat::C);
        assert_eq!(resolve(c).unwrap(), ExportTarget::C { name: "a_b".into(), steps: Steps::Folded });
        let nir = ExportOptions { target: Some(Target::Norse), force: true, ..ExportOptions::new(ExportFormat::Nir) };
        let wanted = ExportTarget::Nir { pooling: None, target: Some(Target::Norse), force: true };
        assert_eq!(resolve(nir).unwrap(), wanted);
        let onnx = ExportOptions::new(ExportFormat::Onnx);
        let pooling = Some(Pooling::Sum);
        for (options, option) in [
            (ExportOptions { unrolled: true, ..c }, "--unrolled"),
            (ExportOptions { steps: Some(Steps::Folded), ..onnx }, "--steps"),
            (ExportOptions { to: ExportFormat::Onnx, ..nir }, "--target"),
            (ExportOptions { pooling, ..c }, "--pooling"),
            (ExportOptions { force: true, ..onnx }, "--force"),
        ] {
            let error = resolve(options).unwrap_err();
            assert!(matches!(error, Error::ExportOption { option: found, .. } if found == option), "{error}");
        }
    }
}
