/// Why a node cannot be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// It has no counterpart here.
    Unsupported { reason: String, remedy: Option<String> },
    /// It contradicts its inputs or the ONNX specification.
    Invalid(String),
    /// Evaluating it would exceed the bound on constants.
    TooLarge,
}

impl Problem {
    /// Adds what helps.
    pub(crate) fn remedy(self, text: impl Into<String>) -> Self {
        match self {
            Self::Unsupported { reason, .. } => Self::Unsupported { reason, remedy: Some(text.into()) },
            other => other,
        }
    }
}

/// A node without a counterpart here.
pub(crate) fn unsupported(reason: impl Into<String>) -> Problem {
    Problem::Unsupported { reason: reason.into(), remedy: None }
}

/// A node that contradicts its inputs or the ONNX specification.
pub(crate) fn invalid(reason: impl Into<String>) -> Problem {
    Problem::Invalid(reason.into())
}
