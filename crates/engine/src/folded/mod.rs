//! The folded engine: a whole window of simulation in one pass.
//!
//! In a windowed code a spike train is a number, `a = θ Σ k^-(t-1) s(t)`, and accumulation is linear, so that `T` steps
//! of weighted spikes sum to the weighted numbers: the membrane at the hand-over is the synapses applied to the decoded
//! trains, and generation is the expansion of that membrane in base `k`. This holds exactly in real arithmetic; with
//! `f32` weights the engine may differ from the reference where a membrane lies within rounding of a multiple of the
//! resolution. Memory and time do not grow with `T` (for base 2; other bases take `T` steps a neuron in registers).
//! Networks of integers run in integers, without any difference.

mod generate;

use std::sync::Mutex;

use rayon::prelude::*;
use spikeconverter_graph::{NodeId, Op, volume};
use spikeconverter_network::{NodeKind, Readout, Simulation, SpikingNetwork};

use self::generate::PopulationGenerator;
pub use self::generate::{ChannelParameters, WindowGenerator, generate};
use crate::clock::Clock;
use crate::integer::{Isa, Memory, Program};
use crate::kernels::{Compiled, Threads, compile};
use crate::plan::Plan;
use crate::{Batch, Engine, EngineError};

/// A spiking network, ready to run: its weights are packed and its buffers planned.
pub struct FoldedEngine<'a> {
    network: &'a SpikingNetwork,
    /// Where the network is one of integers; nothing else is used then.
    program: Option<Program<'a>>,
    steps: Vec<Step>,
    plan: Plan,
    /// Memory of past runs: what the system clears for a new allocation costs as much as a layer.
    spare: Mutex<Spare>,
}

/// Values that a thread works on at a time, for all nodes alive together (2 MiB). Fewer samples at a time would stay in a
/// core's own cache, but load the weights of deep layers too often.
pub(crate) const CHUNK_VALUES: usize = 1 << 19;

/// Memory to be used again, each piece with the number of samples that it is for.
#[derive(Default)]
struct Spare {
    buffers: Vec<(usize, Vec<Vec<f32>>)>,
    codes: Vec<(usize, Codes)>,
    memory: Vec<Memory>,
}

/// Who is shown the codes of populations.
type Watch<'a> = &'a mut dyn FnMut(NodeId, &Batch<i32>);

/// Codes of some samples, by population.
type Codes = Vec<(NodeId, Batch<i32>)>;

/// What a node does with its inputs' values.
enum Step {
    /// The samples.
    Input,
    /// A kernel on decoded trains, currents or values.
    Apply(Compiled),
    /// The membranes at the hand-over become trains.
    Generate { pool: Option<Compiled>, generator: PopulationGenerator },
    /// The membranes are the result.
    Readout(Vec<f32>),
}

/// A thread's part of a run: consecutive samples.
struct Part<'a> {
    inputs: &'a [f32],
    samples: usize,
    output: &'a mut [f32],
    /// One slice a population, in topological order; none where nobody watches.
    codes: Vec<&'a mut [i32]>,
}

impl<'a> FoldedEngine<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Simulation`] when the network is streaming, [`EngineError::Op`] when a node does not fit its inputs.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        Self::with_isa(network, Isa::detect())
    }

    /// [`Self::new`] with chosen instructions for networks of integers, which give the same spikes with all. `isa` must be
    /// [available](Isa::available).
    ///
    /// # Errors
    /// As [`Self::new`], and [`EngineError::Instructions`] when this machine does not have them.
    pub fn with_isa(network: &'a SpikingNetwork, isa: Isa) -> Result<Self, EngineError> {
        let available = Isa::available();
        if !available.contains(&isa) {
            return Err(EngineError::Instructions { isa, available });
        }
        crate::check_simulation("folded", network, Simulation::Window)?;
        let compiled = |op: &Op, id: NodeId| {
            let node = network.node(id);
            let shapes: Vec<&[usize]> = node.inputs.iter().map(|&i| network.node(i).shape.as_slice()).collect();
            Ok::<_, EngineError>(compile(op, &shapes)?.named(format!("node `{}`", node.name)))
        };
        let program = Program::new(network, isa);
        let ids = if program.is_some() { Vec::new() } else { network.ids().collect() };
        let steps = ids
            .into_iter()
            .map(|id| {
                let node = network.node(id);
                Ok(match &node.kind {
                    NodeKind::Input(_) => Step::Input,
                    NodeKind::Synapse(op) | NodeKind::Head(op) => Step::Apply(compiled(op, id)?),
                    // greedy codes keep the order: the largest value has the lexicographically largest train
                    NodeKind::MaxPool(pool) => Step::Apply(compiled(&Op::MaxPool(pool.clone()), id)?),
                    NodeKind::Population(population) => Step::Generate {
                        pool: match &population.pool {
                            Some(pool) => Some(compiled(&Op::MaxPool(pool.clone()), id)?),
                            None => None,
                        },
                        generator: PopulationGenerator::new(population, &node.shape, network.time_steps()),
                    },
                    NodeKind::Readout(Readout { initial, .. }) => Step::Readout(initial.clone()),
                    NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
                        let reason = "a streaming population has no window to fold".to_owned();
                        return Err(EngineError::Op { what: format!("node `{}`", node.name), reason });
                    }
                })
            })
            .collect::<Result<_, EngineError>>()?;
        let mut dead = vec![Vec::new(); network.nodes().len()];
        for (id, readers) in network.ids().zip(network.consumers()) {
            if id != network.output() {
                dead[readers.last().map_or(id.0, |reader| reader.0)].push(id);
            }
        }
        let volumes: Vec<usize> = network.nodes().iter().map(|node| volume(&node.shape)).collect();
        Ok(Self { network, program, steps, plan: Plan::new(&volumes, &dead), spare: Mutex::default() })
    }

    /// Room for the codes of `samples` samples; every one will be written.
    fn codes(&self, samples: usize) -> Result<Codes, EngineError> {
        if let Some(codes) = self.spare.lock().ok().and_then(|mut spare| take(&mut spare.codes, samples)) {
            return Ok(codes);
        }
        self.network
            .populations()
            .map(|(id, _)| Ok((id, Batch::full(samples, self.network.node(id).shape.clone(), 0)?)))
            .collect()
    }

    /// Runs a part through the buffers.
    fn run_part(&self, part: &mut Part<'_>, buffers: &mut [Vec<f32>], threads: Threads, mut clock: Option<&mut Clock>) {
        let mut codes = part.codes.iter_mut();
        for (id, step) in self.network.ids().zip(&self.steps) {
            let node = self.network.node(id);
            let size = volume(&node.shape) * part.samples;
            // the result's buffer is none of the inputs': those are alive
            let mut result = std::mem::take(&mut buffers[self.plan.buffer[id.0]]);
            let own = &mut result[..size];
            let read: Vec<&[f32]> = node
                .inputs
                .iter()
                .map(|i| {
                    let size = volume(&self.network.node(*i).shape) * part.samples;
                    &buffers[self.plan.buffer[i.0]][..size]
                })
                .collect();
            match step {
                Step::Input => own.copy_from_slice(part.inputs),
                Step::Apply(kernel) => kernel.run_unchecked(&read, own, threads),
                Step::Generate { pool, generator } => {
                    match pool {
                        Some(pool) => pool.run_unchecked(&read, own, threads),
                        None => own.copy_from_slice(read[0]),
                    }
                    generator.run(own, codes.next().map(|codes| &mut **codes));
                }
                Step::Readout(initial) => {
                    own.copy_from_slice(read[0]);
                    add_initial(initial, own, volume(&node.shape));
                }
            }
            if id == self.network.output() {
                part.output.copy_from_slice(own);
            }
            if let Some(clock) = &mut clock {
                clock.end(id);
            }
            buffers[self.plan.buffer[id.0]] = result;
        }
    }
}

impl Engine for FoldedEngine<'_> {
    fn name(&self) -> &'static str {
        "folded"
    }

    fn run(&self, inputs: &Batch, watch: &mut dyn FnMut(NodeId, &Batch<i32>)) -> Result<Batch, EngineError> {
        self.drive(inputs, Some(watch))
    }

    fn infer(&self, inputs: &Batch) -> Result<Batch, EngineError> {
        self.drive(inputs, None)
    }
}

impl FoldedEngine<'_> {
    /// Divides samples among threads; codes are only written down for someone to see.
    fn drive(&self, inputs: &Batch, mut watch: Option<Watch<'_>>) -> Result<Batch, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let count = inputs.count();
        let mut output = Batch::full(count, self.network.node(self.network.output()).shape.clone(), 0.0)?;
        if count == 0 {
            return Ok(output);
        }
        let threads = rayon::current_num_threads();
        let chunk = self.chunk(count, threads);
        let inside = if count < threads { Threads::Pool } else { Threads::One };
        let results = output.volume();
        // a round gives each thread a chunk; its codes are shown before the next, so that they stay few
        let round = if watch.is_some() { chunk * threads } else { count };
        let rounds = inputs.data().chunks(round * inputs.volume()).zip(output.data_mut().chunks_mut(round * results));
        for (inputs_of_round, outputs_of_round) in rounds {
            let samples = inputs_of_round.len() / inputs.volume();
            let mut codes = if watch.is_some() { self.codes(samples)? } else { Codes::new() };
            let mut parts: Vec<Part<'_>> = inputs_of_round
                .chunks(chunk * inputs.volume())
                .zip(outputs_of_round.chunks_mut(chunk * results))
                .map(|(inputs_of_part, output)| {
                    let samples = inputs_of_part.len() / inputs.volume();
                    Part { inputs: inputs_of_part, samples, output, codes: Vec::new() }
                })
                .collect();
            for (_, codes) in &mut codes {
                let size = chunk * codes.volume();
                for (part, codes) in parts.iter_mut().zip(codes.data_mut().chunks_mut(size)) {
                    part.codes.push(codes);
                }
            }
            let run = |part: &mut Part<'_>| {
                if let Some(program) = &self.program {
                    return self.run_integers(program, part, None);
                }
                self.run_reals(part, chunk, inside, None);
                Ok(())
            };
            match inside {
                Threads::Pool => parts.iter_mut().try_for_each(run)?,
                Threads::One => parts.par_iter_mut().try_for_each(run)?,
            }
            if let Some(watch) = &mut watch {
                for (id, codes) in &codes {
                    watch(*id, codes);
                }
                if let Ok(mut spare) = self.spare.lock() {
                    spare.codes.push((samples, codes));
                }
            }
        }
        Ok(output)
    }

    /// Samples that a thread takes at a time.
    fn chunk(&self, count: usize, threads: usize) -> usize {
        match &self.program {
            Some(program) => program.chunk(count, threads),
            None => self.plan.chunk(CHUNK_VALUES, count, threads),
        }
    }

    /// The seconds that each node took for these samples on one thread, in the order of the nodes. A node that is part of
    /// another one's kernel takes none: the synapses in front of integer populations.
    ///
    /// # Errors
    /// As [`Engine::infer`].
    pub fn profile(&self, inputs: &Batch) -> Result<Vec<f64>, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let mut clock = Clock::new(self.network.nodes().len());
        let mut output = Batch::full(inputs.count(), self.network.node(self.network.output()).shape.clone(), 0.0)?;
        let (volume, results) = (inputs.volume(), output.volume());
        let chunk = self.chunk(inputs.count(), 1);
        for (inputs, output) in inputs.data().chunks(chunk * volume).zip(output.data_mut().chunks_mut(chunk * results))
        {
            let mut part = Part { inputs, samples: inputs.len() / volume, output, codes: Vec::new() };
            clock.start();
            match &self.program {
                Some(program) => self.run_integers(program, &mut part, Some(&mut clock))?,
                None => self.run_reals(&mut part, chunk, Threads::One, Some(&mut clock)),
            }
        }
        Ok(clock.seconds())
    }

    fn run_reals(&self, part: &mut Part<'_>, chunk: usize, inside: Threads, clock: Option<&mut Clock>) {
        let reused = self.spare.lock().ok().and_then(|mut spare| take(&mut spare.buffers, chunk));
        let mut buffers = reused.unwrap_or_else(|| self.plan.allocate(chunk));
        self.run_part(part, &mut buffers, inside, clock);
        if let Ok(mut spare) = self.spare.lock() {
            spare.buffers.push((chunk, buffers));
        }
    }

    fn run_integers(
        &self,
        program: &Program<'_>,
        part: &mut Part<'_>,
        clock: Option<&mut Clock>,
    ) -> Result<(), EngineError> {
        let mut memory = self.spare.lock().ok().and_then(|mut spare| spare.memory.pop()).unwrap_or_default();
        let mut codes = part.codes.iter_mut();
        let mut seen = |_: NodeId, found: &crate::integer::Codes<'_>| {
            if let Some(codes) = codes.next() {
                found.copy_to(codes);
            }
        };
        let result = program.run(part.inputs, part.samples, part.output, &mut memory, &mut seen, clock);
        if let Ok(mut spare) = self.spare.lock() {
            spare.memory.push(memory);
        }
        result
    }
}

/// Takes a piece of memory for this number of samples; pieces for others, of a run of another size, are let go.
fn take<T>(pieces: &mut Vec<(usize, T)>, samples: usize) -> Option<T> {
    while let Some((size, piece)) = pieces.pop() {
        if size == samples {
            return Some(piece);
        }
    }
    None
}

/// Adds one value an entry of the first axis to each sample.
pub(crate) fn add_initial(initial: &[f32], values: &mut [f32], sample: usize) {
    if initial.is_empty() {
        return;
    }
    let inner = sample / initial.len();
    for (values, initial) in values.chunks_mut(inner).zip(initial.iter().cycle()) {
        for value in values {
            *value += initial;
        }
    }
}
