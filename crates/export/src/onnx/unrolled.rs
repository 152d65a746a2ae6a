//! The literal simulation, step by step: each population accumulates its trains and then generates its own; windows follow
//! one another as the reference engine's clock has them, so that only their order within a window matters here.

mod gate;
mod stream;

use std::collections::HashMap;

use spikeconverter_graph::NodeId;
use spikeconverter_network::{Encoding, NodeKind, Population, Schedule, Simulation};
use spikeconverter_neuron::WindowCode;

use super::Lowering;
use super::neuron::Neurons;
use super::ops::{self, Value, apply, with_constant};
use super::writer::{Real, Writer, int, ints};
use crate::ExportError;
use crate::bounds::{self, Range};

/// Operators that a runtime can be expected to load.
const MOST_OPERATORS: usize = 200_000;

/// The values of the read-outs.
pub(super) fn lower(lowering: &mut Lowering<'_>) -> Result<Vec<Option<Value>>, ExportError> {
    match lowering.network.simulation() {
        Simulation::Stream => stream::lower(lowering),
        Simulation::Window => Windows::new(lowering).lower(),
    }
}

/// Refuses what no runtime would load.
fn check_size(w: &Writer) -> Result<(), ExportError> {
    if w.len() <= MOST_OPERATORS {
        return Ok(());
    }
    let reason = format!("its time steps take more than {MOST_OPERATORS} operators; convert it with fewer time steps");
    Err(ExportError::Network(reason))
}

/// A train: what is sent in each step, nothing where a step is silent by construction.
type Train = Vec<Option<Value>>;

/// A current that was asked for: from which node, of which code, in which step, with or without constants.
type Asked = (NodeId, (u32, u32), u32, bool);

/// A code as a key.
fn key(code: WindowCode) -> (u32, u32) {
    (code.base.to_bits(), code.steps)
}

/// The unrolled simulation of a windowed network.
struct Windows<'l, 'a> {
    lowering: &'l mut Lowering<'a>,
    schedule: Schedule,
    /// What each node that spikes sends, by code.
    trains: Vec<HashMap<(u32, u32), Train>>,
    /// Currents that more than one listener asks for.
    currents: HashMap<Asked, Option<Value>>,
}

impl<'l, 'a> Windows<'l, 'a> {
    fn new(lowering: &'l mut Lowering<'a>) -> Self {
        let schedule = Schedule::new(lowering.network);
        let trains = vec![HashMap::new(); lowering.network.nodes().len()];
        Self { lowering, schedule, trains, currents: HashMap::new() }
    }

    fn lower(mut self) -> Result<Vec<Option<Value>>, ExportError> {
        let network = self.lowering.network;
        let mut values = vec![None; network.nodes().len()];
        for id in network.ids() {
            let node = network.node(id);
            match &node.kind {
                NodeKind::Input(encoding) => self.input(id, *encoding),
                NodeKind::Population(population) => {
                    let membrane = self.accumulate(id, node.inputs[0])?;
                    let train = self.generate(id, population, &membrane);
                    self.trains[id.0].insert(key(population.code(network.time_steps())), train);
                }
                NodeKind::MaxPool(pool) => {
                    for code in self.schedule.timing(id).codes_in.clone() {
                        let arriving = (0..code.steps)
                            .map(|step| self.current(node.inputs[0], code, step, false))
                            .collect::<Result<Train, _>>()?;
                        let name = self.lowering.name(id);
                        let train = gate::lower(&mut self.lowering.writer, &name, pool, &node.shape, &arriving);
                        self.trains[id.0].insert(key(code), train);
                    }
                }
                NodeKind::Readout(_) => values[id.0] = Some(self.accumulate(id, node.inputs[0])?),
                NodeKind::Synapse(_) | NodeKind::Head(_) | NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {}
            }
            check_size(&self.lowering.writer)?;
        }
        Ok(values)
    }

    /// What the input sends: the sample at once, or its bits, the most significant first.
    fn input(&mut self, id: NodeId, encoding: Encoding) {
        let sample = self.lowering.sample();
        let code = self.schedule.timing(id).codes[0];
        let train = match encoding {
            // Poisson trains are streams
            Encoding::Analog | Encoding::Poisson { .. } => {
                (0..code.steps).map(|step| (step == 0).then(|| sample.clone())).collect()
            }
            Encoding::Pixels => {
                let name = self.lowering.name(id);
                let range = self
                    .lowering
                    .integer
                    .then(|| bounds::of_source(self.lowering.network, &NodeKind::Input(encoding), true));
                let w = &mut self.lowering.writer;
                let mut rest = sample;
                (1..=code.steps)
                    .map(|t| {
                        let of = |what: &str| format!("{name}@{t}/{what}");
                        let weight = f64::from(1u32 << (Encoding::PIXEL_STEPS - t));
                        let shifted = with_constant(w, "Div", &of("shift"), &rest, &[], &[weight]);
                        let bit = w.node("Floor", &of("bit"), &[&shifted], Vec::new());
                        let bit = Value { name: bit, ..rest.clone() };
                        let taken = with_constant(w, "Mul", &of("taken"), &bit, &[], &[weight]);
                        rest.name = w.node("Sub", &of("rest"), &[&rest.name, &taken], Vec::new());
                        let threshold = f64::from(Encoding::PIXEL_THRESHOLD);
                        let name = with_constant(w, "Mul", &format!("{name}@{t}"), &bit, &[], &[threshold]);
                        Some(Value { name, range, ..bit })
                    })
                    .collect()
            }
        };
        self.trains[id.0].insert(key(code), train);
    }

    /// What arrives from `id` in a step of trains of one code: the synapses applied to what was sent in this step.
    fn current(
        &mut self,
        id: NodeId,
        code: WindowCode,
        step: u32,
        constants: bool,
    ) -> Result<Option<Value>, ExportError> {
        let node = self.lowering.node(id);
        let NodeKind::Synapse(op) = &node.kind else {
            let train = self.trains[id.0].get(&key(code));
            return Ok(train.and_then(|train| train.get(step as usize).cloned().flatten()));
        };
        if let Some(known) = self.currents.get(&(id, key(code), step, constants)) {
            return Ok(known.clone());
        }
        let inputs = node
            .inputs
            .iter()
            .map(|&input| self.current(input, code, step, constants))
            .collect::<Result<Vec<_>, _>>()?;
        let result = if constants || inputs.iter().any(Option::is_some) {
            let inputs: Vec<Value> = inputs
                .into_iter()
                .zip(&node.inputs)
                .map(|(value, input)| value.unwrap_or_else(|| self.silence(&self.lowering.node(*input).shape.clone())))
                .collect();
            let name = self.lowering.name(id);
            let of_step = format!("{name}@{}", step + 1);
            Some(apply(&mut self.lowering.writer, (&of_step, &name), op, &inputs, constants)?)
        } else {
            None
        };
        self.currents.insert((id, key(code), step, constants), result.clone());
        Ok(result)
    }

    /// Zeros for each sample.
    fn silence(&mut self, shape: &[usize]) -> Value {
        let sample = self.lowering.sample();
        let w = &mut self.lowering.writer;
        let axes = ints("axes", 1..=sample.shape.len());
        let each = w.node("ReduceMax", "silence/sample", &[&sample.name], vec![axes, int("keepdims", 0)]);
        let each = Value { name: each, shape: Vec::new(), ..sample.clone() };
        let zero = Value { name: with_constant(w, "Mul", "silence/zero", &each, &[], &[0.0]), ..each };
        let flat = vec![1; shape.len()];
        let zero = Value { name: ops::reshape(w, "silence/shape", &zero.name, &flat), shape: flat, ..zero };
        let zeros = vec![0.0; spikeconverter_graph::volume(shape)];
        let name = with_constant(w, "Add", "silence", &zero, shape, &zeros);
        // zeros are multiples of anything
        let range = sample.range.map(|_| Range { shift: 100, ..Range::new(0, 0) });
        Value { name, real: Real::Single, shape: shape.to_vec(), range }
    }

    /// The membrane at the end of an accumulation window: `u ← k·u + i` for each code, and their sum in one unit.
    fn accumulate(&mut self, id: NodeId, from: NodeId) -> Result<Value, ExportError> {
        let name = self.lowering.name(id);
        let codes = self.schedule.timing(id).codes_in.clone();
        let mut arriving: Vec<(WindowCode, Train)> = Vec::new();
        for (slot, &code) in codes.iter().enumerate() {
            let train = (0..code.steps)
                .map(|step| self.current(from, code, step, step == 0 && slot == 0))
                .collect::<Result<_, _>>();
            arriving.push((code, train?));
        }
        let real = self.membranes(id, &arriving)?;
        let shape = self.lowering.node(from).shape.clone();
        let mut total: Option<Value> = None;
        for (slot, (code, train)) in arriving.into_iter().enumerate() {
            let mut u: Option<Value> = None;
            for (step, current) in train.into_iter().enumerate() {
                let of = |what: &str| format!("{name}/u{slot}@{}/{what}", step + 1);
                let mut current = current.map(|value| ops::cast(&mut self.lowering.writer, &value, real));
                if step == 0 && slot == 0 {
                    let first = current.unwrap_or_else(|| self.silence(&shape));
                    let first = ops::cast(&mut self.lowering.writer, &first, real);
                    current = Some(self.inject(id, &name, first));
                }
                let w = &mut self.lowering.writer;
                let before = u.map(|u| match code.base {
                    1.0 => u,
                    base => Value { name: with_constant(w, "Mul", &of("leak"), &u, &[], &[f64::from(base)]), ..u },
                });
                u = match (before, current) {
                    (Some(u), Some(i)) => {
                        Some(Value { name: w.node("Add", &of("membrane"), &[&u.name, &i.name], Vec::new()), ..u })
                    }
                    (only, None) | (None, only) => only,
                };
            }
            let Some(u) = u else { continue };
            let w = &mut self.lowering.writer;
            let resolution = code.resolution();
            let v = if resolution == 1.0 {
                u
            } else {
                let own = format!("{name}/u{slot}/hand_over");
                Value { name: with_constant(w, "Mul", &own, &u, &[], &[resolution]), ..u }
            };
            total = Some(match total {
                None => v,
                Some(so_far) => {
                    Value { name: w.node("Add", &format!("{name}/u"), &[&so_far.name, &v.name], Vec::new()), ..so_far }
                }
            });
        }
        let total = match total {
            Some(total) => total,
            None => self.silence(&shape),
        };
        Ok(Value { range: self.lowering.integer.then_some(Range::new(0, 0)), ..total })
    }

    /// The number type of a listener's membranes: `f64` unless integers fit `f32`. All of `u` in step `t` is a multiple of
    /// `2^(t-1)`, so that the bound at the hand-over holds for the significant bits in every step.
    fn membranes(&self, id: NodeId, arriving: &[(WindowCode, Train)]) -> Result<Real, ExportError> {
        if !self.lowering.integer {
            return Ok(Real::Double);
        }
        let largest = |train: &Train| {
            train.iter().flatten().filter_map(|value| value.range).map(|range| range.magnitude()).max().unwrap_or(0)
        };
        // Σ 2^-(t-1) is below 2
        let total = arriving.iter().fold(0i128, |sum, (_, train)| sum.saturating_add(largest(train)).saturating_mul(2));
        self.lowering.listening(id, Range::new(0, total))
    }

    /// Adds the initial membrane potentials to what arrives first.
    fn inject(&mut self, id: NodeId, name: &str, first: Value) -> Value {
        let w = &mut self.lowering.writer;
        match &self.lowering.network.node(id).kind {
            NodeKind::Population(population) => Neurons::new(population, &first.shape, 0).started(w, name, &first),
            NodeKind::Readout(readout) => {
                super::folded::read(self.lowering, &format!("{name}/initial"), readout, &first)
            }
            _ => first,
        }
    }

    /// The generation window: `s ← [v ≥ θ]`, `v ← k·(v − θ·s)`, and likewise on the negative side.
    fn generate(&mut self, id: NodeId, population: &Population, membrane: &Value) -> Train {
        let (name, steps) = (self.lowering.name(id), population.window(self.lowering.network.time_steps()));
        let node = self.lowering.node(id);
        let range = self.lowering.integer.then(|| bounds::of_source(self.lowering.network, &node.kind, true));
        let w = &mut self.lowering.writer;
        let neurons = Neurons::new(population, &node.shape, steps);
        let mut v = membrane.clone();
        if let Some(pool) = &population.pool {
            let pooled = ops::max_pool(w, &format!("{name}/pool"), pool, &v, &node.shape);
            v = Value { name: pooled, shape: node.shape.clone(), ..v };
        }
        if population.has_signed_digits() {
            let spikes = neurons.signed_digits(w, &name, &v);
            let sent = spikes.iter().zip(1..).map(|(spike, t)| Some(neurons.sent(w, &format!("{name}@{t}"), spike)));
            return sent.collect();
        }
        v = neurons.clamped(w, &name, &v);
        if population.half_step {
            v = neurons.rounded(w, &name, &v);
        }
        (1..=steps)
            .map(|t| {
                let (spike, after) = neurons.step(w, &format!("{name}@{t}"), &v, t == steps);
                v = after;
                Some(Value { range, ..spike })
            })
            .collect()
    }
}
