//! The clocked engine: streaming networks, step by step in `f32`, as fast as spikes allow; windowed networks ([`windows`]), and
//! those whose populations generate while they listen ([`online`]).
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
//! In `f32` the engine may differ from the reference where a membrane lies within rounding of a threshold; networks of
//! integers do not differ.

mod compile;
mod fused;
mod graded;
mod grain;
mod layout;
mod map;
mod online;
mod pool;
mod positions;
mod program;
mod run;
mod tape;
mod windows;

use std::sync::Mutex;

use rayon::prelude::*;
use spikeconverter_graph::NodeId;
use spikeconverter_network::{Simulation, SpikingNetwork};

use self::online::{Online, Outcome};
use self::program::Program;
use self::run::{Mode, Recorder, Workspace};
pub use self::tape::{ShowStep, Tape, TapedEngine};
use self::windows::Windows;
use crate::stability::Listener;
use crate::{Batch, Engine, EngineError, SpikeCount, StepRecord, Stopped, StreamingEngine, UntilStable, WatchStopped};

/// A sample's part of a run.
struct Part<'a> {
    input: &'a [f32],
    output: &'a mut [f32],
    /// One slice a population, in topological order.
    codes: Vec<&'a mut [i32]>,
    /// The same of those whose codes are not their spikes.
    counts: Vec<&'a mut [SpikeCount]>,
    /// Steps that it took.
    steps: u32,
}

/// A network, ready to run.
pub struct ClockedEngine<'a> {
    network: &'a SpikingNetwork,
    program: Kind,
    /// Memory of past runs.
    spare: Mutex<Vec<Workspace>>,
}

/// How time passes in the network.
enum Kind {
    Stream(Box<Program>),
    Online(Online),
    Windows(Windows),
}

impl<'a> ClockedEngine<'a> {
    /// Prepares a network.
    ///
    /// # Errors
    /// [`EngineError::Op`] when a node does not fit its inputs or is too large.
    pub fn new(network: &'a SpikingNetwork) -> Result<Self, EngineError> {
        let program = match network.simulation() {
            Simulation::Stream => Kind::Stream(Box::new(Program::new(network)?)),
            Simulation::Window if network.has_signed_trains() => Kind::Online(Online::new(network)?),
            Simulation::Window => Kind::Windows(Windows::new(network)?),
        };
        Ok(Self { network, program, spare: Mutex::default() })
    }

    /// The program of a streaming network.
    fn stream(&self) -> Result<&Program, EngineError> {
        match &self.program {
            Kind::Stream(program) => Ok(program),
            Kind::Online(_) | Kind::Windows(_) => Err(EngineError::Simulation {
                engine: "clocked",
                wanted: Simulation::Stream.name(),
                found: Simulation::Window.name(),
            }),
        }
    }

    /// Runs a windowed network, as many samples at a time as there are threads, so that codes stay few.
    fn run_windows(
        &self,
        run: &dyn Fn(&Batch) -> Result<Vec<Outcome>, EngineError>,
        inputs: &Batch,
        watch: &mut WatchStopped<'_>,
    ) -> Result<Stopped, EngineError> {
        let shape = |id: NodeId| self.network.node(id).shape.clone();
        let mut outputs = Vec::new();
        for part in inputs.data().chunks(rayon::current_num_threads().max(1) * inputs.volume()) {
            let count = part.len() / inputs.volume();
            let mut outcomes = run(&Batch::new(count, inputs.shape().to_vec(), part.to_vec())?)?;
            for (place, id) in self.network.spiking().enumerate() {
                let codes = outcomes.iter_mut().flat_map(|outcome| std::mem::take(&mut outcome.codes[place]));
                watch(id, &Batch::new(count, shape(id), codes.collect())?, &[]);
            }
            outputs.extend(outcomes.into_iter().flat_map(|outcome| outcome.result));
        }
        if inputs.count() == 0 {
            for id in self.network.spiking() {
                watch(id, &Batch::new(0, shape(id), Vec::new())?, &[]);
            }
        }
        let steps = vec![self.network.time_steps(); inputs.count()];
        Ok(Stopped { output: Batch::new(inputs.count(), shape(self.network.output()), outputs)?, steps })
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
        Ok(self.simulate(inputs, None, &mut |id, codes, _| watch(id, codes), count)?.output)
    }
}

impl ClockedEngine<'_> {
    /// Runs samples through all steps, or each until its class is stable.
    fn simulate(
        &self,
        inputs: &Batch,
        until: Option<(UntilStable, &Listener)>,
        watch: &mut WatchStopped<'_>,
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Stopped, EngineError> {
        crate::check_samples(self.network, inputs)?;
        let program = match &self.program {
            Kind::Stream(program) => program,
            Kind::Online(online) => {
                return self.run_windows(&|part| Ok(online.run(self.network, part)), inputs, watch);
            }
            Kind::Windows(windows) => return self.run_windows(&|part| windows.run(self.network, part), inputs, watch),
        };
        let result = self.network.node(self.network.output()).shape.clone();
        let mut output = Batch::full(inputs.count(), result, 0.0)?;
        let mut steps = Vec::with_capacity(inputs.count());
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
                .map(|(input, output)| Part { input, output, codes: Vec::new(), counts: Vec::new(), steps: 0 })
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
            parts.par_iter_mut().for_each(|Part { input, output, codes, counts, steps }| {
                let mut workspace = self.workspace();
                *steps = workspace.run(self.network, program, input, Mode { until, recorder: None });
                for (stage, codes) in program.populations().zip(codes) {
                    workspace.codes(stage, codes);
                }
                let graded = program.populations().filter(|s| !crate::codes_count_spikes(self.network, s.node));
                for (stage, counts) in graded.zip(counts) {
                    workspace.counts(stage, counts);
                }
                output.copy_from_slice(&workspace.result(self.network, program, *steps));
                self.keep(workspace);
            });
            let first = steps.len();
            steps.extend(parts.iter().map(|part| part.steps));
            for (id, codes) in &codes {
                watch(*id, codes, &steps[first..]);
                if let Some((_, counts)) = counts.iter().find(|(counted, _)| counted == id) {
                    count(*id, counts);
                }
            }
        }
        Ok(Stopped { output, steps })
    }
}

impl StreamingEngine for ClockedEngine<'_> {
    fn record(&self, inputs: &Batch, show: &mut dyn FnMut(&StepRecord<'_>)) -> Result<Batch, EngineError> {
        let program = self.stream()?;
        crate::check_samples(self.network, inputs)?;
        let mut outputs = Vec::new();
        let mut workspace = self.workspace();
        for (sample, input) in inputs.samples().enumerate() {
            let recorder = Some(Recorder { sample, only: None, show });
            let steps = workspace.run(self.network, program, input, Mode { until: None, recorder });
            outputs.extend(workspace.result(self.network, program, steps));
        }
        self.keep(workspace);
        Batch::new(inputs.count(), self.network.node(self.network.output()).shape.clone(), outputs)
    }
    fn run_until_stable(
        &self,
        inputs: &Batch,
        rule: UntilStable,
        watch: &mut WatchStopped<'_>,
        count: &mut dyn FnMut(NodeId, &Batch<SpikeCount>),
    ) -> Result<Stopped, EngineError> {
        let listener = Listener::of(self.name(), self.network)?;
        self.simulate(inputs, Some((rule, &listener)), watch, count)
    }
}

#[cfg(test)]
mod tests {
    use spikeconverter_graph::Op;
    use spikeconverter_graph::ops::{Add, AvgPool, Conv, Linear, Reshape, Window};
    use spikeconverter_network::{NetworkBuilder, NodeKind, Readout, StreamingPopulation};
    use spikeconverter_neuron::Reset;

    use super::*;
    use crate::testing::Dice;

    /// Convolutions of few and of many channels, a shortcut, a mean, a dense layer.
    fn network(steps: u32) -> SpikingNetwork {
        let mut dice = Dice(3);
        let mut builder = NetworkBuilder::streaming(steps, "x", vec![3, 8, 8]).unwrap();
        let neurons = || {
            NodeKind::Streaming(StreamingPopulation {
                threshold: vec![0.5],
                reset: Reset::Subtract,
                ..StreamingPopulation::default()
            })
        };
        let mut at = builder.input();
        let mut before = None;
        for (channels, results) in [(3, 16), (16, 40), (40, 40)] {
            let weight = dice.values(results * channels * 9);
            let weight = spikeconverter_graph::Tensor::new(vec![results, channels, 3, 3], weight).unwrap();
            let window = Window::new(vec![3, 3]).padded(1);
            let conv = Op::Conv(Conv { weight, bias: None, window, groups: 1 });
            at = builder.add("conv", NodeKind::Synapse(conv), &[at]).unwrap();
            if let Some(before) = before.filter(|_| channels == results) {
                let add = Op::Add(Add { coefficients: vec![1.0, 1.0] });
                at = builder.add("add", NodeKind::Synapse(add), &[at, before]).unwrap();
            }
            at = builder.add("neurons", neurons(), &[at]).unwrap();
            before = Some(at);
        }
        let window = Window::new(vec![2, 2]).strided(2);
        let pool = Op::AvgPool(AvgPool { window, ceil: false, count_include_pad: false });
        at = builder.add("pool", NodeKind::Synapse(pool), &[at]).unwrap();
        at = builder.add("flat", NodeKind::Synapse(Op::Reshape(Reshape { shape: vec![640] })), &[at]).unwrap();
        let weight = spikeconverter_graph::Tensor::new(vec![5, 640], dice.values(5 * 640)).unwrap();
        at = builder.add("dense", NodeKind::Synapse(Op::Linear(Linear { weight, bias: None })), &[at]).unwrap();
        at = builder.add("out", NodeKind::Readout(Readout::default()), &[at]).unwrap();
        builder.finish(at).unwrap()
    }

    #[test]
    fn memory_does_not_grow_with_time_steps() {
        // whole blocks, so that tiles are alike
        let sizes = [32, 64, 4000].map(|steps| {
            let network = network(steps);
            let engine = ClockedEngine::new(&network).unwrap();
            let sample = Batch::new(1, vec![3, 8, 8], Dice(4).values(192)).unwrap();
            let mut spikes = 0;
            engine.run(&sample, &mut |_, counts| spikes += counts.data().iter().sum::<i32>()).unwrap();
            assert!(spikes > 1000, "{spikes}");
            let spare = engine.spare.lock().unwrap();
            spare.iter().map(Workspace::bytes).sum::<usize>()
        });
        assert!(sizes[0] > 100_000 && sizes.iter().all(|size| *size == sizes[0]), "{sizes:?}");
    }
}
