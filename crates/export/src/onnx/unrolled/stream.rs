//! Streaming networks: in each step every node acts once, in topological order, on what was sent in the same step.

use spikeconverter_graph::volume;
use spikeconverter_network::{Encoding, Node, NodeKind, Readout, StreamingPopulation};
use spikeconverter_neuron::{Comparison, Reset, StreamCoding};

use super::check_size;
use crate::ExportError;
use crate::onnx::Lowering;
use crate::onnx::neuron::of_channels;
use crate::onnx::ops::{self, Value, apply, with_constant};
use crate::onnx::writer::{Real, Writer, int};

/// The values of the read-outs.
pub(super) fn lower(lowering: &mut Lowering<'_>) -> Result<Vec<Option<Value>>, ExportError> {
    let network = lowering.network;
    if network.encoding() != Encoding::Analog {
        let reason = "its samples enter as spikes; ONNX takes streaming networks with --input analog";
        return Err(ExportError::Network(reason.into()));
    }
    if network.rehearsal().is_some() {
        let reason = "it tries each sample before it runs, which has no form in ONNX operators yet; convert with --rehearsal none";
        return Err(ExportError::Network(reason.into()));
    }
    network.nodes().iter().try_for_each(|node| check(node, network.coding()))?;
    let count = network.nodes().len();
    // what depends on the sample alone is the same in every step
    let mut constant = vec![false; count];
    let mut sent: Vec<Option<Value>> = vec![None; count];
    let mut membranes: Vec<Option<Value>> = vec![None; count];
    for step in 1..=network.time_steps() {
        for id in network.ids() {
            let node = lowering.node(id);
            if constant[id.0] {
                continue;
            }
            let name = lowering.name(id);
            let of_step = format!("{name}@{step}");
            let inputs: Vec<Value> = node.inputs.iter().filter_map(|input| sent[input.0].clone()).collect();
            sent[id.0] = match &node.kind {
                NodeKind::Input(_) => {
                    constant[id.0] = true;
                    Some(lowering.sample())
                }
                NodeKind::Synapse(op) => {
                    constant[id.0] = node.inputs.iter().all(|input| constant[input.0]);
                    let own = if constant[id.0] { &name } else { &of_step };
                    Some(apply(&mut lowering.writer, (own, &name), op, &inputs, true)?)
                }
                NodeKind::Streaming(population) => {
                    let w = &mut lowering.writer;
                    let current = ops::cast(w, &inputs[0], Real::Double);
                    let inner = inner(&node.shape);
                    let start = |channel: usize| f64::from(population.initial(channel * inner, &node.shape));
                    let u = charge(w, &of_step, membranes[id.0].take(), &current, &start);
                    let (spike, after) = fire(w, &of_step, population, &u, step == network.time_steps());
                    membranes[id.0] = Some(after);
                    Some(spike)
                }
                // these steps pass unread
                NodeKind::Readout(readout) if step <= readout.skip => None,
                NodeKind::Readout(Readout { initial, .. }) => {
                    let w = &mut lowering.writer;
                    let current = ops::cast(w, &inputs[0], Real::Double);
                    let start = |channel| initial.get(channel).copied().map_or(0.0, f64::from);
                    membranes[id.0] = Some(charge(w, &of_step, membranes[id.0].take(), &current, &start));
                    None
                }
                // refused before, or not in a streaming network; heads act on the result
                NodeKind::Population(_) | NodeKind::MaxPool(_) | NodeKind::StreamingPool(_) | NodeKind::Head(_) => None,
            };
        }
        check_size(&lowering.writer)?;
    }
    let mut values = vec![None; count];
    for id in network.ids() {
        let NodeKind::Readout(readout) = &network.node(id).kind else { continue };
        let steps = f64::from(network.time_steps() - readout.skip);
        let name = lowering.name(id);
        let Some(u) = membranes[id.0].take() else { continue };
        let mean = with_constant(&mut lowering.writer, "Div", &name, &u, &[], &[steps]);
        values[id.0] = Some(Value { name: mean, ..u });
    }
    Ok(values)
}

/// Refuses what has no operators here: anything but neurons that send one spike or none.
fn check(node: &Node, coding: StreamCoding) -> Result<(), ExportError> {
    let refuse = |what: &str| Err(ExportError::node(&node.name, format!("{what} have no form in ONNX operators yet")));
    match &node.kind {
        NodeKind::StreamingPool(_) => refuse("maxima of streams"),
        NodeKind::Streaming(population) => {
            let channels = node.shape.first().copied().unwrap_or(1);
            let plain = population.is_binary(&node.shape, coding)
                && population.reset != Reset::Modulo
                && population.initial.len() <= channels;
            if plain { Ok(()) } else { refuse(&format!("neurons of this kind ({})", population.describe(coding))) }
        }
        _ => Ok(()),
    }
}

/// `u ← u + i`, from the initial potential in the first step.
fn charge(w: &mut Writer, name: &str, before: Option<Value>, current: &Value, initial: &dyn Fn(usize) -> f64) -> Value {
    let u = format!("{name}/membrane");
    if let Some(before) = before {
        return Value { name: w.node("Add", &u, &[&before.name, &current.name], Vec::new()), ..before };
    }
    let (shape, initial) = of_channels(&current.shape, initial);
    if initial == [0.0] {
        return current.clone();
    }
    Value { name: with_constant(w, "Add", &u, current, &shape, &initial), ..current.clone() }
}

/// `s = [u ≥ θ]` with weight `θ`, and the membrane afterwards.
fn fire(w: &mut Writer, name: &str, population: &StreamingPopulation, u: &Value, last: bool) -> (Value, Value) {
    let of = |what: &str| format!("{name}/{what}");
    let inner = inner(&u.shape);
    let (shape, thresholds) =
        of_channels(&u.shape, &|channel| f64::from(population.threshold(channel * inner, &u.shape)));
    let theta = w.reals(&of("threshold"), &shape, u.real, thresholds.iter().copied());
    let comparison = match population.comparison {
        Comparison::AtLeast => "GreaterOrEqual",
        Comparison::Above => "Greater",
    };
    let fires = w.node(comparison, &of("fires"), &[&u.name, &theta], Vec::new());
    let single = w.node("Cast", &of("spike"), &[&fires], vec![int("to", Real::Single.code() as usize)]);
    let single = Value { name: single, real: Real::Single, ..u.clone() };
    let sent = Value { name: with_constant(w, "Mul", name, &single, &shape, &thresholds), ..single };
    if last {
        return (sent, u.clone());
    }
    let after = match population.reset {
        // binary neurons: modulo has been refused
        Reset::Subtract | Reset::Modulo => {
            let spike = w.node("Cast", &of("spike64"), &[&fires], vec![int("to", u.real.code() as usize)]);
            let taken = w.node("Mul", &of("taken"), &[&spike, &theta], Vec::new());
            w.node("Sub", &of("reset"), &[&u.name, &taken], Vec::new())
        }
        Reset::Zero => {
            let zero = w.reals(&of("zero"), &[], u.real, std::iter::once(0.0));
            w.node("Where", &of("reset"), &[&fires, &zero, &u.name], Vec::new())
        }
    };
    (sent, Value { name: after, ..u.clone() })
}

/// Neurons of a channel.
fn inner(shape: &[usize]) -> usize {
    shape.get(1..).map_or(1, volume)
}
