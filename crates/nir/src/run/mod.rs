//! Graphs step by step.

mod neuron;
mod ops;
mod order;
mod semantics;

pub use semantics::{Fires, Reset, Semantics};

use neuron::State;

use crate::flat::Flat;
use crate::shapes::of_flat;
use crate::{Graph, GraphError, Node};

/// A graph with one input and one output, run step by step.
///
/// In a step every node acts once, after those that it hears; what reaches a node along several edges adds up. Where nodes
/// hear each other in a cycle, what a node that remembers sends to others of the cycle arrives one step later. Membranes
/// begin at 0.
///
/// ```
/// use spikeconverter_nir::{Array, Graph, Interpreter, Node, Semantics};
///
/// let mut graph = Graph::default();
/// graph.add("input", Node::Input(vec![1]));
/// graph.add("neuron", Node::IntegrateFire {
///     r: Array::full(vec![1], 1.0),
///     v_threshold: Array::full(vec![1], 1.0),
///     v_reset: None,
/// });
/// graph.add("output", Node::Output(vec![1]));
/// graph.connect("input", "neuron");
/// graph.connect("neuron", "output");
///
/// let mut run = Interpreter::new(&graph, Semantics::default())?;
/// // 0.375, 0.75, 1.125 fires and becomes 0
/// let spikes: Vec<f64> = (0..4).map(|_| run.step(&[0.375]).unwrap()[0]).collect();
/// assert_eq!(spikes, [0.0, 0.0, 1.0, 0.0]);
/// # Ok::<(), spikeconverter_nir::GraphError>(())
/// ```
pub struct Interpreter<'g> {
    flat: Flat<'g>,
    shapes: Vec<Vec<usize>>,
    order: order::Order,
    semantics: Semantics,
    states: Vec<State>,
    sent: Vec<Vec<f64>>,
    input: usize,
    output: usize,
}

impl<'g> Interpreter<'g> {
    /// Prepares a graph.
    ///
    /// # Errors
    /// When shapes do not fit, there are other than one input and one output, a cycle takes no time, or `dt` is not positive.
    pub fn new(graph: &'g Graph, semantics: Semantics) -> Result<Self, GraphError> {
        if !(semantics.dt > 0.0 && semantics.dt.is_finite()) {
            return Err(GraphError::Graph(format!("time steps of {}; a positive number is meant", semantics.dt)));
        }
        let flat = Flat::new(graph)?;
        let shapes = of_flat(&flat)?;
        let (&[input], &[output]) = (flat.inputs.as_slice(), flat.outputs.as_slice()) else {
            let (inputs, outputs) = (flat.inputs.len(), flat.outputs.len());
            let reason = format!("it has {inputs} inputs and {outputs} outputs; graphs with one of each can be run");
            return Err(GraphError::Graph(reason));
        };
        let order = order::order(&flat)?;
        let mut run = Self { flat, shapes, order, semantics, states: Vec::new(), sent: Vec::new(), input, output };
        run.states = run.fresh()?;
        run.sent = run.silence();
        Ok(run)
    }

    /// Back to before the first step.
    pub fn restart(&mut self) {
        // what was checked once does not fail again
        if let Ok(states) = self.fresh() {
            self.states = states;
        }
        self.sent = self.silence();
    }

    fn fresh(&self) -> Result<Vec<State>, GraphError> {
        let of = |at: usize| {
            let node = self.flat.nodes[at];
            State::new(node, self.shapes[at].iter().product(), &self.semantics)
                .map_err(|reason| GraphError::node(&self.flat.names[at], reason))
        };
        (0..self.flat.nodes.len()).map(of).collect()
    }

    fn silence(&self) -> Vec<Vec<f64>> {
        self.shapes.iter().map(|shape| vec![0.0; shape.iter().product()]).collect()
    }

    /// One step with a value for each entry of the input: what leaves.
    ///
    /// # Errors
    /// When the input has another length than the graph's.
    pub fn step(&mut self, input: &[f64]) -> Result<&[f64], GraphError> {
        let wanted: usize = self.input_shape().iter().product();
        if input.len() != wanted {
            return Err(GraphError::Graph(format!("an input of {} values, {wanted} are wanted", input.len())));
        }
        // what was sent in the step before stays readable for those that hear it late
        let before = if self.order.late.iter().flatten().any(|&late| late) { self.sent.clone() } else { Vec::new() };
        for n in 0..self.order.nodes.len() {
            let at = self.order.nodes[n];
            let mut arriving: Option<Vec<f64>> = (at == self.input).then(|| input.to_vec());
            for (&from, &late) in self.flat.hears[at].iter().zip(&self.order.late[at]) {
                let values = if late { &before[from] } else { &self.sent[from] };
                match &mut arriving {
                    None => arriving = Some(values.clone()),
                    Some(sum) => sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
                }
            }
            let arriving = arriving.unwrap_or_default();
            self.sent[at] = self.act(at, arriving);
        }
        Ok(&self.sent[self.output])
    }

    fn act(&mut self, at: usize, x: Vec<f64>) -> Vec<f64> {
        let result = &self.shapes[at];
        // all that a node hears has one shape
        let shape = self.flat.hears[at].first().map_or(result, |&from| &self.shapes[from]);
        match self.flat.nodes[at] {
            Node::Affine { weight, bias } => ops::affine(weight, Some(bias), &x),
            Node::Linear(weight) => ops::affine(weight, None, &x),
            Node::Scale(scale) => x.iter().zip(scale.data()).map(|(x, scale)| x * scale).collect(),
            Node::Conv1d(conv) | Node::Conv2d(conv) => ops::convolve(conv, &x, shape, result),
            Node::SumPool2d(pool) => ops::sum_pool(pool, &x, shape, result),
            Node::AvgPool2d(pool) => {
                let count = (pool.kernel[0] * pool.kernel[1]) as f64;
                ops::sum_pool(pool, &x, shape, result).into_iter().map(|sum| sum / count).collect()
            }
            Node::Threshold(threshold) => {
                x.iter().zip(threshold.data()).map(|(x, threshold)| f64::from(x > threshold)).collect()
            }
            Node::Input(_) | Node::Output(_) | Node::Flatten { .. } | Node::Graph(_) => x,
            node => self.states[at].step(node, &self.semantics, x),
        }
    }

    /// Shape of the input.
    pub fn input_shape(&self) -> &[usize] {
        &self.shapes[self.input]
    }

    /// Shape of the output.
    pub fn output_shape(&self) -> &[usize] {
        &self.shapes[self.output]
    }

    /// The nodes that fire, in the order of the file: name (nodes of inner graphs are `outer.inner`) and shape.
    pub fn spiking(&self) -> impl Iterator<Item = (&str, &[usize])> {
        (0..self.flat.nodes.len())
            .filter(|&at| self.flat.nodes[at].is_spiking())
            .map(|at| (self.flat.names[at].as_str(), self.shapes[at].as_slice()))
    }

    /// What each of the nodes that fire sent in the last step, in the same order.
    pub fn spikes(&self) -> impl Iterator<Item = &[f64]> {
        let sent = self.flat.nodes.iter().zip(&self.sent);
        sent.filter(|(node, _)| node.is_spiking()).map(|(_, sent)| sent.as_slice())
    }

    /// What a node sent in the last step; nothing before the first.
    pub fn sent(&self, node: &str) -> Option<&[f64]> {
        Some(&self.sent[self.at(node)?])
    }

    /// The membranes of a node that has some.
    pub fn membranes(&self, node: &str) -> Option<&[f64]> {
        Some(&self.states[self.at(node)?].v).filter(|v| !v.is_empty()).map(Vec::as_slice)
    }

    /// Gives the membranes of a node other values, for instance before the first step.
    ///
    /// # Errors
    /// When there is no such node with so many membranes.
    pub fn set_membranes(&mut self, node: &str, v: &[f64]) -> Result<(), GraphError> {
        match self.at(node) {
            Some(at) if self.states[at].v.len() == v.len() && !v.is_empty() => {
                self.states[at].v.copy_from_slice(v);
                Ok(())
            }
            _ => Err(GraphError::node(node, format!("has not {} membranes", v.len()))),
        }
    }

    fn at(&self, node: &str) -> Option<usize> {
        self.flat.names.iter().position(|name| name == node)
    }
}

#[cfg(test)]
mod tests;
