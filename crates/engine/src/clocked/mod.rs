//! The clocked engine: streaming networks, step by step in `f32`, as fast as spikes allow.
//!
//! Layer by layer over blocks of [`program::BLOCK`] steps: a layer's weights and membranes are used for the whole block
//! before the next layer runs through it. Trains wait as bits. A spike adds a vector of weights for each kernel tap, so
//! that the cost is that of the spikes; where a step has very many, the dense product is taken instead, which gives the
//! same sums ([`crate::kernels::events`]). What does not change with the steps (the currents of an analog sample, and
//! biases) is computed once. Memory does not grow with the number of steps.
//!
//! Neurons of more than one kind of spike, maxima and samples that enter as spikes have trains of values ([`graded`],
//! [`pool`]).
//!
//! In `f32` the engine may differ from the reference where a membrane lies within rounding of a threshold.

mod graded;
mod layout;
mod map;
mod pool;
mod program;
mod run;

use std::sync::Mutex;

use rayon::prelude::*;
use spikeconverter_graph::NodeId;
use spikeconverter_network::{Simulation, SpikingNetwork};

use self::program::Program;
use self::run::{Recorder, Workspace};
use crate::{Batch, Engine, EngineError, SpikeCount, StepRecord, StreamingEngine};

/// A sample's part of a run.
struct Part<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
    /// One slice a population, in topological order.
    codes: Vec<&'a mut [i32]>,
    /// The same of those whose codes are not their spikes.
    counts: Vec<&'a mut [SpikeCount]>,
}

/// A streaming network, ready to run.
pub struct ClockedEngine<'a> {
    network: &'a SpikingNetwork,
    program: Program,
    /// Memory of past runs.
    spare: Mutex<Vec<Workspace>>,
}

impl<'a> ClockedEngine<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Simulation`] when the network is not streaming, [`EngineError::Op`] when a node does not fit its
    /// inputs or is too large.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        crate::check_simulation("clocked", network, Simulation::Stream)?;
        Ok(Self { network, program: Program::new(network)?, spare: Mutex::default() })
    }

    fn workspace(&self) -> Workspace {
        self.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default()
    }

    fn keep(&self, workspace: Workspace) {
        if let Ok(mut spare) = self.spare.lock() {
            spare.push(workspace);
        }
    }
}

impl Engine for ClockedEngine<'_> {
    fn name(&self) -> &'static str {
        "clocked"
    }

    fn run(&self, inputs: &Batch, watch: &mut dyn FnMut(NodeId, &Batch<i32>)) -> Result<Batch, EngineError> {
        self.run_counting(inputs, watch, &mut |_, _| ())
    }

    fn run_counting(
        &self,
        inputs: &Batch,
        watch: &mut dyn FnMut(NodeId, &Batch<i32>),
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Batch, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let result = self.network.node(self.network.output()).shape.clone();
        let mut output = Batch::full(inputs.count(), result, 0.0)?;
        let size = output.volume();
        // a round gives each thread a sample; its counts are shown before the next, so that they stay few
        let round = rayon::current_num_threads().max(1);
        let rounds = inputs.data().chunks(round * inputs.volume()).zip(output.data_mut().chunks_mut(round * size));
        for (inputs_of_round, outputs_of_round) in rounds {
            let samples = outputs_of_round.len() / size;
            let (mut codes, mut counts) = (Vec::new(), Vec::new());
            for id in self.network.spiking() {
                let shape = || self.network.node(id).shape.clone();
                codes.push((id, Batch::full(samples, shape(), 0)?));
                if !crate::codes_count_spikes(self.network, id) {
                    counts.push((id, Batch::full(samples, shape(), SpikeCount::default())?));
                }
            }
            let mut parts: Vec<Part<'_>> = inputs_of_round
                .chunks(inputs.volume())
                .zip(outputs_of_round.chunks_mut(size))
                .map(|(input, output)| Part { input, output, codes: Vec::new(), counts: Vec::new() })
                .collect();
            for (_, codes) in &mut codes {
                let size = codes.volume();
                for (part, codes) in parts.iter_mut().zip(codes.data_mut().chunks_mut(size)) {
                    part.codes.push(codes);
                }
            }
            for (_, counts) in &mut counts {
                let size = counts.volume();
                for (part, counts) in parts.iter_mut().zip(counts.data_mut().chunks_mut(size)) {
                    part.counts.push(counts);
                }
            }
            parts.par_iter_mut().for_each(|Part { input, output, codes, counts }| {
                let mut workspace = self.workspace();
                workspace.run(self.network, &self.program, input, None);
                for (id, codes) in self.network.spiking().zip(codes) {
                    workspace.codes(id, &self.network.node(id).shape, codes);
                }
                let graded = self.network.spiking().filter(|id| !crate::codes_count_spikes(self.network, *id));
                for (id, counts) in graded.zip(counts) {
                    counts.copy_from_slice(workspace.counts(id));
                }
                output.copy_from_slice(&workspace.result(self.network, &self.program));
                self.keep(workspace);
            });
            for (id, codes) in &codes {
                watch(*id, codes);
                if let Some((_, counts)) = counts.iter().find(|(counted, _)| counted == id) {
                    count(*id, counts);
                }
            }
        }
        Ok(output)
    }
}

impl StreamingEngine for ClockedEngine<'_> {
    fn record(&self, inputs: &Batch, show: &mut dyn FnMut(&StepRecord<'_>)) -> Result<Batch, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let mut outputs = Vec::new();
        let mut workspace = self.workspace();
        for (sample, input) in inputs.samples().enumerate() {
            workspace.run(self.network, &self.program, input, Some(Recorder { sample, show }));
            outputs.extend(workspace.result(self.network, &self.program));
        }
        self.keep(workspace);
        Batch::new(inputs.count(), self.network.node(self.network.output()).shape.clone(), outputs)
    }
}
