//! Streaming networks, simulated literally: in each step every node acts once, in topological order, on what the nodes
//! before it sent in the same step.

use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{NodeKind, Readout, SpikingNetwork};

use crate::{EngineError, StepRecord, literal};

/// What one sample left behind.
pub(super) struct Outcome {
    /// For each read-out its membranes divided by the number of steps.
    pub(super) readouts: Vec<Option<Vec<f64>>>,
    /// For each population the number of spikes of each neuron.
    pub(super) counts: Vec<Option<Vec<i32>>>,
}

/// Simulates sample number `sample`; `show` sees every population in every step.
pub(super) fn simulate(
    network: &SpikingNetwork,
    sample: usize,
    values: &[f64],
    show: &mut dyn FnMut(&StepRecord<'_>),
) -> Result<Outcome, EngineError> {
    let nodes = network.nodes();
    let mut membranes: Vec<Vec<f64>> = network.ids().map(|id| initial(network, id)).collect();
    let mut counts: Vec<Option<Vec<i32>>> = vec![None; nodes.len()];
    for id in network.spiking() {
        counts[id.0] = Some(vec![0; volume(&network.node(id).shape)]);
    }
    let mut sent: Vec<Vec<f64>> = vec![Vec::new(); nodes.len()];
    for step in 1..=network.time_steps() {
        for id in network.ids() {
            let node = network.node(id);
            let arriving = || node.inputs.iter().map(|i| (network.node(*i).shape.as_slice(), sent[i.0].as_slice()));
            sent[id.0] = match &node.kind {
                NodeKind::Input(_) => values.to_vec(),
                // constants act in every step
                NodeKind::Synapse(op) => literal::apply(op, &arriving().collect::<Vec<_>>(), true)?,
                NodeKind::Streaming(population) => {
                    let inner = inner(&node.shape);
                    let mut spikes = Vec::with_capacity(membranes[id.0].len());
                    let mut amplitudes = Vec::with_capacity(membranes[id.0].len());
                    for (n, (u, input)) in membranes[id.0].iter_mut().zip(&sent[node.inputs[0].0]).enumerate() {
                        let neuron = population.neuron(n / inner);
                        let (fires, after) = neuron.step(*u, *input);
                        *u = after;
                        spikes.push(fires);
                        amplitudes.push(if fires { neuron.threshold } else { 0.0 });
                    }
                    for (count, fires) in counts[id.0].iter_mut().flatten().zip(&spikes) {
                        *count += i32::from(*fires);
                    }
                    show(&StepRecord { node: id, sample, step, spikes: &spikes, membranes: &membranes[id.0] });
                    amplitudes
                }
                NodeKind::Readout(_) => {
                    for (u, input) in membranes[id.0].iter_mut().zip(&sent[node.inputs[0].0]) {
                        *u += input;
                    }
                    Vec::new()
                }
                // the builder lets neither into a streaming network; heads act on the result
                NodeKind::Population(_) | NodeKind::MaxPool(_) | NodeKind::Head(_) => Vec::new(),
            };
        }
    }
    let steps = f64::from(network.time_steps());
    let readouts = network.ids().map(|id| {
        let read = matches!(network.node(id).kind, NodeKind::Readout(_));
        read.then(|| membranes[id.0].iter().map(|u| u / steps).collect())
    });
    Ok(Outcome { readouts: readouts.collect(), counts })
}

/// Membranes before the first step.
fn initial(network: &SpikingNetwork, id: NodeId) -> Vec<f64> {
    let node = network.node(id);
    let inner = inner(&node.shape);
    let of = |channel: usize| match &node.kind {
        NodeKind::Streaming(population) => population.initial(channel),
        NodeKind::Readout(Readout { initial }) => initial.get(channel).copied().unwrap_or(0.0),
        _ => 0.0,
    };
    match node.kind {
        NodeKind::Streaming(_) | NodeKind::Readout(_) => {
            (0..volume(&node.shape)).map(|n| f64::from(of(n / inner))).collect()
        }
        _ => Vec::new(),
    }
}

/// Neurons of a channel.
fn inner(shape: &[usize]) -> usize {
    shape.get(1..).map_or(1, volume).max(1)
}
