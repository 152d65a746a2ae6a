//! Graph to file. Strings have variable length and arrays are contiguous, as the first versions of the `nir` package wrote
//! them; every version reads that.

use hdf5_pure::{FileBuilder, GroupBuilder};

use crate::{Array, Conv, Element, Graph, Meta, Metadata, NirError, Node, Numbers, Padding, Pool};

impl Graph {
    /// Version of NIR that files written here follow.
    pub const VERSION: &'static str = "1.0.8";

    /// The graph as the bytes of an HDF5 file.
    ///
    /// # Errors
    /// When the graph does not [check](Self::check), or is beyond what HDF5 holds.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NirError> {
        self.check().map_err(|source| NirError::Write(source.to_string()))?;
        let mut file = FileBuilder::new();
        file.create_dataset("version").with_vlen_strings(&[Self::VERSION]).with_shape(&[]);
        let mut group = file.create_group("node");
        write_graph(&mut group, self, &Metadata::new());
        file.add_group(group.finish());
        file.finish().map_err(|error| NirError::Write(error.to_string()))
    }
}

fn write_graph(group: &mut GroupBuilder, graph: &Graph, more: &Metadata) {
    text(group, "type", "NIRGraph");
    let ends: Vec<&str> = graph.edges.iter().flat_map(|(from, to)| [from.as_str(), to.as_str()]).collect();
    group.create_dataset("edges").with_vlen_strings(&ends).with_shape(&[graph.edges.len() as u64, 2]);
    let mut nodes = group.create_group("nodes");
    for element in &graph.nodes {
        let mut inner = nodes.create_group(&element.name);
        write_node(&mut inner, element);
        nodes.add_group(inner.finish());
    }
    group.add_group(nodes.finish());
    let all: Metadata = graph.metadata.iter().chain(more).map(|(name, meta)| (name.clone(), meta.clone())).collect();
    write_metadata(group, &all);
}

fn write_node(group: &mut GroupBuilder, Element { node, metadata, .. }: &Element) {
    if let Node::Graph(graph) = node {
        return write_graph(group, graph, metadata);
    }
    text(group, "type", node.kind());
    for (name, array) in node.arrays() {
        numbers(group, name, array);
    }
    match node {
        Node::Input(shape) | Node::Output(shape) => integers(group, "shape", shape),
        Node::Conv1d(conv) => write_conv(group, conv, true),
        Node::Conv2d(conv) => write_conv(group, conv, false),
        Node::Flatten { input, start, end } => {
            if let Some(input) = input {
                integers(group, "input_type", input);
            }
            group.create_dataset("start_dim").with_i64_data(&[*start]).with_shape(&[]);
            group.create_dataset("end_dim").with_i64_data(&[*end]).with_shape(&[]);
        }
        Node::AvgPool2d(pool) | Node::SumPool2d(pool) => write_pool(group, pool),
        _ => {}
    }
    write_metadata(group, metadata);
}

fn write_conv(group: &mut GroupBuilder, conv: &Conv, scalars: bool) {
    // one-dimensional convolutions have scalars, as the package makes them
    let extents = |group: &mut GroupBuilder, name: &str, values: &[usize]| match values {
        &[only] if scalars => {
            group.create_dataset(name).with_i64_data(&[only as i64]).with_shape(&[]);
        }
        _ => integers(group, name, values),
    };
    if let Some(input) = &conv.input {
        extents(group, "input_shape", input);
    }
    extents(group, "stride", &conv.stride);
    extents(group, "dilation", &conv.dilation);
    group.create_dataset("groups").with_i64_data(&[conv.groups as i64]).with_shape(&[]);
    match &conv.padding {
        Padding::Both(padding) => extents(group, "padding", padding),
        Padding::Same => text(group, "padding", "same"),
        Padding::Valid => text(group, "padding", "valid"),
    }
}

fn write_pool(group: &mut GroupBuilder, pool: &Pool) {
    integers(group, "kernel_size", &pool.kernel);
    integers(group, "stride", &pool.stride);
    integers(group, "padding", &pool.padding);
}

fn write_metadata(group: &mut GroupBuilder, metadata: &Metadata) {
    if metadata.is_empty() {
        return;
    }
    let mut inner = group.create_group("metadata");
    write_entries(&mut inner, metadata);
    group.add_group(inner.finish());
}

fn write_entries(group: &mut GroupBuilder, metadata: &Metadata) {
    for (name, meta) in metadata {
        match meta {
            Meta::Text(value) => text(group, name, value),
            Meta::Numbers(array) => numbers(group, name, array),
            Meta::Group(entries) => {
                let mut inner = group.create_group(name);
                write_entries(&mut inner, entries);
                group.add_group(inner.finish());
            }
        }
    }
}

fn text(group: &mut GroupBuilder, name: &str, value: &str) {
    group.create_dataset(name).with_vlen_strings(&[value]).with_shape(&[]);
}

fn integers(group: &mut GroupBuilder, name: &str, values: &[usize]) {
    let values: Vec<i64> = values.iter().map(|&n| n as i64).collect();
    group.create_dataset(name).with_i64_data(&values);
}

fn numbers(group: &mut GroupBuilder, name: &str, array: &Array) {
    let dataset = group.create_dataset(name);
    let shape: Vec<u64> = array.shape().iter().map(|&n| n as u64).collect();
    match array.numbers() {
        Numbers::Single => dataset.with_f32_data(&array.data().iter().map(|&x| x as f32).collect::<Vec<_>>()),
        Numbers::Double => dataset.with_f64_data(array.data()),
        Numbers::Integer => dataset.with_i64_data(&array.data().iter().map(|&x| x as i64).collect::<Vec<_>>()),
    };
    dataset.with_shape(&shape);
}
