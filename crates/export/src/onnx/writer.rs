//! ONNX messages under construction: unique names, constants stored once.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use spikeconverter_onnx::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto,
    TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};

/// Version of ONNX's operator set that the files use.
pub(super) const OPSET: i64 = 17;
/// The oldest file format that knows it.
const IR_VERSION: i64 = 8;
/// Constants of up to this many values are compared with those that are there already.
const SMALL: usize = 4096;

/// The number type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Real {
    /// 32-bit float.
    Single,
    /// 64-bit float.
    Double,
}

impl Real {
    pub(super) fn code(self) -> i32 {
        match self {
            Self::Single => data_type::FLOAT,
            Self::Double => data_type::DOUBLE,
        }
    }
}

/// A graph under construction. Values are known by their names.
#[derive(Default)]
pub(super) struct Writer {
    nodes: Vec<NodeProto>,
    constants: Vec<TensorProto>,
    taken: HashSet<String>,
    small: HashMap<(i32, Vec<usize>, Vec<u8>), String>,
    named: HashMap<String, String>,
}

impl Writer {
    /// A name that nothing has yet: this one, or this one with a number.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = format!("{wanted}_{count}");
        }
        name
    }

    /// Adds a node; its value has its name.
    pub(super) fn node(
        &mut self,
        operator: &str,
        name: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.unique(name);
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: Some(name.clone()),
            op_type: Some(operator.to_owned()),
            attribute: attributes,
            domain: None,
        });
        name
    }

    /// Number of nodes so far.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A constant of real numbers.
    pub(super) fn reals(
        &mut self,
        name: &str,
        shape: &[usize],
        real: Real,
        values: impl Iterator<Item = f64>,
    ) -> String {
        let bytes: Vec<u8> = match real {
            Real::Single => values.flat_map(|x| (x as f32).to_le_bytes()).collect(),
            Real::Double => values.flat_map(f64::to_le_bytes).collect(),
        };
        self.constant(name, shape, real.code(), bytes)
    }

    /// A constant of integers.
    pub(super) fn integers(&mut self, name: &str, values: &[i64]) -> String {
        self.constant(name, &[values.len()], data_type::INT64, values.iter().flat_map(|x| x.to_le_bytes()).collect())
    }

    /// A constant that is written once however often it is asked for by this name.
    pub(super) fn once(&mut self, name: &str, shape: &[usize], values: impl Iterator<Item = f64>) -> String {
        if let Some(name) = self.named.get(name) {
            return name.clone();
        }
        let own = self.unique(name);
        let bytes = values.flat_map(|x| (x as f32).to_le_bytes()).collect();
        self.constants.push(tensor(&own, shape, Real::Single.code(), bytes));
        self.named.insert(name.to_owned(), own.clone());
        own
    }

    fn constant(&mut self, name: &str, shape: &[usize], kind: i32, bytes: Vec<u8>) -> String {
        let key = (kind, shape.to_vec(), bytes);
        if let Some(name) = self.small.get(&key) {
            return name.clone();
        }
        let name = self.unique(name);
        self.constants.push(tensor(&name, shape, kind, key.2.clone()));
        if key.2.len() <= 8 * SMALL {
            self.small.insert(key, name.clone());
        }
        name
    }

    /// The model. Shapes are those of a sample; the batch is left open.
    pub(super) fn finish(
        self,
        name: &str,
        input: (&str, &[usize]),
        output: (&str, &[usize]),
        metadata: Vec<(String, String)>,
    ) -> ModelProto {
        let graph = GraphProto {
            node: self.nodes,
            name: Some(name.to_owned()),
            initializer: self.constants,
            input: vec![value(input)],
            output: vec![value(output)],
            sparse_initializer: Vec::new(),
        };
        ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("spikeconverter".into()),
            producer_version: Some(env!("CARGO_PKG_VERSION").into()),
            graph: Some(graph),
            opset_import: vec![OperatorSetIdProto { domain: Some(String::new()), version: Some(OPSET) }],
            metadata_props: metadata
                .into_iter()
                .map(|(key, value)| StringStringEntryProto { key: Some(key), value: Some(value) })
                .collect(),
            functions: Vec::new(),
        }
    }
}

fn tensor(name: &str, shape: &[usize], kind: i32, bytes: Vec<u8>) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&n| n as i64).collect(),
        data_type: Some(kind),
        name: Some(name.to_owned()),
        raw_data: Some(Bytes::from(bytes)),
        ..TensorProto::default()
    }
}

fn value((name, shape): (&str, &[usize])) -> ValueInfoProto {
    let batch = Dimension { dim_value: None, dim_param: Some("batch".into()) };
    let extents = shape.iter().map(|&n| Dimension { dim_value: Some(n as i64), dim_param: None });
    let shape = TensorShapeProto { dim: std::iter::once(batch).chain(extents).collect() };
    let tensor = TensorTypeProto { elem_type: Some(data_type::FLOAT), shape: Some(shape) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor) }) }
}

/// Kinds of attributes by their number in the file.
const INT: i32 = 2;
const INTS: i32 = 7;

/// An attribute that is one integer.
pub(super) fn int(name: &str, value: usize) -> AttributeProto {
    AttributeProto { name: Some(name.into()), i: Some(value as i64), r#type: Some(INT), ..AttributeProto::default() }
}

/// An attribute that is a list of integers.
pub(super) fn ints(name: &str, values: impl IntoIterator<Item = usize>) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        ints: values.into_iter().map(|n| n as i64).collect(),
        r#type: Some(INTS),
        ..AttributeProto::default()
    }
}
