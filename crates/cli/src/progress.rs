//! Progress bars on standard error, only where that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spikeconverter_pipeline::{Phase, Progress};

/// A bar for each phase, one at a time.
pub(crate) struct Bars {
    shown: bool,
    current: Option<(Phase, ProgressBar)>,
}

impl Bars {
    pub(crate) fn new() -> Self {
        Self { shown: std::io::stderr().is_terminal(), current: None }
    }

    /// Shows how far the work is.
    pub(crate) fn tell(&mut self, progress: Progress) {
        if !self.shown {
            return;
        }
        if self.current.as_ref().is_none_or(|(phase, _)| *phase != progress.phase) {
            self.finish();
            let bar = ProgressBar::with_draw_target(Some(progress.total as u64), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{msg:>20} {bar:30} {pos}/{len} {elapsed}") {
                bar.set_style(style);
            }
            bar.set_message(match progress.phase {
                Phase::Reading => "reading samples",
                Phase::Fitting => "fitting layers",
                Phase::Evaluating => "evaluating",
                Phase::Explaining => "comparing layers",
            });
            self.current = Some((progress.phase, bar));
        }
        if let Some((_, bar)) = &self.current {
            bar.set_position(progress.done as u64);
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some((_, bar)) = self.current.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.finish();
    }
}
