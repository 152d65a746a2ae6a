//! Conversion methods: a file each, one table that everything reads (command line, documentation, tests).

mod rueckauer2017;
mod spikeconverter;

use serde::Serialize;
use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;

pub use self::rueckauer2017::Rueckauer2017;
pub use self::spikeconverter::SpikeConverter;
use crate::{Conversion, ConvertError, Options};

/// What a method is: a row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MethodInfo {
    /// The name that options and reports use.
    pub name: &'static str,
    /// The paper.
    pub paper: &'static str,
    /// Its year.
    pub year: u16,
    /// The neuron model.
    pub neuron: &'static str,
    /// The code of its spike trains.
    pub code: &'static str,
    /// `window` (a window a layer) or `stream` (all layers at once).
    pub schedule: &'static str,
    /// Whether it needs calibration samples.
    pub needs_calibration: bool,
    /// Whether it needs a network trained for it.
    pub needs_training: bool,
    /// Structures that the paper is known to take.
    pub structures_published: &'static str,
    /// Structures taken here.
    pub structures_here: &'static str,
}

/// A conversion method.
pub trait Method: Sync {
    /// Its row in the table.
    fn info(&self) -> MethodInfo;

    /// Converts a trained network in normal form. With [`Encoding::Pixels`] the graph takes raw pixels, and so does
    /// `calibration`, which holds samples of the graph's input. `progress` is told how many layers are done and how
    /// many there are.
    ///
    /// [`Encoding::Pixels`]: spikeconverter_network::Encoding::Pixels
    ///
    /// # Errors
    /// [`ConvertError`] when the network or an option cannot be converted.
    fn convert(
        &self,
        graph: &Graph,
        calibration: &Batch,
        options: &Options,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Conversion, ConvertError>;
}

/// All methods.
pub fn methods() -> &'static [&'static dyn Method] {
    &[&SpikeConverter, &Rueckauer2017]
}

/// The method of a name.
pub fn method(name: &str) -> Option<&'static dyn Method> {
    methods().iter().copied().find(|method| method.info().name == name)
}
