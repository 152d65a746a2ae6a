//! Writes small ONNX models and looks at what they are imported as.

use std::path::Path;

use prost::Message;
use spikeconverter_graph::{Graph, Node, Op};
use spikeconverter_onnx::proto::{
    AttributeProto, Dimension, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto, TensorShapeProto,
    TensorTypeProto, TypeProto, ValueInfoProto, data_type,
};
use spikeconverter_onnx::{BatchAxis, Import, ImportOptions, NodeStatus, OnnxError, import_bytes};

/// An attribute's value.
#[allow(clippy::large_enum_variant)] // a few of them, in tests
pub(crate) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Floats(Vec<f32>),
    Text(&'static str),
    Tensor(TensorProto),
}

pub(crate) use Attribute::{Float, Floats, Int, Ints, Text};

/// A model under construction.
#[derive(Clone)]
pub(crate) struct Model(pub(crate) ModelProto);

/// A dimension given as a number, or by name.
pub(crate) fn dims(text: &str) -> Vec<Dimension> {
    let dimension = |part: &str| match part.parse() {
        Ok(n) => Dimension { dim_value: Some(n), dim_param: None },
        Err(_) => Dimension { dim_value: None, dim_param: Some(part.to_owned()) },
    };
    text.split_whitespace().map(dimension).collect()
}

pub(crate) fn tensor(name: &str, shape: &[usize], code: i32) -> TensorProto {
    TensorProto {
        dims: shape.iter().map(|&n| n as i64).collect(),
        data_type: Some(code),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

/// A tensor of floats counting up from 1 by quarters.
pub(crate) fn counting(shape: &[usize]) -> Vec<f32> {
    (0..shape.iter().product()).map(|i: usize| 1.0 + i as f32 / 4.0).collect()
}

impl Model {
    /// A model of one operator set with an input `x` and an output `y`.
    pub(crate) fn new(opset: i64, input: &str) -> Self {
        let graph = GraphProto { output: vec![value("y", None)], ..GraphProto::default() };
        let opset = OperatorSetIdProto { domain: None, version: Some(opset) };
        let model =
            ModelProto { ir_version: Some(8), graph: Some(graph), opset_import: vec![opset], ..ModelProto::default() };
        Self(model).input("x", input)
    }

    pub(crate) fn graph(&mut self) -> &mut GraphProto {
        self.0.graph.as_mut().unwrap()
    }

    pub(crate) fn input(mut self, name: &str, shape: &str) -> Self {
        self.graph().input.push(value(name, Some(dims(shape))));
        self
    }

    pub(crate) fn floats(mut self, name: &str, shape: &[usize], data: &[f32]) -> Self {
        let mut proto = tensor(name, shape, data_type::FLOAT);
        proto.raw_data = Some(data.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>().into());
        self.graph().initializer.push(proto);
        self
    }

    /// A tensor of floats counting up.
    pub(crate) fn weight(self, name: &str, shape: &[usize]) -> Self {
        self.floats(name, shape, &counting(shape))
    }

    pub(crate) fn ints(mut self, name: &str, data: &[i64]) -> Self {
        let mut proto = tensor(name, &[data.len()], data_type::INT64);
        proto.int64_data = data.to_vec();
        self.graph().initializer.push(proto);
        self
    }

    pub(crate) fn int(mut self, name: &str, value: i64) -> Self {
        let mut proto = tensor(name, &[], data_type::INT64);
        proto.int64_data = vec![value];
        self.graph().initializer.push(proto);
        self
    }

    /// Adds a node; `inputs` and `outputs` are separated by blanks, `-` leaves one out. Its name is `op_output`.
    pub(crate) fn node(mut self, op: &str, inputs: &str, outputs: &str, attributes: &[(&str, Attribute)]) -> Self {
        let list = |text: &str| -> Vec<String> {
            text.split_whitespace().map(|name| if name == "-" { String::new() } else { name.to_owned() }).collect()
        };
        let node = NodeProto {
            input: list(inputs),
            output: list(outputs),
            name: Some(format!("{}_{}", op.to_lowercase(), outputs.split(' ').next().unwrap())),
            op_type: Some(op.to_owned()),
            attribute: attributes.iter().map(|(name, value)| attribute(name, value)).collect(),
            domain: None,
        };
        self.graph().node.push(node);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.encode_to_vec()
    }

    pub(crate) fn try_import(&self, batch: BatchAxis) -> Result<Import, OnnxError> {
        import_bytes(&self.bytes(), None::<&Path>, &ImportOptions { batch, ..ImportOptions::default() })
    }

    pub(crate) fn import(&self) -> Import {
        self.try_import(BatchAxis::Leading).unwrap()
    }

    /// The graph; every node must be supported.
    pub(crate) fn built(&self) -> Graph {
        self.import().into_graph("model").unwrap_or_else(|error| panic!("{error}"))
    }

    /// The nodes without the inputs.
    pub(crate) fn ops(&self) -> Vec<Op> {
        self.built().nodes().iter().filter(|node| !node.inputs.is_empty()).map(|node| node.op.clone()).collect()
    }

    /// The one node that the model gives.
    pub(crate) fn only(&self) -> Node {
        let graph = self.built();
        let mut nodes = graph.nodes().iter().filter(|node| !node.inputs.is_empty()).cloned();
        let only = nodes.next().expect("the model gives no node");
        assert!(nodes.next().is_none(), "more than one node: {:?}", graph.nodes());
        only
    }

    /// Shape of the output, per sample.
    pub(crate) fn output_shape(&self) -> Vec<usize> {
        let graph = self.built();
        graph.node(graph.outputs()[0]).shape.clone()
    }

    /// Why the node with this operator is not supported, with the remedy.
    pub(crate) fn refusal(&self, op: &str) -> String {
        let import = self.import();
        assert!(import.graph.is_none());
        let node = import.nodes.iter().find(|node| node.op_type == op).unwrap();
        match &node.status {
            NodeStatus::Unsupported { reason, remedy } => format!("{reason}; {}", remedy.as_deref().unwrap_or("")),
            NodeStatus::Invalid { reason } => format!("invalid: {reason}"),
            other => panic!("{op} is {other:?}"),
        }
    }
}

fn attribute(name: &str, value: &Attribute) -> AttributeProto {
    let mut proto = AttributeProto { name: Some(name.to_owned()), ..AttributeProto::default() };
    match value {
        Attribute::Int(i) => proto.i = Some(*i),
        Attribute::Ints(ints) => proto.ints.clone_from(ints),
        Attribute::Float(f) => proto.f = Some(*f),
        Attribute::Floats(floats) => proto.floats.clone_from(floats),
        Attribute::Text(text) => proto.s = Some(bytes::Bytes::from_static(text.as_bytes())),
        Attribute::Tensor(tensor) => proto.t = Some(tensor.clone()),
    }
    proto
}

fn value(name: &str, dim: Option<Vec<Dimension>>) -> ValueInfoProto {
    let tensor_type =
        TensorTypeProto { elem_type: Some(data_type::FLOAT), shape: dim.map(|dim| TensorShapeProto { dim }) };
    ValueInfoProto { name: Some(name.to_owned()), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}
