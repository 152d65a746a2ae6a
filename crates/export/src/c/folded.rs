//! A window as a code: each node once, in topological order.

use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::NodeKind;

use super::memory::{Memory, Slot};
use super::neuron::Neurons;
use super::ops::{Function, Place, maxima, plane};
use super::{Program, Steps};
use crate::ExportError;
use crate::bounds::{self, Range};

pub(super) fn write(program: &mut Program<'_>) -> Result<(), ExportError> {
    let network = program.network;
    let mut places: Vec<Option<Place>> = vec![None; network.nodes().len()];
    let mut values = Values::new(network);
    let mut populations = 0;
    for id in network.ids() {
        let node = network.node(id);
        let inputs: Vec<Place> = node.inputs.iter().filter_map(|input| places[input.0].clone()).collect();
        let owner = format!("node{}", id.0);
        let kept = |range: Range, program: &mut Program<'_>, values: &mut Values| {
            let int = Program::holding(node, range)?;
            let slot = program.memory.take(int, volume(&node.shape));
            values.slots[id.0] = Some(slot);
            Ok::<_, ExportError>(Place { name: Memory::name(slot), int, shape: node.shape.clone(), range })
        };
        places[id.0] = match &node.kind {
            NodeKind::Input(_) => {
                let range = bounds::of_source(network, &node.kind, false);
                Some(Place { name: "samples".into(), int: super::Int::U8, shape: node.shape.clone(), range })
            }
            // the same values
            NodeKind::Synapse(Op::Reshape(_)) => Some(Place { shape: node.shape.clone(), ..inputs[0].clone() }),
            NodeKind::Synapse(op) => {
                let ranges: Vec<Range> = inputs.iter().map(|place| place.range).collect();
                let output = kept(bounds::of_op(op, &ranges, true), program, &mut values)?;
                let name = format!("{owner}_apply");
                let function = Function {
                    name: &name,
                    owner: &owner,
                    node: &node.name,
                    op,
                    inputs: &inputs,
                    output: &output,
                    stepwise: false,
                };
                function.define(&mut program.arrays, &mut program.functions)?;
                program.body.line(&function.call("1"));
                Some(output)
            }
            NodeKind::MaxPool(pool) => {
                let output = kept(inputs[0].range, program, &mut values)?;
                let code = &mut program.functions;
                code.open(&format!("static void {owner}_pool(void)"));
                let opened = maxima(code, pool, &inputs[0], &node.shape, output.int.max(super::Int::I32));
                let out = plane(&node.shape[1..], 1);
                let at = format!("(c * {} + oy) * {} + ox", out[0], out[1]);
                code.line(&format!("{}[{at}] = ({})best;", output.name, output.int.name()));
                code.close_all(opened + 1);
                program.body.line(&format!("{owner}_pool();"));
                Some(output)
            }
            NodeKind::Population(population) => {
                let output = kept(bounds::of_codes(&node.kind, network.time_steps()), program, &mut values)?;
                let neurons = Neurons {
                    population,
                    node: &node.name,
                    owner: &owner,
                    number: populations,
                    prefix: program.prefix,
                    steps: network.time_steps(),
                    form: Steps::Folded,
                    started: false,
                };
                populations += 1;
                let call = neurons.define(&inputs[0], &output, &mut program.arrays, &mut program.functions)?;
                program.body.line(&call);
                Some(output)
            }
            NodeKind::Readout(readout) => {
                let range = inputs[0].range.moved(bounds::of_constants(&readout.initial));
                let output = kept(range, program, &mut values)?;
                program.read(id, &readout.initial, &inputs[0], &output);
                program.readout = Some(output.clone());
                Some(output)
            }
            NodeKind::Head(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => None,
        };
        for slot in values.read(network, id) {
            program.memory.give(slot);
        }
    }
    Ok(())
}

impl Program<'_> {
    /// A read-out: membranes and their initial potentials.
    fn read(&mut self, id: NodeId, initial: &[f32], x: &Place, output: &Place) {
        let owner = format!("node{}", id.0);
        let channels = output.shape.first().copied().unwrap_or(1);
        let inner = volume(&output.shape) / channels;
        let code = &mut self.functions;
        code.open(&format!("static void {owner}_read(void)"));
        code.count("c", channels);
        code.count("i", inner);
        let mut value = format!("{}[c * {inner} + i]", x.name);
        if !initial.is_empty() {
            let name = format!("{owner}_initial");
            self.arrays.array(super::Int::I32, &name, initial.iter().map(|&v| v as i64));
            value = format!("({}){value} + {name}[c]", output.int.max(super::Int::I32).name());
        }
        code.line(&format!("{}[c * {inner} + i] = ({})({value});", output.name, output.int.name()));
        code.close_all(3);
        self.body.line(&format!("{owner}_read();"));
    }
}

/// Which buffers hold values that somebody will still read.
struct Values {
    slots: Vec<Option<Slot>>,
    /// The node whose values a node has: its own, or through changes of shape another's.
    root: Vec<usize>,
    /// Readers to come, by root.
    readers: Vec<usize>,
}

impl Values {
    fn new(network: &spikeconverter_network::SpikingNetwork) -> Self {
        let count = network.nodes().len();
        let mut values = Self { slots: vec![None; count], root: (0..count).collect(), readers: vec![0; count] };
        for id in network.ids() {
            let node = network.node(id);
            if matches!(node.kind, NodeKind::Synapse(Op::Reshape(_))) {
                values.root[id.0] = values.root[node.inputs[0].0];
            } else {
                for input in &node.inputs {
                    values.readers[values.root[input.0]] += 1;
                }
            }
        }
        values
    }

    /// The buffers that nobody needs any more once `id` has run.
    fn read(&mut self, network: &spikeconverter_network::SpikingNetwork, id: NodeId) -> Vec<Slot> {
        let node = network.node(id);
        if matches!(node.kind, NodeKind::Synapse(Op::Reshape(_))) {
            return Vec::new();
        }
        let mut done = Vec::new();
        for input in &node.inputs {
            let root = self.root[input.0];
            self.readers[root] -= 1;
            if self.readers[root] == 0 {
                done.extend(self.slots[root].take());
            }
        }
        done
    }
}
