//! File to graph. What a file claims is compared with its length before memory is taken.

use std::path::Path;

use hdf5_pure::{DType, Dataset, File, Group, VlenStringReadOptions};

use crate::array::volume;
use crate::{
    Array, Conv, Element, Graph, GraphError, Leaky, LeakySynaptic, Meta, Metadata, NirError, Node, Numbers, Padding,
    Pool,
};

/// Nodes of a file, those of inner graphs included.
const MOST_NODES: usize = 100_000;
/// Deflate makes a byte out of no fewer than this many; what claims more is damaged.
const LARGEST_RATIO: usize = 1032;

impl Graph {
    /// Reads a file; datasets may be contiguous or in compressed chunks, strings of fixed or variable length.
    ///
    /// # Errors
    /// When the file cannot be read, is no HDF5 file or damaged, or holds no NIR graph; the message names file and node.
    /// Shapes are checked by [`Shapes`](crate::Shapes).
    pub fn read(path: &Path) -> Result<Self, NirError> {
        let bytes = std::fs::read(path).map_err(|source| NirError::Io { file: path.to_owned(), source })?;
        Self::from_bytes(bytes, path)
    }

    /// The graph in the bytes of a file; `path` names it in errors.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(bytes: Vec<u8>, path: &Path) -> Result<Self, NirError> {
        let container = |reason: String| NirError::Container { file: path.to_owned(), reason };
        if !hdf5_pure::is_hdf5_bytes(&bytes) {
            return Err(container("is not an HDF5 file, which NIR files are".into()));
        }
        let length = bytes.len();
        let file = File::from_bytes(bytes).map_err(|error| container(format!("damaged HDF5: {error}")))?;
        let said = file.superblock().eof_address;
        if said > length as u64 {
            return Err(container(format!("is cut off: {length} of {said} bytes are there")));
        }
        let root = file.group("node").map_err(|_| container("has no group `node`, which NIR files have".into()))?;
        let mut reader = Reader { length, nodes: 0 };
        let result = reader.graph(&root, "", 0).and_then(|graph| {
            graph.check()?;
            Ok(graph)
        });
        result.map_err(|source| NirError::Graph { file: path.to_owned(), source })
    }
}

struct Reader {
    length: usize,
    nodes: usize,
}

/// A group with its place in the graph, for errors.
struct Place<'a> {
    group: &'a Group,
    name: &'a str,
    length: usize,
}

impl Reader {
    fn graph(&mut self, group: &Group, prefix: &str, depth: usize) -> Result<Graph, GraphError> {
        let name = prefix.trim_end_matches('.');
        let place = Place { group, name: if name.is_empty() { "node" } else { name }, length: self.length };
        if depth > Graph::DEEPEST {
            return Err(place.error(format!("graphs are nested more than {} deep", Graph::DEEPEST)));
        }
        match place.text("type")?.as_str() {
            "NIRGraph" => {}
            kind if depth == 0 => {
                return Err(place.error(format!("is a `{kind}`; a file's outermost node is a NIRGraph")));
            }
            kind => return Err(place.error(format!("is a `{kind}`"))),
        }
        let inner = group.group("nodes").map_err(|error| place.error(format!("`nodes`: {error}")))?;
        let names = inner.groups().map_err(|error| place.error(format!("`nodes`: {error}")))?;
        self.nodes += names.len();
        if self.nodes > MOST_NODES {
            return Err(place.error(format!("more than {MOST_NODES} nodes")));
        }
        let mut graph = Graph { edges: place.edges()?, metadata: place.metadata()?, ..Graph::default() };
        for name in names {
            let full = format!("{prefix}{name}");
            let group = inner.group(&name).map_err(|error| GraphError::node(&full, error.to_string()))?;
            let place = Place { group: &group, name: &full, length: self.length };
            let (node, metadata) = if place.text("type")? == "NIRGraph" {
                (Node::Graph(self.graph(&group, &format!("{full}."), depth + 1)?), Metadata::new())
            } else {
                (place.node()?, place.metadata()?)
            };
            graph.nodes.push(Element { name, node, metadata });
        }
        Ok(graph)
    }
}

impl Place<'_> {
    fn error(&self, reason: impl Into<String>) -> GraphError {
        GraphError::node(self.name, reason)
    }

    fn has(&self, field: &str) -> bool {
        self.group.dataset(field).is_ok()
    }

    fn dataset(&self, field: &str) -> Result<Dataset, GraphError> {
        self.group.dataset(field).map_err(|_| self.error(format!("has no `{field}`")))
    }

    fn node(&self) -> Result<Node, GraphError> {
        Ok(match self.text("type")?.as_str() {
            "Input" => Node::Input(self.extents("shape")?),
            "Output" => Node::Output(self.extents("shape")?),
            "Affine" => Node::Affine { weight: self.array("weight")?, bias: self.array("bias")? },
            "Linear" => Node::Linear(self.array("weight")?),
            "Scale" => Node::Scale(self.array("scale")?),
            "Conv1d" => Node::Conv1d(self.conv(1)?),
            "Conv2d" => Node::Conv2d(self.conv(2)?),
            "Flatten" => Node::Flatten {
                input: if self.has("input_type") { Some(self.extents("input_type")?) } else { None },
                start: self.integer("start_dim")?,
                end: self.integer("end_dim")?,
            },
            "AvgPool2d" => Node::AvgPool2d(self.pool()?),
            "SumPool2d" => Node::SumPool2d(self.pool()?),
            "Delay" => Node::Delay(self.array("delay")?),
            "I" => Node::Integrator(self.array("r")?),
            "Threshold" => Node::Threshold(self.array("threshold")?),
            "IF" => {
                let (v_threshold, v_reset) = self.threshold()?;
                Node::IntegrateFire { r: self.array("r")?, v_threshold, v_reset }
            }
            "LI" => Node::LeakyIntegrator(self.leaky()?),
            "LIF" => {
                let (v_threshold, v_reset) = self.threshold()?;
                Node::LeakyIntegrateFire { leaky: self.leaky()?, v_threshold, v_reset }
            }
            "CubaLI" => Node::SynapticIntegrator(self.synaptic()?),
            "CubaLIF" => {
                let (v_threshold, v_reset) = self.threshold()?;
                Node::SynapticIntegrateFire { synaptic: self.synaptic()?, v_threshold, v_reset }
            }
            kind => return Err(self.error(format!("is a `{kind}`, which is none of NIR's nodes"))),
        })
    }

    fn leaky(&self) -> Result<Leaky, GraphError> {
        Ok(Leaky { tau: self.array("tau")?, r: self.array("r")?, v_leak: self.array("v_leak")? })
    }

    fn synaptic(&self) -> Result<LeakySynaptic, GraphError> {
        Ok(LeakySynaptic {
            tau_syn: self.array("tau_syn")?,
            tau_mem: self.array("tau_mem")?,
            r: self.array("r")?,
            v_leak: self.array("v_leak")?,
            w_in: self.optional("w_in")?,
        })
    }

    fn threshold(&self) -> Result<(Array, Option<Array>), GraphError> {
        Ok((self.array("v_threshold")?, self.optional("v_reset")?))
    }

    fn conv(&self, axes: usize) -> Result<Conv, GraphError> {
        let is_text = self.dataset("padding")?.dtype().is_ok_and(|dtype| is_text(&dtype));
        let padding = if is_text {
            match self.text("padding")?.as_str() {
                "same" => Padding::Same,
                "valid" => Padding::Valid,
                other => return Err(self.error(format!("`padding` is \"{other}\"; \"same\", \"valid\" or numbers"))),
            }
        } else {
            Padding::Both(self.each("padding", axes)?)
        };
        Ok(Conv {
            input: if self.has("input_shape") { Some(self.each("input_shape", axes)?) } else { None },
            weight: self.array("weight")?,
            stride: self.each("stride", axes)?,
            padding,
            dilation: self.each("dilation", axes)?,
            groups: self.extent("groups", self.integer("groups")?)?,
            bias: self.array("bias")?,
        })
    }

    fn pool(&self) -> Result<Pool, GraphError> {
        let both = |field: &str| Ok::<_, GraphError>(<[usize; 2]>::try_from(self.each(field, 2)?).unwrap_or_default());
        Ok(Pool { kernel: both("kernel_size")?, stride: both("stride")?, padding: both("padding")? })
    }

    /// One extent an axis; one alone stands for all.
    fn each(&self, field: &str, axes: usize) -> Result<Vec<usize>, GraphError> {
        match self.extents(field)?.as_slice() {
            &[only] => Ok(vec![only; axes]),
            all if all.len() == axes => Ok(all.to_vec()),
            all => Err(self.error(format!("`{field}` has {} entries for {axes} axes", all.len()))),
        }
    }

    fn extent(&self, field: &str, value: i64) -> Result<usize, GraphError> {
        // beyond 2^40 products overflow
        usize::try_from(value)
            .ok()
            .filter(|&n| n < 1 << 40)
            .ok_or_else(|| self.error(format!("`{field}` holds {value}; 0 and more are meant")))
    }

    fn extents(&self, field: &str) -> Result<Vec<usize>, GraphError> {
        let array = self.array(field)?;
        let whole = |&x: &f64| match x as i64 {
            n if n as f64 == x => self.extent(field, n),
            _ => Err(self.error(format!("`{field}` holds {x}; whole numbers are meant"))),
        };
        array.data().iter().map(whole).collect()
    }

    fn integer(&self, field: &str) -> Result<i64, GraphError> {
        match self.array(field)?.data() {
            &[x] if x.fract() == 0.0 && x.abs() < 2f64.powi(53) => Ok(x as i64),
            data => Err(self.error(format!("`{field}` is {data:?}; one whole number is meant"))),
        }
    }

    fn optional(&self, field: &str) -> Result<Option<Array>, GraphError> {
        if self.has(field) { self.array(field).map(Some) } else { Ok(None) }
    }

    fn array(&self, field: &str) -> Result<Array, GraphError> {
        let dataset = self.dataset(field)?;
        let failed = |error: hdf5_pure::Error| self.error(format!("`{field}`: {error}"));
        let numbers = match dataset.dtype().map_err(failed)? {
            DType::F32 => Numbers::Single,
            DType::F64 => Numbers::Double,
            DType::I8 | DType::I16 | DType::I32 | DType::I64 | DType::U8 | DType::U16 | DType::U32 | DType::U64 => {
                Numbers::Integer
            }
            other => return Err(self.error(format!("`{field}` holds {other}; numbers are meant"))),
        };
        let shape = self.shape(field, &dataset)?;
        let data = dataset.read_f64().map_err(failed)?;
        let found = data.len();
        Array::new(shape, data, numbers)
            .ok_or_else(|| self.error(format!("`{field}` holds {found} numbers, which is not what its shape says")))
    }

    /// The shape of a dataset that the file can hold.
    fn shape(&self, field: &str, dataset: &Dataset) -> Result<Vec<usize>, GraphError> {
        let failed = |error: hdf5_pure::Error| self.error(format!("`{field}`: {error}"));
        let shape = dataset.shape().map_err(failed)?;
        let size = dataset.element_size().map_err(failed)?;
        let extents: Vec<usize> = shape.iter().map(|&n| usize::try_from(n).unwrap_or(usize::MAX)).collect();
        let bytes = volume(&extents).and_then(|n| n.checked_mul(usize::try_from(size).ok()?));
        if bytes.is_none_or(|bytes| bytes > self.length.saturating_mul(LARGEST_RATIO)) {
            return Err(self.error(format!("`{field}` claims shape {shape:?}, more than a file of this length holds")));
        }
        Ok(extents)
    }

    fn strings(&self, field: &str) -> Result<Vec<String>, GraphError> {
        let dataset = self.dataset(field)?;
        let failed = |error: hdf5_pure::Error| self.error(format!("`{field}`: {error}"));
        self.shape(field, &dataset)?;
        match dataset.dtype().map_err(failed)? {
            DType::VariableLengthString => {
                let options = VlenStringReadOptions::new()
                    .with_max_elements(self.length)
                    .with_max_payload_bytes(self.length.saturating_mul(2));
                dataset.read_vlen_strings(options).map_err(failed)
            }
            DType::String => dataset.read_string().map_err(failed),
            other => Err(self.error(format!("`{field}` holds {other}; text is meant"))),
        }
    }

    fn text(&self, field: &str) -> Result<String, GraphError> {
        match self.strings(field)?.as_slice() {
            [only] => Ok(only.clone()),
            all => Err(self.error(format!("`{field}` holds {} strings, one is meant", all.len()))),
        }
    }

    fn edges(&self) -> Result<Vec<(String, String)>, GraphError> {
        let dataset = self.dataset("edges")?;
        let shape = self.shape("edges", &dataset)?;
        // a graph without edges: what an empty list becomes
        if volume(&shape) == Some(0) {
            return Ok(Vec::new());
        }
        if shape.len() != 2 || shape[1] != 2 {
            return Err(self.error(format!("`edges` has shape {shape:?}; two names a row are meant")));
        }
        let ends = self.strings("edges")?;
        Ok(ends.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
    }

    fn metadata(&self) -> Result<Metadata, GraphError> {
        match self.group.group("metadata") {
            Ok(group) => self.entries(&group, 0),
            Err(_) => Ok(Metadata::new()),
        }
    }

    /// Entries of metadata; what is neither text nor numbers is left out, since nothing relies on it.
    fn entries(&self, group: &Group, depth: usize) -> Result<Metadata, GraphError> {
        let failed = |error: hdf5_pure::Error| self.error(format!("`metadata`: {error}"));
        let place = Place { group, ..*self };
        let mut entries = Metadata::new();
        if depth > Graph::DEEPEST {
            return Err(self.error("metadata are nested too deeply"));
        }
        for name in group.datasets().map_err(failed)? {
            let meta = match place.text(&name) {
                Ok(text) => Some(Meta::Text(text)),
                Err(_) => place.array(&name).ok().map(Meta::Numbers),
            };
            entries.extend(meta.map(|meta| (name, meta)));
        }
        for name in group.groups().map_err(failed)? {
            let inner = group.group(&name).map_err(failed)?;
            entries.insert(name, Meta::Group(self.entries(&inner, depth + 1)?));
        }
        Ok(entries)
    }
}

fn is_text(dtype: &DType) -> bool {
    matches!(dtype, DType::String | DType::VariableLengthString)
}
