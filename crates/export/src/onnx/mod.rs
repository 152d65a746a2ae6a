//! The network as ONNX: standard operators of operator set 17, a batch axis that is left open, `float` in and out.
//!
//! * [`Form::Folded`]: a whole window in one pass, as the folded engine runs it. Each population is a quantisation of its
//!   own (`Add` initial potential, `Div` by the resolution, `Clip`, `Floor`, `Mul`); other bases than 2 have the
//!   neuron's greedy steps one after the other. With integer weights every value is the engine's, bit for bit.
//! * [`Form::Unrolled`]: the literal simulation, every time step with nodes of its own, as the reference engine runs it.
//!   Anyone can check the folded form, and us, against it. Streaming networks have this form only.
//!
//! Nodes keep the names of the network's nodes; auxiliary ones add a `/` and what they are. Time steps add `@` and their
//! number, from 1. Metadata hold T, method, preprocessing, source, and (folded) under `spikeconverter.codes` the names of the
//! values that are the populations' codes, and under `spikeconverter.readouts` those of the read-outs' membranes. The input is what the engine takes: preprocessed samples, or pixels 0..=255 as `float`.
//!
//! # Exactness of integer networks
//! Convolutions exist in `f32` only, whose sums of integers are exact below 2^24 (in any order; a runtime that convolves by
//! Winograd's algorithm, which divides, is not covered). From weights and codes we bound every sum: what stays below is
//! computed in `f32`, what does not is a sum over digits of the codes, put together in `f64`.

mod folded;
mod neuron;
mod ops;
mod signed;
mod unrolled;
mod weighted;
mod writer;

use prost::Message;
use spikeconverter_graph::NodeId;
use spikeconverter_network::{Encoding, Node, NodeKind, Simulation, SnnFile, SpikingNetwork};

use self::ops::{Value, apply};
use self::writer::{Real, Writer};
use crate::ExportError;
use crate::bounds::{self, Range};

/// What the operators compute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// A whole window of spikes at once.
    #[default]
    Folded,
    /// Every time step.
    Unrolled,
}

impl Form {
    /// Its name in reports and metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Folded => "folded",
            Self::Unrolled => "unrolled",
        }
    }
}

/// A network as an ONNX model.
#[derive(Debug, Clone)]
pub struct OnnxModel {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Number of its operators.
    pub operators: usize,
    /// Name of its input.
    pub input: String,
    /// Name of its output.
    pub output: String,
}

/// The network of `file` as an ONNX model.
///
/// # Errors
/// [`ExportError`] when the network is online, a streaming network is to be folded, the unrolled form would be too large, or the sums of an
/// integer network could leave the integers that `f64` holds.
pub fn to_onnx(file: &SnnFile, form: Form) -> Result<OnnxModel, ExportError> {
    let network = &file.network;
    if network.is_online() {
        let reason =
            "its populations fire before their windows are over, which has no form there; convert without --delay";
        return Err(ExportError::Network(reason.into()));
    }
    let mut lowering = Lowering::new(network);
    let values = match form {
        Form::Folded if network.simulation() == Simulation::Stream => {
            let reason = "a streaming network has no window that folds into one pass; export it with --unrolled";
            return Err(ExportError::Network(reason.into()));
        }
        Form::Folded => folded::lower(&mut lowering)?,
        Form::Unrolled => unrolled::lower(&mut lowering)?,
    };
    let readouts: Vec<String> = network
        .ids()
        .filter(|&id| matches!(network.node(id).kind, NodeKind::Readout(_)))
        .filter_map(|id| Some(values[id.0].as_ref()?.name.clone()))
        .collect();
    let result = lowering.heads(values)?;
    let result = ops::cast(&mut lowering.writer, &result, Real::Single);
    let Lowering { mut writer, input, codes, .. } = lowering;
    let output = writer.node("Identity", "output", &[&result.name], Vec::new());
    let operators = writer.len();
    let model = writer.finish(
        "spiking network",
        (&input, network.input_shape()),
        (&output, &result.shape),
        metadata(file, form, &codes, &readouts),
    );
    Ok(OnnxModel { bytes: model.encode_to_vec(), operators, input, output })
}

/// What the operators do not say: time, samples, and where the network comes from.
fn metadata(file: &SnnFile, form: Form, codes: &[String], readouts: &[String]) -> Vec<(String, String)> {
    let (network, provenance) = (&file.network, &file.provenance);
    let input = match network.encoding() {
        Encoding::Analog => "preprocessed samples",
        Encoding::Pixels | Encoding::Poisson { .. } => "raw samples less the lowest raw value, 0 to 255, as float",
    };
    let options = provenance.options.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>();
    let facts = [
        ("form", form.name().into()),
        ("simulation", network.simulation().name().into()),
        ("time_steps", network.time_steps().to_string()),
        ("integer", network.is_integer().to_string()),
        ("input", input.into()),
        ("preprocessing", file.preprocessing.to_string()),
        // as JSON: names may hold anything
        ("codes", serde_json::Value::from(codes).to_string()),
        ("readouts", serde_json::Value::from(readouts).to_string()),
        ("method", provenance.method.clone()),
        ("options", options.join(", ")),
        ("calibration", format!("{} samples of {}", provenance.calibration.samples, provenance.calibration.data)),
        ("source", provenance.source.clone()),
        ("source_sha256", provenance.source_sha256.clone()),
    ];
    facts.map(|(key, value)| (format!("spikeconverter.{key}"), value)).into()
}

/// A model under construction.
struct Lowering<'a> {
    network: &'a SpikingNetwork,
    writer: Writer,
    /// A name for each node that no other has.
    names: Vec<String>,
    /// Name of the input.
    input: String,
    integer: bool,
    /// Names of the values that are the codes of the populations, in order; empty where codes are not values of their own.
    codes: Vec<String>,
}

impl<'a> Lowering<'a> {
    fn new(network: &'a SpikingNetwork) -> Self {
        let mut writer = Writer::default();
        let input = writer.unique(&network.nodes()[0].name);
        // names of nodes are taken one by one, as they are written; these tell weights of equal names apart
        let mut seen = std::collections::HashMap::new();
        let names = network.nodes().iter().map(|node| {
            let count: &mut usize = seen.entry(node.name.clone()).or_default();
            *count += 1;
            if *count == 1 { node.name.clone() } else { format!("{}_{count}", node.name) }
        });
        Self { network, names: names.collect(), writer, input, integer: network.is_integer(), codes: Vec::new() }
    }

    fn node(&self, id: NodeId) -> &'a Node {
        self.network.node(id)
    }

    fn name(&self, id: NodeId) -> String {
        self.names[id.0].clone()
    }

    /// The samples.
    fn sample(&self) -> Value {
        let range = self.integer.then(|| bounds::of_source(self.network, &self.network.nodes()[0].kind, false));
        Value { name: self.input.clone(), real: Real::Single, shape: self.network.input_shape().to_vec(), range }
    }

    /// Applies what follows the read-outs; `values` are theirs.
    fn heads(&mut self, mut values: Vec<Option<Value>>) -> Result<Value, ExportError> {
        for id in self.network.ids() {
            let node = self.node(id);
            let NodeKind::Head(op) = &node.kind else { continue };
            let inputs = node.inputs.iter().map(|input| {
                let value = values[input.0].clone();
                value.map(|value| Value { range: None, ..value })
            });
            let Some(inputs) = inputs.collect::<Option<Vec<_>>>() else { continue };
            // results are numbers as any runtime gives them
            let inputs: Vec<Value> =
                inputs.iter().map(|value| ops::cast(&mut self.writer, value, Real::Single)).collect();
            let name = self.name(id);
            values[id.0] = Some(apply(&mut self.writer, (&name, &name), op, &inputs, true)?);
        }
        values[self.network.output().0].take().ok_or_else(|| ExportError::Network("the network has no result".into()))
    }

    /// The number type in which sums of a listener are exact: its membranes, its initial potential, and a threshold for the
    /// rounding step.
    fn listening(&self, id: NodeId, arriving: Range) -> Result<Real, ExportError> {
        let largest = |values: &[f32]| bounds::of_constants(values).magnitude();
        let (initial, unit) = match &self.node(id).kind {
            NodeKind::Population(population) => {
                let channels = self.node(id).shape.first().copied().unwrap_or(1);
                let negative: Vec<f32> =
                    (0..channels).map(|c| population.negative_threshold(c)).filter(|t| t.is_finite()).collect();
                let largest_unit = largest(&population.threshold).max(largest(&negative));
                (largest(&population.initial), largest_unit >> (self.network.time_steps() - 1))
            }
            NodeKind::Readout(readout) => (largest(&readout.initial), 0),
            _ => (0, 0),
        };
        // twice: quotients are rounded down exactly while dividend and divisor together stay well below the limit
        let total = arriving.magnitude().saturating_add(initial).saturating_add(unit).saturating_mul(2);
        ops::real_for(Range::new(0, total)).ok_or_else(|| {
            ExportError::node(&self.node(id).name, "its membranes can exceed 2^51, which is beyond the integers of f64")
        })
    }
}
