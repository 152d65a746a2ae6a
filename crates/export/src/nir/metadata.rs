//! What NIR does not say, for importers and people.

use spikeconverter_graph::NodeId;
use spikeconverter_network::{NodeKind, SnnFile, SpikingNetwork};
use spikeconverter_neuron::{Comparison, Reset};
use spikeconverter_nir::{Array, Fires, Graph, Meta, Metadata, Node, Numbers, Semantics};

use super::lower::Lowered;

/// What an importer has to know to run the network as it is meant.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Steps of the simulation.
    pub time_steps: u32,
    /// Steps that pass unread.
    pub skip: u32,
    /// Resets of the populations; none where nothing spikes.
    pub reset: Option<Reset>,
    /// Whether populations differ in their resets or comparisons.
    pub mixed: bool,
    /// Whether a threshold itself fires.
    pub comparison: Comparison,
    /// Whether membranes begin elsewhere than at 0.
    pub initial: bool,
    /// Kinds of NIR's nodes that the graph has.
    pub kinds: Vec<&'static str>,
    /// Whether a node hears several: an implicit sum.
    pub sums: bool,
    /// Names of the populations' nodes, in the order of the network.
    pub populations: Vec<String>,
    /// What follows the read-out, which the file does not have.
    pub heads: Vec<String>,
}

impl Facts {
    pub(super) fn of(network: &SpikingNetwork, lowered: &Lowered) -> Self {
        let neurons: Vec<(Reset, Comparison)> = lowered
            .populations
            .iter()
            .filter_map(|(id, _)| match &network.node(*id).kind {
                NodeKind::Streaming(population) => Some((population.reset, population.comparison)),
                _ => None,
            })
            .collect();
        let mut kinds: Vec<&'static str> = lowered.graph.nodes.iter().map(|element| element.node.kind()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let heard = |name: &str| lowered.graph.edges.iter().filter(|(_, to)| to == name).count();
        let heads = network.ids().filter_map(|id| match &network.node(id).kind {
            NodeKind::Head(op) => Some(op.kind().to_owned()),
            _ => None,
        });
        Self {
            time_steps: network.time_steps(),
            skip: skip(network, lowered.readout),
            reset: neurons.first().map(|(reset, _)| *reset),
            mixed: neurons.windows(2).any(|pair| pair[0] != pair[1]),
            comparison: neurons.first().map(|(_, comparison)| *comparison).unwrap_or_default(),
            initial: !lowered.initial.is_empty(),
            kinds,
            sums: lowered.graph.nodes.iter().any(|element| heard(&element.name) > 1),
            populations: lowered.populations.iter().map(|(_, name)| name.clone()).collect(),
            heads: heads.collect(),
        }
    }

    /// The semantics with which the file gives the network's spikes.
    pub fn semantics(&self) -> Semantics {
        Semantics {
            reset: match self.reset {
                Some(Reset::Subtract) => spikeconverter_nir::Reset::Subtract,
                _ => spikeconverter_nir::Reset::ToReset,
            },
            fires: match self.comparison {
                Comparison::AtLeast => Fires::AtLeast,
                Comparison::Above => Fires::Above,
            },
            ..Semantics::default()
        }
    }
}

fn skip(network: &SpikingNetwork, readout: NodeId) -> u32 {
    match &network.node(readout).kind {
        NodeKind::Readout(readout) => readout.skip,
        _ => 0,
    }
}

/// The file's metadata.
pub(super) fn of(
    file: &SnnFile,
    facts: &Facts,
    initial: Vec<(String, Array)>,
    sample: Option<(Vec<usize>, Vec<usize>)>,
    names: Vec<(String, String)>,
) -> Metadata {
    let provenance = &file.provenance;
    let options: Vec<String> = provenance.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let text = |value: &str| Meta::Text(value.to_owned());
    let count = |n: u32| {
        Array::new(Vec::new(), vec![f64::from(n)], Numbers::Integer)
            .map_or_else(|| Meta::Text(n.to_string()), Meta::Numbers)
    };
    let reset = match facts.reset {
        _ if facts.mixed => "mixed",
        Some(Reset::Subtract) => "subtract",
        Some(Reset::Zero) => "v_reset",
        Some(Reset::Modulo) => "modulo",
        None => "none",
    };
    let comparison = match facts.comparison {
        Comparison::AtLeast => ">=",
        Comparison::Above => ">",
    };
    let mut entries: Metadata = [
        ("program", text(&provenance.program)),
        ("source", text(&provenance.source)),
        ("source_sha256", text(&provenance.source_sha256)),
        ("method", text(&provenance.method)),
        ("options", Meta::Text(options.join(", "))),
        ("preprocessing", Meta::Text(file.preprocessing.to_string())),
        ("input", text("the preprocessed sample, in every step")),
        ("result", text("the mean of what leaves over the steps that are read")),
        ("time_steps", count(facts.time_steps)),
        ("skip", count(facts.skip)),
        ("dt", count(1)),
        ("reset", text(reset)),
        ("fires", text(comparison)),
        ("heads", Meta::Text(facts.heads.join(", "))),
        ("populations", Meta::Text(facts.populations.join("\n"))),
    ]
    .map(|(name, meta)| (name.to_owned(), meta))
    .into();
    // in the graph's metadata: old versions of the package refuse those of nodes
    let names = names.into_iter().map(|(node, name)| (node, Meta::Text(name))).collect();
    entries.insert("names".into(), Meta::Group(names));
    if let Some((shape, order)) = sample {
        let numbers = |values: Vec<usize>| {
            let data: Vec<f64> = values.into_iter().map(|n| n as f64).collect();
            Array::new(vec![data.len()], data, Numbers::Integer).map(Meta::Numbers)
        };
        entries.extend(numbers(shape).map(|shape| ("sample_shape".into(), shape)));
        entries.extend(numbers(order).map(|order| ("sample_order".into(), order)));
        entries.insert("input".into(), text("in every step, the preprocessed sample's values number sample_order"));
    }
    if !initial.is_empty() {
        let each = initial.into_iter().map(|(name, array)| (name, Meta::Numbers(array))).collect();
        entries.insert("v_initial".into(), Meta::Group(each));
    }
    [(KEY.to_owned(), Meta::Group(entries))].into()
}

/// The group of the metadata that is ours.
const KEY: &str = "spikeconverter";

/// How a graph is to be run, where it came from this program.
#[derive(Debug, Clone, PartialEq)]
pub struct Instructions {
    /// Steps of the simulation.
    pub time_steps: u32,
    /// Steps that pass unread.
    pub skip: u32,
    /// Resets and comparison.
    pub semantics: Semantics,
    /// Preprocessing of the samples, as JSON.
    pub preprocessing: Option<String>,
    /// Shape of a sample and, for each value of the graph's input, its position there; where they differ.
    pub sample: Option<(Vec<usize>, Vec<usize>)>,
    /// Initial membranes by node.
    pub initial: Vec<(String, Array)>,
}

impl Instructions {
    /// What a graph's metadata say; nothing for graphs of other programs.
    pub fn of(graph: &Graph) -> Option<Self> {
        let Some(Meta::Group(entries)) = graph.metadata.get(KEY) else { return None };
        let text = |name: &str| match entries.get(name) {
            Some(Meta::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let count = |name: &str| match entries.get(name) {
            Some(Meta::Numbers(array)) => array.data().first().map(|&n| n as u32),
            _ => None,
        };
        let semantics = Semantics {
            reset: if text("reset") == Some("subtract") {
                spikeconverter_nir::Reset::Subtract
            } else {
                spikeconverter_nir::Reset::ToReset
            },
            fires: if text("fires") == Some(">=") { Fires::AtLeast } else { Fires::Above },
            ..Semantics::default()
        };
        let initial = match entries.get("v_initial") {
            Some(Meta::Group(each)) => each
                .iter()
                .filter_map(|(name, meta)| match meta {
                    Meta::Numbers(array) => Some((name.clone(), array.clone())),
                    _ => None,
                })
                .filter(|(name, _)| matches!(graph.node(name), Some(Node::IntegrateFire { .. })))
                .collect(),
            _ => Vec::new(),
        };
        let counts = |name: &str| match entries.get(name) {
            Some(Meta::Numbers(array)) => Some(array.data().iter().map(|&n| n as usize).collect::<Vec<_>>()),
            _ => None,
        };
        let sample = counts("sample_shape").zip(counts("sample_order")).filter(|(shape, order)| {
            let values = shape.iter().try_fold(1usize, |n, &extent| n.checked_mul(extent));
            values.is_some_and(|values| order.iter().all(|&place| place < values))
        });
        Some(Self {
            time_steps: count("time_steps").filter(|&steps| (1..=1 << 16).contains(&steps))?,
            sample,
            skip: count("skip").unwrap_or(0),
            semantics,
            preprocessing: text("preprocessing").map(ToOwned::to_owned),
            initial,
        })
    }
}
