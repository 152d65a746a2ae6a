//! The data's normalisation becomes part of the network.

use super::normalise;
use super::rewrite::copy;
use crate::ops::Affine;
use crate::{Graph, GraphBuilder, GraphError, NodeId, Op, Tensor};

/// The network on raw samples: puts `x = raw · mul + add`, one factor and summand a channel, right behind the only
/// input and brings the graph to its normal form, in which the normalisation is part of the first weights. Exact also
/// at padded borders, where the network pads with zeros *after* normalising.
///
/// `channel_axis` is the channels' axis in the input's per-sample shape.
///
/// # Errors
/// [`GraphError::InputCount`] when the network does not have exactly one input; [`GraphError::Shape`] when the axis
/// does not exist, or there is not one finite factor and summand a channel; and what [`normalise`] finds.
pub fn fold_input_normalisation(
    graph: &Graph,
    channel_axis: usize,
    mul: &[f64],
    add: &[f64],
) -> Result<Graph, GraphError> {
    let inputs: Vec<NodeId> = graph.inputs().collect();
    let [input] = inputs[..] else { return Err(GraphError::InputCount { found: inputs.len() }) };
    let node = graph.node(input);
    let refuse = |reason| GraphError::Shape { node: node.name.clone(), op: Op::Input.kind(), reason };
    let Some(&channels) = node.shape.get(channel_axis) else {
        return Err(refuse(format!("has no channel axis {channel_axis} in its shape {:?} a sample", node.shape)));
    };
    if mul.len() != channels || add.len() != channels {
        return Err(refuse(format!(
            "has {channels} channels, its normalisation has {} factors and {} summands",
            mul.len(),
            add.len()
        )));
    }
    let mut shape = vec![1; node.shape.len()];
    shape[channel_axis] = channels;
    let constant = |values: &[f64]| {
        let values = super::field::rounded(values).ok_or_else(|| refuse("its normalisation is not finite".into()))?;
        Tensor::new(shape.clone(), values)
    };
    let affine = Op::Affine(Affine { scale: Some(constant(mul)?), shift: Some(constant(add)?) });

    let mut builder = GraphBuilder::new();
    let mut map = Vec::with_capacity(graph.nodes().len());
    for id in graph.ids() {
        let mut new = copy(&mut builder, graph.node(id), &map)?;
        if id == input {
            new = builder.add(format!("{}/normalisation", node.name), affine.clone(), &[new])?;
        }
        map.push(new);
    }
    normalise(&builder.finish(graph.outputs().iter().map(|o| map[o.0]).collect())?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Chain, TO_NCHW, conv, relu, story, transpose};
    use super::*;

    #[test]
    fn goes_into_the_first_weights() {
        let chain = Chain::new(&[4, 4, 3])
            .then("t", transpose(&TO_NCHW))
            .then("c", conv(2, 3, 3, 0))
            .then("r", relu())
            .normal();
        let folded = fold_input_normalisation(&chain, 2, &[0.5; 3], &[-1.0, 0.0, 1.0]).unwrap();
        assert_eq!(story(&folded), "Transpose:t Conv:c Relu:r");
        let chain = Chain::new(&[3, 4, 4]).then("c", conv(2, 3, 3, 1)).then("r", relu()).normal();
        let folded = fold_input_normalisation(&chain, 0, &[0.5; 3], &[-1.0, 0.5, 1.0]).unwrap();
        assert_eq!(story(&folded), "Conv:c Affine:x/normalisation Relu:r");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_sentence() {
        let graph = Chain::new(&[3, 2, 2]).then("r", relu()).normal();
        let refusal =
            |axis, mul: &[f64], add: &[f64]| fold_input_normalisation(&graph, axis, mul, add).unwrap_err().to_string();
        assert!(refusal(3, &[], &[]).contains("no channel axis 3"));
        assert!(refusal(0, &[1.0], &[0.0]).contains("3 channels"));
        assert!(refusal(0, &[1.0; 3], &[f64::NAN; 3]).contains("not finite"));
        let mut two = Chain::new(&[1]);
        two.add_input("y", &[1]);
        let two = two.normal();
        assert!(fold_input_normalisation(&two, 0, &[1.0], &[0.0]).unwrap_err().to_string().contains("2 inputs"));
    }
}
