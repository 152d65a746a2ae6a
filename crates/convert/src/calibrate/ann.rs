use spikeconverter_engine::{Ann, Batch};
use spikeconverter_graph::{Graph, NodeId};

use crate::ConvertError;

/// The trained network's values on the calibration samples, computed when asked for and dropped when no longer needed.
pub(crate) struct AnnValues<'a> {
    graph: &'a Graph,
    ann: Ann,
    values: Vec<Option<Batch>>,
    /// How often each value will still be read, by a node or by calibration.
    uses: Vec<usize>,
}

impl<'a> AnnValues<'a> {
    /// `wanted` are the nodes whose values will be taken, as often as they will.
    pub(crate) fn new(graph: &'a Graph, wanted: &[NodeId], samples: &Batch) -> Result<Self, ConvertError> {
        let mut uses: Vec<usize> = graph.consumers().iter().map(Vec::len).collect();
        for id in wanted {
            uses[id.0] += 1;
        }
        let mut values = vec![None; graph.nodes().len()];
        for id in graph.inputs() {
            values[id.0] = Some(samples.clone());
        }
        Ok(Self { graph, ann: Ann::new(graph)?, values, uses })
    }

    /// The value of a node.
    pub(crate) fn take(&mut self, id: NodeId) -> Result<Batch, ConvertError> {
        self.compute(id)?;
        self.uses[id.0] = self.uses[id.0].saturating_sub(1);
        let value = if self.uses[id.0] == 0 { self.values[id.0].take() } else { self.values[id.0].clone() };
        value.ok_or_else(|| ConvertError::Network(format!("the value of node `{}` is gone", self.graph.node(id).name)))
    }

    /// Computes a node and what it needs. Nodes come in topological order, so that a sweep does without recursion.
    fn compute(&mut self, id: NodeId) -> Result<(), ConvertError> {
        let mut needed = vec![false; id.0 + 1];
        needed[id.0] = true;
        for at in (0..=id.0).rev() {
            if needed[at] && self.values[at].is_none() {
                for input in &self.graph.node(NodeId(at)).inputs {
                    needed[input.0] = true;
                }
            }
        }
        for (at, _) in needed.iter().enumerate().filter(|(_, needed)| **needed) {
            if self.values[at].is_some() {
                continue;
            }
            let node = self.graph.node(NodeId(at));
            let inputs: Vec<&Batch> = node.inputs.iter().filter_map(|i| self.values[i.0].as_ref()).collect();
            let value = self.ann.run_node(NodeId(at), &inputs)?;
            if let Some(bad) = value.data().iter().find(|x| !x.is_finite()) {
                return Err(ConvertError::NonFinite { node: node.name.clone(), value: bad.to_string() });
            }
            self.values[at] = Some(value);
            for input in node.inputs.clone() {
                self.uses[input.0] = self.uses[input.0].saturating_sub(1);
                if self.uses[input.0] == 0 {
                    self.values[input.0] = None;
                }
            }
        }
        Ok(())
    }
}
