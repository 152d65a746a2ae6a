//! The `net.snn` file: one safetensors file. Its tensors are the weights (any safetensors reader can look at them),
//! its metadata holds a JSON header under the key `spikeconverter`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use spikeconverter_graph::{Graph, GraphBuilder, NodeId, Op, Tensor};
use spikeconverter_neuron::{Rehearsal, StreamCoding};

use crate::{
    Encoding, NetworkBuilder, NetworkError, NodeKind, Population, Provenance, Simulation, SpikingNetwork, write_whole,
};

/// Key of the header in the file's metadata.
const HEADER_KEY: &str = "spikeconverter";
/// Version of the header's format, which readers refuse when they do not know it. 2: streaming networks have neurons of
/// many kinds, codings and maxima. 3: populations may be online. 4: with delays of their own. 5: bases above 2, windows of their
/// own. A network has the oldest that it needs, so that programs of before read what they can.
const FORMAT: u32 = 5;
/// The version of networks with delays of their own.
const FORMAT_OF_DELAYS: u32 = 4;
/// The version of networks with online populations of one delay.
const FORMAT_OF_ONE_DELAY: u32 = 3;
/// The version of networks without online populations.
const FORMAT_WITHOUT_DELAY: u32 = 2;
/// The oldest version that is read.
const OLDEST_FORMAT: u32 = 1;

/// All that a `net.snn` file holds.
#[derive(Debug, Clone, PartialEq)]
pub struct SnnFile {
    /// The spiking network.
    pub network: SpikingNetwork,
    /// The trained network it came from, in normal form; it takes preprocessed samples.
    pub ann: Graph,
    /// How samples are preprocessed; of no concern to this crate, kept so that evaluation needs only the data.
    pub preprocessing: serde_json::Value,
    /// Where it comes from.
    pub provenance: Provenance,
}

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    /// Absent in files of windowed networks.
    #[serde(default, skip_serializing_if = "is_window")]
    simulation: Simulation,
    /// Absent where it is the rate.
    #[serde(default, skip_serializing_if = "is_rate")]
    coding: StreamCoding,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rehearsal: Option<Rehearsal>,
    time_steps: u32,
    /// Absent where populations hear all before they fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay: Option<u32>,
    input: InputRecord,
    nodes: Vec<Record<NodeKind<String>>>,
    output: NodeId,
    ann: AnnRecord,
    preprocessing: serde_json::Value,
    provenance: Provenance,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_window(simulation: &Simulation) -> bool {
    *simulation == Simulation::Window
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the form that serde calls
fn is_rate(coding: &StreamCoding) -> bool {
    *coding == StreamCoding::Rate
}

#[derive(Serialize, Deserialize)]
struct InputRecord {
    name: String,
    shape: Vec<usize>,
    encoding: Encoding,
}

/// A node without its shape, which is inferred again on loading.
#[derive(Serialize, Deserialize)]
struct Record<K> {
    name: String,
    kind: K,
    inputs: Vec<NodeId>,
}

#[derive(Serialize, Deserialize)]
struct AnnRecord {
    nodes: Vec<Record<Op<String>>>,
    /// Shapes of the nodes that are inputs, in order.
    inputs: Vec<Vec<usize>>,
    outputs: Vec<NodeId>,
}

impl SnnFile {
    /// Writes the file: first under a temporary name beside it, then renamed, so that no partial file is ever seen.
    ///
    /// # Errors
    /// [`NetworkError::Io`] when it cannot be written, [`NetworkError::Network`] when a tensor cannot be stored.
    pub fn save(&self, path: &Path) -> Result<(), NetworkError> {
        let bytes = self.to_bytes()?;
        write_whole(path, &bytes).map_err(|source| NetworkError::Io { action: "write", path: path.to_owned(), source })
    }

    /// Reads a file written by [`SnnFile::save`]. Nothing in it is executed; every shape, parameter and weight is
    /// checked.
    ///
    /// # Errors
    /// [`NetworkError::Io`] when it cannot be read, [`NetworkError::Format`] when it is not such a file.
    pub fn load(path: &Path) -> Result<Self, NetworkError> {
        let bytes =
            std::fs::read(path).map_err(|source| NetworkError::Io { action: "read", path: path.to_owned(), source })?;
        Self::from_bytes(&bytes).map_err(|reason| NetworkError::Format { path: path.to_owned(), reason })
    }

    /// The file's bytes.
    ///
    /// # Errors
    /// [`NetworkError::Network`] when a tensor cannot be stored.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NetworkError> {
        let mut pool = Pool::default();
        let nodes = self
            .network
            .nodes()
            .iter()
            .skip(1)
            .map(|node| Record {
                name: node.name.clone(),
                kind: pool.store_kind(&node.name, &node.kind),
                inputs: node.inputs.clone(),
            })
            .collect();
        let ann = AnnRecord {
            nodes: self
                .ann
                .nodes()
                .iter()
                .map(|node| Record {
                    name: node.name.clone(),
                    kind: pool.store_op(&node.name, &node.op),
                    inputs: node.inputs.clone(),
                })
                .collect(),
            inputs: self.ann.inputs().map(|id| self.ann.node(id).shape.clone()).collect(),
            outputs: self.ann.outputs().to_vec(),
        };
        let header = Header {
            format: self.format(),
            simulation: self.network.simulation(),
            coding: self.network.coding(),
            rehearsal: self.network.rehearsal(),
            time_steps: self.network.time_steps(),
            delay: self.network.is_online().then(|| self.network.delay()),
            input: InputRecord {
                name: self.network.nodes()[0].name.clone(),
                shape: self.network.input_shape().to_vec(),
                encoding: self.network.encoding(),
            },
            nodes,
            output: self.network.output(),
            ann,
            preprocessing: self.preprocessing.clone(),
            provenance: self.provenance.clone(),
        };
        let failed = |e: &dyn std::fmt::Display| NetworkError::Network(format!("cannot be stored: {e}"));
        let json = serde_json::to_string(&header).map_err(|e| failed(&e))?;
        let views = pool
            .entries
            .iter()
            .map(|entry| {
                TensorView::new(Dtype::F32, entry.shape.clone(), &entry.bytes).map(|view| (entry.name.as_str(), view))
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|e| failed(&e))?;
        let metadata = HashMap::from([(HEADER_KEY.to_owned(), json)]);
        safetensors::serialize(views, Some(metadata)).map_err(|e| failed(&e))
    }

    fn format(&self) -> u32 {
        let any = |of: fn(&Population) -> bool| self.network.populations().any(|(_, population)| of(population));
        match self.network.is_online() {
            _ if any(|population| population.has_signed_digits() || population.steps.is_some()) => FORMAT,
            true if any(|population| population.delay.is_some()) => FORMAT_OF_DELAYS,
            true => FORMAT_OF_ONE_DELAY,
            false => FORMAT_WITHOUT_DELAY,
        }
    }

    /// Parses a file's bytes.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let remedy = "make it again with `spikeconverter convert`";
        let (_, metadata) =
            SafeTensors::read_metadata(bytes).map_err(|e| format!("it is not a complete safetensors file ({e})"))?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|e| format!("its tensors are damaged ({e})"))?;
        let json = metadata
            .metadata()
            .as_ref()
            .and_then(|m| m.get(HEADER_KEY))
            .ok_or("it is a safetensors file without a spiking network in it")?;
        let version: serde_json::Value =
            serde_json::from_str(json).map_err(|e| format!("its header is damaged ({e}); {remedy}"))?;
        match version.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if (OLDEST_FORMAT.into()..=FORMAT.into()).contains(&format) => {}
            found => {
                let found = found.map_or("none".to_owned(), |n| n.to_string());
                return Err(format!(
                    "its format version is {found}, this program reads {OLDEST_FORMAT} to {FORMAT}; {remedy}"
                ));
            }
        }
        let header: Header =
            serde_json::from_value(version).map_err(|e| format!("its header is damaged ({e}); {remedy}"))?;
        let mut store = Store { tensors: &tensors, loaded: HashMap::new() };
        let network = read_network(&header, &mut store)?;
        let ann = read_ann(&header.ann, &mut store)?;
        Ok(Self { network, ann, preprocessing: header.preprocessing, provenance: header.provenance })
    }
}

fn read_network(header: &Header, store: &mut Store<'_>) -> Result<SpikingNetwork, String> {
    let input = &header.input;
    let (name, shape) = (input.name.clone(), input.shape.clone());
    let mut builder = NetworkBuilder::of(header.simulation, header.time_steps, name, shape, input.encoding)
        .and_then(|builder| builder.coded(header.coding)?.rehearsed(header.rehearsal)?.delayed(header.delay))
        .map_err(|e| e.to_string())?;
    for record in &header.nodes {
        let kind = match &record.kind {
            NodeKind::Input(encoding) => NodeKind::Input(*encoding),
            NodeKind::Synapse(op) => NodeKind::Synapse(op.try_map_tensors(|name| store.load(name))?),
            NodeKind::Population(population) => NodeKind::Population(population.clone()),
            NodeKind::Streaming(population) => NodeKind::Streaming(population.clone()),
            NodeKind::MaxPool(pool) => NodeKind::MaxPool(pool.clone()),
            NodeKind::StreamingPool(pool) => NodeKind::StreamingPool(pool.clone()),
            NodeKind::Readout(readout) => NodeKind::Readout(readout.clone()),
            NodeKind::Head(op) => NodeKind::Head(op.try_map_tensors(|name| store.load(name))?),
        };
        builder.add(record.name.clone(), kind, &record.inputs).map_err(|e| e.to_string())?;
    }
    builder.finish(header.output).map_err(|e| e.to_string())
}

fn read_ann(record: &AnnRecord, store: &mut Store<'_>) -> Result<Graph, String> {
    let mut builder = GraphBuilder::new();
    let mut shapes = record.inputs.iter();
    for node in &record.nodes {
        let op = node.kind.try_map_tensors(|name| store.load(name))?;
        if matches!(op, Op::Input) {
            let shape = shapes.next().ok_or("an input of the trained network has no shape")?;
            builder.input(node.name.clone(), shape.clone()).map_err(|e| e.to_string())?;
        } else {
            builder.add(node.name.clone(), op, &node.inputs).map_err(|e| e.to_string())?;
        }
    }
    builder.finish(record.outputs.clone()).map_err(|e| e.to_string())
}

/// Tensors on their way into a file; equal ones are stored once.
#[derive(Default)]
struct Pool {
    entries: Vec<Entry>,
    names: HashSet<String>,
    by_content: HashMap<(Vec<usize>, Vec<u8>), usize>,
}

struct Entry {
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Pool {
    fn store(&mut self, node: &str, tensor: &Tensor) -> String {
        let bytes: Vec<u8> = tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect();
        let key = (tensor.shape().to_vec(), bytes.clone());
        if let Some(&known) = self.by_content.get(&key) {
            return self.entries[known].name.clone();
        }
        let name = (0..=self.entries.len())
            .map(|n| format!("{node}.{n}"))
            .find(|name| !self.names.contains(name))
            .unwrap_or_else(|| node.to_owned());
        self.names.insert(name.clone());
        self.by_content.insert(key, self.entries.len());
        self.entries.push(Entry { name: name.clone(), shape: tensor.shape().to_vec(), bytes });
        name
    }

    fn store_op(&mut self, node: &str, op: &Op) -> Op<String> {
        match op.try_map_tensors(|tensor| Ok::<_, std::convert::Infallible>(self.store(node, tensor))) {
            Ok(op) => op,
        }
    }

    fn store_kind(&mut self, node: &str, kind: &NodeKind) -> NodeKind<String> {
        match kind {
            NodeKind::Input(encoding) => NodeKind::Input(*encoding),
            NodeKind::Synapse(op) => NodeKind::Synapse(self.store_op(node, op)),
            NodeKind::Population(population) => NodeKind::Population(population.clone()),
            NodeKind::Streaming(population) => NodeKind::Streaming(population.clone()),
            NodeKind::MaxPool(pool) => NodeKind::MaxPool(pool.clone()),
            NodeKind::StreamingPool(pool) => NodeKind::StreamingPool(pool.clone()),
            NodeKind::Readout(readout) => NodeKind::Readout(readout.clone()),
            NodeKind::Head(op) => NodeKind::Head(self.store_op(node, op)),
        }
    }
}

/// Tensors of a file, each made once.
struct Store<'a> {
    tensors: &'a SafeTensors<'a>,
    loaded: HashMap<String, Tensor>,
}

impl Store<'_> {
    fn load(&mut self, name: &str) -> Result<Tensor, String> {
        if let Some(tensor) = self.loaded.get(name) {
            return Ok(tensor.clone());
        }
        let view = self.tensors.tensor(name).map_err(|_| format!("tensor `{name}` is missing"))?;
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor `{name}` is not of type f32"));
        }
        let (words, _) = view.data().as_chunks::<4>();
        let data = words.iter().map(|&b| f32::from_le_bytes(b)).collect();
        let tensor = Tensor::new(view.shape().to_vec(), data).map_err(|e| format!("tensor `{name}`: {e}"))?;
        if let Some((position, value)) = tensor.first_non_finite() {
            return Err(format!("tensor `{name}` holds {value} at position {position}"));
        }
        self.loaded.insert(name.to_owned(), tensor.clone());
        Ok(tensor)
    }
}

#[cfg(test)]
mod tests;
