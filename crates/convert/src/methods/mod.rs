//! Conversion methods: a file each, one table that everything reads (command line, documentation, tests).
//!
//! Streaming methods are recipes of parts (`streaming`): a method's file says where its equations come from, what of them is
//! confirmed and what is ours, and which parts they are.

pub mod adafire;
pub mod bu2022;
pub mod cos;
pub mod dcgs;
pub mod deng2021;
pub mod diehl2015;
pub mod ecmt;
mod fs_neurons;
pub mod gao2023;
pub mod group;
pub mod han2020;
pub mod hanroy2020;
pub mod hu2021;
pub mod kim2018;
pub mod kim2020;
pub mod li2021;
pub mod li2022;
pub mod ltb;
pub mod rueckauer2017;
pub mod sengupta2019;
pub mod snm;
mod spikeconverter;
pub mod srp;
pub mod trained;
pub mod yang2020;
pub mod yu2021;

use std::collections::BTreeMap;

use serde::Serialize;
use spikeconverter_engine::Batch;
use spikeconverter_graph::Graph;

pub use self::fs_neurons::FsNeurons;
pub use self::spikeconverter::SpikeConverter;
use crate::streaming::{self, Recipe};
use crate::{Conversion, ConvertError, Granularity, Options, RecipeInfo};

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
    /// Options of the conversion that it uses, as the command line calls them.
    pub options: &'static [&'static str],
    /// What is known of the paper's figures.
    pub figures: &'static str,
    /// When to use it, in two to four sentences: for which networks, latencies and neurons, what it costs, and what is ahead of
    /// it on the networks measured here (`bench/COMPARISON.md`). Methods and options stand in backticks, figures in the
    /// comparison.
    pub when: &'static str,
    /// The parts of a streaming method; options replace them.
    pub recipe: Option<RecipeInfo>,
}

/// Options of streaming methods. Those that differential coding does not take come last.
const STREAM_OPTIONS: &[&str] = &[
    "--time-steps",
    "--thresholds",
    "--neuron",
    "--levels",
    "--threshold-rule",
    "--percentile",
    "--initial",
    "--calibration-rule",
    "--max-pool",
    "--input",
    "--rehearsal",
    "--rehearsal-steps",
    "--skip-steps",
];
/// Options that any coding takes.
const OPTIONS_OF_ANY_CODING: &[&str] = STREAM_OPTIONS.split_at(10).0;

impl MethodInfo {
    /// What rows of streaming methods have in common.
    const STREAM: Self = Self {
        name: "",
        paper: "",
        year: 0,
        neuron: "",
        code: "rate",
        schedule: "stream",
        needs_calibration: true,
        needs_training: false,
        structures_published: "not confirmed",
        structures_here: "convolution (grouped, depthwise, dilated, transposed), linear, residual, concatenation, average \
                          and max pooling, ReLU, clips, leaky and parametric ReLU, layers without activation, biases",
        options: STREAM_OPTIONS,
        figures: "none confirmed",
        when: "",
        recipe: None,
    };
}

impl MethodInfo {
    /// The options of a conversion as words, for the record of where a network comes from, with what the method takes where
    /// they do not say.
    pub fn record(&self, options: &Options) -> BTreeMap<String, String> {
        let mut record = options.record();
        let own = self.recipe.map_or(Granularity::Channel, |recipe| recipe.thresholds);
        record.insert("thresholds".into(), options.thresholds.unwrap_or(own).name().into());
        for (option, value) in self.recipe.iter().flat_map(RecipeInfo::named) {
            // a number of levels belongs to the method's own neurons, and steps to its own rehearsal
            let own = match option {
                "levels" => options.parts.neuron.is_none(),
                "rehearsal_steps" => options.parts.rehearsal.is_none(),
                _ => true,
            };
            if own {
                record.entry(option.into()).or_insert(value);
            }
        }
        record
    }
}

/// A conversion method.
pub trait Method: Sync {
    /// Its row in the table.
    fn info(&self) -> MethodInfo;

    /// Converts a trained network in normal form. With [`Encoding::Pixels`] the graph takes raw pixels, and so does
    /// `calibration`, which holds samples of the graph's input. `progress` is told how many layers are done and how
    /// many there are; its error, say [`ConvertError::Stopped`], ends the conversion.
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
        progress: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
    ) -> Result<Conversion, ConvertError>;
}

/// A streaming method: its row and its recipe.
struct Streaming {
    info: MethodInfo,
    recipe: Recipe,
}

impl Method for Streaming {
    fn info(&self) -> MethodInfo {
        MethodInfo { recipe: Some(self.recipe.info()), ..self.info.clone() }
    }

    fn convert(
        &self,
        graph: &Graph,
        calibration: &Batch,
        options: &Options,
        progress: &mut dyn FnMut(usize, usize) -> Result<(), ConvertError>,
    ) -> Result<Conversion, ConvertError> {
        streaming::convert(self.recipe, graph, calibration, options, progress)
    }
}

/// All methods, those that convert networks as they are first, each kind by year.
static METHODS: [&dyn Method; 37] = [
    &SpikeConverter,
    &diehl2015::MODEL,
    &diehl2015::DATA,
    &rueckauer2017::METHOD,
    &kim2018::METHOD,
    &sengupta2019::METHOD,
    &kim2020::METHOD,
    &han2020::METHOD,
    &hanroy2020::METHOD,
    &yang2020::METHOD,
    &FsNeurons,
    &deng2021::METHOD,
    &li2021::LIGHT,
    &li2021::ADVANCED,
    &hu2021::METHOD,
    &yu2021::TERNARY,
    &yu2021::AUGMENTED,
    &bu2022::METHOD,
    &li2022::METHOD,
    &snm::METHOD,
    &gao2023::METHOD,
    &srp::METHOD,
    &cos::METHOD,
    &group::METHOD,
    &ecmt::METHOD,
    &adafire::METHOD,
    &dcgs::METHOD,
    &ltb::METHOD,
    &trained::SOFT_LIF,
    &trained::TDSNN,
    &trained::HYBRID,
    &trained::TCL,
    &trained::SPIKE_THRIFT,
    &trained::CQ,
    &trained::QCFS,
    &trained::FAST_SNN,
    &trained::SLIP_RELU,
];

/// All methods.
pub fn methods() -> &'static [&'static dyn Method] {
    &METHODS
}

/// The method of a name.
pub fn method(name: &str) -> Option<&'static dyn Method> {
    methods().iter().copied().find(|method| method.info().name == name)
}
