//! Progress bars on standard error, only where that is a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use spikeconverter_pipeline::{CompareProgress, Phase, Progress, SearchProgress};

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
            bar.set_message(progress.phase.doing());
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

/// One bar for a whole comparison, over its expected work.
pub(crate) struct ComparisonBar(Option<ProgressBar>);

impl ComparisonBar {
    /// Units of the bar.
    const LENGTH: u64 = 1000;

    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(Self::LENGTH), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} % {msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// Shows how far the comparison is.
    pub(crate) fn tell(&mut self, progress: &CompareProgress<'_>) {
        let Some(bar) = &self.0 else { return };
        let at = (progress.fraction * Self::LENGTH as f64) as u64;
        // a forecast may grow; a bar that goes back would only confuse
        bar.set_position(at.max(bar.position()).min(Self::LENGTH));
        bar.set_message(progress.to_string());
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for ComparisonBar {
    fn drop(&mut self) {
        self.finish();
    }
}

/// One bar for each round of a search.
pub(crate) struct SearchBar(Option<ProgressBar>);

impl SearchBar {
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {msg}") {
            bar.set_style(style);
        }
        Self(Some(bar))
    }

    /// Shows how far the search is.
    pub(crate) fn tell(&mut self, progress: &SearchProgress<'_>) {
        let Some(bar) = &self.0 else { return };
        bar.set_length(progress.total as u64);
        bar.set_position(progress.done as u64);
        bar.set_message(progress.to_string());
    }

    /// Takes the bar away.
    pub(crate) fn finish(&mut self) {
        if let Some(bar) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for SearchBar {
    fn drop(&mut self) {
        self.finish();
    }
}
