//! A whole window in one pass: trains are the numbers they stand for.

use spikeconverter_network::{NodeKind, Readout};

use super::Lowering;
use super::neuron::Neurons;
use super::ops::{self, Value, apply, with_constant};
use crate::ExportError;
use crate::bounds;

/// The values of the read-outs.
pub(super) fn lower(lowering: &mut Lowering<'_>) -> Result<Vec<Option<Value>>, ExportError> {
    let network = lowering.network;
    let mut values: Vec<Option<Value>> = vec![None; network.nodes().len()];
    for id in network.ids() {
        let node = lowering.node(id);
        let name = lowering.name(id);
        let inputs: Vec<Value> = node.inputs.iter().filter_map(|input| values[input.0].clone()).collect();
        values[id.0] = match &node.kind {
            NodeKind::Input(_) => Some(lowering.sample()),
            NodeKind::Synapse(op) => Some(apply(&mut lowering.writer, (&name, &name), op, &inputs, true)?),
            // greedy codes keep the order: the largest value has the lexicographically largest train
            NodeKind::MaxPool(pool) => {
                let x = &inputs[0];
                let y = ops::max_pool(&mut lowering.writer, &name, pool, x, &node.shape);
                Some(Value { name: y, shape: node.shape.clone(), ..x.clone() })
            }
            NodeKind::Population(population) => {
                let x = exact(lowering, id, &inputs[0])?;
                let w = &mut lowering.writer;
                let neurons = Neurons::new(population, &node.shape, population.window(network.time_steps()));
                let pooled = match &population.pool {
                    Some(pool) => {
                        let y = ops::max_pool(w, &format!("{name}/pool"), pool, &x, &node.shape);
                        Value { name: y, shape: node.shape.clone(), ..x }
                    }
                    None => x,
                };
                let started = neurons.started(w, &name, &pooled);
                let codes = lowering.integer.then(|| bounds::of_codes(&node.kind, network.time_steps()));
                let (sent, code) = neurons.generate(w, &name, &started, codes);
                lowering.codes.push(code.unwrap_or_default());
                Some(sent)
            }
            NodeKind::Readout(readout) => {
                let x = exact(lowering, id, &inputs[0])?;
                Some(read(lowering, &name, readout, &x))
            }
            // heads come last; streaming networks have no folded form
            NodeKind::Head(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => None,
        };
    }
    Ok(values)
}

/// What arrives at a listener, in the type that holds its membranes.
fn exact(lowering: &mut Lowering<'_>, id: spikeconverter_graph::NodeId, x: &Value) -> Result<Value, ExportError> {
    let Some(range) = x.range else { return Ok(x.clone()) };
    let real = lowering.listening(id, range)?.max(x.real);
    Ok(ops::cast(&mut lowering.writer, x, real))
}

/// A read-out: membranes and their initial potentials.
pub(super) fn read(lowering: &mut Lowering<'_>, name: &str, readout: &Readout, x: &Value) -> Value {
    let w = &mut lowering.writer;
    let y = if readout.initial.iter().all(|&v| v == 0.0) {
        w.node("Identity", name, &[&x.name], Vec::new())
    } else {
        let values: Vec<f64> = readout.initial.iter().map(|&v| f64::from(v)).collect();
        let mut shape = vec![1; x.shape.len()];
        shape[0] = values.len();
        with_constant(w, "Add", name, x, &shape, &values)
    };
    Value { name: y, ..x.clone() }
}
