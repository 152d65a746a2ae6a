//! How far long work is.

use std::fmt;

use crate::{CompareProgress, SearchProgress};

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Calibration samples are read.
    Reading,
    /// Layers are fitted.
    Fitting,
    /// Samples are evaluated.
    Evaluating,
    /// Layers are compared.
    Explaining,
    /// Samples are run.
    Running,
}

impl Phase {
    /// What is being done, in words.
    pub fn doing(self) -> &'static str {
        match self {
            Self::Reading => "reading samples",
            Self::Fitting => "fitting layers",
            Self::Evaluating => "evaluating",
            Self::Explaining => "comparing layers",
            Self::Running => "running",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Units done: samples, layers, or layers of samples.
    pub done: usize,
    /// Units in all, as far as that is known.
    pub total: usize,
}

impl fmt::Display for CompareProgress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} cells", self.done, self.total)?;
        if let Some(seconds) = self.seconds_left {
            write!(f, ", {} left", duration(seconds))?;
        }
        if let Some((method, steps)) = self.cell {
            write!(f, ", {method} T = {steps}")?;
        }
        write!(f, ", {}", self.phase.doing())
    }
}

impl fmt::Display for SearchProgress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.round {
            (0, _) => {}
            (round, rounds) => write!(f, "round {round} of {rounds}, ")?,
        }
        f.write_str(self.phase.doing())?;
        match self.candidate {
            Some(candidate) => write!(f, ", {}", candidate.flags()),
            None => Ok(()),
        }
    }
}

/// A time to wait, no finer than it is known.
fn duration(seconds: f64) -> String {
    let minutes = seconds / 60.0;
    if minutes >= 90.0 {
        format!("{:.1} h", minutes / 60.0)
    } else if minutes >= 1.5 {
        format!("{minutes:.0} min")
    } else {
        format!("{:.0} s", seconds.ceil())
    }
}
