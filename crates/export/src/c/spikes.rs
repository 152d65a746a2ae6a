//! A window spike by spike. Trains are packed: a step's spike is a bit of the neuron's code. Each listener runs the steps of
//! its own window: unpack what was sent in a step, apply the synapses to it, `u ← 2·u + i`.

use std::collections::{BTreeMap, BTreeSet};

use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{Encoding, NodeKind, Schedule};
use spikeconverter_neuron::WindowCode;

use super::memory::{Memory, Slot};
use super::neuron::Neurons;
use super::ops::{Function, Place, plane};
use super::text::Int;
use super::{Program, Steps};
use crate::ExportError;
use crate::bounds::{self, Range};

/// Packed trains of a node, by the length of their windows (all bases are 2).
type Trains = BTreeMap<u32, (Place, Option<Slot>)>;

struct Simulation<'p, 'a> {
    program: &'p mut Program<'a>,
    schedule: Schedule,
    trains: Vec<Trains>,
    /// Listeners that each source still has.
    listeners: Vec<usize>,
    populations: usize,
}

/// What a listener hears in a step.
struct Hearing {
    /// Values of the nodes between sources and listener, and of the sources.
    places: BTreeMap<usize, Place>,
    slots: Vec<Slot>,
    sources: BTreeSet<usize>,
    synapses: Vec<usize>,
}

pub(super) fn write(program: &mut Program<'_>) -> Result<(), ExportError> {
    let network = program.network;
    let mut simulation = Simulation {
        schedule: Schedule::new(network),
        trains: vec![Trains::new(); network.nodes().len()],
        listeners: vec![0; network.nodes().len()],
        populations: 0,
        program,
    };
    let listeners: Vec<NodeId> = network.ids().filter(|&id| simulation.listens(id)).collect();
    for id in listeners {
        for source in simulation.above(network.node(id).inputs[0]).1 {
            simulation.listeners[source] += 1;
        }
    }
    for id in network.ids() {
        match &network.node(id).kind {
            NodeKind::Input(_) => {
                let range = bounds::of_source(network, &network.nodes()[0].kind, false);
                let shape = network.input_shape().to_vec();
                let place = Place { name: "samples".into(), int: Int::U8, shape, range };
                simulation.trains[id.0].insert(Encoding::PIXEL_STEPS, (place, None));
            }
            NodeKind::MaxPool(_) => simulation.gate(id)?,
            NodeKind::Population(_) | NodeKind::Readout(_) => simulation.listen(id)?,
            NodeKind::Synapse(_) | NodeKind::Head(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {}
        }
    }
    Ok(())
}

impl Simulation<'_, '_> {
    fn listens(&self, id: NodeId) -> bool {
        let kind = &self.program.network.node(id).kind;
        matches!(kind, NodeKind::Population(_) | NodeKind::Readout(_) | NodeKind::MaxPool(_))
    }

    /// The synapses from `id` up to what sends trains, in topological order, and the senders.
    fn above(&self, id: NodeId) -> (BTreeSet<usize>, BTreeSet<usize>) {
        let (mut synapses, mut sources) = (BTreeSet::new(), BTreeSet::new());
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let node = self.program.network.node(id);
            if matches!(node.kind, NodeKind::Synapse(_)) {
                if synapses.insert(id.0) {
                    open.extend(&node.inputs);
                }
            } else {
                sources.insert(id.0);
            }
        }
        (synapses, sources)
    }

    /// Buffers for all that passes between the senders and a listener, and the functions that fill them.
    fn hear(&mut self, listener: NodeId) -> Result<Hearing, ExportError> {
        let network = self.program.network;
        let (synapses, sources) = self.above(network.node(listener).inputs[0]);
        let mut hearing = Hearing { places: BTreeMap::new(), slots: Vec::new(), sources, synapses: Vec::new() };
        let keep = |program: &mut Program<'_>, hearing: &mut Hearing, id: usize, range: Range| {
            let node = network.node(NodeId(id));
            let int = Program::holding(node, range)?;
            let slot = program.memory.take(int, volume(&node.shape));
            hearing.slots.push(slot);
            let place = Place { name: Memory::name(slot), int, shape: node.shape.clone(), range };
            hearing.places.insert(id, place.clone());
            Ok::<_, ExportError>(place)
        };
        for source in hearing.sources.clone() {
            let spikes = self.trains[source].iter().map(|(steps, (place, _))| {
                let weight = 1 << (steps - 1);
                Range::new(if place.range.low < 0 { -weight } else { 0 }, weight)
            });
            let range = spikes.reduce(Range::union).unwrap_or(Range::new(0, 0));
            keep(self.program, &mut hearing, source, range)?;
        }
        for id in synapses {
            let node = network.node(NodeId(id));
            let NodeKind::Synapse(op) = &node.kind else { continue };
            let inputs: Vec<Place> = node.inputs.iter().map(|input| hearing.places[&input.0].clone()).collect();
            if matches!(op, Op::Reshape(_)) {
                hearing.places.insert(id, Place { shape: node.shape.clone(), ..inputs[0].clone() });
                continue;
            }
            let ranges: Vec<Range> = inputs.iter().map(|place| place.range).collect();
            let range = bounds::of_op(op, &ranges, true).union(bounds::of_op(op, &ranges, false));
            let output = keep(self.program, &mut hearing, id, range)?;
            let (name, owner) = (format!("node{id}_for{}", listener.0), format!("node{id}"));
            let function = Function {
                name: &name,
                owner: &owner,
                node: &node.name,
                op,
                inputs: &inputs,
                output: &output,
                stepwise: true,
            };
            function.define(&mut self.program.arrays, &mut self.program.functions)?;
            hearing.synapses.push(id);
        }
        Ok(hearing)
    }

    /// Writes what happens in step `t` of trains of one code, up to the listener's input; `first` says whether constants act.
    fn step(&mut self, listener: NodeId, hearing: &Hearing, code: WindowCode, first: &str) {
        let network = self.program.network;
        let body = &mut self.program.functions;
        for source in &hearing.sources {
            let frame = &hearing.places[source];
            body.count("n", volume(&frame.shape));
            match self.trains[*source].get(&code.steps) {
                Some((train, _)) => {
                    let weight = 1u32 << (code.steps - 1);
                    body.line(&format!("const int32_t code = {}[n];", train.name));
                    let magnitude = if train.range.low < 0 { "(code < 0 ? -code : code)" } else { "code" };
                    body.line(&format!("const int32_t spike = ({magnitude} >> ({} - t)) & 1;", code.steps - 1));
                    let sign = if train.range.low < 0 { "code < 0 ? -spike : spike" } else { "spike" };
                    body.line(&format!("{}[n] = ({})(({sign}) * {weight});", frame.name, frame.int.name()));
                }
                None => body.line(&format!("{}[n] = 0;", frame.name)),
            }
            body.close();
        }
        for &id in &hearing.synapses {
            let NodeKind::Synapse(op) = &network.node(NodeId(id)).kind else { continue };
            let name = format!("node{id}_for{}", listener.0);
            let takes = super::ops::has_constants(op);
            body.line(&if takes { format!("{name}({first});") } else { format!("{name}();") });
        }
    }

    /// Gives back what a listener used, and the trains that nobody else listens to.
    fn forget(&mut self, hearing: Hearing) {
        hearing.slots.into_iter().for_each(|slot| self.program.memory.give(slot));
        for source in hearing.sources {
            self.listeners[source] -= 1;
            if self.listeners[source] == 0 {
                let slots: Vec<Slot> = self.trains[source].values_mut().filter_map(|(_, slot)| slot.take()).collect();
                for slot in slots {
                    self.program.memory.give(slot);
                }
            }
        }
    }

    /// A population or a read-out: an accumulation window, and for populations a generation window.
    fn listen(&mut self, id: NodeId) -> Result<(), ExportError> {
        let network = self.program.network;
        let node = network.node(id);
        let hearing = self.hear(id)?;
        let current = hearing.places[&node.inputs[0].0].clone();
        let codes = self.schedule.timing(id).codes_in.clone();
        let initial: &[f32] = match &node.kind {
            NodeKind::Population(population) => &population.initial,
            NodeKind::Readout(readout) => &readout.initial,
            _ => &[],
        };
        // Σ 2^-(t-1) is below 2
        let start = bounds::of_constants(initial);
        let bound = current.range.magnitude().saturating_mul(2).saturating_add(start.magnitude());
        let total = bound.saturating_mul(codes.len() as i128);
        let longest = codes.iter().map(|code| code.steps).max().unwrap_or(1);
        let wide = Int::computing(bound.saturating_mul(1 << (longest - 1)).max(total))
            .ok_or_else(|| ExportError::node(&node.name, "its membranes can exceed the integers of 64 bits"))?;
        let count = volume(&current.shape);
        let owner = format!("node{}", id.0);
        let (sum, u) = (self.program.memory.take(wide, count), self.program.memory.take(wide, count));
        let (sum_name, u_name) = (Memory::name(sum), Memory::name(u));

        let body = &mut self.program.functions;
        body.open(&format!("static void {owner}_listen(void)"));
        body.count("n", count);
        body.line(&format!("{sum_name}[n] = 0;"));
        body.close();
        for (slot, &code) in codes.iter().enumerate() {
            self.program.functions.count("t", code.steps as usize);
            self.step(id, &hearing, code, if slot == 0 { "t == 0" } else { "0" });
            let inner = count / current.shape.first().copied().unwrap_or(1);
            let mut arrives = format!("{}[n]", current.name);
            if slot == 0 && (start.low, start.high) != (0, 0) {
                let name = format!("{owner}_initial");
                self.program.arrays.array(Int::I32, &name, initial.iter().map(|&v| v as i64));
                let channel = if initial.len() == 1 { "0".into() } else { format!("n / {inner}") };
                arrives = format!("{arrives} + (t == 0 ? {name}[{channel}] : 0)");
            }
            let body = &mut self.program.functions;
            body.count("n", count);
            body.line(&format!("{u_name}[n] = (t == 0 ? 0 : 2 * {u_name}[n]) + {arrives};"));
            body.close_all(2);
            // into the unit of the result; exact
            body.count("n", count);
            body.line(&format!("{sum_name}[n] += {u_name}[n] / {};", 1u32 << (code.steps - 1)));
            body.close();
        }
        self.program.functions.close();
        self.program.body.line(&format!("{owner}_listen();"));

        let membrane =
            Place { name: sum_name, int: wide, shape: current.shape.clone(), range: Range::new(-total, total) };
        self.program.memory.give(u);
        self.forget(hearing);
        match &node.kind {
            NodeKind::Population(population) => {
                let range = bounds::of_codes(&node.kind, network.time_steps());
                let int = Program::holding(node, range)?;
                let slot = self.program.memory.take(int, volume(&node.shape));
                let output = Place { name: Memory::name(slot), int, shape: node.shape.clone(), range };
                let neurons = Neurons {
                    population,
                    node: &node.name,
                    owner: &owner,
                    number: self.populations,
                    prefix: self.program.prefix,
                    steps: network.time_steps(),
                    form: Steps::Spikes,
                    started: true,
                };
                self.populations += 1;
                let call = neurons.define(&membrane, &output, &mut self.program.arrays, &mut self.program.functions)?;
                self.program.body.line(&call);
                self.program.memory.give(sum);
                self.trains[id.0].insert(network.time_steps(), (output, Some(slot)));
            }
            _ => self.program.readout = Some(membrane),
        }
        Ok(())
    }

    /// The maximum of trains, step by step: of the inputs that have sent what the result sent so far, the largest spike
    /// passes, and those that sent less drop out.
    fn gate(&mut self, id: NodeId) -> Result<(), ExportError> {
        let network = self.program.network;
        let node = network.node(id);
        let NodeKind::MaxPool(pool) = &node.kind else { return Ok(()) };
        let hearing = self.hear(id)?;
        let current = hearing.places[&node.inputs[0].0].clone();
        let taps = pool.window.taps();
        let alive = self.program.memory.take(Int::U8, volume(&node.shape) * taps);
        let alive_name = Memory::name(alive);
        let owner = format!("node{}", id.0);
        self.program.functions.open(&format!("static void {owner}_gate(void)"));
        for code in self.schedule.timing(id).codes_in.clone() {
            let largest = (1i128 << code.steps) - 1;
            let range = Range::new(if current.range.low < 0 { -largest } else { 0 }, largest);
            let int = Program::holding(node, range)?;
            let slot = self.program.memory.take(int, volume(&node.shape));
            let train = Place { name: Memory::name(slot), int, shape: node.shape.clone(), range };
            self.program.functions.count("t", code.steps as usize);
            self.step(id, &hearing, code, "0");
            let body = &mut self.program.functions;
            let (spatial, out) = (plane(&current.shape[1..], 1), plane(&node.shape[1..], 1));
            let (kernel, weight) = (plane(&pool.window.kernel, 1), 1u32 << (code.steps - 1));
            let read = format!("{}[(c * {} + iy) * {} + ix]", current.name, spatial[0], spatial[1]);
            let alive = format!("{alive_name}[n * {taps} + ky * {} + kx]", kernel[1]);
            body.count("c", node.shape[0]);
            body.count("oy", out[0]);
            body.count("ox", out[1]);
            body.line(&format!("const int32_t n = (c * {} + oy) * {} + ox;", out[0], out[1]));
            body.line(&format!("int32_t best = -{weight};"));
            let opened = super::ops::windows(body, &pool.window, spatial);
            body.open(&format!("if ((t == 0 || {alive}) && {read} > best)"));
            body.line(&format!("best = {read};"));
            body.close_all(opened + 1);
            let opened = super::ops::windows(body, &pool.window, spatial);
            body.line(&format!("{alive} = (uint8_t)((t == 0 || {alive}) && {read} == best);"));
            body.close_all(opened);
            body.line(&format!("const int32_t before = t == 0 ? 0 : {}[n];", train.name));
            body.line(&format!("{}[n] = ({})(2 * before + best / {weight});", train.name, int.name()));
            body.close_all(4);
            self.trains[id.0].insert(code.steps, (train, Some(slot)));
        }
        self.program.functions.close();
        self.program.body.line(&format!("{owner}_gate();"));
        self.program.memory.give(alive);
        self.forget(hearing);
        Ok(())
    }
}
