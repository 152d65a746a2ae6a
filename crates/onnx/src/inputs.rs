//! The network's inputs: their shapes per sample.

use std::collections::HashMap;

use crate::context::State;
use crate::error::OnnxError;
use crate::options::ImportOptions;
use crate::proto::{Dimension, GraphProto, ValueInfoProto, data_type as dt};
use crate::source::{Constants, Source};
use crate::value::{Data, Value};

/// The inputs that are not constants (old files list those as inputs too).
pub(crate) fn free<'a>(
    graph: &'a GraphProto,
    constants: &'a Constants<'_>,
) -> impl Iterator<Item = &'a ValueInfoProto> + Clone {
    graph.input.iter().filter(|input| !constants.contains(input.name.as_deref().unwrap_or_default()))
}

/// Adds the inputs to the graph.
pub(crate) fn add(
    source: &Source,
    graph: &GraphProto,
    constants: &Constants<'_>,
    options: &ImportOptions,
    state: &mut State,
    values: &mut HashMap<String, Value>,
) -> Result<(), OnnxError> {
    let inputs = free(graph, constants);
    let count = inputs.clone().count();
    let mut batches = Vec::new();
    for input in inputs {
        let name = input.name.clone().unwrap_or_default();
        let fail = |reason: String, remedy: &str| OnnxError::Input {
            file: source.file.clone(),
            input: name.clone(),
            reason,
            remedy: remedy.into(),
        };
        if values.contains_key(&name) {
            return Err(fail("is declared twice".into(), "export the model again"));
        }
        if options.input_shape.is_some() && count > 1 {
            return Err(fail(
                format!("is one of {count}, so a single given input shape does not say which it is for"),
                "export the model with fixed shapes instead",
            ));
        }
        let tensor = input.r#type.as_ref().and_then(|t| t.tensor_type.as_ref());
        let tensor = tensor.ok_or_else(|| fail("is not a tensor".into(), "only tensors are converted"))?;
        let dims = tensor.shape.as_ref().map(|shape| shape.dim.as_slice());
        let mut declared = match dims {
            Some(dims) => dims,
            None if options.input_shape.is_some() => &[],
            None => return Err(fail("has no declared shape".into(), "give its shape per sample as the input shape")),
        };
        let batch = if state.leading {
            if let Some((first, rest)) = declared.split_first() {
                batches.push(first.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|&n| n > 0));
                declared = rest;
            } else if dims.is_some() {
                return Err(fail(
                    "is a single number without a batch axis".into(),
                    "import with the batch axis set to none",
                ));
            }
            Some(0)
        } else {
            None
        };
        let shape = match &options.input_shape {
            Some(shape) => {
                check_override(declared, shape, dims.is_some())
                    .map_err(|reason| fail(reason, "give one extent for each axis but the batch"))?;
                shape.clone()
            }
            None => fixed(declared, usize::from(batch.is_some()))
                .map_err(|reason| fail(reason, "export the model with a fixed size there, or give the input shape"))?,
        };
        let unique = state.unique(&name);
        let node = state
            .builder
            .input(unique, shape.clone())
            .map_err(|error| fail(format!("cannot be used: {error}"), "export the model with a smaller input"))?;
        let integer = matches!(tensor.elem_type.unwrap_or(0), dt::INT32 | dt::INT64 | dt::UINT32 | dt::UINT64);
        values.insert(name.clone(), Value::Data(Data { node, shape, batch, integer }));
    }
    // The declared batch size counts where all inputs agree on a number.
    state.declared = match batches.split_first() {
        Some((&first, rest)) if rest.iter().all(|&other| other == first) => first,
        _ => None,
    };
    Ok(())
}

fn check_override(declared: &[Dimension], shape: &[usize], known: bool) -> Result<(), String> {
    if known && declared.len() != shape.len() {
        return Err(format!(
            "has {} axes besides the batch, the given input shape {shape:?} has {}",
            declared.len(),
            shape.len()
        ));
    }
    Ok(())
}

/// The extents, which must all be numbers.
fn fixed(declared: &[Dimension], lead: usize) -> Result<Vec<usize>, String> {
    declared
        .iter()
        .enumerate()
        .map(|(axis, dim)| {
            let axis = axis + lead;
            match (dim.dim_value, dim.dim_param.as_deref()) {
                (Some(n), _) if n > 0 => usize::try_from(n).map_err(|_| format!("has extent {n} in dimension {axis}")),
                (Some(n), _) => Err(format!("has extent {n} in dimension {axis}")),
                (None, Some(name)) if !name.is_empty() => Err(format!("leaves dimension {axis} (`{name}`) open")),
                _ => Err(format!("leaves dimension {axis} open")),
            }
        })
        .collect()
}
