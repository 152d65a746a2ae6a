//! Where a model comes from: its bytes, its name for messages, the folder of its data files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use prost::Message;

use crate::error::OnnxError;
use crate::external;
use crate::proto::{GraphProto, ModelProto, TensorProto};
use crate::tensor::{self, Fault};
use crate::value::Value;

/// Where a model comes from.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) file: String,
    folder: Option<PathBuf>,
}

impl Source {
    /// A model in memory.
    pub(crate) fn bytes(folder: Option<&Path>) -> Self {
        Self { file: "model".into(), folder: folder.map(Path::to_path_buf) }
    }

    /// A model in a file, with its content.
    pub(crate) fn open(path: &Path) -> Result<(Self, Bytes), OnnxError> {
        let file = path.display().to_string();
        let content = std::fs::read(path).map_err(|source| OnnxError::Read { file: file.clone(), source })?;
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        Ok((Self { file, folder: Some(folder) }, Bytes::from(content)))
    }

    /// Decodes the model's messages.
    pub(crate) fn decode(&self, content: &Bytes) -> Result<ModelProto, OnnxError> {
        let file = || self.file.clone();
        if content.is_empty() {
            return Err(OnnxError::Empty { file: file() });
        }
        let model = ModelProto::decode(content.clone()).map_err(|error| {
            // Every writer puts the format version first.
            let reason = error.to_string();
            if content[0] == 0x08 {
                OnnxError::Damaged { file: file(), reason }
            } else {
                OnnxError::NotOnnx { file: file(), reason }
            }
        })?;
        if model.graph.is_none() {
            return Err(OnnxError::NotOnnx { file: file(), reason: "it holds no graph".into() });
        }
        Ok(model)
    }

    /// Decodes a constant, from another file if it lies there.
    pub(crate) fn constant(&self, tensor: &TensorProto) -> Result<Value, OnnxError> {
        let name = || tensor.name.clone().unwrap_or_default();
        let external = if tensor::is_external(tensor) {
            match tensor::byte_length(tensor) {
                Ok(Some(expected)) => {
                    let bytes = external::read(tensor, self.folder.as_deref(), expected);
                    Some(bytes.map_err(|refusal| OnnxError::ExternalData {
                        file: self.file.clone(),
                        tensor: name(),
                        reason: refusal.reason,
                        remedy: refusal.remedy.into(),
                    })?)
                }
                // Reported below, by the decoder.
                _ => None,
            }
        } else {
            None
        };
        match tensor::decode(tensor, external.as_deref().or(tensor.raw_data.as_deref())) {
            Ok(constant) => Ok(Value::Constant(constant)),
            Err(Fault::Foreign(reason)) => Ok(Value::Foreign(format!("its constant `{}` {reason}", name()))),
            Err(Fault::Mismatch(reason)) => Err(OnnxError::Tensor { file: self.file.clone(), tensor: name(), reason }),
        }
    }
}

/// The constants of a graph by name, decoded when first read.
#[derive(Debug)]
pub(crate) struct Constants<'a> {
    dense: HashMap<&'a str, &'a TensorProto>,
    sparse: Vec<&'a str>,
}

impl<'a> Constants<'a> {
    pub(crate) fn of(graph: &'a GraphProto) -> Self {
        let dense = graph.initializer.iter().filter_map(|t| Some((t.name.as_deref()?, t))).collect();
        let sparse = graph.sparse_initializer.iter();
        let sparse = sparse.filter_map(|t| t.values.as_ref()?.name.as_deref()).collect();
        Self { dense, sparse }
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.dense.contains_key(name) || self.sparse.contains(&name)
    }

    pub(crate) fn read(&self, name: &str, source: &Source) -> Result<Option<Value>, OnnxError> {
        match self.dense.get(name) {
            Some(tensor) => source.constant(tensor).map(Some),
            None if self.sparse.contains(&name) => {
                Ok(Some(Value::Foreign(format!("its constant `{name}` is a sparse tensor"))))
            }
            None => Ok(None),
        }
    }
}
