//! The folded engine: a whole window of simulation in one pass.
//!
//! In a windowed code a spike train is a number, `a = θ Σ k^-(t-1) s(t)`, and accumulation is linear, so that `T` steps
//! of weighted spikes sum to the weighted numbers: the membrane at the hand-over is the synapses applied to the decoded
//! trains, and generation is the expansion of that membrane in base `k`. This holds exactly in real arithmetic; with
//! `f32` weights the engine may differ from the reference where a membrane lies within rounding of a multiple of the
//! resolution. Memory and time do not grow with `T` (for base 2; other bases take `T` steps a neuron in registers).
//! Networks of integers run in integers, without any difference.

mod generate;

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;
use spikeconverter_graph::{NodeId, volume};
use spikeconverter_network::{NodeKind, Readout, SpikingNetwork};

pub(crate) use self::generate::PopulationGenerator;
pub use self::generate::{ChannelParameters, WindowGenerator, generate};
use crate::clock::Clock;
use crate::float::{self, Kind, Node};
use crate::integer::{self, Isa};
use crate::kernels::Threads;
use crate::{Batch, Engine, EngineError};

/// A spiking network, ready to run: its weights are packed and its buffers planned.
pub struct FoldedEngine<'a> {
    network: &'a SpikingNetwork,
    program: Program<'a>,
    /// Memory of past runs: what the system clears for a new allocation costs as much as a layer.
    spare: Mutex<Spare>,
}

/// How the network is computed.
enum Program<'a> {
    Integers(Box<integer::Program<'a>>),
    Reals(Box<float::Program>),
}

/// Memory to be used again; that of codes with the number of samples that it is for.
#[derive(Default)]
struct Spare {
    codes: Vec<(usize, Codes)>,
    integers: Vec<integer::Memory>,
    reals: Vec<float::Memory>,
}

/// Who is shown the codes of populations.
type Watch<'a> = &'a mut dyn FnMut(NodeId, &Batch<i32>);

/// Codes of some samples, by population.
type Codes = Vec<(NodeId, Batch<i32>)>;

/// A thread's part of a run: consecutive samples.
struct Part<'a> {
    inputs: &'a [f32],
    samples: usize,
    output: &'a mut [f32],
    /// One slice a population, in topological order; none where nobody watches.
    codes: Vec<(NodeId, &'a mut [i32])>,
}

impl<'a> FoldedEngine<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Simulation`] when the network is streaming, [`EngineError::Online`] when it is online,
    /// [`EngineError::Op`] when a node does not fit its inputs.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        Self::with_isa(network, Isa::detect())
    }

    /// [`Self::new`] with chosen instructions for networks of integers, which give the same spikes with all. `isa` must be
    /// [available](Isa::available).
    ///
    /// # Errors
    /// As [`Self::new`], and [`EngineError::Instructions`] when this machine does not have them.
    pub fn with_isa(network: &'a SpikingNetwork, isa: Isa) -> Result<Self, EngineError> {
        Self::with_cache(network, isa, isa.cache())
    }

    /// [`Self::with_isa`] with a chosen number of bytes that a thread works on at a time in networks of integers, for
    /// machines with other caches. Spikes and results do not depend on it.
    ///
    /// # Errors
    /// As [`Self::with_isa`].
    pub fn with_cache(network: &'a SpikingNetwork, isa: Isa, bytes: usize) -> Result<Self, EngineError> {
        let available = Isa::available();
        if !available.contains(&isa) {
            return Err(EngineError::Instructions { isa, available });
        }
        crate::check_whole_windows("folded", network)?;
        let program = if let Some(program) = integer::Program::new(network, isa, bytes) {
            Program::Integers(Box::new(program))
        } else {
            let program = float::Program::new(&nodes(network)?, &[network.output()], network.time_steps())?;
            Program::Reals(Box::new(program))
        };
        Ok(Self { network, program, spare: Mutex::default() })
    }

    /// The network's nodes in groups that run on as many samples at a time as the cache holds: each group on a whole
    /// batch of samples before the next one.
    pub fn phases(&self) -> Vec<Range<usize>> {
        match &self.program {
            Program::Integers(program) => program.phases().collect(),
            Program::Reals(_) => std::iter::once(0..self.network.nodes().len()).collect(),
        }
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
        let chunk = self.chunk(count, threads, watch.is_some());
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
            for (id, codes) in &mut codes {
                let size = chunk * codes.volume();
                for (part, codes) in parts.iter_mut().zip(codes.data_mut().chunks_mut(size)) {
                    part.codes.push((*id, codes));
                }
            }
            let run = |part: &mut Part<'_>| self.run_part(part, inside, None);
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

    /// Samples that a thread takes at a time; `watched`, when their codes are written down.
    fn chunk(&self, count: usize, threads: usize, watched: bool) -> usize {
        /// Codes that a thread writes down at a time, at most; those of a sample may be more.
        const WRITTEN: usize = 1 << 24;
        match &self.program {
            Program::Integers(program) => {
                let codes = |(id, _): (NodeId, _)| volume(&self.network.node(id).shape);
                let most = WRITTEN / self.network.populations().map(codes).sum::<usize>().max(1);
                program.chunk(count, threads, if watched { most } else { usize::MAX })
            }
            Program::Reals(program) => program.chunk(count, threads),
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
        let chunk = self.chunk(inputs.count(), 1, false);
        for (inputs, output) in inputs.data().chunks(chunk * volume).zip(output.data_mut().chunks_mut(chunk * results))
        {
            let mut part = Part { inputs, samples: inputs.len() / volume, output, codes: Vec::new() };
            clock.start();
            self.run_part(&mut part, Threads::One, Some(&mut clock))?;
        }
        Ok(clock.seconds())
    }

    fn run_part(&self, part: &mut Part<'_>, inside: Threads, clock: Option<&mut Clock>) -> Result<(), EngineError> {
        match &self.program {
            Program::Integers(program) => self.run_integers(program, part, clock),
            Program::Reals(program) => {
                self.run_reals(program, part, inside, clock);
                Ok(())
            }
        }
    }

    fn run_reals(&self, program: &float::Program, part: &mut Part<'_>, inside: Threads, clock: Option<&mut Clock>) {
        let mut memory = self.spare.lock().ok().and_then(|mut spare| spare.reals.pop()).unwrap_or_default();
        let mut whole = float::Part {
            samples: part.samples,
            inputs: vec![part.inputs],
            outputs: vec![&mut *part.output],
            codes: part.codes.iter_mut().map(|(_, codes)| &mut **codes).collect(),
        };
        program.run(&mut whole, &mut memory, inside, clock);
        if let Ok(mut spare) = self.spare.lock() {
            spare.reals.push(memory);
        }
    }

    fn run_integers(
        &self,
        program: &integer::Program<'_>,
        part: &mut Part<'_>,
        clock: Option<&mut Clock>,
    ) -> Result<(), EngineError> {
        let mut memory = self.spare.lock().ok().and_then(|mut spare| spare.integers.pop()).unwrap_or_default();
        let (codes, samples) = (&mut part.codes, part.samples);
        let mut seen = |id: NodeId, first: usize, found: &integer::Codes<'_>| {
            if let Ok(position) = codes.binary_search_by_key(&id, |(id, _)| *id) {
                let codes = &mut codes[position].1;
                let sample = codes.len() / samples;
                found.copy_to(&mut codes[first * sample..]);
            }
        };
        let result = program.run(part.inputs, part.samples, part.output, &mut memory, &mut seen, clock);
        if let Ok(mut spare) = self.spare.lock() {
            spare.integers.push(memory);
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

/// The network's nodes.
///
/// # Errors
/// [`EngineError::Op`] for a streaming population.
fn nodes(network: &SpikingNetwork) -> Result<Vec<Node<'_>>, EngineError> {
    network.nodes().iter().map(node).collect()
}

fn node(node: &spikeconverter_network::Node) -> Result<Node<'_>, EngineError> {
    let kind = match &node.kind {
        NodeKind::Input(_) => Kind::Input,
        NodeKind::Synapse(op) | NodeKind::Head(op) => Kind::Op(op),
        NodeKind::MaxPool(pool) => Kind::MaxPool(pool),
        NodeKind::Population(population) => Kind::Population(population),
        NodeKind::Readout(Readout { initial, .. }) => Kind::Readout(initial),
        NodeKind::Streaming(_) | NodeKind::StreamingPool(_) => {
            let reason = "a streaming population has no window to fold".to_owned();
            return Err(EngineError::Op { what: format!("node `{}`", node.name), reason });
        }
    };
    Ok(Node { name: &node.name, kind, inputs: &node.inputs, shape: &node.shape })
}
