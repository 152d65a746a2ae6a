//! How far long work is.

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
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Units done: samples, layers, or layers of samples.
    pub done: usize,
    /// Units in all.
    pub total: usize,
}
